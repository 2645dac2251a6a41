"""Perform CHAT and ADD: invite a user, and say what came of it."""

from collections.abc import Awaitable, Callable

import trio

from peer.commands import grammar as typed
from peer.console.codes import Code
from peer.console.dialogue import Dialogue
from peer.console.message_sender import MessageSender
from peer.console.questions import OpenQuestions
from peer.core.targets.place import HOME, Place
from peer.local_peer import LocalPeer
from peer.runtime.invitation.results import Outcome, Result
from shared.errors import ParleyError
from shared.wording import clause


class Inviter:
    """Invites users for the console; each invitation runs beside the keyboard."""

    def __init__(
        self, peer: LocalPeer, dialogue: Dialogue, questions: OpenQuestions, messages: MessageSender
    ) -> None:
        self._peer, self._dialogue = peer, dialogue
        self._questions, self._messages = questions, messages

    async def chat(self, name: str) -> Code:
        return await self._dialogue.until_decided(self._chat, name)

    async def add(self, asked: typed.Add) -> Code:
        """Ask users into the room that was named, or else into my conversation."""
        await self._peer.rooms.take_up()
        return await self._dialogue.until_decided(
            self._add_all, asked.names, asked.room, asked.last
        )

    async def _add_all(self, names: tuple[str, ...], room: str, last: int) -> Code:
        """Ask all of them at the same time; return the first code of one who did not come in."""
        codes: dict[str, Code] = {}

        async def add(name: str) -> None:
            try:
                codes[name] = await self._add(name, room, last)
            except ParleyError as failure:
                if len(names) == 1:
                    raise
                codes[name] = self._dialogue.fail(failure)

        if len(names) == 1:
            await add(names[0])
        else:
            async with trio.open_nursery() as nursery:
                for name in names:
                    nursery.start_soon(add, name)
        return next((codes[name] for name in names if codes[name] is not Code.DONE), Code.DONE)

    async def _chat(self, name: str, urgent: bool = False) -> Code:
        result = await self._peer.invitations.invite(name, urgent=urgent)
        return self._say_what_came_of(result, self._chat)

    async def _add(self, name: str, room: str, last: int, urgent: bool = False) -> Code:
        result = await self._peer.invitations.add(name, urgent=urgent, room=room, last=last)

        async def again(name: str, urgent: bool) -> Code:
            return await self._add(name, room, last, urgent)

        return self._say_what_came_of(result, again, leads=None if room else HOME)

    def _say_what_came_of(
        self, result: Result, again: Callable[..., Awaitable[Code]], leads: Place | None = HOME
    ) -> Code:
        """Tell it, or ask what to do.  `leads`: where a Y leads that interrupts somebody."""
        name = result.name
        self._dialogue.outcome = _word_for(result.outcome)
        match result.outcome:
            case Outcome.CONNECTED:
                return Code.DONE
            case Outcome.OFFLINE:
                self._messages.offer(f"User {name} is offline at this moment.", name)
            case Outcome.UNREACHABLE:
                reason = clause(result.reason)
                self._messages.offer(f"User {name} cannot be reached: {reason}.", name)
                self._dialogue.offer_doctor(name)
            case Outcome.INTERRUPTIBLE:
                statement = f"User {name} is busy at this moment, you may interrupt."
                self._questions.ask(
                    statement,
                    "Interrupt?",
                    name,
                    lambda: self._dialogue.until_decided(again, name, True),
                    leads=leads,
                )
            case _:
                self._dialogue.say(_end_of(result))
        return _code_of(result.outcome)


def _end_of(result: Result) -> str:
    match result.outcome:
        case Outcome.DECLINED:
            return f"User {result.name} does not want to chat with you."
        case Outcome.NO_ANSWER:
            return f"User {result.name} did not answer."
        case Outcome.BUSY:
            return f"User {result.name} is busy at this moment and cannot be interrupted."
        case Outcome.TAKEN_BACK:
            return f"You withdrew your invitation to {result.name}."
        case _:
            return f"User {result.name} is gone."


def _word_for(outcome: Outcome) -> str:
    """Return the word that a program reads in `done`."""
    if outcome is Outcome.INTERRUPTIBLE:
        return "busy"
    return outcome.name.lower().replace("_", " ")


def _code_of(outcome: Outcome) -> Code:
    match outcome:
        case Outcome.DECLINED | Outcome.BUSY | Outcome.INTERRUPTIBLE | Outcome.TAKEN_BACK:
            return Code.REFUSED
        case _:
            return Code.UNREACHABLE
