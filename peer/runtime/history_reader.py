"""Read what was said, together with what is still on its way to the disk."""

from contextlib import suppress
from typing import Final

import trio

from peer.commands.grammar import HISTORY_TEXTS
from peer.core.past.read_marks import with_user
from peer.core.targets.place import Place
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.keys.name_judge import NameJudge
from peer.runtime.recorder import Recorder
from peer.storage.history import Found, History
from shared.errors import StorageError
from shared.names import fold

KEPT_SECONDS: Final = 1.0  # for what was just shown to be on disk, before history is read


class HistoryReader:
    """Reads what was said.  Names that were never confirmed are asked for."""

    def __init__(
        self, history: History, conversations: Conversations, recorder: Recorder, judge: NameJudge
    ) -> None:
        self._history, self._conversations = history, conversations
        self._recorder, self._judge = recorder, judge

    async def last(
        self, name: str | None = None, *, to_all: bool = False, room: str = "",
        last: int = HISTORY_TEXTS,
    ) -> Found:  # fmt: skip
        """Return the last texts of the conversation that I am in, else of the last one.

        With `name`: what was said with that user; with `to_all`: in the general chat; with
        `room`: in the room that I call so, or have called so last.
        """
        await self._all_kept()
        found = await self._find(name, to_all=to_all, room=room, last=last)
        if await self._judge.judge_wondered():
            found = await self._find(name, to_all=to_all, room=room, last=last)
        return found

    def room(self, name: str) -> str:
        """Return what I call a room of mine of this name; "" if there is none.

        A program that is here for one command knows its rooms by the journal only.
        """
        mine = (one for one in self._conversations.rooms.labels if fold(one) == fold(name))
        return next(mine, "") or self._history.own_room(name)

    def place_id(self, place: Place) -> str:
        """Return the place as the marks of what was read know it (`peer.core.past.read_marks`).

        "": nothing can be said there now; home without a conversation, a room that is not mine.
        """
        if place.person:
            return with_user(place.person)
        if place.room:
            room = self._conversations.rooms.find(place.room)
            return room.core.id if room else ""
        current = self._conversations.conversation
        return current.id if current else ""

    async def _find(self, name: str | None, *, to_all: bool, room: str, last: int) -> Found:
        if room:
            return await self._history.room(room, last)
        if to_all:
            return self._history.to_all(last)
        if name is not None:
            return await self._history.with_user(name, last)
        current = self._conversations.conversation
        return await self._history.conversation(current.id if current else None, last)

    async def search(
        self, words: str, *, last: int = HISTORY_TEXTS, user: str | None = None, room: str = ""
    ) -> Found:
        """Return the last texts that contain a word beginning with each of these.

        With `user`, or in a `room`: search only what `last` returns.  Raises Refused when there
        are no words, or too many, or no such room.
        """
        await self._all_kept()
        found = await self._history.search(words, last, user, room)
        if await self._judge.judge_wondered():
            found = await self._history.search(words, last, user, room)
        return found

    async def _all_kept(self) -> None:
        """Wait, KEPT_SECONDS at most, until what was just shown is history too."""
        with trio.move_on_after(KEPT_SECONDS), suppress(StorageError):
            await self._conversations.wait_kept()
            await self._recorder.wait_kept()
            await self._history.wait_written()
