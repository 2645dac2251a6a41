"""The news that the directories of one database tell each other, in small texts.

A newer directory adds fields at the end; an older one does not read them.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from shared.errors import ProtocolError
from shared.messages.common import Host, Note, Port, Reason, Status, Time
from shared.messages.punching import MeetingToken
from shared.messages.spots import Spots

PAYLOAD_BYTES: Final = 7_900  # PostgreSQL takes less than 8,000 in one NOTIFY
FROM_NOBODY: Final = 0  # who tells it hears it, too: a directory skips what it told itself
STATUSES: Final = (Status.ACTIVE, Status.BUSY, Status.INACTIVE, Status.OFFLINE)

Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Here(msgspec.Struct, frozen=True, array_like=True):
    """A user is at a directory; or, with the status OFFLINE, is gone from there."""

    user: Number
    epoch: Number  # of two words about one user, the one with the higher epoch holds
    status_number: Annotated[int, Meta(ge=0, lt=len(STATUSES))]
    since: Time
    address: Host = ""
    port: Port = 0
    advertised: Host = ""
    note: Note = ""
    spots: Spots = ()

    @property
    def status(self) -> Status:
        return STATUSES[self.status_number]

    @property
    def is_gone(self) -> bool:
        return self.status is Status.OFFLINE


class Call(msgspec.Struct, frozen=True, array_like=True):
    """A user wants to meet another one, to open a way from both sides."""

    token: MeetingToken
    caller: Number
    callee: Number


class Arrival(msgspec.Struct, frozen=True, array_like=True):
    """A user is there for a meeting: a connection of theirs comes from this address."""

    token: MeetingToken
    user: Number
    host: Host
    port: Port
    inner: Port = 0  # on their own machine


class Bulletin(msgspec.Struct, frozen=True, array_like=True):
    """The news of one directory, for all of them."""

    directory: Number  # who tells it
    here: tuple[Here, ...] = ()
    names: tuple[Number, ...] = ()  # users to be read again: new, changed, or no more
    mail: tuple[tuple[Number, Number], ...] = ()  # receivers, and how much waits for each
    taken: tuple[Number, ...] = ()  # senders for whom receipts wait
    dead: tuple[tuple[Number, Time], ...] = ()  # directories, and when they last lived
    orders: bool = False  # the operator has said something: it is to be read again
    kicked: tuple[tuple[Number, Reason], ...] = ()  # users whose links the operator ends
    notice: Reason = ""  # to be told to everybody who is here
    knocks: tuple[tuple[Number, Number], ...] = ()  # callers, and callees who should dial them
    calls: tuple[Call, ...] = ()  # of users who want to open a way from both sides
    arrivals: tuple[Arrival, ...] = ()  # of those who meet for that


def encode_bulletin(bulletin: Bulletin) -> list[str]:
    """Return the bulletin as texts that each fit into one NOTIFY.

    A notice or a reason that is told is alone in its bulletin: with one more item beside it,
    it might not fit.
    """
    text = msgspec.json.encode(bulletin)
    halves = _halves(bulletin) if len(text) > PAYLOAD_BYTES else ()
    if not halves:
        return [text.decode()]
    return [payload for half in halves for payload in encode_bulletin(half)]


def decode_bulletin(payload: str) -> Bulletin:
    """Raises ProtocolError."""
    try:
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ProtocolError(f"what another directory tells cannot be read: {error}") from None


_LISTS: Final = (
    "here", "names", "mail", "taken", "dead", "kicked", "knocks", "calls", "arrivals",
)  # fmt: skip
_decoder = msgspec.json.Decoder(Bulletin)


def _halves(whole: Bulletin) -> tuple[Bulletin, ...]:
    """Return two bulletins that say the same together; none if it has no list to be divided."""
    lists = {name: value for name in _LISTS if len(value := getattr(whole, name)) > 1}
    if not lists:
        return ()
    first = {name: value[: len(value) // 2] for name, value in lists.items()}
    rest = {name: value[len(value) // 2 :] for name, value in lists.items()}
    return (
        msgspec.structs.replace(whole, **first),
        Bulletin(whole.directory, **rest),
    )
