"""Take over sockets of the system, and make each notice when its other host has vanished."""

import socket
from typing import Final

import trio

# A host that vanished is noticed 3 + 3 * 2 s later.  TCP_USER_TIMEOUT is unset: Linux
# would then count that instead, and it kills slow readers (see `shared.world.Wire.unheard`).
KEEPALIVE_IDLE: Final = 3
KEEPALIVE_INTERVAL: Final = 2
KEEPALIVE_PROBES: Final = 3


def bare(stream: trio.SocketStream) -> socket.socket:
    """Return the system's own socket, which is ours alone from now on."""
    sock = socket.socket(fileno=stream.socket.detach())
    sock.setblocking(False)
    return sock


def keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    idle = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
    if idle is not None:
        sock.setsockopt(socket.IPPROTO_TCP, idle, KEEPALIVE_IDLE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
