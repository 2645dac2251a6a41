"""Paint events for the scrollback of the full terminal.

The words are those of line mode; here they get time, colour and layout.
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Final

from msgspec.structs import replace
from rich.console import Console, RenderableType
from rich.text import Text

from peer import events, place_results, results
from peer.commands.manual import page
from peer.core.history_entry import HistoryEntry, Kind, excerpts
from peer.core.local_time import local_time
from peer.core.past.looking_back import Lookback
from peer.events import Event
from peer.results import Sent
from peer.screen.catching_up import WhileAway
from peer.screen.paint import tables
from peer.screen.paint.colours import (
    ALARM,
    LINK,
    MARK,
    MENTION,
    QUESTION,
    SYSTEM,
    TAG,
    TIME,
    Colours,
    name_style,
    theme,
)
from peer.screen.paint.hanging_row import Row
from peer.screen.paint.long_texts import folded, glimpse
from peer.screen.paint.truncation import cut
from peer.screen.presence_lines import Crowd
from peer.screen.shown_names import as_word, harmless, mentions
from shared.clean import clean, on_one_line
from shared.names import fold
from shared.world import Clock

LEAST_WIDTH: Final = 10  # of a screen; a narrower one cuts or wraps by itself
BESIDE_CELLS: Final = 60  # of a text beside one that was found
NAMED: Final = 3  # users named in one line; of more users, the first two are named

_URL = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?'()\[\]{}]", re.IGNORECASE)
_RULE = "──"


class Painter:
    """Paints what one user sees."""

    def __init__(self, clock: Clock, me: str = "") -> None:
        self._clock = clock
        self.me = me  #: the user's name
        self._day: date | None = None  # when something was painted last
        self._letters = 0  # announced messages that are still to be painted

    def paint_all(self, batch: Iterable[Event]) -> list[RenderableType]:
        """Paint events one by one; users who come, or go, in a row share a line."""
        painted: list[RenderableType] = []
        for _, some in groupby(batch, key=type):
            several = list(some)
            together = [one for one in several if isinstance(one, events.Came | events.Went)]
            if together:
                painted += [*self._new_day(), self._came_or_went(together)]
            else:
                painted += [one for event in several for one in self.paint(event)]
        return painted

    def paint(self, event: Event) -> list[RenderableType]:
        return [*self._new_day(), *self._painted(event)]

    def paint_sent(
        self, sent: Sent, mark: str = "", *, at: float | None = None, is_live: bool = False
    ) -> list[RenderableType]:
        """Paint a text of mine, written `at` (None: now), with its delivery `mark`.

        `is_live`: it is painted below the scrollback, where no day begins.
        """
        time = self._clock.time() if at is None else at
        row = self._sent(sent, mark, f"{local_time(time):%H:%M}")
        return [row] if is_live else [*self._new_day(), row]

    def _painted(self, event: Event) -> Sequence[RenderableType]:
        match event:
            case events.Said() | events.SaidPrivately() | events.SaidToAll():
                return [self._text(event, self._clock.time())]
            case events.LettersWaited(is_live=True):
                self._letters = 0
                return []  # each of them is a line with its time
            case events.LettersWaited(count=count):
                self._letters = count
                return [_rule(f"while you were away ({count})")]
            case events.Letter():
                return self._letter(event)
            case Sent(handle=handle):
                states = {} if handle is None else handle.states()
                return [self._sent(event, mark(states), self._time())]
            case place_results.GoneTo():
                return []  # the prompt shows it
            case place_results.Dimmed(dimmed=dimmed):
                return self._dimmed(dimmed)
            case results.Typed(line=line):
                return [self._sentence(">", line)]
            case events.Came() | events.Went():
                return [self._came_or_went([event])]
            case WhileAway(words=words):
                return [_rule(clean(words))]
            case Crowd():
                return [self._sentence("*", event.sentence)]
            case events.Invited() | events.KeepMore() | results.Asked():
                return [self._sentence("?", str(event), QUESTION)]
            case events.DirectoryLost() | events.NotDelivered() | events.SaidDifferently():
                return [self._sentence("!", str(event), ALARM)]
            case results.Answer():
                return self._answer(event)
            case _:
                return self._sentences(event.lines())

    def _answer(self, answer: results.Answer) -> Sequence[RenderableType]:
        match answer:
            case results.UserList():
                return self._user_list(answer)
            case results.UserInfo():
                return tables.user_info(answer, self.me)
            case results.MemberList():
                return tables.member_list(answer)
            case results.WhoHas(states=states) if states:
                return [*self._sentences([answer.heading]), *tables.who_has(answer, self.me)]
            case place_results.WhatIsUnread():
                return self._what_is_unread(answer)
            case results.WhatWasSaid():
                return self._what_was_said(answer)
            case results.LookedBack():
                return self._looked_back(answer)
            case results.Words():
                return self._words(answer)
            case results.Manual(topic=topic) if (found := page(topic)) is not None:
                return tables.manual(found)
            case results.Manual() if len(lines := answer.lines()) > 1:
                return tables.explained(lines)
            case _:
                return self._sentences(answer.lines())

    # --- Texts ---

    def _text(
        self, said: events.Said | events.SaidPrivately | events.SaidToAll, came: float
    ) -> Row:
        tag = _tag(said)
        sender, text, late = said.sender, said.text, said.late
        is_for_me = fold(sender) != fold(self.me) and mentions(text, self.me)
        time = self._time_or_day(came if late is None else late.written)
        body = self._body(folded(text))
        if is_for_me:
            body.highlight_regex(as_word(self.me), MENTION)
        name = (harmless(sender), self._style(sender))
        head = _head((time, MENTION if is_for_me else TIME), tag, name, "")
        behind = "" if late is None else f" {late}"
        return Row(Text.assemble(head, (behind, TIME), "  "), body)

    def _letter(self, letter: events.Letter) -> list[Row | Text]:
        time = (self._time_or_day(letter.time), TIME)
        name = (harmless(letter.writer), self._style(letter.sender))
        tag = f"[left] #{letter.room}" if letter.room else "[left]"
        head = _head(time, tag, name, "  ")
        painted: list[Row | Text] = [Row(head, self._body(folded(letter.text)))]
        if self._letters:
            self._letters -= 1
            if not self._letters:
                painted.append(Text(_RULE * 15, SYSTEM))
        return painted

    def _sent(self, sent: Sent, mark: str, time: str) -> Row:
        tag = "[left]" if sent.is_left else "[all]" if sent.to_all else "[private]" * bool(sent.to)
        tag = f"#{sent.room}" if sent.room else tag
        body = self._body(sent.text)
        if mark:
            body.append(f"  {clean(mark)}", MARK)
        return Row(self._from_to((time, TIME), tag, self.me, sent.to), body)

    def _entry(self, entry: HistoryEntry) -> list[Row]:
        row = Row(self._entry_head(entry), self._body(entry.text))
        if entry.is_late:
            return [Row(Text("-- ", SYSTEM), Text(str(events.Missing()), SYSTEM)), row]
        return [row]

    def _entry_head(self, entry: HistoryEntry) -> Text:
        tag = "" if entry.kind is Kind.SAID else f"[{entry.kind.value}]"
        to = entry.receiver if fold(entry.author) == fold(self.me) else ""
        return self._from_to((f"{local_time(entry.time):%H:%M}", TIME), tag, entry.author, to)

    def _beside(self, entry: HistoryEntry) -> Row:
        """Paint an entry beside one that was found, on one line."""
        body = Text(cut(on_one_line(entry.text), BESIDE_CELLS), SYSTEM)
        return Row(Text(self._entry_head(entry).plain, SYSTEM), body)

    def _from_to(self, time: tuple[str, str], tag: str, author: str, to: str) -> Text:
        head = _head(time, tag, (harmless(author), self._style(author)), "")
        if not to:
            return head + Text("  ")
        return Text.assemble(head, " -> ", (harmless(to), self._style(to)), ": ")

    def _body(self, text: str) -> Text:
        body = Text(clean(text).rstrip("\n "))
        body.highlight_regex(_URL, LINK)
        return body

    # --- Sentences ---

    def _sentences(self, lines: Iterable[str]) -> list[Row]:
        return [self._sentence("--", line) for line in lines]

    def _sentence(self, sign: str, text: str, style: str = SYSTEM) -> Row:
        head = Text.assemble((self._time(), TIME), " ", (f"{sign} ", style))
        return Row(head, Text(clean(text), style))

    def _came_or_went(self, several: Sequence[events.Came | events.Went]) -> Row:
        names = _listed([harmless(one.name) for one in several])
        where = "online" if isinstance(several[0], events.Came) else "offline"
        return self._sentence("*", f"{names} {where}.")

    # --- Answers that are neither ---

    def _what_was_said(self, answer: results.WhatWasSaid) -> list[Row | Text]:
        """Paint a heading, the texts below each day on which they were written, and a line."""
        rows: list[Row | Text] = []
        if answer.entries:
            rows += self._sentences([answer.heading] if answer.heading else [])
            rows += self._found(answer) if answer.around else self._entries(answer.entries)
            rows.append(Text(_RULE * 15, SYSTEM))
        return [*rows, *self._sentences([answer.note] if answer.note else [])]

    def _looked_back(self, answer: results.LookedBack) -> list[Row | Text]:
        rows: list[Row | Text] = []
        for place in answer.places:
            rows += self._sentences([place.heading])
            for day, some in groupby(enumerate(place.entries), key=lambda one: _day_of(one[1])):
                rows.append(_day(day))
                for number, entry in some:
                    if place.unread and number == place.begins:
                        rows.append(_divider(place))
                    rows += self._entry(replace(entry, text=glimpse(entry.text)))
            if place.unread and place.begins == len(place.entries):  # none of them is shown
                rows.append(_divider(place))
            rows += [Text(_RULE * 15, SYSTEM)] if place.entries else []
        return [*rows, *self._sentences([answer.note] if answer.note else [])]

    def _entries(self, entries: Iterable[HistoryEntry]) -> Iterator[Row | Text]:
        for day, some in groupby(entries, key=_day_of):
            yield _day(day)
            for entry in some:
                yield from self._entry(entry)

    def _found(self, answer: results.WhatWasSaid) -> Iterator[Row | Text]:
        found = excerpts(answer.entries, answer.around)
        for day, some in groupby(found, key=lambda one: _day_of(one.entry)):
            yield _day(day)
            for one in some:
                if one.follows_gap:
                    yield Text("...", SYSTEM)
                yield from self._entry(one.entry) if one.is_hit else [self._beside(one.entry)]

    def _user_list(self, answer: results.UserList) -> list[Row]:
        rows = tables.user_list(answer, self._today())
        return [*self._sentences(answer.heading()), *rows, *self._sentences(answer.footer())]

    def _what_is_unread(self, unread: place_results.WhatIsUnread) -> list[RenderableType]:
        """Paint the divider, and the texts below it with the times at which they came."""
        painted: list[RenderableType] = [Text(unread.divider, SYSTEM)]
        painted += self._sentences([unread.note] if unread.note else [])
        for one in unread.texts:
            match one.text:
                case events.Said() | events.SaidPrivately() as said:
                    painted.append(self._text(said, one.time))
                case other:
                    painted += self._painted(other)
        return painted

    def _dimmed(self, event: Event) -> list[RenderableType]:
        rows = self._painted(event)
        return [row.in_style(SYSTEM) if isinstance(row, Row) else row for row in rows]

    def _words(self, answer: results.Words) -> list[Row]:
        first, *more = answer.lines()
        said = first.removesuffix(" ".join(answer.words))
        return [*self._sentences([said]), *tables.words(answer), *self._sentences(more)]

    # --- Time ---

    def _new_day(self) -> list[Text]:
        """Return the line before the first event of another day, if this is one."""
        before, self._day = self._day, self._today()
        if before in (None, self._day):
            return []
        return [_day(self._day)]

    def _today(self) -> date:
        return local_time(self._clock.time()).date()

    def _time_or_day(self, seconds: float) -> str:
        """Return the time, with the day if it is not today."""
        at = local_time(seconds)
        return f"{at:%H:%M}" if at.date() == self._today() else f"{at:%Y-%m-%d %H:%M}"

    def _time(self) -> str:
        return f"{local_time(self._clock.time()):%H:%M}"

    def _style(self, name: str) -> str:
        return name_style(name, self.me)


def mark(states: dict[str, str]) -> str:
    """Return what became of a text of mine, by the states of a Handle, in a few characters."""
    told = list(states.values())
    delivered, left = told.count("delivered"), told.count("left")
    if not told:
        return ""
    if delivered == len(told):
        return "✓"
    if left == len(told):
        return "left"
    if left:
        return f"{delivered}/{len(told)}, {left} left"
    return f"{delivered}/{len(told)}" if delivered else "…"


def ansi(
    renderables: Iterable[RenderableType], *, width: int, colours: Colours | None = "256"
) -> str:
    """Return the text for a terminal; each line ends with a newline.  `colours` None: none."""
    screen = io.StringIO()
    console = Console(
        file=screen,
        theme=theme(colours),
        force_terminal=True,
        force_jupyter=False,
        color_system=colours or "standard",
        no_color=colours is None,
        legacy_windows=False,
        width=max(width, LEAST_WIDTH),
        height=24,  # has no effect, but without it rich asks the real terminal
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console:
        for renderable in renderables:
            console.print(renderable, no_wrap=True, overflow="crop", crop=False)
    return screen.getvalue()


def _tag(said: events.Said | events.SaidPrivately | events.SaidToAll) -> str:
    match said:
        case events.Said(room=room):
            return f"#{room}" if room else ""
        case events.SaidPrivately():
            return "[private]"
    return "[all]"


def _head(time: tuple[str, str], tag: str, name: tuple[str, str], after: str) -> Text:
    return Text.assemble(time, " ", (f"{tag} " if tag else "", TAG), name, after)


def _day_of(entry: HistoryEntry) -> date:
    return local_time(entry.time).date()


def _day(day: date) -> Text:
    return _rule(f"{day:%A}, {day.day} {day:%B} {day.year}")


def _divider(place: Lookback) -> Row:
    return Row(Text(), Text(place.divider, SYSTEM))


def _rule(words: str) -> Text:
    return Text(f"{_RULE} {words} {_RULE}", SYSTEM)


def _listed(names: list[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} is"
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]
    return f"{', '.join(names[:-1])} and {names[-1]} are"
