"""Describe what several directories on one store need of it: to find, hear and outlive each other.

Each call may be done twice when its answer was lost, and raises StorageError.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from directory_server.core.cluster.bulletins import Bulletin, Here
from directory_server.core.registry import User
from directory_server.core.tombstones import Tombstone


class Renewal(NamedTuple):
    """The answer to a renewed lease."""

    is_known: bool  # False: the others have thought this directory dead
    time: float  # by the database's clock
    others: tuple[str, ...]  # the addresses of the other directories that are alive


class Claim(NamedTuple):
    """A user of this directory, with the database's time at which they registered here.

    The epoch in it is the highest that is known of this user.
    """

    here: Here
    registered: float


class Found(NamedTuple):
    """The user or the tombstone under one name."""

    user: User | None
    row: tuple[int, Here] | None  # the directory at which the user is
    tombstone: Tombstone | None


class Everything(NamedTuple):
    """All names and rows as of one moment."""

    users: list[User]
    tombstones: list[Tombstone]
    rows: list[tuple[int, Here]]
    time: float


class Backlog(NamedTuple):
    """The mail and the receipts that wait for some users."""

    mail: list[tuple[int, int]]  # receivers, and how much waits for each
    taken: list[int]  # senders for whom receipts wait


Receive = Callable[[], Awaitable[list[str]]]
"""Return the bulletins that came, encoded; after a while none."""


class Cluster(Protocol):
    async def join(self, address: str) -> int:
        """Enter a new directory; return its number."""

    async def renew(self, directory: int, address: str, *, sweep: bool) -> Renewal:
        """Say that the directory is alive, and where.

        `sweep`: delete those that are not, and tell so.
        """

    async def leave(self, directory: int) -> None:
        """Delete a directory, and tell the others."""

    async def publish(self, directory: int, here: list[Claim], gone: list[Here]) -> dict[int, int]:
        """Write who is here and who is gone, and tell the others, in one transaction.

        A row goes to who has registered last; return the new epochs of the rows that this
        directory has now.
        """

    async def tell(self, bulletins: list[Bulletin]) -> None:
        """Tell all directories, this one too."""

    def listen(self) -> AbstractAsyncContextManager[Receive]:
        """Hear all that is told from now on; raises StorageError when some may be lost."""

    async def everything(self) -> Everything: ...

    async def backlog(self, ids: Iterable[int]) -> Backlog:
        """Return what waits for these users."""

    async def users_of(self, ids: Iterable[int]) -> list[User]:
        """Return those of these users whose names are not released."""

    async def find(self, name: str) -> Found: ...
