"""Describe what the directory needs of a store: names, and the mail that waits for them.

A method that writes returns after its commit, so the directory may promise the result; the
same write again has the same result, so one whose outcome is unknown may be repeated.
Every method may wait, for the disk or for a database elsewhere, and what was true before
may be false after it.  All of them raise StorageError.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import trio

from directory_server.core.operating.bans import Ban
from directory_server.core.operating.invites import Invite
from directory_server.core.registry import User
from directory_server.core.tombstones import Tombstone, Validity
from directory_server.core.usage import Usage
from directory_server.storage.cluster import Cluster
from shared.errors import StorageError
from shared.messages.directory import Envelope, Receipt, Verdict


class Away(StorageError):
    """The store does not answer: what became of the work is unknown."""


class Newcomer(NamedTuple):
    """A name that is to be registered."""

    name: str
    key: bytes
    sealing_key: bytes
    sealing_proof: bytes
    origin: bytes
    certified: Validity
    invite: bytes = b""  # the digest of the invite that it uses up


class Use(NamedTuple):
    """A user's arrival or departure, to be noted on disk."""

    id: int
    seen: float | None  # when last online, by the time of day; None: still online
    usage: Usage


class Listed(NamedTuple):
    """A name as shown to an operator."""

    name: str
    seen: float | None  # None: online
    used: float
    origin: bytes
    waiting: int
    waiting_bytes: int


class Moved(NamedTuple):
    """The names and messages that are there after a move from another store."""

    names: int
    messages: int


@dataclass(frozen=True, slots=True)
class Posted:
    """An envelope that a user drops."""

    envelope: str
    receiver: int
    receiver_name: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """The envelope is stored, now or since before."""

    waiting: int  # in the receiver's mailbox now


@dataclass(frozen=True, slots=True)
class NotKept:
    code: str  # of the ERR
    why: str


@dataclass(frozen=True, slots=True)
class Owed:
    """A receipt, and the number of the sender who gets it."""

    sender: int
    receipt: Receipt


#: Gets one result for each envelope, in their order; or the reason why none was stored.
Dropped = Callable[[list[Kept | NotKept] | StorageError], None]


class OperationStore(Protocol):
    """Keeps what the operator has said: orders, bans, invites, a motd."""

    async def listed(self) -> list[Listed]: ...

    async def orders(self) -> list[tuple[str, bool]]:
        """Return the folded names to be forgotten, and whether each is free for anybody then."""

    async def order(self, names: list[str], *, free: bool) -> None: ...

    async def fulfil(self, names: list[str]) -> None: ...

    async def bans(self) -> list[Ban]: ...

    async def ban(self, new: Ban) -> None:
        """Keep a ban; it replaces one of the same user or network."""

    async def unban(self, gone: list[Ban]) -> None: ...

    async def invites(self) -> list[Invite]: ...

    async def invite(self, new: Invite) -> None: ...

    async def uninvite(self, digests: list[bytes]) -> None: ...

    async def uses_left(self, digest: bytes) -> int:
        """Return how many more names this invite lets in."""

    async def motd(self) -> str:
        """Return what users are told who come in; empty: nothing."""

    async def set_motd(self, text: str) -> None: ...

    async def mail_waiting(self) -> tuple[int, int]:
        """Return how many messages wait in all, and how many bytes of room they take."""


class NameStore(Protocol):
    """Keeps the users, with their names and keys."""

    async def users(self) -> list[User]: ...

    async def tombstones(self) -> list[Tombstone]: ...

    async def age(self) -> float:
        """Return for how many seconds the directory had run in all, at its last heartbeat."""

    async def register(self, new: Newcomer, time: float, age: float) -> User:
        """Return the user on disk under this name: the new one, or one who was faster.

        A new one uses the invite of the newcomer in the same commit.  Raises Refused when
        others have used it up.
        """

    async def reseal(self, user: int, sealing_key: bytes, sealing_proof: bytes) -> None:
        """Replace the user's sealing key."""

    async def certify(self, user: int, certified: Validity) -> bool:
        """Note until when certificates for this user's name are valid.

        Returns False when the name was released meanwhile.
        """

    async def release(self, owned: list[tuple[int, Tombstone | None]]) -> list[Tombstone | None]:
        """Delete these users, with mailbox and receipts; keep the tombstones that are given.

        Returns them as they are kept: another directory may have certified the name for longer.
        """

    async def lift(self, names: list[str]) -> None:
        """Delete these tombstones."""

    async def note_uses(self, uses: list[Use], time: float, age: float) -> None:
        """Note arrivals and departures, and that the directory is alive at this time and age."""


class MailStore(Protocol):
    """Keeps the mail that waits, and the receipts of what was taken."""

    def drop(
        self, sender: int, posted: list[Posted], time: float, age: float, then: Dropped
    ) -> None:
        """Store those that have room, all in one commit, and call `then` after it, in the loop.

        It does not store again what the same sender stored before.  It calls `then` instead of
        waiting, so that no task is woken for each message, and a sender may drop the next ones
        meanwhile.
        """

    async def take(
        self, receiver: int, name: str, verdicts: Iterable[Verdict], time: float, age: float
    ) -> list[Owed]:
        """Delete the envelopes that this receiver, of this name, has taken; return the receipts.

        An envelope is named by its number and its id: another sender may use the same id,
        and a backup of the database may use the same number for another envelope.
        """

    async def note(self, sender: int, envelopes: Iterable[str]) -> None:
        """Delete these receipts."""

    async def expire(self, age: float) -> bool:
        """Delete some mail that nobody has asked for in 14 days; return whether that was all."""

    async def answer(self, owner: int, other: int) -> None:
        """Note that the owner of a mailbox has answered the other user, by an act of their own."""

    async def has_answered(self, owner: int, other: int) -> bool:
        """Return whether half of this owner's mailbox is reserved for the other, too."""

    async def waiting(self, receiver: int) -> int:
        """Return how many envelopes wait in this mailbox."""

    async def mail(self, receiver: int, after: int) -> tuple[list[Envelope], bool]:
        """Return the oldest envelopes that fit into one line, and whether more wait.

        `after`: only those with a higher number.
        """

    async def receipts(self, sender: int, after: str, most: int) -> tuple[Receipt, ...]:
        """Return the next receipts for a sender, by envelope; `after` "": from the first."""


class Store(OperationStore, NameStore, MailStore, Protocol):
    @property
    def cluster(self) -> Cluster | None:
        """Serve several directories on this store; None: it takes only one."""

    where: str  #: what to bring back when the names are missing, for a person
    failures: int  #: writes that were refused
    failing_since: float | None  #: by trio's clock; None: it takes writes

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until cancelled, then close; what was asked for by then is still written."""

    def close(self) -> None:
        """Close a store that `run` was never started for."""

    def set_room(self, mail_mib: int) -> None:
        """Take so much mail in all from now on, in MiB."""

    def observe(self, committed: Callable[[float, int], None]) -> None:
        """Call this after each commit, with its seconds and the number of its writes."""

    # --- The community ---

    async def community(self) -> bytes | None:
        """Return the key of the authority to which the names belong; None if not noted yet."""

    async def has_had_names(self) -> bool:
        """Return whether anybody was ever registered here, even if nobody is now."""

    async def found(self, key: bytes, *, anew: bool) -> None:
        """Note that the store belongs to this authority from now on; `anew`: delete all names."""
