"""Messages to a router that maps ports: PCP (RFC 6887) and NAT-PMP (RFC 6886).

Both go to port 5351 of the gateway.  A router that knows NAT-PMP only answers PCP with its
own version and "unsupported".
"""

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from msgspec import Struct

ROUTER_PORT: Final = 5351
NONCE_BYTES: Final = 12
_PCP, _NAT_PMP = 2, 0  # versions
_MAP = 1  # an opcode of PCP
_ADDRESS, _MAP_TCP = 0, 2  # opcodes of NAT-PMP
_ANSWER: Final = 0x80  # set in the opcode of each answer
_TCP: Final = 6
_OTHER_VERSION: Final = 1  # a result, of both
_NO_ADDRESS: Final = 3  # a result of NAT-PMP: the router has no address to the world

_PCP_ASK: Final = struct.Struct("!BBHI16s12sB3xHH16s")
_PCP_ANSWER: Final = struct.Struct("!BBxBI4x12x12sB3xHH16s")
_PCP_REFUSED: Final = struct.Struct("!BBxB20x")
_NAT_PMP_MAP: Final = struct.Struct("!BBHHHI")
_NAT_PMP_MAPPED: Final = struct.Struct("!BBH4xHHI")
_NAT_PMP_ADDRESS: Final = struct.Struct("!BBH4x4s")
_NAT_PMP_REFUSED: Final = struct.Struct("!BBH")


class Grant(Struct, frozen=True):
    """A port of the router that leads to mine, for some seconds."""

    port: int
    lifetime: int  # seconds; 0: it is taken away
    host: str = ""  # of the router, as it says; "" if it does not


class RouterAddress(Struct, frozen=True):
    """The router's own address on its other side, as it says."""

    host: str


class RouterRefusal(Struct, frozen=True):
    """The router does not map this port."""

    code: int
    is_pcp: bool

    @property
    def speaks_other_version(self) -> bool:
        return self.code == _OTHER_VERSION

    @property
    def has_no_address(self) -> bool:
        """Whether it is because the router's other side has no address that the world reaches."""
        return self.code == _NO_ADDRESS and not self.is_pcp


Answer = Grant | RouterAddress | RouterRefusal


def pcp_map(nonce: bytes, own_host: str, port: int, wanted: int, lifetime: int) -> bytes:
    """Return a PCP request for a TCP port.  `own_host`: my address, as the router sees it."""
    own = _mapped(own_host)
    nowhere = IPv6Address("::ffff:0.0.0.0").packed
    return _PCP_ASK.pack(_PCP, _MAP, 0, lifetime, own, nonce, _TCP, port, wanted, nowhere)


def nat_pmp_map(port: int, wanted: int, lifetime: int) -> bytes:
    """Return a NAT-PMP request for a TCP port."""
    return _NAT_PMP_MAP.pack(_NAT_PMP, _MAP_TCP, 0, port, wanted, lifetime)


def nat_pmp_address() -> bytes:
    """Return a NAT-PMP request for the router's own address."""
    return bytes([_NAT_PMP, _ADDRESS])


def _mapped(host: str) -> bytes:
    return IPv6Address(f"::ffff:{IPv4Address(host)}").packed


def read(datagram: bytes, nonce: bytes, port: int) -> Answer | None:
    """Return what a router answers about my TCP port; None for anything else.

    The nonce shows that who answers PCP has read what I asked.  NAT-PMP has none.
    """
    if len(datagram) < 2 or not datagram[1] & _ANSWER:
        return None
    if datagram[0] == _PCP:
        return _read_pcp(datagram, nonce, port)
    return _read_nat_pmp(datagram, port) if datagram[0] == _NAT_PMP else None


def _read_pcp(datagram: bytes, nonce: bytes, port: int) -> Answer | None:
    if len(datagram) < _PCP_REFUSED.size or datagram[1] != _MAP | _ANSWER:
        return None
    if len(datagram) < _PCP_ANSWER.size:
        result = _PCP_REFUSED.unpack_from(datagram)[2]
        return RouterRefusal(result, is_pcp=True) if result == _OTHER_VERSION else None
    found = _PCP_ANSWER.unpack_from(datagram)
    _, _, result, lifetime, echoed, protocol, internal, external, host = found
    if (echoed, protocol, internal) != (nonce, _TCP, port):
        return None
    if result:
        return RouterRefusal(result, is_pcp=True)
    address = IPv6Address(host)
    return Grant(external, lifetime, str(address.ipv4_mapped or address))


def _read_nat_pmp(datagram: bytes, port: int) -> Answer | None:
    if len(datagram) < _NAT_PMP_REFUSED.size:
        return None
    _, opcode, result = _NAT_PMP_REFUSED.unpack_from(datagram)
    if result:
        return RouterRefusal(result, is_pcp=False)
    if opcode == _MAP_TCP | _ANSWER and len(datagram) >= _NAT_PMP_MAPPED.size:
        *_, internal, external, lifetime = _NAT_PMP_MAPPED.unpack_from(datagram)
        return Grant(external, lifetime) if internal == port else None
    if opcode == _ADDRESS | _ANSWER and len(datagram) >= _NAT_PMP_ADDRESS.size:
        *_, host = _NAT_PMP_ADDRESS.unpack_from(datagram)
        return RouterAddress(str(IPv4Address(host)))
    return None
