"""Perform the commands that another program of the same user hands over."""

from collections.abc import Callable

from peer import events
from peer.commands.grammar import Add, Chat, Command, Mute
from peer.commands.parsing import parse
from peer.console.codes import Code
from peer.console.console import Console
from peer.console.dialogue import Screen
from peer.core.targets.target import Target
from peer.local_peer import LocalPeer
from peer.program.control import CommandResult, HandedCommand
from peer.program.lifecycle import Lifecycle
from peer.results import Sent
from peer.screen.line import Spell
from shared.names import fold

ShowLine = Callable[[str], None]


class HandedCommands:
    """Performs each on the running peer, beside the console of its own screen."""

    def __init__(self, peer: LocalPeer, own: Console, stage: Lifecycle) -> None:
        self._peer, self._own, self._stage = peer, own, stage

    async def perform(self, handed: HandedCommand, show: ShowLine) -> CommandResult:
        screen = _LineScreen(show, self._stage.face, as_json=handed.as_json)
        places = self._own.targets.places
        console = Console(self._peer, screen, is_script=True, places=places)
        console.is_muted = self._own.is_muted
        # A script's PRV stays private, even if its user is in a conversation just now.
        self._peer.stir()
        context = Target().within(console.context())
        command = parse(handed.command, context)
        code = await console.perform(command, handed.command)
        if code is Code.DONE and (begun := self._begun(command)) is not None:
            screen.show(begun)  # the peer's own screen shows it already
        if isinstance(command, Mute):
            self._own.is_muted = command.on
        if console.is_over:
            self._own.is_over = True
            self._stage.stopped.set()
        return CommandResult(code, console.outcome)

    def _begun(self, command: Command) -> events.Event | None:
        """Return the event that tells what this command, which went well, has begun."""
        match command:
            case Chat(name):
                return events.Connected(self._peer.conversation.others or (name,))
            case Add(names=(name,), room=""):
                names = (one for one in self._peer.conversation.others if fold(one) == fold(name))
                return events.MemberJoined(next(names, name))
        return None


class _LineScreen:
    """Shows events to the other program, which makes them harmless itself."""

    def __init__(self, show: ShowLine, own: Screen, *, as_json: bool) -> None:
        """`own`: the peer's own screen, which shows what its user writes by whatever program."""
        self._show_line, self._own, self._spell = show, own, _spelling(as_json)

    def show(self, *shown: events.Event, then: Callable[[], None] | None = None) -> None:
        for event in shown:
            if isinstance(event, Sent):
                self._own.show(event)
            for line in self._spell(event):
                self._show_line(line)
        if then is not None:
            then()


def _spelling(as_json: bool) -> Spell:
    if as_json:
        from peer.screen.json_lines import spell_now  # noqa: PLC0415

        return spell_now
    return lambda event: event.lines()
