"""The texts around the line that is typed: the prompt, the toolbar, the window's title."""

from collections.abc import Iterable
from enum import IntEnum, auto

from msgspec import Struct
from prompt_toolkit.formatted_text import StyleAndTextTuples

from peer.core.targets.place import Place
from peer.screen.paint.truncation import cells, cut, listed
from peer.screen.ui_state import Member, UiState
from shared.clean import on_one_line

TITLE_CHARACTERS = 60
NAMES_CELLS = 40  # of the toolbar, for names; further ones are counted
FEW_NAMES_CELLS = 16
MANY_TEXTS = 10  # to come; fewer arrive before anybody can read about them
BETWEEN = " | "
DISPLACED = "NOT REGISTERED"
PRIVATELY = "[private] "  # as before the lines that come
WIDE = 33  # cells of the name of a place in the toolbar: all of it,
_NARROWER = (12, 6)  # or less where there is little room
FEW_PLACES = 2

# Colours of medium brightness, legible on black and on white alike.  With NO_COLOR
# the rest of each style remains, and the words carry every meaning anyway.
STYLE = {
    "prompt": "bold",
    "prompt.outside": "",
    "prompt.conversation": "#008700",
    "prompt.group": "#5f5fff",
    "prompt.private": "#af5faf",
    "prompt.writing": "#af5f00 underline",
    "hint": "#808080",
    "toolbar": "reverse",
    "toolbar.connecting": "",
    "toolbar.gone": "bold underline #d70000",
    "toolbar.lost": "bold #d70000",
    "toolbar.asked": "bold #af5faf",
    "toolbar.private": "bold #af5faf",
    "toolbar.waiting": "#af5f00",
    "toolbar.undelivered": "#af5f00",
    "toolbar.letters": "",
    "toolbar.to_come": "",
}


def prompt(ui_state: UiState, width: int = 80) -> StyleAndTextTuples:
    """Return who I am and where Enter goes, in about half of the width."""
    me = cut(on_one_line(ui_state.me), max(8, width // 4))
    room = max(8, width // 2 - cells(me))
    if ui_state.here.person:
        return [("class:prompt.private", _to_one(me, PRIVATELY, ui_state.here, width))]
    if ui_state.here.room:
        return [("class:prompt.group", _to_one(me, "", ui_state.here, width))]
    if ui_state.writing_to:
        return [("class:prompt.writing", f"leave for {listed([ui_state.writing_to], room)}> ")]
    if not ui_state.members:
        return [("class:prompt.outside", f"{me}> ")]
    style = "class:prompt.group" if len(ui_state.members) > 1 else "class:prompt.conversation"
    return [(style, f"{me} -> {listed(ui_state.others, room)}> ")]


def _to_one(me: str, before: str, place: Place, width: int) -> str:
    """Return the prompt for a person or room; rather leave out who I am than cut its name."""
    most, name = max(30, width * 2 // 3), on_one_line(str(place))
    whole = f"{before}{me} -> {name}> "
    if cells(whole) <= most:
        return whole
    return f"{before}-> {cut(name, most - cells(f'{before}-> > '))}> "


def title(ui_state: UiState, unread: int = 0) -> str:
    """Return the title of the window; nothing in it acts on a terminal."""
    new = f"({unread}) " if unread else ""
    others = f" -> {', '.join(ui_state.others)}" if ui_state.members else ""
    if not ui_state.here.is_home:
        others = f" -> {ui_state.here}"
    text = on_one_line(f"{new}parley: {ui_state.me}{others}")
    return "".join(filter(str.isprintable, text))[:TITLE_CHARACTERS]


# --- The toolbar ------------------------------------------------------------------


class _Rank(IntEnum):
    """The importance of a part: the first is dropped last."""

    CONNECTING = auto()
    GONE = auto()
    ASKED = auto()
    LOST = auto()
    WAITING = auto()
    UNDELIVERED = auto()
    LETTERS = auto()
    TO_COME = auto()
    PRIVATE = auto()
    LINKED = auto()
    UNREAD = auto()
    MUTED = auto()
    STATUS = auto()


_SPARE = (
    _Rank.LETTERS, _Rank.TO_COME, _Rank.LINKED, _Rank.UNREAD, _Rank.MUTED, _Rank.STATUS,
)  # fmt: skip


class _Part(Struct, frozen=True):
    rank: _Rank
    forms: tuple[str, ...]  #: the same, from long to short


def toolbar(
    ui_state: UiState,
    width: int,
    unread_here: int = 0,
    letters_shown: int = 0,
    letters: int = 0,
) -> StyleAndTextTuples:
    """Return the state of the peer in one line of at most `width` cells.

    `unread_here`: lines that came since the last key, and are counted at no other place.
    """
    fragments: StyleAndTextTuples = []
    parts = list(_parts(ui_state, unread_here))
    if letters_shown < letters:
        parts.append(_Part(_Rank.LETTERS, (f"messages {letters_shown}/{letters}",)))
    for part, text in _chosen(parts, ui_state.undelivered, width):
        if fragments:
            fragments.append(("class:toolbar", BETWEEN))
        fragments.append((f"class:toolbar.{part.rank.name.lower()}", text))
    return fragments


def _chosen(parts: list[_Part], undelivered: int, width: int) -> list[tuple[_Part, str]]:
    """Return what fits, without the number of undelivered texts where a link tells it."""
    fitted = _fitted([part for part in parts if part.rank is not _Rank.UNDELIVERED], width)
    links = [text for part, text in fitted if part.rank in (_Rank.LOST, _Rank.LINKED)]
    if any(_lacks(undelivered) in text for text in links):
        return fitted
    return _fitted(parts, width)


def _fitted(parts: list[_Part], width: int) -> list[tuple[_Part, str]]:
    """Drop the parts that can be spared, then shorten the others, then drop these too.

    The least important part goes first; in the end, what still fits is put back.
    """
    shown = {part.rank: part.forms[0] for part in parts}
    first, *_ = by_rank = sorted(parts, key=lambda part: part.rank)

    def fits(changed: dict[_Rank, str]) -> bool:
        return cells(BETWEEN.join(filter(None, {**shown, **changed}.values()))) <= width

    for part in reversed(by_rank):
        for form in (*part.forms, *([""] if part.rank in _SPARE else [])):
            if not fits({}):
                shown[part.rank] = form
    for part in reversed(by_rank):
        if not fits({}):
            shown[part.rank] = "" if part is not first else cut(part.forms[-1], width)
    for part in by_rank:
        for form in reversed(part.forms):
            if fits({part.rank: form}):
                shown[part.rank] = form
    return [(part, shown[part.rank]) for part in parts if shown[part.rank]]


def _parts(ui_state: UiState, unread_here: int) -> Iterable[_Part]:
    """Yield the parts in the order in which they are shown."""
    if not ui_state.me:
        yield _Part(_Rank.CONNECTING, ("not registered",))
        return
    if ui_state.connects_to:
        to = on_one_line(ui_state.connects_to)
        yield _Part(_Rank.CONNECTING, (f"connecting to {to}, QUIT gives up", "connecting"))
        return
    if ui_state.is_displaced:
        yield _Part(_Rank.GONE, (f"{DISPLACED}: taken over by another program, QUIT", DISPLACED))
    else:
        if ui_state.directory_is_gone:
            yield _Part(_Rank.GONE, ("DIRECTORY GONE, trying again", "DIRECTORY GONE"))
        yield _Part(_Rank.STATUS, (ui_state.status.value,))
    if ui_state.is_muted:
        yield _Part(_Rank.MUTED, ("muted",))
    if ui_state.members:
        is_lost = any(member.is_lost for member in ui_state.members)
        yield _Part(_Rank.LOST if is_lost else _Rank.LINKED, _links(ui_state.members))
    if ui_state.questions:
        yield _Part(_Rank.ASKED, _questions(ui_state))
    if ui_state.waits_for:
        for_whom = (listed(ui_state.waits_for, most) for most in (NAMES_CELLS, FEW_NAMES_CELLS))
        yield _Part(_Rank.WAITING, tuple(f"waiting for {names}" for names in for_whom))
    if elsewhere := _elsewhere(ui_state):
        yield _Part(_Rank.PRIVATE, elsewhere)
    if ui_state.undelivered:
        yield _Part(_Rank.UNDELIVERED, (f"{ui_state.undelivered} undelivered",))
    if ui_state.to_come >= MANY_TEXTS:
        yield _Part(_Rank.TO_COME, (f"catching up: {ui_state.to_come} texts to come",))
    if unread_here:
        yield _Part(_Rank.UNREAD, (f"{unread_here} unread here",))


def _elsewhere(ui_state: UiState) -> tuple[str, ...]:
    """Return what is unread at the places where I am not, in shorter forms."""
    unread = [(_place(one.place), one.unread) for one in ui_state.places if one.unread]
    if ui_state.elsewhere:
        unread.append(("others", ui_state.elsewhere))
    if not unread:
        return ()
    by_width = [
        [f"{cut(name, most)} {count}" for name, count in unread] for most in (WIDE, *_NARROWER)
    ]
    busiest = sorted(unread, key=lambda one: -one[1])[:FEW_PLACES]
    few = [f"{cut(name, _NARROWER[-1])} {count}" for name, count in busiest]
    few += [f"+{len(unread) - FEW_PLACES}"] if len(unread) > FEW_PLACES else []
    forms = [*by_width, few]
    total = sum(count for _, count in unread)
    return (*map(" · ".join, forms), f"{total} unread elsewhere")


def _place(place: Place) -> str:
    return "conversation" if place.is_home else on_one_line(str(place))


def _questions(ui_state: UiState) -> tuple[str, ...]:
    about = tuple(dict.fromkeys(ui_state.questions))
    is_invited = set(about) <= set(ui_state.invited_by)
    if len(about) == 1:
        (name,) = (on_one_line(name) for name in about)
        question = f"{name} invites you" if is_invited else f"about {name}"
        answers = on_one_line("/".join(ui_state.choices or ("Y", "N")))
        return f"{question}: {answers}", f"{cut(name, FEW_NAMES_CELLS)}: Y/N"
    many, few = (listed(about, most) for most in (NAMES_CELLS, FEW_NAMES_CELLS))
    question = f"{many} ask" if is_invited else f"about {many}"
    return f"{question}: Y name", f"{few}: Y name", f"{len(about)} ask: Y name"


def _links(members: tuple[Member, ...]) -> tuple[str, ...]:
    """Return three forms: all links; only the indirect ones; only the lost members."""
    others = f"{len(members)} others"
    by_others = [_link(member) for member in members if not member.is_direct]
    lost = [member.name for member in members if member.is_lost]
    every = ", ".join(map(_link, members))
    bad = ", ".join(by_others) or "all direct"
    worst = f"{listed(lost, FEW_NAMES_CELLS)} lost" if lost else others
    if len(members) == 1:
        return every, cut(every, NAMES_CELLS)
    return every, f"{others}: {bad}", worst


def _link(member: Member) -> str:
    how = "direct"
    if not member.is_direct:
        how = f"through {member.through}" if member.through else "lost"
    late = f" {_lacks(member.lacks)}" if member.lacks else ""
    return on_one_line(f"{member.name} {how}{late}")


def _lacks(texts: int) -> str:
    return f"(lacks {texts})"
