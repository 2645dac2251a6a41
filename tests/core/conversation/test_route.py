"""A route says one way, whatever a user is called."""

import pytest

from peer.core.conversation.route import DIRECT, Route
from peer.core.reach.link_way import LinkWay


@pytest.mark.parametrize("way", LinkWay)
def test_a_link_of_ours_is_direct(way: LinkWay) -> None:
    route = Route("dave", link_way=way)
    assert (route.is_direct, route.is_reached, route.way) == (True, True, way.value)


@pytest.mark.parametrize("through", ["erin", DIRECT, "they_dialled"])
def test_who_is_reached_through_another_is_not_linked(through: str) -> None:
    route = Route("dave", through)
    assert (route.is_direct, route.is_reached, route.way) == (False, True, "through")


def test_who_is_out_of_reach_has_no_way() -> None:
    route = Route("dave", lost_since=7.0)
    assert (route.is_direct, route.is_reached, route.way) == (False, False, "")
