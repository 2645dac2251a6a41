"""The rules for user names.

1 to 32 characters: ASCII letters, digits, `.`, `_`, `-`, the first a letter or
digit.  Two names that differ only in case are the same name.
"""

import re

from shared.errors import Refused

NAME_CHARACTERS = 32
FLEETING_DAYS = 7  # without use, until a name expires
UNUSED_DAYS = 365  # the same, for a name that was used
ESTABLISHED_SECONDS = 3_600.0  # for this long in all
PATTERN = r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z"  # \Z: `$` would let a newline pass
_VALID = re.compile(PATTERN)


def is_name(text: str) -> bool:
    return _VALID.match(text) is not None


def check_name(text: str) -> str:
    """Return the name as it is.  Raises Refused with the reason."""
    if is_name(text):
        return text
    raise Refused(f'"{text}" is not a valid name: {_reason(text)}.', "NAME")


def _reason(text: str) -> str:
    if not text:
        return "it is empty"
    if len(text) > NAME_CHARACTERS:
        return f"it is longer than {NAME_CHARACTERS} characters"
    if not re.match(r"[A-Za-z0-9]", text):
        return "it must begin with a letter or a digit"
    return 'only the letters a to z, digits, ".", "_" and "-" may be used'


def fold(name: str) -> str:
    """Return the form in which names are compared and kept as keys."""
    return name.lower()
