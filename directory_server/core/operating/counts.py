"""Count what a running directory does: numbers only, no names, for `/metrics` and `status`."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from directory_server.core.alarm import Alarm

COMMIT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
COMMIT_BATCH: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0)
#: what became of a message that was left, by the code of the ERR; without one it is stored
OUTCOMES: Final = {"": "stored", "FULL": "full", "NOBODY": "nobody", "DISK": "failed"}
LATE_SECONDS: Final = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Histogram:
    """Counts how often a value was at most as large as each bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self._counts)

    def buckets(self) -> list[tuple[str, float]]:
        """Return each bound, and how many values were at most so large; the last is +Inf."""
        found, total = [], 0
        names = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        for name, count in zip(names, self._counts, strict=True):
            total += count
            found.append((name, float(total)))
        return found


class Counts:
    def __init__(self) -> None:
        self.registrations: Counter[str] = Counter()  #: new, again, taken, refused, banned
        self.left: Counter[str] = Counter()  #: messages: stored, full, nobody, failed, refused
        self.cut: Counter[str] = Counter()  #: links: slow, silent, vanished, takeover, operator
        self.taken = 0  #: messages that their receivers have on disk
        self.handshakes_failed = 0
        self.wrong_tokens = Alarm()
        self.heard = 0  #: bulletins of other directories
        self.news_posts = 0  #: writes of news
        self.store_failures = 0  #: writes that the disk refused
        self.commit_seconds = Histogram(COMMIT_SECONDS)
        self.commit_batch = Histogram(COMMIT_BATCH)
        self.loop_late = Histogram(LATE_SECONDS)
        self.ticked = float("-inf")  #: when the loop last ran its tick

    def answered(self, answers: Iterable[object]) -> None:
        """Count what became of messages that were left, by the answers to their sender."""
        for answer in answers:
            self.left[OUTCOMES.get(getattr(answer, "code", ""), "refused")] += 1

    def committed(self, seconds: float, batch: int) -> None:
        self.commit_seconds.add(seconds)
        self.commit_batch.add(batch)

    def tick(self, now: float, late: float) -> None:
        self.ticked = now
        self.loop_late.add(max(0.0, late))
