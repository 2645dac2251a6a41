"""Keep the letters that were left for me, until they were shown."""

import hashlib
import sqlite3
from collections.abc import Collection, Iterable

from msgspec import Struct, field

from peer.core.membership import member_id
from peer.storage.left_letters import place_of
from peer.storage.rows import Rows
from peer.storage.texts import Place
from shared.database import Database
from shared.sealing import Letter

REMEMBER_LETTERS_DAYS = 60  # then only the ids stay, 50 bytes each: nothing is shown again
CopyKey = tuple[str, str]  # sender (a member) and id of a letter: an id alone would be anybody's
UNKNOWN = ""  # no digest: an earlier version kept none


class WaitingLetter(Struct, frozen=True):
    """A letter on our disk that has not been shown yet."""

    number: int
    sender: str
    time: float
    text: str
    id: str
    is_registered: bool = True  #: whether its sender was, when it came
    follows_gap: bool = False  #: the letter that its sender left before it has not come
    room: str = ""  #: id of that of which it is a text: its sender is, or was, a member there


class Noted(Struct, frozen=True):
    """The places of copies whose texts came, until the disk knows it."""

    read: set[Place] = field(default_factory=set)  #: as text, while the copy went to the disk
    differing: set[Place] = field(default_factory=set)  #: the copy has other words


class LetterStore:
    """The letters that were left for me.  Without `keeps_history` none stays once it was shown."""

    def __init__(self, database: Database, rows: Rows, *, keeps_history: bool) -> None:
        self._database, self._rows, self._keeps_history = database, rows, keeps_history
        #: letters that came, and are copies of texts of a conversation: digests of their words
        self.copies: dict[CopyKey, str] = self._kept_copies()
        #: such letters that are on their way to the disk
        self.copies_to_come: dict[CopyKey, str] = {}
        self._noted = Noted()

    def _kept_copies(self) -> dict[CopyKey, str]:
        rows = self._database.read("SELECT member, id, sender, words FROM letters WHERE is_copy")
        return {
            (member, id): digest
            for member, id, sender, words in rows
            for digest in (
                [UNKNOWN] if words is None else self._rows.words(words, "words", sender, id)
            )
        }

    async def add(
        self,
        letters: list[Letter],
        now: float,
        *,
        unregistered: Collection[str] = (),
        after_gaps: Collection[CopyKey] = (),
        passed: Collection[CopyKey] = (),
    ) -> list[WaitingLetter]:
        """Keep letters; return those that are new, or kept but never shown.

        `unregistered`: those of their senders who have given their names back.
        `after_gaps`: letters before which something is missing.  `passed`: letters that
        are not to be shown; only the fact that they came is kept.
        """
        rows: list[tuple[object, ...]] = [
            (one.id, one.sender, one.time, now,
             self._rows.vault.seal_text(one.text, "line", one.sender, one.id),
             one.about is not None, *place_of(one.about), one.sender not in unregistered,
             (one.sender, one.id) in after_gaps, member_id(one.sender, one.key),
             self._sealed_digest(one))
            for one in letters
        ]  # fmt: skip

        def work(db: sqlite3.Connection) -> None:
            _keep_only_ids(db, now - REMEMBER_LETTERS_DAYS * 86_400)
            _insert(db, rows, passed)

        copies = {
            (member_id(one.sender, one.key), one.id): digest_of(one.text)
            for one in letters
            if one.about
        }
        self.copies_to_come = copies
        try:
            await self._database.write(work)
        finally:
            self.copies_to_come = {}
        self.copies |= copies
        return self._waiting()

    def _sealed_digest(self, letter: Letter) -> str | None:
        if letter.about is None:
            return None
        digest = digest_of(letter.text)
        return self._rows.vault.seal_text(digest, "words", letter.sender, letter.id)

    def _waiting(self) -> list[WaitingLetter]:
        """Return the letters that were never shown."""
        rows = self._database.read(
            "SELECT l.number, l.sender, l.time, l.text, l.id, l.is_registered, l.follows_gap,"
            " coalesce(r.conversation, '') FROM letters AS l LEFT JOIN memberships AS m"
            " ON (m.conversation, m.member) = (l.conversation, l.member)"
            " LEFT JOIN rooms AS r ON r.conversation = m.conversation"
            " WHERE l.text IS NOT NULL ORDER BY l.number"
        )
        found = [
            WaitingLetter(
                number, sender, time, words, id,
                is_registered=bool(is_registered), follows_gap=bool(follows_gap), room=room,
            )
            for number, sender, time, text, id, is_registered, follows_gap, room in rows
            for words in self._rows.words(text, "line", sender, id)
        ]  # fmt: skip
        self._rows.report()
        return found

    async def shown(self, numbers: list[int], me: str, apart: Collection[int] = ()) -> None:
        """Note that these letters were shown: from now on they are history.

        `apart`: texts of rooms that were not shown as such, and so are none of their history.
        """

        def work(db: sqlite3.Connection) -> None:
            if self._keeps_history:
                db.executemany(
                    # A letter dated in the future would stay last for ever.
                    "INSERT OR IGNORE INTO lines (kind, author, receiver, id, time, text,"
                    " conversation, epoch, seq, member, has_other_text) SELECT 'left', sender,"
                    " ?, id, min(time, came), text, CASE WHEN ? THEN NULL ELSE conversation END,"
                    " epoch, seq, member, has_other_text FROM letters"
                    " WHERE number = ? AND text IS NOT NULL",
                    [(me, number in apart, number) for number in numbers],
                )
            db.executemany(
                "UPDATE letters SET text = NULL WHERE number = ?",
                [(number,) for number in numbers],
            )

        await self._database.write(work)

    # --- Copies whose texts came ---

    def read_as_text(self, conversation: str, author: str, epoch: str, seq: int) -> None:
        """Note that this text was read: its copy, on its way to the disk, need not be shown."""
        self._noted.read.add((conversation, author, epoch, seq))

    def differs(self, conversation: str, author: str, epoch: str, seq: int) -> None:
        """Note that this text has other words than its copy: neither stands for the other."""
        self._noted.differing.add((conversation, author, epoch, seq))

    def noted_within(self, spans: Iterable[tuple[Place, int]]) -> Noted:
        """Return what was noted and lies within one of these: a first text and a last seq.

        The caller keeps these texts, and marks their copies in the same commit.
        """
        spans = list(spans)
        return Noted(_within(self._noted.read, spans), _within(self._noted.differing, spans))

    def forget_noted(self, noted: Noted) -> None:
        """Forget this, since the disk knows it now."""
        self._noted.read.difference_update(noted.read)
        self._noted.differing.difference_update(noted.differing)


def digest_of(words: str) -> str:
    """Return what is remembered of the words of a copy, to compare its text with."""
    said = b"parley copied words 1\0" + words.encode(errors="surrogatepass")
    return hashlib.sha256(said).hexdigest()


def _within(places: set[Place], spans: list[tuple[Place, int]]) -> set[Place]:
    return {
        place
        for place in places
        if any(place[:3] == first[:3] and first[3] <= place[3] <= last for first, last in spans)
    }


# --- In the writing thread ---


def mark(db: sqlite3.Connection, noted: Noted) -> None:
    """Mark the copies of these texts as shown, or as letters that their texts do not replace."""
    of_text = "WHERE (conversation, member, epoch, seq) = (?, ?, ?, ?)"
    db.executemany(f"UPDATE letters SET text = NULL {of_text}", noted.read)  # nosec B608
    for table in ("letters", "lines"):
        # `table` is one of the two above.
        db.executemany(f"UPDATE {table} SET has_other_text = 1 {of_text}", noted.differing)  # nosec B608


def forget_words(db: sqlite3.Connection) -> None:
    """Forget digests of words that were read, but for the conversations in which I am.

    A text that such a letter copies is shown, should it ever come.
    """
    db.execute(
        "UPDATE letters SET words = NULL, is_copy = 0 WHERE words IS NOT NULL AND text IS NULL"
        " AND conversation NOT IN (SELECT id FROM conversations WHERE is_in)"
    )


def _insert(
    db: sqlite3.Connection, rows: list[tuple[object, ...]], passed: Collection[CopyKey]
) -> None:
    db.executemany("INSERT OR IGNORE INTO known_letters VALUES (?, ?)", passed)
    db.executemany(
        "INSERT OR IGNORE INTO letters (id, sender, time, came, text, is_copy,"
        " conversation, epoch, seq, is_registered, follows_gap, member, words)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _keep_only_ids(db: sqlite3.Connection, old: float) -> None:
    """Keep only the ids of letters that came before `old` and were shown."""
    found = " FROM letters WHERE came < ? AND text IS NULL"
    db.execute(f"INSERT OR IGNORE INTO known_letters SELECT sender, id{found}", (old,))
    db.execute(f"DELETE{found}", (old,))
