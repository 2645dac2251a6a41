"""The actions of a conversation; its shell performs them."""

from msgspec import Struct

from peer import events
from peer.core.conversation.members.entrances import Entrance
from shared.messages.common import Message
from shared.messages.peers import Position, Text


class Send(Struct, frozen=True):
    to: tuple[str, ...]
    message: Message


class Show(Struct, frozen=True):
    """Tell the user."""

    event: events.Event


class Read(Struct, frozen=True):
    """Show a text of another member, then call `shown(text)`."""

    text: Text


class Keep(Struct, frozen=True):
    """Put it on disk, then call `kept(text)`."""

    text: Text


class KeepMembers(Struct, frozen=True):
    """Put the memberships of these members on disk."""

    members: tuple[str, ...]


class KeepEntrance(Struct, frozen=True):
    """Put an entrance on disk: from where on a member may read."""

    entrance: Entrance


class KeepPlaces(Struct, frozen=True):
    """Note on disk that the texts up to here are not for me."""

    places: tuple[Position, ...]


class KeepReturn(Struct, frozen=True):
    """Note on disk that the texts after this position are for me after all."""

    place: Position


class KeepAcknowledged(Struct, frozen=True):
    """Note on disk that this member has my texts of an epoch up to `seq`."""

    by: str
    epoch: str
    seq: int


class Discard(Struct, frozen=True):
    """Forget a text that was given to the screen: its author has not signed it."""

    text: Text


class Refuse(Struct, frozen=True):
    """End the link to this member, and tell why."""

    to: str
    reason: str


class Hand(Struct, frozen=True):
    """Send from the disk what follows this position; then call `handed`."""

    to: str
    after: Position


class Dial(Struct, frozen=True):
    """Try to link with this member."""

    to: str


class LeaveFor(Struct, frozen=True):
    """Leave what follows this position of mine, up to a seq, in the member's mailbox."""

    to: str
    after: Position
    upto: int


class Back(Struct, frozen=True):
    """The conversation was interrupted, as program or network failed, and goes on."""


class Finished(Struct, frozen=True):
    """The conversation is over for the user, or sleeps until somebody is in reach again."""


class Settled(Struct, frozen=True):
    """Nothing more happens in the conversation."""


Action = (
    Send | Show | Read | Keep | KeepMembers | KeepEntrance | KeepPlaces | KeepReturn
    | KeepAcknowledged | Discard | Refuse | Hand | Dial | LeaveFor | Back | Finished | Settled
)  # fmt: skip
