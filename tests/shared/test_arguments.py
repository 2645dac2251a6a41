"""The help of both programs is there at once, also on a terminal."""

import os
import subprocess
import sys

import pytest

HEAVY = {"trio", "rich", "cryptography", "msgspec", "sqlite3", "asyncio", "inspect"}


@pytest.mark.parametrize("module", ["directory_server.arguments", "peer.program.arguments"])
def test_the_help_loads_nothing_heavy_on_a_terminal(module: str) -> None:
    code = (
        f"import sys; from {module} import parse\n"
        "assert sys.stdout.isatty()\n"
        "try: parse(['--help'])\n"
        f"except SystemExit: sys.stderr.write(' '.join(sorted({HEAVY} & set(sys.modules))))"
    )
    screen, terminal = os.openpty()
    try:
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, stdout=terminal, stderr=subprocess.PIPE, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert os.read(screen, 6) == b"usage:"
    finally:
        os.close(screen)
        os.close(terminal)
