"""No user is called like a word of the program."""

from peer.commands.table import TABLE
from shared.names import fold, is_name
from shared.reserved import RESERVED, is_reserved


def test_each_command_word_and_alias_is_reserved() -> None:
    words = {word for entry in TABLE for phrase in entry.words for word in phrase.split()[:1]}
    assert {fold(word) for word in words if is_name(word)} <= RESERVED


def test_in_any_spelling() -> None:
    assert is_reserved("All")
    assert is_reserved("y")
    assert not is_reserved("ally")
