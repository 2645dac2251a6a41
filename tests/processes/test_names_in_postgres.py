"""Real programs, whose directory keeps names and mail in a real PostgreSQL."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Final

from tests.kit.postgres import needs_postgres, servers
from tests.kit.programs import Stage, tool

PAGE: Final = Path(__file__).parent.parent.parent / "directory_server" / "OPERATING.md"
KEPT = "Kept for dave until the directory is back."


def move(stage: Stage, url: str) -> list[str]:
    """Return the command of the page that moves all to this database."""
    (command,) = re.findall("^    (dirserver .*--fill-store)$", PAGE.read_text(), re.MULTILINE)
    words = command.replace("/var/lib/parley", str(stage.directory_data))
    return shlex.split(words.replace("postgresql://parley@db1,db2/parley", url))[1:]


@needs_postgres
def test_what_is_left_outlives_a_database_that_hangs_and_a_directory_that_dies(
    stage: Stage,
) -> None:
    with servers() as place:
        server = place.one()
        store = ("--store", server.url)
        directory = stage.directory(*store)
        directory.sees(f"Names and mail are in PostgreSQL at 127.0.0.1:{server.port}.")
        carol, dave = stage.peer("carol"), stage.peer("dave")
        dave.types("QUIT")
        dave.ends()
        carol.types("LEAVE dave one")
        carol.sees("Message left for dave.")

        server.freezes()
        carol.types("LEAVE dave two")
        carol.sees(KEPT)
        carol.types("LIST USERS")
        carol.sees("OFFLINE: dave")
        server.thaws()
        carol.sees("Message left for dave.")

        directory.dies()
        server.is_killed()
        server.start()
        stage.directory(*store)
        dave = stage.peer("dave")
        dave.sees("2 messages were left for you:")
        for word in ("one", "two"):
            dave.sees_like(rf"\[.*\] carol: {word}")
        carol.sees_like("dave received your message of .*")
        assert "dave" in server.ask("SELECT string_agg(name, ' ') FROM parley.users")


@needs_postgres
def test_a_directory_whose_names_are_in_postgresql_does_not_start_without_it(
    stage: Stage,
) -> None:
    with servers() as place:
        server = place.one()
        directory = stage.directory("--store", server.url)
        stage.peer("carol")
        directory.dies()
        data = ("--data", str(stage.directory_data))
        listing = stage.starts(tool("dirserver"), "--list", *data, "--store", server.url)
        assert listing.ends() == 0
        assert [line.split()[0] for line in listing.lines] == ["NAME", "carol"]
        alone = stage.starts(tool("dirserver"), str(stage.port), *data)
        alone.says_like(
            "dirserver: names and mail of this directory are in PostgreSQL: name it with --store"
        )
        assert alone.ends() == 2
        server.is_killed()
        without = stage.starts(tool("dirserver"), str(stage.port), *data, "--store", server.url)
        without.says_like("dirserver: the database cannot be used: .*")
        assert without.ends() == 2


@needs_postgres
def test_names_in_the_folder_are_not_given_up_by_accident(
    stage: Stage,
) -> None:
    with servers() as place:
        store = ("--store", place.one().url)
        directory = stage.directory()
        carol = stage.peer("carol")
        carol.types("QUIT")
        carol.ends()
        directory.dies()

        data = ("--data", str(stage.directory_data))
        moved = stage.starts(tool("dirserver"), str(stage.port), *data, *store)
        moved.says_like(
            "dirserver: the names of this community are in the data folder, and not yet in"
            " PostgreSQL at .*: move them there with --fill-store, start without --store, or start"
            " with --found-anew .*"
        )
        assert moved.ends() == 2
        listing = stage.starts(tool("dirserver"), "--list", *data)
        assert listing.ends() == 0, "the try has changed nothing"
        assert [line.split()[0] for line in listing.lines] == ["NAME", "carol"]

        directory = stage.directory(*store, "--found-anew")
        stage.peer("carol")  # the key is the same, so it comes back by itself
        directory.dies()
        asked = stage.starts(tool("dirserver"), "admin", *data, "bans")
        asked.says_like(
            "dirserver admin: no directory runs on this data, and its names are in PostgreSQL:"
            " start it, then ask"
        )
        assert asked.ends() == 7


@needs_postgres
def test_a_community_moves_to_postgresql_with_its_names_and_its_mail(stage: Stage) -> None:
    with servers() as place:
        url = place.one().url
        store = ("--store", url)
        closed = "--closed"
        directory = stage.directory("--register-only-with", "secret", closed)
        token = ("--token", "secret")
        carol, dave = stage.peer("carol", *token), stage.peer("dave", *token)
        dave.types("QUIT")
        dave.ends()
        carol.types("LEAVE dave one")
        carol.sees("Message left for dave.")

        early = stage.starts(tool("dirserver"), *move(stage, url))
        early.says_like("dirserver: another program is already running on .*")
        assert early.ends() == 2
        directory.dies()
        alone = stage.starts(tool("dirserver"), "--fill-store")
        assert alone.ends() == 2
        assert "--fill-store needs --store" in alone.errors[-1]
        moving = stage.starts(tool("dirserver"), *move(stage, url))
        moving.sees_like(
            r"Moved 2 names and 1 waiting message to PostgreSQL at 127\.0\.0\.1:\d+: start the"
            r" directory with --store from now on\. The file directory\.sqlite is not needed any"
            r" more\."
        )
        assert moving.ends() == 0

        stage.directory(*store, closed)  # whoever is unknown would need an invite
        carol.sees("The directory is back.")
        dave = stage.peer("dave")
        dave.sees("1 message was left for you:")
        dave.sees_like(r"\[.*\] carol: one")
        carol.sees_like("dave received your message of .*")


@needs_postgres
def test_a_name_that_is_forgotten_beside_one_directory_is_gone_at_another(stage: Stage) -> None:
    with servers() as place:
        store = ("--store", place.one().url)
        stage.directory(*store)
        carol = stage.peer("carol")
        beside = stage.folder / "beside"
        beside.mkdir(mode=0o700)
        shutil.copy(stage.directory_data / "authority", beside)
        forget = ("--forget", "carol", "--free", "--data", str(beside))
        asked = stage.starts(tool("dirserver"), *forget, *store)
        asked.sees("carol is forgotten.")
        assert asked.ends() == 0
        carol.sees("Lost the directory, trying again.")
        carol.sees("The directory is back.")


def test_a_store_that_is_no_postgresql_is_a_usage_error(stage: Stage) -> None:
    wrong = stage.starts(tool("dirserver"), "0", "--store", "mysql://db1/parley")
    assert wrong.ends() == 2
    assert "is not postgresql://" in wrong.errors[-1]
