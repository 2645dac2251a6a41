"""How a link came about is told by the spot that was dialled."""

import pytest

from peer.core.reach.link_way import LinkWay, dialled_at
from shared.messages.spots import SpotKind


@pytest.mark.parametrize("kind", [*SpotKind, "LATER"])
def test_only_a_mapped_spot_is_a_port_of_their_router(kind: str) -> None:
    is_mapped = kind == SpotKind.MAPPED
    assert dialled_at(kind) is (LinkWay.MAPPED if is_mapped else LinkWay.DIALLED)
