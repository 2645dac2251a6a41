"""Look for the directory of a start: where it was, and on the network, side by side."""

import logging
from collections.abc import Sequence
from typing import Final

import trio
from msgspec.structs import replace

from peer.core.discovery.choice import (
    Choice,
    FoundDirectory,
    NoAnswer,
    Picture,
    Remembered,
    ShownKey,
    choose,
)
from peer.core.discovery.hearsay import Hearsay
from peer.runtime.discovery.announcements import LISTEN_SECONDS, Announcements
from peer.runtime.discovery.proof import ASK_SECONDS, key_at, why_not
from shared.announcement import Announcement
from shared.border import border
from shared.errors import ParleyError
from shared.link import within
from shared.wording import system_reason
from shared.world import Address, World

PROOF_SECONDS: Final = 1.0  # for a directory of this network to answer
HEAD_START: Final = 0.25  # seconds in which a remembered one answers, and nobody else is asked

log = logging.getLogger("peer")


class Survey:
    """Finds what is announced on this network; `run` returns when nothing more comes."""

    def __init__(self, world: World, announcements: Announcements, known: frozenset[str]) -> None:
        self._world, self._announcements = world, announcements
        self._hearsay = Hearsay(known, world.network.interfaces())
        self.heard: list[Announcement] = []  #: as many as are looked at
        self.found: tuple[FoundDirectory, ...] = ()  #: one of each key
        self.changed = trio.Event()

    async def run(self) -> None:
        async with trio.open_nursery() as proving:

            def hear(said: Announcement) -> None:
                places = self._hearsay.add(said)
                if places:
                    self.heard.append(said)
                for place in places:
                    proving.start_soon(self._prove, said, Address(*place))

            with border("mDNS", self._world.bugs):
                try:
                    await self._announcements.listen(hear)
                except OSError as error:
                    log.info("nothing is heard on this network: %s", system_reason(error))

    async def _prove(self, said: Announcement, address: Address) -> None:
        world = self._world
        with border(str(address), world.bugs), trio.move_on_after(PROOF_SECONDS):
            try:
                key = await key_at(world.network, world.clock, [address])
            except ParleyError as failure:
                log.info("announced as %s: %s", said.name, failure)
            else:
                self._take(FoundDirectory(said.name, *address, key, said.needs_token))

    def _take(self, one: FoundDirectory) -> None:
        if one.key not in {other.key for other in self.found}:
            self.found += (one,)
            self.changed.set()
            self.changed = trio.Event()


class Search:
    """Finds the directory of a start."""

    def __init__(
        self, world: World, announcements: Announcements,
        remembered: Remembered | None, directories: Sequence[Address], known: frozenset[str],
    ) -> None:  # fmt: skip
        """`directories`: where the remembered one is."""
        self._world, self._directories = world, directories
        self._survey = Survey(world, announcements, known)
        self._picture = Picture(remembered, known)
        self._choice: Choice | None = None
        self._is_made = trio.Event()

    async def run(self) -> Choice:
        """Return the choice, as soon as it is certain."""
        async with trio.open_nursery() as nursery:
            if self._picture.remembered is not None:
                nursery.start_soon(self._dial)
            nursery.start_soon(self._look)
            nursery.start_soon(self._note_found)
            nursery.start_soon(self._note_lateness)
            await self._is_made.wait()
            nursery.cancel_scope.cancel()
        assert self._choice is not None
        return self._choice

    def _note(self, **news: object) -> None:
        self._picture = replace(self._picture, **news)
        if self._choice is None:
            self._choice = choose(self._picture)
        if self._choice is not None:
            self._is_made.set()

    async def _dial(self) -> None:
        world = self._world
        try:
            with within(ASK_SECONDS, "nobody answers"):
                key = await key_at(world.network, world.clock, self._directories)
            answer: ShownKey | NoAnswer = ShownKey(key)
        except ParleyError as failure:
            answer = NoAnswer(why_not(failure, self._directories[0]))
        self._note(answer=answer)

    async def _look(self) -> None:
        if self._picture.remembered is not None:
            await trio.sleep(HEAD_START)
        await self._survey.run()
        self._note(found=self._survey.found, is_looking=False)

    async def _note_found(self) -> None:
        while True:
            await self._survey.changed.wait()
            self._note(found=self._survey.found)

    async def _note_lateness(self) -> None:
        await trio.sleep(HEAD_START + LISTEN_SECONDS)
        self._note(is_late=True)
