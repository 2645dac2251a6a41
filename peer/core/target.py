"""Decides whether a line may still go where Enter goes now.

The prompt shows where Enter goes.  Between the first key of a line and Enter a
conversation may end, begin, or get other members.  Then the line is not sent: it could
reach the very person it is about.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from peer.commands import grammar as typed
from peer.commands.grammar import Context
from peer.commands.parsing import parse
from shared.names import fold

# Commands that act on the conversation, or on the message, in which they are typed.
_BOUND = typed.Say | typed.WriteLine | typed.Add | typed.QuitConversation | typed.EndWriting


class Target(Struct, frozen=True):
    """The target of Enter, as the prompt shows it: the program, unless one of these is set."""

    others: tuple[str, ...] = ()  #: the other members of my conversation
    writing_to: str = ""  #: the user for whom a message is being written

    def is_same(self, other: "Target") -> bool:
        return _folded(self.others) == _folded(other.others) and fold(self.writing_to) == fold(
            other.writing_to
        )

    def within(self, context: Context) -> Context:
        """Return the context with this target in it."""
        return replace(context, in_conversation=bool(self.others), writing=bool(self.writing_to))


def misdirected(line: str, begun: Target, now: Target, context: Context) -> str:
    """Return why the line must not go where Enter goes now; "" when it may.

    A command that means the same wherever it is typed may always go.
    """
    if begun.is_same(now):
        return ""
    meant, means = parse(line, begun.within(context)), parse(line, now.within(context))
    if meant == means and not isinstance(means, _BOUND):
        return ""
    return f"{_was_for(begun)}, and {_is_now(begun, now)}"


def destination(line: str, now: Target, context: Context) -> str:
    """Return what Enter does with the line now, for the end of a sentence."""
    match parse(line, now.within(context)):
        case typed.Say():
            return f"a text for {listed(now.others)}"
        case typed.WriteLine():
            return f"a line of the message for {now.writing_to}"
        case typed.Private(name=name) | typed.Unknown(perhaps=typed.Private(name=name)):
            return f"a private line to {name}"
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


def _was_for(begun: Target) -> str:
    if begun.writing_to:
        return f"it was a message for {begun.writing_to}"
    if begun.others:
        return f"it was for {listed(begun.others)}"
    return "it was begun as a command"


def _is_now(begun: Target, now: Target) -> str:
    if begun.others and not now.others:
        return "the conversation is over"
    if begun.writing_to and not (now.others or now.writing_to):
        return "that has ended"
    if now.writing_to:
        return f"you are writing a message for {now.writing_to} now"
    stayed = _folded(begun.others) & _folded(now.others)
    if not stayed:
        return f"you are in a conversation with {listed(now.others)} now"
    joined = [name for name in now.others if fold(name) not in stayed]
    left = [name for name in begun.others if fold(name) not in stayed]
    changes = [
        f"{listed(names)} {'has' if len(names) == 1 else 'have'} {what}"
        for names, what in ((joined, "joined"), (left, "left"))
        if names
    ]
    return " and ".join(changes)


def _folded(names: Iterable[str]) -> set[str]:
    return {fold(name) for name in names}
