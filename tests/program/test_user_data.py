"""Where the data of a user lies, and the command line that names it again."""

from pathlib import Path

import pytest

from peer.program.arguments import parse
from peer.program.settings import complete
from peer.program.user_data import UserData


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("carol 10.0.0.5 5000", "peer carol 10.0.0.5 5000 DOCTOR"),
        ("carol dir1,dir2:5001 5000", "peer carol dir1,dir2:5001 5000 DOCTOR"),
        ("carol 10.0.0.5 5000 --data my$data", "peer carol 10.0.0.5 5000 DOCTOR --data 'my$data'"),
    ],
)
def test_doctor_is_offered_for_the_same_data(tmp_path: Path, words: str, line: str) -> None:
    """Else it would make another key, and speak of that."""
    arguments = parse(words.split())
    complete(arguments, {}, tmp_path / "config.toml", at_terminal=True)
    assert UserData(arguments).doctor("carol") == line
