"""Ask the directory whose the names are of which nothing is remembered."""

import logging
from collections.abc import Iterable
from typing import Final

import trio

from peer.runtime.finder import Finder
from peer.runtime.keys.known_keys import KnownKeys
from shared.errors import ParleyError
from shared.names import fold

JUDGE_SECONDS: Final = 2.0  # for the directory to say whose names these are

log = logging.getLogger("peer")


class NameJudge:
    def __init__(self, known_keys: KnownKeys, finder: Finder) -> None:
        self._known_keys, self._finder = known_keys, finder

    async def judge(self, names: Iterable[str]) -> None:
        """Ask the directory about the names that are not judged yet, for a moment at most."""
        with trio.move_on_after(JUDGE_SECONDS):
            async with trio.open_nursery() as nursery:
                for name in {fold(name): name for name in names}.values():
                    if not self._known_keys.is_judged(name):
                        nursery.start_soon(self._ask, name)

    async def judge_wondered(self) -> bool:
        """Judge the names that were shown unconfirmed; return whether any is known now."""
        unknown = self._known_keys.take_wondered()
        await self.judge(unknown)
        return any(map(self._known_keys.is_judged, unknown))

    async def _ask(self, name: str) -> None:
        try:
            await self._finder.lookup(name)
        except ParleyError as failure:
            log.debug("not known whose name %s is: %s", name, failure)
