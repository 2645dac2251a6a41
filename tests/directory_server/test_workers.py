"""How the parent of several directories on one port starts each of them."""

from pathlib import Path

from directory_server import arguments
from directory_server.workers.parent import Workers

WORDS = ["5000", "--store", "postgresql://db1/parley", "--workers", "3", "--name", "lab"]


def test_one_of_several_workers_announces_them(tmp_path: Path) -> None:
    workers = Workers(3, WORDS, tmp_path, ("127.0.0.1", 9464))
    started = [arguments.parse(workers.command(number, tmp_path)[4:]) for number in (1, 2, 3)]
    assert [one.no_announce for one in started] == [False, True, True]
    assert {one.workers for one in started} == {1}
    assert [one.metrics[1] for one in started] == [9464, 9465, 9466]
