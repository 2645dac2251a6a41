"""Live among the other directories of one store: be known to be alive, tell, and listen."""

import logging
from typing import Final

import trio

from directory_server.community.elsewhere import Elsewhere
from directory_server.community.telling import Telling
from directory_server.core.cluster.bulletins import Bulletin, decode_bulletin
from directory_server.core.cluster.lease import RENEW_SECONDS, Lease
from directory_server.core.operating.counts import Counts
from directory_server.storage.cluster import Cluster
from shared.errors import ProtocolError, StorageError

log = logging.getLogger(__name__)

PUBLISH_SECONDS: Final = 0.1
PAUSE_SECONDS: Final = 0.5  # before another try
COMPARE_SECONDS: Final = 600.0  # so that nothing that went wrong stays wrong for long
LEAVE_SECONDS: Final = 2.0


class Directories:
    def __init__(
        self, cluster: Cluster, elsewhere: Elsewhere, telling: Telling, counts: Counts, address: str
    ) -> None:
        """`address`: where users reach this directory, as the others tell theirs."""
        self._cluster, self._elsewhere, self._telling = cluster, elsewhere, telling
        self._counts, self.address = counts, address
        self.others: tuple[str, ...] = ()  #: the addresses of the others that live; "": not told
        self._lease = Lease()
        self._must_compare = False
        self._compared = float("-inf")
        self._scope = trio.CancelScope()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Live until `leave`; start when all is known that the others know.

        Raises StorageError when the database cannot be reached at the start.
        """
        with self._scope:
            await self._join()
            async with trio.open_nursery() as nursery:
                await nursery.start(self._listen)
                nursery.start_soon(self._stay_alive)
                nursery.start_soon(self._publish)
                nursery.start_soon(self._read)
                nursery.start_soon(self._telling.run, lambda: self._elsewhere.whereabouts.directory)
                task_status.started()

    async def leave(self) -> None:
        """Tell the others that nobody is here any more."""
        self._scope.cancel()
        with trio.move_on_after(LEAVE_SECONDS):
            try:
                await self._cluster.leave(self._elsewhere.whereabouts.directory)
            except StorageError as error:
                log.warning("the other directories were not told of the end: %s", error)

    # --- Being alive ---

    async def _join(self) -> None:
        number = await self._cluster.join(self.address)
        self._elsewhere.whereabouts.joined(number)
        await self._renew()

    async def _stay_alive(self) -> None:
        is_lost = False
        while True:
            await trio.sleep(RENEW_SECONDS)
            try:
                if not await self._renew():
                    log.warning("the other directories thought this one dead: all is told again")
                    await self._join()
                    self._must_compare = True
            except StorageError as error:
                self._lease.failed()
                if not is_lost:
                    log.warning("the database cannot be reached: %s", error)
                is_lost = True
            else:
                is_lost = False

    async def _renew(self) -> bool:
        """Return False when this directory was thought dead.  Raises StorageError."""
        asked = trio.current_time()
        renewal = await self._cluster.renew(
            self._elsewhere.whereabouts.directory,
            self.address,
            sweep=self._lease.may_sweep(asked),
        )
        now = trio.current_time()
        self._elsewhere.clock.read(asked, now, renewal.time)
        self._lease.renewed(now)
        self.others = renewal.others
        return renewal.is_known

    # --- Telling and hearing ---

    async def tell(self, *, kicked: tuple[tuple[int, str], ...] = (), notice: str = "") -> None:
        """Tell the others at once.  Raises StorageError, and then they may hear it all the same."""
        number = self._elsewhere.whereabouts.directory
        await self._cluster.tell([Bulletin(number, kicked=kicked, notice=notice)])

    async def _publish(self) -> None:
        is_lost = False
        while True:
            await trio.sleep(PAUSE_SECONDS if is_lost else PUBLISH_SECONDS)
            if not self._elsewhere.whereabouts.has_news:
                continue
            try:
                await self._elsewhere.publish()
                is_lost = False
            except StorageError as error:
                if not is_lost:
                    log.warning("the other directories cannot be told who is here: %s", error)
                is_lost = True

    async def _read(self) -> None:
        while True:
            await self._elsewhere.must_read.wait()
            try:
                await self._elsewhere.read()
            except StorageError as error:
                log.info("what another directory told of cannot be read: %s", error)
                await trio.sleep(PAUSE_SECONDS)

    async def _listen(self, task_status: trio.TaskStatus[None]) -> None:
        is_new, is_lost = True, False
        while True:
            try:
                async with self._cluster.listen() as receive:
                    await self._compare()
                    if is_new:
                        task_status.started()
                    is_new = is_lost = False
                    while True:
                        self._hear(await receive())
                        now = trio.current_time()
                        if self._must_compare or now > self._compared + COMPARE_SECONDS:
                            await self._compare()
            except StorageError as error:
                if not is_lost:
                    log.warning("nothing is heard of the other directories: %s", error)
                is_lost = True
                await trio.sleep(PAUSE_SECONDS)

    async def _compare(self) -> None:
        self._must_compare = False
        try:
            await self._elsewhere.compare()
        except StorageError:
            self._must_compare = True
            raise
        self._compared = trio.current_time()

    def _hear(self, payloads: list[str]) -> None:
        for payload in payloads:
            try:
                bulletin = decode_bulletin(payload)
            except ProtocolError as error:
                log.warning("%s", error)
                self._must_compare = True  # whatever it was, the database says it, too
                continue
            if bulletin.directory != self._elsewhere.whereabouts.directory:
                self._counts.heard += 1
                self._elsewhere.hear(bulletin)
