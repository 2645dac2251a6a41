"""Datagrams as the system sends them: UDP."""

import ipaddress
import socket

import trio

from shared.wire import address
from shared.world import DATAGRAM_BYTES, Address


def check_datagram(data: bytes, to: Address) -> None:
    """Raise ValueError when this is too long, or for a host that must be looked up first."""
    if len(data) > DATAGRAM_BYTES:
        raise ValueError(f"a datagram has at most {DATAGRAM_BYTES} bytes, not {len(data)}")
    ipaddress.ip_address(to.host)


class UdpPort:
    """`shared.world.Datagrams` on a real socket."""

    def __init__(self, bound: trio.socket.SocketType) -> None:
        self.local = address(bound.getsockname())
        self._socket = bound

    @classmethod
    async def bind(cls, host: str, port: int) -> "UdpPort":
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = trio.socket.socket(family, socket.SOCK_DGRAM)
        try:
            await bound.bind((host, port))
        except BaseException:
            bound.close()
            raise
        return cls(bound)

    async def send(self, data: bytes, to: Address) -> None:
        check_datagram(data, to)
        self._check_open()
        await self._socket.sendto(data, to)

    async def receive(self) -> tuple[bytes, Address]:
        self._check_open()
        while True:
            # A longer one is cut there, and so is known.
            data, sender = await self._socket.recvfrom(DATAGRAM_BYTES + 1)
            if len(data) <= DATAGRAM_BYTES:
                return data, address(sender)

    def close(self) -> None:
        self._socket.close()

    def _check_open(self) -> None:
        if self._socket.fileno() == -1:
            raise trio.ClosedResourceError
