"""Messages between two peers."""

from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.messages.common import (
    COUNT_MOST,
    Bye,
    Certificate,
    Count,
    Err,
    Id,
    Key,
    Line,
    Message,
    Name,
    Ping,
    Pong,
    Reason,
    Signature,
    Time,
    Token,
    Word,
)

MEMBERS = 50  # of one conversation: each has a link to each
TEXTS = 64  # in one TEXT
POSITIONS = 400  # in one message: 26 KB; each restart of a program begins a new epoch
POSITION_BYTES = 150  # of each in memory, about
SINCE = 200  # positions in CONFIRM, which also carries many memberships in the same line
SALT_BYTES = 16
CHAIN_BYTES = 16
STAY_BYTES = 16  # of a digest
MEMBERSHIPS = 100  # in one message, as far as its line has room for them
STAYS = 16  # earlier stays of a member who has come back
# The id of a member of a conversation, see peer.core.membership; old journals hold names.
Member = Annotated[str, Meta(min_length=1, max_length=32)]
Epoch = Annotated[str, Meta(min_length=16, max_length=16)]  # 8 random bytes, new at each start
StayId = Annotated[bytes, Meta(min_length=STAY_BYTES, max_length=STAY_BYTES)]
Digest = Annotated[str, Meta(min_length=32, max_length=32)]
Origin = tuple[str, str]  # the author and the epoch of texts, which have one order
Chain = Annotated[bytes, Meta(max_length=CHAIN_BYTES)]  # a digest of earlier texts; empty: unknown


# --- Between two peers ------------------------------------------------------------


class PeerIam(Message, frozen=True, tag="IAM"):
    """The first message of each side; the certificate in TLS must have the same name.

    `run` is new at each start of a program: it shows whether a second dial is of the
    same program, or of one that was started again and knows nothing of older links.
    `time`: by the sender's clock.
    """

    version: Count
    name: Name
    run: Id
    time: Time


class LinkKind(Enum):
    """The use of a link between two peers; a pair has one link of each kind at most."""

    TEXT = "text"  #: invitations, conversations and lines: all that there is today
    BULK = "bulk"  #: what must not delay text; only beside a link of that kind


class PeerIamFor(PeerIam, frozen=True, tag="IAMFOR"):
    """Like IAM, for a link of another kind than TEXT.

    It has a tag of its own: a program that knows no kinds must not take it for IAM.
    """

    kind: Word


class Adding(msgspec.Struct, frozen=True):
    """A permission by a member for one user's own membership; alone it has no effect.

    Signed by `by`, see peer.core.membership.  `counter` is that of `by` when their stay
    began; `under` says which stay it is.
    """

    by: Member
    counter: Count
    under: StayId
    signature: Signature


class Stay(msgspec.Struct, frozen=True):
    """An earlier stay of a member who has come back: it proves whom they added during it."""

    counter: Count
    signature: Signature
    adding: Adding | None = None
    salt: Annotated[bytes, Meta(max_length=SALT_BYTES)] = b""


class Membership(msgspec.Struct, frozen=True):
    """A member's own statement that they are in or out: signed by them, and by nobody else.

    The founder of the conversation shows its `salt`; each other member shows who added them.
    """

    certificate: Certificate  # names the member and the key that signs
    counter: Count  # odd: in, even: out; it only grows
    signature: Signature
    adding: Adding | None = None
    salt: Annotated[bytes, Meta(max_length=SALT_BYTES)] = b""
    before: Annotated[tuple[Stay, ...], Meta(max_length=STAYS)] = ()


Memberships = Annotated[tuple[Membership, ...], Meta(max_length=MEMBERSHIPS)]


class Position(msgspec.Struct, frozen=True, array_like=True):
    """All texts of `author` in this `epoch`, up to `seq`."""

    author: Member
    epoch: Epoch
    seq: Count

    @property
    def origin(self) -> Origin:
        return self.author, self.epoch


Positions = Annotated[tuple[Position, ...], Meta(max_length=POSITIONS)]


class Charter(msgspec.Struct, frozen=True):
    """The name of a room, and what makes its id from it, see peer.core.conversation.charter."""

    name: Name
    founder: Key
    nonce: Annotated[bytes, Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]


class Invite(Message, frozen=True):
    """May I talk to you?  Valid for `expires_in` seconds after it arrives."""

    id: Id
    conversation: Id
    members: Annotated[
        tuple[Name, ...], Meta(max_length=MEMBERS)
    ]  # who is in already, the inviter first
    expires_in: Annotated[float, Meta(gt=0, le=600)] = 60.0
    urgent: bool = False  # asked again although the callee is BUSY
    # The counter of your membership, if you accept; leaving adds one.
    counter: Annotated[int, Meta(ge=1, le=COUNT_MOST - 1)] = 1
    adding: Adding | None = None  # the permission for your membership
    proof: Memberships = ()  # of `members`: a name without proof is not shown
    room: Charter | None = None  # the conversation is a room; old programs do not know these


class Ringing(Message, frozen=True):
    """The callee's screen shows the question."""

    id: Id


class Accept(Message, frozen=True):
    """Yes; with my membership, signed."""

    id: Id
    membership: Membership | None = None


class Confirm(Message, frozen=True):
    """The ACCEPT arrived: both are in the conversation.

    `since`: earlier texts are not for the callee, whose own texts have a `lamport` higher
    than this one.  With `epochs` and `signature` it forms the callee's ENTRY.
    """

    id: Id
    members: Memberships = ()
    since: Positions = ()
    lamport: Count = 0
    epochs: Count = 0
    signature: Signature = bytes(64)


class Decline(Message, frozen=True):
    id: Id


class Busy(Message, frozen=True):
    """The callee was not asked.  `interruptible`: an urgent INVITE would be shown."""

    id: Id
    interruptible: bool


class Cancel(Message, frozen=True):
    """I take the invitation back."""

    id: Id


class Cancelled(Message, frozen=True):
    id: Id


class Timeout(Message, frozen=True):
    """Nobody answered the question; it is closed."""

    id: Id


class Gone(Message, frozen=True):
    """That invitation is unknown here, or over."""

    id: Id


class Joined(Message, frozen=True):
    """No need to ask: I am already a member of that conversation."""

    id: Id


class Text(Message, frozen=True):
    """One or more texts of a person, written at the same moment and signed together.

    (author, epoch, seq) names the first of them; each further one counts one more.
    `after`: the last positions that the author had read, without those that others imply.
    `lamport` is higher than that of any text the author had read.  `chain`: the digest of
    the text before it in its epoch, which covers the one before that, and so on.
    """

    conversation: Token  # not Id, whose pattern costs more than the rest of a text
    author: Member
    epoch: Epoch
    seq: Annotated[int, Meta(ge=1, le=COUNT_MOST - TEXTS)]  # so that the last one is a Count, too
    lamport: Count
    time: Time
    texts: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=TEXTS)]
    after: Positions = ()
    signature: Signature = bytes(64)
    chain: Chain = b""

    @property
    def origin(self) -> Origin:
        return self.author, self.epoch

    @property
    def last_seq(self) -> int:
        """The seq of the last one of these texts."""
        return self.seq + len(self.texts) - 1

    @property
    def size(self) -> int:
        """The size in memory, about: what counts towards limits."""
        positions = POSITION_BYTES * len(self.after)
        return sum(map(len, self.texts)) + positions + 200  # with the other fields


class Acknowledge(Message, frozen=True, tag="ACK"):
    """All texts up to these positions are on my own disk; only what changed is listed."""

    conversation: Token
    have: Positions


class Hello(Message, frozen=True):
    """The state of `by` in the conversation: on each new link, at each change, every 30 s.

    Signed by `by`, so that others can pass it on to members without a link to them.
    """

    conversation: Token
    by: Member
    number: Count  # rises with each HELLO; the highest one counts
    members: Digest  # of all memberships that `by` knows
    linked: Annotated[tuple[Member, ...], Meta(max_length=MEMBERS)]
    have: Positions
    signature: Signature = bytes(64)
    said: Annotated[tuple[Chain, ...], Meta(max_length=POSITIONS)] = ()  # digests up to `have`


class Members(Message, frozen=True):
    """Memberships that you may lack."""

    conversation: Token
    members: Memberships


class Entry(Message, frozen=True):
    """All texts up to `since` came before `member` was in, and are not for them.

    Signed by the member who let them in; shown by `member` to the others.  If an author
    has `epochs` positions in `since`, older epochs may have been left out.  `lamport` is the
    highest number of those texts, as in CONFIRM; the signature does not cover it.
    """

    conversation: Token
    member: Member
    counter: Count  # of the membership with which they came in
    since: Positions
    epochs: Count
    signature: Signature = bytes(64)
    lamport: Count = 0


class Want(Message, frozen=True):
    """Send me all texts that follow this position, whoever wrote them."""

    conversation: Token
    after: Position


class Leave(Message, frozen=True):
    """I know nothing of this conversation."""

    conversation: Token


class PassedKnock(Message, frozen=True, tag="KNOCK"):
    """`caller` wants `callee` to dial them, and cannot ask the directory.

    Sent by the caller to a member with links to both, who passes it on.  It names no address.
    """

    conversation: Token
    caller: Name
    callee: Name


class Private(Message, frozen=True, tag="PRV"):
    """One private line; answered by SHOWN or NO."""

    id: Id
    time: Time
    text: Line


class ToAll(Message, frozen=True, tag="ALL"):
    """One line of the general chat; answered by SHOWN or NO."""

    id: Id
    time: Time
    text: Line


class Shown(Message, frozen=True):
    """The line with this id was shown on the screen."""

    id: Id


class No(Message, frozen=True):
    """The line with this id was not shown, and why."""

    id: Id
    reason: Reason


AboutInvitations = (
    Invite | Ringing | Accept | Confirm | Decline | Busy | Cancel | Cancelled | Timeout | Gone
    | Joined
)  # fmt: skip
BetweenPeers = (
    PeerIam | PeerIamFor | AboutInvitations | Hello | Text | Acknowledge
    | Members | Entry | Want | Leave | PassedKnock | Private | ToAll | Shown | No
    | Ping | Pong | Err | Bye
)  # fmt: skip
