"""Read the words behind a command: names, texts and rooms."""

import re
from collections.abc import Callable

from msgspec import Struct

from peer.commands.grammar import (
    Add,
    Command,
    Context,
    Go,
    ListPlaces,
    ListRooms,
    Loud,
    SayIn,
    SetLoudness,
    ShowMembers,
    WhoGot,
)
from shared.errors import Refused
from shared.names import PATTERN, check_name
from shared.texts import sendable

ECHO_CHARACTERS = 60  # of a wrong line, quoted in the answer
ADD_MOST = 20  # users who are asked with one command
WITH_MOST = 100  # earlier texts that a newcomer gets


class TypedCommand(Struct, frozen=True):
    """A line, split into its parts."""

    words: str  #: of the command, in upper case
    rest: str
    context: Context
    has_slash: bool = False  #: the line begins with one
    example: str = ""  #: of the command


Reader = Callable[[TypedCommand], Command]  # raises Refused when the rest is wrong

_IN_PARENTHESES = re.compile(r"\(([^()]*)\)\s*(.*)", re.DOTALL)


_NAME = PATTERN.removeprefix(r"\A").removesuffix(r"\Z")
# The name by which a user calls a room; see `label` in peer.core.conversation.charter.
LABEL = rf"{_NAME}(?:~{_NAME})?(?:~[0-9]{{1,2}})?"
_ROOM = re.compile(rf"#?({LABEL})")


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
    return sendable(text)


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


# --- Rooms -----------------------------------------------------------------------


def _room(text: str) -> str:
    """Return what the user calls a room, without the sign before it."""
    found = _ROOM.fullmatch(text.strip())
    if found is None:
        return check_name(_shortened(text.strip().removeprefix("#")))
    return found[1]


def _check_which(said: TypedCommand) -> None:
    if not said.rest:
        raise Refused(f"{said.words} which room?")


def _of_room(make: Callable[[str], Command]) -> Reader:
    def read(said: TypedCommand) -> Command:
        if not said.rest and said.words == "PART" and said.context.room:
            return make(said.context.room)
        _check_which(said)
        return make(_room(said.rest))

    return read


def _members(said: TypedCommand) -> Command:
    return ShowMembers(_room(said.rest) if said.rest else said.context.room)


def _who_got(said: TypedCommand) -> Command:
    return WhoGot(_room(said.rest) if said.rest else "")


def _rooms(said: TypedCommand) -> Command:
    return _alone(ListRooms())(said)


def _say_in(said: TypedCommand) -> Command:
    _check_which(said)
    room, text = _split(said.rest)
    return SayIn(_room(room), _text(text))


def _add(said: TypedCommand) -> Command:
    """Read ADD: one name, or several, then perhaps TO a room and WITH a number of texts.

    In parentheses, TO and WITH are names.
    """
    _check_somebody(said)
    if said.rest.startswith("("):
        return Add((_name(said.rest),), said.context.room)
    words = said.rest.split()
    room, last = said.context.room, 0
    while len(words) > 2 and _is_behind_names(words[-2]):
        *words, what, value = words
        if what.upper() == "TO":
            room = _room(value)
        else:
            last = _how_many_more(value)
    if any(map(_is_behind_names, words)):
        raise Refused("Behind the names come TO and a room, or WITH and a number of texts.")
    names = tuple(dict.fromkeys(check_name(_shortened(word)) for word in words))
    if len(names) > ADD_MOST:
        raise Refused(f"At most {ADD_MOST} users can be asked at once.")
    return Add(names, room, last)


def _is_behind_names(word: str) -> bool:
    return word.upper() in ("TO", "WITH")


def _how_many_more(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= WITH_MOST:
        raise Refused(f'"{_shortened(text)}" is not a number from 1 to {WITH_MOST}.')
    return int(text)


# --- Places ----------------------------------------------------------------------


def _go(said: TypedCommand) -> Command:
    if said.rest == "?":
        return ListPlaces()
    return Go(*_place(said.rest)) if said.rest else Go()


def _loud(loud: Loud, alone: Command | None = None) -> Reader:
    """Read the name of a place, or, if there is none, what the command means `alone`."""

    def read(said: TypedCommand) -> Command:
        if alone is not None and not said.rest:
            return alone
        _check_somebody(said)
        return SetLoudness(*_place(said.rest), loud)

    return read


def _place(rest: str) -> tuple[str, str]:
    """Return the name, and the sign before it; a name with `~` is that of a room."""
    if rest.startswith("#") or "~" in rest:
        return _room(rest), "#"
    sign = "@" if rest.startswith("@") else ""
    return _name(rest.removeprefix(sign)), sign
