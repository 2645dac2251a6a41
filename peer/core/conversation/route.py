"""The way by which a member of my conversation is reached."""

from typing import Final

from msgspec import Struct

DIRECT: Final = "direct"  # over our own link


class Route(Struct, frozen=True):
    name: str
    through: str  #: DIRECT, a member who hands texts on, or "" when out of reach
    lost_since: float | None  #: seconds since 1970
    round_trip: float | None  #: seconds
    is_verified: bool = False  #: the words of their key were compared
