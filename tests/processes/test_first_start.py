"""A person starts `peer` on a terminal, and scripts start it without one."""

import re
import stat
import tomllib
from pathlib import Path

from tests.kit.persons import Person
from tests.kit.programs import HOST, Stage, taken, tool

FIRST_STEPS = "LIST USERS shows who is there."


def config_of(stage: Stage) -> Path:
    return stage.folder / "config" / "parley" / "config.toml"


def test_a_person_is_asked_once_and_known_from_then_on(stage: Stage, people: list[Person]) -> None:
    stage.directory()
    people.append(carol := Person(stage))
    carol.sees("Your name:\r\n")
    carol.types("carol")
    carol.sees("The host where the directory runs:\r\n")
    carol.types(HOST)
    carol.sees("Its port [5000]:\r\n")
    carol.types(str(stage.port))
    carol.sees(f"You are carol, connected to the directory at {HOST}:{stage.port}.")
    carol.sees(FIRST_STEPS)
    carol.sees("HELP lists the first commands, HELP ALL all of them; QUIT leaves.")
    carol.sees("Your name is kept for 7 days without use")
    assert stat.S_IMODE(config_of(stage).stat().st_mode) == 0o600
    carol.types("QUIT")
    carol.sees("Good bye!")
    assert carol.ends() == 0

    people.append(again := Person(stage))
    again.sees("Your name [carol]:\r\n")
    again.types("")
    again.sees(f"The host where the directory runs [{HOST}]:\r\n")
    again.types("")
    again.sees(f"Its port [{stage.port}]:\r\n")
    again.types("")
    again.sees("You are carol, connected")
    again.types("QUIT")
    assert FIRST_STEPS not in again.sees("Good bye!")
    assert again.ends() == 0

    script = stage.starts(tool("peer"))
    script.sees_like("You are carol, connected .*")
    script.ends_input()
    assert script.ends() == 0


def test_the_name_that_was_accepted_is_the_one_remembered(
    stage: Stage, people: list[Person]
) -> None:
    stage.directory()
    stage.once("carol", "STATUS").ends()
    stage.environment |= {"PARLEY_HOST": HOST, "PARLEY_PORT": str(stage.port)}
    people.append(person := Person(stage, "--plain"))
    person.sees("Your name:\r\n")
    person.types("carol")
    person.sees(taken("carol"))
    assert not config_of(stage).exists()
    person.types("dave")
    person.sees("You are dave, connected")
    person.types("QUIT")
    person.sees("Good bye!")
    kept = tomllib.loads(config_of(stage).read_text())
    assert kept == {"name": "dave", "host": HOST, "port": stage.port}


def test_who_says_it_all_is_asked_nothing_and_nothing_is_kept(
    stage: Stage, people: list[Person]
) -> None:
    stage.directory()
    people.append(carol := Person(stage, "carol", HOST, str(stage.port)))
    assert carol.sees("You are carol, connected") == ""
    carol.sees(FIRST_STEPS)
    carol.types("QUIT")
    carol.sees("Good bye!")
    assert carol.ends() == 0
    assert not config_of(stage).exists()


def test_a_person_may_go_without_an_answer(stage: Stage, people: list[Person]) -> None:
    people.append(person := Person(stage))
    person.sees("Your name:")
    person.types("\x04")
    assert person.ends() == 0


def test_quit_is_no_answer_to_the_first_questions(stage: Stage, people: list[Person]) -> None:
    stage.directory()
    people.append(person := Person(stage))
    person.sees("Your name:")
    person.types("QUIT")
    assert person.ends() == 0
    people.append(person := Person(stage))
    person.sees("Your name:")
    person.types("carol")
    person.sees("The host where the directory runs:")
    person.types("quit")
    assert person.ends() == 0
    assert not config_of(stage).exists()


def test_a_folder_that_takes_nothing_stops_nobody(stage: Stage, people: list[Person]) -> None:
    stage.directory()
    (stage.folder / "config").write_text("no folder")
    people.append(carol := Person(stage, "carol", HOST))
    carol.sees("Its port [5000]:")
    carol.types(str(stage.port))
    carol.sees("You are carol, connected")
    carol.sees("You will be asked again: cannot use ")
    carol.types("QUIT")
    carol.sees("Good bye!")
    assert carol.ends() == 0


def test_variables_are_enough_for_a_script(stage: Stage) -> None:
    stage.directory()
    stage.environment |= {
        "PARLEY_NAME": "ci",
        "PARLEY_HOST": HOST,
        "PARLEY_PORT": str(stage.port),
        "PARLEY_DATA": str(stage.data_of("ci")),
        "PARLEY_JSON": "1",
    }
    ci = stage.starts(tool("peer"))
    ci.sees_like(r'\{"event":"registered",.*"name":"ci".*')
    ci.ends_input()
    assert ci.ends() == 0
    assert stage.data_of("ci").is_dir()
    assert not re.search(FIRST_STEPS, "".join(ci.lines))


def test_a_wrong_variable_or_file_is_said_in_one_line(stage: Stage) -> None:
    config_of(stage).parent.mkdir(parents=True)
    config_of(stage).write_text("name = \n")
    damaged = stage.starts(tool("peer"), "carol", HOST, "5000")
    assert damaged.ends() == 2
    assert len(damaged.errors) == 1
    assert damaged.errors[0].startswith(f"peer: {config_of(stage)}: it is damaged: ")
    config_of(stage).unlink()
    stage.environment["PARLEY_LISTEN"] = "x"
    wrong = stage.starts(tool("peer"), "carol", HOST, "5000")
    assert wrong.ends() == 2
    assert len(wrong.errors) == 1
    assert wrong.errors[0].startswith('peer: PARLEY_LISTEN: "x" is not a port: ')


def test_who_says_where_the_directory_is_loads_nothing_to_look_for_it(stage: Stage) -> None:
    stage.environment |= {"PARLEY_NO_FIND": "no", "PYTHONPROFILEIMPORTTIME": "1"}
    directory = stage.directory()
    carol = stage.peer("carol")
    carol.types("QUIT")
    assert carol.ends() == 0
    for program in (carol, directory):  # this one announces nothing
        loaded = [line.rpartition("|")[2].strip() for line in program.errors]
        assert "trio" in loaded
        unwanted = ("zeroconf", "ifaddr", "asyncio", "miniupnpc")
        assert not [name for name in loaded if name.startswith(unwanted)]
