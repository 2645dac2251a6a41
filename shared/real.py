"""The real world: real sockets, a real folder, the system's clock and chance."""

import random
from collections.abc import Sequence
from pathlib import Path

import trio
from platformdirs import user_data_path

from shared.border import LoggedBugs
from shared.disk import FolderDisk
from shared.tls import TlsNetwork
from shared.world import SystemClock, World


def real_world(folder: Path, inherited: Sequence[trio.SocketListener] = ()) -> World:
    """Return a `World`, inside `trio.run`; the folder is untouched until the program locks it.

    `inherited`: sockets that listen already, instead of those that `serve` would open.
    """
    disk = FolderDisk(folder, user_data_path("parley"))
    return World(TlsNetwork(inherited), disk, SystemClock(), random.SystemRandom(), LoggedBugs())
