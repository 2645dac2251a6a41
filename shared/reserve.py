"""Room on the disk for deletions only, so that a full disk can be emptied.

A deletion needs room first: the database writes what it changes into its log.
"""

import sqlite3

from shared.world import Disk


class Reserve:
    """A reserve, used in the writing thread.  With a `size` of 0 there is none."""

    def __init__(self, disk: Disk, size: int) -> None:
        self._disk, self._size = disk, size
        self._is_whole = size == 0

    def is_whole(self) -> bool:
        """Return whether the reserve is there; first restore it if that is possible by now.

        Without it only deletions may be written.
        """
        if not self._is_whole:
            self._is_whole = self._disk.reserve(self._size)
        return self._is_whole

    def open(self) -> bool:
        """Release the room for a deletion; return False when there is none."""
        if self._size == 0 or not self._is_whole:
            return False
        self._disk.release()
        self._is_whole = False
        return True

    def recover(self, connection: sqlite3.Connection) -> None:
        """After a deletion, give the room of the database's log back to the disk."""
        if not self._is_whole:
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error:
                return  # a reader, no room yet, or damage: the next deletion tries again
