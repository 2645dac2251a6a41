"""Know who is registered, where, and in what status, and what others must be told about it.

`time` is seconds since 1970 and is shown to people; `now` is monotonic, to measure how
long a user has been idle.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from directory_server.core.addresses import network_of
from directory_server.core.limits import NAMES
from directory_server.core.name_index import NameIndex
from directory_server.core.quotas import Shares
from directory_server.core.tombstones import NO_CERTIFICATE, Validity
from directory_server.core.usage import Usage
from shared.codec import encode
from shared.errors import Refused
from shared.messages.common import Status
from shared.messages.directory import Presence
from shared.messages.spots import Spot
from shared.names import fold


class NameTaken(Refused):
    """The name belongs to another key."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the name {name} is taken", "TKN")
        self.name = name


@dataclass(frozen=True, slots=True)
class Place:
    """The address at which a user's program can be reached."""

    address: str  # as the directory sees it
    port: int
    advertised: str = ""  # chosen by the user, instead of the address
    spots: tuple[Spot, ...] = ()  # others, as the user's program says


NOWHERE = Place("", 0)


class News(NamedTuple):
    """The changes that others must be told."""

    went: list[str]
    came: list[Presence]
    changed: list[Presence]  # of status


@dataclass(slots=True, eq=False)
class User:
    """The owner of a name, here or not."""

    id: int
    name: str
    key: bytes
    sealing_key: bytes
    sealing_proof: bytes
    since: float  # since when they have had this status
    origin: bytes = b""  # the mark of the address from which they registered
    usage: Usage = field(default_factory=Usage)
    certified: Validity = NO_CERTIFICATE  # of all certificates for this name and key
    status: Status = Status.OFFLINE
    by_hand: bool = False  # the user chose this status
    note: str = ""  # on it; only of a user who is here
    place: Place = NOWHERE
    is_elsewhere: bool = False  # at another directory of the same store
    registered_at: float = 0.0  # monotonic, when the program came that is here
    listed: bytes | None = None  # encoded as in USERS; None when that is out of date

    @property
    def is_here(self) -> bool:
        return self.status is not Status.OFFLINE

    def presence(self) -> Presence:
        return Presence(self.name, self.status, self.since, self.note)


class Registry:
    def __init__(
        self,
        *,
        idle_after: float,
        one_per_address: bool = False,
        names: int = NAMES,
        places: int = NAMES,
    ) -> None:
        """`places`: how many users may be here at once."""
        self._idle_after, self._one_per_address = idle_after, one_per_address
        self._names, self._places = Shares(names), Shares(places)
        self._users: dict[str, User] = {}
        self.by_id: dict[int, User] = {}
        #: the ids of users whose change other directories must be told; None: there are none
        self.touched: set[int] | None = None
        self.forgotten = 0  #: how many names were released by now
        self._order, self._present = NameIndex(), NameIndex()  # of all, and of who is here
        self._awake: OrderedDict[User, float] = OrderedDict()  # who may fall idle; last stir
        self._at: dict[str, User] = {}  # by address; only with one_per_address
        self._told: dict[User, Presence] = {}  # what others know of changed users
        self._shown: set[User] = set()  # changed users of whom somebody has read that they are here

    def set_rules(self, *, idle_after: float, one_per_address: bool) -> None:
        """Judge by these from now on; users who share an address already stay."""
        self._idle_after, self._one_per_address = idle_after, one_per_address
        here = (user for user in self._users.values() if user.is_here) if one_per_address else ()
        self._at = {user.place.address: user for user in here}

    @property
    def here(self) -> int:
        """The number of users who are not OFFLINE."""
        return len(self._present)

    @property
    def names(self) -> int:
        return len(self._users)

    def everybody(self) -> list[User]:
        """Return all users, in the order of their names."""
        return [self._users[folded] for folded in self._order]

    # --- Names ---

    def know(self, user: User) -> None:
        """Add a name that is on disk."""
        folded = fold(user.name)
        self._users[folded] = self.by_id[user.id] = user
        self._order.add(folded)
        self._names.add(user.origin)

    def forget(self, user: User, time: float) -> None:
        """Remove a user whose name was released."""
        if user.is_here:
            self.leave(user, time)
        folded = fold(user.name)
        del self._users[folded], self.by_id[user.id]
        self._names.remove(user.origin)
        self._order.remove(folded)
        self.forgotten += 1

    def find(self, name: str) -> User | None:
        return self._users.get(fold(name))

    def find_all(self, names: Iterable[str]) -> list[User]:
        """Return the users who have these names; a name that nobody has is left out."""
        return [user for name in names if (user := self.find(name)) is not None]

    def look_up(self, name: str) -> User:
        user = self.find(name)
        if user is None:
            raise Refused(f"User {name} does not exist!", "NOBODY")
        return user

    def page(
        self, after: str, size: int, *, prefix: str = "", here: bool = False
    ) -> tuple[list[User], bool]:
        """Return the next users by name, and whether there are more; "" starts at the first.

        `prefix`: only of names that begin so; `here`: only users who are here.
        """
        order = self._present if here else self._order
        names, more = order.page(fold(after), size, fold(prefix))
        return [self._users[folded] for folded in names], more

    def encoded(self, user: User) -> bytes:
        """Return the presence as in USERS, cached: to encode 10,000 for a LIST would take 10 ms."""
        if user.is_here and user in self._told:
            self._shown.add(user)
        if user.listed is None:
            user.listed = encode(user.presence())[:-1]
        return user.listed

    # --- Coming and going ---

    def check_names(self, origin: bytes) -> None:
        """Raise Refused unless there is a place for one more name from this address."""
        if self._names.is_full:
            raise Refused(f"this directory is full: it knows {self._names.taken} names", "LIMIT")
        if self._names.is_too_much(origin):
            raise Refused(
                "this directory is nearly full, and half of its names came from your address",
                "LIMIT",
            )

    def reserve_name(self, origin: bytes) -> None:
        """Count a name that is on its way to the disk."""
        self._names.add(origin)

    def give_back_name(self, origin: bytes) -> None:
        """End the reservation: the name is known by now, or never will be."""
        self._names.remove(origin)

    def check_address(self, user: User | None, address: str) -> None:
        """Raise Refused when only one user per address is allowed, and another is here."""
        other = self._at.get(address)
        if other is not None and other is not user:
            raise Refused(
                f"only one user may register from one address, and from {address}"
                f" {other.name} has done so",
                "ADDRESS",
            )

    def check_room(self, user: User, address: str) -> None:
        """Raise Refused unless there is a place for this user; users who have one keep it."""
        if user.is_here and not user.is_elsewhere:
            return
        if self._places.is_full:
            raise Refused(f"this directory is full: {self._places.taken} users are here", "LIMIT")
        if self._places.is_too_much(network_of(address)):
            raise Refused(
                "this directory is nearly full, and half of its users came from your address",
                "LIMIT",
            )

    def arrive(
        self, user: User, place: Place, status: Status, *, by_hand: bool, time: float, now: float,
        note: str = "",
    ) -> None:  # fmt: skip
        """Note that the user is here; also when a new program takes over from a ghost."""
        self._move(user, place)
        self._places.add(network_of(place.address))
        user.registered_at = now
        self._change(user, status, by_hand=by_hand, note=note, time=time, now=now)

    def leave(self, user: User, time: float) -> None:
        self._move(user, NOWHERE)
        self._change(user, Status.OFFLINE, by_hand=False, note="", time=time, now=0)

    def see(self, user: User, place: Place, status: Status, since: float, note: str = "") -> None:
        """Note what another directory says of a user who is there."""
        self._move(user, place)
        self._note(user, status, since, note)
        user.is_elsewhere, user.by_hand = True, False
        self._awake.pop(user, None)

    def lose(self, user: User, since: float) -> None:
        """Note that a user is at no other directory any more."""
        self._move(user, NOWHERE)
        self._note(user, Status.OFFLINE, since, "")

    def _move(self, user: User, place: Place) -> None:
        """Give up the place that the user has, for this one."""
        if self._at.get(user.place.address) is user:
            del self._at[user.place.address]
        if self._one_per_address and place is not NOWHERE:
            self._at[place.address] = user
        if user.is_here and not user.is_elsewhere:
            self._places.remove(network_of(user.place.address))
        user.place, user.is_elsewhere = place, False

    # --- Status ---

    def set_status(
        self, user: User, status: Status, *, by_hand: bool, time: float, now: float, note: str = ""
    ) -> None:
        if status is Status.OFFLINE:
            raise Refused("choose ACTIVE, BUSY or INACTIVE: you are OFFLINE when you leave")
        self._change(user, status, by_hand=by_hand, note=note, time=time, now=now)

    def set_spots(self, user: User, spots: tuple[Spot, ...]) -> None:
        """Note where a user may be reached now; nobody is told who does not ask."""
        user.place = replace(user.place, spots=spots)
        if self.touched is not None:
            self.touched.add(user.id)

    def stir(self, user: User, *, time: float, now: float) -> bool:
        """Note activity; return whether it made an INACTIVE user ACTIVE again."""
        if user in self._awake:
            self._awake[user] = now
            self._awake.move_to_end(user)
        if user.status is not Status.INACTIVE or user.by_hand:
            return False
        self._change(user, Status.ACTIVE, by_hand=False, note=user.note, time=time, now=now)
        return True

    def fall_idle(self, *, time: float, now: float) -> list[User]:
        """Make users INACTIVE who gave no sign for too long, and return them.

        Only users who are ACTIVE by default: a status set by hand stays.
        """
        idle = []
        while self._awake:
            user, stirred = next(iter(self._awake.items()))
            if stirred + self._idle_after > now:
                break
            self._change(user, Status.INACTIVE, by_hand=False, note=user.note, time=time, now=now)
            idle.append(user)
        return idle

    def _change(
        self, user: User, status: Status, *, by_hand: bool, note: str, time: float, now: float
    ) -> None:
        self._note(user, status, user.since if user.status is status else time, note)
        if self.touched is not None:
            self.touched.add(user.id)
        user.by_hand = by_hand
        self._awake.pop(user, None)
        if self._idle_after and status is Status.ACTIVE and not by_hand:
            self._awake[user] = now

    def _note(self, user: User, status: Status, since: float, note: str) -> None:
        """Change what is shown of the user, and remember what others know."""
        self._told.setdefault(user, user.presence())
        if user.is_here != (status is not Status.OFFLINE):
            index = self._present.remove if user.is_here else self._present.add
            index(fold(user.name))
        if (user.status, user.since, user.note) != (status, since, note):
            user.status, user.since, user.note, user.listed = status, since, note, None

    # --- What to tell ---

    @property
    def has_news(self) -> bool:
        return bool(self._told)

    def take_news(self, limit: int) -> News:
        """Return what changed since the last call, for at most `limit` users.

        Only net changes: a user who came and went meanwhile is not included, unless a LIST
        has shown them.
        """
        news = News([], [], [])
        for user, told in list(islice(self._told.items(), limit)):
            del self._told[user]
            was_shown = user in self._shown
            self._shown.discard(user)
            if not user.is_here:
                if was_shown or told.status is not Status.OFFLINE:
                    news.went.append(user.name)
            elif told.status is Status.OFFLINE:
                news.came.append(user.presence())
            elif told != user.presence():
                news.changed.append(user.presence())
        return news
