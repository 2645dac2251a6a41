"""Register at a directory of our community, and stay registered.

While no directory is there everything else goes on, and we come back by ourselves under the
same name, after a random pause that grows.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio

from peer.core.reach.back_off import pause
from peer.core.reach.presence import Presences
from peer.runtime.directory.certificates import Certificates
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.directory.known_directories import KnownDirectories
from peer.runtime.directory.session import DirectoryListener, DirectorySession
from peer.runtime.directory.tries import Tries
from shared.errors import KeyChanged, ParleyError, Refused, Unreachable, is_silence
from shared.messages.directory import Welcome
from shared.world import World

WATCH_SECONDS: Final = 2.0
UNHEARD_SECONDS: Final = 8.0  # with the pause above: 10 s at most
ITS_OWN: Final = {"DISK", "LIMIT", "VERSION"}  # refusals for reasons of one directory only
TOLD_MOST: Final = 20  # refusals in one outage: who shows new keys for ever is told of no more
TRY_PAUSE: Final = 0.5  # after a failed try, even if a script types commands all the time


class Registrar:
    """My registration at one of the directories of our community."""

    def __init__(
        self, world: World, certificates: Certificates, known: KnownDirectories,
        session: DirectorySession, client: DirectoryClient, tries: Tries, presences: Presences,
    ) -> None:  # fmt: skip
        self._world, self._certificates, self._known = world, certificates, known
        self._session, self._client, self._tries = session, client, tries
        self._presences = presences

    def leave(self) -> None:
        """Say good bye and stay away."""
        self._session.leave()

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Move to no other directory within the block."""
        self._session.may_move = False
        try:
            yield
        finally:
            self._session.may_move = True

    async def watch(self) -> None:
        """Cut the connection when its host confirms nothing; until cancelled.

        Keepalive does the same, but not while bytes of ours are on their way.
        """
        while True:
            await trio.sleep(WATCH_SECONDS)
            link = self._client.link
            if link is not None and link.wire.unheard() > UNHEARD_SECONDS:
                link.cut(f"its host has not answered for {UNHEARD_SECONDS:.0f} seconds")

    async def stay_registered(
        self,
        listener: DirectoryListener,
        waits: bool = False,
        *,
        task_status: trio.TaskStatus[Welcome] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Register now, and again whenever the connection was lost, until `leave`.

        If the first round of tries fails, raises NameTaken, Refused, Unreachable or
        KeyChanged.  A later refusal is told, once, as `refused`.

        `waits`: a community that has registered us before is tried until it answers.
        """
        await trio.lowlevel.checkpoint_if_cancelled()  # at the end the journal is closed
        self._known.recall(self._certificates.recall())
        await self._begin(listener, task_status.started, waits)
        while not self._session.is_left:
            listener.lost()
            await self._come_back(listener)

    async def _begin(
        self, listener: DirectoryListener, started: Callable[[Welcome], None], waits: bool
    ) -> None:
        """Register for the first time in this program, and serve that registration to its end."""
        for tries in itertools.count():
            begun = trio.current_time()
            failure = await self._try_each(listener, started, set())
            if failure is None:
                return
            may_wait = waits and self._certificates.is_mine_known and not self._session.is_left
            if not (may_wait and is_silence(failure)):
                raise failure
            if tries == 0:
                listener.unanswered(str(failure))
            await self._pause(begun, tries)

    async def _pause(self, begun: float, tries: int) -> None:
        """Wait for the next try, which nobody makes at the same time as many others."""
        await trio.sleep(TRY_PAUSE)
        share = self._world.chance.uniform(0.5, 1.0)
        await self._tries.wait_hurried(begun + pause(tries, self._presences.online) * share)

    async def _come_back(self, listener: DirectoryListener) -> None:
        """Try until registered once more, and serve that registration to its end."""
        told: set[str] = set()
        begun = trio.current_time()
        for tries in itertools.count():
            await self._pause(begun, tries)
            if self._session.is_left:
                return
            begun = trio.current_time()
            failure = await self._try_each(listener, lambda _: None, told)
            if failure is None:
                return
            _tell_once(failure, listener, told)

    async def _try_each(
        self, listener: DirectoryListener, started: Callable[[Welcome], None], told: set[str]
    ) -> ParleyError | None:
        """Try each directory once, without a pause, and serve the registration to its end.

        Return the failure if there was none.  Who is refused asks the next one only for a
        reason that it may not have.  A changed key is `told`, also if another one answers.
        """
        failures: list[ParleyError] = []
        self._known.begin_round()
        while (address := self._known.next_address()) is not None:
            if self._session.is_left:
                self._known.ended(address)
                break
            if failures and isinstance(failures[-1], KeyChanged):
                _tell_once(failures[-1], listener, told)
            failure = await self._session.hold(address, listener, started)
            if failure is None:
                return None
            failures.append(failure)
            if isinstance(failure, Refused) and failure.code not in ITS_OWN:
                break
        self._tries.end()
        return _of_all(failures)


def _tell_once(failure: ParleyError, listener: DirectoryListener, told: set[str]) -> None:
    is_news = isinstance(failure, Refused | KeyChanged) and str(failure) not in told
    if is_news and len(told) < TOLD_MOST:
        told.add(str(failure))
        listener.refused(str(failure))


def _of_all(failures: list[ParleyError]) -> ParleyError:
    """Return the failure that says most of a round: the others are then behind it."""
    for failure in reversed(failures):
        if isinstance(failure, Refused | KeyChanged):
            return failure
    return Unreachable("; ".join(dict.fromkeys(map(str, failures))) or "we have left")
