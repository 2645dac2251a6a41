"""A typed line -> a Command.

A line is taken apart into the words of a command and the rest; the entry of the table says
how its rest becomes a Command.
"""

import re
from difflib import get_close_matches

from msgspec import Struct

from peer.commands.grammar import (
    Choose,
    Command,
    Context,
    Nothing,
    Private,
    Say,
    SayIn,
    Unknown,
    WriteLine,
    Wrong,
)
from peer.commands.reading import (
    _ROOM,
    ECHO_CHARACTERS,
    LABEL,
    Reader,
    TypedCommand,
    _addressed,
    _say_in,
    _shortened,
    _split,
    _text,
    _Unnamed,
)
from peer.commands.table import _ANSWER, _QUIT_CONVERSATION, _STATUSES, TABLE, Entry
from shared.errors import Refused
from shared.names import PATTERN, fold, is_name
from shared.texts import whole_characters

LIKENESS = 0.7  # finds CHTA and LSIT, and does not take "hello" for TELL

# EXIT is in two entries: with nothing to end it means the later one, QUIT.
_ENTRIES = {words.upper(): entry for entry in TABLE for words in entry.words}

# ASCII: without it, letters such as the Kelvin sign would pass for a K.
_FLAGS = re.IGNORECASE | re.ASCII | re.DOTALL


def _any_of(phrases: tuple[str, ...]) -> str:
    longest_first = sorted(phrases, key=len, reverse=True)
    return "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in longest_first)


_COMMAND = re.compile(rf"/?(@|(?:{_any_of(tuple(_ENTRIES))})(?=[\s(]|\Z))\s*(.*)", _FLAGS)

_NAME = PATTERN.removeprefix(r"\A").removesuffix(r"\Z")
_ONE_NAME = rf"(?:\s+{_NAME}|\s*\(\s*{_NAME}\s*\))"
_IS_ANSWER = re.compile(rf"/?(?:{_any_of(_ANSWER.words)}){_ONE_NAME}?", _FLAGS)
_IS_BARE_ANSWER = re.compile(_any_of(_ANSWER.words), _FLAGS)
_NOT_A_TEXT = re.compile(
    r"[/\\@].*|QUIT\s+CONVERSATION|QUIT|EXIT|LIST\s+USERS|WHO|HELP|\?"
    rf"|STATUS(?:\s+(?:{_any_of(tuple(_STATUSES))}))?|(?:CHAT|CONNECT|ADD){_ONE_NAME}"
    # In capitals only: people say "go on" to each other, and "add milk to the list".
    rf"|(?-i:GO)(?:{_ONE_NAME}|\s+#?{LABEL}|\s+@{_NAME}|\s+\?)?"
    rf"|(?-i:STATUS\s+(?:{_any_of(tuple(_STATUSES))})\s.*)",
    _FLAGS,
)

# One line in a room, from anywhere.
_IN_A_ROOM = re.compile(rf"/?#({LABEL})(?:\s+(.*))?", _FLAGS)


# --- Parsing ---------------------------------------------------------------------


def parse(line: str, context: Context) -> Command:
    """Return what the line means here.  Never raises.

    Where lines are texts, one leading space makes any line one; it is not part of the text.
    """
    line = whole_characters(line)
    if not line.strip():
        return Nothing()
    if (word := line.strip().removeprefix("/").upper()) in context.choices:
        return Choose(word)
    if room := _room_named(line, context):
        if context.takes_texts and not (line.startswith("/") or _is_mine(room, context)):
            return Wrong(f"You are in no room #{room}. A space before the line makes it a text.")
        said = TypedCommand("TO", line.strip().removeprefix("/").removeprefix("#"), context)
        return _read(_say_in, said, "#room text")
    if context.takes_texts and not _is_command(line, context):
        return _read(_for_target, TypedCommand("", line.removeprefix(" "), context))
    return _command(line.strip(), context)


def is_text(line: str, context: Context) -> bool:
    """Whether the line is a text for somebody, wherever it goes, and no command."""
    if not line.strip() or line.strip().removeprefix("/").upper() in context.choices:
        return False
    return context.takes_texts and not (_room_named(line, context) or _is_command(line, context))


def _room_named(line: str, context: Context) -> str:
    """Return the room that the line is for by its beginning, mine or not; "" if it has none."""
    found = _IN_A_ROOM.fullmatch(line if context.takes_texts else line.strip())
    return "" if found is None else found[1]


def _is_mine(room: str, context: Context) -> bool:
    return fold(room) in map(fold, context.rooms)


def _for_target(said: TypedCommand) -> Command:
    text = _text(said.rest)
    if said.context.person:
        return Private(said.context.person, text)
    if said.context.room:
        return SayIn(said.context.room, text)
    return WriteLine(text) if said.context.writing else Say(text)


def _is_command(line: str, context: Context) -> bool:
    """Whether the line is a command, not a text of a conversation or message.

    A leading space makes it a text.  A bare "yes" is for the conversation when texts came
    since the question was shown.
    """
    line = line.rstrip()
    is_ours = context.talk_went_on and _IS_BARE_ANSWER.fullmatch(line)
    if context.question_open and not is_ours and _IS_ANSWER.fullmatch(line):
        return True
    return _NOT_A_TEXT.fullmatch(line) is not None or _adds_several(line)


def _adds_several(line: str) -> bool:
    """Whether the line is ADD, in capitals, with names and perhaps a room, and nothing else."""
    add, *names = line.split() or [""]
    is_add = add == "ADD" and line.startswith(add)
    return is_add and bool(names) and all(map(_ROOM.fullmatch, names))


class Begun(Struct, frozen=True):
    """The command that a line begins with, whether the rest is right or not."""

    entry: Entry
    words: str  #: of the command, in upper case
    rest: str


def begun(line: str, context: Context) -> Begun | None:
    """Return the command that begins a line, or None.  Only `parse` knows if it is a text."""
    found = _COMMAND.fullmatch(line.lstrip())
    if found is None:
        return None
    words = " ".join(found[1].upper().split())
    entry = _ENTRIES[words]
    if words == "EXIT" and context.takes_texts:
        entry = _QUIT_CONVERSATION
    return Begun(entry, words, found[2])


def offered(line: str, context: Context) -> list[tuple[str, Entry]]:
    """Return the command words that complete the line, each meaning once.

    Return only those that are commands here, without the `/` that the line may have.
    """
    before, typed = _after_slash(line)
    typed = " ".join(f"{typed}.".upper().split())[:-1]  # a blank at the end counts
    seen: set[tuple[str, Command]] = set()
    found = []
    for entry in TABLE:
        for words in entry.words:
            plain = words.removeprefix("/")
            if not plain.upper().startswith(typed) or plain == "@":
                continue
            meaning = _meaning(before + plain, entry, context)
            if meaning is not None and (entry.usage, meaning) not in seen:
                seen.add((entry.usage, meaning))
                found.append((plain, entry))
    return found


def _after_slash(line: str) -> tuple[str, str]:
    """Split the line after its slash; keep one leading blank, which makes it a text here."""
    typed = line.lstrip()
    before = " " if typed != line else ""
    return (f"{before}/", typed[1:]) if typed.startswith("/") else (before, typed)


def _meaning(line: str, entry: Entry, context: Context) -> Command | None:
    """Return what the words of an entry mean here, alone or with a name; None for a text."""
    start = begun(line, context)
    if start is None or start.entry is not entry:
        return None
    both = [whole for whole in (line, f"{line} name") if not is_text(whole, context)]
    commands = [one for one in (parse(x, context) for x in both) if not isinstance(one, Unknown)]
    right = [one for one in commands if not isinstance(one, Wrong)]
    return next(iter([*right, *reversed(commands)]), None)


def _command(line: str, context: Context) -> Command:
    found = begun(line, context)
    if found is None or (found.entry is _ANSWER and not context.question_open):
        return _unknown(line, context)
    entry = found.entry
    said = TypedCommand(found.words, found.rest, context, line.startswith("/"), entry.example)
    return _read(entry.read, said, entry.usage)


def _read(reader: Reader, said: TypedCommand, usage: str = "") -> Command:
    try:
        return reader(said)
    except _Unnamed as no:
        return Wrong(str(no), usage, no.example)
    except Refused as no:
        return Wrong(str(no), usage)


def _unknown(line: str, context: Context) -> Command:
    """Return Unknown, or Wrong for a line to a user (`dave hello`) that is too long."""
    name, text = _split(line)
    if not (is_name(name) and text):
        return Unknown(line, nearest(line))
    perhaps = _read(_addressed(Private), TypedCommand("", line, context), "name text")
    return Unknown(line, nearest(line), perhaps) if isinstance(perhaps, Private) else perhaps


def nearest(line: str) -> str | None:
    """Return the command that the first word, or the first two, resemble most; or None."""
    known = [words for words, entry in _ENTRIES.items() if entry is not _ANSWER]
    first, *more = line[:ECHO_CHARACTERS].upper().removeprefix("/").split()[:2] or [""]
    for typed in (" ".join([first, *more]), first):
        if found := get_close_matches(typed, known, 1, LIKENESS):
            return _ENTRIES[found[0]].words[0]
    return None


# --- Sentences about commands ----------------------------------------------------


def unknown_text(unknown: Unknown) -> str:
    text = f"Unknown command: {_shortened(unknown.line)}"
    return f"{text}. Did you mean {unknown.nearest}?" if unknown.nearest else text


def wrong_text(wrong: Wrong) -> str:
    if wrong.example:
        return f"{wrong.reason} For example: {wrong.example}"
    return f"{wrong.reason} Usage: {wrong.usage}" if wrong.usage else wrong.reason


def asks_whom_to_add(line: str) -> bool:
    r"""Whether the line is a bare \u."""
    return line.strip().lower() in (r"\u", "/u")


def has_text(words: list[str]) -> bool:
    """Whether these words contain the user's own: a text, or words to search for."""
    found = begun(" ".join(words), Context())
    return len(words) > 1 if found is None else found.entry.has_text


def is_answer(line: str) -> bool:
    """Whether the line is one of the bare words that answer a question."""
    return _IS_BARE_ANSWER.fullmatch(line.strip().removeprefix("/")) is not None


def is_named_answer(line: str) -> bool:
    """Whether the line answers the question about a user, if there is one."""
    return _IS_ANSWER.fullmatch(line.strip()) is not None and not is_answer(line)
