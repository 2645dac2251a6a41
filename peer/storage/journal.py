"""Keep in a database what a peer must remember over restarts.

Each family of tables has a part of its own, over one database: users and communities,
letters that came or that I left, single lines, texts, rooms, and copies for mailboxes.  The
journal itself keeps conversations: their members, and which one I am in.
`peer.storage.history` reads it for HISTORY and SEARCH.
"""

import sqlite3

import msgspec
import trio
from msgspec import Struct

from peer.core.conversation.actions import LeaveFor
from peer.core.conversation.conversation import Kept
from peer.core.conversation.members.entrances import Entrance
from peer.events import Tell
from peer.storage import copies, letters, rooms, texts
from peer.storage.contacts import CommunityStore, ContactStore, InterestStore
from peer.storage.copies import CopyStore
from peer.storage.left_letters import LeftLetterStore
from peer.storage.letters import LetterStore
from peer.storage.lines import FORGET_ROWS, LineStore
from peer.storage.rooms import KeptRoom, RoomStore
from peer.storage.rows import Rows, tell_nobody
from peer.storage.schema import opened
from peer.storage.sealed_journal import prepare
from peer.storage.texts import Place, TextStore
from peer.storage.vault import CLEAR, Vault
from shared.messages.peers import Membership, Position, Text
from shared.world import Disk

_encoder = msgspec.json.Encoder()


class Batch(Struct, frozen=True):
    """The records of conversations that one commit keeps."""

    #: conversations that I am in from now on, each with what was said in it before and the
    #: highest lamport of that
    begun: list[tuple[str, tuple[Position, ...], int]] = []
    texts: list[Text] = []
    #: conversation, member, name and membership
    members: list[tuple[str, str, str, Membership]] = []
    #: conversation, member, epoch and seq of my texts that somebody has
    acknowledged: list[tuple[str, str, str, int]] = []
    #: conversations that I am no longer in
    ended: list[str] = []
    #: conversation, name of the receiver, and what in these; it is kept as copies, until it is
    #: `received` or left
    owed: list[tuple[str, str, LeaveFor]] = []
    #: as `acknowledged`
    received: list[tuple[str, str, str, int]] = []
    #: with their conversations
    entrances: list[tuple[str, Entrance]] = []
    #: texts, up to this seq, of which only the place is kept
    passed: list[Place] = []
    #: the places up to which texts are passed over after all, and no further
    returns: list[Place] = []
    #: conversations, each with a number that its clock has reached without a text on disk
    lamports: list[tuple[str, int]] = []
    #: of the conversations begun, those that are rooms
    rooms: list[KeptRoom] = []


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
        tell: Tell = tell_nobody,
    ) -> None:
        """`tell` is called once, when something that was kept cannot be read."""
        self.rows = Rows(tell, vault)
        self.database = opened(disk, lambda db: prepare(db, vault))
        self.contacts = ContactStore(self.database)
        self.interests = InterestStore(self.database, self.contacts)
        self.communities = CommunityStore(self.database)
        self.left_letters = LeftLetterStore(self.database, self.contacts)
        self.letters = LetterStore(self.database, self.rows, keeps_history=keeps_history)
        self.lines = LineStore(self.database, self.rows, keeps_history=keeps_history)
        self.copies = CopyStore(self.database, self.rows)
        self.texts = TextStore(self.database, self.rows)
        self.rooms = RoomStore(self.database, self.rows)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self.database.run(task_status=task_status)

    def interrupted(self) -> str | None:
        """Return the conversation that I was in when my last program ended, if any."""
        rows = self.database.read(
            "SELECT id FROM conversations WHERE is_in = 1"
            " AND id NOT IN (SELECT conversation FROM rooms) ORDER BY begun DESC LIMIT 1"
        )
        return rows[0][0] if rows else None

    def memberships(self, id: str) -> tuple[Membership, ...]:
        """Return the memberships of a conversation that were heard of here, in order of hearing."""
        rows = self.database.read(
            "SELECT membership FROM memberships WHERE conversation = ?"
            " AND membership IS NOT NULL ORDER BY rowid",
            (id,),
        )
        found = self.rows.memberships(row for (row,) in rows)
        self.rows.report()
        return found

    def entrances(self, id: str) -> tuple[Entrance, ...]:
        """Return from where on each member of a conversation may read."""
        rows = self.database.read("SELECT entrance FROM entrances WHERE conversation = ?", (id,))
        found = self.rows.entrances(row for (row,) in rows)
        self.rows.report()
        return found

    def reach(self, id: str, me: str) -> tuple[tuple[Position, ...], int]:
        """Return how far the texts of a conversation reach on disk, and the highest lamport."""
        return self.texts.reach(id), self.texts.clock(id, me).now

    def kept(self, id: str, me: str, now: float) -> Kept:
        """Return what is known of a conversation; `now` is on the clock that measures idling."""
        have, lamport = self.reach(id, me)
        acknowledged = self.database.read(
            "SELECT member, epoch, seq FROM acknowledged WHERE conversation = ?", (id,)
        )
        return Kept(
            self.memberships(id),
            have,
            tuple((epoch, seq, now) for epoch, seq in self.texts.last_of(id, me)),
            tuple(acknowledged),
            lamport,
            self.entrances(id),
            self.texts.said(id),
            self.texts.passed(id),
        )

    async def keep(self, batch: Batch, now: float) -> None:
        """Keep all of this in one commit."""
        rows = [texts.row_of(self.rows, one) for one in batch.texts]
        noted = self.letters.noted_within(
            ((one.conversation, *one.origin, one.seq), one.last_seq) for one in batch.texts
        )

        def work(db: sqlite3.Connection) -> None:
            _note_stays(db, batch, now)
            texts.insert(db, rows)
            letters.mark(db, noted)
            _note_members(db, batch)
            for id, name, owed in batch.owed:
                copies.add_owed(db, self.rows, id, name, owed)
            copies.remove_received(db, batch.received)

        await self.database.write(work)
        self.letters.forget_noted(noted)
        self.rows.report()

    # --- Without history ---

    async def forget_texts(self, conversation: str | None, now: float) -> None:
        """Forget the texts of this conversation, if I am not in it.

        None: forget those of all conversations that have ended, and every single line.
        """
        wanted = "SELECT id FROM conversations WHERE is_in = 0 AND (?1 IS NULL OR id = ?1)"
        # Read in the writing thread, after all that is on its way there.
        ended = await self.database.write(lambda db: db.execute(wanted, (conversation,)).fetchall())
        if conversation is None:
            await self.lines.forget_texts(now, now - letters.REMEMBER_LETTERS_DAYS * 86_400)
        for (id,) in ended:
            await self._forget(id, now)
        await self.database.write(letters.forget_words)
        await self.database.write(_forget_words)

    async def _forget(self, id: str, now: float) -> None:
        await self.database.write(lambda db: texts.keep_only_places(db, id, now))
        for table in ("texts", "memberships", "since", "acknowledged", "entrances", "rooms"):
            # `table` is one of those above.
            forget = (
                f"DELETE FROM {table} WHERE rowid IN"  # nosec B608
                f" (SELECT rowid FROM {table} WHERE conversation = ?1 LIMIT ?2) AND NOT EXISTS"
                " (SELECT 1 FROM conversations WHERE id = ?1 AND is_in)"
            )
            while await self._count(forget, (id, FORGET_ROWS)):
                pass
        await self.database.execute("DELETE FROM conversations WHERE id = ? AND is_in = 0", (id,))

    async def _count(self, statement: str, values: tuple[object, ...]) -> int:
        """Execute a statement; return how many rows it changed."""
        return await self.database.write(lambda db: db.execute(statement, values).rowcount)


# --- In the writing thread ---


def _note_stays(db: sqlite3.Connection, batch: Batch, now: float) -> None:
    """Note which conversations I am in, and from where on I know what was said."""
    rooms.insert(db, batch.rooms)
    of_rooms = {one.id for one in batch.rooms}
    for id, _, lamport in batch.begun:
        if id not in of_rooms:  # one at a time, beside the rooms
            db.execute(
                "UPDATE conversations SET is_in = 0"
                " WHERE id NOT IN (SELECT conversation FROM rooms)"
            )
        db.execute("REPLACE INTO conversations VALUES (?, ?, 1, ?)", (id, now, lamport))
    db.executemany(
        "REPLACE INTO since VALUES (?, ?, ?, ?)",
        [(id, one.author, one.epoch, one.seq) for id, old, _ in batch.begun for one in old],
    )
    db.executemany(
        "INSERT INTO since VALUES (?, ?, ?, ?) ON CONFLICT"
        " DO UPDATE SET seq = max(seq, excluded.seq)",
        batch.passed,
    )
    db.executemany(
        "UPDATE since SET seq = min(seq, ?4) WHERE (conversation, author, epoch) = (?1, ?2, ?3)",
        batch.returns,
    )
    db.executemany(
        "UPDATE conversations SET lamport = max(lamport, ?) WHERE id = ?",
        [(lamport, id) for id, lamport in batch.lamports],
    )
    db.executemany("UPDATE conversations SET is_in = 0 WHERE id = ?", [(id,) for id in batch.ended])


def _note_members(db: sqlite3.Connection, batch: Batch) -> None:
    """Note who is a member, from where on, and what of mine they have."""
    db.executemany(
        "INSERT INTO memberships VALUES (?, ?, ?, ?) ON CONFLICT (conversation, member)"
        " DO UPDATE SET membership = excluded.membership",
        [(*which, _encoder.encode(one)) for *which, one in batch.members],
    )
    db.executemany(
        "REPLACE INTO entrances VALUES (?, ?, ?, ?)",
        [(id, one.member, one.counter, _encoder.encode(one)) for id, one in batch.entrances],
    )
    db.executemany("REPLACE INTO acknowledged VALUES (?, ?, ?, ?)", batch.acknowledged)


def _forget_words(db: sqlite3.Connection) -> None:
    """Forget the index of SEARCH, which is then made anew from what is still there."""
    for words in ("words_of_texts", "words_of_lines"):
        # `words` is one of the two above.
        db.execute(f"INSERT INTO {words} ({words}) VALUES ('delete-all')")  # nosec B608
    db.execute("DELETE FROM indexed")
