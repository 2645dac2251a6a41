"""Keep copies of texts that I could not leave yet, and no conversation asks for."""

import sqlite3

import trio
from msgspec import Struct

from peer.core.conversation.actions import LeaveFor
from peer.storage.left_letters import place_of
from peer.storage.rows import Rows
from peer.storage.texts import texts_after
from shared.database import Database
from shared.sealing import About, copy_id


class KeptCopy(Struct, frozen=True):
    """A text of mine in a conversation, on its way to the mailbox of a member.

    `receiver` is the member's name.  `member` is "" in copies kept before members had ids.
    """

    receiver: str
    member: str
    text: str
    time: float
    about: About


class CopyStore:
    """The copies that the mailbox did not take yet."""

    def __init__(self, database: Database, rows: Rows) -> None:
        self._database, self._rows = database, rows

    def owed(self, conversation: str, name: str, owed: LeaveFor) -> list[KeptCopy]:
        """Return copies of texts owed, as far as these are on disk.  `name`: of the receiver."""
        found = _copies(self._database.reader, self._rows, conversation, name, owed)
        self._rows.report()
        return found

    async def keep(self, copies: list[KeptCopy], me: str) -> None:
        """Keep copies; one that is there already is the same."""
        await trio.lowlevel.checkpoint_if_cancelled()  # at the end the reader is closed
        there = set(self.all())
        if fresh := [one for one in copies if one not in there]:
            await self._database.write(lambda db: _insert(db, self._rows, fresh, me))

    def all(self) -> list[KeptCopy]:
        """Return the copies in the order in which they were kept."""
        rows = self._database.read(
            "SELECT id, receiver, member, text, time, conversation, epoch, seq FROM copies"
            " ORDER BY rowid"
        )
        found = [
            KeptCopy(to, member, words, time, About(*at))
            for id, to, member, text, time, *at in rows
            for words in self._rows.words(text, "copy", id)
        ]
        self._rows.report()
        return found

    async def forget(self, copy: KeptCopy) -> None:
        await self._database.execute(
            "DELETE FROM copies WHERE (conversation, epoch, seq, receiver, member)"
            " = (?, ?, ?, ?, ?)",
            (*place_of(copy.about), copy.receiver, copy.member),
        )


# --- In the writing thread ---


def add_owed(
    db: sqlite3.Connection, rows: Rows, conversation: str, name: str, owed: LeaveFor
) -> None:
    """Keep copies of texts owed.  `name`: of the receiver."""
    _insert(db, rows, _copies(db, rows, conversation, name, owed), owed.after.author)


def remove_received(db: sqlite3.Connection, received: list[tuple[str, str, str, int]]) -> None:
    """Remove the copies that their receivers have: conversation, member, epoch and last seq."""
    db.executemany(
        "DELETE FROM copies WHERE (conversation, member, epoch) = (?, ?, ?) AND seq <= ?",
        received,
    )


def _copies(
    db: sqlite3.Connection, rows: Rows, conversation: str, name: str, owed: LeaveFor
) -> list[KeptCopy]:
    after, upto = owed.after, owed.upto
    return [
        KeptCopy(name, owed.to, said, text.time, About(conversation, text.epoch, seq))
        for text in texts_after(db, rows, conversation, after, upto - after.seq)
        for seq, said in enumerate(text.texts, start=text.seq)
        if after.seq < seq <= upto
    ]


def _insert(db: sqlite3.Connection, rows: Rows, copies: list[KeptCopy], me: str) -> None:
    ids = [copy_id(one.about, me, one.member) for one in copies]
    db.executemany(
        "INSERT OR IGNORE INTO copies VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (id, one.receiver, rows.vault.seal_text(one.text, "copy", id), one.time,
             *place_of(one.about), one.member)
            for id, one in zip(ids, copies, strict=True)
        ],
    )  # fmt: skip
