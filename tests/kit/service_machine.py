"""A machine for the commands of OPERATING.md: its paths lead into a folder of the test.

    machine = ServiceMachine(stage)
    machine.runs("systemctl start dirserver")

`systemctl` reads the real unit and starts its command as systemd does for Type=notify: with
a socket to report to, and no terminal.  What only root may do, or changes the real machine,
does nothing.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Final

from tests.kit.handed_sockets import listening, with_sockets
from tests.kit.ports import free_port
from tests.kit.programs import PATIENCE, Program, Stage, tool

ROOT: Final = Path(__file__).parent.parent.parent
PATHS: Final = (
    "/etc/systemd/system", "/etc/parley", "/opt/parley", "/usr/local/bin", "/var/backups",
    "/var/lib",
)  # fmt: skip
HARMLESS: Final = ("useradd", "chown", "ufw")
SECONDS: Final = 300  # for one command, on a slow machine


class ServiceMachine:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.root, self.checkout = stage.folder / "machine", stage.folder / "checkout"
        for path in (*PATHS, "/bin"):
            self.path(path).mkdir(parents=True, exist_ok=True)
        for name in HARMLESS:
            (self.root / "bin" / name).write_text("#!/bin/sh\nexit 0\n")
            (self.root / "bin" / name).chmod(0o755)
        (self.root / "bin" / "runuser").write_text('#!/bin/sh\nshift 3; exec "$@"\n')
        (self.root / "bin" / "runuser").chmod(0o755)
        # Its libraries are those of the Python that runs the tests.
        (self.root / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
        self.port, self.metrics = free_port(), free_port()
        self._copy_sources()
        here = next(path for path in sys.path if path.endswith("site-packages"))
        self._environment = {
            **stage.environment,
            "PATH": f"{self.root}/bin:{self.path('/usr/local/bin')}:{os.environ['PATH']}",
            "PYTHONPATH": here,  # without a network: the libraries that are installed here
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this as: do not isolate
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        self.service: Program | None = None
        self._sockets: list[socket.socket] = []  # that systemd holds

    def path(self, name: str) -> Path:
        return self.root / name[1:]

    def _copy_sources(self) -> None:
        made_here = shutil.ignore_patterns("__pycache__")
        self.checkout.mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, self.checkout)
        for package in ("directory_server", "peer", "shared"):
            shutil.copytree(ROOT / package, self.checkout / package, ignore=made_here)
        options = self.checkout / "directory_server" / "deploy" / "dirserver.toml"
        options.write_text(self.here(options.read_text()))

    def here(self, text: str) -> str:
        """Return the text with the paths and ports of this machine."""
        text = text.replace("5000", str(self.port)).replace("9464", str(self.metrics))
        text = text.replace(" -g parley", "")  # a group that is not here
        return re.sub(
            "|".join(rf"(?<!\S){path}\b" for path in PATHS),
            lambda found: str(self.path(found[0])),
            text,
        )

    def runs(self, command: str) -> str:
        """Run one command; return what it said.  It must end with code 0."""
        match shlex.split(command):
            case ["export", pair]:
                name, _, value = pair.partition("=")
                self._environment[name] = self.here(value)
            case ["systemctl", *words]:
                self._systemctl(words)
            case ["dirserver", port, *_] if port.isdigit():
                self._tries(command)
            case _:
                return self._runs(command)
        return ""

    def _runs(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(command)],
            cwd=self.checkout,
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _tries(self, command: str) -> None:
        """Start a directory at a terminal's prompt, see it listen, and end it with Ctrl-C."""
        _, *words = shlex.split(self.here(command))
        program = self._stage.starts(tool("dirserver"), *words)
        program.sees_like("Directory listening on .*")
        program.sends(signal.SIGINT)
        assert program.ends() == 0

    # --- systemd ---

    def _systemctl(self, words: list[str]) -> None:
        match words:
            case ["daemon-reload"]:
                assert self._unit("Type") == "notify"
            case ["enable", "--now", "dirserver.socket"]:
                self._sockets = [self._listens(at) for at in self._listed("ListenStream")]
            case ["start", "dirserver"] | ["enable", "--now", "dirserver"]:
                self._starts()
            case ["stop", "dirserver"]:
                self._stops()
            case ["restart", "dirserver"]:
                self._stops()
                self._starts()
            case ["reload", "dirserver"]:
                assert self.service is not None
                assert self._unit("ExecReload") == "/bin/kill -HUP $MAINPID"
                self.service.sends(signal.SIGHUP)
                self.service.says_like(".*the options are read anew")
            case _:
                raise AssertionError(f"this machine has no systemctl {words}")

    def _unit(self, key: str) -> str:
        unit = self.path("/etc/systemd/system") / "dirserver.service"
        return str(re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)[0])

    def _listed(self, key: str) -> list[str]:
        unit = self.path("/etc/systemd/system") / "dirserver.socket"
        assert re.findall(r"^BindIPv6Only=(.*)$", unit.read_text(), re.MULTILINE) == ["ipv6-only"]
        return re.findall(rf"^{key}=(.*)$", self.here(unit.read_text()), re.MULTILINE)

    def _listens(self, at: str) -> socket.socket:
        host, _, port = at.rpartition(":")
        return listening(host.strip("[]"), int(port))

    def close(self) -> None:
        """Close what systemd holds."""
        for one in self._sockets:
            one.close()

    def _starts(self) -> None:
        state = self.path("/var/lib") / self._unit("StateDirectory")
        state.mkdir(mode=int(self._unit("StateDirectoryMode"), 8), exist_ok=True)
        manager = self._stage.folder / "notify"
        manager.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hearing:
            hearing.bind(str(manager))
            hearing.settimeout(PATIENCE)
            words = shlex.split(self.here(self._unit("ExecStart")))
            environment = {**self._environment, "NOTIFY_SOCKET": str(manager)}
            start = partial(with_sockets, self._sockets) if self._sockets else Program
            self.service = start(words, name="the service", environment=environment)
            self._stage.programs.append(self.service)
            try:
                assert "READY=1" in hearing.recv(1_000).decode().splitlines()
            except TimeoutError:
                raise AssertionError(self.service.transcript()) from None

    def _stops(self) -> None:
        if self.service is not None and self.service.process.poll() is None:
            self.service.sends(signal.SIGTERM)
            assert self.service.ends() == 0
