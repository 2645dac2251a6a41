"""Take over the sockets on which a service manager listens for us: sd_listen_fds(3).

These sockets stay open while the directory restarts, so that newcomers wait.
"""

import os
import socket
from typing import Final

import trio

from shared.arguments import quoted
from shared.errors import Refused
from shared.wording import system_reason

FIRST: Final = 3  # the descriptor of the first one, says sd_listen_fds(3)
MOST: Final = 16  # far more than one for each address of a machine


def inherited_listeners(port: int) -> list[trio.SocketListener]:
    """Return a listener for each socket that was handed to us; none if nothing was.

    Raises Refused, if one of them is not a socket that listens on this TCP port.
    """
    return [trio.SocketListener(_listening_socket(number, port)) for number in _descriptors()]


def _descriptors() -> range:
    """Return the descriptors that are meant for this process, and forget them."""
    process, count = (os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS"))
    os.environ.pop("LISTEN_FDNAMES", None)
    if process != str(os.getpid()):
        return range(0)
    if not (count.isascii() and count.isdigit() and len(count) < 3 and int(count) <= MOST):
        raise Refused(f"LISTEN_FDS says {quoted(count)}, not a number up to {MOST}", "USAGE")
    return range(FIRST, FIRST + int(count))


def _listening_socket(descriptor: int, port: int) -> trio.socket.SocketType:
    """Return the socket behind a descriptor.  Raises Refused."""
    try:
        os.set_inheritable(descriptor, False)
        found = socket.socket(fileno=descriptor)
    except OSError as error:
        why = f"socket {descriptor} of the service manager: {system_reason(error)}"
        raise Refused(why, "USAGE") from None
    if why := _fault(found, port):
        found.close()
        raise Refused(f"socket {descriptor} of the service manager {why}", "USAGE")
    found.setblocking(False)
    return trio.socket.from_stdlib_socket(found)


def _fault(found: socket.socket, port: int) -> str:
    """Return why we cannot serve on it; "" if we can."""
    if not _listens_on_tcp(found):
        return "does not listen on a TCP port"
    told = int(found.getsockname()[1])
    return "" if told == port else f"listens on port {told}, and not on port {port}"


def _listens_on_tcp(found: socket.socket) -> bool:
    return (
        found.family in (socket.AF_INET, socket.AF_INET6)
        and found.type == socket.SOCK_STREAM
        and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    )
