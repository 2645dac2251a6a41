"""The other directories of the store, for all code that works without them, too."""

import logging

import trio

from directory_server.community.directories import Directories
from directory_server.community.elsewhere import Elsewhere
from directory_server.community.telling import Telling
from directory_server.core.operating.counts import Counts
from directory_server.core.registry import Registry, User
from directory_server.storage.cluster import Cluster
from shared.errors import StorageError
from shared.messages.directory import OTHERS

log = logging.getLogger(__name__)


class Others:
    def __init__(
        self, cluster: Cluster | None, elsewhere: Elsewhere | None, telling: Telling,
        registry: Registry, counts: Counts, address: str,
    ) -> None:  # fmt: skip
        """`elsewhere`: None where no other directory can ever be."""
        self.telling = telling
        self._elsewhere, self._registry = elsewhere, registry
        self._directories: Directories | None = None
        if cluster is not None and elsewhere is not None:
            elsewhere.set_host(address.rpartition(":")[0].strip("[]"))
            self._directories = Directories(cluster, elsewhere, telling, counts, address)

    @property
    def alive(self) -> int:
        """The number of the others that are alive."""
        return len(self._directories.others) if self._directories is not None else 0

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of those that tell theirs."""
        if self._directories is None:
            return ()
        # Directories behind one address are one for their users.
        others = dict.fromkeys(self._directories.others)
        return tuple(one for one in others if one not in ("", self._directories.address))[:OTHERS]

    @property
    def behind(self) -> int:
        """The number of our users of whose change the others do not know yet."""
        return len(self._registry.touched or ())

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Live among the others until `leave`.  Raises StorageError at the start."""
        if self._directories is None:
            task_status.started()
        else:
            await self._directories.run(task_status=task_status)

    async def leave(self) -> None:
        """Tell the others that nobody is here any more."""
        if self._directories is not None:
            await self._directories.leave()

    async def kick(self, user: int, reason: str) -> None:
        """End a user's link at another directory.  Raises StorageError."""
        if self._directories is not None:
            await self._directories.tell(kicked=((user, reason),))

    async def notice(self, text: str) -> None:
        """Tell the users of the other directories.  Raises StorageError."""
        if self._directories is not None:
            await self._directories.tell(notice=text)

    def stay_unnamed(self) -> None:
        """Let the others name this directory to nobody any more: it takes nobody in."""
        if self._directories is not None:
            self._directories.address = ""

    async def ask(self, name: str) -> User | None:
        """Look for a user who is not known here, or not as present, where the others look, too.

        Without its database the directory knows what it knew.
        """
        if self._elsewhere is not None:
            try:
                return await self._elsewhere.ask(name)
            except StorageError as error:
                log.info("%s is not asked for at the others: %s", name, error)
        return self._registry.find(name)
