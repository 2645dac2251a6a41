"""Names that nobody owns any more, while a certificate still speaks for them."""

from directory_server.core.tombstones import DAY, NO_CERTIFICATE, Tombstone, Tombstones, Validity
from shared.identity import CERTIFICATE_DAYS

LASTING = Validity(100, 100)


def stone(name: str, certified: Validity = LASTING, used: float = 0) -> Tombstone:
    return Tombstone(name, b"k", used, certified)


def test_a_certificate_is_over_when_both_clocks_say_so() -> None:
    validity = Validity(time=100, age=50)
    assert not validity.is_over(time=101, age=50)
    assert not validity.is_over(time=100, age=51)
    assert validity.is_over(time=101, age=51)
    assert NO_CERTIFICATE.is_over(time=1, age=1)


def test_what_is_noted_lasts_for_a_day_of_new_certificates() -> None:
    noted = Validity.of_new(time=1_000, age=10)
    assert noted.time >= 1_000 + CERTIFICATE_DAYS * DAY
    assert noted.covers_new(time=1_000, age=10)
    assert noted.covers_new(time=1_000 + DAY, age=10 + DAY)
    assert not noted.covers_new(time=1_001 + DAY, age=10)
    assert not noted.covers_new(time=1_000, age=11 + DAY)


def test_of_two_certificates_the_longer_one_counts() -> None:
    assert Validity(1, 9).with_other(Validity(5, 2)) == Validity(5, 9)


def test_a_tombstone_covers_what_another_directory_has_certified() -> None:
    assert stone("carol").with_certified(Validity(5, 200)).certified == Validity(100, 200)


def test_a_tombstone_is_found_in_any_spelling_until_it_is_over_or_lifted() -> None:
    stones = Tombstones()
    stones.bury(stone("Carol"))
    assert stones.find("cAROL", 100, 100) == stone("Carol")
    assert stones.find("carol", 101, 101) is None
    assert stones.find("dave", 0, 0) is None
    stones.lift("CAROL")
    stones.lift("dave")
    assert stones.find("carol", 0, 0) is None


def test_what_is_over_is_swept_away() -> None:
    stones = Tombstones()
    stones.bury(stone("carol"))
    stones.bury(stone("dave", Validity(200, 200)))
    assert stones.sweep(101, 101) == ["carol"]
    assert len(stones) == 1


def test_of_too_many_those_go_first_that_were_hardly_used() -> None:
    stones = Tombstones(most=1)
    stones.bury(stone("carol", used=5_000))
    stones.bury(stone("mallory", used=3))
    assert stones.sweep(0, 0) == ["mallory"]
    assert stones.find("carol", 0, 0) is not None
