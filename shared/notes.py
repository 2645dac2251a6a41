"""A note that a user gives with the status: one line that acts on no screen."""

from shared.clean import on_one_line
from shared.messages.common import NOTE_CHARACTERS, Status


def harmless_note(text: str) -> str:
    """Return the note as others are told it; doing so twice changes nothing."""
    cut = " ".join(on_one_line(text).split())[:NOTE_CHARACTERS]
    return on_one_line(cut).strip()  # again: the cut may end with a joiner


def with_note(status: Status, note: str) -> str:
    """Return the status as its user reads it, with their note."""
    return f"{status.value} ({note})" if note else status.value
