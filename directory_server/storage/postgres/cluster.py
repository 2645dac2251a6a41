"""Several directories on one PostgreSQL: what one says, the others hear by NOTIFY.

One connection tells, another one listens.  Everything told here can be told again, so its
commits wait for no disk and no standby.
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Final, TypeVar

import psycopg
import trio

from directory_server.core.cluster.bulletins import Bulletin, Here
from directory_server.core.registry import User
from directory_server.storage.cluster import Backlog, Claim, Everything, Found, Receive, Renewal
from directory_server.storage.postgres import names, presence
from directory_server.storage.postgres.commits import AWAY, refusal_of
from directory_server.storage.postgres.connection import FAILURES, Connection, Line, Lost
from directory_server.storage.store import Away
from shared.errors import Refused, StorageError

log = logging.getLogger(__name__)
T = TypeVar("T")

PATIENCE_SECONDS: Final = 4.0  # less than a lease: who waits for longer is thought dead anyway
WHOLE_SECONDS: Final = 60.0  # for 100,000 names, of which a busy machine reads 20,000 a second
QUIET_SECONDS: Final = 2.0  # then the listening connection is asked whether it is there
NO_WAIT: Final = "-c synchronous_commit=off"
NO_HURRY: Final = "-c idle_in_transaction_session_timeout=0"  # it only reads, and locks nothing


class PostgresCluster:
    def __init__(self, where: str, reader: Line) -> None:
        """`reader` is used for what is asked of the database, and belongs to the store."""
        self._news, self._ears = Line(where, settings=NO_WAIT), Line(where)
        self._whole, self._reader = Line(where, settings=NO_HURRY), reader

    def close(self) -> None:
        self._news.close()
        self._ears.close()
        self._whole.close()

    async def join(self, address: str) -> int:
        return await self._run(self._news, lambda connection: presence.join(connection, address))

    async def renew(self, directory: int, address: str, *, sweep: bool) -> Renewal:
        renewal = await self._run(
            self._news, partial(presence.renew, directory=directory, address=address, sweep=sweep)
        )
        for line in (self._ears, self._reader):
            if line.is_behind(self._news):  # an old primary may still answer
                line.break_off()
        return renewal

    async def leave(self, directory: int) -> None:
        await self._run(self._news, lambda connection: presence.leave(connection, directory))

    async def publish(self, directory: int, here: list[Claim], gone: list[Here]) -> dict[int, int]:
        return await self._run(
            self._news, partial(presence.publish, directory=directory, here=here, gone=gone)
        )

    async def tell(self, bulletins: list[Bulletin]) -> None:
        await self._run(self._news, lambda connection: presence.tell(connection, bulletins))

    async def everything(self) -> Everything:
        # It may take seconds: the lease is renewed over another line meanwhile.
        whole = await self._run(self._whole, presence.everything, WHOLE_SECONDS)
        self._whole.release()
        return whole

    async def backlog(self, ids: Iterable[int]) -> Backlog:
        return await self._run(self._reader, lambda connection: presence.backlog(connection, ids))

    async def users_of(self, ids: Iterable[int]) -> list[User]:
        return await self._run(self._news, lambda connection: names.users_of(connection, ids))

    async def find(self, name: str) -> Found:
        return await self._run(self._reader, lambda connection: presence.find(connection, name))

    async def _run(
        self, line: Line, work: Callable[[Connection], T], seconds: float = PATIENCE_SECONDS
    ) -> T:
        with trio.move_on_after(seconds):
            try:
                return await line.run(work)
            except (Lost, Refused) as lost:
                raise StorageError(f"{AWAY}: {lost}") from lost
            except psycopg.Error as error:  # such as: the others have deleted this directory
                raise refusal_of(error) from error
        line.break_off()
        raise Away(AWAY)

    # --- Listening ---

    @contextlib.asynccontextmanager
    async def listen(self) -> AsyncIterator[Receive]:
        heard: list[str] = []
        connection = await self._run(self._ears, partial(_begin_to_listen, heard=heard))

        async def receive() -> list[str]:
            if not heard:
                await self._wait(connection)
            some = heard.copy()
            heard.clear()
            return some

        try:
            yield receive
        finally:
            self._ears.break_off()  # not closed: a thread may still use it

    async def _wait(self, connection: Connection) -> None:
        """Wait until something is heard, or for a while."""
        with trio.move_on_after(QUIET_SECONDS):
            try:
                await trio.lowlevel.wait_readable(connection.fileno())
                _take_in(connection)
            except (*FAILURES, OSError, trio.ClosedResourceError) as error:
                raise StorageError(f"{AWAY}: {error}") from error
            return
        await self._run(self._ears, partial(_ask, expected=connection))


def _begin_to_listen(connection: Connection, heard: list[str]) -> Connection:
    connection.add_notify_handler(lambda notify: heard.append(notify.payload))
    connection.execute(f"LISTEN {presence.CHANNEL}")
    return connection


def _take_in(connection: Connection) -> None:
    """Read what the server has sent, without waiting for it."""
    connection.pgconn.consume_input()
    while (notify := connection.pgconn.notifies()) is not None:
        handler = connection.pgconn.notify_handler
        assert handler is not None
        handler(notify)


def _ask(connection: Connection, expected: Connection) -> None:
    """Find out whether the server is there; it also brings what was told meanwhile."""
    if connection is not expected:
        raise psycopg.OperationalError("the connection was replaced, and nothing was heard over it")
    connection.execute("SELECT 1")
