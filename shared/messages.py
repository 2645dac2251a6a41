"""Every message on the wire, one struct each; its tag is its name on the wire.

One message is one JSON object on one line.  This file holds three languages:
what a peer says to the directory (`ToDirectory`), what the directory says to a
peer (`FromDirectory`), and what two peers say to each other (`BetweenPeers`).
A request carries `id`, its answer carries the same number as `re`.
Bytes travel as base64, times as seconds since 1970 (UTC).
"""

from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.names import PATTERN

VERSION = 2  # of the protocol; the first message of each side carries it

TEXT_CHARACTERS = 8_000  # the longest text; 48 KB if JSON escapes all of it
ENVELOPE_BYTES = 40_000  # a sealed text of 8,000 four-byte characters, with its certificate
PAGE = 400  # users in one USERS or ARR: stays far below the 64 KiB of a line
BATCH = 1_000  # ids in one NOTED
VERDICTS = 300  # in one TAKEN: 58 KB
RECEIPTS = 200  # in one message: 50 KB
MEMBERS = 50  # of one conversation: each has a link to each
TEXTS = 64  # in one TEXT
POSITIONS = 400  # in one message: 26 KB; each restart of a program begins a new epoch
SINCE = 200  # positions in CONFIRM, which also carries many memberships in the same line
SALT_BYTES = 16
CHAIN_BYTES = 16
STAY_BYTES = 16  # of a digest
MEMBERSHIPS = 100  # in one message, as far as its line has room for them
STAYS = 16  # earlier stays of a member who has come back

Name = Annotated[str, Meta(pattern=PATTERN)]
Id = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]  # 16 random bytes, in hex
PreviousId = Annotated[str, Meta(pattern=r"\A([0-9a-f]{32})?\Z")]  # empty: there is none
Token = Annotated[str, Meta(min_length=32, max_length=32)]  # an id that is only compared
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]  # a raw Ed25519 or X25519 public key
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Certificate = Annotated[bytes, Meta(max_length=4_096)]  # DER
Sealed = Annotated[bytes, Meta(min_length=1, max_length=ENVELOPE_BYTES)]
Line = Annotated[str, Meta(max_length=TEXT_CHARACTERS)]  # what a person wrote
# The id of a member of a conversation, see peer.core.membership; old journals hold names.
Member = Annotated[str, Meta(min_length=1, max_length=32)]
Epoch = Annotated[str, Meta(min_length=16, max_length=16)]  # 8 random bytes, new at each start
StayId = Annotated[bytes, Meta(min_length=STAY_BYTES, max_length=STAY_BYTES)]
Digest = Annotated[str, Meta(min_length=32, max_length=32)]
Chain = Annotated[bytes, Meta(max_length=CHAIN_BYTES)]  # a digest of earlier texts; empty: unknown
Reason = Annotated[str, Meta(max_length=1_000)]
ReasonWord = Annotated[str, Meta(pattern=r"\A[a-z]{0,16}\Z")]
Word = Annotated[str, Meta(max_length=64)]
Time = Annotated[float, Meta(ge=0, le=253_402_300_799)]  # up to the year 9999
# Half of the integers that each JSON reader keeps exact.  A program that counts on from a
# number of somebody else must not exceed it: everybody would refuse the result.
COUNT_MOST = 2**52
Count = Annotated[int, Meta(ge=0, le=COUNT_MOST)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Host = Annotated[str, Meta(max_length=255)]


class Status(Enum):
    """How far a user may be disturbed."""

    ACTIVE = "ACTIVE"  #: here, and may be asked
    BUSY = "BUSY"  #: here, in a conversation or by own choice: may be interrupted
    INACTIVE = "INACTIVE"  #: here, but nobody has touched the keys for a while
    OFFLINE = "OFFLINE"  #: not connected to the directory


class Message(msgspec.Struct, frozen=True, tag_field="t", tag=str.upper):
    """The common shape: an object whose "t" names the message."""


class Request(Message, frozen=True):
    id: Count


class Answer(Message, frozen=True):
    re: Count


# --- On every link ---------------------------------------------------------------


class Err(Message, frozen=True):
    """No, and why.  With `re` it answers that request, else it concerns the link.

    Codes: VERSION, PROTOCOL, UNKNOWN (tag), NAME (not valid), KEY (does not fit
    the name), TOKEN, ADDRESS (`--one-per-address`), NOBODY (no such user), FULL
    (a quota), DISK, LIMIT (too many connections), TAKEOVER (another program of yours
    has registered: do not come back), REFUSED.
    """

    code: Word
    text: Reason
    re: Count | None = None


class Bye(Message, frozen=True):
    """The end of the stream, as a message: TLS knows no half-close."""

    reason: Reason = ""


class Ping(Message, frozen=True):
    """Are you there?  Any byte is an answer; PONG is sent when there is nothing else."""


class Pong(Message, frozen=True):
    pass


# --- Between a peer and the directory ---------------------------------------------


class Who(Message, frozen=True):
    """The directory's first message: who are you?  Sent as soon as TLS is up."""

    version: Count
    authority: Certificate  # of the community, self-signed; what the peer remembers
    nonce: Key  # 32 random bytes that the proof in IAM must cover


class Iam(Message, frozen=True):
    """A peer's registration, its first message to the directory."""

    version: Count
    name: Annotated[str, Meta(max_length=256)]  # the directory checks it, and says what is wrong
    key: Key  # Ed25519
    proof: Signature  # by `key`, see shared.identity.registration_proof
    port: Port  # where the peer listens
    sealing_key: Key  # X25519, for envelopes
    sealing_proof: Signature  # by `key`, see shared.identity.sealing_proof
    host: Host = ""  # from --advertise; else the address that the directory sees
    request: Certificate = b""  # PKCS #10, when a certificate is wanted
    token: Annotated[str, Meta(max_length=256)] = ""  # from --register-only-with
    status: Status = Status.ACTIVE
    by_hand: bool = False  # the user chose this status


class Welcome(Message, frozen=True):
    """You are registered.  `certificate` is filled if IAM carried a signing request."""

    name: Name  # in upper and lower case as first registered
    host: Host  # the address that others will be given
    waiting: Count  # envelopes in the mailbox
    idle_after: Annotated[float, Meta(ge=0)]  # seconds without STIR until INACTIVE
    certificate: Certificate = b""
    online: Count = 0  # users who are here, with this one; 0: the directory does not tell


class Tkn(Message, frozen=True):
    """The name is taken: it belongs to another key."""

    name: Name


class Presence(msgspec.Struct, frozen=True):
    name: Name
    status: Status
    since: Time


class Arr(Message, frozen=True):
    """These users came since the last ARR."""

    users: Annotated[tuple[Presence, ...], Meta(max_length=PAGE)]


class Lft(Message, frozen=True):
    """These users went."""

    names: Annotated[tuple[Name, ...], Meta(max_length=PAGE)]


class Chg(Message, frozen=True):
    """These users, who are here, changed status."""

    users: Annotated[tuple[Presence, ...], Meta(max_length=PAGE)]


class List(Request, frozen=True):
    """Give me all registered users.  Answered by one or more USERS."""


class Users(Answer, frozen=True):
    users: Annotated[tuple[Presence, ...], Meta(max_length=PAGE)]
    more: bool = False  # another USERS with the same `re` follows


class Lookup(Request, frozen=True):
    """Where is this user?  Answered by CONTACT, or ERR NOBODY.

    `own`: my user asked for them in person; from now on half of my mailbox is reserved for
    users whom I have answered, them included.
    """

    name: Annotated[str, Meta(max_length=256)]
    own: bool = False


class Contact(Answer, frozen=True):
    name: Name
    status: Status
    since: Time
    key: Key
    sealing_key: Key
    sealing_proof: Signature
    host: Host = ""  # empty when OFFLINE
    port: Port = 0
    seen: Host = ""  # where the directory sees them; `host` is what they advertise, if they do


class SetStatus(Request, frozen=True, tag="STATUS"):
    """Change my status.  `by_hand`: the directory may not change it by itself."""

    status: Status
    by_hand: bool = False


class StatusNow(Message, frozen=True, tag="STATUS"):
    """The directory changed your status, as nobody touched the keys, or somebody did again."""

    status: Status


class Stir(Message, frozen=True):
    """A person touched the keys: the only sign of activity.  Sent every few seconds at most."""


class Unregister(Request, frozen=True):
    """Give the name back, with its mailbox; answered by DONE, then BYE."""


class Renew(Request, frozen=True):
    """Give me a new certificate: half of mine is over.  Answered by RENEWED."""

    request: Certificate  # PKCS #10


class Renewed(Answer, frozen=True):
    certificate: Certificate


class Done(Answer, frozen=True):
    """The request was carried out, and is on disk where that matters."""


class Drop(Request, frozen=True):
    """Keep this sealed envelope for `to`; answered by STORED, after the commit."""

    to: Annotated[str, Meta(max_length=256)]
    envelope: Id
    sealed: Sealed


class Stored(Answer, frozen=True):
    envelope: Id


class Waiting(Message, frozen=True):
    """Envelopes wait in your mailbox: FETCH them."""

    count: Count


class Fetch(Request, frozen=True):
    """Give me the oldest waiting envelopes.  Answered by MAIL."""

    after: Count = 0  # only envelopes with a higher number than this


class Envelope(msgspec.Struct, frozen=True):
    number: Count  # rises in the order of arrival
    id: Id
    sealed: Sealed
    at: Time  # of its arrival, by the directory's clock


class Mail(Answer, frozen=True):
    envelopes: tuple[Envelope, ...]
    more: bool = False  # FETCH again, `after` the last number


class Verdict(msgspec.Struct, frozen=True):
    """A receiver's signed answer to the sender of an envelope: see shared.receipt."""

    number: Count
    id: Id
    proof: Signature
    refused: ReasonWord = ""  # why it could not be opened; empty: it is on the receiver's disk


class Taken(Request, frozen=True):
    """I have handled these envelopes: delete them.  Answered by DONE."""

    envelopes: Annotated[tuple[Verdict, ...], Meta(max_length=VERDICTS)]


class Receipt(msgspec.Struct, frozen=True):
    """The fate of an envelope of yours.  The directory vouches for nothing but `at`."""

    envelope: Id
    by: Name
    at: Time
    proof: Annotated[bytes, Meta(max_length=64)] = b""
    refused: ReasonWord = ""


class Receipts(Message, frozen=True):
    """Envelopes of yours that were taken or refused; repeated at each start until NOTED."""

    receipts: Annotated[tuple[Receipt, ...], Meta(max_length=RECEIPTS)]


class Noted(Request, frozen=True):
    """These receipts are on my own disk: forget them.  Answered by DONE."""

    envelopes: Annotated[tuple[Id, ...], Meta(max_length=BATCH)]


ToDirectory = (
    Iam | List | Lookup | SetStatus | Stir | Unregister | Renew | Drop | Fetch | Taken | Noted
    | Ping | Pong | Err | Bye
)  # fmt: skip
FromDirectory = (
    Who | Welcome | Tkn | Arr | Lft | Chg | Users | Contact | StatusNow | Renewed | Done | Stored
    | Waiting | Mail | Receipts | Ping | Pong | Err | Bye
)  # fmt: skip


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


Positions = Annotated[tuple[Position, ...], Meta(max_length=POSITIONS)]


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
    has `epochs` positions in `since`, older epochs may have been left out.
    """

    conversation: Token
    member: Member
    counter: Count  # of the membership with which they came in
    since: Positions
    epochs: Count
    signature: Signature = bytes(64)


class Want(Message, frozen=True):
    """Send me all texts that follow this position, whoever wrote them."""

    conversation: Token
    after: Position


class Leave(Message, frozen=True):
    """I know nothing of this conversation."""

    conversation: Token


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
    PeerIam | AboutInvitations | Hello | Text | Acknowledge
    | Members | Entry | Want | Leave | Private | ToAll | Shown | No
    | Ping | Pong | Err | Bye
)  # fmt: skip
