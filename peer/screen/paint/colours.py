"""The styles by name, and a colour of its own for every user.

No meaning depends on a colour alone: without colours, a word or a sign carries it.
"""

import hashlib
from functools import cache
from typing import Final, Literal

from rich.theme import Theme

from shared.names import fold

Colours = Literal["truecolor", "256", "standard"]

# From the 256 colours: each has a contrast of at least 3.6 to black and to white.  None is
# red, since red is for what went wrong.
HUES: Final = (166, 130, 100, 64, 28, 30, 32, 63, 97, 128, 163, 132)

# From the 8 colours of every terminal: those that are legible on dark and on light.
SAFE: Final = ("green", "magenta", "cyan", "red")

ME: Final = "me"
TIME: Final = "time"
TAG: Final = "tag"
SYSTEM: Final = "system"
QUESTION: Final = "question"
ALARM: Final = "alarm"
MENTION: Final = "mention"
LINK: Final = "link"
MARK: Final = "mark"
STRONG: Final = "strong"

_STYLES: Final = {
    ME: "bold",
    TIME: "dim",
    TAG: "bold",
    SYSTEM: "dim",
    QUESTION: "bold yellow",
    ALARM: "bold red",
    MENTION: "bold reverse",
    LINK: "underline",
    MARK: "green",
    STRONG: "bold",
}


def name_style(name: str, me: str) -> str:
    """Return the style of a user's name: always the same one, on every machine."""
    if fold(name) == fold(me):
        return ME
    digest = hashlib.sha256(fold(name).encode(errors="replace")).digest()
    return _numbered(digest[0] % len(HUES))


@cache
def theme(colours: Colours | None) -> Theme:
    few = colours in (None, "standard")
    names = {
        _numbered(number): SAFE[number % len(SAFE)] if few else f"color({hue})"
        for number, hue in enumerate(HUES)
    }
    return Theme({**_STYLES, **names}, inherit=False)


def _numbered(hue: int) -> str:
    return f"name.{hue}"
