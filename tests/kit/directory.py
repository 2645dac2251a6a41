"""A directory in memory, the machines around it, and the users of one test."""

from typing import Any

import trio

from directory_server.server import Bound, Directory, OpenStore
from directory_server.settings import Settings
from directory_server.storage.opening import open_store
from directory_server.storage.sqlite import FILE
from shared.identity import Credentials
from shared.messages.directory import Arr, Chg, Crowd, Lft
from tests.kit.raw_client import Client
from tests.kit.world import Hub

TOWN_HALL = "10.0.0.1"
ELSEWHERE = "10.0.0.9"  # where users sit unless a test moves them
SOON = 2.0  # when news that is gathered has been told


async def news(client: Client) -> list[str]:
    """What a user has been told of others, and has not looked at yet."""
    await trio.sleep(SOON)
    told = []
    for message in client.heard:
        match message:
            case Arr(users=users):
                told += [f"{user.name} came" for user in users]
            case Chg(users=users):
                told += [f"{user.name} {user.status.value}" for user in users]
            case Lft(names=names):
                told += [f"{name} left" for name in names]
            case Crowd(crowd=crowd, online=online):
                told.append(f"a crowd of {online}" if crowd else f"no crowd: {online}")
    client.heard.clear()
    return told


class Town:
    def __init__(self, nursery: trio.Nursery, open_it: OpenStore = open_store) -> None:
        self.hub = Hub()
        self.machine = self.hub.machine(TOWN_HALL)
        self.nursery, self._open_store = nursery, open_it
        self.directory: Directory
        self.bound: Bound
        self._scope = trio.CancelScope()
        self._closed = trio.Event()
        self._settings: dict[str, Any] = {}

    async def opens(self, **settings: Any) -> None:
        self.directory = Directory(
            self.machine.world(), Settings(port=5000, **settings), self._open_store
        )
        self._settings = settings
        self._scope, self._closed = trio.CancelScope(), trio.Event()
        self.bound = await self.nursery.start(self._run)

    async def directory_alone(self) -> None:
        """Run a directory that cannot start.  Raises the reason."""
        await Directory(self.machine.world(), Settings(port=5000)).run()

    def directory_users(self) -> list[str]:
        """Return the names in the database."""
        return [name for (name,) in self.machine.disk.ask(FILE, "SELECT name FROM users")]

    async def _run(self, task_status: trio.TaskStatus[Bound]) -> None:
        with self._scope:
            await self.directory.run(task_status=task_status)
        self._closed.set()

    async def closes(self) -> None:
        """Tell the directory to stop."""
        self.directory.stop()
        await self._closed.wait()

    async def crashes(self) -> None:
        """Kill the directory."""
        self.machine.kill()
        self._scope.cancel()
        await self._closed.wait()
        self.machine.disk.abandon()

    async def runs_for(self, seconds: float) -> None:
        """Run the directory for this time, with nobody there; the time of day does not move."""
        await self.closes()
        self.write("UPDATE life SET age = age + ?", seconds)
        await self.opens(**self._settings)

    def write(self, sql: str, *values: object) -> None:
        """Change the database while the directory is closed."""
        self.machine.disk.ask(FILE, sql, *values)

    async def enters(
        self,
        name: str,
        *,
        at: str = ELSEWHERE,
        credentials: Credentials | None = None,
        **how: Any,
    ) -> Client:
        """Register a user; `how` is for Client.register."""
        network = self.hub.network(at)
        if credentials is not None:
            network.present(credentials)
        address = self.bound.address._replace(host=TOWN_HALL)
        return await Client.register(self.nursery, network, address, name, **how)
