"""Every message on the wire, one struct each; its tag is its name on the wire.

One message is one JSON object on one line.  Three languages share this file:
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

TEXT_CHARACTERS = 8_000  # the longest text; 48 KB even when JSON escapes all of it
ENVELOPE_BYTES = 40_000  # a sealed text of 8,000 four-byte characters, with its certificate
PAGE = 400  # users in one USERS or ARR: stays far below the 64 KiB of a line
BATCH = 1_000  # ids in one NOTED
VERDICTS = 300  # in one TAKEN: 58 KB
RECEIPTS = 200  # in one message: 50 KB
MEMBERS = 50  # of one conversation: each has a link to each
TEXTS = 64  # in one TEXT
POSITIONS = 400  # in one message: 26 KB; who restarts begins a new epoch
SINCE = 200  # positions in CONFIRM, which tells of many members in the same line
SALT_BYTES = 16
CHAIN_BYTES = 16
STAY_BYTES = 16  # of a digest
MEMBERSHIPS = 100  # in one message, as far as its line has room for them
STAYS = 16  # of a member who has come back, before the present one

Name = Annotated[str, Meta(pattern=PATTERN)]
Id = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]  # 16 random bytes, in hex
PreviousId = Annotated[str, Meta(pattern=r"\A([0-9a-f]{32})?\Z")]  # empty: there is none
Token = Annotated[str, Meta(min_length=32, max_length=32)]  # an id that is only ever compared
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
Chain = Annotated[bytes, Meta(max_length=CHAIN_BYTES)]  # of what was said; empty: unknown
Reason = Annotated[str, Meta(max_length=1_000)]
ReasonWord = Annotated[str, Meta(pattern=r"\A[a-z]{0,16}\Z")]
Word = Annotated[str, Meta(max_length=64)]
Time = Annotated[float, Meta(ge=0, le=253_402_300_799)]  # up to the year 9999
# Half of what each JSON reader keeps exact.  Whoever counts on from the number of somebody
# else must see to it that the sum does not exceed it: it would be refused by everybody.
COUNT_MOST = 2**52
Count = Annotated[int, Meta(ge=0, le=COUNT_MOST)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Host = Annotated[str, Meta(max_length=255)]


class Status(Enum):
    """How far a user may be disturbed."""

    ACTIVE = "ACTIVE"  #: here, and may be asked
    BUSY = "BUSY"  #: here, in a conversation or by own choice: may be interrupted
    INACTIVE = "INACTIVE"  #: here, but nobody has touched the keys for a while
    OFFLINE = "OFFLINE"  #: not registered at this moment


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
    """The end of the stream, said aloud: TLS knows no half-close."""

    reason: Reason = ""


class Ping(Message, frozen=True):
    """Are you there?  Any byte is an answer; PONG is sent when there is nothing else."""


class Pong(Message, frozen=True):
    pass


# --- Between a peer and the directory ---------------------------------------------


class Who(Message, frozen=True):
    """The directory's first message: who are you?  Sent as soon as TLS stands."""

    version: Count
    authority: Certificate  # of the community, self-signed; what the peer remembers
    nonce: Key  # 32 random bytes that the proof in IAM must cover


class Iam(Message, frozen=True):
    """A peer's registration, its first message to the directory."""

    version: Count
    name: Annotated[str, Meta(max_length=256)]  # checked by the directory, which says what is wrong
    key: Key  # Ed25519
    proof: Signature  # by `key`, see shared.identity.registration_proof
    port: Port  # where the peer listens
    sealing_key: Key  # X25519, for envelopes
    sealing_proof: Signature  # by `key`, see shared.identity.sealing_proof
    host: Host = ""  # --advertise; else the address that the directory sees
    request: Certificate = b""  # PKCS #10, when a certificate is wanted
    token: Annotated[str, Meta(max_length=256)] = ""  # --register-only-with
    status: Status = Status.ACTIVE
    by_hand: bool = False  # the user chose this status


class Welcome(Message, frozen=True):
    """Registered.  `certificate` is filled when IAM carried a signing request."""

    name: Name  # as first registered, so in its own upper and lower case
    host: Host  # the address that others will be given
    waiting: Count  # envelopes in the mailbox
    idle_after: Annotated[float, Meta(ge=0)]  # seconds without STIR until INACTIVE
    certificate: Certificate = b""
    online: Count = 0  # users who are here, this one too; 0: the directory does not say


class Tkn(Message, frozen=True):
    """The name is taken: it belongs to another key."""

    name: Name


class Presence(msgspec.Struct, frozen=True):
    name: Name
    status: Status
    since: Time


class Arr(Message, frozen=True):
    """Somebody came: all who did since the last ARR."""

    users: Annotated[tuple[Presence, ...], Meta(max_length=PAGE)]


class Lft(Message, frozen=True):
    """Somebody went."""

    names: Annotated[tuple[Name, ...], Meta(max_length=PAGE)]


class Chg(Message, frozen=True):
    """Somebody who is there changed status."""

    users: Annotated[tuple[Presence, ...], Meta(max_length=PAGE)]


class List(Request, frozen=True):
    """Everybody registered, please; answered by one or more USERS."""


class Users(Answer, frozen=True):
    users: Annotated[tuple[Presence, ...], Meta(max_length=PAGE)]
    more: bool = False  # another USERS with the same `re` follows


class Lookup(Request, frozen=True):
    """Where is this user?  Answered by CONTACT, or ERR NOBODY.

    `own`: my user wants something of them; from now on half of my mailbox is kept for
    them and the others whom I have answered.
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
    seen: Host = ""  # where the directory itself sees them; `host` is what they say, if they do


class SetStatus(Request, frozen=True, tag="STATUS"):
    """My status, from now on.  `by_hand`: the directory leaves it alone."""

    status: Status
    by_hand: bool = False


class StatusNow(Message, frozen=True, tag="STATUS"):
    """The directory changed your status: nobody touched the keys, or somebody did again."""

    status: Status


class Stir(Message, frozen=True):
    """A person touched the keys: the only sign of activity.  At most one every few seconds."""


class Unregister(Request, frozen=True):
    """Give the name back, with its mailbox; answered by DONE, then BYE."""


class Renew(Request, frozen=True):
    """A new certificate, please: half of mine is over.  Answered by RENEWED."""

    request: Certificate  # PKCS #10


class Renewed(Answer, frozen=True):
    certificate: Certificate


class Done(Answer, frozen=True):
    """The request was carried out, and lies on disk where that matters."""


class Drop(Request, frozen=True):
    """Keep this sealed envelope for `to`; answered by STORED, after the commit."""

    to: Annotated[str, Meta(max_length=256)]
    envelope: Id
    sealed: Sealed


class Stored(Answer, frozen=True):
    envelope: Id


class Waiting(Message, frozen=True):
    """Envelopes lie in your mailbox: FETCH them."""

    count: Count


class Fetch(Request, frozen=True):
    """The oldest waiting envelopes, answered by MAIL."""

    after: Count = 0  # only envelopes with a higher number than this


class Envelope(msgspec.Struct, frozen=True):
    number: Count  # rises in the order of arrival
    id: Id
    sealed: Sealed
    at: Time  # of the arrival at the directory, by its clock


class Mail(Answer, frozen=True):
    envelopes: tuple[Envelope, ...]
    more: bool = False  # FETCH again, `after` the last number


class Verdict(msgspec.Struct, frozen=True):
    """What the receiver of an envelope says of it, signed for its sender: see shared.receipt."""

    number: Count
    id: Id
    proof: Signature
    refused: ReasonWord = ""  # why it could not be opened; empty: it is on my own disk


class Taken(Request, frozen=True):
    """I am done with these envelopes: delete them.  Answered by DONE."""

    envelopes: Annotated[tuple[Verdict, ...], Meta(max_length=VERDICTS)]


class Receipt(msgspec.Struct, frozen=True):
    """What became of an envelope of yours.  The directory vouches for nothing but `at`."""

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
    """The first message of each side; the certificate in TLS must say the same name.

    `run` is new at each start of a program: it tells a second dial of the same
    program from one that was started again and knows nothing of older links.
    `time`: on the clock of who says it.
    """

    version: Count
    name: Name
    run: Id
    time: Time


class Adding(msgspec.Struct, frozen=True):
    """A member brings somebody in: it allows that user's own membership, and does nothing alone.

    Signed by `by`, see peer.core.membership.  `counter`: of `by` when that stay of theirs
    began, `under`: which one it is.
    """

    by: Member
    counter: Count
    under: StayId
    signature: Signature


class Stay(msgspec.Struct, frozen=True):
    """An earlier stay of a member who has come back: it proves those whom they added then."""

    counter: Count
    signature: Signature
    adding: Adding | None = None
    salt: Annotated[bytes, Meta(max_length=SALT_BYTES)] = b""


class Membership(msgspec.Struct, frozen=True):
    """A member's own word on whether they are in: signed by them, and by nobody else.

    Whoever founded the conversation shows its `salt`, everybody else who added them.
    """

    certificate: Certificate  # names the member and the key that signs
    counter: Count  # odd: in, even: out; it only grows
    signature: Signature
    adding: Adding | None = None
    salt: Annotated[bytes, Meta(max_length=SALT_BYTES)] = b""
    before: Annotated[tuple[Stay, ...], Meta(max_length=STAYS)] = ()


Memberships = Annotated[tuple[Membership, ...], Meta(max_length=MEMBERSHIPS)]


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Everything up to `seq` of what `author` wrote in this `epoch`."""

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
    ]  # who talks already, the inviter first
    expires_in: Annotated[float, Meta(gt=0, le=600)] = 60.0
    urgent: bool = False  # asked again although the callee is BUSY
    # That your membership would have; leaving counts one more.
    counter: Annotated[int, Meta(ge=1, le=COUNT_MOST - 1)] = 1
    adding: Adding | None = None  # which your membership needs
    proof: Memberships = ()  # of `members`: who is not proven to be in is not shown either


class Ringing(Message, frozen=True):
    """The question stands on the callee's screen."""

    id: Id


class Accept(Message, frozen=True):
    """Yes; and my membership, signed."""

    id: Id
    membership: Membership | None = None


class Confirm(Message, frozen=True):
    """The ACCEPT arrived: both are in the conversation.

    `since`: what was said before is not for the one who was asked, whose texts have a
    higher `lamport`.  With `epochs` and `signature` it makes the ENTRY of the one who was
    asked.
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
    """Not asked.  `interruptible`: an urgent INVITE would be shown."""

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
    """No need to ask: already a member of that conversation."""

    id: Id


class Text(Message, frozen=True):
    """What a person wrote: one or more texts, written in one moment and signed together.

    (author, epoch, seq) names the first of them, the next one counts one more.
    `after`: the last positions that the author had read, and that no other of them
    implies.  `lamport` is higher than that of anything the author had read.  `chain`: the
    digest of the text before it in its epoch, which covers the one before that, and so on.
    """

    conversation: Token  # not Id, whose pattern costs more than all the rest of a text
    author: Member
    epoch: Epoch
    seq: Annotated[int, Meta(ge=1, le=COUNT_MOST - TEXTS)]  # so the last one is a Count too
    lamport: Count
    time: Time
    texts: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=TEXTS)]
    after: Positions = ()
    signature: Signature = bytes(64)
    chain: Chain = b""


class Acknowledge(Message, frozen=True, tag="ACK"):
    """On my own disk: everything up to these positions, of those that moved."""

    conversation: Token
    have: Positions


class Hello(Message, frozen=True):
    """How `by` stands in the conversation: on each new link, at each change, every 30 s.

    Signed by `by`, so that members who cannot link with them hear it from others.
    """

    conversation: Token
    by: Member
    number: Count  # rises with each; the highest one counts
    members: Digest  # of all memberships that `by` knows
    linked: Annotated[tuple[Member, ...], Meta(max_length=MEMBERS)]
    have: Positions
    signature: Signature = bytes(64)
    said: Annotated[tuple[Chain, ...], Meta(max_length=POSITIONS)] = ()  # up to each of `have`


class Members(Message, frozen=True):
    """Memberships that you may not know."""

    conversation: Token
    members: Memberships


class Entry(Message, frozen=True):
    """Everything up to `since` was said before `member` came in, and is not for them.

    Signed by whoever let them in; shown by the member to the others.  Of an author who
    has `epochs` positions in `since`, older epochs may have been left out.
    """

    conversation: Token
    member: Member
    counter: Count  # of the membership with which they came in
    since: Positions
    epochs: Count
    signature: Signature = bytes(64)


class Want(Message, frozen=True):
    """Send me what follows this position, whoever wrote it."""

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
    """The line with this id stood on the screen."""

    id: Id


class No(Message, frozen=True):
    """The line with this id was not shown, and why."""

    id: Id
    reason: Reason


BetweenPeers = (
    PeerIam | Invite | Ringing | Accept | Confirm | Decline | Busy | Cancel | Cancelled | Timeout
    | Gone | Joined | Hello | Text | Acknowledge
    | Members | Entry | Want | Leave | Private | ToAll | Shown | No
    | Ping | Pong | Err | Bye
)  # fmt: skip
