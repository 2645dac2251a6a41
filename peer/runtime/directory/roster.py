"""Know who is registered and who is online, and report who comes and goes."""

import logging
from typing import Final

import trio

from peer import events
from peer.core.reach.back_off import grace
from peer.core.reach.presence import Presences
from peer.events import Tell
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.directory.name_search import NameSearch
from peer.runtime.directory.watching import Watching
from peer.runtime.link.links import Links
from peer.storage.contacts import ContactStore
from shared.errors import ParleyError
from shared.messages.common import Status
from shared.messages.directory import List, Presence, Users
from shared.names import fold
from shared.world import Clock

GATHER_SECONDS: Final = 1.0  # at least, between two questions about everybody

log = logging.getLogger("peer")


class Roster:
    """All users whom the directory knows: the shell of `peer.core.reach.presence`.

    In a crowd they are too many: then those whom I watch, and others when they are asked for.
    """

    def __init__(
        self, presences: Presences, directory: DirectoryClient, links: Links,
        contacts: ContactStore, clock: Clock, tell: Tell, watching: Watching,
    ) -> None:  # fmt: skip
        self._presences, self._directory, self._links = presences, directory, links
        self._contacts, self._clock, self._tell = contacts, clock, tell
        self._watching = watching
        self.search = NameSearch(directory)
        self._calls = 0
        self._has_complained = False

    # --- Asking ---

    async def users(self) -> list[Presence]:
        """Return everybody registered, in alphabetical order, also in a crowd."""
        before = self._presences.all
        pages = await self._directory.ask_pages(List)  # each of which was heard
        listed = {fold(user.name): user for page in pages for user in page.users}
        self._presences.listed(listed.values(), before)
        self._report_unnoticed()
        everybody = listed | {fold(user.name): user for user in self.known}
        return [everybody[name] for name in sorted(everybody)]

    async def refresh(self) -> tuple[Presence, ...]:
        """Ask about all of whom the directory tells by itself; return them."""
        if self._presences.is_crowd:
            if not await self._watching.tell():
                self._complain()
            self._report_unnoticed()
        if not self._presences.is_crowd:
            await self.users()
        return self.known

    async def company(self) -> list[Presence]:
        """Return those whom a line to everybody is for, the most important first."""
        return self._watching.by_importance(await self.refresh())

    async def count_crowd(self) -> int:
        """Return how many users are online now in a crowd, as `crowd` does; ask for it."""
        if self._presences.is_crowd:
            answer = await self._directory.ask(lambda id: List(id, most=1, here=True), Users)
            self._presences.counted(answer.online)
        return self.crowd

    async def find(self, name: str) -> Presence | None:
        """Return how the user of this name stands; None if there is none."""
        users = (await self.search.page(name, most=1)).users
        return next((user for user in users if fold(user.name) == fold(name)), None)

    async def keep_fresh(self) -> None:
        """Ask again when what is known has become old, or I watch others; until cancelled."""
        while True:
            await self._watching.wait_changed()
            try:
                await self.refresh()
            except ParleyError as failure:
                log.info("who is here is not known yet: %s", failure)
            await trio.sleep(GATHER_SECONDS)

    # --- What is known ---

    @property
    def known(self) -> tuple[Presence, ...]:
        """Those whom I hear of, by the last answer plus the changes since; asks nobody."""
        return self._presences.all

    @property
    def offered(self) -> tuple[Presence, ...]:
        """Those of `known`, and who was sought lately in a crowd; in alphabetical order."""
        if not self._presences.is_crowd:
            return self.known
        found = {fold(user.name): user for user in (*self.search.found, *self.known)}
        return tuple(found[name] for name in sorted(found))

    async def seek(self, beginning: str) -> None:
        """Seek users for `offered`, in a crowd, where few are known."""
        if self._presences.is_crowd:
            await self.search.look(beginning)

    @property
    def crowd(self) -> int:
        """The number of users online, if they are so many that I hear of few; else 0."""
        return max(self._presences.online, 1) if self._presences.is_crowd else 0

    def is_known(self, name: str) -> bool:
        """Whether somebody has this name, as far as that is known without asking."""
        is_user = any(fold(user.name) == fold(name) for user in self.known)
        return is_user or self._contacts.key_of(name) is not None

    @property
    def round_trips(self) -> dict[str, float]:
        """Round trips in seconds, by name, as measured last, to users to whom there is a link."""
        trips = {user.name: self._links.round_trip(user.name) for user in self.known}
        return {name: trip for name, trip in trips.items() if trip is not None}

    # --- Whom I watch ---

    def meet(self, name: str) -> None:
        """Note that my user turns to this one: I want to hear of them for a while."""
        self._watching.meet(name)

    def reconsider(self) -> None:
        """Note that my user has said whom to watch, or whom to ignore."""
        self._watching.reconsider()

    def notice(self, user: Presence) -> None:
        """Note that my user knows how this one stands, whom they watch."""
        self._presences.tell([user])
        if user.status is not Status.OFFLINE:
            self._presences.noticed(user.name)

    # --- What the directory tells ---

    def came(self, user: Presence) -> None:
        if self._presences.came(user):
            self._report_came(user.name)

    def went(self, name: str) -> None:
        if self._presences.went(name, self._clock.time()):
            self._report(events.Went(name))

    def registered(self, online: int, *, is_crowd: bool) -> None:
        self._presences.registered(online, is_crowd=is_crowd)
        if is_crowd:
            self._watching.ask_again()

    def crowded(self, online: int, *, is_crowd: bool) -> None:
        """Note that from now on the directory tells only of whom I watch, or of all."""
        self._presences.crowded(online, is_crowd=is_crowd)
        self._watching.ask_again()

    def not_understood(self) -> None:
        """Note that the directory does not know a message of ours."""
        self._watching.not_understood()

    async def call(self) -> None:
        """Report users who have not come back to the directory, once all have had time to."""
        self._calls += 1
        current = self._calls
        await trio.sleep(grace(self._presences.online))
        if current != self._calls or not self._directory.is_there:
            return  # that is done after the next return
        if not self._presences.is_complete:
            try:
                await self.refresh()
            except ParleyError as failure:
                log.info("who has come back is not known yet: %s", failure)
                return
        for name in self._presences.settle():
            self._report(events.Went(name))
        for name in self._presences.newcomers():
            self._report_came(name)

    # --- Reporting ---

    def _complain(self) -> None:
        """Say, once, that I do not hear of all whom I want to hear of."""
        if not self._has_complained:
            self._has_complained = True
            words = "The directory takes no more names: of some users you will not hear."
            self._tell(events.Notice(words), events.nothing)

    def _report_unnoticed(self) -> None:
        for name in self._presences.unnoticed():
            self._report_came(name)

    def _report_came(self, name: str) -> None:
        self._report(events.Came(name, is_watched=self._presences.is_asked_for(name)))

    def _report(self, event: events.Came | events.Went) -> None:
        """Report that a user came or went, unless I ignore them."""
        if fold(event.name) not in self._contacts.ignored:
            self._tell(event, events.nothing)
