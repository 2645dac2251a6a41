"""Fold texts of many lines to their beginning; HISTORY shows them whole."""

from typing import Final

from msgspec.structs import replace

from peer.events import Event, Letter, Said, SaidPrivately, SaidToAll
from peer.place_results import Dimmed, WhatIsUnread
from shared.clean import clean

LINES_MOST: Final = 40  # of one text: more would push everything else off the screen
GLIMPSE_LINES: Final = 5
GLIMPSE_CHARACTERS: Final = 400  # five rows of a screen


def folded(text: str, most: int = LINES_MOST) -> str:
    """Return the first lines of a text, and a note on the others; empty ones at its end are none.

    The writer is told as many lines, and a text that is pasted ends with a line break.
    """
    if len(text) <= most:
        return text
    lines = clean(text).rstrip("\n").split("\n")
    more = len(lines) - most
    if more > 0:
        were, them = ("line", "it") if more == 1 else ("lines", "them")
        lines[most:] = [f"... {more:,} more {were}; HISTORY shows {them}."]
    return "\n".join(lines)


def glimpse(text: str) -> str:
    """Return the beginning of a text for a start, which shows many."""
    is_long = len(text) > GLIMPSE_CHARACTERS
    return folded(text[:GLIMPSE_CHARACTERS] + "…" if is_long else text, GLIMPSE_LINES)


def fold_event(event: Event) -> Event:
    """Fold the event if somebody else wrote it; return any other event as it is."""
    match event:
        case Said() | SaidPrivately() | SaidToAll() | Letter():
            return replace(event, text=folded(event.text))
        case Dimmed():
            return replace(event, dimmed=fold_event(event.dimmed))
        case WhatIsUnread(texts=texts):
            return replace(
                event, texts=tuple(replace(one, text=fold_event(one.text)) for one in texts)
            )
    return event
