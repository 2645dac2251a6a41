"""A Unix socket in a folder, for its owner only: how another program on this machine asks us."""

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import trio

from shared.private import check_folder

PATH_BYTES: Final = 100  # fits into a socket address on every system
WAITING: Final = 16  # connections that are not accepted yet
NOBODY_THERE: Final = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR)

_LOCAL_PEERCRED: Final = 1  # of macOS's <sys/un.h>; its level is 0
_XUCRED: Final = "IIh16I"  # version, uid, number of groups, groups
_UCRED: Final = "iII"  # pid, uid, gid


def listen(path: Path) -> trio.SocketListener:
    """Listen there, with mode 0600; the folder is locked by us, so what is there is old."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_path(path) as short:
            listening.bind(short)
            os.chmod(short, 0o600)
        listening.listen(WAITING)
    except OSError:
        listening.close()
        raise
    return trio.SocketListener(trio.socket.from_stdlib_socket(listening))


async def connect(path: Path) -> trio.SocketStream:
    """Raises OSError; its errno is one of NOBODY_THERE when nobody listens."""
    with short_path(path) as short:
        return await trio.open_unix_socket(short)


def accepts(path: Path) -> bool:
    """Whether somebody listens there; for a program that is not in `trio.run` yet."""
    with short_path(path) as short, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        return asking.connect_ex(short) == 0


def may_be_trusted(folder: Path) -> None:
    """Raise StorageError when somebody else could have put a socket there; root asks anywhere."""
    if os.geteuid() != 0:
        check_folder(folder)


def may_ask(stream: trio.SocketStream) -> bool:
    """Whether the other side is this user, or root; the mode of the file alone may be wrong."""
    return user_of(stream.socket) in (os.geteuid(), 0)


def keep_until_we_end(stream: trio.SocketStream) -> None:
    """Let the other side read the end of this stream when our process has ended, not before.

    Only the kernel closes this descriptor, so whoever waits for the end needs no other sign.
    """
    os.dup(stream.socket.fileno())


def user_of(connection: trio.socket.SocketType) -> int | None:
    """Return the user id of the process at the other end; None if the system does not tell."""
    try:
        if sys.platform == "linux":
            size = struct.calcsize(_UCRED)
            found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            return int(struct.unpack(_UCRED, found)[1])
        found = connection.getsockopt(0, _LOCAL_PEERCRED, struct.calcsize(_XUCRED))
        return int(struct.unpack(_XUCRED, found)[1])
    except (OSError, struct.error):
        return None


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Yield a path that fits into a socket address, if need be through a descriptor."""
    if len(os.fsencode(str(path))) <= PATH_BYTES:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
