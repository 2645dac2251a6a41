"""Messages between a peer and the directory."""

from typing import Annotated

import msgspec
from msgspec import Meta

from shared.messages.common import (
    Answer,
    Bye,
    Certificate,
    Count,
    Err,
    Host,
    Id,
    Key,
    Message,
    Name,
    Note,
    Ping,
    Pong,
    Port,
    Reason,
    Request,
    Signature,
    Status,
    Time,
)
from shared.messages.probes import Cookie, PortTested, ProbePorts, TestPort
from shared.messages.punching import Go, Here, Punch, Punches, Punching
from shared.messages.spots import Knock, Knocks, Spot, Spots

ENVELOPE_BYTES = 40_000  # a sealed text of 8,000 four-byte characters, with its certificate
PAGE_MOST = 400  # users in one USERS or ARR; earlier directories, which know no notes, say so many
PAGE = 100  # that are sent in one: with the longest notes it stays below the 64 KiB of a line
BATCH = 1_000  # ids in one NOTED
VERDICTS = 300  # in one TAKEN: 58 KB
RECEIPTS = 200  # in one message: 50 KB
WATCHED_AT_FIRST = 200  # names in IAM, 7 KB: its line is a stranger's, of 16 KiB
WATCHED = 1_000  # names in all, over one link
OTHERS = 16  # addresses of directories in one WELCOME
Sealed = Annotated[bytes, Meta(min_length=1, max_length=ENVELOPE_BYTES)]
HostPort = Annotated[str, Meta(max_length=263)]  # "host:port", or "[IPv6]:port"
Prefix = Annotated[str, Meta(max_length=256)]  # of a name; one that no name has finds nobody
Most = Annotated[int, Meta(ge=0, le=PAGE_MOST)]
ReasonWord = Annotated[str, Meta(pattern=r"\A[a-z]{0,16}\Z")]


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
    request: Certificate = b""  # PKCS #10, when a certificate is wanted; IAM itself is the proof
    token: Annotated[str, Meta(max_length=256)] = ""  # from --register-only-with
    status: Status = Status.ACTIVE
    by_hand: bool = False  # the user chose this status
    note: Note = ""  # on it, for others
    #: Whose news I want in a crowd; None: this program is old, and does not know of crowds.
    watch: Annotated[tuple[Name, ...], Meta(max_length=WATCHED_AT_FIRST)] | None = None
    spots: Spots = ()  # LAN, GLOBAL6 and MAPPED: where else the peer may be reached


class Welcome(Message, frozen=True):
    """You are registered.  `certificate` is filled if IAM carried a signing request."""

    name: Name  # in upper and lower case as first registered
    host: Host  # the address that others will be given
    waiting: Count  # envelopes in the mailbox
    idle_after: Annotated[float, Meta(ge=0)]  # seconds without STIR until INACTIVE
    certificate: Certificate = b""
    online: Count = 0  # users who are here, with this one; 0: the directory does not tell
    motd: Reason = ""  # what the operator tells everybody who comes in
    crowd: bool = False  # see Crowd
    others: Annotated[tuple[HostPort, ...], Meta(max_length=OTHERS)] = ()  # living directories
    time: Time = 0.0  # of the directory's clock; 0: it does not tell
    seen: Spot | None = None  # where the directory sees this connection
    probe_ports: ProbePorts = ()  # for datagrams: see shared.messages.probes
    cookie: Cookie = b""  # to be shown there
    punch: bool = False  # this directory knows PUNCH


class Move(Message, frozen=True):
    """Register at this directory instead: this one is about to end."""

    to: HostPort


class Crowd(Message, frozen=True):
    """The rule has changed: in a crowd you hear of the users whom you watch, else of all.

    When it is over, ask LIST: what you know of the others is out of date.
    """

    crowd: bool
    online: Count


class Notice(Message, frozen=True):
    """The operator tells this to everybody who is here."""

    text: Reason


class Tkn(Message, frozen=True):
    """The name is taken: it belongs to another key."""

    name: Name


class Presence(msgspec.Struct, frozen=True, omit_defaults=True):
    """The status of a user, and the note on it: on one line, but show it harmless."""

    name: Name
    status: Status
    since: Time
    note: Note = ""


class Arr(Message, frozen=True):
    """These users came since the last ARR."""

    users: Annotated[tuple[Presence, ...], Meta(max_length=PAGE_MOST)]


class Lft(Message, frozen=True):
    """These users went."""

    names: Annotated[tuple[Name, ...], Meta(max_length=PAGE_MOST)]


class Chg(Message, frozen=True):
    """These users, who are here, changed status."""

    users: Annotated[tuple[Presence, ...], Meta(max_length=PAGE_MOST)]


class List(Request, frozen=True):
    """Give me registered users, in the order of their names.  Answered by USERS.

    All of them, in as many USERS as it takes; or `most` of them, in one USERS whose
    `more` says that further ones follow: ask again, `after` the last name.
    """

    prefix: Prefix = ""  # only users whose names begin so, in upper or lower case
    after: Prefix = ""  # only users whose names sort after this
    most: Most = 0  # 0: all; no answer has more than PAGE
    here: bool = False  # only users who are not OFFLINE


class Users(Answer, frozen=True):
    users: Annotated[tuple[Presence, ...], Meta(max_length=PAGE_MOST)]
    more: bool = False  # another USERS with the same `re` follows
    online: Count = 0  # users who are here now, listed or not; 0: the directory does not tell


class Watch(Request, frozen=True):
    """Tell me the news of these users, too; nobody need have such a name yet.

    Answered, as LIST, by USERS with how those of `names` stand that exist, or by ERR FULL:
    then nothing has changed.
    """

    names: Annotated[tuple[Name, ...], Meta(max_length=PAGE_MOST)] = ()
    no_more: Annotated[tuple[Name, ...], Meta(max_length=PAGE_MOST)] = ()  # not any more


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
    note: Note = ""  # on the status
    spots: Spots = ()  # all of these, in the order of dialling; empty from an old directory


class SetStatus(Request, frozen=True, tag="STATUS"):
    """Change my status, and the note on it.  `by_hand`: the directory may not change it by itself.

    A note that comes too fast is left out; ERR NOTE says so.
    """

    status: Status
    by_hand: bool = False
    note: Note = ""


class SetSpots(Request, frozen=True, tag="SPOTS"):
    """I may be reached at these spots now, and not at those of IAM.  Answered by DONE."""

    spots: Spots


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
    Iam | List | Watch | Lookup | SetStatus | SetSpots | Stir | Unregister | Renew | Drop | Fetch
    | Taken | Noted | Knock | TestPort | Punch | Here | Ping | Pong | Err | Bye
)  # fmt: skip
FromDirectory = (
    Who | Welcome | Tkn | Arr | Lft | Chg | Users | Contact | StatusNow | Renewed | Done | Stored
    | Waiting | Mail | Receipts | Notice | Crowd | Move | Knocks | PortTested | Punching | Punches
    | Go | Ping | Pong | Err | Bye
)  # fmt: skip
