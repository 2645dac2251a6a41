"""From what was measured to lines, and to the findings of the verdict."""

from typing import Final

import pytest
from msgspec.structs import replace

from peer.core.conversation.route import Route
from peer.core.doctor.check_lines import USERS_MOST, Software
from peer.core.doctor.report import Acquaintance, Facts, checks, findings
from peer.core.doctor.verdict import Findings, Port, verdict
from peer.core.mapping.actions import Mapped, NotMapped, Why
from peer.core.reach.link_way import LinkWay
from shared.spots import Interface, Surroundings

HERE, ROUTER, OUTER = "192.168.1.20", "192.168.1.1", "203.0.113.9"
DIRECTORY = "192.168.1.5"
WLAN = Interface("wlan0", HERE, 24)
BEHIND: Final[dict[str, object]] = {"seen": OUTER, "port": Port.SILENT}
UFW = Surroundings(ufw="ENABLED=yes")


def facts(**more: object) -> Facts:
    """Return the facts of a machine in the network of the directory."""
    plain = Facts(
        "carol", "3f2a", Software("0.2.0", "3.11.7", "Linux"), interfaces=(WLAN,),
        directory=f"{DIRECTORY}:5000", round_trip=0.01, clocks=0.0, own=HERE,
        directory_host=DIRECTORY, seen=HERE, number=40_112, port=Port.OPEN, router=ROUTER,
        free=10**10, folder="/home/carol",
    )  # fmt: skip
    return replace(plain, **more)


def names(measured: Facts) -> list[str]:
    return [one.name for one in checks(measured)]


def said(measured: Facts, name: str) -> str:
    return next(one.text for one in checks(measured) if one.name == name)


def test_the_lines_have_their_order() -> None:
    everything = facts(
        seen=OUTER, keeps_port=True, listens_for_announcements=True, announced="lab",
        company=(Acquaintance("dave", Route("dave", link_way=LinkWay.DIALLED), "direct"),),
    )  # fmt: skip
    assert names(everything) == [
        "me", "machine", "directory", "seen", "port", "router", "ports", "discovery", "disk",
        "user",
    ]  # fmt: skip
    assert names(facts()) == ["me", "machine", "directory", "seen", "port", "router", "disk"]
    assert names(facts(cause="gone")) == ["me", "machine", "directory", "disk"]


def test_only_some_users_are_listed() -> None:
    company = tuple(Acquaintance(f"user{n}", is_offline=True) for n in range(64))
    told = checks(facts(company=company))
    assert sum(one.name == "user" for one in told) == USERS_MOST
    assert told[-1].text.startswith("44 more users")


def test_a_mapping_is_said_to_lead_to_me_unless_the_port_was_tried_in_vain() -> None:
    behind = facts(seen=OUTER, port=Port.SILENT, mapping=Mapped(40_112))
    assert "nothing comes through at 203.0.113.9:40112" in said(behind, "router")
    assert "leads to me" in said(replace(behind, port=Port.OPEN), "router")
    assert "leads to me" in said(replace(behind, mapping=Mapped(4_200)), "router")


def test_a_firewall_is_named_when_nothing_else_explains_a_silent_port() -> None:
    silent = facts(port=Port.SILENT, surroundings=UFW)
    assert "ufw allow 40112/tcp (start with --listen" in said(silent, "port")
    assert "(start" not in said(replace(silent, is_fixed=True), "port")
    assert "ufw" not in said(replace(silent, port=Port.REFUSED), "port")
    assert "ufw" not in said(replace(silent, seen=OUTER), "port"), "the router lets nobody in"
    assert "ufw" in said(replace(silent, seen=OUTER, mapping=Mapped(40_112)), "port")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, "V1"), ({"port": Port.SILENT}, "V2"),
        (BEHIND | {"mapping": Mapped(4_200)}, "V3"), (BEHIND | {"port": Port.OPEN}, "V3"),
        (BEHIND | {"keeps_port": True}, "V4"), (BEHIND | {"keeps_port": False}, "V5"),
        (BEHIND | {"mapping": NotMapped(Why.SILENT), "keeps_port": True}, "V4"),
        (BEHIND | {"mapping": NotMapped(Why.SECOND_ROUTER), "keeps_port": True}, "V6"),
        ({"own": "2001:db8::20", "seen": "2001:db8::20"}, "V7"),
        ({"own": "2001:db8::20", "seen": "2001:db8::20", "port": Port.SILENT}, "V2"),
        ({"own": "fd00::20", "seen": "fd00::20"}, "V1"),
        ({"outer": "8.8.8.8"}, "V8"), ({"outer": "100.64.3.7"}, "V1"),
        ({"interfaces": (WLAN, Interface("ppp0", "8.8.4.4", 32))}, "V8"),
        ({"interfaces": (WLAN, Interface("docker0", "8.8.4.4", 32))}, "V1"),
        ({"own": "8.8.4.4", "seen": "8.8.4.4", "outer": "8.8.8.8"}, "V1"),
        ({"cause": "connection refused"}, "V9"), ({"said": "a.lan:1"}, "V3"),
        ({"seen": ""}, "V0"), ({"seen": "nonsense"}, "V0"), ({"port": Port.UNKNOWN}, "V0"),
        ({"directory_host": HERE}, "V0"),
        ({"own": "127.0.0.1", "seen": "127.0.0.1", "directory_host": "127.0.0.1"}, "V0"),
    ],
)  # fmt: skip
def test_facts_lead_to_a_verdict(more: dict[str, object], code: str) -> None:
    assert verdict(findings(facts(**more))).code == code


def test_the_address_to_others_is_no_loopback() -> None:
    inside = (Interface("lo", "127.0.0.1", 8), Interface("docker0", "172.17.0.1", 16), WLAN)
    beside = facts(own="127.0.0.1", seen="127.0.0.1", interfaces=inside)
    assert findings(beside).here == HERE
    assert findings(replace(beside, interfaces=())).here == "127.0.0.1"
    assert findings(facts(own="", seen="")).here == HERE


def test_what_a_router_says_of_itself_is_told() -> None:
    found = findings(facts(seen=OUTER, mapping=Mapped(40_200)))
    assert (found.mapped, found.outer, found.here) == (40_200, OUTER, HERE)
    assert isinstance(found, Findings)
