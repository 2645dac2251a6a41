"""Houses: hosts behind a router that translates their addresses, and lets nobody in.

The router is a host of a `Lan`.  It does not lead from the inside to its own outside address.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.kit.lan import PUBLIC, Host, Lan, hosts, ip, rules
from tests.kit.programs import Stage

INSIDE = "192.168.1"  # the same numbers in every house

ROUTER = """
table ip nat {{
  chain out {{
    type nat hook postrouting priority 100;
    oifname "{wan}" masquerade
  }}
}}
table inet wall {{
  chain in {{
    type filter hook input priority 0; policy drop;
    iifname {{ "lan", "lo" }} accept
    ct state established,related accept
  }}
  chain through {{
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" accept
  }}
}}
"""


# What miniupnpd fills, and the way through the wall for what it has let in.
MAPS = """
table inet filter {{
  chain miniupnpd {{ }}
  chain prerouting_miniupnpd {{ }}
  chain postrouting_miniupnpd {{ }}
  chain through {{
    type filter hook forward priority 0; policy accept;
    jump miniupnpd
  }}
  chain before {{
    type nat hook prerouting priority -100;
    jump prerouting_miniupnpd
  }}
  chain after {{
    type nat hook postrouting priority 99;
    jump postrouting_miniupnpd
  }}
}}
add rule inet wall through ct status dnat accept
"""
# It refuses to work with an address for documents, as {wan} has, and so is told another one.
MINIUPNPD = """
ext_ifname={wan}
ext_ip=11.0.0.21
listening_ip=lan
enable_natpmp={natpmp}
enable_upnp={upnp}
secure_mode=yes
http_port=5555
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
uuid=fc4ec57e-b051-11db-88f8-0060085db3f6
allow 1024-65535 {inside}.0/24 1024-65535
"""


class Room(Host):
    """A network namespace in a house."""

    def __init__(self, number: int, router: Host) -> None:
        super().__init__(100 + number, f"{router.name}{number}", INSIDE)
        self._router = router

    def sets_up(self, bridge: str) -> None:
        router = self._router.name
        ip(f"netns add {self.name}")
        ip(f"-n {router} link add {self.cable} type veth peer name {self.inside}")
        ip(f"-n {router} link set {self.inside} netns {self.name}")
        ip(f"-n {router} link set {self.cable} master {bridge} up")
        ip(f"-n {self.name} addr add {self.address}/24 dev {self.inside}")
        ip(f"-n {self.name} link set {self.inside} up")
        ip(f"-n {self.name} link set lo up")
        ip(f"-n {self.name} route add default via {INSIDE}.1")


class House:
    def __init__(self, router: Host, rooms: int) -> None:
        self._router = router
        self.rooms = [Room(number, router) for number in range(rooms)]
        self._mapper: subprocess.Popen[bytes] | None = None

    def sets_up(self) -> None:
        router = self._router.name
        ip(f"-n {router} link add lan type bridge")
        ip(f"-n {router} addr add {INSIDE}.1/24 dev lan")
        ip(f"-n {router} link set lan up")
        ip(f"netns exec {router} sysctl -qw net.ipv4.ip_forward=1")
        rules(router, ROUTER.format(wan=self._router.inside))
        for room in self.rooms:
            room.sets_up("lan")

    def says_no_to_strangers(self) -> None:
        """Answer who comes from outside by a reset, instead of nothing."""
        rules(self._router.name, "delete table inet wall\n")

    def takes_another_port_for_each_target(self) -> None:
        """Translate so that each connection comes from a random port."""
        wan = self._router.inside
        rules(
            self._router.name,
            f"flush chain ip nat out\nadd rule ip nat out oifname {wan} masquerade fully-random\n",
        )

    def forwards_no_strays(self) -> None:
        """Drop what belongs to no connection that the router knows, as strict ones do."""
        router = self._router.name
        ip(f"netns exec {router} sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0")
        rules(router, "insert rule inet wall through ct state invalid drop\n")

    def forgets_connections(self) -> None:
        """Empty the router's table, as a router does that starts again, or has too many."""
        ip(f"netns exec {self._router.name} conntrack -F")

    def maps_ports(self, folder: Path, *, by_upnp: bool = False) -> None:
        """Let the router give ports to who asks, by NAT-PMP and PCP, or by UPnP only."""
        router, wan = self._router.name, self._router.inside
        rules(router, MAPS.format())
        file = folder / "miniupnpd.conf"
        natpmp, upnp = ("no", "yes") if by_upnp else ("yes", "no")
        text = MINIUPNPD.format(wan=wan, inside=INSIDE, natpmp=natpmp, upnp=upnp)
        file.write_text(text)
        words = ("ip", "netns", "exec", router, "miniupnpd", "-d", "-f", str(file))
        self._mapper = subprocess.Popen(
            [*words, "-P", str(folder / "miniupnpd.pid")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def maps_no_ports(self) -> None:
        """End the daemon that maps, as a router that hangs; what it has mapped stays."""
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait()
            self._mapper = None

    def starts_again(self, folder: Path) -> None:
        """Forget all ports that it has mapped, and all connections; then map ports again."""
        self.maps_no_ports()
        rules(self._router.name, "delete table inet filter\n")
        self.forgets_connections()
        self.maps_ports(folder)

    def mapped(self) -> str:
        """Return the ports that lead inside, in the words of nft."""
        words = "nft list chain inet filter prerouting_miniupnpd".split()
        done = subprocess.run(
            ["ip", "netns", "exec", self._router.name, *words],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def is_gone(self) -> None:
        self.maps_no_ports()
        for room in self.rooms:
            room.is_gone()


def town_with_house(stage: Stage) -> Iterator[tuple[Lan, House]]:
    """Yield three hosts on one public network, and a house of two people behind the third."""
    for lan in hosts(stage, 3, PUBLIC):
        house = House(lan.hosts[2], 2)
        try:
            house.sets_up()
            yield lan, house
        finally:
            stage.closes()
            house.is_gone()
