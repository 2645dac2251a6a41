"""Know who is registered and who is online, and report who comes and goes."""

import logging

import trio

from peer import events
from peer.core.reach.back_off import grace
from peer.core.reach.presence import Presences
from peer.events import Tell
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.link.links import Links
from peer.storage.contacts import ContactStore
from shared.errors import ParleyError
from shared.messages.directory import List, Presence
from shared.names import fold
from shared.world import Clock

log = logging.getLogger("peer")


class Roster:
    """All users whom the directory knows: the shell of `peer.core.reach.presence`."""

    def __init__(
        self, presences: Presences, directory: DirectoryClient, links: Links,
        contacts: ContactStore, clock: Clock, tell: Tell,
    ) -> None:  # fmt: skip
        self._presences, self._directory, self._links = presences, directory, links
        self._contacts, self._clock, self._tell = contacts, clock, tell
        self._calls = 0

    async def users(self) -> list[Presence]:
        """Return everybody registered, in alphabetical order."""
        before = self._presences.all
        pages = await self._directory.ask_pages(List)  # each of which was heard
        self._presences.listed((user for page in pages for user in page.users), before)
        return list(self.known)

    @property
    def known(self) -> tuple[Presence, ...]:
        """Like `users`, from the last list plus the changes announced since; asks nobody."""
        return self._presences.all

    def is_known(self, name: str) -> bool:
        """Whether somebody has this name, as far as that is known without asking."""
        is_user = any(fold(user.name) == fold(name) for user in self.known)
        return is_user or self._contacts.key_of(name) is not None

    @property
    def round_trips(self) -> dict[str, float]:
        """Round trips in seconds, by name, as measured last, to users to whom there is a link."""
        trips = {user.name: self._links.round_trip(user.name) for user in self.known}
        return {name: trip for name, trip in trips.items() if trip is not None}

    # --- What the directory tells ---

    def came(self, user: Presence) -> None:
        if self._presences.came(user):
            self._report(events.Came(user.name))

    def went(self, name: str) -> None:
        if self._presences.went(name, self._clock.time()):
            self._report(events.Went(name))

    async def call(self) -> None:
        """Report users who have not come back to the directory, once all have had time to."""
        self._calls += 1
        current = self._calls
        await trio.sleep(grace(self._presences.online))
        if current != self._calls or not self._directory.is_there:
            return  # that is done after the next return
        if not self._presences.is_complete:
            try:
                await self.users()
            except ParleyError as failure:
                log.info("who has come back is not known yet: %s", failure)
                return
        for name in self._presences.settle():
            self._report(events.Went(name))

    def _report(self, event: events.Came | events.Went) -> None:
        """Report that a user came or went, unless I ignore them."""
        if fold(event.name) not in self._contacts.ignored:
            self._tell(event, events.nothing)
