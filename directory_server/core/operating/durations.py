"""Durations as an operator writes them: 30m, 12h, 7d, 2w."""

import re
from typing import Final

from shared.errors import Refused

MINUTE: Final = 60
SECONDS_OF: Final = {"m": MINUTE, "h": 60 * MINUTE, "d": 1_440 * MINUTE, "w": 10_080 * MINUTE}
MOST_DAYS: Final = 3_650
_NAMES: Final = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
_DURATION: Final = re.compile(r"([0-9]{1,7})([mhdw])\Z", re.ASCII)


def parse_duration(text: str) -> float:
    """Return the seconds.  Raises Refused with the reason."""
    found = _DURATION.match(text.lower())
    seconds = int(found[1]) * SECONDS_OF[found[2]] if found else 0
    if not seconds:
        raise Refused(f'"{text}" is not a duration: write 30m, 12h, 7d or 2w', "USAGE")
    if seconds > MOST_DAYS * SECONDS_OF["d"]:
        raise Refused(f"the longest duration is {MOST_DAYS}d; without one it is for ever", "USAGE")
    return float(seconds)


def spell_duration(seconds: float) -> str:
    """Return about this duration in words, in the largest unit that fits: "7 days"."""
    unit = next((one for one in "dhm" if seconds >= SECONDS_OF[one]), "m")
    count = max(1, round(seconds / SECONDS_OF[unit]))
    return f"{count} {_NAMES[unit]}{'s' * (count != 1)}"
