"""How often the directory dials back, and what it concludes."""

import pytest

from directory_server.core.probes.port_tests import (
    AT_ONCE,
    NETWORK_AT_ONCE,
    USER_AT_ONCE,
    USER_SECONDS,
    PortTests,
    met,
    not_met,
)
from shared.errors import NoRoute, NotOurs, Refused, SaysNo, Unreachable
from shared.messages.probes import Outcome
from tests.kit.world import Authority

HERE = "198.51.100.1"


def is_begun(tests: PortTests, user: str, now: float, at: str = HERE) -> bool:
    try:
        tests.begin(user, at, now)
    except Refused as no:
        return no.code != "LIMIT"
    tests.end()
    return True


def test_a_user_asks_six_times_in_any_minute_at_most() -> None:
    tests = PortTests()
    begun = [now for now in range(0, 600) if is_begun(tests, "mallory", now)]
    assert begun[:USER_AT_ONCE] == list(range(USER_AT_ONCE))
    assert all(sum(now <= one < now + 60 for one in begun) <= 6 for now in range(600))
    assert is_begun(tests, "dave", 600.0)


def test_whoever_waits_may_ask_again() -> None:
    tests = PortTests()
    for _ in range(USER_AT_ONCE):
        assert is_begun(tests, "carol", 0.3)
    assert not is_begun(tests, "carol", 0.3)
    assert is_begun(tests, "carol", 0.3 + USER_SECONDS)


def test_many_names_of_one_address_ask_no_more_than_a_class() -> None:
    tests = PortTests()
    assert sum(is_begun(tests, f"mallory{n}", 0.0) for n in range(1_000)) == NETWORK_AT_ONCE
    assert is_begun(tests, "dave", 0.0, at="198.51.100.2")


def test_only_some_run_at_once() -> None:
    tests = PortTests()
    for number in range(AT_ONCE):
        tests.begin(f"user{number}", f"10.0.0.{number}", 0.0)
    with pytest.raises(Refused, match="of others just now") as refused:
        tests.begin("carol", HERE, 0.0)
    assert refused.value.code == "LIMIT"
    tests.end()
    tests.begin("carol", HERE, 0.0)


def test_only_the_key_of_the_user_is_open() -> None:
    authority, another = Authority(), Authority(1)
    carol, shown = authority.user("carol")
    dave, _ = authority.user("dave")
    ours = authority.certificate
    assert met(shown.certificate, ours, carol.public) is Outcome.OPEN
    assert met(shown.certificate, ours, dave.public) is Outcome.OTHER
    assert met(another.certify("carol", carol.public), ours, carol.public) is Outcome.OTHER
    assert met(None, ours, carol.public) is Outcome.OTHER
    assert met(b"junk", ours, carol.public) is Outcome.OTHER
    town_hall = authority.directory()
    key = town_hall.key.public_key().public_bytes_raw()
    assert met(town_hall.certificate, ours, key) is Outcome.OTHER


def test_an_old_certificate_shows_the_port_open_all_the_same() -> None:
    authority = Authority()
    carol = authority.identity()
    old = authority.certify("carol", carol.public, now=1_600_000_000.0)
    assert met(old, authority.certificate, carol.public) is Outcome.OPEN


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (SaysNo("no"), Outcome.REFUSED), (NoRoute("no route"), Outcome.REFUSED),
        (Unreachable("no route to host"), Outcome.REFUSED), (NotOurs("no TLS"), Outcome.OTHER),
    ],
)  # fmt: skip
def test_a_failure_tells_what_is_there(failure: Unreachable, outcome: Outcome) -> None:
    assert not_met(failure) is outcome
