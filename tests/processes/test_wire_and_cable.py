"""What passes over the network, and what happens when the network is gone.

These tests need root, `tcpdump` and `ip`, and are skipped without.
"""

import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.lan import Lan, as_root, hosts, needs
from tests.kit.programs import HOST, Stage, connect

DETECTION = 30.0  # it takes ten seconds; the machine may be slow


# --- Listening on the wire ---


@as_root
@needs("tcpdump")
def test_nobody_on_the_wire_reads_a_text_or_a_name(stage: Stage) -> None:
    capture = stage.folder / "capture"
    words = ("tcpdump", "-i", "lo", "-U", "-B", "8192", "-s", "0", "-w", str(capture), "tcp")
    tcpdump = stage.starts(*words)
    tcpdump.says_like(r"tcpdump: listening on lo.*")
    # Names that stand nowhere else on this machine's loopback.
    one, other = (f"{name}-{secrets.token_hex(4)}" for name in ("carol", "dave"))
    stage.directory()
    carol, dave = stage.peer(one), stage.peer(other)
    connect(carol, one, dave, other)
    texts = [f"{word} of the parrot {secrets.token_hex(4)}" for word in ("talk", "line", "letter")]
    carol.types(texts[0], f"/PRV {other} {texts[1]}", f"/LEAVE {other} {texts[2]}")
    dave.sees(f"{one}: {texts[0]}")
    dave.sees(f"[private] {one}: {texts[1]}")
    dave.sees_like(rf".* {one}: {texts[2]}")
    carol.types("/LIST USERS")
    carol.sees(f"BUSY: {one} (you), {other}")
    stage.once(one, "HELP").ends()

    # A packet of our own after all others, in clear: when it is there, so are they.
    mark = f"mark {secrets.token_hex(8)}"
    wait_for_mark(capture, mark, stage.port)
    held = capture.read_bytes()
    for secret in (one, other, *texts):
        assert secret.encode() not in held, secret


def wait_for_mark(capture: Path, mark: str, port: int) -> None:
    deadline = time.monotonic() + DETECTION
    while mark.encode() not in capture.read_bytes():
        assert time.monotonic() < deadline, "tcpdump wrote nothing"
        with socket.create_connection((HOST, port)) as connection:
            connection.sendall(mark.encode())
            connection.recv(100)


# --- Pulling the cable ---


@pytest.fixture
def lan(stage: Stage) -> Iterator[Lan]:
    yield from hosts(stage, 4)


@as_root
@needs("ip")
def test_a_host_that_vanishes_is_offline_and_back_with_nothing_lost(lan: Lan) -> None:
    lan.directory()
    _, here, there, quiet = lan.hosts
    carol, dave = lan.peer(here, "carol"), lan.peer(there, "dave")
    frank = lan.peer(quiet, "frank")
    erin = lan.peer(here, "erin")
    connect(carol, "carol", dave, "dave")
    carol.types("before")
    dave.sees("carol: before")

    there.pulls_the_cable()
    quiet.pulls_the_cable()
    # On the way to dave, so that his host has something to confirm; nothing is, to frank.
    carol.types("meanwhile one", "meanwhile two")
    carol.sees("Lost the connection to dave, trying again.", DETECTION)
    dave.types("from the dark")
    for name in ("dave", "frank"):
        erin.sees(f"* {name} is offline.", DETECTION)
    erin.types("LIST USERS")
    erin.sees("OFFLINE: dave, frank")

    there.plugs_it_in()
    quiet.plugs_it_in()
    carol.sees("dave is back.", 2 * DETECTION)
    carol.sees("dave: from the dark")
    dave.sees("carol: meanwhile two")
    said = [line for line in dave.lines if line.startswith("carol: ")]
    assert said == ["carol: before", "carol: meanwhile one", "carol: meanwhile two"]
    frank.sees("The directory is back.", 3 * DETECTION)
