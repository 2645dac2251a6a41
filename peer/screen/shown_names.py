"""Make names from elsewhere harmless, and find mine in what others write."""

import re

_NEVER_IN_A_NAME = re.compile("[^!-~]")


def harmless(name: str) -> str:
    """Replace characters that no name or address contains by question marks.

    Names are checked on arrival.  This ensures that each character is one cell wide, and
    that no space splits a name in two.
    """
    return _NEVER_IN_A_NAME.sub("?", name)


def mentions(text: str, me: str) -> bool:
    """Whether this name occurs in the text, as a word."""
    return bool(me) and as_word(me).search(text) is not None


def as_word(name: str) -> re.Pattern[str]:
    """Return a pattern that finds a name as a word.

    A dot or a dash belongs to a name only if more of it follows: "Thanks, carol." means carol.
    """
    return re.compile(
        rf"(?<![A-Za-z0-9_])(?<![A-Za-z0-9_][.-]){re.escape(name)}(?![A-Za-z0-9_]|[.-][A-Za-z0-9])",
        re.IGNORECASE,
    )
