"""Houses: hosts behind a router that translates their addresses, and lets nobody in.

The router is a host of a `Lan`.  It does not lead from the inside to its own outside address.
"""

from tests.kit.lan import Host, ip, rules

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

    def sets_up(self) -> None:
        router = self._router.name
        ip(f"-n {router} link add lan type bridge")
        ip(f"-n {router} addr add {INSIDE}.1/24 dev lan")
        ip(f"-n {router} link set lan up")
        ip(f"netns exec {router} sysctl -qw net.ipv4.ip_forward=1")
        rules(router, ROUTER.format(wan=self._router.inside))
        for room in self.rooms:
            room.sets_up("lan")

    def is_gone(self) -> None:
        for room in self.rooms:
            room.is_gone()
