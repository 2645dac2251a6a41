"""Decides whether a line may still go where Enter goes now.

The prompt shows where Enter goes.  Between the first key of a line and Enter a
conversation may end, begin, or get other members, or its user may go elsewhere.  Then the
line is not sent: it could reach the very person it is about.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from peer.commands import grammar as typed
from peer.commands.grammar import Context
from peer.commands.parsing import is_text, parse
from peer.core.targets.place import HOME, Place
from shared.names import fold

# Commands that act on the conversation, or on the message, in which they are typed.
_BOUND = typed.Say | typed.WriteLine | typed.Add | typed.QuitConversation | typed.EndWriting


class Target(Struct, frozen=True):
    """The target of Enter, as the prompt shows it: what the place means now.

    At home that is the program, unless there is a conversation or a message is written.
    """

    others: tuple[str, ...] = ()  #: the other members of my conversation
    writing_to: str = ""  #: the user for whom a message is being written
    place: Place = HOME  #: where I am
    members: tuple[str, ...] = ()  #: the others in the room where I am

    def is_same(self, other: "Target") -> bool:
        return (
            self.place.is_same(other.place)
            and _folded(self.others) == _folded(other.others)
            and _folded(self.members) == _folded(other.members)
            and fold(self.writing_to) == fold(other.writing_to)
        )

    def within(self, context: Context) -> Context:
        """Return the context with this target in it."""
        return replace(
            context,
            in_conversation=bool(self.others),
            writing=bool(self.writing_to),
            person=self.place.person,
            room=self.place.room,
        )


def misdirected(line: str, begun: Target, now: Target, context: Context) -> str:
    """Return why the line must not go where Enter goes now; "" when it may.

    A command that means the same wherever it is typed may always go.
    """
    if begun.is_same(now):
        return ""
    meant, means = parse(line, begun.within(context)), parse(line, now.within(context))
    if meant == means and not _is_bound(line, means, now, context):
        return ""
    return f"{_was_for(begun, now)}, and {_is_now(begun, now)}"


def _is_bound(line: str, command: typed.Command, now: Target, context: Context) -> bool:
    """Whether it depends on who is in the conversation, or in the room, what the line does."""
    if isinstance(command, typed.SayIn):
        return is_text(line, now.within(context))  # and not a line for a room that it names
    return isinstance(command, _BOUND)


def destination(line: str, now: Target, context: Context, users: Iterable[str]) -> str:
    """Return what Enter does with the line now, for the end of a sentence.

    `users`: those who are known; the first word of a line may be another one, or none.
    """
    match parse(line, now.within(context)):
        case typed.Say():
            return f"a text for {listed(now.others)}"
        case typed.SayIn(room=room):
            return f"a text for #{room}"
        case typed.WriteLine():
            return f"a line of the message for {now.writing_to}"
        case typed.Private(name=name):
            return f"a private line to {name}"
        case typed.Unknown(perhaps=typed.Private(name=name)):
            is_known = fold(name) in map(fold, users)
            return f"a private line to {name}{'' if is_known else ', if there is such a user'}"
        case typed.LeaveMessage(name=name):
            return f"a message left for {name}"
        case typed.ToAll():
            return "a line to everybody online"
        case typed.Unknown():
            return "an unknown command"
    return "the command"


def listed(names: Iterable[str]) -> str:
    """Return the names as part of a sentence: "dave, erin and frank"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _was_for(begun: Target, now: Target) -> str:
    if begun.place.room:
        return f"it was for {begun.place}"
    if begun.place.person and not begun.place.is_same(now.place):
        return f"it was for {begun.place} alone"
    if begun.writing_to:
        return f"it was a message for {begun.writing_to}"
    if begun.others:
        return f"it was for {listed(begun.others)}"
    return "it was begun as a command"


def _is_now(begun: Target, now: Target) -> str:
    is_elsewhere = not begun.place.is_same(now.place)
    if is_elsewhere and now.place.person:
        return f"you write to {now.place} alone now"
    if now.place.room:
        if is_elsewhere:
            return f"each line is for {now.place} now"
        return _changes(begun.members, now.members)
    if begun.others and not now.others:
        return "the conversation is over"
    if not (now.others or now.writing_to):
        return "you are elsewhere now" if is_elsewhere else "that has ended"
    if now.writing_to:
        return f"you are writing a message for {now.writing_to} now"
    stayed = _folded(begun.others) & _folded(now.others)
    if not stayed or is_elsewhere:
        return f"you are in a conversation with {listed(now.others)} now"
    return _changes(begun.others, now.others)


def _changes(before: tuple[str, ...], now: tuple[str, ...]) -> str:
    """Return who has joined and who has left."""
    stayed = _folded(before) & _folded(now)
    joined = [name for name in now if fold(name) not in stayed]
    left = [name for name in before if fold(name) not in stayed]
    changes = [
        f"{listed(names)} {'has' if len(names) == 1 else 'have'} {what}"
        for names, what in ((joined, "joined"), (left, "left"))
        if names
    ]
    return " and ".join(changes)


def _folded(names: Iterable[str]) -> set[str]:
    return {fold(name) for name in names}
