"""The rule for texts that users write: at most TEXT_CHARACTERS characters, all of Unicode."""

import re
from typing import Final

from shared.errors import Refused
from shared.messages.common import TEXT_CHARACTERS

# A keyboard, or a file name, had bytes that could not be decoded; no UTF-8 exists for these.
_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")


def whole_characters(text: str) -> str:
    """Return the text with a replacement for each half of a character."""
    return _HALF_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)


def sendable(text: str) -> str:
    """Return the text as a message can carry it.  Raises Refused if it is too long for one."""
    if len(text) > TEXT_CHARACTERS:
        raise Refused(
            f"The text is too long: {len(text):,} characters, "
            f"at most {TEXT_CHARACTERS:,} are possible."
        )
    return whole_characters(text)
