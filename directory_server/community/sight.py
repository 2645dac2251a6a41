"""Tell users where we see others, as far as they can reach them there."""

from directory_server.community.backlogs import UserLink
from directory_server.core import spots
from directory_server.core.addresses import is_loopback
from directory_server.core.punching.meetings import Sight
from directory_server.core.registry import Place, User
from shared.messages.punching import Go
from shared.messages.spots import Knocks, Spot, SpotKind


def seen_host(place: Place, asker: UserLink) -> str:
    """Return the address at which an asker reaches a user, unless that one advertises another."""
    return _reached(place.address, asker)


def _reached(address: str, asker: UserLink) -> str:
    if is_loopback(address) and not is_loopback(asker.wire.remote.host):
        # They are on the directory's own machine, which the asker reaches at this address.
        return asker.wire.local.host
    return address


def pass_knock(caller: User, callee: UserLink) -> None:
    """Tell a callee where we see a caller who wants to be dialled."""
    seen = seen_host(caller.place, callee)
    there = spots.of_caller(caller.place, seen, callee.wire.remote.host)
    callee.post(Knocks(caller.name, there))


def say_go(token: bytes, other: User, sight: Sight, link: UserLink) -> None:
    """Tell a user who has come to a meeting where the other one, who has come too, is."""
    seen = Spot(_reached(sight.host, link), sight.port, SpotKind.SEEN)
    there = spots.of_meeting(other.place, seen, sight.inner, link.wire.remote.host)
    link.post(Go(token, there))
