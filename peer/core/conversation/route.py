"""The way by which another user is reached."""

from typing import Final

from msgspec import Struct

from peer.core.reach.link_way import LinkWay

DIRECT: Final = "direct"  # over our own link; among the ids of members, none of which is this


class Route(Struct, frozen=True):
    """A user, and how they are reached; anybody may be called "direct", so no name says it."""

    name: str
    through: str = ""  #: the member who hands texts on, if there is no link of ours
    lost_since: float | None = None  #: seconds since 1970
    round_trip: float | None = None  #: seconds
    is_verified: bool = False  #: the words of their key were compared
    link_way: LinkWay | None = None  #: of our own link; None: there is none

    @property
    def is_direct(self) -> bool:
        return self.link_way is not None

    @property
    def is_reached(self) -> bool:
        return self.is_direct or bool(self.through)

    @property
    def way(self) -> str:
        """A word for programs; "" when out of reach."""
        if self.link_way is not None:
            return self.link_way.value
        return "through" if self.through else ""
