"""The ways by which a link to a user comes about."""

from enum import StrEnum

from shared.messages.spots import SpotKind


class LinkWay(StrEnum):
    DIALLED = "direct"  #: I dialled them
    DIALLED_BY_THEM = "they_dialled"
    PUNCHED = "both_sides"  #: both of us dialled at the same moment
    MAPPED = "router_mapping"  #: I dialled a port of their router, which leads to them


def dialled_at(kind: str) -> LinkWay:
    """Return the way of a link that I dialled at a spot of this kind."""
    return LinkWay.MAPPED if kind == SpotKind.MAPPED else LinkWay.DIALLED
