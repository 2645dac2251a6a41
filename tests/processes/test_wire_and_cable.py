"""What passes over the network, and what happens when the network is gone.

These tests need root, `tcpdump` and `ip`, and are skipped without.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes_kit import HOST, Program, Stage, connect, tool

NETWORK = "10.231.77"
DETECTION = 30.0  # it takes ten seconds; the machine may be slow

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


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


class Host:
    """A network namespace with one cable to the outside."""

    def __init__(self, number: int, name: str) -> None:
        self.name, self.cable = name, f"{name}o"
        self.inside, self.address = f"{name}i", f"{NETWORK}.{number}"

    def sets_up(self, bridge: str) -> None:
        ip(f"netns add {self.name}")
        ip(f"link add {self.cable} type veth peer name {self.inside} netns {self.name}")
        ip(f"link set {self.cable} master {bridge} up")
        ip(f"-n {self.name} addr add {self.address}/24 dev {self.inside}")
        ip(f"-n {self.name} link set {self.inside} up")
        ip(f"-n {self.name} link set lo up")

    def pulls_the_cable(self) -> None:
        ip(f"link set {self.cable} down")

    def plugs_it_in(self) -> None:
        ip(f"link set {self.cable} up")

    def is_gone(self) -> None:
        subprocess.run(["ip", "link", "del", self.cable], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)


def ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True, capture_output=True, text=True)


class Lan:
    """Hosts on one switch, and the programs on them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        mark = secrets.token_hex(2)
        self.bridge = f"pb{mark}"
        names = (f"p{mark}{letter}" for letter in "abcd")
        self.hosts = [Host(number, name) for number, name in enumerate(names, start=2)]

    def sets_up(self) -> None:
        ip(f"link add {self.bridge} type bridge")
        ip(f"link set {self.bridge} up")
        for host in self.hosts:
            host.sets_up(self.bridge)

    def is_gone(self) -> None:
        for host in self.hosts:
            host.is_gone()
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True, check=False)

    def directory(self) -> Program:
        data = ("--data", str(self.stage.directory_data))
        words = (tool("dirserver"), "5000", *data)
        program = self.stage.starts(*words, prefix=on(self.hosts[0]))
        program.sees_like("Directory listening on .*")
        return program

    def peer(self, host: Host, name: str) -> Program:
        data = ("--data", str(self.stage.data_of(name)))
        where = (self.hosts[0].address, "5000")
        words = (tool("peer"), name, *where, *data)
        program = self.stage.starts(*words, name=name, prefix=on(host))
        program.sees_like(f"You are {name}, connected to .*")
        return program


def on(host: Host) -> tuple[str, ...]:
    return ("ip", "netns", "exec", host.name)


@pytest.fixture
def lan(stage: Stage) -> Iterator[Lan]:
    lan = Lan(stage)
    try:
        try:
            lan.sets_up()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
        yield lan
    finally:
        stage.closes()
        lan.is_gone()


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
