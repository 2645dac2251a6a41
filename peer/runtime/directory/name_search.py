"""Find users by the beginning of their names, and keep what was found for a while."""

import logging
from typing import Final

import trio
from msgspec import Struct

from peer.runtime.directory.directory_client import DirectoryClient
from shared.errors import ParleyError
from shared.messages.directory import PAGE, List, Presence, Users
from shared.names import fold, is_name

OFFERED: Final = 20  # names for one completion: a menu shows no more
FRESH_SECONDS: Final = 60.0  # a status older than that may be wrong
KEPT_MOST: Final = 20  # beginnings: more are hardly typed in a minute
ALL_MOST: Final = 100_000  # users: as many as a directory holds

log = logging.getLogger("peer")


class FoundUsers(Struct, frozen=True):
    """Users whose names begin as asked for.  `more`: there are further ones."""

    users: tuple[Presence, ...]
    more: bool = False


class _Kept(Struct, frozen=True):
    found: FoundUsers
    until: float  # in trio's time


class NameSearch:
    def __init__(self, directory: DirectoryClient) -> None:
        self._directory = directory
        self._kept: dict[str, _Kept] = {}  # by folded beginnings

    async def page(self, beginning: str, *, after: str = "", most: int = PAGE) -> FoundUsers:
        """Return at most `most` users, in the order of their names.

        An old directory, which cannot search, is asked about everybody.  Raises Refused or
        DirectoryGone.
        """
        if beginning and not is_name(beginning):  # as is the beginning of each name
            return FoundUsers(())
        answer = await self._directory.ask(lambda id: List(id, beginning, after, most), Users)
        begins, follows = fold(beginning), fold(after)
        users = {fold(user.name): user for user in answer.users}
        if any(not name.startswith(begins) or name <= follows for name in users):
            pages = await self._directory.ask_pages(List)
            users = {fold(user.name): user for page in pages for user in page.users}
            users = {
                name: one
                for name, one in users.items()
                if name.startswith(begins) and name > follows
            }
        names = sorted(users)
        more = len(names) > most or (answer.more and len(names) == len(answer.users))
        return FoundUsers(tuple(users[name] for name in names[:most]), more)

    async def all(self, beginning: str) -> tuple[Presence, ...]:
        """Return all of them, page after page."""
        users: list[Presence] = []
        after = ""
        while True:
            found = await self.page(beginning, after=after)
            users += found.users
            if not found.more or not found.users or len(users) >= ALL_MOST:
                return tuple(users)
            after = found.users[-1].name

    # --- For completion ---

    async def look(self, beginning: str) -> None:
        """Find some, and keep them for a while; if that fails, nothing is found."""
        self._forget_old()
        if self._knows(fold(beginning)):
            return
        try:
            found = await self.page(beginning, most=OFFERED)
        except ParleyError as failure:
            log.info("nobody was found for a completion: %s", failure)
            return
        self._kept[fold(beginning)] = _Kept(found, trio.current_time() + FRESH_SECONDS)
        while len(self._kept) > KEPT_MOST:
            del self._kept[next(iter(self._kept))]

    @property
    def found(self) -> tuple[Presence, ...]:
        """All who were found lately."""
        self._forget_old()
        return tuple(user for kept in self._kept.values() for user in kept.found.users)

    def _knows(self, beginning: str) -> bool:
        """Whether everything that can be offered for it was found already."""
        return beginning in self._kept or any(
            beginning.startswith(shorter) and not kept.found.more
            for shorter, kept in self._kept.items()
        )

    def _forget_old(self) -> None:
        now = trio.current_time()
        self._kept = {name: kept for name, kept in self._kept.items() if kept.until > now}
