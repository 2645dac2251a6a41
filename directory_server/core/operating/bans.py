"""Know whom the operator has banned: a user, by key, or the addresses of a network.

A banned user keeps the name, but cannot register: not under another name either, since the
key is banned.  Times are of day, as the operator reads them.
"""

import datetime
import ipaddress
from collections.abc import Iterable
from typing import Final, NamedTuple

from shared.errors import Refused
from shared.names import fold

BANS: Final = 10_000  # kept in memory, 500 bytes each
REASON_CHARACTERS: Final = 300
USER: Final = "user"
ADDRESS: Final = "address"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Ban(NamedTuple):
    kind: str  # USER or ADDRESS
    value: str  # the key in hex, or the network
    name: str = ""  # of the user, as registered at that time
    since: float = 0.0
    until: float | None = None  # None: for ever
    reason: str = ""

    def is_over(self, time: float) -> bool:
        return self.until is not None and time >= self.until

    @property
    def whom(self) -> str:
        """Return whom it concerns, as an operator writes it."""
        return self.name if self.kind == USER else self.value

    def sentence(self) -> str:
        """Return what the banned one is told."""
        who = "You are banned" if self.kind == USER else f"Your address ({self.value}) is banned"
        until = "" if self.until is None else f" until {_utc(self.until)}"
        return f"{who} from this directory{until}{f': {self.reason}' if self.reason else '.'}"


def _utc(time: float) -> str:
    return f"{datetime.datetime.fromtimestamp(time, datetime.UTC):%Y-%m-%d %H:%M} UTC"


def parse_network(text: str) -> Network | None:
    """Return the network, or the single address as one; None if it is neither.

    An IPv4 address that is written as IPv6 is an IPv4 address: sockets show both.
    """
    try:
        network = ipaddress.ip_network(text.partition("%")[0], strict=False)
    except ValueError:
        return None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - 96), strict=False)


def spell_network(network: Network) -> str:
    """Return the network as an operator writes it: a single address without its length."""
    return str(network) if network.num_addresses > 1 else str(network.network_address)


class Bans:
    def __init__(self, bans: Iterable[Ban] = ()) -> None:
        self._users: dict[str, Ban] = {}  # by key, in hex
        self._networks: dict[Network, Ban] = {}
        self.changes = 0  #: how often one was added or removed
        self.load(bans)

    def load(self, bans: Iterable[Ban]) -> None:
        """Take these bans for all that there are."""
        self._users.clear()
        self._networks.clear()
        for ban in bans:
            self.add(ban)

    def add(self, ban: Ban) -> None:
        """Add a ban; it replaces an earlier one of the same user or network."""
        self.changes += 1
        if ban.kind == USER:
            self._users[ban.value] = ban
        elif (network := parse_network(ban.value)) is not None:
            self._networks[network] = ban

    def remove(self, ban: Ban) -> None:
        self.changes += 1
        if ban.kind == USER:
            self._users.pop(ban.value, None)
        elif (network := parse_network(ban.value)) is not None:
            self._networks.pop(network, None)

    def all(self, time: float) -> list[Ban]:
        """Return the bans that are not over, the oldest first."""
        bans = [*self._users.values(), *self._networks.values()]
        return sorted((ban for ban in bans if not ban.is_over(time)), key=lambda ban: ban.since)

    def named(self, whom: str, time: float) -> list[Ban]:
        """Return the bans that an operator means with this name, address or network."""
        network = parse_network(whom)
        return [
            ban
            for ban in self.all(time)
            if (ban.kind == USER and fold(ban.name) == fold(whom))
            or (ban.kind == ADDRESS and network == parse_network(ban.value))
        ]

    def over(self, time: float) -> list[Ban]:
        """Return the bans that are over; the caller removes them."""
        return [
            ban for ban in (*self._users.values(), *self._networks.values()) if ban.is_over(time)
        ]

    def find(self, key: bytes, address: str, time: float) -> Ban | None:
        """Return the ban of this user or address, the user's first."""
        ban = self._users.get(key.hex())
        if ban is not None and not ban.is_over(time):
            return ban
        return self._of_address(address, time)

    def check(self, key: bytes, address: str, time: float) -> None:
        """Raise Refused, with the operator's reason, when this user or address is banned."""
        ban = self.find(key, address, time)
        if ban is not None:
            raise Refused(ban.sentence(), "BANNED")

    def check_room(self) -> None:
        """Raise Refused when there are too many bans."""
        if len(self._users) + len(self._networks) >= BANS:
            raise Refused(f"there are {BANS:,} bans already: unban somebody first", "FULL")

    def _of_address(self, address: str, time: float) -> Ban | None:
        """Return the ban of the smallest network that holds this address."""
        whole = parse_network(address) if self._networks else None
        if whole is None:
            return None
        lengths = {one.prefixlen for one in self._networks if one.version == whole.version}
        for length in sorted(lengths, reverse=True):
            ban = self._networks.get(whole.supernet(new_prefix=length))
            if ban is not None and not ban.is_over(time):
                return ban
        return None
