"""Keep in a database what a peer must remember over restarts.

That is: which key belongs to whom (at first sight, until the user says otherwise), which
letters and single lines came and went, who is ignored; and of each conversation its
members and every text, as its author signed it.  `peer.storage.history` reads it for
HISTORY and SEARCH.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from enum import Enum
from typing import Any

import msgspec
import trio
from msgspec import Struct

from peer.core.conversation.actions import LeaveFor
from peer.core.conversation.conversation import Kept
from peer.core.conversation.digests import digest
from peer.core.conversation.entrances import Entrance
from peer.core.conversation.lamport_clock import LamportClock
from peer.core.conversation.texts import is_stream, last
from peer.core.history_entry import Kind
from peer.core.keys.name_marks import variants
from peer.core.membership import member_id
from peer.core.stranger_limits import Written
from peer.storage import last_left
from peer.storage.rows import Rows
from peer.storage.sealed_journal import prepare
from peer.storage.vault import CLEAR, Vault
from shared.codec import encode
from shared.database import Database, reading
from shared.errors import StorageError
from shared.messages.common import COUNT_MOST
from shared.messages.peers import TEXTS, Membership, Position, Text
from shared.names import fold
from shared.sealing import About, Letter, copy_id
from shared.world import Disk

FILE = "journal.db"
WATCHED_TEXTS = 1_024  # my last ones, which somebody may lack after a restart
DIGESTS = 1_024  # of earlier texts: others may have been told different ones
REMEMBER_LETTERS_DAYS = 60  # then only the ids stay, 50 bytes each: nothing is shown again
Place = tuple[str, str, str, int]  # of a text: conversation, author (a member), epoch, seq
CopyKey = tuple[str, str]  # sender (a member) and id of a letter: an id alone would be anybody's
FORGET_ROWS = 1_000  # in one commit, so that nobody waits behind a huge one

_MIGRATIONS = [
    """
    CREATE TABLE directories (address TEXT PRIMARY KEY, authority BLOB NOT NULL) STRICT;
    CREATE TABLE certificates (
        authority BLOB NOT NULL, name TEXT NOT NULL, certificate BLOB NOT NULL,
        PRIMARY KEY (authority, name)) STRICT;
    CREATE TABLE known_keys (name TEXT PRIMARY KEY, key BLOB NOT NULL, since REAL NOT NULL) STRICT;
    CREATE TABLE ignored (name TEXT PRIMARY KEY) STRICT;
    CREATE TABLE letters_left (
        id TEXT PRIMARY KEY, receiver TEXT NOT NULL, time REAL NOT NULL) STRICT;
    CREATE TABLE letters (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL, sender TEXT NOT NULL COLLATE NOCASE,
        time REAL NOT NULL, came REAL NOT NULL, text TEXT, UNIQUE (sender, id)) STRICT;
    """,
    """
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY, begun REAL NOT NULL, is_in INTEGER NOT NULL,
        lamport INTEGER NOT NULL) STRICT;
    CREATE TABLE memberships (
        conversation TEXT NOT NULL, name TEXT NOT NULL, membership BLOB NOT NULL,
        PRIMARY KEY (conversation, name)) STRICT;
    CREATE TABLE since (
        conversation TEXT NOT NULL, author TEXT NOT NULL, epoch TEXT NOT NULL,
        seq INTEGER NOT NULL, PRIMARY KEY (conversation, author, epoch)) STRICT;
    CREATE TABLE texts (
        number INTEGER PRIMARY KEY, conversation TEXT NOT NULL, author TEXT NOT NULL,
        epoch TEXT NOT NULL, seq INTEGER NOT NULL, last INTEGER NOT NULL,
        lamport INTEGER NOT NULL, time REAL NOT NULL, line BLOB NOT NULL,
        UNIQUE (conversation, author, epoch, seq)) STRICT;
    CREATE INDEX in_order ON texts (conversation, lamport, author, epoch, seq);
    CREATE TABLE acknowledged (
        conversation TEXT NOT NULL, member TEXT NOT NULL, epoch TEXT NOT NULL,
        seq INTEGER NOT NULL, PRIMARY KEY (conversation, member, epoch)) STRICT;
    CREATE INDEX member_of ON memberships (name COLLATE NOCASE, conversation);
    CREATE TABLE lines (
        -- never used twice: the index of SEARCH refers to it
        number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
        author TEXT NOT NULL COLLATE NOCASE, receiver TEXT NOT NULL COLLATE NOCASE,
        id TEXT NOT NULL, time REAL NOT NULL, text TEXT, is_pending INTEGER NOT NULL DEFAULT 0,
        conversation TEXT, epoch TEXT, seq INTEGER, UNIQUE (author, id, receiver)) STRICT;
    CREATE INDEX lines_between ON lines (author, receiver, time, number);
    CREATE INDEX lines_to ON lines (receiver, time, number);
    CREATE INDEX lines_pending ON lines (number) WHERE is_pending;
    CREATE INDEX lines_of ON lines (conversation) WHERE conversation IS NOT NULL;
    CREATE VIRTUAL TABLE words_of_texts USING fts5 (
        text, content = '', tokenize = 'unicode61 remove_diacritics 2');
    CREATE VIRTUAL TABLE words_of_lines USING fts5 (
        text, content = '', tokenize = 'unicode61 remove_diacritics 2');
    CREATE TABLE indexed (source TEXT PRIMARY KEY, upto INTEGER NOT NULL) STRICT;
    ALTER TABLE letters ADD COLUMN is_copy INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE letters ADD COLUMN conversation TEXT;
    ALTER TABLE letters ADD COLUMN epoch TEXT;
    ALTER TABLE letters ADD COLUMN seq INTEGER;
    ALTER TABLE letters_left ADD COLUMN conversation TEXT;
    ALTER TABLE letters_left ADD COLUMN epoch TEXT;
    ALTER TABLE letters_left ADD COLUMN seq INTEGER;
    """,
    """
    CREATE TABLE copies (
        id TEXT PRIMARY KEY, receiver TEXT NOT NULL, text TEXT NOT NULL, time REAL NOT NULL,
        conversation TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL) STRICT;
    """,
    """
    CREATE INDEX copies_of ON copies (conversation, receiver, epoch, seq);
    CREATE TABLE forgotten (
        conversation TEXT NOT NULL, author TEXT NOT NULL, epoch TEXT NOT NULL,
        seq INTEGER NOT NULL, last INTEGER NOT NULL, time REAL NOT NULL,
        PRIMARY KEY (conversation, author, epoch, seq)) STRICT;
    """,
    """
    CREATE TABLE answered (name TEXT PRIMARY KEY, since REAL NOT NULL) STRICT;
    -- before this was noted: with whom I talked, and to whom I wrote
    INSERT OR IGNORE INTO answered SELECT lower(name), 0 FROM memberships;
    INSERT OR IGNORE INTO answered SELECT lower(receiver), 0 FROM lines WHERE receiver <> '';
    INSERT OR IGNORE INTO answered SELECT lower(receiver), 0 FROM letters_left;
    """,
    """
    -- who may sign the receipt; NULL: left by an earlier version
    ALTER TABLE letters_left ADD COLUMN key BLOB;
    ALTER TABLE letters ADD COLUMN is_registered INTEGER NOT NULL DEFAULT 1;
    """,
    """
    CREATE TABLE entrances (
        conversation TEXT NOT NULL, member TEXT NOT NULL, counter INTEGER NOT NULL,
        entrance BLOB NOT NULL, PRIMARY KEY (conversation, member, counter)) STRICT;
    """,
    """
    -- letters and lines that came so long ago that nothing else is kept of them
    CREATE TABLE known_letters (
        sender TEXT NOT NULL COLLATE NOCASE, id TEXT NOT NULL,
        PRIMARY KEY (sender, id)) STRICT, WITHOUT ROWID;
    -- the last letter that I left for the owner of a key, and the one before it
    CREATE TABLE last_left (key BLOB PRIMARY KEY, id TEXT NOT NULL, before TEXT NOT NULL) STRICT;
    ALTER TABLE letters ADD COLUMN follows_gap INTEGER NOT NULL DEFAULT 0;
    """,
    """
    -- when the user has compared the words of this key
    ALTER TABLE known_keys ADD COLUMN verified REAL;
    """,
    """
    CREATE TABLE members (
        conversation TEXT NOT NULL, member TEXT NOT NULL, name TEXT NOT NULL,
        membership BLOB, PRIMARY KEY (conversation, member)) STRICT;
    -- In what was said before members had ids they go by their names, and prove nothing.
    INSERT INTO members SELECT conversation, name, name, NULL FROM memberships;
    DROP TABLE memberships;
    ALTER TABLE members RENAME TO memberships;
    CREATE INDEX member_of ON memberships (name COLLATE NOCASE, conversation);
    UPDATE conversations SET is_in = 0;
    ALTER TABLE letters ADD COLUMN member TEXT;
    UPDATE letters SET member = sender WHERE conversation IS NOT NULL;
    ALTER TABLE lines ADD COLUMN member TEXT;
    UPDATE lines SET member = author WHERE conversation IS NOT NULL;
    ALTER TABLE copies ADD COLUMN member TEXT NOT NULL DEFAULT '';
    DROP INDEX copies_of;
    CREATE INDEX copies_of ON copies (conversation, member, epoch, seq);
    """,
    """
    CREATE TABLE taken (
        author TEXT PRIMARY KEY, day INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
    """,
]


_encoder = msgspec.json.Encoder()


class WaitingLetter(Struct, frozen=True):
    """A letter on our disk that has not been shown yet."""

    number: int
    sender: str
    time: float
    text: str
    id: str
    is_registered: bool = True  #: whether its sender was, when it came
    follows_gap: bool = False  #: the letter that its sender left before it has not come


class LeftLetter(Struct, frozen=True):
    """A letter of mine whose receipt has not come yet."""

    receiver: str
    key: bytes  #: of the receiver for whom it was sealed
    time: float
    about: About | None


class Fate(Enum):
    """The fate of a single line."""

    PENDING = "pending"  #: of mine, on its way: taken up again by the next program
    SENT = "sent"  #: of mine, and delivered or left
    FAILED = "failed"  #: of mine, and its user knows that it was not delivered
    CAME = "came"  #: somebody else's, and shown


class KeptLine(Struct, frozen=True):
    """A private line, one of the general chat (whose receiver is ""), or a letter."""

    kind: Kind
    author: str
    receiver: str
    id: str
    time: float
    text: str
    fate: Fate


class KeptCopy(Struct, frozen=True):
    """A text of mine in a conversation, on its way to the mailbox of a member.

    `receiver` is the member's name.  `member` is "" in copies kept before members had ids.
    """

    receiver: str
    member: str
    text: str
    time: float
    about: About


class Journal:
    """The database, opened by the constructor; it is written while `run` runs.

    Without `keeps_history` it holds no text longer than delivering it needs.  All texts
    go through the `vault` on their way to the disk and back.
    """

    def __init__(
        self,
        disk: Disk,
        *,
        keeps_history: bool = True,
        vault: Vault = CLEAR,
        unreadable: Callable[[], None] = lambda: None,
    ) -> None:
        """`unreadable` is called once, when something that was kept cannot be read."""
        self.rows = Rows(unreadable, vault)
        self.database = self._database = opened(disk, lambda db: prepare(db, vault))
        self._vault = vault
        self._keeps_history = keeps_history
        self._keys: dict[str, bytes] = dict(self._all("SELECT name, key FROM known_keys"))
        #: folded names of users whose keys were compared
        self.verified: set[str] = {
            name for (name,) in self._all("SELECT name FROM known_keys WHERE verified IS NOT NULL")
        }
        self.ignored: set[str] = {name for (name,) in self._all("SELECT name FROM ignored")}
        #: folded names of users whom I have answered, see peer.storage.known_users
        self.answered: set[str] = {name for (name,) in self._all("SELECT name FROM answered")}
        #: letters that came, and are copies of texts of a conversation
        self.copies: set[CopyKey] = {
            (member, id) for member, id in self._all("SELECT member, id FROM letters WHERE is_copy")
        }
        #: such letters that are on their way to the disk
        self.copies_to_come: set[CopyKey] = set()
        self._stored: dict[bytes, str] = {}  # key -> last letter, until on disk
        self._read_as_text: set[Place] = set()  # of copies whose texts came meanwhile and were read

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self._database.run(task_status=task_status)

    # --- Keys, remembered when the user has acted ---

    def key_of(self, name: str) -> bytes | None:
        return self._keys.get(fold(name))

    async def remember_key(
        self, name: str, key: bytes, now: float, *, verified: bool = False
    ) -> None:
        """Remember this as the key of this user, whatever it was before."""
        self._keys[fold(name)] = key
        self.verified.discard(fold(name))
        if verified:
            self.verified.add(fold(name))
        row = (fold(name), key, now, now if verified else None)
        await self._write("REPLACE INTO known_keys VALUES (?, ?, ?, ?)", row)

    def directory_at(self, address: str) -> bytes | None:
        """Return the authority that answered at this address, as DER."""
        return self._one("SELECT authority FROM directories WHERE address = ?", (address,))

    def has_met(self, authority: bytes) -> bool:
        """Whether this authority answered at any address."""
        met = "SELECT EXISTS (SELECT 1 FROM directories WHERE authority = ?)"
        return bool(self._one(met, (authority,)))

    async def remember_directory(self, address: str, authority: bytes) -> None:
        await self._write("REPLACE INTO directories VALUES (?, ?)", (address, authority))

    def certificate(self, authority: bytes, name: str) -> bytes | None:
        """Return the certificate that this authority issued to us for this name."""
        wanted = "SELECT certificate FROM certificates WHERE authority = ? AND name = ?"
        return self._one(wanted, (authority, fold(name)))

    async def keep_certificate(self, authority: bytes, name: str, certificate: bytes) -> None:
        row = (authority, fold(name), certificate)
        await self._write("REPLACE INTO certificates VALUES (?, ?, ?)", row)

    # --- Ignored users ---

    async def ignore(self, name: str) -> None:
        self.ignored.add(fold(name))
        await self._write("INSERT OR IGNORE INTO ignored VALUES (?)", (fold(name),))

    async def unignore(self, name: str) -> None:
        self.ignored.discard(fold(name))
        await self._write("DELETE FROM ignored WHERE name = ?", (fold(name),))

    # --- Users whom I have answered ---

    async def remember_answered(self, names: Iterable[str], now: float) -> None:
        rows = [(fold(name), now) for name in names]
        await self._database.write(
            lambda db: db.executemany("INSERT OR IGNORE INTO answered VALUES (?, ?)", rows)
        )

    # --- How much authors have filled ---

    def taken_on(self, day: int) -> list[tuple[str, int, int]]:
        """Return folded author, day and bytes for each author who wrote on this day."""
        return self._all("SELECT author, day, bytes FROM taken WHERE day = ?", (day,))

    async def note_taken(self, author: str, day: int, size: int) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM taken WHERE day < ?", (day,))
            db.execute("REPLACE INTO taken VALUES (?, ?, ?)", (author, day, size))

        await self._database.write(work)

    # --- Letters that I left, until their receipts came ---

    async def add_left(self, id: str, left: LeftLetter) -> str:
        """Note a letter that I leave; one with an id that is there already is the same letter.

        Return the id of the letter that it names, see `peer.storage.last_left`, or "".
        """
        row = (id, left.receiver, left.time, *_place(left.about), left.key)
        stored = self._stored.get(left.key)

        def work(db: sqlite3.Connection) -> str:
            if stored is not None:
                last_left.note(db, stored, left.key)
            db.execute(
                "INSERT INTO letters_left VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET key = excluded.key",
                row,
            )
            return last_left.before(db, id, left.key)

        named = await self._database.write(work)
        self._stored.pop(left.key, None)
        return named

    async def stored(self, id: str, key: bytes) -> None:
        """Note that the directory has it: the next letter for the owner of this key names it.

        If the disk does not take that, it still holds as long as this program runs.
        """
        self._stored[key] = id
        await self._database.write(lambda db: last_left.note(db, id, key))
        del self._stored[key]

    def left(self, id: str) -> LeftLetter | None:
        """Return a letter of mine; None once its receipt was shown."""
        wanted = (
            "SELECT receiver, time, conversation, epoch, seq, key FROM letters_left WHERE id = ?"
        )
        for receiver, time, conversation, epoch, seq, key in self._all(wanted, (id,)):
            about = About(conversation, epoch, seq) if conversation else None
            return LeftLetter(receiver, key or self.key_of(receiver) or b"", time, about)
        return None

    async def forget_left(self, ids: Iterable[str]) -> None:
        rows = [(id,) for id in ids]
        await self._database.write(
            lambda db: db.executemany("DELETE FROM letters_left WHERE id = ?", rows)
        )

    # --- Copies of texts that I could not leave yet, and no conversation asks for ---

    def copies_for(self, conversation: str, name: str, owed: LeaveFor) -> list[KeptCopy]:
        """Return copies of texts owed, as far as these are on disk.  `name`: of the receiver."""
        found = _copies(self._database.reader, self.rows, conversation, name, owed)
        self.rows.report()
        return found

    async def keep_copies(self, copies: list[KeptCopy], me: str) -> None:
        """Keep copies; one that is there already is the same."""
        await trio.lowlevel.checkpoint_if_cancelled()  # at the end the reader is closed
        there = set(self.kept_copies())
        if fresh := [one for one in copies if one not in there]:
            await self._database.write(lambda db: _add_copies(db, self._vault, fresh, me))

    def kept_copies(self) -> list[KeptCopy]:
        """Return the copies in the order in which they were kept."""
        rows = self._all(
            "SELECT id, receiver, member, text, time, conversation, epoch, seq FROM copies"
            " ORDER BY rowid"
        )
        found = [
            KeptCopy(to, member, words, time, About(*at))
            for id, to, member, text, time, *at in rows
            for words in self.rows.words(text, "copy", id)
        ]
        self.rows.report()
        return found

    async def forget_copy(self, copy: KeptCopy) -> None:
        await self._write(
            "DELETE FROM copies WHERE (conversation, epoch, seq, receiver, member)"
            " = (?, ?, ?, ?, ?)",
            (*_place(copy.about), copy.receiver, copy.member),
        )

    # --- Letters that were left for me ---

    async def add_letters(
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

        def add(db: sqlite3.Connection) -> None:
            _keep_only_ids(db, now - REMEMBER_LETTERS_DAYS * 86_400)
            db.executemany("INSERT OR IGNORE INTO known_letters VALUES (?, ?)", passed)
            db.executemany(
                "INSERT OR IGNORE INTO letters (id, sender, time, came, text, is_copy,"
                " conversation, epoch, seq, is_registered, follows_gap, member)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(one.id, one.sender, one.time, now,
                  self._vault.seal_text(one.text, "line", one.sender, one.id),
                  one.about is not None, *_place(one.about), one.sender not in unregistered,
                  (one.sender, one.id) in after_gaps,
                  member_id(one.sender, one.key)) for one in letters],
            )  # fmt: skip

        copies = {(member_id(one.sender, one.key), one.id) for one in letters if one.about}
        self.copies_to_come = copies
        try:
            await self._database.write(add)
        finally:
            self.copies_to_come = set()
        self.copies |= copies
        rows = self._all(
            "SELECT number, sender, time, text, id, is_registered, follows_gap FROM letters"
            " WHERE text IS NOT NULL ORDER BY number"
        )
        found = [
            WaitingLetter(
                number, sender, time, words, id,
                is_registered=bool(is_registered), follows_gap=bool(follows_gap),
            )
            for number, sender, time, text, id, is_registered, follows_gap in rows
            for words in self.rows.words(text, "line", sender, id)
        ]  # fmt: skip
        self.rows.report()
        return found

    def read_as_text(self, conversation: str, author: str, epoch: str, seq: int) -> None:
        """Note that this text was read: its copy, on its way to the disk, need not be shown."""
        self._read_as_text.add((conversation, author, epoch, seq))

    async def letters_shown(self, numbers: list[int], me: str) -> None:
        """Note that these letters were shown: from now on they are history."""
        rows = [(number,) for number in numbers]

        def work(db: sqlite3.Connection) -> None:
            if self._keeps_history:
                db.executemany(
                    # A letter dated in the future would stay last for ever.
                    "INSERT OR IGNORE INTO lines (kind, author, receiver, id, time, text,"
                    " conversation, epoch, seq, member) SELECT 'left', sender, ?, id,"
                    " min(time, came), text, conversation, epoch, seq, member FROM letters"
                    " WHERE number = ? AND text IS NOT NULL",
                    [(me, number) for number in numbers],
                )
            db.executemany("UPDATE letters SET text = NULL WHERE number = ?", rows)

        await self._database.write(work)

    # --- Single lines ---

    async def keep_lines(self, lines: list[KeptLine]) -> None:
        """Keep lines in one commit; one that is there already gets its new kind or fate."""
        kept = (Fate.PENDING, Fate.SENT, Fate.CAME)
        rows = [self._row(one) for one in lines if one.fate in kept]
        gone = [one for one in lines if one.fate is Fate.FAILED]
        if not self._keeps_history:
            gone += [one for one in lines if one.fate is Fate.SENT]
            rows = [self._row(one) for one in lines if one.fate is Fate.PENDING]
            # Keep only that they came: a repeated one must not be shown again.
            rows += [self._row(one, text=None) for one in lines if one.fate is Fate.CAME]

        def work(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT INTO lines (kind, author, receiver, id, time, text, is_pending)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (author, id, receiver)"
                " DO UPDATE SET kind = excluded.kind, is_pending = excluded.is_pending,"
                " receiver = excluded.receiver",
                rows,
            )
            db.executemany(
                "DELETE FROM lines WHERE (author, id, receiver) = (?, ?, ?)",
                [(one.author, one.id, one.receiver) for one in gone],
            )

        await self._database.write(work)

    def has_line(self, sender: str, id: str) -> bool:
        """Whether this line has come, directly or as a letter."""
        wanted = (
            "SELECT 1 FROM lines WHERE author = ?1 AND id = ?2"
            " UNION ALL SELECT 1 FROM letters WHERE sender = ?1 AND id = ?2"
            " UNION ALL SELECT 1 FROM known_letters WHERE sender = ?1 AND id = ?2"
        )
        return bool(self._all(wanted, (sender, id)))

    def written_by(self, sender: str) -> Written:
        """Count the lines and letters of a user that lie here, and their bytes."""
        wanted = (
            "SELECT count(*), coalesce(sum(length(CAST(text AS BLOB))), 0),"
            " coalesce(max(private), 0)"
            " FROM (SELECT text, kind <> 'all' AS private FROM lines WHERE author IN (?1, ?2, ?3)"
            " UNION ALL SELECT text, 1 FROM letters WHERE sender IN (?1, ?2, ?3))"
        )
        ((lines, size, private),) = self._all(wanted, variants(sender))
        return Written(lines, size, bool(private))

    def pending_lines(self) -> list[KeptLine]:
        """Return the lines and letters that an earlier program of mine did not send, in order."""
        rows = self._all(
            "SELECT kind, author, receiver, id, time, text FROM lines WHERE is_pending"
            " ORDER BY number"
        )
        found = [
            KeptLine(Kind(kind), author, receiver, id, time, words, Fate.PENDING)
            for kind, author, receiver, id, time, text in rows
            for words in self.rows.words(text, "line", author, id)
        ]
        self.rows.report()
        return found

    def _row(self, line: KeptLine, *, text: str | None = "") -> tuple[object, ...]:
        if text is not None:
            text = self._vault.seal_text(line.text, "line", line.author, line.id)
        is_pending = line.fate is Fate.PENDING
        return (line.kind.value, line.author, line.receiver, line.id, line.time, text, is_pending)

    # --- Without history ---

    async def forget_texts(self, conversation: str | None, now: float) -> None:
        """Forget the texts of this conversation, if I am not in it.

        None: forget those of all conversations that have ended, and every single line.
        """
        wanted = "SELECT id FROM conversations WHERE is_in = 0 AND (?1 IS NULL OR id = ?1)"
        # Read in the writing thread, after all that is on its way there.
        ended = await self._database.write(
            lambda db: db.execute(wanted, (conversation,)).fetchall()
        )
        if conversation is None:
            await self._in_pieces(
                "UPDATE lines SET text = NULL, time = ?1 WHERE number IN (SELECT number FROM lines"
                " WHERE text IS NOT NULL AND NOT is_pending LIMIT ?2)", now,
            )  # fmt: skip
            old = now - REMEMBER_LETTERS_DAYS * 86_400
            while await self._database.write(lambda db: _forget_lines(db, old)):
                pass
        for (id,) in ended:
            # Keep only that they came: a copy of one may still come.
            await self._write(
                "INSERT OR IGNORE INTO forgotten"
                " SELECT conversation, author, epoch, min(seq), max(last), ?2 FROM ("
                " SELECT *, last - sum(last - seq + 1) OVER ("
                " PARTITION BY author, epoch ORDER BY seq) AS before"  # equal for texts in a row
                " FROM texts WHERE conversation = ?1) GROUP BY author, epoch, before",
                (id, now),
            )
            for table in ("texts", "memberships", "since", "acknowledged", "entrances"):
                await self._in_pieces(
                    # `table` is one of those above.
                    f"DELETE FROM {table} WHERE rowid IN"  # nosec B608
                    f" (SELECT rowid FROM {table} WHERE conversation = ?1 LIMIT ?2) AND NOT EXISTS"
                    " (SELECT 1 FROM conversations WHERE id = ?1 AND is_in)", id,
                )  # fmt: skip
            await self._write("DELETE FROM conversations WHERE id = ? AND is_in = 0", (id,))
        await self._database.write(_forget_words)

    async def _in_pieces(self, statement: str, value: object) -> None:
        def work(db: sqlite3.Connection) -> int:
            return db.execute(statement, (value, FORGET_ROWS)).rowcount

        while await self._database.write(work):
            pass

    # --- Conversations ---

    def interrupted(self) -> str | None:
        """Return the conversation that I was in when my last program ended, if any."""
        rows = self._all("SELECT id FROM conversations WHERE is_in = 1 ORDER BY begun DESC LIMIT 1")
        return rows[0][0] if rows else None

    def memberships(self, id: str) -> tuple[Membership, ...]:
        """Return the memberships of a conversation that were heard of here, in order of hearing."""
        rows = self._all(
            "SELECT membership FROM memberships WHERE conversation = ?"
            " AND membership IS NOT NULL ORDER BY rowid",
            (id,),
        )
        found = self.rows.memberships(row for (row,) in rows)
        self.rows.report()
        return found

    def reach(self, id: str, me: str) -> tuple[tuple[Position, ...], int]:
        """Return how far the texts of a conversation reach on disk, and the highest lamport."""
        have = self._all(
            "SELECT author, epoch, max(seq) FROM (SELECT author, epoch, last AS seq, number"
            " FROM texts WHERE conversation = ?1 UNION ALL SELECT author, epoch, seq, 0 FROM since"
            " WHERE conversation = ?1) GROUP BY author, epoch ORDER BY min(number)",
            (id,),
        )
        return tuple(self._plain(have)), self._clock(id, me).now

    def kept(self, id: str, me: str, now: float) -> Kept:
        """Return what is known of a conversation; `now` is on the clock that measures idling."""
        have, lamport = self.reach(id, me)
        written = self._all(
            "SELECT epoch, last FROM texts WHERE conversation = ? AND author = ?"
            " ORDER BY number DESC LIMIT ?",
            (id, me, WATCHED_TEXTS),
        )
        acknowledged = self._all(
            "SELECT member, epoch, seq FROM acknowledged WHERE conversation = ?", (id,)
        )
        return Kept(
            self.memberships(id),
            have,
            tuple((epoch, seq, now) for epoch, seq in reversed(written)),
            tuple(acknowledged),
            lamport,
            self.entrances(id),
            self._said(id),
        )

    def _said(self, id: str) -> tuple[tuple[str, str, int, bytes], ...]:
        """Return digests of the latest texts, and of each author's last one in each epoch."""
        latest = self._all(
            "SELECT author, epoch, seq, last, line FROM texts WHERE conversation = ?"
            " ORDER BY number DESC LIMIT ?",
            (id, DIGESTS),
        )
        origins = {(author, epoch) for author, epoch, *_ in latest}
        ends = self._all(
            "SELECT author, epoch, seq, max(last), line FROM texts WHERE conversation = ?"
            " GROUP BY author, epoch",
            (id,),
        )
        older = [row for row in ends if row[:2] not in origins]
        found = tuple(
            (author, epoch, upto, digest(text))
            for author, epoch, seq, upto, line in (*older, *reversed(latest))
            for text in self.rows.text(line, id, author, epoch, seq)
        )
        self.rows.report()
        return found

    def _plain(self, rows: list[tuple[str, str, int]]) -> Iterator[Position]:
        """Yield the positions that others can read: our own texts contain them."""
        for author, epoch, seq in rows:
            if seq <= COUNT_MOST and is_stream((author, epoch)):
                yield Position(author, epoch, seq)
            else:
                self.rows.note()
        self.rows.report()

    def _clock(self, id: str, me: str) -> LamportClock:
        """Return the clock as far as my own texts, and those read since, have moved it."""
        rows = self._all(
            "SELECT max(lamport) FROM (SELECT lamport FROM conversations WHERE id = ?1"
            " UNION ALL SELECT lamport FROM texts WHERE conversation = ?1 AND author = ?2"
            " AND lamport <= ?3)",
            (id, me, COUNT_MOST),
        )
        clock = LamportClock(rows[0][0] or 0)
        for (lamport,) in self._all(
            "SELECT DISTINCT lamport FROM texts WHERE conversation = ? AND lamport > ?"
            " ORDER BY lamport",
            (id, clock.now),
        ):
            clock.saw(lamport)
        return clock

    def entrances(self, id: str) -> tuple[Entrance, ...]:
        """Return from where on each member of a conversation may read."""
        rows = self._all("SELECT entrance FROM entrances WHERE conversation = ?", (id,))
        found = self.rows.entrances(row for (row,) in rows)
        self.rows.report()
        return found

    async def keep(
        self,
        begun: list[tuple[str, tuple[Position, ...], int]],
        texts: list[Text],
        members: list[tuple[str, str, str, Membership]],
        acknowledged: list[tuple[str, str, str, int]],
        ended: list[str],
        now: float,
        *,
        owed: Iterable[tuple[str, str, LeaveFor]] = (),
        received: Iterable[tuple[str, str, str, int]] = (),
        entrances: Iterable[tuple[str, Entrance]] = (),
        passed: Iterable[Place] = (),
    ) -> None:
        """Keep all of this in one commit.

        `begun`: conversations that I am in from now on, each with what was said in it before
        and the highest lamport of that.  `members`: (conversation, member, name, membership).
        `acknowledged`: (conversation, member, epoch, seq) of my texts that somebody has.
        `ended`: conversations that I am no longer in.  `owed`: (conversation, name, what and to
        which member) in these; it is kept as copies, until it is `received` (as with
        `acknowledged`) or left.  `entrances`: with their conversations.  `passed`: texts, up to
        this seq, of which only the place is kept.
        """
        since = [(id, one.author, one.epoch, one.seq) for id, old, _ in begun for one in old]
        rows = [
            (one.conversation, one.author, one.epoch, one.seq, last(one), one.lamport, one.time,
             self._vault.seal(
                encode(one), "text", one.conversation, one.author, one.epoch, one.seq))
            for one in texts
        ]  # fmt: skip
        read = [
            place
            for place in self._read_as_text
            if any(place[:3] == row[:3] and row[3] <= place[3] <= row[4] for row in rows)
        ]
        members_rows = [(*which, _encoder.encode(one)) for *which, one in members]
        entrance_rows = [
            (id, one.member, one.counter, _encoder.encode(one)) for id, one in entrances
        ]

        def work(db: sqlite3.Connection) -> None:
            for id, _, lamport in begun:
                db.execute("UPDATE conversations SET is_in = 0")  # one at a time
                db.execute("REPLACE INTO conversations VALUES (?, ?, 1, ?)", (id, now, lamport))
            db.executemany("REPLACE INTO since VALUES (?, ?, ?, ?)", since)
            db.executemany(
                "INSERT INTO since VALUES (?, ?, ?, ?) ON CONFLICT"
                " DO UPDATE SET seq = max(seq, excluded.seq)",
                passed,
            )
            db.executemany(
                "UPDATE conversations SET is_in = 0 WHERE id = ?", [(id,) for id in ended]
            )
            db.executemany(
                "INSERT OR IGNORE INTO texts"
                " (conversation, author, epoch, seq, last, lamport, time, line)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            db.executemany(
                "UPDATE letters SET text = NULL WHERE (conversation, member, epoch, seq)"
                " = (?, ?, ?, ?)",
                read,
            )
            db.executemany(
                "INSERT INTO memberships VALUES (?, ?, ?, ?) ON CONFLICT (conversation, member)"
                " DO UPDATE SET membership = excluded.membership",
                members_rows,
            )
            db.executemany("REPLACE INTO entrances VALUES (?, ?, ?, ?)", entrance_rows)
            db.executemany("REPLACE INTO acknowledged VALUES (?, ?, ?, ?)", acknowledged)
            for id, name, one in owed:
                copies = _copies(db, self.rows, id, name, one)
                _add_copies(db, self._vault, copies, one.after.author)
            db.executemany(
                "DELETE FROM copies WHERE (conversation, member, epoch) = (?, ?, ?) AND seq <= ?",
                received,
            )

        await self._database.write(work)
        self._read_as_text.difference_update(read)
        self.rows.report()

    def texts_after(
        self, conversation: str, after: Position, texts: int, size: int
    ) -> list[bytes]:  # fmt: skip
        """Return the next texts after this position, encoded as they travel.

        At most `texts` texts, and no more bytes than `size`, but for the first line.
        """
        lines: list[bytes] = []
        for text in _texts_after(self._database.reader, self.rows, conversation, after, texts):
            line = encode(text)  # as it came; an unreadable one would be taken for our fault
            size -= len(line)
            if lines and size < 0:
                break
            lines.append(line)
        self.rows.report()
        return lines

    def has_text(self, conversation: str, author: str, epoch: str, seq: int) -> bool:
        """Whether this text is here, or was and its words are forgotten."""
        return any(
            has
            for table in ("texts", "forgotten")
            for (has,) in self._all(
                f"SELECT last >= ?4 FROM {table}"  # nosec B608  # `table` is one of the two above
                " WHERE conversation = ?1 AND author = ?2"
                " AND epoch = ?3 AND seq <= ?4 ORDER BY seq DESC LIMIT 1",
                (conversation, author, epoch, seq),
            )
        )

    # --- Inside ---

    async def _write(self, statement: str, values: tuple[object, ...]) -> None:
        await self._database.write(lambda db: db.execute(statement, values))

    def _all(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self._database.read(query, values)

    def _one(self, query: str, values: tuple[object, ...]) -> bytes | None:
        rows = self._database.read(query, values)
        return bytes(rows[0][0]) if rows else None


def opened(disk: Disk, prepare: Callable[[sqlite3.Connection], None]) -> Database:
    return Database(disk, FILE, _MIGRATIONS, prepare)


def _texts_after(
    db: sqlite3.Connection, kept: Rows, conversation: str, after: Position, texts: int
) -> Iterator[Text]:
    """Yield the texts that can be read."""
    at = (conversation, after.author, after.epoch)
    query = (
        "SELECT seq, line FROM texts WHERE conversation = ? AND author = ? AND epoch = ?"
        " AND seq > ? AND last > ? AND seq <= ? ORDER BY seq"
    )
    try:
        with reading(FILE):
            for seq, line in db.execute(
                query, (*at, after.seq - TEXTS, after.seq, after.seq + texts)
            ):
                yield from kept.text(line, *at, seq)
    except StorageError:
        kept.note()


def _copies(
    db: sqlite3.Connection, rows: Rows, conversation: str, name: str, owed: LeaveFor
) -> list[KeptCopy]:
    after, upto = owed.after, owed.upto
    return [
        KeptCopy(name, owed.to, said, text.time, About(conversation, text.epoch, seq))
        for text in _texts_after(db, rows, conversation, after, upto - after.seq)
        for seq, said in enumerate(text.texts, start=text.seq)
        if after.seq < seq <= upto
    ]


def _add_copies(db: sqlite3.Connection, vault: Vault, copies: list[KeptCopy], me: str) -> None:
    ids = [copy_id(one.about, me, one.member) for one in copies]
    db.executemany(
        "INSERT OR IGNORE INTO copies VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                id,
                one.receiver,
                vault.seal_text(one.text, "copy", id),
                one.time,
                *_place(one.about),
                one.member,
            )
            for id, one in zip(ids, copies, strict=True)
        ],
    )


def _keep_only_ids(db: sqlite3.Connection, old: float) -> None:
    """Keep only the ids of letters that came before `old` and were shown."""
    found = " FROM letters WHERE came < ? AND text IS NULL"
    db.execute(f"INSERT OR IGNORE INTO known_letters SELECT sender, id{found}", (old,))
    db.execute(f"DELETE{found}", (old,))


def _forget_lines(db: sqlite3.Connection, old: float) -> int:
    """Keep only the ids of lines without text before `old`; return how many were found."""
    found = db.execute(
        "SELECT number, author, id FROM lines WHERE text IS NULL AND time < ? LIMIT ?",
        (old, FORGET_ROWS),
    ).fetchall()
    db.executemany("INSERT OR IGNORE INTO known_letters VALUES (?, ?)", [row[1:] for row in found])
    db.executemany("DELETE FROM lines WHERE number = ?", [row[:1] for row in found])
    return len(found)


def _place(about: About | None) -> tuple[object, object, object]:
    return (about.conversation, about.epoch, about.seq) if about else (None, None, None)


def _forget_words(db: sqlite3.Connection) -> None:
    """Forget the index of SEARCH, which is then made anew from what is still there."""
    for words in ("words_of_texts", "words_of_lines"):
        # `words` is one of the two above.
        db.execute(f"INSERT INTO {words} ({words}) VALUES ('delete-all')")  # nosec B608
    db.execute("DELETE FROM indexed")
