"""DOCTOR, in real networks: behind firewalls and routers, and without the directory.

These tests need root, `ip` and `nft`, and are skipped without.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.houses import House, town_with_house
from tests.kit.lan import Host, Lan, as_root, hosts, needs, on, rules
from tests.kit.programs import Stage, connect, tool
from tests.kit.terminals import comes_true

PATIENCE = 20.0  # for a machine that has much else to do; DOCTOR itself takes six
FIREWALL = "=>  A firewall keeps others out. I can dial them, and my program dials those who want"
NO_MDNS = """
table inet mdns {
  chain in {
    type filter hook input priority 0
    udp dport 5353 drop
    udp sport 5353 drop
  }
}
"""
ON_OVERLAY = 'mount -t overlay overlay -o lowerdir="$0":/etc /etc && exec "$@"'


@pytest.fixture
def switch(stage: Stage) -> Iterator[Lan]:
    yield from hosts(stage, 3)


@pytest.fixture
def town(stage: Stage) -> Iterator[tuple[Lan, House]]:
    yield from town_with_house(stage)


@as_root
@needs("ip")
@needs("nft")
def test_on_one_switch_and_behind_a_firewall(switch: Lan) -> None:
    _, home_of_carol, home_of_dave = switch.hosts
    home_of_dave.lets_nobody_in()
    switch.directory()
    carol, dave = switch.peer(home_of_carol, "carol"), switch.peer(home_of_dave, "dave")
    connect(carol, "carol", dave, "dave")
    carol.types("/DOCTOR")
    carol.sees_like(rf"ok  It sees me at {home_of_carol.address}: nothing translates my address\.")
    carol.sees_like(r"ok  My port \d+: open, seen from the directory \(\d+ ms\)\.")
    carol.sees_like(r"ok  dave: direct \(dave dialled\)(, .* ms)?\.")
    carol.sees(f"=>  Everybody who can reach {home_of_carol.address} can reach me.")
    dave.types("/DOCTOR")
    dave.sees_like(r"!!  My port \d+: nothing comes through from the directory in 3 s\..*")
    assert dave.sees_like(r"=>  .*", within=PATIENCE).startswith(FIREWALL)


@as_root
@needs("ip")
@needs("nft")
def test_the_firewall_of_the_machine_is_named(switch: Lan, tmp_path: Path) -> None:
    _, home, _ = switch.hosts
    home.lets_nobody_in()
    switch.directory()
    (tmp_path / "etc" / "ufw").mkdir(parents=True)
    (tmp_path / "etc" / "ufw" / "ufw.conf").write_text("# ufw\nENABLED=yes\nLOGLEVEL=low\n")
    over = (*on(home), "sh", "-c", ON_OVERLAY, str(tmp_path / "etc"))
    data = ("--data", str(switch.stage.data_of("carol")))
    words = (tool("peer"), "carol", switch.hosts[0].address, "5000", *data, "DOCTOR")
    doctor = switch.stage.starts(*words, name="carol", prefix=over)
    said = doctor.sees_like(r"!!  My port \d+: .*", within=PATIENCE)
    port = said.split()[3].rstrip(":")
    assert f"sudo ufw allow {port}/tcp (start with --listen {port}, so that it stays)." in said
    assert doctor.ends() == 0


@as_root
@needs("ip")
@needs("nft")
@pytest.mark.parametrize("keeps_ports", [True, False])
def test_behind_a_router(town: tuple[Lan, House], *, keeps_ports: bool) -> None:
    lan, house = town
    if not keeps_ports:
        house.takes_another_port_for_each_target()
    lan.directory()
    room = house.rooms[0]
    carol = lan.peer(room, "carol")
    carol.types("DOCTOR")
    outer = lan.hosts[2].address
    carol.sees_like(rf"ok  It sees me at {outer}: a router translates my address \(NAT\)\.")
    if keeps_ports:
        carol.sees_like(r"ok  The router keeps my port whatever I dial: .*", within=PATIENCE)
        carol.sees_like(r"=>  Others reach me when both sides open a way \(punching\); the .*")
    else:
        carol.sees_like(r"!!  The router takes another port for each target: .*", within=PATIENCE)
        advice = carol.sees_like(r"=>  Only users whose port is open reach me, .*")
        assert f" to {room.address} and start with --listen " in advice
        assert f" --advertise {outer}:" in advice


@as_root
@needs("ip")
@needs("nft")
@needs("miniupnpd")
def test_behind_a_router_that_maps_ports(town: tuple[Lan, House]) -> None:
    lan, house = town
    house.maps_ports(lan.stage.folder)
    lan.directory()
    carol = lan.peer(house.rooms[0], "carol")
    assert comes_true(lambda: house.rooms[0].address in house.mapped())
    carol.types("DOCTOR")
    carol.sees_like(rf"ok  Router .*: maps ports, {lan.hosts[2].address}:\d+ leads to me\.")
    carol.sees("=>  Others reach me through the mapping of my router. Nothing to do.")


@as_root
@needs("ip")
@needs("nft")
@pytest.mark.parametrize("is_heard", [True, False])
def test_whether_the_directory_is_heard(switch: Lan, *, is_heard: bool) -> None:
    switch.stage.environment |= {"PARLEY_NO_FIND": "no", "DIRSERVER_NO_ANNOUNCE": "no"}
    _, home, _ = switch.hosts
    if not is_heard:
        rules(home.name, NO_MDNS)
    directory = switch.directory()
    directory.sees_like(r"Announced on this network as .*")
    carol = switch.peer(home, "carol")
    carol.types("DOCTOR")
    if is_heard:
        carol.sees_like(r'ok  On this network the directory announces itself as ".+"\.')
    else:
        carol.sees_like(r"\?\?  No announcement of the directory heard in 1 s: .*")
    carol.sees(f"=>  Everybody who can reach {home.address} can reach me.", within=PATIENCE)


@as_root
@needs("ip")
def test_without_the_directory(switch: Lan) -> None:
    town_hall, home_of_carol, home_of_dave = switch.hosts
    directory = switch.directory()
    carol = switch.peer(home_of_carol, "carol")
    directory.dies()
    carol.sees("Lost the directory, trying again.")
    nothing = f"nothing answers at {town_hall.address}:5000 (connection refused)"
    carol.types("DOCTOR")
    carol.sees(f"!!  Directory: {nothing}.")
    carol.sees(f"=>  N{nothing[1:]}. Conversations go on; nothing new can be found.")
    answer = once(switch, home_of_dave, "dave", "--json")
    (found,) = (one for one in answer if one["event"] == "doctor")
    assert found["code"] == "V9"
    assert [one["name"] for one in found["checks"]] == ["me", "machine", "directory", "disk"]
    assert answer[-1]["code"] == 0


def once(lan: Lan, host: Host, name: str, *more: str) -> list[dict[str, Any]]:
    """Return what `peer NAME HOST PORT DOCTOR` writes as JSON."""
    data = ("--data", str(lan.stage.data_of(name)))
    words = (tool("peer"), name, lan.hosts[0].address, "5000", *data, *more, "DOCTOR")
    program = lan.stage.starts(*words, name=name, prefix=on(host))
    assert program.ends() == 0
    return [json.loads(line) for line in program.lines]
