"""How much of the directory one address, or one user, may take."""

from directory_server.core.limits import strangers_at_most, users_at_most
from shared.bucket import TokenBucket


def test_strangers_get_at_most_a_quarter() -> None:
    assert (strangers_at_most(100), users_at_most(100)) == (25, 75)
    assert (strangers_at_most(20_000), users_at_most(20_000)) == (1_024, 18_976)


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=10, burst=20, now=0)
    assert bucket.take(20, now=0) == 0
    assert bucket.take(5, now=0) == 0.5
    assert bucket.take(0, now=0.5) == 0
    assert bucket.take(10, now=0.5) == 1.0


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = TokenBucket(rate=10, burst=20, now=0)
    assert bucket.take(30, now=1_000) == 1.0
