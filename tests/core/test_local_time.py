"""Times as a person reads them (`peer.core.local_time`)."""

import pytest

from peer.core.local_time import lasting, local_time


@pytest.mark.parametrize("seconds", [0.0, 253_402_300_799.0, -1e300, float("nan"), float("inf")])
def test_any_time_can_be_shown(seconds: float) -> None:
    assert len(f"{local_time(seconds):%Y-%m-%d %H:%M}") == 16


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_199, "120 min"),
        (7_200, "2 h"),
        (1e6, "278 h"),
    ],
)
def test_a_duration_is_told_in_its_largest_unit(seconds: float, said: str) -> None:
    assert lasting(seconds) == said
