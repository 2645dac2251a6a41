"""What README and the maps of the folders name is there, and the commands are those of HELP."""

import re
from pathlib import Path
from typing import Final

import pytest

from peer.api import Chat
from peer.commands.table import TABLE
from peer.console.codes import Code
from peer.program.arguments import EXAMPLES
from peer.program.lifecycle import INTERRUPTED
from shared.process import UNWRITTEN

ROOT: Final = Path(__file__).parent.parent
MAPS: Final = {
    "README.md": ".",
    "peer/README.md": "peer",
    "directory_server/README.md": "directory_server",
    "tests/README.md": "tests",
    "directory_server/OPERATING.md": "directory_server",
    "shared/PROTOCOL.md": "shared",
    "shared/PROMISES.md": "shared",
}
LINES_MOST: Final = 60  # of a map: it is read in one minute
_PATH: Final = re.compile(r"`([\w./]+(?:/|\.py|\.md))`|\]\(([\w./]+)\)")


def paths(map_: str) -> list[str]:
    text = (ROOT / map_).read_text(encoding="utf-8")
    found = [one or other for one, other in _PATH.findall(text)]
    # A folder that README names is one of the user's.
    return [path for path in found if not (map_ == "README.md" and path.endswith("/"))]


@pytest.mark.parametrize("map_", MAPS)
def test_every_path_of_a_map_is_there(map_: str) -> None:
    named = paths(map_)
    assert named
    for path in named:
        assert (ROOT / MAPS[map_] / path).exists() or (ROOT / path).exists(), path


@pytest.mark.parametrize("map_", [one for one in MAPS if one.count("/") and "README" in one])
def test_a_map_is_short(map_: str) -> None:
    assert len((ROOT / map_).read_text(encoding="utf-8").splitlines()) <= LINES_MOST


def test_a_bot_can_do_what_the_readme_says() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bchat\.(\w+)\(", text))
    assert named
    assert not [name for name in named if not hasattr(Chat, name)]


def test_the_exit_codes_of_the_readme_are_those_of_the_help_and_of_the_program() -> None:
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    named = re.findall(
        r"(?:: |, )(\d+) [a-z]", text.partition("Exit codes")[2].partition(". Opt")[0]
    )
    help_ = EXAMPLES.partition("exit codes")[2].replace("\n", " ")
    assert named == re.findall(r"(?:: |, )(\d+) [a-z]", help_)
    assert set(map(int, named)) == {*Code, UNWRITTEN, INTERRUPTED}


def test_the_commands_of_the_readme_are_those_of_the_program() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = text.partition("| command | does | also |")[2].partition("\n\n")[0].splitlines()[2:]
    first_cells = [row.split("|")[1] for row in rows]
    named = {
        words.strip()
        for cell in first_cells
        for words in re.findall(r"`([A-Z]+(?: [A-Z]{3,})*)", cell)
    }
    assert named
    known = {word for entry in TABLE for word in entry.words}
    assert named <= known, "README knows a command that the program does not"
    for entry in TABLE:
        assert named & set(entry.words), f"{entry.words[0]} is not in the README"
