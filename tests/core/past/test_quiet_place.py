"""How loud a place is, as it is kept (`peer.core.past.quiet_place`)."""

import pytest

from peer.commands.grammar import Loud
from peer.core.past.quiet_place import QuietPlace


@pytest.mark.parametrize("loud", Loud)
def test_a_place_is_read_as_it_was_written(loud: Loud) -> None:
    place = QuietPlace("dave", loud)
    assert QuietPlace.read("dave", place.word) == place
    assert place.is_usual == (loud is Loud.SHOWN)
    assert place.is_only_counted == (loud is Loud.HELD)
