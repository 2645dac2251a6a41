"""Leave letters at the directory, one at a time for each receiver."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from peer.core.history_entry import Kind
from peer.core.membership import member_id
from peer.core.myself import Myself
from peer.runtime.directory.directory_client import DirectoryClient, DirectoryGone
from peer.runtime.recorder import Recorder
from peer.storage.journal import Journal
from peer.storage.left_letters import LeftLetter
from peer.storage.lines import Fate, KeptLine
from shared.errors import ParleyError, Refused, StorageError, Unreachable
from shared.identity import check_sealing_proof
from shared.messages.directory import Contact, Drop, Stored
from shared.names import fold
from shared.sealing import About, copy_id, seal
from shared.world import World

STORED_SECONDS: Final = 30.0  # to try at a directory that is lost, or silent, before it answers

log = logging.getLogger("peer")


class NotStored(DirectoryGone):
    """The directory's own disk or database does not take it at this moment."""


class LetterDrop:
    def __init__(
        self, world: World, journal: Journal, directory: DirectoryClient, recorder: Recorder,
        myself: Myself,
    ) -> None:  # fmt: skip
        self._world, self._journal, self._directory = world, journal, directory
        self._recorder, self._myself = recorder, myself
        self._turns: dict[str, trio.Lock] = {}

    @asynccontextmanager
    async def turn(self, to: str) -> AsyncIterator[None]:
        """Hold the turn to leave letters for this user.

        Turns are given in the order asked for, so that no letter overtakes an earlier one.
        """
        turn = self._turns.setdefault(fold(to), trio.Lock())
        try:
            async with turn:
                yield
        finally:
            if not turn.locked():
                self._turns.pop(fold(to), None)

    async def leave(
        self,
        to: Contact,
        text: str,
        time: float,
        about: About | None = None,
        id: str = "",
        *,
        waits: bool = True,
    ) -> None:
        """Leave a letter; returns when the directory has it on disk.

        `about`: the text of a conversation that it copies, `id`: the private line; the same
        one again is the same letter.  `waits`: whether to wait, up to STORED_SECONDS, for a
        directory that is lost before it has answered.

        Raises Refused (a quota) or Unreachable: then it was not left, unless the directory
        died between storing it and saying so.  NotStored says why.
        """
        check_sealing_proof(to.key, to.sealing_key, to.sealing_proof)
        if about is not None:
            id = copy_id(about, self._myself.id, member_id(to.name, to.key))
        id = id or self._world.new_id()
        me, key = self._myself, to.sealing_key
        after = await self._journal.left_letters.add(id, LeftLetter(to.name, to.key, time, about))
        try:
            sealed = seal(
                me.identity, me.certificate, key,
                id=id, time=time, text=text, about=about, after=after,
            )  # fmt: skip
            await self._drop(to.name, id, sealed, STORED_SECONDS if waits else 0.0)
        except ParleyError:
            await self._journal.left_letters.forget([id])
            raise
        await self._note_stored(id, to.key)
        if about is None:
            row = (self._myself.name, to.name, id, time, text)
            self._recorder.keep(KeptLine(Kind.LEFT, *row, Fate.SENT))

    async def _note_stored(self, id: str, key: bytes) -> None:
        """Note it as stored before its author is told: held back later, it will be missed."""
        try:
            await self._journal.left_letters.stored(id, key)
        except StorageError as no:  # it was left all the same
            log.info("that a message was left is noted with the next one: %s", no)

    async def _drop(
        self, to: str, envelope: str, sealed: bytes, patience: float = STORED_SECONDS
    ) -> None:
        """Drop an envelope, again if the answer is lost: the same id is the same envelope."""
        until = trio.current_time() + patience
        while True:
            try:
                await self._directory.ask(lambda id: Drop(id, to, envelope, sealed), Stored)
            except Refused as no:
                if no.code == "DISK":
                    raise NotStored(str(no)) from None
                raise
            except Unreachable as failure:
                self._directory.check_not_displaced()  # else it never comes back
                with trio.move_on_at(until):
                    await self._directory.wait_back()
                if trio.current_time() >= until:
                    raise failure from None
            else:
                return
