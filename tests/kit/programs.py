"""Real programs for tests: started in pipes, typed to, and read line by line.

    def test_something(stage: Stage) -> None:
        stage.directory()
        carol, dave = stage.peer("carol"), stage.peer("dave")
        carol.types("CHAT dave")
        dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")

Nothing here sleeps and hopes: every wait is for a line or an end, with a deadline that only
a hanging program reaches.
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

from tests.kit.ports import free_port

PATIENCE = 40.0  # seconds for one line; far more than a slow machine needs
HOST = "127.0.0.1"


class Program:
    """One process, with its stdin and its lines."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        name: str = "",
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        descriptors: Sequence[int] = (),
    ) -> None:
        self.name = name or words[0]
        self.process = subprocess.Popen(
            [*prefix, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            bufsize=0,
            pass_fds=descriptors,
        )
        self.lines: list[str] = []  #: all lines of stdout, in order
        self.errors: list[str] = []  #: all lines of stderr, in order
        self._unread: list[str] = []  # lines of stdout that no test has seen yet
        self._changed = threading.Condition()
        self._is_read = threading.Event()  # whether we read stdout
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
        """Wait for this line, unless it is there unseen; lines before it stay unseen."""
        self.sees_like(re.escape(line), within)

    def sees_like(self, pattern: str, within: float = PATIENCE) -> str:
        """Wait for a line that matches the whole pattern; return it."""
        position = self._wait(self._unread, pattern, within, "never saw")
        return self._unread.pop(position)

    def says_like(self, pattern: str, within: float = PATIENCE) -> str:
        """Wait for such a line on stderr; the line may be found again."""
        return self.errors[self._wait(self.errors, pattern, within, "never said")]

    def has_seen(self, line: str) -> int:
        """Return how often this line was on the screen."""
        return self.lines.count(line)

    def screen_is_paused(self) -> None:
        """Stop reading its stdout, until `screen_goes_on`."""
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
        """Kill it with kill -9; return when it is gone."""
        self.process.kill()
        self.ends()

    def ends(self, within: float = PATIENCE) -> int:
        """Wait for its end; return the exit code when all its output is read."""
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
        """Wait for a line that fits among these, which grow; return its index."""
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
    """The programs of one test, with their folders; all end with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.programs: list[Program] = []
        self.environment = {
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "share"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TZ": "UTC",
            # What a test starts is nobody's business on this machine's network.
            "DIRSERVER_NO_ANNOUNCE": "yes",
            "PARLEY_NO_FIND": "yes",
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
        """Start the directory, always on the same port and data; return when it listens."""
        data = ("--data", str(self.directory_data))
        program = self.starts(
            tool("dirserver"), str(self.port), *data, *options, name="the directory"
        )
        said = program.sees_like(r"Directory listening on .*:(\d+), key .*")
        self.port = int(re.findall(r":(\d+), key", said)[0])
        return program

    def peer(self, name: str, *options: str) -> Program:
        """Start a peer; return when it is registered."""
        program = self.starts_peer(name, *options)
        program.sees(f"You are {name}, connected to the directory at {HOST}:{self.port}.")
        return program

    def starts_peer(self, name: str, *options: str, prefix: Sequence[str] = ()) -> Program:
        data = ("--data", str(self.data_of(name)))
        words = (tool("peer"), name, HOST, str(self.port), *data, *options)
        return self.starts(*words, name=name, prefix=prefix)

    def once(self, name: str, *command: str) -> Program:
        """Start the one-shot form; return before its end."""
        return self.starts_peer(name, *command)

    def talk(self, one: str = "carol", other: str = "dave") -> tuple[Program, Program]:
        """Start two peers, and bring them into a conversation."""
        carol, dave = self.peer(one), self.peer(other)
        connect(carol, one, dave, other)
        return carol, dave

    def closes(self) -> None:
        for program in self.programs:
            program.closes()


def taken(name: str) -> str:
    """Return the message for a name that belongs to somebody else."""
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
    """Return how much memory a process holds (VmRSS), in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, status
    return int(found[1])


def children_of(pid: int) -> list[int]:
    """Return the ids of the processes that one has started, whichever of its threads did."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(int(child) for task in tasks for child in task.read_text().split())


def command_of(pid: int) -> str:
    """Return the name of the program that a process runs."""
    return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")


def tool(name: str) -> str:
    """Return the path of a console script beside the Python that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def staged(folder: Path) -> Iterator[Stage]:
    """Yield a stage for a fixture; then check that no program, traceback or warning is left."""
    stage = Stage(folder)
    try:
        yield stage
    finally:
        stage.closes()
    for program in stage.programs:
        said = program.errors + program.lines
        assert not [line for line in said if "Traceback" in line], program.transcript()
