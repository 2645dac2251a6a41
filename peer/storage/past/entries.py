"""Form entries of the history from rows of the journal."""

from collections.abc import Iterator
from typing import Final

from peer.core.history_entry import HistoryEntry, Kind
from peer.storage.rows import Rows
from shared.messages.peers import Text

# A copy that came through the mailbox is left out if its text came as well, and says the same.
NOT_TWICE: Final = (
    "(lines.conversation IS NULL OR lines.has_other_text OR coalesce((SELECT t.last FROM texts AS t"
    " WHERE (t.conversation, t.author, t.epoch) = (lines.conversation, lines.member, lines.epoch)"
    " AND t.seq <= lines.seq ORDER BY t.seq DESC LIMIT 1), 0) < lines.seq)"
)
COLUMNS: Final = "kind, lines.time, lines.author, receiver, lines.id, lines.text"  # of `of_line`


def of_line(
    rows: Rows, kind: str, time: float, author: str, receiver: str, id: str, text: str
) -> Iterator[HistoryEntry]:
    """Yield the entry of a single line, if it can be read."""
    for words in rows.words(text, "line", author, id):
        yield HistoryEntry(Kind(kind), time, author, receiver, words)


def of_text(text: Text, author: str, is_late: bool) -> list[HistoryEntry]:
    """Return the entries of texts written together; only the first may follow a gap."""
    return [
        HistoryEntry(Kind.SAID, text.time, author, "", said, is_late and not number)
        for number, said in enumerate(text.texts)
    ]
