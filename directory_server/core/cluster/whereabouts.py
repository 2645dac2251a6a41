"""Decide at which directory each user is.

The database has one row for each user who is online.  It goes to the program that has
registered last, and each change of it gets a higher epoch.  A directory follows what it
hears of the row; but while it has something of its own to tell about a user, it waits
until the database has decided.  So of two programs that register at the same moment at
two directories, exactly one stays.
"""

from collections.abc import Collection, Iterable, Set
from itertools import islice
from typing import Final, NamedTuple

from directory_server.core.cluster.bulletins import Here

PUBLISHED_AT_ONCE: Final = 1_000  # users: some 15 ms in the database


class See(NamedTuple):
    """Another directory has the user."""

    user: int
    here: Here


class Lose(NamedTuple):
    """No other directory has the user any more; meaningless if they are not thought to be there."""

    user: int
    since: float


class HandOver(NamedTuple):
    """A program of this user has registered at another directory: ours is to be hung up."""

    user: int
    here: Here


class Learn(NamedTuple):
    """Nothing is known of this user: read the name, then call `learned`."""

    user: int


Action = See | Lose | HandOver | Learn


class Whereabouts:
    def __init__(self, local: Collection[int], known: Collection[int], touched: set[int]) -> None:
        """All three are looked at whenever something is decided.

        `local`: the users with a link here; `known`: all whose names are known here; `touched`:
        users of this directory whose change is still to be told to the others.
        """
        self._local, self._known, self._touched = local, known, touched
        self.directory = 0  #: our own number
        self._in_flight: set[int] = set()  # users who are being told of just now
        self._mine: dict[int, int] = {}  # the epoch of the row, if it is ours
        self._theirs: dict[int, tuple[int, Here]] = {}  # who has the row, and what it says
        self._unknown: dict[int, tuple[int, Here]] = {}  # the same, of users who are not known
        self._gone: dict[int, int] = {}  # the epoch of the last row, of users who have left

    # --- What others tell ---

    def hear(self, directory: int, here: Here) -> list[Action]:
        """Take in what another directory says of a user; or a row that it has written."""
        if directory == self.directory:
            return []
        if here.user not in self._known:
            if here.is_gone:
                self._unknown.pop(here.user, None)
                return []
            self._unknown[here.user] = directory, here
            return [Learn(here.user)]
        is_over = not here.is_gone and here.epoch == self._gone.get(here.user)
        if here.epoch < self.epoch_of(here.user) or is_over:  # an old answer of the database
            return []
        if here.is_gone:
            self._theirs.pop(here.user, None)
            self._gone[here.user] = here.epoch
        else:
            self._theirs[here.user] = directory, here
        return self._judge(here.user, here.since)

    def learned(self, user: int) -> list[Action]:
        """Decide about a user whose name has been read; it may be that there is none."""
        directory, here = self._unknown.pop(user, (self.directory, None))
        return [] if here is None or user not in self._known else self.hear(directory, here)

    def forget(self, user: int) -> None:
        """Forget a user whose name was released."""
        self._mine.pop(user, None)
        self._theirs.pop(user, None)
        self._gone.pop(user, None)

    def died(self, directory: int, alive: float) -> list[Action]:
        """Take in that a directory is dead, and when it last lived."""
        self._unknown = {
            user: (other, here)
            for user, (other, here) in self._unknown.items()
            if other != directory
        }
        left = [user for user, (other, _) in self._theirs.items() if other == directory]
        for user in left:
            del self._theirs[user]
        return [action for user in left for action in self._judge(user, alive)]

    def joined(self, directory: int) -> None:
        """Take a new number, as the others have thought this directory dead: tell it all again."""
        self.directory = directory
        self._mine.clear()
        self._touched.update(self._local)

    # --- What is told ---

    @property
    def has_news(self) -> bool:
        return bool(self._touched)

    def begin_to_tell(self) -> list[int]:
        """Return the users whose state is to be told now; `told` or `not_told` must follow."""
        self._in_flight = set(islice(self._touched, PUBLISHED_AT_ONCE))
        self._touched -= self._in_flight
        return sorted(self._in_flight)

    def epoch_of(self, user: int) -> int:
        """Return the highest epoch that is known of a user."""
        theirs = self._theirs.get(user)
        known = max(self._mine.get(user, 0), self._gone.get(user, 0))
        return max(known, theirs[1].epoch if theirs else 0)

    def not_told(self) -> None:
        """Take in that the database could not be reached: nothing is known of what it did."""
        self._touched |= self._in_flight
        self._in_flight = set()

    def told(self, epochs: dict[int, int]) -> list[Action]:
        """Take in the epochs of the rows that the database has given us.

        A user who was told to be here, and is not among them, has registered elsewhere later.
        """
        batch, self._in_flight = self._in_flight, set()
        actions: list[Action] = []
        for user in batch:
            if user in epochs:
                self._mine[user] = epochs[user]
                if user in self._theirs and self._theirs[user][1].epoch < epochs[user]:
                    del self._theirs[user]
            elif user not in self._local:
                self._mine.pop(user, None)
            actions += self._judge(user, 0)
        return actions

    # --- All of it, again ---

    def compare(self, rows: Iterable[tuple[int, Here]]) -> list[Action]:
        """Take in some of the rows as they are in the database."""
        actions: list[Action] = []
        for directory, here in rows:
            user = here.user
            self._gone.pop(user, None)  # they may be back, whatever the database counts from
            if directory != self.directory:
                actions += self.hear(directory, here)
            elif user not in self._local:
                self._touched.add(user)  # an answer of the database was lost: the row is ours
            elif not self._is_undecided(user):
                self._mine[user] = max(here.epoch, self._mine.get(user, 0))
        return actions

    def compared(self, ours: Set[int], theirs: Set[int], alive: float) -> list[Action]:
        """Take in of whom the database has a row, of ours and of others, after `compare`."""
        lost = [user for user in self._theirs if user not in theirs]
        for user in lost:
            del self._theirs[user]
        self._touched.update(
            user for user in self._local if user not in ours and user not in self._in_flight
        )
        return [action for user in lost for action in self._judge(user, alive)]

    # --- Inside ---

    def _judge(self, user: int, since: float) -> list[Action]:
        """Decide from what is known; `since`: when they were last seen, if nobody has them."""
        if user not in self._known:  # the name was released
            self.forget(user)
            return []
        theirs = self._theirs.get(user)
        if user not in self._local:
            return [Lose(user, since)] if theirs is None else [See(user, theirs[1])]
        if theirs is None or self._is_undecided(user):
            return []
        self._mine.pop(user, None)
        return [HandOver(user, theirs[1])]

    def _is_undecided(self, user: int) -> bool:
        """Whether the database does not know yet what we know of our own user."""
        return user in self._touched or user in self._in_flight
