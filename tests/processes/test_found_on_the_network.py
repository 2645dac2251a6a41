"""A person finds the directory of the network without an address, and nobody can pose as it.

Real programs in network namespaces.  These tests need root and `ip`, and are skipped without.
"""

import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import pytest

from tests.kit.lan import Host, Lan, as_root, hosts, ip, needs, on
from tests.kit.persons import Person
from tests.kit.programs import Program, Stage, tool
from tests.kit.terminals import comes_true

T = TypeVar("T", Program, Person)

ROOT = Path(__file__).parent.parent.parent
ASKED = "The host where the directory runs"
TRIES: Final = 4
FAR = "198.51.100.7"
NOTHING = "No directory was found on this network."
NO_KNOWN_KEY = "peer: no directory with a known key is on this network; say HOST PORT."

pytestmark = [as_root, needs("ip")]


@pytest.fixture
def switch(stage: Stage) -> Iterator[Lan]:
    for lan in hosts(stage, 3):
        stage.environment |= {"PARLEY_NO_FIND": "no", "DIRSERVER_NO_ANNOUNCE": "no"}
        yield lan


def directory(lan: Lan, host: Host, *options: str, data: str = "directory") -> tuple[Program, str]:
    """Start a directory; return it once it is announced, and its key."""
    words = (tool("dirserver"), "5000", "--data", str(lan.stage.folder / data), *options)
    program = lan.stage.starts(*words, name=data, prefix=on(host))
    said = program.sees_like(r"Directory listening on .*, key .*")
    if "--host" not in options:
        program.sees_like(r'Announced on this network as "lab.*": peer NAME finds it here\.')
    return program, said.partition(", key ")[2]


def peer(lan: Lan, host: Host, *words: str) -> Program:
    return lan.stage.starts(tool("peer"), *words, name="peer", prefix=on(host))


def found(lan: Lan, host: Host) -> tuple[int, list[str]]:
    """Return what `peer --find` shows there."""
    program = peer(lan, host, "--find")
    return program.ends(), program.lines


def finds(lan: Lan, host: Host, *shown: str) -> bool:
    """Whether `peer --find` shows this there, at one of several tries (see `again`)."""
    return comes_true(lambda: found(lan, host) == (0, list(shown)))


def again(start: Callable[[], T], sees: Callable[[T], object]) -> T:
    """Start a program until it sees this: a busy machine may hear nothing in the one second."""
    for _ in range(TRIES):
        with suppress(AssertionError):
            one = start()
            sees(one)
            return one
        one.process.kill()
        one.process.wait()
    raise AssertionError("the directory was not found, again and again")


def person(lan: Lan, people: list[Person], host: Host, *words: str) -> Person:
    people.append(one := Person(lan.stage, *words, prefix=on(host)))
    return one


def quits(one: Person) -> None:
    one.types("QUIT")
    one.sees("Good bye!")
    assert one.ends() == 0


def runs_avahi(lan: Lan, host: Host) -> None:
    """Run the mDNS of most Linux desktops there."""
    file = lan.stage.folder / f"{host.name}.conf"
    file.write_text("[server]\nenable-dbus=no\nuse-ipv6=no\n")
    options = f"--no-drop-root --no-chroot --no-rlimits --debug --file={file}"
    command = f"mount -t tmpfs none /run && exec avahi-daemon {options}"
    daemon = lan.stage.starts("unshare", "-m", "sh", "-c", command, prefix=on(host))
    daemon.says_like(r"Server startup complete\..*")


def has_docker(host: Host) -> None:
    """Give it a bridge between programs of its own, whose address no other host reaches."""
    ip(f"-n {host.name} link add docker0 type bridge")
    ip(f"-n {host.name} addr add 172.17.0.1/16 dev docker0")
    ip(f"-n {host.name} link set docker0 up")


def announces(lan: Lan, host: Host, key: str, count: int) -> Program:
    """Announce this many directories with this key, at a host that may have none."""
    words = ("-m", "tests.kit.false_announcer", host.address, key.replace(" ", ""), str(count))
    paths: Sequence[str] = ("env", f"PYTHONPATH={ROOT}")
    program = lan.stage.starts(sys.executable, *words, name="rogue", prefix=(*on(host), *paths))
    program.sees("announced")
    return program


def test_a_person_says_yes_once_and_is_never_asked_again(switch: Lan, people: list[Person]) -> None:
    here, there, _ = switch.hosts
    has_docker(here)
    server, key = directory(switch, here, "--name", "lab")
    place = f"{here.address}:5000"

    asked = f'There is a directory "lab" on this network, at {place}, key {key}. Use it? (Y/N)'
    before: list[str] = []
    carol = again(
        lambda: person(switch, people, there, "carol"), lambda one: before.append(one.sees(asked))
    )
    assert before == [""]
    carol.types("")
    carol.sees(asked)  # neither is the default
    carol.types("Y")
    carol.sees(f"You are carol, connected to the directory at {place}.")
    quits(carol)

    later = person(switch, people, there)
    assert later.sees(f"You are carol, connected to the directory at {place}.") == ""
    quits(later)
    assert finds(switch, there, f'"lab" at {place}, key {key} (remembered)')

    server.sends(signal.SIGTERM)
    assert server.ends() == 0
    assert found(switch, there) == (7, [NOTHING])

    ip(f"-n {here.name} addr del {here.address}/24 dev {here.inside}")
    here.address = f"{here.address.rpartition('.')[0]}.77"
    ip(f"-n {here.name} addr add {here.address}/24 dev {here.inside}")
    server, _ = directory(switch, here, "--name", "lab")
    place = f"{here.address}:5000"
    moved = f'The directory "lab" is at {place} now (its key is the one remembered).'
    script = again(lambda: peer(switch, there, "carol"), lambda one: one.sees(moved))
    script.sees(f"You are carol, connected to the directory at {place}.")
    script.ends_input()
    assert script.ends() == 0


def test_nobody_poses_as_the_remembered_directory(switch: Lan, people: list[Person]) -> None:
    here, there, theirs = switch.hosts
    server, key = directory(switch, here, "--name", "lab")
    place = f"{here.address}:5000"
    words = ("--directory-key", key, "--json")
    registered = r'\{"event":"registered",.*"name":"carol".*'
    carol = again(  # a script that knows the key needs no address
        lambda: peer(switch, there, "carol", *words), lambda one: one.sees_like(registered)
    )
    carol.ends_input()
    assert carol.ends() == 0
    config = switch.stage.folder / "config" / "parley" / "config.toml"
    assert f'host = "{here.address}"' in config.read_text()
    server.sends(signal.SIGTERM)
    assert server.ends() == 0

    _, other = directory(switch, theirs, "--name", "lab", data="another")
    announces(switch, theirs, key, 1_000)
    said: list[str] = []

    def sees_the_other(one: Person) -> None:
        said.append(one.sees(f"{ASKED} [{here.address}]:"))
        assert re.search(rf"at {theirs.address}:5000, key {other}\.", said[-1])

    carol_now = again(lambda: person(switch, people, there, "carol"), sees_the_other)
    gone = f"Your directory is not here ({place}: nothing answers (connection refused))."
    assert gone in said[-1]
    assert "Use it?" not in "".join(said)
    carol_now.types("QUIT")
    assert carol_now.ends() == 0

    erin = peer(switch, there, "erin")  # who remembers the address, and nothing else
    assert erin.ends() == 7
    config.unlink()
    carol = peer(switch, there, "carol", "--json")
    assert carol.ends() == 7
    assert carol.errors == [NO_KNOWN_KEY]
    assert not (
        switch.stage.folder / "share" / "parley" / "peers" / other.replace(" ", "")
    ).exists()


def test_another_network_and_this_machine_alone_are_not_found(
    switch: Lan, people: list[Person]
) -> None:
    here, there, also = switch.hosts
    directory(switch, here, "--name", "lab")
    directory(switch, also, "--host", "127.0.0.1", data="alone")
    ip(f"link set {here.cable} nomaster")  # another network from now on
    assert found(switch, also) == (7, [NOTHING])

    carol = person(switch, people, there, "carol")
    carol.sees(NOTHING)
    carol.sees(f"{ASKED}:\r\n")
    carol.types("QUIT")
    assert carol.ends() == 0


# Asks the directory from two addresses, and once more from the first, and says what was answered.
ASKER = """
import socket, sys

directory, near, far = sys.argv[1:]
question = bytes(5) + b"\\1" + bytes(6) + b"\\7_parley\\4_tcp\\5local\\0" + b"\\0\\x0c\\x80\\1"
sockets = []
for number, host in enumerate((near, far, near), start=1):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((host, 0))
    one.settimeout(5)
    one.sendto(number.to_bytes(2, "big") + question[2:], (directory, 5353))
    sockets.append(one)
    if host == near:
        print(len(one.recv(9000)) > len(question), flush=True)
sockets[1].setblocking(False)
try:
    print(f"far away: {len(sockets[1].recv(9000))} bytes", flush=True)
except BlockingIOError:
    print("far away: nothing", flush=True)
"""


def test_who_is_in_another_network_is_answered_nothing(switch: Lan) -> None:
    """Nor is whoever's address stands on a datagram: an answer is five times as long."""
    here, there, _ = switch.hosts
    directory(switch, here, "--name", "lab")
    ip(f"-n {there.name} addr add {FAR}/24 dev {there.inside}")
    ip(f"-n {here.name} route add {FAR}/32 via {there.address}")
    words = (sys.executable, "-c", ASKER, here.address, there.address, FAR)
    asker = switch.stage.starts(*words, name="asker", prefix=on(there))
    assert asker.ends() == 0
    assert asker.lines == ["True", "True", "far away: nothing"]


@needs("avahi-daemon")
def test_avahi_beside_it_takes_nothing_away(switch: Lan) -> None:
    here, there, _ = switch.hosts
    runs_avahi(switch, here)
    runs_avahi(switch, there)
    _, key = directory(switch, here, "--name", "lab")
    shown = f'"lab" at {here.address}:5000, key {key} (unknown)'
    assert finds(switch, there, shown)
    assert finds(switch, here, shown)
