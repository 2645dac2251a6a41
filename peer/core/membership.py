"""Decides who is in a conversation, by each member's own signed word and nobody else's.

A member is known by an id, which is a digest of key and name: two keys of one name are
two members, and nobody can be set against another by a second certificate.

A membership is a counter that only its member writes: odd is in, even is out.  It
needs the signature of the member who added them; the founder's needs the salt that
makes the conversation's id.  So nobody is in without a chain of signatures to the
founder, and nobody can put anybody out.

Each time a member is let in, a stay begins, under the stay of the member who let them in
(peer.core.stay_tree).  A roll is a set of stays, each with its highest counter.  To join two
rolls is to take the union, and to cut it off where there is no more room.  So rolls can be
joined in any order and any number of times: whatever crosses, gets lost or is signed by
anybody, all who talk to each other end with the same roll.  What honest members hand on is
never refused; only what no roll can contain is, such as a bad signature.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from peer.core.stay_tree import in_order
from shared.errors import ProtocolError
from shared.identity import Identity, check_signature, read_certificate
from shared.messages.peers import MEMBERS, STAY_BYTES, STAYS, Adding, Membership, Stay
from shared.names import fold

KNOWN = 400  # stays in one conversation, with past ones: bounds memory and messages
STATEMENTS = 52  # stays in one message: enough for all members; checking them takes 30 ms
PAGE_BYTES = 48 * 1024  # of memberships in one message
NAMES = 4_096  # of members dropped from the roll: their texts may still be shown
MEMBER_BYTES = 18  # of a digest: it takes 2**72 tries to find two users with one id
_ANY_TIME = 0.0  # an expired certificate stays valid here: all must judge alike


def member_id(name: str, key: bytes) -> str:
    """Return the id of this user in conversations: 24 characters, different for each user."""
    digest = hashlib.sha256(b"parley member 1\0" + key + name.encode()).digest()
    return urlsafe_b64encode(digest[:MEMBER_BYTES]).decode()


class Me(Struct, frozen=True):
    """The user of this program, who signs."""

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
    """Sign the first membership of a new conversation."""
    conversation = conversation_id(me.identity.public, salt)
    return _sign(me, conversation, 1, None, salt)


def add(me: Me, conversation: str, mine: Membership, whom: str, theirs: int) -> Adding:
    """Let the user with this id become a member, with the counter `theirs`.

    `mine` is my own membership.
    """
    under = _stay_id(me.id, mine.adding, mine.salt)
    signature = me.identity.sign(_adding(conversation, me.id, mine.counter, under, whom, theirs))
    return Adding(me.id, mine.counter, under, signature)


def join(me: Me, conversation: str, counter: int, adding: Adding) -> Membership:
    return _sign(me, conversation, counter, adding, b"")


def leave(me: Me, conversation: str, mine: Membership) -> Membership:
    """Sign the end of my membership."""
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


def _adding(conversation: str, by: str, mine: int, under: bytes, whom: str, theirs: int) -> bytes:
    said = (conversation, by, mine, under, whom, theirs)
    return b"parley adding 2\0" + msgspec.msgpack.encode(said)


def _stay_id(member: str, adding: Adding | None, salt: bytes) -> bytes:
    """Return the id of a stay, made from what begins it."""
    begun = adding.signature if adding else salt
    return hashlib.sha256(b"parley stay 1\0" + member.encode() + begun).digest()[:STAY_BYTES]


# --- Messages ---------------------------------------------------------------------


def pages(
    memberships: Iterable[Membership], first: int = PAGE_BYTES
) -> list[tuple[Membership, ...]]:
    """Split memberships, in their order, into as many as fit in one message each.

    `first`: room in the first message, in bytes, if it carries something else too.
    """
    made: list[list[Membership]] = [[]]
    room, stays = first, STATEMENTS
    for one in memberships:
        size = len(msgspec.json.encode(one)) + 1
        if made[-1] and (size > room or len(one.before) + 1 > stays):
            made.append([])
            room, stays = PAGE_BYTES, STATEMENTS
        made[-1].append(one)
        room -= size
        stays -= len(one.before) + 1
    return [tuple(page) for page in made if page]


def check_size(memberships: Iterable[Membership]) -> None:
    """Raise ProtocolError for more than an honest member puts into one message."""
    if sum(len(one.before) + 1 for one in memberships) > STATEMENTS:
        raise ProtocolError("too many stays in one message")


# --- The roll ---------------------------------------------------------------------


class _Stay(Struct, frozen=True):
    """One stay of a member, with the last statement that the member signed on it."""

    member: str
    said: Membership  # without the member's other stays
    parent: bytes | None  # the stay of the member who let them in; None: the founder

    @property
    def rank(self) -> tuple[int, bytes]:
        """The highest one counts.  Only cheats make a tie; it is decided alike everywhere."""
        return self.said.counter, self.said.signature


class _Claim(Struct, frozen=True):
    """A stay that a member hands on, not checked yet."""

    id: bytes
    name: str
    key: bytes
    stay: _Stay


class Roll:
    """All memberships of one conversation that are known here."""

    def __init__(self, conversation: str, authority: bytes) -> None:
        self.conversation, self._authority = conversation, authority
        self.checks = 0  #: signatures that were checked so far
        self._stays: dict[bytes, _Stay] = {}  # each after its parent
        self._order: list[bytes] = []  # in the order of peer.core.stay_tree
        self._of: dict[str, list[bytes]] = {}  # member -> stays, the present one last
        self._in: dict[str, None] = {}
        self._states: dict[str, object] = {}  # by member, to see what has changed
        self._users: dict[str, tuple[str, bytes]] = {}  # by member: name and key
        self._digest = ""

    def copy(self) -> "Roll":
        """Return another roll with the same stays, which need not be checked again."""
        made = Roll(self.conversation, self._authority)
        made._stays, made._users = dict(self._stays), dict(self._users)
        made._settle()
        return made

    def merge(self, memberships: Iterable[Membership]) -> list[str]:
        """Take in memberships; return the members whose membership changed.

        A stay whose parent is not known is left out until it comes again with its parent.
        Raise ProtocolError for one that nobody honest hands on; then nothing has changed.
        """
        known, users = dict(self._stays), dict(self._users)
        try:
            self._take_all(memberships)
        except ProtocolError:
            self._stays, self._users = known, users
            raise
        return self._settle() if self._stays != known else []

    def _take_all(self, memberships: Iterable[Membership]) -> None:
        """Check each signature once, after all on which it depends."""
        waiting: dict[bytes | None, list[_Claim]] = {}
        for one in memberships:
            for claim in self._claims(one):
                known = self._stays.get(claim.id)
                if known is not None:
                    self._take(claim, known)
                else:
                    waiting.setdefault(claim.stay.parent, []).append(claim)
        begun = [None, *(parent for parent in waiting if parent in self._stays)]
        for parent in begun:
            for claim in waiting.pop(parent, ()):
                if claim.id not in self._stays:
                    begun.append(claim.id)
                self._take(claim, self._stays.get(claim.id))

    def _claims(self, one: Membership) -> list[_Claim]:
        subject = read_certificate(one.certificate, self._authority, _ANY_TIME)
        if subject.name is None:
            raise ProtocolError("the directory is no member")
        member = member_id(subject.name, subject.key)
        return [
            _Claim(
                _stay_id(member, said.adding, said.salt), subject.name, subject.key,
                _Stay(member, said, said.adding.under if said.adding else None),
            )
            for said in _said(one)
        ]  # fmt: skip

    def _take(self, claim: _Claim, known: _Stay | None) -> None:
        """Take a stay if it is news; raise ProtocolError when it is forged."""
        stay, said = claim.stay, claim.stay.said
        if known is not None and stay.rank <= known.rank:
            return
        if known is None:
            self._check_begin(claim)
        elif (said.adding, _joined(said)) != (known.said.adding, _joined(known.said)):
            # A new member would refuse it, and the member who handed it on.
            raise ProtocolError(f"a stay of {claim.name} has two beginnings")
        statement = _membership(
            self.conversation, stay.member, said.counter, said.adding, said.salt
        )
        self._check(claim.key, said.signature, statement)
        self._stays[claim.id] = stay
        self._users[stay.member] = claim.name, claim.key

    def _check_begin(self, claim: _Claim) -> None:
        """Raise ProtocolError unless a known member let them in, or they are the founder."""
        member, said, adding = claim.stay.member, claim.stay.said, claim.stay.said.adding
        joined = _joined(said)
        if adding is None:
            if joined != 1:
                raise ProtocolError(f"nobody added {claim.name} to this conversation")
            if conversation_id(claim.key, said.salt) != self.conversation:
                raise ProtocolError(f"{claim.name} did not found this conversation")
            return
        parent = self._stays[adding.under]
        if (adding.by, adding.counter) != (parent.member, _joined(parent.said)):
            raise ProtocolError(f"who added {claim.name} was not in with that stay")
        if adding.by == member:
            raise ProtocolError(f"nobody added {claim.name} to this conversation")
        by, mine = adding.by, adding.counter
        statement = _adding(self.conversation, by, mine, adding.under, member, joined)
        self._check(self._users[by][1], adding.signature, statement)

    def _check(self, key: bytes, signature: bytes, statement: bytes) -> None:
        self.checks += 1
        check_signature(key, signature, statement)

    def _settle(self) -> list[str]:
        """Drop stays beyond KNOWN and see who is in; return whose membership changed."""
        order = in_order({id: stay.parent for id, stay in self._stays.items()})
        self._order = order[:KNOWN]
        for id in order[KNOWN:]:
            del self._stays[id]
        of: dict[str, list[bytes]] = {member: [] for member in self._of}
        for id, stay in self._stays.items():
            of.setdefault(stay.member, []).append(id)
        self._of = {
            member: sorted(ids, key=lambda id: self._stays[id].rank)
            for member, ids in of.items()
            if ids
        }
        self._digest, self._in = "", self._who_is_in()
        self._forget_users()
        before, self._states = self._states, {one: self._state(one) for one in self._of}
        both = dict.fromkeys((*self._states, *before))
        return [one for one in both if self._states.get(one) != before.get(one)]

    def _who_is_in(self) -> dict[str, None]:
        """Return who is in: at most MEMBERS, the first ones in the order of the tree."""
        members = dict.fromkeys(self._stays[id].member for id in self._order)
        found = [member for member in members if self.counter(member) % 2][:MEMBERS]
        return dict.fromkeys(sorted(found, key=list(self._of).index))

    def _forget_users(self) -> None:
        if len(self._users) > NAMES + len(self._of):
            self._users = {one: user for one, user in self._users.items() if one in self._of}

    def _state(self, member: str) -> object:
        """Return all that the roll has on a member."""
        return member in self._in, [(id, self._stays[id].rank) for id in self._of[member]]

    # --- What is known ---

    def is_in(self, member: str) -> bool:
        return member in self._in

    def counter(self, member: str) -> int:
        """Return the counter of a member; 0 for somebody who never was one."""
        known = self._of.get(member)
        return self._stays[known[-1]].said.counter if known else 0

    def name(self, member: str) -> str:
        """Return the name from the certificate; the id itself if the member is not known."""
        return self._users[member][0] if member in self._users else member

    def key(self, member: str) -> bytes | None:
        return self._users[member][1] if member in self._users else None

    def of(self, member: str) -> Membership | None:
        """Return the present membership, with the earlier stays."""
        known = self._of.get(member)
        return _together([self._stays[id].said for id in known[-STAYS - 1 :]]) if known else None

    def named(self, name: str) -> tuple[str, ...]:
        """Return who is or was in under this name: several if several keys had it."""
        return tuple(one for one in self._of if fold(self._users[one][0]) == fold(name))

    def members(self) -> tuple[str, ...]:
        """Return who is in, in the order in which we first heard of them."""
        return tuple(self._in)

    def everybody(self) -> tuple[str, ...]:
        """Return who is or was in."""
        return tuple(self._of)

    def has_room(self, by: str) -> bool:
        """Whether the roll would keep one more user whom this member lets in."""
        parents = {id: stay.parent for id, stay in self._stays.items()}
        parents[_LAST] = self._of[by][-1]
        return in_order(parents).index(_LAST) < KNOWN

    # --- What is handed on ---

    def essential(self, first: str = "") -> tuple[Membership, ...]:
        """Return the stays of all who are in and of those who added them, up to the founder.

        Those that prove the membership of `first` come first.
        """
        wanted: dict[bytes, None] = {}
        for member in (first, *self.members()):
            id = self._of[member][-1] if member in self._of else None
            while id is not None and id not in wanted:
                wanted[id] = None
                id = self._stays[id].parent
        by_member: dict[str, list[Membership]] = {}
        for id in wanted:
            by_member.setdefault(self._stays[id].member, []).append(self._stays[id].said)
        return tuple(one for said in by_member.values() for one in _bundles(said))

    def told(self, members: Iterable[str]) -> tuple[Membership, ...]:
        """Return all stays of these members."""
        known = ([self._stays[id].said for id in self._of.get(one, ())] for one in members)
        return tuple(one for said in known for one in _bundles(said))

    def all(self) -> tuple[Membership, ...]:
        """Return all stays, each after its parent, so that pages may be merged one by one."""
        told: list[Membership] = []
        done: set[bytes] = set()
        waiting = dict(self._of)
        while waiting:
            for member, ids in list(waiting.items()):
                ready = self._ready(ids, done)
                done.update(ready)
                told += _bundles([self._stays[id].said for id in ready])
                waiting[member] = [id for id in ids if id not in done]
                if not waiting[member]:
                    del waiting[member]
        return tuple(told)

    def _ready(self, ids: list[bytes], done: set[bytes]) -> list[bytes]:
        """Return the stays among `ids` whose parents are in `done`."""
        return [
            id for id in ids if self._stays[id].parent is None or self._stays[id].parent in done
        ]

    def digest(self) -> str:
        """Return a digest: two rolls have the same one exactly when they are equal."""
        if not self._digest:
            parts = sorted((id, *stay.rank) for id, stay in self._stays.items())
            self._digest = hashlib.sha256(msgspec.msgpack.encode(parts)).hexdigest()[:32]
        return self._digest


_LAST = b"\xff" * (STAY_BYTES + 1)  # sorts behind every stay


def _joined(one: Membership) -> int:
    """Return the counter with which the stay began."""
    return one.counter - (one.counter + 1) % 2


def _said(one: Membership) -> list[Membership]:
    """Return each stay as a membership of its own, the present one last."""
    earlier = (
        Membership(one.certificate, stay.counter, stay.signature, stay.adding, stay.salt)
        for stay in one.before
    )
    return [*earlier, msgspec.structs.replace(one, before=())]


def _together(said: list[Membership]) -> Membership:
    """Return several stays of one member as one membership: the last, with the earlier ones."""
    *earlier, last = said
    stays = tuple(Stay(one.counter, one.signature, one.adding, one.salt) for one in earlier)
    return msgspec.structs.replace(last, before=stays)


def _bundles(said: list[Membership]) -> list[Membership]:
    """Return the stays of one member as memberships, as few as can hold them."""
    return [_together(said[start : start + STAYS + 1]) for start in range(0, len(said), STAYS + 1)]
