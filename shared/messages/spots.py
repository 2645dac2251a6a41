"""The spots at which a user's program may be reached, and the wish to be dialled there."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.messages.common import Host, Message, Name, Port, Request, Word

SPOTS = 8  # of one user: nobody has more ways to one machine


class SpotKind(StrEnum):
    """Why a program may be there.  Kinds that a program does not know are ignored."""

    SAID = "SAID"  #: the user says so, with --advertise
    MAPPED = "MAPPED"  #: a router sends on to them what comes to this port of its own
    SEEN = "SEEN"  #: the directory sees them at this host
    LAN = "LAN"  #: on their own network; told only to those who are in the same one
    GLOBAL6 = "GLOBAL6"  #: an IPv6 address of theirs that is good everywhere


class Spot(msgspec.Struct, frozen=True, array_like=True):
    """One address of one program: a host, a port, and a kind."""

    host: Host
    port: Port
    kind: Word


Spots = Annotated[tuple[Spot, ...], Meta(max_length=SPOTS)]


class Knock(Request, frozen=True):
    """Tell this user where I am, and that I want to be dialled.  Answered by DONE.

    Nothing says whether they will: they may ignore me, or be as hard to reach as I am.
    """

    name: Annotated[str, Meta(max_length=256)]


class Knocks(Message, frozen=True):
    """This user wants to be dialled: there, and nowhere else, whatever CONTACT says."""

    name: Name
    spots: Spots
