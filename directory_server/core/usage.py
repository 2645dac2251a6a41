"""Decide how long a name is kept without use.

Somebody who tries the program once does not keep a name for years, and nobody holds names
that they do not use.  All times here are the directory's age: the seconds for which it
has run in all.  The time of day may jump, and must not take anybody's name.
"""

from dataclasses import dataclass
from typing import Final

from shared.names import ESTABLISHED_SECONDS, FLEETING_DAYS, UNUSED_DAYS

DAY: Final = 86_400.0


@dataclass(slots=True)
class Usage:
    """The use of one name so far."""

    seconds: float = 0.0  # in all, the present stay not included
    last: float = 0.0  # when it was registered, or last used
    here_since: float | None = None  # when the present stay began; None: away

    def arrive(self, age: float) -> None:
        """Begin a stay; nothing changes when another program takes over."""
        if self.here_since is None:
            self.here_since = age

    def leave(self, age: float) -> None:
        """End the stay, now or when the directory crashed."""
        if self.here_since is not None:
            self.seconds += max(0.0, age - self.here_since)
            self.last, self.here_since = age, None

    def merge(self, other: "Usage") -> None:
        """Take over what another directory has noted of the same name."""
        self.seconds = max(self.seconds, other.seconds)
        self.last = max(self.last, other.last)

    def is_over(self, age: float) -> bool:
        """Whether the name expires, because nobody has used it for too long."""
        established = self.seconds >= ESTABLISHED_SECONDS
        days = UNUSED_DAYS if established else FLEETING_DAYS
        return self.here_since is None and age - self.last > days * DAY
