"""One connection to PostgreSQL: opened when it is needed, given up when it fails.

Promises depend on it, so it believes no success that is half of one:

- An old primary that comes back accepts connections again.  So all hosts are asked, and the
  one counts that writes and has the highest timeline; none that is lower than one seen before.
- A wait for the standby that somebody cancels looks like a commit, but for a notice.  Then
  the connection is given up, and the work is done again.
- A server that hangs is not noticed by TCP.  `break_off` ends the wait, from another thread.
- Nor does the server notice a directory that hangs, or whose machine has lost its power.  So it
  ends a transaction in which nothing comes: the other directories wait for what that has locked.
"""

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
import trio
from psycopg.conninfo import conninfo_to_dict, make_conninfo

log = logging.getLogger(__name__)
T = TypeVar("T")

CONNECT_SECONDS: Final = 3
IDLE_SECONDS: Final = 3  # in a transaction; clearly less than the patience of those who wait
WARNING: Final = "01000"  # "canceling wait for synchronous replication"
ENDED: Final = "57P01"  # somebody terminated the connection, perhaps during that wait
FAILURES: Final = (psycopg.OperationalError, psycopg.InterfaceError)
ALIVE: Final = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 9_000,
    "application_name": "dirserver",
    "client_encoding": "UTF8",
}

Connection: TypeAlias = psycopg.Connection[Any]


class Lost(Exception):
    """The database cannot be reached; what became of the work is unknown."""


def hosts_in(where: str) -> list[str]:
    """Return what connects to each of the hosts that a URL names.  Raises psycopg.Error."""
    options: dict[str, Any] = {**conninfo_to_dict(where), **ALIVE}
    hosts = str(options.pop("host", None) or "").split(",")
    ports = str(options.pop("port", None) or "").split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    return [
        make_conninfo("", **{**options, "host": host or None, "port": port or None})
        for host, port in zip(hosts, ports, strict=True)
    ]


def place_of(where: str) -> str:
    """Return where the database is, without what is secret in a URL."""
    options = [conninfo_to_dict(one) for one in hosts_in(where)]
    hosts = [f"{one.get('host') or 'this machine'}:{one.get('port') or 5432}" for one in options]
    return f"PostgreSQL at {' and '.join(hosts)}"


class Line:
    """A connection that one thread at a time uses."""

    def __init__(
        self,
        where: str,
        check: Callable[[Connection], None] = lambda _: None,
        *,
        settings: str = "",
    ) -> None:
        """`check` judges each new connection, in the thread; it may raise Refused.

        `settings`: of the session, as options of the server.
        """
        self._hosts, self._check = hosts_in(where), check
        idle = f"-c idle_in_transaction_session_timeout={IDLE_SECONDS}s"
        self._options = f"-c search_path=parley {idle} {settings}"
        self._connection: Connection | None = None
        self._limiter = trio.CapacityLimiter(1)
        self._is_half_done = self._is_closed = False
        self._timeline = ""  # of the last server that was chosen
        self._guard = threading.Lock()  # of `_connection`, which another thread may break off

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run work in a thread.  Raises Lost.

        A caller that is cancelled leaves the thread behind; who comes next waits for its end.
        """
        return await trio.to_thread.run_sync(
            self._run, work, limiter=self._limiter, abandon_on_cancel=True
        )

    def is_behind(self, other: "Line") -> bool:
        """Whether its server was primary before that of the other one."""
        return self._timeline < other._timeline

    def break_off(self) -> None:
        """End the connection now; whoever waits for it in the thread gets Lost."""
        with self._guard, contextlib.suppress(OSError, psycopg.Error):
            if self._connection is not None and not self._connection.closed:
                # A duplicate, so that it is not closed in the hands of the other thread.
                with socket.socket(fileno=os.dup(self._connection.fileno())) as duplicate:
                    duplicate.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Close the connection; the next work opens another one."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def close(self) -> None:
        """Close it for good; a thread that was left behind, and still connects, gets Lost."""
        self.break_off()
        with self._guard:
            self._is_closed = True
        self.release()

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            connection = self._opened()
            self._is_half_done = False
            result = work(connection)
        except psycopg.Error as error:
            if not (isinstance(error, FAILURES) or self._is_cut()):
                raise
            self.release()
            raise Lost(first_line(error)) from error
        if self._is_half_done:
            self.release()
            raise Lost("it was committed on one machine only")
        return result

    def _is_cut(self) -> bool:
        """Whether the server has ended the connection, for whatever it gives as its reason."""
        return self._connection is not None and self._connection.closed

    def _opened(self) -> Connection:
        if self._connection is None or self._connection.closed:
            connection = self._open()
            with self._guard:
                if self._is_closed:
                    connection.close()
                    raise Lost("nobody waits for it any more")
                self._connection = connection
        return self._connection

    def _open(self) -> Connection:
        """Connect to the host that has been primary last.  Raises one of FAILURES."""
        best: Connection | None = None
        reasons: list[str] = []
        for host in self._hosts:
            try:
                connection, timeline = self._connect(host)
            except FAILURES as error:
                reasons.append(first_line(error))
                continue
            if timeline is None:
                reasons.append("it is a standby")
            elif timeline < self._timeline:
                reasons.append("it was primary once, and does not know that it is no more")
            else:
                if best is not None:
                    best.close()
                best, self._timeline = connection, timeline
                continue
            connection.close()
        if best is None:
            raise psycopg.OperationalError("; ".join(reasons))
        try:
            self._check(best)
        except BaseException:
            best.close()
            raise
        best.add_notice_handler(self._note)
        return best

    def _connect(self, host: str) -> tuple[Connection, str | None]:
        """Return a connection, and the timeline on which this server writes, if it does."""
        connection = psycopg.connect(host, autocommit=True, options=self._options)
        try:
            return connection, _timeline_of(connection)
        except BaseException:
            connection.close()
            raise

    def _note(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.sqlstate in (WARNING, ENDED):
            self._is_half_done = True


def _timeline_of(connection: Connection) -> str | None:
    """Return the timeline on which this server writes, in hex; None: it is a standby."""
    row = connection.execute(
        "SELECT CASE WHEN NOT pg_is_in_recovery()"
        " THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END"
    ).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def first_line(error: BaseException) -> str:
    """Return what the server says, without the lines that show where in a statement of ours."""
    return (str(error).strip().splitlines() or ["the connection was lost"])[0]
