"""Sockets that a service manager holds, and hands to a program: sd_listen_fds(3)."""

import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from tests.kit.programs import Program

# Moves what it inherited to where the program looks for it, then becomes the program.
HAND_OVER: Final = """
import os, sys
numbers = list(map(int, sys.argv[1].split(",")))
moved = [os.dup(number) for number in numbers]
kept = [os.dup2(number, 200 + i) for i, number in enumerate(moved)]
for i, number in enumerate(kept):
    os.dup2(number, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(numbers)))
os.execvp(sys.argv[2], sys.argv[2:])
"""


def with_sockets(
    sockets: Sequence[socket.socket],
    words: Sequence[str],
    *,
    name: str = "",
    environment: Mapping[str, str] | None = None,
) -> Program:
    """Start a program that inherits these sockets, as descriptors 3, 4 and so on."""
    numbers = [one.fileno() for one in sockets]
    handing = [sys.executable, "-c", HAND_OVER, ",".join(map(str, numbers)), *words]
    return Program(handing, name=name, environment=environment, descriptors=numbers)


def listening(host: str, port: int = 0) -> socket.socket:
    """Return a socket that listens at this address alone."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((host, port))
    one.listen(100)
    return one
