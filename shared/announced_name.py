"""The name by which a directory announces itself; both command lines need it at once."""

from typing import Final

from shared.clean import on_one_line

# Quotation marks, and what looks like one.
QUOTES: Final = '"\u201c\u201d\u201e\u201f\u2033\u2036\uff02\u3003\u02ba\u02ee'
NAME_BYTES: Final = 63  # of a label of DNS
NAMELESS: Final = "directory"
# A dot and a backslash mean something in DNS.  Names are shown in quotes, in front of an address
# and a key: what looks like the end of a quote would look like the address and key of another.
_SHOWN_OTHERWISE: Final = str.maketrans(dict.fromkeys(".\\", "-") | dict.fromkeys(QUOTES, "'"))


def clean_name(text: str) -> str:
    """Return the text as a name of a directory: one label, without what acts on a terminal."""
    label = " ".join(on_one_line(text).translate(_SHOWN_OTHERWISE).split())
    short = label.encode(errors="replace")[:NAME_BYTES].decode(errors="ignore").strip()
    return short or NAMELESS
