"""Stores of a directory, and what tests put into them."""

import random
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import trio

from directory_server.core.operating.bans import Ban
from directory_server.core.operating.invites import Invite
from directory_server.core.registry import User
from directory_server.core.tombstones import Tombstone, Validity
from directory_server.storage.store import (
    Dropped,
    Kept,
    Listed,
    Newcomer,
    NotKept,
    Owed,
    Posted,
    Store,
    Use,
)
from shared.errors import StorageError
from shared.messages.directory import Envelope, Receipt, Verdict

T = TypeVar("T")

NOW = 1_700_000_000.0
AGE = 5_000.0
KEY = bytes(32)


async def register(store: Store, *names: str) -> list[User]:
    return [await store.register(newcomer(name), NOW, AGE) for name in names]


def newcomer(name: str, key: bytes = KEY) -> Newcomer:
    return Newcomer(name, key, KEY, bytes(64), b"origin", Validity(NOW + 30, AGE + 30))


async def release(store: Store, *users: User) -> None:
    await store.release(
        [(user.id, Tombstone(user.name, user.key, 0, user.certified)) for user in users]
    )


def post(receiver: User, number: int, size: int = 10) -> Posted:
    return Posted(f"{number:032x}", receiver.id, receiver.name, bytes(size))


async def drop(
    store: Store, sender: int, posted: list[Posted], time: float, age: float
) -> list[Kept | NotKept]:
    """Return what came of it.  Raises StorageError."""
    done, outcome = trio.Event(), []

    def then(results: list[Kept | NotKept] | StorageError) -> None:
        outcome.append(results)
        done.set()

    store.drop(sender, posted, time, age, then)
    await done.wait()
    (results,) = outcome
    if isinstance(results, StorageError):
        raise results
    return results


async def mail(store: Store, receiver: User) -> list[Envelope]:
    """Return all that waits."""
    waiting, more = await store.mail(receiver.id, 0)
    while more:
        page, more = await store.mail(receiver.id, waiting[-1].number)
        waiting += page
    return waiting


async def take(store: Store, receiver: User, time: float, *ids: str) -> list[Owed]:
    waiting = await mail(store, receiver)
    verdicts = [Verdict(one.number, one.id, bytes(64)) for one in waiting if one.id in ids]
    return await store.take(receiver.id, receiver.name, verdicts, time, AGE + time - NOW)


async def receipts(store: Store, sender: User, most: int = 1_000) -> list[Receipt]:
    """Return all receipts of a sender, asked for page by page."""
    found: list[Receipt] = []
    while page := await store.receipts(sender.id, found[-1].envelope if found else "", most):
        assert len(page) <= most
        found += page
    return found


class FarStore:
    """A store on another machine, behind a connection that breaks.

    Each call waits before and after its work.  When the answer to a write is lost, the
    write is repeated; `is_away`: nothing answers at all.
    """

    def __init__(
        self, store: Store, *, seconds: float = 0.2, losses: float = 0.3, seed: int = 0
    ) -> None:
        """`seconds`: the longest wait; 0: only until other tasks have run.  `losses`: how often
        an answer is lost, of 1.
        """
        self._store, self._chance = store, random.Random(seed)
        self._seconds, self.losses = seconds, losses
        self._nursery: trio.Nursery | None = None
        self.where = store.where
        self.cluster = store.cluster
        self.is_away = False
        self.failures = 0
        self.failing_since: float | None = None
        self.lost = 0  #: answers by now

    async def _pause(self) -> None:
        for _ in range(self._chance.randrange(4)):
            await trio.lowlevel.checkpoint()
        if self._seconds:
            await trio.sleep(self._chance.uniform(0, self._seconds))
        if self.is_away:
            raise StorageError("the store does not answer")

    async def _read(self, ask: Callable[[], Awaitable[T]]) -> T:
        await self._pause()
        found = await ask()
        await self._pause()
        return found

    async def _write(self, ask: Callable[[], Awaitable[T]]) -> T:
        await self._pause()
        result = await ask()
        while self._chance.random() < self.losses:
            self.lost += 1
            await self._pause()
            result = await ask()
        await self._pause()
        return result

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as self._nursery:
            await self._store.run(task_status=task_status)

    def close(self) -> None:
        self._store.close()

    async def community(self) -> bytes | None:
        return await self._read(self._store.community)

    async def has_had_names(self) -> bool:
        return await self._read(self._store.has_had_names)

    async def found(self, key: bytes, *, anew: bool) -> None:
        await self._write(lambda: self._store.found(key, anew=anew))

    async def listed(self) -> list[Listed]:
        return await self._read(self._store.listed)

    async def orders(self) -> list[tuple[str, bool]]:
        return await self._read(self._store.orders)

    async def order(self, names: list[str], *, free: bool) -> None:
        await self._write(lambda: self._store.order(names, free=free))

    async def fulfil(self, names: list[str]) -> None:
        await self._write(lambda: self._store.fulfil(names))

    async def bans(self) -> list[Ban]:
        return await self._read(self._store.bans)

    async def ban(self, new: Ban) -> None:
        await self._write(lambda: self._store.ban(new))

    async def unban(self, gone: list[Ban]) -> None:
        await self._write(lambda: self._store.unban(gone))

    async def invites(self) -> list[Invite]:
        return await self._read(self._store.invites)

    async def invite(self, new: Invite) -> None:
        await self._write(lambda: self._store.invite(new))

    async def uninvite(self, digests: list[bytes]) -> None:
        await self._write(lambda: self._store.uninvite(digests))

    async def uses_left(self, digest: bytes) -> int:
        return await self._read(lambda: self._store.uses_left(digest))

    async def motd(self) -> str:
        return await self._read(self._store.motd)

    async def set_motd(self, text: str) -> None:
        await self._write(lambda: self._store.set_motd(text))

    async def mail_waiting(self) -> tuple[int, int]:
        return await self._read(self._store.mail_waiting)

    def set_room(self, mail_mib: int) -> None:
        self._store.set_room(mail_mib)

    def observe(self, committed: Callable[[float, int], None]) -> None:
        self._store.observe(committed)

    async def users(self) -> list[User]:
        return await self._read(self._store.users)

    async def tombstones(self) -> list[Tombstone]:
        return await self._read(self._store.tombstones)

    async def age(self) -> float:
        return await self._read(self._store.age)

    async def register(self, new: Newcomer, time: float, age: float) -> User:
        return await self._write(lambda: self._store.register(new, time, age))

    async def reseal(self, user: int, sealing_key: bytes, sealing_proof: bytes) -> None:
        await self._write(lambda: self._store.reseal(user, sealing_key, sealing_proof))

    async def certify(self, user: int, certified: Validity) -> bool:
        return await self._write(lambda: self._store.certify(user, certified))

    async def release(self, owned: list[tuple[int, Tombstone | None]]) -> list[Tombstone | None]:
        return await self._write(lambda: self._store.release(owned))

    async def lift(self, names: list[str]) -> None:
        await self._write(lambda: self._store.lift(names))

    async def note_uses(self, uses: list[Use], time: float, age: float) -> None:
        await self._write(lambda: self._store.note_uses(uses, time, age))

    def drop(
        self, sender: int, posted: list[Posted], time: float, age: float, then: Dropped
    ) -> None:
        async def work() -> None:
            try:
                results = await self._write(lambda: self._drop(sender, posted, time, age))
            except StorageError as error:
                then(error)
            else:
                then(results)

        assert self._nursery is not None, "the store does not run"
        self._nursery.start_soon(work)

    async def _drop(
        self, sender: int, posted: list[Posted], time: float, age: float
    ) -> list[Kept | NotKept]:
        return await drop(self._store, sender, posted, time, age)

    async def take(
        self, receiver: int, name: str, verdicts: Iterable[Verdict], time: float, age: float
    ) -> list[Owed]:
        all_of_them, owed = list(verdicts), []

        async def once() -> None:
            owed.extend(await self._store.take(receiver, name, all_of_them, time, age))

        await self._write(once)
        return owed

    async def note(self, sender: int, envelopes: Iterable[str]) -> None:
        all_of_them = list(envelopes)
        await self._write(lambda: self._store.note(sender, all_of_them))

    async def expire(self, age: float) -> bool:
        return await self._write(lambda: self._store.expire(age))

    async def answer(self, owner: int, other: int) -> None:
        await self._write(lambda: self._store.answer(owner, other))

    async def has_answered(self, owner: int, other: int) -> bool:
        return await self._read(lambda: self._store.has_answered(owner, other))

    async def waiting(self, receiver: int) -> int:
        return await self._read(lambda: self._store.waiting(receiver))

    async def mail(self, receiver: int, after: int) -> tuple[list[Envelope], bool]:
        return await self._read(lambda: self._store.mail(receiver, after))

    async def receipts(self, sender: int, after: str, most: int) -> tuple[Receipt, ...]:
        return await self._read(lambda: self._store.receipts(sender, after, most))
