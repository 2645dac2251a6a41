"""Tell users where we see others, as far as they can reach them there."""

from directory_server.community.backlogs import UserLink
from directory_server.core import spots
from directory_server.core.addresses import is_loopback
from directory_server.core.registry import Place, User
from shared.messages.spots import Knocks


def seen_host(place: Place, asker: UserLink) -> str:
    """Return the address at which an asker reaches a user, unless that one advertises another."""
    if is_loopback(place.address) and not is_loopback(asker.wire.remote.host):
        # They are on the directory's own machine, which the asker reaches at this address.
        return asker.wire.local.host
    return place.address


def pass_knock(caller: User, callee: UserLink) -> None:
    """Tell a callee where we see a caller who wants to be dialled."""
    seen = seen_host(caller.place, callee)
    there = spots.of_caller(caller.place, seen, callee.wire.remote.host)
    callee.post(Knocks(caller.name, there))
