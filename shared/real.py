"""The real world: real sockets, a real folder, the system's clock and chance."""

import random
from pathlib import Path

from shared.disk import FolderDisk
from shared.tls import TlsNetwork
from shared.world import SystemClock, World


def real_world(folder: Path) -> World:
    """Call it inside `trio.run`; touches the folder only when the program locks it."""
    return World(TlsNetwork(), FolderDisk(folder), SystemClock(), random.SystemRandom())
