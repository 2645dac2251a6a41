"""What a directory counts."""

from directory_server.core.operating.counts import Counts, Histogram
from shared.messages.common import Err
from shared.messages.directory import Stored


def test_a_histogram_counts_what_is_at_most_as_large_as_each_bound() -> None:
    histogram = Histogram((1.0, 2.5))
    for value in (0.5, 1.0, 2.0, 99.0):
        histogram.add(value)
    assert histogram.buckets() == [("1", 2.0), ("2.5", 3.0), ("+Inf", 4.0)]
    assert (histogram.count, histogram.sum) == (4, 102.5)


def test_the_answers_about_messages_are_counted() -> None:
    counts = Counts()
    codes = ("FULL", "FULL", "NOBODY", "DISK", "REFUSED")
    counts.answered([Stored(1, "ab" * 16), *(Err(code, "", 1) for code in codes)])
    assert counts.left == {"stored": 1, "full": 2, "nobody": 1, "failed": 1, "refused": 1}


def test_a_commit_and_a_tick_are_counted() -> None:
    counts = Counts()
    counts.committed(0.004, 12)
    counts.tick(7.0, -0.1)
    counts.tick(8.0, 0.3)
    assert (counts.commit_seconds.sum, counts.commit_batch.sum) == (0.004, 12)
    assert (counts.ticked, counts.loop_late.count, counts.loop_late.sum) == (8.0, 2, 0.3)
