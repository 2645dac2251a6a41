"""That the benchmarks measure something; how much is no verdict of a test."""

from pathlib import Path

from tests.bench import round_trip
from tests.bench.figures import AtLeast, AtMost, Figure, Unit, percentile
from tests.bench.plan import Plan


async def test_a_benchmark_runs_with_real_processes(tmp_path: Path) -> None:
    figures = await round_trip.measure(Plan(tmp_path, share=0.01))

    assert [figure.what[-3:] for figure in figures] == ["p50", "p99"]
    for figure in figures:
        assert figure.value > 0
        assert figure.limit is not None
        assert figure.limit > 0


def test_a_target_is_met_or_missed() -> None:
    slow = Figure("slow", 3.0, Unit.MILLISECONDS, 1.0, "", AtMost(1.5, of_limit=True))
    assert slow.ratio == 3.0
    assert slow.is_met is False
    assert Figure("fast", 0.01, Unit.MILLISECONDS, target=AtMost(0.02)).is_met
    assert Figure("many", 500, Unit.A_SECOND, target=AtLeast(400)).is_met
    assert Figure("no target", 1, Unit.KIBIBYTES).is_met is None


def test_percentiles() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert percentile(values, 50) == 3.0
    assert percentile(values, 99) == 5.0
    assert percentile([7.0], 50) == 7.0
