"""Which options a worker gets from its parent, when it is started and started again."""

import argparse
from pathlib import Path

import pytest

from directory_server.arguments import parse
from directory_server.workers.options import Options, of_parent
from shared.errors import Refused

STORE = "postgresql://db1/parley"
WORDS = ["--name", "lab", "--register-only-with", "sesame"]
FILE = f'port = 5000\nstore = "{STORE}"\nworkers = 3\nmetrics = 9464\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "dirserver.toml"
    file.write_text(FILE)
    return file


@pytest.fixture
def options(file: Path) -> Options:
    return options_of(file)


def options_of(file: Path) -> Options:
    def read() -> argparse.Namespace:
        return parse(WORDS, file=file)

    return Options(read(), read)


def worker(options: Options, number: int) -> argparse.Namespace:
    return of_parent(options.of_worker(number, Path("data")))


def test_workers_differ_only_in_what_they_cannot_share(options: Options) -> None:
    started = [worker(options, number) for number in (1, 2, 3)]
    assert [one.no_announce for one in started] == [False, True, True]
    assert [one.metrics for one in started] == [("127.0.0.1", port) for port in (9464, 9465, 9466)]
    own = {"workers": 1, "data": "data", "no_announce": True, "metrics": ("127.0.0.1", 9465)}
    assert vars(started[1]) == vars(options.latest) | own


def test_a_worker_without_metrics_has_none(file: Path) -> None:
    file.write_text(FILE.replace("metrics = 9464\n", ""))
    assert worker(options_of(file), 2).metrics is None


def test_free_ports_are_free_ports(file: Path) -> None:
    file.write_text(FILE.replace("9464", "0"))
    assert worker(options_of(file), 2).metrics == ("127.0.0.1", 0)


def test_a_worker_whose_metrics_find_no_port_is_refused(file: Path) -> None:
    file.write_text(FILE.replace("9464", "65534"))
    options = options_of(file)
    assert worker(options, 2).metrics[1] == 65535
    with pytest.raises(Refused, match="--metrics: 65536 is not a port"):
        options.of_worker(3, Path("data"))


@pytest.mark.parametrize(
    "edited",
    [
        FILE.replace("5000", "5001").replace("db1", "db2"),
        FILE + 'host = "127.0.0.1"\nstore_sync = true\nidle_after = 5\n',
        "idle_after = 5",
        "port = = 5001",
    ],
)
def test_a_worker_that_is_started_again_does_not_look_at_the_file(
    options: Options, file: Path, edited: str
) -> None:
    before = worker(options, 2)
    file.write_text(edited)
    assert worker(options, 2) == before


def test_a_worker_that_is_started_again_has_the_options_of_the_last_reload(
    options: Options, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(
        FILE.replace("5000", "5001").replace("= 3", "= 5").replace("9464", "9999")
        + 'data = "there"\nidle_after = 5\n'
    )
    assert options.read_anew()
    assert caplog.messages == [
        "these options change only with a restart: port, data, workers, metrics"
    ]
    again = worker(options, 2)
    assert (again.port, again.metrics[1], again.idle_after) == (5000, 9465, 5.0)


def test_a_file_that_is_wrong_changes_nothing(
    options: Options, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = options.latest
    file.write_text("idle_after = = 5")
    assert not options.read_anew()
    assert options.latest == before
    assert caplog.messages == ["the options were not read anew: one of them is wrong"]
