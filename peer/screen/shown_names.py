"""Names from elsewhere on the screen, and mine in what others write."""

import re

_NEVER_IN_A_NAME = re.compile("[^!-~]")


def harmless(name: str) -> str:
    """A name or an address: whatever never stands in one becomes a question mark.

    They are checked where they come in.  Here it counts that each character is one
    cell wide, and that no space makes two words of one.
    """
    return _NEVER_IN_A_NAME.sub("?", name)


def mentions(text: str, me: str) -> bool:
    """Whether that name stands in the text, as a word."""
    return bool(me) and as_word(me).search(text) is not None


def as_word(name: str) -> re.Pattern[str]:
    """A dot or a dash belongs to a name when more of it follows: "Thanks, carol." means carol."""
    return re.compile(
        rf"(?<![A-Za-z0-9_])(?<![A-Za-z0-9_][.-]){re.escape(name)}(?![A-Za-z0-9_]|[.-][A-Za-z0-9])",
        re.IGNORECASE,
    )
