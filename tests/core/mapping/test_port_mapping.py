"""When the router is asked for a port, and whether what it answers helps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.core.mapping import port_mapping
from peer.core.mapping.actions import (
    Action,
    AskUpnp,
    Mapped,
    NotMapped,
    ReturnUpnp,
    Send,
    Why,
)
from peer.core.mapping.port_mapping import PortMapping
from tests.kit.router_answers import (
    INSIDE,
    NONCE,
    OWN,
    PORT,
    PUBLIC,
    UNKNOWN_VERSION,
    V4,
    nat_pmp_address,
    nat_pmp_mapped,
    pcp_answer,
)

V4_PUBLIC, V4_INSIDE = V4 + PUBLIC, V4 + INSIDE


def mapping() -> PortMapping:
    return PortMapping(PORT, OWN, NONCE, 1.1)


def sent(actions: list[Action]) -> list[bytes]:
    return [action.datagram for action in actions if isinstance(action, Send)]


def told(actions: list[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, Send)]


def lifetime(datagram: bytes) -> int:
    """The lifetime that a request names."""
    at = 4 if datagram[0] == 2 else 8
    return int.from_bytes(datagram[at : at + 4], "big")


def granted(seconds: int = 3_600) -> PortMapping:
    """A mapping that PCP has granted at 0."""
    one = mapping()
    one.begin(0.0)
    assert told(one.heard(pcp_answer(lifetime=seconds, host=V4_PUBLIC), 0.1)) == [Mapped(40_200)]
    return one


# --- Asking ---


def test_pcp_is_asked_first_and_alone() -> None:
    one = mapping()
    (only,) = sent(one.begin(0.0))
    assert only[0] == 2
    assert lifetime(only) == port_mapping.LIFETIME
    assert one.deadline == 0.25


def test_a_silent_router_is_asked_four_times_in_both_languages_then_left_alone() -> None:
    one = mapping()
    one.begin(0.0)
    asked = []
    while not told(actions := one.due(one.deadline)):
        asked.append([datagram[0] for datagram in sent(actions)])
    assert asked == [[2, 0, 0]] * 3
    assert told(actions) == [NotMapped(Why.SILENT)]
    assert one.deadline == 3.75 + port_mapping.PAUSE
    assert [datagram[0] for datagram in sent(one.due(one.deadline))] == [2]  # anew


def test_a_router_that_knows_nat_pmp_only_is_asked_in_it_at_once() -> None:
    one = mapping()
    one.begin(0.0)
    asked = sent(one.heard(UNKNOWN_VERSION, 0.1))
    assert [datagram[0] for datagram in asked] == [0, 0]
    assert told(one.heard(nat_pmp_address(PUBLIC), 0.2)) == []
    assert told(one.heard(nat_pmp_mapped(), 0.2)) == [Mapped(40_200)]
    assert one.external == 40_200


def test_a_router_that_refuses_pcp_may_still_grant_it_in_nat_pmp() -> None:
    one = mapping()
    one.begin(0.0)
    assert len(sent(one.heard(pcp_answer(result=2), 0.1))) == 2
    assert told(one.heard(bytes.fromhex("00 82 0002"), 0.2)) == [NotMapped(Why.REFUSED)]


def test_a_router_that_has_no_address_to_the_world_is_behind_a_second_one() -> None:
    one = mapping()
    one.begin(0.0)
    one.heard(pcp_answer(result=8), 0.1)  # as miniupnpd answers there
    assert told(one.heard(bytes.fromhex("00 82 0003"), 0.2)) == [NotMapped(Why.SECOND_ROUTER)]


def test_a_late_refusal_in_a_language_that_is_not_asked_any_more_changes_nothing() -> None:
    one = mapping()
    one.begin(0.0)
    one.heard(UNKNOWN_VERSION, 0.1)
    assert one.heard(pcp_answer(result=2), 0.2) == []


def test_a_router_that_refuses_nat_pmp_is_left_alone() -> None:
    one = mapping()
    one.begin(0.0)
    one.due(0.25)
    assert one.heard(bytes.fromhex("00 82 0002"), 0.3) == [NotMapped(Why.REFUSED)]


# --- A grant ---


@pytest.mark.parametrize(("seconds", "pause"), [(3_600, 60.0), (80, 40.0)])
def test_a_grant_is_asked_for_again_long_before_its_end(seconds: int, pause: float) -> None:
    one = granted(seconds)
    assert 0.9 * pause <= one.deadline - 0.1 <= 1.1 * pause
    (request,) = sent(one.due(one.deadline))
    assert int.from_bytes(request[42:44], "big") == 40_200  # the port that I have
    assert told(one.heard(pcp_answer(host=V4_PUBLIC), one.deadline)) == []  # nothing new


def test_a_router_that_came_back_with_another_port_is_believed() -> None:
    one = granted()
    one.due(one.deadline)
    again = pcp_answer(external=40_300, host=V4_PUBLIC)
    assert told(one.heard(again, one.deadline)) == [Mapped(40_300)]


@pytest.mark.parametrize("answer", [None, pcp_answer(result=2)])
def test_a_grant_that_is_not_renewed_holds_until_its_end(answer: bytes | None) -> None:
    one = granted(600)
    tellings: list[tuple[float, Action]] = []
    while not tellings:
        now = one.deadline
        actions = one.due(now)
        if answer is not None and sent(actions):
            actions = [*actions, *one.heard(answer, now)]
        tellings += [(now, action) for action in told(actions)]
    assert tellings == [(600.1, NotMapped(Why.SILENT))]
    assert one.external == 0
    assert sent(actions)  # and it is asked for anew at once


def test_at_the_end_it_is_given_back() -> None:
    one = granted()
    assert [lifetime(request) for request in sent(one.end())] == [0]
    assert one.deadline == float("inf")
    assert one.end() == []  # there is nothing left to give
    assert one.heard(pcp_answer(lifetime=0), 1.0) == []


def test_nat_pmp_is_given_back_in_nat_pmp() -> None:
    one = mapping()
    one.begin(0.0)
    one.heard(UNKNOWN_VERSION, 0.1)
    one.heard(nat_pmp_mapped(), 0.2)
    first, *rest = sent(one.end())
    assert first == bytes.fromhex("00 02 0000 9cb0 0000 00000000")
    assert rest == []


# --- Ports that do not help ---


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (pcp_answer(host=V4_INSIDE), Why.SECOND_ROUTER),
        (pcp_answer(external=443, host=V4_PUBLIC), Why.USELESS),
        (pcp_answer(lifetime=20, host=V4_PUBLIC), Why.USELESS),
    ],
)
def test_a_port_that_does_not_help_is_given_back(answer: bytes, why: Why) -> None:
    one = mapping()
    one.begin(0.0)
    actions = one.heard(answer, 0.1)
    assert [lifetime(request) for request in sent(actions)] == [0]
    assert told(actions) == [NotMapped(why)]
    assert one.deadline == 0.1 + port_mapping.PAUSE


@pytest.mark.parametrize("first", ["address", "port"])
def test_behind_two_routers_nat_pmp_does_not_help_whichever_answer_comes_first(first: str) -> None:
    one = mapping()
    one.begin(0.0)
    one.heard(UNKNOWN_VERSION, 0.1)
    answers = [nat_pmp_address(INSIDE), nat_pmp_mapped()]
    tellings = []
    for answer in answers if first == "address" else reversed(answers):
        tellings += told(one.heard(answer, 0.2))
    assert tellings[-1] == NotMapped(Why.SECOND_ROUTER)
    assert one.external == 0


# --- Somebody who lies ---


def test_an_answer_that_nobody_asked_for_is_none() -> None:
    one = mapping()
    assert one.heard(pcp_answer(host=V4_PUBLIC), 0.0) == []
    one.begin(0.0)
    for _ in range(port_mapping.ANSWERS):
        one.heard(nat_pmp_mapped(), 0.1)
    assert one.heard(nat_pmp_mapped(50_000), 0.1) == []


def test_a_taken_port_that_was_never_asked_to_be_is_no_news() -> None:
    one = mapping()
    one.begin(0.0)
    assert one.heard(pcp_answer(lifetime=0), 0.1) == []


ANSWERS = [
    pcp_answer(host=V4_PUBLIC), pcp_answer(result=1), pcp_answer(result=8),
    pcp_answer(host=V4_INSIDE), pcp_answer(lifetime=1, host=V4_PUBLIC), nat_pmp_mapped(),
    nat_pmp_mapped(1), nat_pmp_mapped(50_000, 61), nat_pmp_address(PUBLIC),
    nat_pmp_address(INSIDE), UNKNOWN_VERSION, bytes.fromhex("00 82 0002"),
]  # fmt: skip


@given(
    st.lists(
        st.one_of(st.just(None), st.binary(max_size=70), st.sampled_from(ANSWERS)), max_size=60
    )
)
def test_whatever_a_router_says_little_is_asked_and_told(answers: list[bytes | None]) -> None:
    """A minute costs at most a handful of datagrams, and the deadline always lies ahead."""
    one, now, count, changes = mapping(), 0.0, 0, 0
    actions = one.begin(now)
    for answer in answers:
        if answer is None:
            now = one.deadline
            actions += one.due(now)
        else:
            actions += one.heard(answer, now)
        assert one.deadline > now
        told_port = [action for action in told(actions) if isinstance(action, Mapped)]
        assert not one.external or told_port[-1].port == one.external
    count, changes = len(sent(actions)), len(told(actions))
    minutes = now / 60 + 1
    assert count <= 40 * minutes
    assert changes <= 10 * minutes


# --- UPnP ---


def silent() -> tuple[PortMapping, float]:
    """A mapping whose router has not answered until UPnP is asked, and that moment."""
    one = PortMapping(PORT, OWN, NONCE, 1.1, has_upnp=True)
    one.begin(0.0)
    while AskUpnp(PORT, port_mapping.LIFETIME) not in one.due(now := one.deadline):
        assert now < port_mapping.UPNP_AFTER
    return one, now


def by_upnp() -> PortMapping:
    """A mapping that UPnP has granted at 3."""
    one, _ = silent()
    assert one.upnp_granted(PORT, "8.8.8.8", 3.0) == [Mapped(PORT)]
    return one


def test_upnp_is_asked_after_two_seconds_of_silence_only() -> None:
    assert silent()[1] == port_mapping.UPNP_AFTER
    one = PortMapping(PORT, OWN, NONCE, 1.1, has_upnp=True)
    one.begin(0.0)
    one.heard(nat_pmp_address(PUBLIC), 0.1)
    while not told(actions := one.due(one.deadline)):
        assert one.deadline < 10
    assert told(actions) == [NotMapped(Why.SILENT)], "it is there, and does not map"


def test_what_upnp_grants_is_asked_for_again_and_given_back() -> None:
    one = by_upnp()
    for _ in range(3):
        now = one.deadline
        assert one.due(now) == [AskUpnp(PORT, port_mapping.LIFETIME)]
        assert one.upnp_granted(PORT, "8.8.8.8", now + 1) == []
        assert one.deadline == now + 1 + port_mapping.RENEWAL_SECONDS * 1.1
    assert one.heard(nat_pmp_mapped(), now) == [], "it is not asked any more"
    assert one.end() == [ReturnUpnp(PORT)]
    assert one.external == 0
    assert one.end() == []


def test_another_port_at_a_renewal_replaces_the_first_one() -> None:
    one = by_upnp()
    one.due(one.deadline)
    assert one.upnp_granted(PORT + 1, "", 70.0) == [ReturnUpnp(PORT), Mapped(PORT + 1)]


def test_a_renewal_by_upnp_that_fails_costs_the_port_at_its_end_only() -> None:
    one = by_upnp()
    ends = 3.0 + port_mapping.LIFETIME
    while (now := one.deadline) < ends:
        assert one.due(now) == [AskUpnp(PORT, port_mapping.LIFETIME)]
        assert one.upnp_failed(now) == []
        assert one.external == PORT
    actions = one.due(now)
    assert told(actions) == [NotMapped(Why.SILENT)]
    assert sent(actions), "all is asked anew"


def test_a_renewal_by_upnp_that_never_answers_is_made_again() -> None:
    one = by_upnp()
    first = one.deadline
    one.due(first)
    assert one.deadline == first + port_mapping.UPNP_SECONDS
    assert one.due(one.deadline) == [AskUpnp(PORT, port_mapping.LIFETIME)]


@pytest.mark.parametrize(
    ("port", "host", "why"),
    [
        (80, "8.8.8.8", Why.USELESS),
        (PORT, "100.64.0.7", Why.SECOND_ROUTER),
        (PORT, "192.168.0.2", Why.SECOND_ROUTER),
    ],
)
def test_a_port_of_upnp_that_does_not_help_is_given_back(port: int, host: str, why: Why) -> None:
    one, now = silent()
    assert one.upnp_granted(port, host, now) == [ReturnUpnp(port), NotMapped(why)]
    assert one.deadline == now + port_mapping.PAUSE
    assert one.external == 0


def test_a_port_that_may_be_forgotten_is_asked_for_at_once() -> None:
    one = granted()
    assert [lifetime(each) for each in sent(one.doubt(5.0))] == [3_600]
    assert told(one.heard(pcp_answer(external=40_300, host=V4_PUBLIC), 5.1)) == [Mapped(40_300)]


def test_a_port_of_upnp_that_may_be_forgotten_is_asked_for_once() -> None:
    one = by_upnp()
    assert one.doubt(5.0) == [AskUpnp(PORT, port_mapping.LIFETIME)]
    assert one.doubt(5.5) == []


def test_who_has_no_port_doubts_none() -> None:
    one = mapping()
    assert one.doubt(0.0) == []


def test_without_an_answer_by_upnp_there_is_a_pause() -> None:
    one, now = silent()
    assert one.upnp_failed(now) == [NotMapped(Why.ALL_SILENT)]
    assert one.deadline == now + port_mapping.PAUSE
    assert one.upnp_failed(now) == []
    one, now = silent()
    assert one.deadline == now + port_mapping.UPNP_SECONDS
    assert one.due(one.deadline) == [NotMapped(Why.SILENT)]
    assert one.upnp_granted(PORT, "", now + 60) == [ReturnUpnp(PORT)], "it comes too late"


@pytest.mark.parametrize(("port", "returned"), [(40_200, []), (PORT, [ReturnUpnp(PORT)])])
def test_a_router_that_answers_late_is_asked_for_one_port_only(
    port: int, returned: list[Action]
) -> None:
    one, now = silent()
    assert told(one.heard(nat_pmp_mapped(), now)) == [Mapped(40_200)]
    assert one.upnp_granted(port, "", now + 1) == returned
    assert one.external == 40_200
    assert sent(one.due(one.deadline)), "it is asked in its own language"


def test_a_late_answer_stands_though_upnp_fails() -> None:
    one, now = silent()
    one.heard(nat_pmp_mapped(), now)
    assert sent(one.due(one.deadline)), "UPnP has not answered yet"
    assert one.upnp_failed(now + 70) == []
    assert one.external == 40_200


def test_after_a_pause_upnp_has_another_turn() -> None:
    """The router may have been starting, like this machine, after a power cut."""
    one, now = silent()
    assert one.upnp_failed(now) == [NotMapped(Why.ALL_SILENT)]
    now = one.deadline
    while AskUpnp(PORT, port_mapping.LIFETIME) not in (actions := one.due(now)):
        assert sent(actions), "PCP first"
        now = one.deadline
    assert one.upnp_granted(PORT, "8.8.8.8", now + 1) == [Mapped(PORT)]
