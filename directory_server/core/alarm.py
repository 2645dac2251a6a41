"""A limit for the log lines that an attacker can cause: one at once, then one a minute."""

from typing import Final

QUIET_SECONDS: Final = 60.0


class Alarm:
    def __init__(self) -> None:
        self._count = 0  # since the last line
        self._told = float("-inf")

    def ring(self, now: float) -> int:
        """Count an event; return how many there were since the last line, 0 for no line yet."""
        self._count += 1
        if now < self._told + QUIET_SECONDS:
            return 0
        count, self._count, self._told = self._count, 0, now
        return count
