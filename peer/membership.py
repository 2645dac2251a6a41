"""Who is in a conversation: every member's own signed word, and nobody else's.

A membership is a counter that only its member writes: odd is in, even is out.  It
needs the signature of a member who added them, or, of the founder, the salt that
makes the conversation's id.  So nobody is in without a chain of signatures to the
founder, and nobody can put anybody out.  Two rolls are merged by taking the higher
counter of each member, in any order and any number of times: whatever crosses or
is lost on its way, all who talk to each other end with the same roll.

Who has come back shows the earlier stays too: they prove those who were added then,
one of whom may be the one who brought them back.
"""

import hashlib
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from shared.errors import ProtocolError
from shared.identity import Identity, check_signature, read_certificate
from shared.messages import MEMBERSHIPS, STAYS, Adding, Membership, Stay

KNOWN = 200  # members of one conversation, with those who left: bounds memory and messages
PAGE_BYTES = 48 * 1024  # of memberships in one message
_ANY_TIME = 0.0  # who was a user when they signed stays a member: all must judge alike


class Me(Struct, frozen=True):
    """The one who signs here."""

    name: str
    identity: Identity
    certificate: bytes


def conversation_id(founder_key: bytes, salt: bytes) -> str:
    return hashlib.sha256(founder_key + salt).hexdigest()[:32]


# --- Signing ----------------------------------------------------------------------


def found(me: Me, salt: bytes) -> Membership:
    """The first membership of a new conversation."""
    conversation = conversation_id(me.identity.public, salt)
    return _sign(me, conversation, 1, None, salt)


def add(me: Me, conversation: str, mine: int, name: str, key: bytes, theirs: int) -> Adding:
    """Let a user become a member with the counter `theirs`.  `mine` is my own counter."""
    signature = me.identity.sign(_adding(conversation, me.name, mine, name, key, theirs))
    return Adding(me.name, mine, signature)


def join(me: Me, conversation: str, counter: int, adding: Adding) -> Membership:
    return _sign(me, conversation, counter, adding, b"")


def leave(me: Me, conversation: str, mine: Membership) -> Membership:
    """The end of a membership of mine."""
    return _sign(me, conversation, mine.counter + 1, mine.adding, mine.salt)


def _sign(
    me: Me, conversation: str, counter: int, adding: Adding | None, salt: bytes
) -> Membership:
    signature = me.identity.sign(_membership(conversation, counter, adding, salt))
    return Membership(me.certificate, counter, signature, adding, salt)


def _membership(conversation: str, counter: int, adding: Adding | None, salt: bytes) -> bytes:
    said = (conversation, counter, adding.signature if adding else b"", salt)
    return b"parley membership 1\0" + msgspec.msgpack.encode(said)


def _adding(conversation: str, by: str, mine: int, name: str, key: bytes, theirs: int) -> bytes:
    said = (conversation, by, mine, name, key, theirs)
    return b"parley adding 1\0" + msgspec.msgpack.encode(said)


def pages(memberships: Iterable[Membership]) -> list[tuple[Membership, ...]]:
    """All of them in their order, as many at a time as fit in one message."""
    made: list[list[Membership]] = []
    room = 0
    for one in memberships:
        size = len(msgspec.json.encode(one)) + 1
        if not made or size > room or len(made[-1]) == MEMBERSHIPS:
            made.append([])
            room = PAGE_BYTES
        made[-1].append(one)
        room -= size
    return [tuple(page) for page in made]


# --- The roll ---------------------------------------------------------------------


class Roll:
    """All memberships of one conversation that are known here."""

    def __init__(self, conversation: str, authority: bytes) -> None:
        self.conversation, self._authority = conversation, authority
        self._known: dict[str, Membership] = {}
        self._keys: dict[str, bytes] = {}
        self._digest = ""

    def merge(self, memberships: Iterable[Membership]) -> list[str]:
        """Whose membership changed.

        What lacks the membership of who added it is left out until that comes.
        Raises ProtocolError, before anything has changed, for one that nobody honest
        hands on.
        """
        known, keys = dict(self._known), dict(self._keys)
        try:
            return self._merge(memberships)
        except ProtocolError:
            self._known, self._keys, self._digest = known, keys, ""
            raise

    def _merge(self, memberships: Iterable[Membership]) -> list[str]:
        waiting = [stay for one in memberships for stay in _stays(one)]
        changed: dict[str, None] = {}
        moved = True
        while waiting and moved:
            moved, again = False, []
            for one in waiting:
                subject = read_certificate(one.certificate, self._authority, _ANY_TIME)
                if subject.name is None:
                    raise ProtocolError("the directory is no member")
                if not self._is_news(subject.name, one):
                    continue
                if self._is_backed(subject.name, subject.key, one):
                    self._take(subject.name, subject.key, one)
                    changed[subject.name] = None
                    moved = True
                else:
                    again.append(one)
            waiting = again
        return list(changed)

    def _is_news(self, name: str, one: Membership) -> bool:
        """A tie, which nobody honest makes, is broken in the same way by all."""
        known = self._known.get(name)
        return known is None or (one.counter, one.signature) > (known.counter, known.signature)

    def _is_backed(self, name: str, key: bytes, one: Membership) -> bool:
        """False when it cannot be judged yet.  Raises ProtocolError when it is forged."""
        if self._keys.get(name, key) != key:
            raise ProtocolError(f"a membership of {name} is signed with another key")
        said = _membership(self.conversation, one.counter, one.adding, one.salt)
        check_signature(key, one.signature, said)
        joined = _joined(one)
        if joined == 1 and one.adding is None:
            if conversation_id(key, one.salt) != self.conversation:
                raise ProtocolError(f"{name} did not found this conversation")
            return True
        if one.adding is None or one.adding.by == name or not one.adding.counter % 2:
            raise ProtocolError(f"nobody added {name} to this conversation")
        by, mine = one.adding.by, one.adding.counter
        if by not in self._known or self._known[by].counter < mine:
            return False
        said = _adding(self.conversation, by, mine, name, key, joined)
        check_signature(self._keys[by], one.adding.signature, said)
        return True

    def _take(self, name: str, key: bytes, one: Membership) -> None:
        if name not in self._known and len(self._known) >= KNOWN:
            raise ProtocolError("a conversation has too many members")
        known = self._known.get(name)
        before = known.before if known else ()
        if known and _joined(known) != _joined(one):
            before += (Stay(known.counter, known.signature, known.adding, known.salt),)
        if len(before) > STAYS:
            raise ProtocolError(f"{name} came and went too often")
        self._known[name] = msgspec.structs.replace(one, before=before)
        self._keys[name], self._digest = key, ""

    # --- What is known ---

    def is_in(self, name: str) -> bool:
        return self.counter(name) % 2 == 1

    def counter(self, name: str) -> int:
        """0 for who was never a member."""
        known = self._known.get(name)
        return known.counter if known else 0

    def key(self, name: str) -> bytes | None:
        return self._keys.get(name)

    def of(self, name: str) -> Membership | None:
        return self._known.get(name)

    def members(self) -> tuple[str, ...]:
        """Who is in, in the order in which they were first heard of here."""
        return tuple(name for name, one in self._known.items() if one.counter % 2)

    def names(self) -> tuple[str, ...]:
        """Who is in, or was."""
        return tuple(self._known)

    def essential(self, first: str = "") -> tuple[Membership, ...]:
        """Of who is in, and of those who added them, up to the founder.

        What proves the member `first` comes first.
        """
        wanted: dict[str, None] = {}
        for name in (first, *self.members()):
            self._prove(name, wanted)
        return tuple(self._known[name] for name in wanted)

    def _prove(self, name: str, wanted: dict[str, None]) -> None:
        """Add them, and all on whose word they came in."""
        names = [name]
        for one in names:
            if one in self._known and one not in wanted:
                wanted[one] = None
                names += [stay.adding.by for stay in _stays(self._known[one]) if stay.adding]

    def all(self) -> tuple[Membership, ...]:
        return tuple(self._known.values())

    def digest(self) -> str:
        """Equal exactly when two rolls are."""
        if not self._digest:
            parts = sorted((name, one.counter, one.signature) for name, one in self._known.items())
            self._digest = hashlib.sha256(msgspec.msgpack.encode(parts)).hexdigest()[:32]
        return self._digest


def _joined(one: Membership) -> int:
    """The counter when they came in."""
    return one.counter - (one.counter + 1) % 2


def _stays(one: Membership) -> list[Membership]:
    """Each stay as a membership of its own, the present one last."""
    earlier = (
        Membership(one.certificate, stay.counter, stay.signature, stay.adding, stay.salt)
        for stay in one.before
    )
    return [*earlier, msgspec.structs.replace(one, before=())]
