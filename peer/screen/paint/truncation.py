"""Fit names and short texts into a number of cells, and make them harmless."""

from collections.abc import Iterable

from prompt_toolkit.utils import get_cwidth

from shared.clean import on_one_line

ELLIPSIS = "…"


def cells(text: str) -> int:
    """Return how many cells wide the text is drawn."""
    return get_cwidth(text)


def cut(text: str, most: int) -> str:
    """Return the beginning of the text in at most `most` cells, with `…` if that is not all."""
    if cells(text) <= most:
        return text
    kept, width = [], 1  # of the ellipsis
    for character in text:
        width += cells(character)
        if width > most:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS if most > 0 else ""


def listed(names: Iterable[str], most: int) -> str:
    """Return `dave, erin +3`: as many of the names as fit, and the first one in any case."""
    clean = [on_one_line(name) for name in names]
    for count in range(len(clean), 0, -1):
        more = f" +{len(clean) - count}" if count < len(clean) else ""
        text = ", ".join(clean[:count]) + more
        if cells(text) <= most:
            return text
    more = f" +{len(clean) - 1}" if len(clean) > 1 else ""
    return cut(cut("".join(clean[:1]), max(1, most - cells(more))) + more, most)
