"""What the directory keeps on disk: names, and what waits for them.

A promise follows a commit: each method that writes returns after it.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import trio

from directory_server.core.limits import MAIL_MIB
from directory_server.core.registry import User
from directory_server.core.tombstones import Tombstone, Validity
from directory_server.storage import mail_room, mailbox, ownership
from directory_server.storage.mail_room import MIB
from directory_server.storage.mailbox import Kept, NotKept, Owed, Posted
from directory_server.storage.ownership import Listed, Newcomer, Use
from shared.database import Database
from shared.errors import StorageError
from shared.messages import Envelope, Receipt, Verdict
from shared.world import Disk

log = logging.getLogger(__name__)
T = TypeVar("T")

FILE: Final = "directory.sqlite"
# The largest deletion is a mailbox of 8 MiB, which is overwritten in the log of the
# database; the log may have grown as much before.
RESERVE_BYTES: Final = 16 * MIB
PATIENCE_SECONDS: Final = 15.0  # a disk that takes longer for a commit is broken

_MIGRATIONS = [
    ownership.TABLES + mailbox.TABLES,
    mailbox.SIGNED_RECEIPTS,
    ownership.EXPIRY + mailbox.EXPIRY,
    ownership.COMMUNITY,
    mail_room.TABLES,
]


def _opened(disk: Disk) -> Database:
    """Even a disk that is full by now has room for what opening takes: the reserve."""
    try:
        return Database(disk, FILE, _MIGRATIONS, reserve=RESERVE_BYTES)
    except StorageError:
        disk.release()
        return Database(disk, FILE, _MIGRATIONS, reserve=RESERVE_BYTES)


class Store:
    def __init__(self, disk: Disk, mail_mib: int = MAIL_MIB) -> None:
        """`mail_mib`: how much mail is kept in all."""
        self._database = _opened(disk)
        self._most = mail_mib * MIB
        self._failing = False  # the disk did not take the last write

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until cancelled, then close."""
        await self._database.run(task_status=task_status)

    def close(self) -> None:
        """Without having run."""
        self._database.close()

    # --- Whose it is ---

    def community(self) -> bytes | None:
        """The key of the authority to which the names belong, as far as that was noted."""
        return self._read(ownership.community)

    def has_had_names(self) -> bool:
        """Whether anybody was ever registered here."""
        return self._read(ownership.has_had_names)

    async def found(self, key: bytes, *, anew: bool) -> None:
        """Everything here belongs to this authority from now on; `anew`: all names are lost."""
        await self._write(lambda connection: ownership.found(connection, key, anew=anew))

    # --- What the operator wants ---

    def listed(self) -> list[Listed]:
        return self._read(ownership.listed)

    def orders(self) -> list[tuple[str, bool]]:
        """Folded names that are to be forgotten, and whether they are free for anybody then."""
        return self._read(ownership.orders)

    async def order(self, names: list[str], *, free: bool) -> None:
        await self._write(lambda connection: ownership.order(connection, names, free=free))

    async def fulfil(self, names: list[str]) -> None:
        await self._write(lambda connection: ownership.fulfil(connection, names), frees=True)

    # --- Names ---

    def users(self) -> list[User]:
        return self._read(ownership.users)

    def tombstones(self) -> list[Tombstone]:
        return self._read(ownership.tombstones)

    def age(self) -> float:
        """For how many seconds the directory has run in all, as far as the disk knows."""
        return self._read(ownership.age)

    async def register(self, new: Newcomer, time: float, age: float) -> User:
        """The user on disk under this name: the new one, or who was faster."""
        return await self._write(lambda connection: ownership.register(connection, new, time, age))

    async def reseal(self, user: int, sealing_key: bytes, sealing_proof: bytes) -> None:
        """The user seals with another key from now on."""
        await self._write(
            lambda connection: ownership.reseal(connection, user, sealing_key, sealing_proof)
        )

    async def certify(self, user: int, certified: Validity) -> None:
        """So long certificates speak for this user's name."""
        await self._write(
            lambda connection: ownership.certify(connection, user, certified), frees=True
        )

    async def release(self, owned: list[tuple[int, Tombstone | None]]) -> None:
        """Delete these users, with mailbox and receipts; keep their tombstones, if they get any."""
        await self._write(lambda connection: ownership.release(connection, owned), frees=True)

    async def lift(self, names: list[str]) -> None:
        """Delete these tombstones."""
        await self._write(lambda connection: ownership.lift(connection, names), frees=True)

    async def note_uses(self, uses: list[Use], time: float, age: float) -> None:
        """Who came and who went; and that the directory is alive, at this time and age."""
        await self._write(lambda connection: ownership.note(connection, uses, time, age))

    # --- Mail ---

    async def drop(
        self, sender: int, posted: Iterable[Posted], time: float, age: float
    ) -> list[Kept | NotKept]:
        """All in one commit; one result for each, in their order."""
        return await self._write(
            lambda connection: mailbox.drop(
                connection, sender, posted, time=time, age=age, most=self._most
            )
        )

    async def take(
        self, receiver: int, name: str, verdicts: Iterable[Verdict], time: float, age: float
    ) -> list[Owed]:
        """Delete what this receiver, of this name, is done with; returns the receipts."""
        return await self._write(
            lambda connection: mailbox.take(connection, receiver, name, verdicts, time, age),
            frees=True,
        )

    async def note(self, sender: int, envelopes: Iterable[str]) -> None:
        """Delete these receipts."""
        await self._write(
            lambda connection: mailbox.note(connection, sender, envelopes), frees=True
        )

    async def expire(self, age: float) -> bool:
        """Delete some of what nobody has asked for in 14 days; returns whether that was all."""
        return await self._write(lambda connection: mailbox.expire(connection, age), frees=True)

    def has_answered(self, owner: int, other: int) -> bool:
        """Whether half of this owner's mailbox is kept for the other, too."""
        return self._read(lambda reader: mail_room.has_answered(reader, owner, other))

    async def answer(self, owner: int, other: int) -> None:
        """This owner of a mailbox has answered the other user, by an act of their own."""
        await self._write(lambda connection: mail_room.answer(connection, owner, other))

    def waiting(self, receiver: int) -> int:
        return self._read(lambda reader: mailbox.count(reader, receiver))

    def mail(self, receiver: int, after: int) -> tuple[list[Envelope], bool]:
        """The oldest envelopes with a higher number, and whether more wait."""
        return self._read(lambda reader: mailbox.page(reader, receiver, after))

    def receipts(self, sender: int, size: int) -> Iterator[tuple[Receipt, ...]]:
        """All of a sender's receipts, in pages of this size."""
        pages = mailbox.receipts(self._database.reader, sender, size)
        while page := self._read(lambda _: next(pages, None)):
            yield page

    # --- Inside ---

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._database.reader)
        except sqlite3.Error as error:
            raise StorageError(f"the disk cannot be read: {error}") from error

    async def _write(self, work: Callable[[sqlite3.Connection], T], *, frees: bool = False) -> T:
        """`frees`: it makes room, or needs next to none, and so passes on a full disk too."""
        try:
            # Shielded, so that whoever asked for it also learns what came of it.  Not
            # fail_after, which costs a tenth of what the loop does for a message.
            with trio.move_on_after(PATIENCE_SECONDS, shield=True) as patience:
                result = await self._database.write(work, frees=frees)
        except StorageError as error:
            if not self._failing:
                log.warning("%s", error)
            self._failing = True
            raise
        if patience.cancelled_caught:
            raise StorageError("the disk does not answer")
        if self._failing:
            log.warning("the disk takes it again")
        self._failing = False
        return result
