"""Real programs for tests: started in pipes, typed to, and read line by line.

    def test_something(stage: Stage) -> None:
        stage.directory()
        carol, dave = stage.peer("carol"), stage.peer("dave")
        carol.types("CHAT dave")
        dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")

Nothing here sleeps and hopes: every wait is for a line or an end, with a deadline
that only a hanging program reaches.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PATIENCE = 40.0  # seconds for one line; far more than a slow machine needs
HOST = "127.0.0.1"


class Program:
    """One process, its stdin and its lines."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        name: str = "",
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.name = name or words[0]
        self.process = subprocess.Popen(
            [*prefix, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            bufsize=0,
        )
        self.lines: list[str] = []  #: all that came on stdout, in order
        self.errors: list[str] = []  #: the same of stderr
        self._unread: list[str] = []  # of stdout, not yet seen by a test
        self._changed = threading.Condition()
        self._is_read = threading.Event()  # stdout, by us
        self._is_read.set()
        self._readers = [
            threading.Thread(target=self._read, args=(pipe, lines), daemon=True)
            for pipe, lines in ((self._stdout, self.lines), (self._stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    # --- At the keyboard ---

    def types(self, *lines: str) -> None:
        for line in lines:
            self.types_bytes(line.encode() + b"\n")

    def types_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        rest = memoryview(data)
        while rest:
            rest = rest[self.process.stdin.write(rest) or 0 :]

    def ends_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    # --- On the screen ---

    def sees(self, line: str, within: float = PATIENCE) -> None:
        """This line comes, or came and was not seen yet; lines before it stay unseen."""
        self.sees_like(re.escape(line), within)

    def sees_like(self, pattern: str, within: float = PATIENCE) -> str:
        """The same for a line that the pattern describes as a whole; returns it."""
        position = self._wait(self._unread, pattern, within, "never saw")
        return self._unread.pop(position)

    def says_like(self, pattern: str, within: float = PATIENCE) -> str:
        """The same on stderr; the line may be seen again."""
        return self.errors[self._wait(self.errors, pattern, within, "never said")]

    def has_seen(self, line: str) -> int:
        """How often this line stood on the screen."""
        return self.lines.count(line)

    def screen_is_paused(self) -> None:
        """Nobody reads its stdout, until `screen_goes_on`."""
        self._is_read.clear()

    def screen_goes_on(self) -> None:
        self._is_read.set()

    # --- Its end ---

    @property
    def pid(self) -> int:
        return self.process.pid

    def sends(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def dies(self) -> None:
        """kill -9; returns when it is gone."""
        self.process.kill()
        self.ends()

    def ends(self, within: float = PATIENCE) -> int:
        """Wait for its end; returns the exit code when all it said is read."""
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} never ended\n{self.transcript()}") from None
        for reader in self._readers:
            reader.join(within)
        return code

    def closes(self) -> None:
        self.screen_goes_on()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join(PATIENCE)
        assert self.process.stdin is not None
        self.process.stdin.close()

    def resident_kib(self) -> int:
        return resident_kib(self.pid)

    def transcript(self) -> str:
        shown = [f"  {line}" for line in self.lines[-40:]]
        said = [f"  stderr: {line}" for line in self.errors[-20:]]
        return "\n".join([f"{self.name} showed:", *shown, *said])

    # --- Inside ---

    @property
    def _stdout(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    @property
    def _stderr(self) -> int:
        assert self.process.stderr is not None
        return self.process.stderr.fileno()

    def _read(self, pipe: int, lines: list[str]) -> None:
        with open(pipe, encoding="utf-8", errors="replace", newline="\n", closefd=False) as file:
            for line in file:
                if lines is self.lines:
                    self._is_read.wait()
                with self._changed:
                    lines.append(line.rstrip("\n"))
                    if lines is self.lines:
                        self._unread.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()
        stream = self.process.stdout if lines is self.lines else self.process.stderr
        assert stream is not None
        stream.close()

    def _wait(self, lines: list[str], pattern: str, within: float, otherwise: str) -> int:
        """Where in these lines, which grow, the first one that fits stands."""
        wanted = re.compile(pattern)
        deadline = time.monotonic() + within
        position = 0
        with self._changed:
            while True:
                over = not any(reader.is_alive() for reader in self._readers)
                while position < len(lines):
                    if wanted.fullmatch(lines[position]):
                        return position
                    position += 1
                left = deadline - time.monotonic()
                if left <= 0 or over:
                    raise AssertionError(
                        f"{self.name} {otherwise} {pattern!r}\n{self.transcript()}"
                    )
                self._changed.wait(min(left, 0.5))


class Stage:
    """The programs of one test, with their folders; all are gone when it is over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.programs: list[Program] = []
        self.environment = {
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "share"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TZ": "UTC",
            # Compiled once, not at each start, also where Python may not write beside sources.
            "PYTHONPYCACHEPREFIX": str(folder.parent.parent / "bytecode"),
            "PYTHONDONTWRITEBYTECODE": "",
        }

    @property
    def directory_data(self) -> Path:
        return self.folder / "directory"

    def data_of(self, name: str) -> Path:
        return self.folder / name

    def starts(self, *words: str, name: str = "", prefix: Sequence[str] = ()) -> Program:
        program = Program(words, name=name, environment=self.environment, prefix=prefix)
        self.programs.append(program)
        return program

    def directory(self, *options: str) -> Program:
        """Started, or started again on the same port and data; returns when it listens."""
        data = ("--data", str(self.directory_data))
        program = self.starts(
            tool("dirserver"), str(self.port), *data, *options, name="the directory"
        )
        said = program.sees_like(r"Directory listening on .*:(\d+), key .*")
        self.port = int(re.findall(r":(\d+), key", said)[0])
        return program

    def peer(self, name: str, *options: str) -> Program:
        """Registered when this returns."""
        program = self.starts_peer(name, *options)
        program.sees(f"You are {name}, connected to the directory at {HOST}:{self.port}.")
        return program

    def starts_peer(self, name: str, *options: str, prefix: Sequence[str] = ()) -> Program:
        data = ("--data", str(self.data_of(name)))
        words = (tool("peer"), name, HOST, str(self.port), *data, *options)
        return self.starts(*words, name=name, prefix=prefix)

    def once(self, name: str, *command: str) -> Program:
        """The one-shot form; its end is still to come."""
        return self.starts_peer(name, *command)

    def talk(self, one: str = "carol", other: str = "dave") -> tuple[Program, Program]:
        """Two peers in a conversation."""
        carol, dave = self.peer(one), self.peer(other)
        connect(carol, one, dave, other)
        return carol, dave

    def closes(self) -> None:
        for program in self.programs:
            program.closes()


def taken(name: str) -> str:
    """What is said of a name that is somebody else's."""
    return (
        f"The name {name} is taken: it belongs to the key that registered it first."
        " Choose another name:"
    )


def connect(carol: Program, one: str, dave: Program, other: str) -> None:
    carol.types(f"CHAT {other}")
    dave.sees(f"User {one} wants to chat with you. Would you like to? (Y/N)")
    dave.types("Y")
    dave.sees(f"You are now connected with {one}.")
    carol.sees(f"You are now connected with {other}.")


def resident_kib(pid: int) -> int:
    """How much memory a process holds (VmRSS)."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, status
    return int(found[1])


def tool(name: str) -> str:
    """The console script beside the Python that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def staged(folder: Path) -> Iterator[Stage]:
    """For a fixture: a stage, and afterwards no program, no traceback and no warning."""
    stage = Stage(folder)
    try:
        yield stage
    finally:
        stage.closes()
    for program in stage.programs:
        said = program.errors + program.lines
        assert not [line for line in said if "Traceback" in line], program.transcript()
