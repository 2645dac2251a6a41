"""Tell users who come what waited for them: letters and receipts.

A store that does not answer keeps nobody out: such a user hears of it later.
"""

from collections.abc import Mapping
from typing import Final

import trio

from directory_server.core.registry import User
from directory_server.storage.store import Store
from shared.errors import StorageError
from shared.link import Link
from shared.messages.directory import RECEIPTS, Receipts, ToDirectory, Waiting

COUNT_SECONDS: Final = 1.0  # for WELCOME to wait for the store
AGAIN_SECONDS: Final = 2.0  # until a store that did not answer is asked again

UserLink = Link[ToDirectory]


class Backlogs:
    def __init__(self, store: Store, links: Mapping[int, UserLink]) -> None:
        """`links`: of all users who are online, by their ids."""
        self._store, self._links = store, links
        self._later: trio.Nursery | None = None

    async def count(self, user: User) -> int:
        """Return how many letters wait for a user; 0 when the store does not say so at once."""
        try:
            with trio.move_on_after(COUNT_SECONDS):
                return await self._store.waiting(user.id)
        except StorageError:
            pass
        return 0

    async def say(self, user: User, link: UserLink, told: int) -> None:
        """Tell a user who has just come what waits, or do so as soon as the store answers.

        `told`: the letters of which WELCOME has told.
        """
        try:
            await self._say(user, link, told)
        except StorageError:
            if self._later is not None:
                self._later.start_soon(self._say_later, user, link, told)

    async def run(self) -> None:
        """Tell later what could not be told at once; until cancelled."""
        async with trio.open_nursery() as self._later:
            await trio.sleep_forever()

    async def _say_later(self, user: User, link: UserLink, told: int) -> None:
        while self._links.get(user.id) is link:
            await trio.sleep(AGAIN_SECONDS)
            try:
                await self._say(user, link, told)
            except StorageError:
                continue
            return

    async def _say(self, user: User, link: UserLink, told: int) -> None:
        after = ""
        while page := await self._store.receipts(user.id, after, RECEIPTS):
            link.post(Receipts(page))
            await link.flush()
            after = page[-1].envelope
        # Counted anew: somebody may have left one between WELCOME's count and the entrance.
        waiting = await self._store.waiting(user.id)
        if waiting > told:
            link.post(Waiting(waiting))
