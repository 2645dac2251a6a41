"""Tell the directory whose comings and goings I want to hear of, while it tells no others.

The shell of `peer.core.reach.watch_list`.  In a small community the directory tells
everything, and nothing is said.
"""

import logging
from collections.abc import Iterable
from typing import Final

import trio

from peer.core.myself import Myself
from peer.core.reach.presence import Presences
from peer.core.reach.watch_list import Change, WatchList
from peer.runtime.directory.directory_client import DirectoryClient
from peer.storage.journal import Journal
from shared.errors import Refused, StorageError
from shared.messages.directory import WATCHED_AT_FIRST, Presence, Watch
from shared.names import fold
from shared.world import Clock

GATHER_SECONDS: Final = 1.0  # between two looks at what has changed, in a crowd

log = logging.getLogger("peer")


class Watching:
    def __init__(
        self, watch_list: WatchList, presences: Presences, directory: DirectoryClient,
        journal: Journal, myself: Myself, clock: Clock, *, is_passing: bool,
    ) -> None:  # fmt: skip
        """`is_passing`: this program performs one command, and hears of nobody unless it asks."""
        self._list, self._presences, self._directory = watch_list, presences, directory
        self._journal, self._myself, self._clock = journal, myself, clock
        self._is_passing = is_passing
        self._asking = trio.Lock()
        self._changed = trio.Event()
        self._unanswered = trio.CancelScope()

    # --- Whom I watch ---

    def meet(self, *names: str) -> None:
        """Note that my user turns to these users now."""
        self._list.meet(*names)

    def by_importance(self, users: Iterable[Presence]) -> list[Presence]:
        """Return these users, those who matter most to me first."""
        return self._list.by_importance(users)

    def reconsider(self) -> None:
        """Choose anew, and tell soon: my user has said whom to watch, or whom to ignore."""
        self.choose()
        self._list.is_stale = True

    def choose(self) -> None:
        """Choose anew whom to watch; if the journal cannot be read, they stay as they are."""
        contacts, me = self._journal.contacts, self._myself.name
        try:
            interests = self._journal.interests.read(me, self._clock.time())
        except StorageError as failure:
            log.warning("whom to watch is not known: %s", failure)
        else:
            self._list.choose(interests, contacts.ignored, me)
        asked_for = contacts.watched.keys() - contacts.ignored - {fold(me)}
        self._presences.watch(self._list.names, asked_for)

    # --- What the directory knows of it ---

    def introduce(self) -> tuple[str, ...]:
        """Return the names for IAM: a new registration begins.

        Below a crowd there are none.  With whom I have to do is nothing that a directory needs
        to know there, and if there is a crowd now, it hears of it right after WELCOME.
        """
        if self._is_passing:
            return self._list.introduce(0)
        self.choose()
        return self._list.introduce(WATCHED_AT_FIRST if self._presences.is_crowd else 0)

    def ask_again(self) -> None:
        """Note that all that is known of others has become old."""
        self._list.ask_again()
        self._changed.set()

    async def wait_changed(self) -> None:
        """Return when the directory should hear, or be asked, something, and not at once again."""
        while not self._changed.is_set() and not self._is_stale:
            with trio.move_on_after(GATHER_SECONDS if self._presences.is_crowd else float("inf")):
                await self._changed.wait()
        self._changed = trio.Event()

    @property
    def _is_stale(self) -> bool:
        return self._presences.is_crowd and self._list.is_stale

    async def tell(self) -> bool:
        """Tell the directory whom I watch, and note how those stand of whom it did not know.

        Return False if it will not tell of some of them.  Raises DirectoryGone.
        """
        is_liked = True
        async with self._asking:
            self.choose()
            while self._presences.is_crowd and (change := self._list.next_change()) is not None:
                is_liked &= await self._tell(change)
                self._list.told(change)
        return is_liked

    async def _tell(self, change: Change) -> bool:
        """Tell one change; return whether it is liked.  One that is not is not said again."""
        with trio.CancelScope() as self._unanswered:
            try:
                pages = await self._directory.ask_pages(
                    lambda id: Watch(id, change.names, change.no_more)
                )
            except Refused as no:
                log.warning("the directory does not tell of whom I watch: %s", no)
                return False
            there = (user for page in pages for user in page.users)
            self._presences.asked(change.names, there)
        return True

    def not_understood(self) -> None:
        """Note that the directory does not know a message: an old one, which tells everything."""
        if self._asking.locked():
            self._presences.crowded(self._presences.online, is_crowd=False)
            self._changed.set()
            self._unanswered.cancel()
