"""Read the words behind a command: names and texts."""

import re
from collections.abc import Callable

from msgspec import Struct

from peer.commands.grammar import Command, Context
from shared.errors import Refused
from shared.messages.common import TEXT_CHARACTERS
from shared.names import check_name

ECHO_CHARACTERS = 60  # of a wrong line, quoted in the answer


class TypedCommand(Struct, frozen=True):
    """A line, split into its parts."""

    words: str  #: of the command, in upper case
    rest: str
    context: Context
    has_slash: bool = False  #: the line begins with one
    example: str = ""  #: of the command


Reader = Callable[[TypedCommand], Command]  # raises Refused when the rest is wrong

_IN_PARENTHESES = re.compile(r"\(([^()]*)\)\s*(.*)", re.DOTALL)


def _split(text: str) -> tuple[str, str]:
    """Return the first word, without its parentheses, and the rest."""
    if found := _IN_PARENTHESES.fullmatch(text):
        return found[1].strip(), found[2]
    first, *rest = text.split(None, 1) or [""]
    return first, "".join(rest)


def _shortened(text: str) -> str:
    return text if len(text) <= ECHO_CHARACTERS else text[: ECHO_CHARACTERS - 1] + "…"


def _name(rest: str) -> str:
    name, more = _split(rest)
    return check_name(_shortened(rest if more else name))


def _text(text: str) -> str:
    if not text.strip():
        raise Refused("There is no text.")
    if len(text) > TEXT_CHARACTERS:
        raise Refused(
            f"The text is too long: {len(text):,} characters, "
            f"at most {TEXT_CHARACTERS:,} are possible."
        )
    return text


def _alone(command: Command) -> Reader:
    def read(said: TypedCommand) -> Command:
        if said.rest:
            raise Refused(f"{said.words} takes nothing after it.")
        return command

    return read


class _Unnamed(Refused):
    """The name is missing.  `example`: a right line."""

    def __init__(self, said: TypedCommand) -> None:
        word, *rest = said.example.split()
        if said.words.isalpha():
            word = said.words  # as it was typed, and not a sign
        super().__init__(f"{word} whom?")
        self.example = " ".join([word, *rest])


def _check_somebody(said: TypedCommand) -> None:
    if not said.rest and said.words:
        raise _Unnamed(said)


def _named(make: Callable[[str], Command]) -> Reader:
    def read(said: TypedCommand) -> Command:
        _check_somebody(said)
        return make(_name(said.rest))

    return read


def _addressed(make: Callable[[str, str], Command]) -> Reader:
    def read(said: TypedCommand) -> Command:
        _check_somebody(said)
        name, text = _split(said.rest)
        return make(check_name(_shortened(name)), _text(text))

    return read
