"""Hosts on a switch: network namespaces, with one cable each, and programs on them.

Needs root and `ip`; all that keeps packets out also needs `nft`.
"""

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.kit.programs import Program, Stage, tool

NETWORK = "10.231.77"
PUBLIC = "198.51.100"  # in documents only; routed nowhere from these hosts

# What an ordinary firewall on a laptop does: out goes all, in comes what was asked for.
FIREWALL = """
table inet wall {
  chain in {
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established,related accept
    meta l4proto icmpv6 accept
  }
}
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


class Host:
    """A network namespace with one cable to the outside."""

    def __init__(self, number: int, name: str, network: str = NETWORK) -> None:
        self.name, self.cable = name, f"{name}o"
        self.inside, self.address = f"{name}i", f"{network}.{number}"
        self.ipv6 = f"fd00:77::{number}"  # once it `speaks_ipv6`

    def sets_up(self, bridge: str) -> None:
        ip(f"netns add {self.name}")
        ip(f"link add {self.cable} type veth peer name {self.inside} netns {self.name}")
        ip(f"link set {self.cable} master {bridge} up")
        ip(f"-n {self.name} addr add {self.address}/24 dev {self.inside}")
        ip(f"-n {self.name} link set {self.inside} up")
        ip(f"-n {self.name} link set lo up")

    def speaks_ipv6(self) -> None:
        ip(f"-n {self.name} addr add {self.ipv6}/64 dev {self.inside} nodad")

    def lets_nobody_in(self) -> None:
        """Drop whatever comes in and was not asked for."""
        rules(self.name, FIREWALL)

    def watches(self, *others: "Host") -> None:
        """Count each packet that comes from these hosts, which `packets` then tells."""
        for other in others:
            rules(
                self.name,
                f"""
                table inet watch {{
                  chain in {{
                    type filter hook input priority -10;
                    ip saddr {other.address} counter
                  }}
                }}
            """,
            )

    def packets(self) -> int:
        """Return how many packets have come from those whom it watches."""
        words = ("ip", "netns", "exec", self.name, "nft", "list", "table", "inet", "watch")
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        return sum(map(int, re.findall(r"packets (\d+)", said)))

    def pulls_the_cable(self) -> None:
        ip(f"link set {self.cable} down")

    def plugs_it_in(self) -> None:
        ip(f"link set {self.cable} up")

    def is_gone(self) -> None:
        subprocess.run(["ip", "link", "del", self.cable], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)


def ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True, capture_output=True, text=True)


def rules(host: str, text: str) -> None:
    """Give a host these rules for packets; skip the test where that is impossible."""
    words = ("ip", "netns", "exec", host, "nft", "-f", "-")
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no packet filter here: {done.stderr.strip()}")


class Lan:
    """Hosts on one switch, and the programs on them."""

    def __init__(self, stage: Stage, count: int, network: str = NETWORK) -> None:
        self.stage = stage
        mark = secrets.token_hex(2)
        self.bridge = f"pb{mark}"
        names = (f"p{mark}{chr(ord('a') + number)}" for number in range(count))
        self.hosts = [Host(number, name, network) for number, name in enumerate(names, start=2)]

    def sets_up(self) -> None:
        ip(f"link add {self.bridge} type bridge")
        ip(f"link set {self.bridge} up")
        for host in self.hosts:
            host.sets_up(self.bridge)

    def is_gone(self) -> None:
        for host in self.hosts:
            host.is_gone()
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True, check=False)

    def separates(self, one: Host, other: Host) -> None:
        """Let no packet pass between these two any more; skip the test where that is impossible."""
        for host, far in ((one, other), (other, one)):
            for rule in (
                "add table inet parley",
                "add chain inet parley in { type filter hook input priority 0; }",
                f"add rule inet parley in ip saddr {far.address} drop",
            ):
                words = ("ip", "netns", "exec", host.name, "nft", rule)
                done = subprocess.run(words, capture_output=True, text=True, check=False)
                if done.returncode:
                    pytest.skip(f"no packet filter here: {done.stderr.strip()}")

    def loses_power(self, host: Host, *programs: Program) -> None:
        """End a machine with its programs, and tell nobody; then start it again, without a wall."""
        host.pulls_the_cable()
        for program in programs:
            program.dies()
        host.is_gone()
        host.sets_up(self.bridge)

    def directory(self) -> Program:
        data = ("--data", str(self.stage.directory_data))
        words = (tool("dirserver"), "5000", *data)
        program = self.stage.starts(*words, prefix=on(self.hosts[0]))
        program.sees_like("Directory listening on .*")
        return program

    def peer(self, host: Host, name: str, *, directory: str = "") -> Program:
        """Start a peer; `directory`: at another address than the first one of that host."""
        data = ("--data", str(self.stage.data_of(name)))
        where = (directory or self.hosts[0].address, "5000")
        words = (tool("peer"), name, *where, *data)
        program = self.stage.starts(*words, name=name, prefix=on(host))
        program.sees_like(f"You are {name}, connected to .*")
        return program


def on(host: Host) -> tuple[str, ...]:
    return ("ip", "netns", "exec", host.name)


def hosts(stage: Stage, count: int, network: str = NETWORK) -> Iterator[Lan]:
    """Yield this many hosts for a fixture; then check that no program and no host is left."""
    lan = Lan(stage, count, network)
    try:
        try:
            lan.sets_up()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
        yield lan
    finally:
        stage.closes()
        lan.is_gone()
