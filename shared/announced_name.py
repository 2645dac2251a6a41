"""The name by which a directory announces itself; both command lines need it at once."""

from typing import Final

from shared.clean import on_one_line

NAME_BYTES: Final = 63  # of a label of DNS
NAMELESS: Final = "directory"


def clean_name(text: str) -> str:
    """Return the text as a name of a directory: one label, without what acts on a terminal."""
    label = " ".join(on_one_line(text).replace(".", "-").replace("\\", "-").split())
    short = label.encode(errors="replace")[:NAME_BYTES].decode(errors="ignore").strip()
    return short or NAMELESS
