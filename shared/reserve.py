"""Room on the disk for deletions only, so that a disk that is full can be emptied.

A deletion needs room first: the database writes what it changes into its log.
"""

import sqlite3

from shared.world import Disk


class Reserve:
    """Used in the writing thread.  With a `size` of 0 there is none, and nobody misses it."""

    def __init__(self, disk: Disk, size: int) -> None:
        self._disk, self._size = disk, size
        self._is_whole = size == 0

    def is_whole(self) -> bool:
        """Whether the reserve is there; builds it anew where that is possible by now.

        While it is not, nothing but deletions may be written.
        """
        if not self._is_whole:
            self._is_whole = self._disk.reserve(self._size)
        return self._is_whole

    def open(self) -> bool:
        """Let a deletion have the room; False when there is none."""
        if self._size == 0 or not self._is_whole:
            return False
        self._disk.release()
        self._is_whole = False
        return True

    def recover(self, connection: sqlite3.Connection) -> None:
        """After a deletion: give the log of the database back to the disk."""
        if not self._is_whole:
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError:
                return  # somebody reads, or there is no room for it yet: after the next one
