"""Somebody edits the option file under real workers, which crash, and are to read it anew."""

import os
import signal
import time
from pathlib import Path

from tests.kit.ports import free_port
from tests.kit.postgres import needs_postgres, servers
from tests.kit.programs import HOST, PATIENCE, Program, Stage, children_of, tool

ANEW = "the options are read anew"
WAIT = "these options change only with a restart: port, host, data, store, workers"


def says_for_each_worker(parent: Program, words: str) -> None:
    """Wait until both have said this on stderr."""
    end = time.monotonic() + PATIENCE
    while sum(line.endswith(words) for line in parent.errors) < 2:
        assert time.monotonic() < end, parent.transcript()
        time.sleep(0.05)


def first_worker(parent: Program, stage: Stage) -> int:
    """Return the process of the worker that has the parent's data folder."""
    commands = {one: Path(f"/proc/{one}/cmdline").read_bytes() for one in children_of(parent.pid)}
    last = f"\0{stage.directory_data}\0".encode()
    return next(one for one, command in commands.items() if command.endswith(last))


@needs_postgres
def test_workers_that_crash_come_back_whatever_the_file_says_meanwhile(stage: Stage) -> None:
    file = stage.folder / "dirserver.toml"
    with servers() as place:
        store = place.one().url
        wanted = f'port = {stage.port}\nhost = "{HOST}"\nstore = "{store}"\nworkers = 2\n'
        file.write_text(f'{wanted}data = "{stage.directory_data}"\n')
        parent = stage.starts(tool("dirserver"), "--config", str(file), name="the parent")
        parent.sees_like(f"Directory listening on {HOST}:{stage.port}, .*")
        for edited in (
            f'port = {free_port()}\nstore = "postgresql://{HOST}:1/other"\nworkers = 5\n',
            "idle_after = 5\n",  # without a port
            "port = = damaged",
        ):
            file.write_text(edited)
            os.kill(first_worker(parent, stage), signal.SIGKILL)
            parent.sees_like(f"Directory listening on {HOST}:{stage.port}, .*")
        stage.peer("carol")
        parent.sends(signal.SIGHUP)
        parent.says_like("dirserver: .*dirserver.toml: it is damaged: .*")
        parent.says_like(".*the options were not read anew: one of them is wrong")

        file.write_text(f'port = {free_port()}\nstore = "{store}_2"\nworkers = 5\ndata = "other"\n')
        parent.sends(signal.SIGHUP)
        says_for_each_worker(parent, ANEW)
        assert sum(line.endswith(WAIT) for line in parent.errors) == 1
        assert sum("not read anew" in line for line in parent.errors) == 1
        parent.sends(signal.SIGTERM)
        assert parent.ends() == 0
