"""Which way is tried when, and what is said in the end (`peer.core.reach.ladder`)."""

from peer.core.reach.ladder import (
    ANSWER_SECONDS,
    ANSWER_TRIPS,
    BACK_SECONDS,
    GIVE_UP_SECONDS,
    KNOCK_AFTER,
    KNOCK_AGAIN_AFTER,
    PUNCH_AFTER,
    Knocked,
    Ladder,
)
from shared.errors import NoRoute, SaysNo, Unreachable
from shared.messages.spots import Spot

ONE, OTHER = Spot("203.0.113.7", 40_112, "SEEN"), Spot("192.168.1.7", 40_112, "LAN")
SIX = Spot("2001:db8::7", 40_112, "GLOBAL6")
BEGUN = 100.0


def ladder(*spots: Spot, may_knock: bool = True, may_punch: bool = False) -> Ladder:
    return Ladder("dave", spots or (ONE,), BEGUN, may_knock=may_knock, may_punch=may_punch)


def is_over(one: Ladder, now: float) -> bool:
    return one.rests_until() <= now


# --- When -------------------------------------------------------------------------


def test_who_does_not_answer_at_once_is_knocked_at_once() -> None:
    one = ladder(ONE, OTHER)
    assert one.spots == (ONE, OTHER)
    assert one.rests_until() == BEGUN + KNOCK_AFTER
    assert not one.knocks(BEGUN + 0.2)
    assert one.knocks(BEGUN + KNOCK_AFTER)
    assert not one.knocks(BEGUN + KNOCK_AFTER)
    one.knocked(BEGUN + 0.4, BEGUN + 0.4, Knocked.SENT)
    assert one.rests_until() == BEGUN + GIVE_UP_SECONDS, "a dial may still succeed"


def test_a_refusal_is_answered_by_a_knock_without_a_pause() -> None:
    one = ladder()
    one.failed(ONE, SaysNo("no"))
    one.dials_are_over(BEGUN + 0.01)
    assert one.rests_until() == BEGUN + 0.01
    assert one.knocks(BEGUN + 0.01)
    assert one.rests_until() == BEGUN + GIVE_UP_SECONDS, "the directory has not answered"
    one.knocked(BEGUN + 0.02, BEGUN + 0.02, Knocked.SENT)
    assert one.rests_until() == BEGUN + 0.02 + ANSWER_SECONDS


def test_dials_that_fail_late_leave_time_for_a_knock_that_is_out() -> None:
    one = ladder()
    assert one.knocks(BEGUN + KNOCK_AFTER)
    one.dials_are_over(BEGUN + 0.4)
    one.knocked(BEGUN + 9.0, BEGUN + 9.0, Knocked.SENT)
    assert one.rests_until() == BEGUN + GIVE_UP_SECONDS


def test_without_a_knock_it_ends_with_the_last_dial() -> None:
    one = ladder(may_knock=False)
    assert one.rests_until() == BEGUN + GIVE_UP_SECONDS
    assert not one.knocks(BEGUN + 5.0)
    one.dials_are_over(BEGUN + 5.0)
    assert is_over(one, BEGUN + 5.0)


def test_a_knock_that_is_not_taken_is_not_waited_for() -> None:
    one = ladder()
    one.dials_are_over(BEGUN)
    assert one.knocks(BEGUN)
    one.knocked(BEGUN + 0.1, BEGUN + 0.1, Knocked.FAILED)
    assert is_over(one, BEGUN + 0.1)


def test_over_a_slow_line_the_other_has_longer_to_dial() -> None:
    one = ladder()
    one.dials_are_over(BEGUN)
    assert one.knocks(BEGUN)
    one.knocked(BEGUN, BEGUN + 0.5, Knocked.SENT)
    assert one.rests_until() == BEGUN + 0.5 + 0.5 * ANSWER_TRIPS


def test_a_knock_that_came_too_soon_is_repeated_once() -> None:
    """Somebody who has tried before is reached all the same."""
    one = ladder()
    assert one.knocks(BEGUN + KNOCK_AFTER)
    one.knocked(BEGUN + 0.4, BEGUN + 0.4, Knocked.TOO_SOON)
    one.dials_are_over(BEGUN + 1.0)
    again = BEGUN + 0.4 + KNOCK_AGAIN_AFTER
    assert one.rests_until() == again
    assert not one.knocks(again - 0.1)
    assert one.knocks(again)
    one.knocked(again, again, Knocked.TOO_SOON)
    assert is_over(one, again)


def test_an_answer_to_a_knock_takes_no_longer_than_the_caller_waits() -> None:
    one = Ladder("dave", (ONE,), BEGUN, is_answer=True)
    assert one.is_answer
    assert one.rests_until() == BEGUN + BACK_SECONDS
    assert not one.knocks(BEGUN + BACK_SECONDS)


def test_whom_no_knock_brings_is_met_halfway() -> None:
    one = ladder(may_punch=True)
    assert one.knocks(BEGUN + KNOCK_AFTER)
    one.knocked(BEGUN + 0.4, BEGUN + 0.4, Knocked.SENT)
    assert one.rests_until() == BEGUN + PUNCH_AFTER
    assert not one.punches(BEGUN + PUNCH_AFTER - 0.1)
    assert one.punches(BEGUN + PUNCH_AFTER)
    assert not one.punches(BEGUN + PUNCH_AFTER)
    one.dials_are_over(BEGUN + 2.0)
    assert one.rests_until() == BEGUN + GIVE_UP_SECONDS, "it may take all the time there is"
    one.punch_is_over(came_alone=True)
    assert one.rests_until() == BEGUN + 0.4 + ANSWER_SECONDS


def test_it_is_met_halfway_though_no_knock_was_taken() -> None:
    one = ladder(may_punch=True)
    one.failed(ONE, SaysNo("no"))
    one.dials_are_over(BEGUN)
    assert one.knocks(BEGUN)
    one.knocked(BEGUN + 0.1, BEGUN + 0.1, Knocked.FAILED)
    assert one.rests_until() == BEGUN + PUNCH_AFTER
    assert one.punches(BEGUN + PUNCH_AFTER)
    one.punch_is_over(came_alone=False)
    assert is_over(one, BEGUN + 1.6)


def test_it_is_met_halfway_anew_when_the_directory_comes_back() -> None:
    one = ladder(may_knock=False, may_punch=True)
    assert one.punches(BEGUN + PUNCH_AFTER)
    one.directory_is_back(BEGUN + 2.0)
    assert not one.punches(BEGUN + 2.0), "they are being met"
    one.punch_is_over(came_alone=True)
    one.directory_is_back(BEGUN + 3.0)
    assert one.rests_until() == BEGUN + 3.0
    assert one.punches(BEGUN + 3.0)
    one.met((OTHER,))
    one.punch_is_over(came_alone=False)
    one.directory_is_back(BEGUN + 4.0)
    assert not one.punches(BEGUN + 4.0), "both dialled, in vain"


def test_a_dial_has_a_moment_before_the_directory_that_is_back_is_asked() -> None:
    one = ladder(may_knock=False)
    one.directory_is_back(BEGUN)
    assert not one.punches(BEGUN + KNOCK_AFTER - 0.1)
    assert one.punches(BEGUN + KNOCK_AFTER)


# --- What is said -----------------------------------------------------------------


def test_all_refuse() -> None:
    one = ladder(ONE, OTHER)
    one.failed(ONE, SaysNo("a"))
    one.failed(OTHER, SaysNo("b"))
    assert one.cause(is_old=False) == (
        "dave's machine says no at 203.0.113.7:40112 (a firewall that rejects, or the program is"
        " just ending)"
    )


def test_nothing_comes_through_in_either_direction() -> None:
    one = ladder(OTHER, SIX)
    one.failed(OTHER, SaysNo("a"))
    assert one.cause(is_old=False) == "no connection to [2001:db8::7]:40112 within 10 seconds"
    assert one.knocks(BEGUN + 1.0)
    one.knocked(BEGUN + 1.0, BEGUN + 1.0, Knocked.SENT)
    assert one.cause(is_old=False) == (
        "nothing comes through to [2001:db8::7]:40112, and dave does not come through to you:"
        " firewalls on both sides"
    )


def punched(*met: Spot, came_alone: bool = False) -> Ladder:
    one = ladder(ONE, may_punch=True)
    assert one.punches(BEGUN + PUNCH_AFTER)
    if met:
        one.met(met)
    one.punch_is_over(came_alone=came_alone)
    return one


def test_a_directory_that_opens_no_way_just_now_is_quoted() -> None:
    one = ladder(ONE, may_punch=True)
    assert one.knocks(BEGUN + 1.0)
    one.knocked(BEGUN + 1.0, BEGUN + 1.0, Knocked.SENT)
    assert one.punches(BEGUN + PUNCH_AFTER)
    one.punch_is_over(refusal="wait a moment")
    said = "the directory opens no way from both sides just now (wait a moment)"
    assert one.cause(is_old=False) == said
    one.failed(ONE, SaysNo("a"))
    assert one.cause(is_old=False).startswith("dave's machine says no at")


def test_a_way_from_both_sides_fails() -> None:
    alone = punched(came_alone=True)
    assert alone.cause(is_old=False) == "dave's program does not answer the directory"
    alone.failed(ONE, SaysNo("a"))
    assert alone.cause(is_old=False).startswith("dave's machine says no at")
    assert punched().cause(is_old=False).startswith("no connection to 203.0.113.7:40112")
    assert punched(OTHER).cause(is_old=False).startswith("no connection to 192.168.1.7:40112")
    assert punched(OTHER, ONE).cause(is_old=False) == (
        "both routers translate addresses, and one of them takes another port for each target:"
        " no direct way on IPv4 (DOCTOR)"
    )
    assert "firewalls" not in punched(SIX).cause(is_old=False), "nobody knocked"
    assert punched(SIX).cause(is_old=False).startswith("no connection to [2001:db8::7]:40112")


def test_the_furthest_that_anybody_got_is_told_each_once() -> None:
    one = ladder(ONE, OTHER, SIX)
    one.failed(OTHER, Unreachable("somebody else answers there"))
    one.failed(SIX, Unreachable("somebody else answers there"))
    assert one.cause(is_old=True) == "somebody else answers there"


def test_the_other_family_of_addresses() -> None:
    one = ladder(SIX)
    one.failed(SIX, NoRoute("network is unreachable"))
    assert one.cause(is_old=False) == "this machine has no IPv6, and dave has only that"
    both = ladder(SIX, ONE)
    both.failed(SIX, NoRoute("network is unreachable"))
    both.failed(ONE, NoRoute("network is unreachable"))
    assert both.cause(is_old=False) == "network is unreachable"


def test_old_spots() -> None:
    one = ladder()
    assert one.cause(is_old=True) == "the directory is gone, and dave is not where dave was"


def test_no_spot_at_all() -> None:
    assert Ladder("dave", (), BEGUN, may_knock=False).cause(is_old=False) == (
        "there is no address to dial"
    )
