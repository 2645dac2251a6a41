"""PostgreSQL servers for tests: a primary and its synchronous standby, in a temporary folder.

They run as an ordinary user, as the server refuses root, and end with the test.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.ports import free_port
from tests.kit.programs import children_of

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
SECONDS = 60.0  # for a server to start, or to follow; far more than it needs
STANDBY = "tests"  # the application name of a standby, which the primary waits for
SETTINGS = """
listen_addresses = '127.0.0.1'
max_wal_senders = 8
max_replication_slots = 8
wal_level = replica
hot_standby = on
wal_keep_size = 64MB
fsync = {fsync}
"""


def why_not() -> str:
    """Return why no server can run here; "" if one can."""
    if not PROGRAMS:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    if importlib.util.find_spec("psycopg") is None:
        return 'psycopg is not installed (pip install "psycopg[binary]")'
    if not os.geteuid() and shutil.which("setpriv") is None:
        return "PostgreSQL refuses to run as root, and setpriv is missing"
    return ""


#: marks a test that needs a server
needs_postgres = pytest.mark.skipif(bool(why_not()), reason=why_not())


def ordinary_user() -> list[str]:
    """Return the words before a command that let it run as an ordinary user."""
    if os.geteuid():
        return []
    user = pwd.getpwnam("nobody")
    # A server ends with the tests, even if they are killed.
    ends = ["--pdeathsig", "QUIT"]
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *ends]


class Server:
    """One PostgreSQL server, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._bin, self._as_user = PROGRAMS[-1], ordinary_user()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://tests@127.0.0.1:{self.port}/postgres"

    def call(self, program: str, *arguments: str) -> None:
        words = [*self._as_user, str(self._bin / program), *arguments]
        done = subprocess.run(
            words, check=False, capture_output=True, text=True, cwd="/", env={"LC_ALL": "C"}
        )
        assert done.returncode == 0, done.stderr

    def make(self, *, fsync: bool = True) -> None:
        """Make a database, whose only role is `tests`, and needs no password."""
        self.call("initdb", "-D", str(self.folder), "-U", "tests", "-A", "trust", "-N")
        self._configure(SETTINGS.format(fsync="on" if fsync else "off"))

    def copy(self, primary: "Server") -> None:
        """Become a copy of this primary, and follow it."""
        self.call(
            "pg_basebackup", "-D", str(self.folder), "-c", "fast", "-R",
            "-d", f"{primary.url}?application_name={STANDBY}",
        )  # fmt: skip

    def _configure(self, lines: str) -> None:
        with (self.folder / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(lines)

    def start(self) -> None:
        words = [
            *self._as_user, str(self._bin / "postgres"), "-D", str(self.folder),
            "-p", str(self.port), "-k", str(self.folder),
        ]  # fmt: skip
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                words, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        self._wait("SELECT 1")

    def _wait(self, query: str, *, is_ok: str = "") -> None:
        end = time.monotonic() + SECONDS
        while True:
            with contextlib.suppress(AssertionError):
                answer = self.ask(query)
                if not is_ok or answer == is_ok:
                    return
            assert time.monotonic() < end, f"{self.folder.name}: {query}"
            time.sleep(0.1)

    def ask(self, query: str) -> str:
        """Return the first value of the answer, as text."""
        words = [str(self._bin / "psql"), "-AtX", "-d", self.url, "-c", query]
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def has_standby(self) -> None:
        """Let each commit wait for the standby from now on."""
        self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
        self.ask("SELECT pg_reload_conf()")
        self.wait_for_standby()

    def wait_for_standby(self) -> None:
        self._wait("SELECT sync_state FROM pg_stat_replication", is_ok="sync")

    def wait_for_standby_at(self, primary: "Server") -> None:
        self._wait("SELECT pg_is_in_recovery()", is_ok="t")
        primary.wait_for_standby()

    def promote(self) -> None:
        self.ask("SELECT pg_promote()")
        self._wait("SELECT pg_is_in_recovery()", is_ok="f")

    # --- What happens to it ---

    def signal(self, number: int) -> None:
        """Send a signal to all of its processes."""
        for process in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def _processes(self) -> list[int]:
        assert self._process is not None
        return [self._process.pid, *children_of(self._process.pid)]

    def freezes(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaws(self) -> None:
        self.signal(signal.SIGCONT)

    def is_killed(self) -> None:
        """All its processes, at once."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def ends(self) -> None:
        if self._process is not None:
            self.thaws()
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def servers() -> Iterator["Servers"]:
    """Yield a place for servers; all of them end.

    Not one of pytest's folders, which are for their owner only: the servers are another user.
    """
    with tempfile.TemporaryDirectory(prefix="parley-postgres-") as folder:
        if not os.geteuid():
            shutil.chown(folder, "nobody")
        made = Servers(Path(folder))
        try:
            yield made
        finally:
            for one in made.all:
                one.ends()


class Servers:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.all: list[Server] = []

    def new(self) -> Server:
        server = Server(self._folder / f"server{len(self.all)}")
        self.all.append(server)
        return server

    def one(self) -> Server:
        """Return a server without a standby."""
        server = self.new()
        server.make()
        server.start()
        return server

    def two(self) -> tuple[Server, Server]:
        """Return a primary, and the standby that each of its commits waits for."""
        primary, standby = self.one(), self.new()
        standby.copy(primary)
        standby.start()
        primary.has_standby()
        return primary, standby


def url_of(*hosts: Server) -> str:
    places = ",".join(f"127.0.0.1:{one.port}" for one in hosts)
    return f"postgresql://tests@{places}/postgres"
