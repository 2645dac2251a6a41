"""Several directories in one process, on one database that is two dictionaries and a store.

The way to it is as bad as a test wants it: answers come late or are lost, a listener loses
its connection and what was told meanwhile, or nothing answers at all.
"""

import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import trio

from directory_server.core.cluster.bulletins import Bulletin, Here, encode_bulletin
from directory_server.core.cluster.lease import LEASE_SECONDS
from directory_server.core.limits import MAIL_MIB
from directory_server.core.registry import User
from directory_server.server import Bound, Directory
from directory_server.settings import Settings
from directory_server.storage.cluster import Backlog, Claim, Everything, Found, Receive, Renewal
from directory_server.storage.founding import AUTHORITY_FILE
from directory_server.storage.sqlite import SqliteStore
from directory_server.storage.store import Store
from shared.errors import StorageError
from shared.names import fold
from shared.world import World
from tests.kit.raw_client import Client
from tests.kit.stores import FarStore
from tests.kit.world import Hub, MemoryDisk

T = TypeVar("T")

AWAY = "the directory's database does not answer"
CLOCK = 1_700_000_000.0  # what the database's clock shows at the zero of trio's
PORT = 5000
ELSEWHERE = "10.0.1.9"


@dataclass
class Row:
    directory: int
    epoch: int
    registered: float
    here: Here


class FakeDatabase:
    """What all directories share."""

    def __init__(self) -> None:
        self.store = SqliteStore(MemoryDisk(), MAIL_MIB)
        self.directories: dict[int, tuple[str, float]] = {}  # address, and when it last lived
        self.rows: dict[int, Row] = {}
        self.ears: list[list[str]] = []
        self.told = trio.Event()
        self._last_directory = self._last_epoch = 0

    def time(self) -> float:
        return CLOCK + trio.current_time()

    def tell(self, bulletins: Iterable[Bulletin]) -> None:
        payloads = [payload for one in bulletins for payload in encode_bulletin(one)]
        for ear in self.ears:
            ear.extend(payloads)
        self.told.set()
        self.told = trio.Event()

    # --- As the SQL does it ---

    def join(self, address: str) -> int:
        self._last_directory += 1
        self.directories[self._last_directory] = address, self.time()
        return self._last_directory

    def renew(self, directory: int, address: str, *, sweep: bool) -> Renewal:
        is_known = directory in self.directories
        if is_known:
            self.directories[directory] = address, self.time()
        oldest = self.time() - LEASE_SECONDS
        if sweep and is_known:
            self.delete([id for id, (_, alive) in self.directories.items() if alive < oldest])
        others = [
            address
            for id, (address, alive) in self.directories.items()
            if id != directory and alive >= oldest
        ]
        return Renewal(is_known, self.time(), tuple(others))

    def delete(self, directories: list[int]) -> None:
        dead = tuple((id, self.directories.pop(id)[1]) for id in directories)
        gone = [user for user, row in self.rows.items() if row.directory in directories]
        for user in gone:
            del self.rows[user]
        if dead:
            self.tell([Bulletin(0, dead=dead)])

    def publish(
        self, directory: int, here: list[Claim], gone: list[Here], users: set[int]
    ) -> dict[int, int]:
        if directory not in self.directories:
            raise StorageError("the database refuses it: there is no such directory")
        epochs, told = {}, []
        for claim in here:
            user, row = claim.here.user, self.rows.get(claim.here.user)
            is_ours = row is None or row.directory == directory
            if user in users and (is_ours or row.registered <= claim.registered):  # type: ignore[union-attr]
                known = max(self._last_epoch, claim.here.epoch, row.epoch if row else 0)
                self._last_epoch = known + 1
                epochs[user] = self._last_epoch
                word = msgspec.structs.replace(claim.here, epoch=self._last_epoch)
                self.rows[user] = Row(directory, self._last_epoch, claim.registered, word)
                told.append(word)
        for word in gone:
            row = self.rows.get(word.user)
            if row is not None and row.directory == directory:
                del self.rows[word.user]
                told.append(msgspec.structs.replace(word, epoch=row.epoch))
        if told:
            self.tell([Bulletin(directory, here=tuple(told))])
        return epochs

    def forget_all_but(self, users: set[int]) -> None:
        """Delete the rows of users whose names were released."""
        for user in set(self.rows) - users:
            del self.rows[user]


class FakeCluster:
    """The way of one directory to the database."""

    def __init__(self, database: FakeDatabase, *, seconds: float, losses: float, seed: int) -> None:
        """`seconds`: the longest wait of a call; `losses`: how often an answer is lost, of 1."""
        self._database, self._chance = database, random.Random(seed)
        self._seconds, self.losses = seconds, losses
        self.is_away = False
        self.lost = 0  #: answers, and connections of a listener

    async def _do(self, work: Callable[[], Awaitable[T]]) -> T:
        await self._pause()
        result = await work()
        await self._pause()
        if self._chance.random() < self.losses:
            self.lost += 1
            raise StorageError(AWAY)
        return result

    async def _pause(self) -> None:
        await trio.sleep(self._chance.uniform(0, self._seconds))
        if self.is_away:
            raise StorageError(AWAY)

    async def join(self, address: str) -> int:
        async def work() -> int:
            return self._database.join(address)

        return await self._do(work)

    async def renew(self, directory: int, address: str, *, sweep: bool) -> Renewal:
        async def work() -> Renewal:
            return self._database.renew(directory, address, sweep=sweep)

        return await self._do(work)

    async def leave(self, directory: int) -> None:
        async def work() -> None:
            if directory in self._database.directories:
                self._database.delete([directory])

        await self._do(work)

    async def publish(self, directory: int, here: list[Claim], gone: list[Here]) -> dict[int, int]:
        async def work() -> dict[int, int]:
            users = {user.id for user in await self._database.store.users()}
            return self._database.publish(directory, here, gone, users)

        return await self._do(work)

    async def tell(self, bulletins: list[Bulletin]) -> None:
        async def work() -> None:
            self._database.tell(bulletins)

        await self._do(work)

    async def everything(self) -> Everything:
        return await self._do(self._everything)

    async def _everything(self) -> Everything:
        database = self._database
        users = await database.store.users()
        tombstones = await database.store.tombstones()
        database.forget_all_but({user.id for user in users})
        rows = [(row.directory, row.here) for row in database.rows.values()]
        return Everything(users, tombstones, rows, database.time())

    async def backlog(self, ids: Iterable[int]) -> Backlog:
        wanted = set(ids)

        async def work() -> Backlog:
            store = self._database.store
            mail = [(id, await store.waiting(id)) for id in wanted]
            taken = [id for id in wanted if await store.receipts(id, "", 1)]
            return Backlog([one for one in mail if one[1]], taken)

        return await self._do(work)

    async def users_of(self, ids: Iterable[int]) -> list[User]:
        wanted = set(ids)

        async def work() -> list[User]:
            return [user for user in await self._database.store.users() if user.id in wanted]

        return await self._do(work)

    async def find(self, name: str) -> Found:
        async def work() -> Found:
            whole = await self._everything()
            user = next((one for one in whole.users if fold(one.name) == fold(name)), None)
            row = None
            if user is not None:
                row = next((row for row in whole.rows if row[1].user == user.id), None)
            stones = (one for one in whole.tombstones if fold(one.name) == fold(name))
            return Found(user, row, next(stones, None))

        return await self._do(work)

    @contextlib.asynccontextmanager
    async def listen(self) -> AsyncIterator[Receive]:
        await self._pause()
        ear: list[str] = []
        self._database.ears.append(ear)

        async def receive() -> list[str]:
            with trio.move_on_after(2):
                while not ear:
                    await self._database.told.wait()
            await self._pause()
            if self._chance.random() < self.losses:
                self.lost += 1
                raise StorageError(AWAY)
            some = ear.copy()
            ear.clear()
            return some

        try:
            yield receive
        finally:
            self._database.ears = [one for one in self._database.ears if one is not ear]


class SharedStore(FarStore):
    """The store of one directory of several."""

    def __init__(self, database: FakeDatabase, cluster: FakeCluster, **how: Any) -> None:
        super().__init__(database.store, **how)
        self.cluster = cluster

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run without the store itself, which outlives each directory."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            await trio.sleep_forever()

    def close(self) -> None:
        pass


class Towns:
    """Directories of one community, which users may enter at any of them."""

    def __init__(
        self, nursery: trio.Nursery, *, seconds: float = 0.02, losses: float = 0.0, seed: int = 0
    ) -> None:
        self.hub, self.database, self.nursery = Hub(), FakeDatabase(), nursery
        self.seconds, self.losses, self.seed = seconds, losses, seed
        self.url = ""  #: of a real PostgreSQL, instead of the database here
        self.all: list[SharedTown] = []

    async def open(self, count: int, **settings: Any) -> list["SharedTown"]:
        await self.nursery.start(self.database.store.run)
        for number in range(count):
            town = SharedTown(self, number)
            if self.all:  # the community's key is a file on each machine
                key = self.all[0].machine.disk.read(AUTHORITY_FILE)
                assert key is not None
                town.machine.disk.write(AUTHORITY_FILE, key)
            self.all.append(town)
            await town.opens(**settings)
        return self.all


class SharedTown:
    """One directory of several, and its machine."""

    def __init__(self, towns: Towns, number: int) -> None:
        self._towns, self.nursery = towns, towns.nursery
        self.number, self.host = number, f"10.0.0.{number + 1}"
        self.machine = towns.hub.machine(self.host)
        self.cluster: FakeCluster
        self.store: SharedStore
        self.directory: Directory
        self.bound: Bound
        self._scope, self._closed = trio.CancelScope(), trio.Event()
        self.is_open = False
        self._lives = 0

    @property
    def address(self) -> str:
        return f"{self.host}:{PORT}"

    async def opens(self, **settings: Any) -> None:
        settings = {"port": PORT, "address": self.address, **settings}
        self.directory = Directory(self.machine.world(), Settings(**settings), self._open)
        self._scope, self._closed = trio.CancelScope(), trio.Event()
        self.bound = await self._towns.nursery.start(self._run)
        self.is_open = True

    async def _open(self, world: World, settings: Settings) -> Store:
        towns = self._towns
        self._lives += 1
        if towns.url:
            from directory_server.storage.postgres.store import open_postgres

            return await open_postgres(towns.url)
        seed = hash((towns.seed, self.number, self._lives))
        self.cluster = FakeCluster(towns.database, seconds=towns.seconds, losses=0, seed=seed)
        self.store = SharedStore(
            towns.database, self.cluster, seconds=towns.seconds, losses=towns.losses, seed=seed
        )
        return self.store

    async def _run(self, task_status: trio.TaskStatus[Bound]) -> None:
        try:
            with self._scope:
                await self.directory.run(task_status=task_status)
        finally:
            self.is_open = False
            self._closed.set()

    def breaks(self, *, away: bool) -> None:
        """Lose the database, or have it again."""
        self.cluster.is_away = self.store.is_away = away

    async def closes(self) -> None:
        self.directory.stop()
        await self._closed.wait()

    async def closed(self) -> None:
        """Wait until it has ended by itself."""
        await self._closed.wait()

    async def crashes(self) -> None:
        self.machine.kill()
        self._scope.cancel()
        await self._closed.wait()
        self.machine.disk.abandon()

    async def enters(self, name: str, *, at: str = ELSEWHERE, **how: Any) -> Client:
        """Register a user at this directory."""
        network = self._towns.hub.network(at)
        address = self.bound.address._replace(host=self.host)
        return await Client.register(self._towns.nursery, network, address, name, **how)
