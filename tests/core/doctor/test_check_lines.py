"""The words of each check of DOCTOR."""

import pytest

from peer.core.conversation.route import Route
from peer.core.doctor import check_lines
from peer.core.doctor.check import Check
from peer.core.doctor.verdict import Port
from peer.core.mapping.actions import Action, Mapped, NotMapped, Why
from peer.core.reach.link_way import LinkWay
from shared.spots import Interface

PROGRAM = check_lines.Software("0.2.0", "3.11.7", "Linux")
DIRECTORY = "203.0.113.5:5000"
KEY = "3f2a 99c1"


def said(check: Check) -> str:
    return str(check)


def test_me() -> None:
    assert said(check_lines.me("carol", KEY, PROGRAM)) == (
        "ok  Me: carol, key 3f2a 99c1, Parley 0.2.0, Python 3.11.7, Linux."
    )
    assert "without a key yet" in said(check_lines.me("carol", "", PROGRAM))


def test_the_machine_without_what_others_cannot_reach() -> None:
    interfaces = [
        Interface("lo", "127.0.0.1", 8), Interface("wlan0", "192.168.1.20", 24),
        Interface("wlan0", "fd00::20", 64), Interface("wlan0", "fe80::1", 64),
        Interface("docker0", "172.17.0.1", 16), Interface("", "10.0.0.7", 24),
    ]  # fmt: skip
    assert said(check_lines.machine(interfaces)) == (
        "ok  This machine: 192.168.1.20 (wlan0), fd00::20 (wlan0), 10.0.0.7."
        " Left out: 172.17.0.1 (docker0)."
    )
    assert said(check_lines.machine(interfaces[:1])) == (
        "!!  This machine: it has no address in any network."
    )
    many = [Interface("eth0", f"10.0.0.{n}", 24) for n in range(20)]
    assert said(check_lines.machine(many)).endswith("10.0.0.7 (eth0) and 12 more.")


@pytest.mark.parametrize(
    ("seconds", "clocks", "is_remembered", "text"),
    [
        (0.012, 0.2, True, "ok  Directory: 203.0.113.5:5000 answers in 12 ms, its key is the"
         " remembered one, clocks differ by 0.2 s."),
        (0.0008, None, False, "ok  Directory: 203.0.113.5:5000 answers in 0.8 ms, its key is new"
         " to me."),
        (2.0, -34_560_000.0, True, "!!  Directory: 203.0.113.5:5000 answers in 2,000 ms, its key"
         " is the remembered one, clocks differ by 400 days: one of them is wrong, mine is"
         " ahead."),
        (0.1, 7_200.0, True, "!!  Directory: 203.0.113.5:5000 answers in 100 ms, its key is the"
         " remembered one, clocks differ by 2 h: one of them is wrong, the directory's is"
         " ahead."),
        (None, None, True, "??  Directory: 203.0.113.5:5000 does not answer in time."),
    ],
)  # fmt: skip
def test_the_directory(
    seconds: float | None, clocks: float | None, text: str, *, is_remembered: bool
) -> None:
    check = check_lines.directory(DIRECTORY, seconds, clocks, is_remembered=is_remembered)
    assert said(check) == text


def test_no_directory() -> None:
    assert said(check_lines.no_directory(DIRECTORY, "connection refused")) == (
        "!!  Directory 203.0.113.5:5000: connection refused."
    )
    cause = f"nothing answers at {DIRECTORY} (connection refused)"
    assert said(check_lines.no_directory(DIRECTORY, cause)) == f"!!  Directory: {cause}."
    found = check_lines.no_directory(DIRECTORY, "its key has changed. It was 3f2a")
    assert said(found) == f"!!  Directory {DIRECTORY}: its key has changed."
    assert found.data["cause"] == "its key has changed. It was 3f2a"


@pytest.mark.parametrize(
    ("is_translated", "text"),
    [
        (True, "ok  It sees me at 203.0.113.9: a router translates my address (NAT)."),
        (False, "ok  It sees me at 203.0.113.9: nothing translates my address."),
        (None, "??  It does not tell at which address it sees me."),
    ],
)
def test_where_it_sees_me(is_translated: bool | None, text: str) -> None:
    assert said(check_lines.seen("203.0.113.9", "10.0.0.1", is_translated=is_translated)) == text


@pytest.mark.parametrize(
    ("found", "took", "text"),
    [
        (Port.OPEN, 3, "ok  My port 40112: open, seen from the directory (3 ms)."),
        (Port.OPEN, 2**52, "ok  My port 40112: open, seen from the directory."),
        (Port.SILENT, 3_000, "!!  My port 40112: nothing comes through from the directory in 3 s."
         " Do this."),
        (Port.REFUSED, 0, "!!  My port 40112: refused at once (a firewall that says no, or another"
         " machine has that address)."),
        (Port.OTHER, 0, "!!  My port 40112: another program answers there, not this one."),
        (Port.UNKNOWN, 0, "??  My port 40112: too often."),
    ],
)  # fmt: skip
def test_my_port(found: Port, took: int, text: str) -> None:
    hints = ("Do this.",) if found is Port.SILENT else ()
    assert said(check_lines.port(40_112, found, took, "too often", hints)) == text


def test_a_port_that_was_not_tested_says_so() -> None:
    assert said(check_lines.port(40_112, Port.UNKNOWN, 0, "")) == "??  My port 40112: not tested."


@pytest.mark.parametrize(
    ("host", "state", "is_asked", "outer", "text"),
    [
        ("192.168.1.1", Mapped(40_112), True, "",
         "ok  Router 192.168.1.1: maps ports, 203.0.113.9:40112 leads to me."),
        ("192.168.1.1", NotMapped(Why.SILENT), True, "",
         "??  Router 192.168.1.1: no answer to PCP and NAT-PMP: it maps no ports."),
        ("192.168.1.1", NotMapped(Why.REFUSED), True, "",
         "??  Router 192.168.1.1: the router refuses it: no port is mapped."),
        ("192.168.1.1", NotMapped(Why.SECOND_ROUTER), True, "",
         "!!  Router 192.168.1.1: its own address is not a public one, so there is a second router"
         " (CGNAT), and a mapping cannot help."),
        ("192.168.1.1", None, True, "", "??  Router 192.168.1.1: it has not answered yet."),
        ("192.168.1.1", None, False, "", "ok  Router 192.168.1.1: it was not asked for a port."),
        ("192.168.1.1", None, False, "8.8.8.8",
         "ok  Router 192.168.1.1: to the world it has the address 8.8.8.8."),
        (None, None, True, "", "??  Router: none is known, so none is asked for a port."),
    ],
)  # fmt: skip
def test_the_router(
    host: str | None, state: Action | None, outer: str, text: str, *, is_asked: bool
) -> None:
    check = check_lines.router(host, state, "203.0.113.9", is_asked=is_asked, outer=outer)
    assert said(check) == text


def test_a_mapping_that_leads_nowhere_is_not_said_to_lead_to_me() -> None:
    check = check_lines.router(
        "192.168.1.1", Mapped(40_112), "203.0.113.9", is_asked=True, leads_nowhere=True
    )
    assert said(check) == (
        "!!  Router 192.168.1.1: maps ports, but nothing comes through at 203.0.113.9:40112: a"
        " second router (CGNAT) or a firewall is in the way."
    )


def test_a_mapping_over_ipv6_is_written_as_it_is_typed() -> None:
    check = check_lines.router("192.168.1.1", Mapped(40_112), "2001:db8::1", is_asked=True)
    assert "[2001:db8::1]:40112 leads to me" in said(check)


@pytest.mark.parametrize(
    ("keeps", "text"),
    [
        (True, "ok  The router keeps my port whatever I dial: opening a way from both sides"
         " works."),
        (False, "!!  The router takes another port for each target: opening a way from both sides"
         " fails."),
        (None, "??  Whether the router takes another port for each target is not known."),
    ],
)  # fmt: skip
def test_the_ports_of_the_router(keeps: bool | None, text: str) -> None:
    assert said(check_lines.ports(keeps)) == text


@pytest.mark.parametrize(
    ("free", "text"),
    [
        (41 * 1024**3, "ok  Disk: 41 GB free. Folder: /home/carol."),
        (1_500 * 1024**2, "ok  Disk: 1.5 GB free. Folder: /home/carol."),
        (0, "!!  Disk: 0 B free. Folder: /home/carol."),
        (50_000 * 1024**4, "ok  Disk: 50,000 TB free. Folder: /home/carol."),
        (None, "??  Disk: how much is free is not known. Folder: /home/carol."),
    ],
)
def test_the_disk(free: int | None, text: str) -> None:
    assert said(check_lines.disk(free, "/home/carol")) == text


@pytest.mark.parametrize(
    ("route", "way", "is_offline", "text"),
    [
        (Route("dave", round_trip=0.0008, link_way=LinkWay.DIALLED), "direct", False,
         "ok  dave: direct, 0.8 ms."),
        (Route("dave", link_way=LinkWay.DIALLED), "direct", False, "ok  dave: direct."),
        (Route("dave", through="erin"), "through erin", False, "ok  dave: through erin."),
        (Route("dave"), "", True, "ok  dave: offline."),
        (None, "", True, "ok  dave: offline."),
        (None, "", False, "!!  dave: out of reach."),
    ],
)  # fmt: skip
def test_a_user(route: Route | None, way: str, text: str, *, is_offline: bool) -> None:
    assert said(check_lines.user("dave", route, way, is_offline=is_offline)) == text


def test_the_announcement_of_the_directory() -> None:
    assert said(check_lines.discovery("lab")) == (
        'ok  On this network the directory announces itself as "lab".'
    )
    assert said(check_lines.discovery("lab", "10.0.0.9:5000")) == (
        'ok  On this network the directory announces itself as "lab", at 10.0.0.9:5000.'
    )
    strangers = [f'"lab{number}" at 10.0.0.{number}:5000' for number in range(5)]
    assert said(check_lines.discovery(None, "", strangers[:1], is_there=False)) == (
        "??  On this network others announce a directory, of a key that I do not know:"
        ' "lab0" at 10.0.0.0:5000.'
    )
    assert said(check_lines.discovery(None, "", strangers)).endswith(
        '"lab2" at 10.0.0.2:5000 and 2 more.'
    )
    assert said(check_lines.discovery(None)).startswith(
        "??  No announcement of the directory heard in 1 s: another subnet, "
    )
    assert said(check_lines.discovery(None, is_there=False)) == (
        "??  No announcement of the directory heard in 1 s either."
    )


def test_what_is_left_out_is_said() -> None:
    assert said(check_lines.more_users(3)) == (
        "??  3 more users of your conversation and rooms were not looked at."
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (90, "90.0 s"), (120, "2 min"), (10_000, "3 h"), (86_400 * 3, "3 days"),
     (86_400 * 365 * 56, "56 years")],
)  # fmt: skip
def test_a_duration(seconds: float, text: str) -> None:
    assert check_lines.duration(seconds) == text
