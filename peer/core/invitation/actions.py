"""The actions of an invitation machine, and its news of invitations."""

from enum import Enum, auto

from msgspec import Struct

from peer.core.membership import Roll
from shared.messages.common import Message
from shared.messages.peers import Charter, Entry, Membership, Position


class Why(Enum):
    """Why an incoming invitation is over without the user's answer."""

    CANCELLED = auto()  #: the inviter took it back
    MISSED = auto()  #: nobody answered for RING_SECONDS
    GONE = auto()  #: the inviter is gone, or has not confirmed our ACCEPT


class End(Enum):
    """The end of an outgoing invitation that led to no conversation."""

    DECLINED = auto()  #: the callee said no
    NO_ANSWER = auto()  #: the question was shown, and nobody answered
    TAKEN_BACK = auto()  #: by our user, by command or by entering another conversation
    UNREACHABLE = auto()  #: `reason` tells why
    BUSY = auto()  #: the callee is busy and cannot be interrupted
    INTERRUPTIBLE = auto()  #: the callee is busy; an urgent invitation would be shown
    JOINED = auto()  #: the callee is a member of that conversation already
    GONE = auto()  #: the link broke, or the callee knows nothing of it


class Dial(Struct, frozen=True):
    """Make sure that there is a link; then call `linked` or `unreachable`."""

    to: str


class Send(Struct, frozen=True):
    to: str
    message: Message


class Ask(Struct, frozen=True):
    """Put the question on the screen, then call `shown`."""

    id: str
    inviter: str
    members: tuple[str, ...]  # the inviter first
    room: Charter | None = None  # into which they ask


class Waiting(Struct, frozen=True):
    """The question is on the callee's screen; reported once."""

    callee: str
    id: str


class Closed(Struct, frozen=True):
    """An incoming invitation is over without the user, or the user's yes led to nothing.

    After crossed invitations, no question with this id may ever have been shown.
    """

    id: str
    inviter: str
    why: Why
    room: str = ""  # the id of the room that it was about


class Found(Struct, frozen=True):
    """Enter the conversation of two, which has this roll; then call `let_in`."""

    callee: str
    id: str
    roll: Roll


class Admit(Struct, frozen=True):
    """Make the callee a member of a conversation that this user is in; then call `let_in`."""

    callee: str
    id: str
    conversation: str
    member: str
    membership: Membership
    last: int = 0  # texts of before that they get


class Enter(Struct, frozen=True):
    """Enter the conversation to which this user said yes."""

    roll: Roll
    since: tuple[Position, ...]  # earlier texts are not for this user
    lamport: int  # the highest number of those
    entry: Entry
    room: Charter | None = None  # if it is a room


class Open(Struct, frozen=True):
    """The conversation has begun.  `members`: those in it at the INVITE, the inviter first."""

    id: str
    conversation: str
    other: str
    members: tuple[str, ...]
    room: str = ""  # its id again, if it is a room


class Refuse(Struct, frozen=True):
    """Cut the link to a user who broke the protocol."""

    other: str
    reason: str


class Ended(Struct, frozen=True):
    """An outgoing invitation is over without a conversation."""

    id: str
    callee: str
    end: End
    reason: str = ""  # a sentence fragment, only with UNREACHABLE
    room: str = ""  # the id of the room into which it was


Action = Dial | Send | Ask | Waiting | Closed | Found | Admit | Enter | Open | Ended | Refuse


class Question(Struct, frozen=True):
    """An incoming invitation that waits for the user's answer."""

    id: str
    inviter: str
    members: tuple[str, ...]
    conversation: str
    room: Charter | None = None


class Pending(Struct, frozen=True):
    """An outgoing invitation that waits for the callee, or an accepted one for its CONFIRM."""

    id: str
    other: str
    conversation: str
    is_room: bool = False
