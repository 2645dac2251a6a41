"""Messages and types that every link knows."""

from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.names import PATTERN

VERSION = 2  # of the protocol; the first message of each side carries it

TEXT_CHARACTERS = 8_000  # the longest text; 48 KB if JSON escapes all of it
NOTE_CHARACTERS = 80  # of a note with a status: it stands beside a name, on one line

Name = Annotated[str, Meta(pattern=PATTERN)]
Id = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]  # 16 random bytes, in hex
PreviousId = Annotated[str, Meta(pattern=r"\A([0-9a-f]{32})?\Z")]  # empty: there is none
Token = Annotated[str, Meta(min_length=32, max_length=32)]  # an id that is only compared
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]  # a raw Ed25519 or X25519 public key
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Certificate = Annotated[bytes, Meta(max_length=4_096)]  # DER
Line = Annotated[str, Meta(max_length=TEXT_CHARACTERS)]  # what a person wrote
Note = Annotated[str, Meta(max_length=NOTE_CHARACTERS)]  # of a user, with the status
Reason = Annotated[str, Meta(max_length=1_000)]
Word = Annotated[str, Meta(max_length=64)]
Time = Annotated[float, Meta(ge=0, le=253_402_300_799)]  # up to the year 9999
# Half of the integers that each JSON reader keeps exact.  A program that counts on from a
# number of somebody else must not exceed it: everybody would refuse the result.
COUNT_MOST = 2**52
Count = Annotated[int, Meta(ge=0, le=COUNT_MOST)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Host = Annotated[str, Meta(max_length=255)]


class Status(Enum):
    """The status of a user: may they be disturbed?"""

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
    has registered: do not come back), BANNED (by the operator, with the reason),
    DRAINING (nobody comes in at this moment: come back), NOTE (it came too soon after
    others; the status counts), REFUSED.
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
