"""A community is the same at every address at which its directory answers."""

import re
import shutil
from pathlib import Path

from tests.kit.persons import Person
from tests.kit.ports import free_port
from tests.kit.programs import HOST, Program, Stage, tool

OTHER = "localhost"
FIRST_SIGHT = "The directory's key is "


def keys(stage: Stage, name: str = "carol") -> list[Path]:
    """The folders that have been made for this name."""
    return sorted((stage.folder / "share").glob(f"parley/peers/*/{name}/key"))


def starts(stage: Stage, host: str, *words: str, name: str = "carol") -> Program:
    """Without --data, so the folder must be found."""
    return stage.starts(tool("peer"), name, host, str(stage.port), *words, name=name)


def is_there(stage: Stage, host: str, name: str = "carol") -> Program:
    peer = starts(stage, host, name=name)
    peer.sees(f"You are {name}, connected to the directory at {host}:{stage.port}.")
    return peer


def quits(*peers: Program) -> None:
    for peer in peers:
        peer.types("QUIT")
        peer.sees("Good bye! ☺")
        assert peer.ends() == 0


def seals(stage: Stage) -> tuple[str, str]:
    """Let carol seal her key at the directory here; return the options that open it."""
    stage.directory()
    quits(is_there(stage, HOST))
    (words := stage.folder / "words").write_text("six small words\n")
    here = ("--passphrase-file", str(words))
    assert starts(stage, HOST, "--passphrase", *here).ends() == 0
    return here


def test_another_spelling_is_the_same_user(stage: Stage) -> None:
    stage.directory()
    carol = is_there(stage, HOST)
    carol.sees_like(f"{FIRST_SIGHT}.*")
    carol.types("LEAVE dave hello")  # something to find again
    carol.sees("User dave does not exist!")
    quits(carol)
    for _ in range(2):  # the second time nobody needs to be asked
        carol = is_there(stage, OTHER)
        quits(carol)
        assert not [line for line in carol.lines if FIRST_SIGHT in line]
    assert len(keys(stage)) == 1


def test_a_directory_that_has_moved_is_the_same_community(stage: Stage) -> None:
    directory = stage.directory()
    quits(is_there(stage, HOST))
    directory.process.terminate()
    directory.ends()
    stage.port = free_port()
    stage.directory()
    carol = is_there(stage, HOST)
    quits(carol)
    assert not [line for line in carol.lines if FIRST_SIGHT in line]
    assert len(keys(stage)) == 1


def test_a_program_that_runs_is_found_at_another_spelling(stage: Stage) -> None:
    stage.directory()
    carol = is_there(stage, HOST)
    asking = starts(stage, OTHER, "STATUS", "BUSY")
    assert asking.ends() == 0
    carol.sees("Your status is now BUSY.")
    second = starts(stage, OTHER)
    assert second.ends() == 2
    assert "already running" in second.errors[0]


def test_another_community_gets_another_folder(stage: Stage, tmp_path: Path) -> None:
    stage.directory()
    quits(is_there(stage, HOST))
    elsewhere = Stage(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    try:
        elsewhere.directory()
        elsewhere.environment = stage.environment
        carol = is_there(elsewhere, HOST)
        carol.sees_like(f"{FIRST_SIGHT}.*")
        quits(carol)
        one, other = keys(stage)
        assert one.read_bytes() != other.read_bytes()
    finally:
        elsewhere.closes()


def test_another_key_at_an_address_that_is_known_is_not_believed(stage: Stage) -> None:
    directory = stage.directory()
    quits(is_there(stage, HOST))
    quits(is_there(stage, OTHER))
    directory.process.terminate()
    directory.ends()
    shutil.rmtree(stage.directory_data)
    stage.directory()
    for host in (HOST, OTHER):
        carol = starts(stage, host)
        assert carol.ends() == 7
        assert f"The key of the directory at {host}:{stage.port} has changed." in carol.errors[-1]
    assert len(keys(stage)) == 1


def test_a_start_in_vain_at_another_spelling_spoils_nothing(stage: Stage) -> None:
    directory = stage.directory()
    quits(is_there(stage, HOST))
    directory.process.terminate()
    directory.ends()
    assert starts(stage, OTHER, "STATUS").ends() == 7
    stage.directory()
    assert starts(stage, OTHER, "STATUS").ends() == 0


def test_a_passphrase_is_asked_for_where_the_folder_is_found(stage: Stage) -> None:
    stage.directory()
    quits(is_there(stage, HOST))
    (words := stage.folder / "words").write_text("six small words\n")
    here = ("--passphrase-file", str(words))
    assert starts(stage, OTHER, "--passphrase", *here).ends() == 0
    (folder,) = keys(stage)
    assert (folder.parent / "vault").is_file()
    assert starts(stage, OTHER, *here, "STATUS").ends() == 0
    assert starts(stage, HOST, *here, "STATUS").ends() == 0


def test_a_sealed_key_is_opened_before_the_directory_is_known(
    stage: Stage, people: list[Person]
) -> None:
    """With a name alone the key can be one only."""
    here = seals(stage)
    people.append(carol := Person(stage, "carol", *here))
    carol.sees("The host where the directory runs:")
    carol.types(HOST)
    carol.sees("Its port [5000]:")
    carol.types(str(stage.port))
    carol.sees(f"You are carol, connected to the directory at {HOST}:{stage.port}.")
    carol.types("QUIT")
    assert carol.ends() == 0


def test_a_key_that_stayed_sealed_is_opened_by_the_command_that_is_told(
    stage: Stage, people: list[Person]
) -> None:
    here = seals(stage)
    people.append(somebody := Person(stage))
    somebody.sees("Your name:")
    somebody.types("carol")
    somebody.sees("The host where the directory runs:")
    somebody.types(HOST)
    somebody.sees("Its port [5000]:")
    somebody.types(str(stage.port))
    told = f"peer carol {HOST} {stage.port}"
    somebody.sees(f"peer: the key is sealed with a passphrase: {told} asks for it.")
    assert somebody.ends() == 2
    assert stage.starts(tool("peer"), *told.split()[1:], *here, "STATUS").ends() == 0


def test_one_folder_of_ones_own_knows_a_community_at_each_address(stage: Stage) -> None:
    stage.directory()
    own = ("--data", str(stage.data_of("carol")))
    assert starts(stage, HOST, *own, "STATUS").ends() == 0
    asking = starts(stage, OTHER, *own, "STATUS")
    assert asking.ends() == 0
    assert not [line for line in asking.errors if FIRST_SIGHT in line]


def named_by_address(stage: Stage) -> Path:
    """Her folder, as an earlier version named it."""
    (key,) = keys(stage)
    assert re.fullmatch("[0-9a-f]{32}", key.parent.parent.name)
    old = key.parents[2] / f"{HOST}_{stage.port}"
    key.parent.parent.rename(old)
    return old


def test_a_folder_of_an_earlier_version_is_moved_with_all_that_is_in_it(stage: Stage) -> None:
    stage.directory()
    quits(is_there(stage, HOST))
    (stage.folder / "words").write_text("six small words\n")
    here = ("--passphrase-file", str(stage.folder / "words"))
    assert starts(stage, HOST, "--passphrase", *here).ends() == 0
    old = named_by_address(stage)
    before = (old / "carol" / "key").read_bytes()
    assert starts(stage, OTHER, *here, "STATUS").ends() == 0
    (key,) = keys(stage)
    assert key.read_bytes() == before
    assert not old.exists()


def test_two_programs_that_start_at_once_move_a_folder_once(stage: Stage) -> None:
    stage.directory()
    quits(is_there(stage, HOST))
    old = named_by_address(stage)
    both = [starts(stage, host, "STATUS") for host in (HOST, OTHER)]
    assert [one.ends() for one in both] == [0, 0]
    assert len(keys(stage)) == 1
    assert not old.exists()


def test_a_first_start_in_vain_leaves_a_key_that_the_next_one_uses(stage: Stage) -> None:
    directory = stage.directory()
    directory.process.terminate()
    directory.ends()
    assert starts(stage, HOST, "STATUS").ends() == 7
    (key,) = keys(stage)
    before = key.read_bytes()
    stage.directory()
    assert starts(stage, HOST, "STATUS").ends() == 0
    (key,) = keys(stage)
    assert key.read_bytes() == before
    named_by_address(stage)
