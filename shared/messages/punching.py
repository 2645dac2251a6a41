"""Open a way between two users from both sides at once, where neither can dial the other.

Each dials the directory from a local port of its own (HERE), which tells each where it sees
the other's (GO).  Then both dial from these ports.
"""

from typing import Annotated

from msgspec import Meta

from shared.messages.common import Answer, Message, Name, Port, Request
from shared.messages.spots import Spots

MEETING_BYTES = 16  # random, of a token
MeetingToken = Annotated[bytes, Meta(min_length=MEETING_BYTES, max_length=MEETING_BYTES)]


class Punch(Request, frozen=True):
    """I want to open a way to this user, from both sides.  Answered by PUNCHING."""

    name: Annotated[str, Meta(max_length=256)]


class Punching(Answer, frozen=True):
    """Say HERE with this token, once.  Nothing tells whether the other one will."""

    token: MeetingToken
    first: Name  # of the two: the client of TLS, who also says IAM


class Punches(Message, frozen=True):
    """This user wants to open a way: say HERE with this token."""

    token: MeetingToken
    name: Name
    first: Name


class Here(Message, frozen=True):
    """I am there, at the address where you see this connection.

    It is the first message of a new connection, instead of IAM; the certificate of the
    connection says who I am.  It is no registration.
    """

    token: MeetingToken
    port: Port = 0  # of this connection on my own machine: a router may have changed it


class Go(Message, frozen=True):
    """Both are there, and the other one is at these spots: dial now."""

    token: MeetingToken
    spots: Spots
