"""Several real directories on one database, in the short form of tests/kit/directory_plays.py."""

import random

import trio

from tests.kit.directory_plays import SHORT, play
from tests.kit.postgres import needs_postgres, servers
from tests.kit.programs import HOST, Stage, tool


@needs_postgres
def test_directories_and_databases_die_and_no_user_notices(stage: Stage) -> None:
    with servers() as place:
        figures = trio.run(play, stage, place, SHORT, random.Random(1))
    assert figures.promised
    assert figures.outages, "nobody noticed a death, as nobody died"


def test_a_script_asks_whichever_directory_is_there(stage: Stage) -> None:
    stage.directory()
    hosts = f"{HOST}:1,{HOST}"
    words = (tool("peer"), "carol", hosts, str(stage.port), "--data", str(stage.data_of("carol")))
    carol = stage.starts(*words, "LIST", "USERS", name="carol")
    assert carol.ends() == 0, carol.transcript()
    carol.sees("ACTIVE: carol (you)")
    wrong = stage.starts(tool("peer"), "carol", f"{HOST}:0,{HOST}", str(stage.port))
    assert wrong.ends() == 2
    assert wrong.errors == [
        'peer: HOST: "0" is not a port: a number from 1 to 65535 (see peer --help)'
    ]
