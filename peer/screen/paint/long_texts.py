"""A text of many lines shows its beginning; HISTORY shows all of it."""

from typing import Final

from msgspec.structs import replace

from peer.events import Event, Letter, Said, SaidPrivately, SaidToAll
from shared.clean import clean

LINES_MOST: Final = 40  # of one text: more would push everything else off the screen


def folded(text: str) -> str:
    """The text without its further lines, and a word on them."""
    if len(text) <= LINES_MOST:
        return text
    lines = clean(text).split("\n")
    more = len(lines) - LINES_MOST
    if more <= 0:
        return text
    were = "line" if more == 1 else "lines"
    return "\n".join([*lines[:LINES_MOST], f"... {more:,} more {were}; HISTORY shows them."])


def fold_event(event: Event) -> Event:
    """What somebody else wrote, folded; everything else as it is."""
    if isinstance(event, Said | SaidPrivately | SaidToAll | Letter):
        return replace(event, text=folded(event.text))
    return event
