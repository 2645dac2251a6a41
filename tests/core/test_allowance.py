"""How much of my disk each author fills in a day (`peer.core.allowance`)."""

from peer.core.allowance import BYTES_A_DAY, Allowance, Ruling, day_of

NOON = 20_000 * 86_400.0 + 43_200
HALF = BYTES_A_DAY // 2


def test_half_of_it_is_told_once_and_the_whole_is_asked_once() -> None:
    allowance = Allowance()
    assert allowance.judge("dave", HALF - 1, NOON) is Ruling.TAKE
    assert allowance.judge("dave", 1, NOON) is Ruling.TAKE_AND_TELL
    assert allowance.judge("Dave", HALF, NOON) is Ruling.TAKE
    assert allowance.judge("dave", 1, NOON) is Ruling.ASK
    assert allowance.judge("dave", 1, NOON) is Ruling.WAIT
    assert allowance.taken("DAVE", NOON) == ("dave", day_of(NOON), BYTES_A_DAY)
    assert allowance.judge("erin", 1, NOON) is Ruling.TAKE


def test_a_yes_allows_as_much_again() -> None:
    allowance = Allowance([("dave", day_of(NOON), BYTES_A_DAY)])
    assert allowance.judge("dave", 1, NOON) is Ruling.ASK
    allowance.allow_more("dave", NOON)
    assert allowance.judge("dave", HALF - 1, NOON) is Ruling.TAKE
    assert allowance.judge("dave", 1, NOON) is Ruling.TAKE_AND_TELL
    assert allowance.judge("dave", HALF, NOON) is Ruling.TAKE
    assert allowance.judge("dave", 1, NOON) is Ruling.ASK


def test_the_next_day_begins_anew() -> None:
    allowance = Allowance([("dave", day_of(NOON), BYTES_A_DAY)])
    assert allowance.judge("dave", 1, NOON + 86_400) is Ruling.TAKE
