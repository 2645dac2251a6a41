"""Tell the other directories of the store what does not concern this one alone.

It is gathered for a moment: each NOTIFY wakes all of them, and holds a lock of the whole
database while it is committed.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Final

import trio

from directory_server.core.cluster.bulletins import Arrival, Bulletin, Call
from directory_server.storage.cluster import Cluster
from shared.errors import StorageError

log = logging.getLogger(__name__)

GATHER_SECONDS: Final = 0.05
PAUSE_SECONDS: Final = 0.5  # before another try
KNOCKS: Final = 100  # in the moment for which it is gathered; the last ones
MEETINGS: Final = 200  # the same, of those who call or come to meet each other


class Telling:
    """Does nothing where there is no other directory, and never will be."""

    def __init__(self, cluster: Cluster | None) -> None:
        self._cluster = cluster
        self._something = trio.Event()
        self._names: set[int] = set()
        self._mail: dict[int, int] = {}
        self._taken: set[int] = set()
        self._knocks: list[tuple[int, int]] = []
        self._calls: list[Call] = []
        self._arrivals: list[Arrival] = []
        self._orders = False

    @property
    def is_heard(self) -> bool:
        """Whether there may be other directories."""
        return self._cluster is not None

    # --- What is told ---

    def names(self, users: Iterable[int]) -> None:
        """Say that these users are new, have changed, or are no more."""
        self._names.update(users)
        self._wake()

    def mail(self, waiting: dict[int, int]) -> None:
        """Say how much mail waits for these receivers, wherever they are."""
        self._mail |= waiting
        self._wake()

    def taken(self, senders: Iterable[int]) -> None:
        """Say that receipts wait for these senders."""
        self._taken.update(senders)
        self._wake()

    def knock(self, caller: int, callee: int) -> None:
        """Say that a caller wants to be dialled; once only, for the caller does not wait long."""
        self._knocks = [*self._knocks, (caller, callee)][-KNOCKS:]
        self._wake()

    def call(self, call: Call) -> None:
        """Say that a user wants to meet another one; once only."""
        self._calls = [*self._calls, call][-MEETINGS:]
        self._wake()

    def arrival(self, arrival: Arrival) -> None:
        """Say that a user has come to a meeting; once only."""
        self._arrivals = [*self._arrivals, arrival][-MEETINGS:]
        self._wake()

    def orders(self) -> None:
        """Say that bans, invites or the motd have changed."""
        self._orders = True
        self._wake()

    def _wake(self) -> None:
        if self._cluster is None:
            self._forget()
        else:
            self._something.set()

    def _forget(self) -> None:
        self._names, self._mail, self._taken, self._orders = set(), {}, set(), False
        self._knocks, self._calls, self._arrivals = [], [], []

    # --- Telling it ---

    async def run(self, number: Callable[[], int]) -> None:
        """Tell until cancelled.  `number` returns that of this directory."""
        assert self._cluster is not None
        while True:
            await self._something.wait()
            await trio.sleep(GATHER_SECONDS)
            self._something = trio.Event()
            names, mail, taken, orders = self._names, self._mail, self._taken, self._orders
            knocks, calls, arrivals = self._knocks, self._calls, self._arrivals
            self._forget()
            if not (names or mail or taken or orders or knocks or calls or arrivals):
                continue  # what could not be told concerned only that moment
            bulletin = Bulletin(
                number(),
                names=tuple(names),
                mail=tuple(mail.items()),
                taken=tuple(taken),
                orders=orders,
                knocks=tuple(knocks),
                calls=tuple(calls),
                arrivals=tuple(arrivals),
            )
            try:
                await self._cluster.tell([bulletin])
            except StorageError as error:
                log.info("the other directories cannot be told: %s", error)
                # Some may have been told: each of it may be told twice.
                self._names |= names
                self._mail = mail | self._mail
                self._taken |= taken
                self._orders |= orders
                self._something.set()
                await trio.sleep(PAUSE_SECONDS)
