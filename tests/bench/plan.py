"""How much a benchmark shall do, and where it may write."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    folder: Path  #: empty, and thrown away afterwards
    share: float = 1.0  #: of the repetitions of a full run

    def times(self, full: int, *, least: int = 1) -> int:
        return max(least, round(full * self.share))
