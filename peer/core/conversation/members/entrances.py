"""Decides from where on each member may read: not what was said before they came in.

The member who lets a user in signs how far everything was said at that moment: the entry.
The newcomer shows it to the other members, who hand on nothing from before it.  Until they
have seen it, they hand on nothing that had come to them when they heard of the newcomer.  An
entry gives nobody more than its signer may read, so two cheats gain nothing by letting each
other in.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec
from msgspec import Struct

from peer.core.membership import Me, Roll
from shared.errors import ProtocolError
from shared.identity import check_signature
from shared.messages.peers import MEMBERS, Adding, Entry, Membership, Origin, Position

_Stay = tuple[str, int]  # a member, and the counter with which the stay began
NOTHING = 2**60  # higher than any seq: they may read nothing of an origin


class Heard(Struct, frozen=True):
    """The positions that had come here when I heard of a member."""

    positions: tuple[Position, ...] = ()  # of the epochs in use
    origins: int = 0  # how many were known; later ones are new


class Entrance(Struct, frozen=True):
    """The proof here of how a member came in; one for each stay."""

    member: str
    counter: int  # of the membership with which they came in
    heard: Heard
    entry: Entry | None = None


def sign_entry(me: Me, entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, signature=me.identity.sign(_statement(entry)))


def check_entry(entry: Entry, key: bytes) -> None:
    """Raise ProtocolError unless the owner of this key has signed the entry."""
    check_signature(key, entry.signature, _statement(entry))


def _statement(entry: Entry) -> bytes:
    said = (
        entry.conversation, entry.member, entry.counter, entry.epochs,
        [(one.author, one.epoch, one.seq) for one in entry.since],
    )  # fmt: skip
    return b"parley entry 1\0" + msgspec.msgpack.encode(said)


class _Known:
    """An entrance, prepared for look-ups."""

    def __init__(self, entrance: Entrance) -> None:
        self.entrance = entrance
        self.heard = _seqs(entrance.heard.positions)
        self.since = _seqs(entrance.entry.since) if entrance.entry else {}
        #: authors of whom the entry may name only the last epochs
        self.folded: set[str] = set()
        if entrance.entry is not None:
            counts = Counter(one.author for one in entrance.entry.since)
            self.folded = {name for name, n in counts.items() if n >= entrance.entry.epochs}


class Entrances:
    """The entrances of all members of a conversation, with mine."""

    def __init__(self, roll: Roll, first_heard: Callable[[Origin], int]) -> None:
        """`first_heard` returns how many origins were known here before this one."""
        self._roll, self._first_heard = roll, first_heard
        self._known: dict[_Stay, _Known] = {}

    def restore(self, entrances: Iterable[Entrance]) -> None:
        for one in entrances:
            self._known[one.member, one.counter] = _Known(one)

    def of(self, member: str) -> Entrance | None:
        """Return the entrance of their present stay."""
        known = self._known.get((member, _joined(self._roll.counter(member))))
        return known.entrance if known else None

    def entry_of(self, member: str) -> Entry | None:
        entrance = self.of(member)
        return entrance.entry if entrance else None

    def past(self, member: str) -> list[Entrance]:
        """Return the proven entrances above a member's own, of stays that are over.

        Those members do not show them any more, and a newcomer hears them from nobody else.
        """
        found: list[Entrance] = []
        stays = self._above((member, _joined(self._roll.counter(member))))
        for stay in islice(stays, MEMBERS):
            known = self._known.get(stay)
            is_over = stay[1] != self._roll.counter(stay[0])
            if is_over and known is not None and known.entrance.entry is not None:
                found.append(known.entrance)
        return found

    def _above(self, stay: _Stay) -> Iterator[_Stay]:
        """Yield the stay of who let them in, of who let that one in, and so on."""
        while (mine := self._roll.of(stay[0])) and (by := _added_by(mine, stay[1])):
            stay = (by.by, _joined(by.counter))
            yield stay

    def learn(self, member: str, heard: Heard) -> bool:
        """Note a member, or a new stay, that I hear of; return whether that is news."""
        stay = (member, _joined(self._roll.counter(member)))
        if stay in self._known:
            return False
        self._known[stay] = _Known(Entrance(*stay, heard))
        return True

    def hear(self, entry: Entry, heard: Heard) -> Entrance | None:
        """Take an entry; return the entrance that it proves.

        None if it is known, or not signed by the one who let them in.  `heard`: what has come
        here, for a stay that was over before I heard of it.
        """
        stay = entry.member, entry.counter
        known = self._known.get(stay)
        entrance = known.entrance if known else Entrance(*stay, heard)
        if entrance.entry is not None or not self._is_genuine(entry):
            return None
        proven = msgspec.structs.replace(entrance, entry=entry)
        self._known[stay] = _Known(proven)
        return proven

    def is_second(self, entry: Entry) -> bool:
        """Whether the one who let them in has signed this too, beside the entry that is known."""
        first = self.entry_of(entry.member)
        if first is None or entry == msgspec.structs.replace(first, lamport=entry.lamport):
            return False
        return entry.counter == first.counter and self._is_genuine(entry)

    def _is_genuine(self, entry: Entry) -> bool:
        mine = self._roll.of(entry.member)
        if mine is None or not _has_stayed(mine, entry.counter):
            return False
        adding = _added_by(mine, entry.counter)
        key = self._roll.key(adding.by) if adding else None
        if key is None:
            return False
        self._roll.checks += 1
        try:
            check_entry(entry, key)
        except ProtocolError:
            return False
        return True

    def floor(self, member: str, of: Origin) -> int:
        """Return the seq after which they may read an origin."""
        floor = 0
        stay: _Stay | None = (member, _joined(self._roll.counter(member)))
        asked: set[_Stay] = set()
        while stay is not None:
            if stay in asked:
                return NOTHING
            asked.add(stay)
            own, stay = self._ask(stay, of)
            floor = max(floor, own)
        return floor

    def _ask(self, stay: _Stay, of: Origin) -> tuple[int, _Stay | None]:
        """Return the floor of one stay by itself, and the stay of the member who let them in.

        A member who comes back may be let in by one whom they had let in before: so the same
        member may be asked again, for an earlier stay.
        """
        mine = self._roll.of(stay[0])
        if mine is None:
            return NOTHING, None
        by = _added_by(mine, stay[1])
        if by is None and stay[1] == 1:
            return 0, None  # the founder
        known = self._known.get(stay)
        if known is None or by is None:
            return NOTHING, None
        if known.entrance.entry is None:
            return known.heard.get(of, self._unless_new(of, known)), None
        own = known.since.get(of, self._unless_new(of, known) if of[0] in known.folded else 0)
        return own, (by.by, _joined(by.counter))

    def _unless_new(self, of: Origin, known: _Known) -> int:
        is_new = self._first_heard(of) >= known.entrance.heard.origins
        return 0 if is_new else NOTHING


def _seqs(positions: Iterable[Position]) -> dict[Origin, int]:
    return {one.origin: one.seq for one in positions}


def _joined(counter: int) -> int:
    """Return the counter with which a stay began."""
    return counter - (counter + 1) % 2


def _has_stayed(one: Membership, stay: int) -> bool:
    """Whether a stay of theirs began with this counter."""
    return stay == _joined(one.counter) or any(
        stay == _joined(earlier.counter) for earlier in one.before
    )


def _added_by(one: Membership, stay: int) -> Adding | None:
    """Return who let them in for the stay that began with this counter."""
    stays = {_joined(earlier.counter): earlier.adding for earlier in one.before}
    return stays.get(stay, one.adding)
