"""Fold texts of many lines to their beginning; HISTORY shows them whole."""

from typing import Final

from msgspec.structs import replace

from peer.events import Event, Letter, Said, SaidPrivately, SaidToAll
from peer.place_results import Dimmed, WhatIsUnread
from shared.clean import clean

LINES_MOST: Final = 40  # of one text: more would push everything else off the screen


def folded(text: str) -> str:
    """Return the first lines of a text, and a note on the others."""
    if len(text) <= LINES_MOST:
        return text
    lines = clean(text).split("\n")
    more = len(lines) - LINES_MOST
    if more <= 0:
        return text
    were = "line" if more == 1 else "lines"
    return "\n".join([*lines[:LINES_MOST], f"... {more:,} more {were}; HISTORY shows them."])


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
