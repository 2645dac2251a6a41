"""The addresses of this machine's own interfaces, without privileges and without packets.

Linux tells all of them over a netlink socket, in a fraction of a millisecond.  Of other
systems we ask only which address they would use, which is nearly always the one that counts.
"""

import contextlib
import socket
import struct
import sys
from collections.abc import Iterator
from typing import Final

from shared.spots import Interface

_DUMP_ADDRESSES: Final = (22, 0x301)  # RTM_GETADDR; NLM_F_REQUEST | NLM_F_DUMP
_ADDRESS, _LOCAL, _FLAGS = 1, 2, 8  # attributes: IFA_...
_TEMPORARY, _UNUSABLE = 0x01, 0x08 | 0x20 | 0x40  # flags; DAD failed, deprecated, tentative
_ERROR, _DONE = 2, 3  # kinds of netlink messages
_DUMP_BYTES: Final = 64 * 1024  # of one answer: the kernel's are at most 32 KiB
_MOST: Final = 256  # addresses that are read
_ANYWHERE: Final = (  # a UDP socket that is connected sends nothing
    (socket.AF_INET, "192.0.2.1", 24), (socket.AF_INET6, "2001:db8::1", 64),
)  # fmt: skip


def own_interfaces() -> tuple[Interface, ...]:
    """Return the addresses of this machine; none when the system does not tell."""
    try:
        if sys.platform.startswith("linux"):
            return tuple(_from_netlink())
        return tuple(_by_routes())
    except OSError:
        return ()


def _from_netlink() -> Iterator[Interface]:
    count = 0
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(1.0)
        netlink.send(struct.pack("=IHHIIB3xI", 24, *_DUMP_ADDRESSES, 1, 0, socket.AF_UNSPEC, 0))
        while True:
            answer = netlink.recv(_DUMP_BYTES)
            for kind, body in _pieces(answer, "=IH10x", 16):
                if kind in {_ERROR, _DONE} or count == _MOST:
                    return
                if (one := _interface(body)) is not None:
                    count += 1
                    yield one


def _interface(body: bytes) -> Interface | None:
    """Return the address that this message tells of."""
    family, prefix, flags, _, index = struct.unpack_from("=BBBBI", body)
    attributes = dict(_pieces(body[8:], "=HH", 4))
    packed = attributes.get(_LOCAL) or attributes.get(_ADDRESS)
    if _FLAGS in attributes:
        (flags,) = struct.unpack("=I", attributes[_FLAGS])
    if packed is None or family not in {socket.AF_INET, socket.AF_INET6} or flags & _UNUSABLE:
        return None
    try:
        name = socket.if_indextoname(index)
    except OSError:
        return None  # it is gone by now
    is_temporary = family == socket.AF_INET6 and bool(flags & _TEMPORARY)
    return Interface(name, socket.inet_ntop(family, packed), prefix, is_temporary=is_temporary)


def _pieces(data: bytes, header: str, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of the pieces, each of which begins with its length."""
    while len(data) >= size:
        length, kind = struct.unpack_from(header, data)
        if length < size:
            return
        yield kind, data[size:length]
        data = data[(length + 3) & ~3 :]


def _by_routes() -> Iterator[Interface]:
    for family, anywhere, prefix in _ANYWHERE:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((anywhere, 9))
            yield Interface("", str(probe.getsockname()[0]), prefix)
