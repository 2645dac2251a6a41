"""How often users may make others do something (`directory_server.core.pair_limits`)."""

import pytest

from directory_server.core.pair_limits import Limit, PairLimits
from shared.errors import Refused

HERE, THERE = "198.51.100.1", "198.51.100.2"
MANY = Limit(100, 1.0)


@pytest.mark.parametrize("place", range(4))
def test_each_limit_counts_and_one_that_is_refused_costs_nothing(place: int) -> None:
    limits = [MANY] * 4
    limits[place] = Limit(2, 10.0)
    paces = PairLimits(*limits, refusal="too often")
    paces.take("carol", HERE, "dave", 0.0)
    paces.take("carol", HERE, "dave", 0.0)
    for _ in range(50):
        with pytest.raises(Refused, match="too often") as no:
            paces.take("carol", HERE, "dave", 0.0)
        assert no.value.code == "LIMIT"
    paces.take("carol", HERE, "dave", 10.0)
    paces.take("erin", THERE, "frank", 0.0)
