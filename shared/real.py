"""The real world: real sockets, a real folder, the system's clock and chance."""

import random
from pathlib import Path

from platformdirs import user_data_path

from shared.border import LoggedBugs
from shared.disk import FolderDisk
from shared.tls import TlsNetwork
from shared.world import SystemClock, World


def real_world(folder: Path) -> World:
    """Return a `World`, inside `trio.run`; the folder is untouched until the program locks it."""
    disk = FolderDisk(folder, user_data_path("parley"))
    return World(TlsNetwork(), disk, SystemClock(), random.SystemRandom(), LoggedBugs())
