"""Names the members in an event by what the user reads for them.  A core."""

from collections.abc import Callable

from msgspec.structs import replace

from peer.events import (
    BackInConversation,
    Connected,
    Delivered,
    Event,
    InRoom,
    MemberBack,
    MemberJoined,
    MemberLeft,
    MemberLost,
    NotDelivered,
    NotYetDelivered,
    OutOfReach,
    Said,
    SaidDifferently,
)


def in_room(event: Event, room: str) -> Event:
    """Return the event with the name that the user reads for the room of mine it happened in."""
    return replace(event, room=room) if room and "room" in event.__struct_fields__ else event


def as_called(event: Event, read: Callable[[str], str]) -> Event:
    """Return the event with its members named by what the user reads for them."""
    match event:
        case Said(sender=member):
            return replace(event, sender=read(member))
        case MemberJoined(name=member) | MemberLost(name=member) | MemberBack(name=member):
            return replace(event, name=read(member))
        case MemberLeft(name=member):
            return replace(event, name=read(member))
        case SaidDifferently(author=author, to=member):
            return replace(event, author=read(author), to=read(member) if member else "")
        case Delivered(to=member) | NotYetDelivered(to=member) | NotDelivered(to=member):
            return replace(event, to=read(member))
        case (
            Connected(others=members)
            | BackInConversation(others=members)
            | OutOfReach(others=members)
            | InRoom(others=members)
        ):
            return replace(event, others=tuple(map(read, members)))
    return event
