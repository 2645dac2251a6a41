"""Houses: hosts behind a router that translates their addresses, and lets nobody in.

The router is a host of a `Lan`.  It does not lead from the inside to its own outside address.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.lan import PUBLIC, Host, Lan, hosts, ip, rules
from tests.kit.programs import Stage

INSIDE = "192.168.1"  # the same numbers in every house
TOWN6, HOUSE6 = "2001:db8:77", "2001:db8:1"  # in documents only, and told to everybody

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
ANOTHER = "11.0.0.21"
MINIUPNPD = """
ext_ifname={wan}
{says}
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
# A port that its owner forwards by hand.
FORWARDS = """
add chain ip nat in {{ type nat hook prerouting priority -100; }}
add rule ip nat in iifname "{wan}" tcp dport {port} dnat to {to}:{port}
add rule inet wall through ct status dnat accept
"""
# IPv6 comes through to the rooms, as each has an address of its own.
OPEN6 = """
add rule inet wall in meta l4proto icmpv6 accept
add rule inet wall through meta nfproto ipv6 accept
"""


class Room(Host):
    """A network namespace in a house.  It may be the router of a house of its own."""

    def __init__(self, number: int, router: Host, inside: str) -> None:
        super().__init__(100 + number, f"{router.name}{number}", inside)
        self._router, self._gateway = router, f"{inside}.1"

    def sets_up(self, bridge: str) -> None:
        router = self._router.name
        ip(f"netns add {self.name}")
        ip(f"-n {router} link add {self.cable} type veth peer name {self.inside}")
        ip(f"-n {router} link set {self.inside} netns {self.name}")
        ip(f"-n {router} link set {self.cable} master {bridge} up")
        ip(f"-n {self.name} addr add {self.address}/24 dev {self.inside}")
        ip(f"-n {self.name} link set {self.inside} up")
        ip(f"-n {self.name} link set lo up")
        ip(f"-n {self.name} route add default via {self._gateway}")


class House:
    def __init__(self, router: Host, rooms: int, inside: str = INSIDE) -> None:
        self._router, self._inside = router, inside
        self.rooms = [Room(number, router, inside) for number in range(rooms)]
        self._mapper: subprocess.Popen[bytes] | None = None

    def sets_up(self) -> None:
        router = self._router.name
        ip(f"-n {router} link add lan type bridge")
        ip(f"-n {router} addr add {self._inside}.1/24 dev lan")
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

    def leads_to(self, room: Room, port: int) -> None:
        """Forward a port of the router, to the same one of this room, for ever."""
        wan = self._router.inside
        rules(self._router.name, FORWARDS.format(wan=wan, port=port, to=room.address))

    def gives_ipv6(self, town: list[Host]) -> None:
        """Give all rooms, and these hosts of the town, IPv6 addresses that are good everywhere."""
        for number, host in enumerate((self._router, *town), start=1):
            host.ipv6 = f"{TOWN6}::{number}"
            host.speaks_ipv6()
        router = self._router.name
        ip(f"-n {router} addr add {HOUSE6}::1/64 dev lan nodad")
        ip(f"netns exec {router} sysctl -qw net.ipv6.conf.all.forwarding=1")
        for host in town:
            ip(f"-n {host.name} route add {HOUSE6}::/64 via {self._router.ipv6}")
        for number, room in enumerate(self.rooms, start=100):
            room.ipv6 = f"{HOUSE6}::{number}"
            room.speaks_ipv6()
            ip(f"-n {room.name} route add default via {HOUSE6}::1")
        rules(router, OPEN6)

    def maps_ports(self, folder: Path, *, by_upnp: bool = False, says: str = ANOTHER) -> None:
        """Let the router give ports to who asks, by NAT-PMP and PCP, or by UPnP only.

        `says`: the address that it says it has outside; "": the one that it has.
        """
        router, wan = self._router.name, self._router.inside
        rules(router, MAPS.format())
        file = folder / "miniupnpd.conf"
        natpmp, upnp = ("no", "yes") if by_upnp else ("yes", "no")
        text = MINIUPNPD.format(
            wan=wan, says=f"ext_ip={says}" if says else "", inside=self._inside, natpmp=natpmp,
            upnp=upnp,
        )  # fmt: skip
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


@contextmanager
def town_with_houses(stage: Stage, houses: int, rooms: int) -> Iterator[tuple[Lan, list[House]]]:
    """Yield three hosts on one public network, and houses behind the last ones of them."""
    for lan in hosts(stage, 3, PUBLIC):
        built = [House(router, rooms) for router in lan.hosts[-houses:]]
        try:
            for house in built:
                house.sets_up()
            yield lan, built
        finally:
            stage.closes()
            for house in built:
                house.is_gone()


def town_with_house(stage: Stage) -> Iterator[tuple[Lan, House]]:
    """Yield such a town with one house of two people."""
    with town_with_houses(stage, 1, 2) as (lan, (house,)):
        yield lan, house
