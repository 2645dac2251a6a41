"""Perform the commands about rooms: ROOM, ROOMS, PART, and a line in one of them."""

from typing import Final

import trio

from peer import results
from peer.commands import grammar as typed
from peer.console.codes import KEPT, Code
from peer.console.dialogue import Dialogue
from peer.core.conversation.sent_text import SentText
from peer.local_peer import LocalPeer

RoomCommand = typed.FoundRoom | typed.ListRooms | typed.PartRoom | typed.SayIn

REACHED_SECONDS: Final = 10.0  # that a script waits until one member has its line


class RoomCommands:
    def __init__(self, peer: LocalPeer, dialogue: Dialogue) -> None:
        self._peer, self._dialogue = peer, dialogue

    async def perform(self, command: RoomCommand) -> Code:
        await self._peer.rooms.take_up()
        match command:
            case typed.FoundRoom(name):
                await self._peer.invitations.found_room(name)
            case typed.ListRooms():
                self._dialogue.show(self._list())
            case typed.PartRoom(room):
                await self._peer.rooms.leave(room)
            case typed.SayIn(room, text):
                return await self._say(room, text)
        return Code.DONE

    def _list(self) -> results.RoomList:
        rooms = self._peer.rooms
        return results.RoomList(
            self._peer.name,
            tuple((one, tuple(route.name for route, _ in rooms.ways(one))) for one in rooms.labels),
            tuple(
                (one, tuple(route.name for route, _ in rooms.ways(one) if not route.is_reached))
                for one in rooms.labels
            ),
        )

    async def _say(self, room: str, text: str) -> Code:
        sent = await self._peer.rooms.say(room, text)
        label = self._peer.rooms.label(room)
        self._dialogue.show(results.Sent(text, room=label, handle=sent))
        if not self._peer.rooms.others(label):
            self._dialogue.say(f"Nobody else is in #{label}: nobody has it but you.")
            return Code.UNREACHABLE
        return await self._await_reached(label, sent) if self._dialogue.is_script else Code.DONE

    async def _await_reached(self, room: str, sent: SentText) -> Code:
        """Wait until a member has it on disk, or nobody is there who could have it."""
        with trio.move_on_after(REACHED_SECONDS):
            await sent.reached()
        if sent.is_somewhere:
            return Code.DONE
        self._dialogue.outcome = KEPT
        self._dialogue.say(f"Kept for #{room} until a member is there.")
        return Code.STORED
