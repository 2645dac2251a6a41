"""Complete commands, and what may follow them, when Tab is pressed."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

from msgspec import Struct
from prompt_toolkit.completion import CompleteEvent, Completion
from prompt_toolkit.document import Document

from peer.commands.grammar import Context, SetStatus, Wrong
from peer.commands.parsing import Begun, begun, is_text, offered, parse
from peer.commands.table import TABLE, Entry, Takes
from peer.screen.editor.host import LateCompleter
from peer.screen.ui_state import UiState
from shared.messages.common import Status
from shared.names import fold, is_name

MOST_OFFERS = 100  # one more letter leads to the others
ENOUGH_NAMES = 2  # that fit; of fewer the directory may know more
NAME_LETTERS = 2  # from which a bare name in a text is completed; one letter begins too many words

_ADDRESSED = re.compile(r"(?:\A|\s)@([^\s@]*)\Z")
_LAST_WORD = re.compile(r"(?:\A|\s)(\S+)\Z")


class Offer(Struct, frozen=True):
    """A text that may replace the last letters that were typed."""

    typed: str
    text: str
    meta: str = ""


class HasUiState(Protocol):
    @property
    def ui_state(self) -> UiState:
        """The present state."""

    def seek(self, beginning: str) -> None:
        """Let more users be sought whose names begin so; whoever is found is in the state."""


class Completions(LateCompleter):
    """Looks at the state when the key is pressed; needs no thread, and waits for nobody."""

    def __init__(self, owner: HasUiState) -> None:
        self._owner = owner
        self._sought: tuple[str, str, int] | None = None  # line, beginning, how many fitted

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 - Tab and typing are answered alike
    ) -> Iterator[Completion]:
        line, ui_state = document.text_before_cursor, self._owner.ui_state
        self._seek(line, ui_state)
        for offer in dict.fromkeys(islice(_offers(line, ui_state), MOST_OFFERS)):
            whole = line.removesuffix(offer.typed) + offer.text
            yield Completion(
                offer.text + _after(whole, offer, ui_state),
                start_position=-len(offer.typed),
                display=offer.text,
                display_meta=offer.meta,
            )

    def _seek(self, line: str, ui_state: UiState) -> None:
        """Let others be sought if few are known that fit."""
        beginning, self._sought = _name_begun(line, ui_state), None
        if len(beginning) < NAME_LETTERS or not is_name(beginning):
            return
        fitting = _fitting(beginning, ui_state)
        if fitting < ENOUGH_NAMES:
            self._sought = (line, beginning, fitting)
            self._owner.seek(beginning)

    def has_more(self, line: str) -> bool:
        if self._sought is None or self._sought[0] != line:
            return False
        _, beginning, fitted = self._sought
        return _fitting(beginning, self._owner.ui_state) > fitted


def _after(whole: str, offer: Offer, ui_state: UiState) -> str:
    """Return what to add to the offer: a blank, or ": " after a name that begins a text."""
    is_name = offer.text in ui_state.others and whole.strip() == offer.text
    if is_name and ui_state.context.in_conversation and is_text(whole, ui_state.context):
        return ": "
    return " " if _is_unfinished(whole, ui_state.context) else ""


def _is_unfinished(line: str, context: Context) -> bool:
    """Whether a command cannot end here; a bare ADD is a text until a name follows."""
    if is_text(line, context):
        return not is_text(f"{line} name", context)
    return isinstance(parse(line, context), Wrong)


def _offers(line: str, ui_state: UiState) -> Iterator[Offer]:
    if addressed := _ADDRESSED.search(line):
        yield from _users(addressed[1], _there_first(ui_state), ui_state)
        return
    context = ui_state.context
    typed = line.lstrip().removeprefix("/")
    for words, entry in offered(line, context):
        yield Offer(typed, words, entry.meaning)
    is_said = is_text(f"{line}x", context)
    if not is_said and (command := begun(line, context)):
        yield from _arguments(line, command, ui_state)
    elif (word := _LAST_WORD.search(line)) and len(word[1]) >= NAME_LETTERS:
        is_first = word[1] == line.lstrip()
        if context.in_conversation:
            yield from _users(word[1], ui_state.others, ui_state)
        elif is_first and not is_said:  # `dave hello`
            yield from _users(word[1], _there_first(ui_state), ui_state)


def _arguments(line: str, command: Begun, ui_state: UiState) -> Iterator[Offer]:
    if not command.rest and not line[-1].isspace():
        return
    typed = command.rest
    match command.entry.takes:
        case Takes.ONLINE:
            yield from _users(typed, ui_state.online(), ui_state)
        case Takes.NEWCOMER:
            members = set(map(fold, ui_state.others))
            newcomers = [name for name in ui_state.online() if fold(name) not in members]
            yield from _users(typed, newcomers, ui_state)
        case Takes.ANYBODY:
            yield from _users(typed, _there_first(ui_state), ui_state)
        case Takes.PLACE:
            yield from _rooms(typed, ui_state)
            yield from _users(typed, _there_first(ui_state), ui_state)
        case Takes.ABSENT:
            yield from _users(typed, _there_first(ui_state, away=True), ui_state)
        case Takes.ASKER:
            yield from _users(typed, reversed(ui_state.questions), ui_state)
        case Takes.STATUS if command.words == command.entry.words[0]:
            yield from _statuses(typed, command.entry)
        case Takes.COMMAND:
            for entry in TABLE:
                if _begins(entry.words[0], typed):
                    yield Offer(typed, entry.words[0], entry.meaning)


def _begins(text: str, typed: str) -> bool:
    return fold(text).startswith(fold(typed))


def _statuses(typed: str, entry: Entry) -> Iterator[Offer]:
    """Offer statuses; once a letter is typed, by their other words too."""
    for words in entry.words[1:]:
        match parse(words, Context()):
            case SetStatus(Status() as status) if typed or words == status.value:
                if _begins(words, typed):
                    yield Offer(typed, words, status.value)


def _there_first(ui_state: UiState, *, away: bool = False) -> list[str]:
    """Return everybody, users online first; with `away`, users offline first."""
    there = set(ui_state.online())
    return sorted(ui_state.everybody(), key=lambda name: (name in there) is away)


def _users(typed: str, names: Iterable[str], ui_state: UiState) -> Iterator[Offer]:
    """Offer the names that begin with `typed`; an invalid name is not repeated."""
    known = {fold(user.name): user.status for user in ui_state.users}
    beginning = fold(typed)
    for name in names:
        if fold(name).startswith(beginning) and is_name(name):
            status: Status | None = known.get(fold(name))
            yield Offer(typed, name, status.value if status else "")


def _rooms(typed: str, ui_state: UiState) -> Iterator[Offer]:
    """Offer my rooms, with the sign before them if it was typed, or if a user is called so."""
    for room, others in ui_state.rooms:
        sign = "#" if typed.startswith("#") or room in ui_state.namesakes else ""
        if _begins(room, typed.removeprefix("#")):
            yield Offer(typed, sign + room, f"a room of {len(others) + 1}")


# --- Users of whom the directory may know more ------------------------------------

_USERS = (Takes.ONLINE, Takes.NEWCOMER, Takes.ANYBODY, Takes.PLACE, Takes.ABSENT)


def _name_begun(line: str, ui_state: UiState) -> str:
    """Return the beginning of a user's name at the end of the line; "" if there is none."""
    if addressed := _ADDRESSED.search(line):
        return addressed[1]
    if is_text(f"{line}x", ui_state.context):
        return ""
    if command := begun(line, ui_state.context):
        return command.rest if command.entry.takes in _USERS else ""
    return line.lstrip()


def _fitting(beginning: str, ui_state: UiState) -> int:
    return sum(_begins(name, beginning) for name in ui_state.everybody())
