"""Who is in a conversation: every member's own signed word, and nobody else's.

A member is known by an id, which is a digest of key and name: two keys of one name are
two members, and nobody can be set against another by a second certificate.

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
from base64 import urlsafe_b64encode
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from shared.errors import ProtocolError
from shared.identity import Identity, check_signature, read_certificate
from shared.messages import MEMBERSHIPS, STAYS, Adding, Membership, Stay
from shared.names import fold

KNOWN = 200  # members of one conversation, with those who left: bounds memory and messages
PAGE_BYTES = 48 * 1024  # of memberships in one message
MEMBER_BYTES = 18  # of a digest: nobody finds two users with one id, in 2**72 tries
_ANY_TIME = 0.0  # who was a user when they signed stays a member: all must judge alike


def member_id(name: str, key: bytes) -> str:
    """How the members of a conversation know this user: 24 characters, equal for no two."""
    digest = hashlib.sha256(b"parley member 1\0" + key + name.encode()).digest()
    return urlsafe_b64encode(digest[:MEMBER_BYTES]).decode()


class Me(Struct, frozen=True):
    """The one who signs here."""

    name: str
    identity: Identity
    certificate: bytes
    id: str = ""  #: made from name and key

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "id", member_id(self.name, self.identity.public))


def conversation_id(founder_key: bytes, salt: bytes) -> str:
    return hashlib.sha256(founder_key + salt).hexdigest()[:32]


# --- Signing ----------------------------------------------------------------------


def found(me: Me, salt: bytes) -> Membership:
    """The first membership of a new conversation."""
    conversation = conversation_id(me.identity.public, salt)
    return _sign(me, conversation, 1, None, salt)


def add(me: Me, conversation: str, mine: int, whom: str, theirs: int) -> Adding:
    """Let the user with this id become a member, with the counter `theirs`.

    `mine` is my own counter.
    """
    signature = me.identity.sign(_adding(conversation, me.id, mine, whom, theirs))
    return Adding(me.id, mine, signature)


def join(me: Me, conversation: str, counter: int, adding: Adding) -> Membership:
    return _sign(me, conversation, counter, adding, b"")


def leave(me: Me, conversation: str, mine: Membership) -> Membership:
    """The end of a membership of mine."""
    return _sign(me, conversation, mine.counter + 1, mine.adding, mine.salt)


def _sign(
    me: Me, conversation: str, counter: int, adding: Adding | None, salt: bytes
) -> Membership:
    signature = me.identity.sign(_membership(conversation, me.id, counter, adding, salt))
    return Membership(me.certificate, counter, signature, adding, salt)


def _membership(
    conversation: str, member: str, counter: int, adding: Adding | None, salt: bytes
) -> bytes:
    said = (conversation, member, counter, adding.signature if adding else b"", salt)
    return b"parley membership 2\0" + msgspec.msgpack.encode(said)


def _adding(conversation: str, by: str, mine: int, whom: str, theirs: int) -> bytes:
    said = (conversation, by, mine, whom, theirs)
    return b"parley adding 2\0" + msgspec.msgpack.encode(said)


def pages(
    memberships: Iterable[Membership], first: int = PAGE_BYTES
) -> list[tuple[Membership, ...]]:
    """All of them in their order, as many at a time as fit in one message.

    `first`: bytes in the first one, in which something else stands as well.
    """
    made: list[list[Membership]] = [[]]
    room = first
    for one in memberships:
        size = len(msgspec.json.encode(one)) + 1
        if made[-1] and (size > room or len(made[-1]) == MEMBERSHIPS):
            made.append([])
            room = PAGE_BYTES
        made[-1].append(one)
        room -= size
    return [tuple(page) for page in made if page]


# --- The roll ---------------------------------------------------------------------


class Roll:
    """All memberships of one conversation that are known here."""

    def __init__(self, conversation: str, authority: bytes) -> None:
        self.conversation, self._authority = conversation, authority
        self._known: dict[str, Membership] = {}
        self._users: dict[str, tuple[str, bytes]] = {}  # name and key
        self._digest = ""

    def merge(self, memberships: Iterable[Membership]) -> list[str]:
        """Whose membership changed.

        What lacks the membership of who added it is left out until that comes.
        Raises ProtocolError, before anything has changed, for one that nobody honest
        hands on.
        """
        known, users = dict(self._known), dict(self._users)
        try:
            return self._merge(memberships)
        except ProtocolError:
            self._known, self._users, self._digest = known, users, ""
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
                member = member_id(subject.name, subject.key)
                if not self._is_news(member, one):
                    continue
                if self._is_backed(member, subject.name, subject.key, one):
                    self._take(member, subject.name, subject.key, one)
                    changed[member] = None
                    moved = True
                else:
                    again.append(one)
            waiting = again
        return list(changed)

    def _is_news(self, member: str, one: Membership) -> bool:
        """A tie, which nobody honest makes, is broken in the same way by all."""
        known = self._known.get(member)
        return known is None or (one.counter, one.signature) > (known.counter, known.signature)

    def _is_backed(self, member: str, name: str, key: bytes, one: Membership) -> bool:
        """False when it cannot be judged yet.  Raises ProtocolError when it is forged."""
        said = _membership(self.conversation, member, one.counter, one.adding, one.salt)
        check_signature(key, one.signature, said)
        joined = _joined(one)
        if joined == 1 and one.adding is None:
            if conversation_id(key, one.salt) != self.conversation:
                raise ProtocolError(f"{name} did not found this conversation")
            return True
        if one.adding is None or one.adding.by == member or not one.adding.counter % 2:
            raise ProtocolError(f"nobody added {name} to this conversation")
        by, mine = one.adding.by, one.adding.counter
        if by not in self._known or self._known[by].counter < mine:
            return False
        said = _adding(self.conversation, by, mine, member, joined)
        check_signature(self._users[by][1], one.adding.signature, said)
        return True

    def _take(self, member: str, name: str, key: bytes, one: Membership) -> None:
        if member not in self._known and len(self._known) >= KNOWN:
            raise ProtocolError("a conversation has too many members")
        known = self._known.get(member)
        before = known.before if known else ()
        if known and _joined(known) != _joined(one):
            before += (Stay(known.counter, known.signature, known.adding, known.salt),)
        if len(before) > STAYS:
            raise ProtocolError(f"{name} came and went too often")
        self._known[member] = msgspec.structs.replace(one, before=before)
        self._users[member], self._digest = (name, key), ""

    # --- What is known ---

    def is_in(self, member: str) -> bool:
        return self.counter(member) % 2 == 1

    def counter(self, member: str) -> int:
        """0 for who was never a member."""
        known = self._known.get(member)
        return known.counter if known else 0

    def name(self, member: str) -> str:
        """As the directory vouched for it.  Raises KeyError for who was never a member."""
        return self._users[member][0]

    def key(self, member: str) -> bytes | None:
        return self._users[member][1] if member in self._users else None

    def of(self, member: str) -> Membership | None:
        return self._known.get(member)

    def named(self, name: str) -> tuple[str, ...]:
        """Who is in, or was, under this name: several when several keys had it."""
        return tuple(one for one, (its, _) in self._users.items() if fold(its) == fold(name))

    def members(self) -> tuple[str, ...]:
        """Who is in, in the order in which they were first heard of here."""
        return tuple(member for member, one in self._known.items() if one.counter % 2)

    def everybody(self) -> tuple[str, ...]:
        """Who is in, or was."""
        return tuple(self._known)

    def essential(self, first: str = "") -> tuple[Membership, ...]:
        """Of who is in, and of those who added them, up to the founder.

        What proves the member `first` comes first.
        """
        wanted: dict[str, None] = {}
        for member in (first, *self.members()):
            self._prove(member, wanted)
        return tuple(self._known[member] for member in wanted)

    def _prove(self, member: str, wanted: dict[str, None]) -> None:
        """Add them, and all on whose word they came in."""
        members = [member]
        for one in members:
            if one in self._known and one not in wanted:
                wanted[one] = None
                members += [stay.adding.by for stay in _stays(self._known[one]) if stay.adding]

    def all(self) -> tuple[Membership, ...]:
        return tuple(self._known.values())

    def digest(self) -> str:
        """Equal exactly when two rolls are."""
        if not self._digest:
            parts = sorted(
                (member, one.counter, one.signature) for member, one in self._known.items()
            )
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
