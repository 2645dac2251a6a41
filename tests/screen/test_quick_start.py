"""The prompt appears before anything heavy is imported."""

import subprocess
import sys

HEAVY = {"rich", "cryptography", "sqlite3", "peer.local_peer", "peer.console.console"}


def imported_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    return set(found.stdout.split())


def test_the_prompt_imports_nothing_heavy() -> None:
    modules = imported_by("peer.screen.terminal.terminal")
    assert "prompt_toolkit" in modules
    assert not modules & HEAVY


def test_the_command_line_imports_less_still() -> None:
    modules = imported_by("peer.program.arguments") | imported_by("directory_server.arguments")
    assert "argparse" in modules
    assert not modules & {*HEAVY, "trio", "prompt_toolkit", "msgspec"}
