"""The file that says whether names and mail are in PostgreSQL, and no more in the data folder."""

from typing import Final

from shared.world import Disk

STORE_FILE: Final = "store"
ELSEWHERE: Final = b"Names and mail are in PostgreSQL: start the directory with --store.\n"
MOVING: Final = b"Names and mail are being moved to PostgreSQL: end that with --fill-store.\n"


def is_elsewhere(disk: Disk) -> bool:
    """Whether names and mail are in PostgreSQL, and no part of a backup."""
    return disk.read(STORE_FILE) not in (None, b"", MOVING)


def is_moving(disk: Disk) -> bool:
    """Whether a move has begun, of which nobody knows yet whether PostgreSQL has it all."""
    return disk.read(STORE_FILE) == MOVING


def mark_elsewhere(disk: Disk) -> None:
    """Note that names and mail are in PostgreSQL, once it is sure.  Raises StorageError."""
    if not is_elsewhere(disk):
        disk.write(STORE_FILE, ELSEWHERE)


def mark_moving(disk: Disk) -> None:
    """Note it before anything is moved.  Raises StorageError."""
    disk.write(STORE_FILE, MOVING)


def mark_here(disk: Disk) -> None:
    """Note that nothing was moved.  Raises StorageError."""
    disk.write(STORE_FILE, b"")
