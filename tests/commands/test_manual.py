"""HELP: the commands of the first day, the topics, everything, or one command."""

import pytest

from peer.commands.grammar import Context, Unknown, Wrong
from peer.commands.manual import COLUMN, FIRST_DAY, Topic, help_lines, is_topic, page
from peer.commands.parsing import parse
from peer.commands.table import TABLE, Entry

SCREEN_ROWS = 24 - 4  # of a small terminal, without the prompt and what stands below it
ASKED = Context(question_open=True)


@pytest.mark.parametrize("topic", [None, *Topic.__members__])
def test_a_page_fits_on_a_small_terminal(topic: str | None) -> None:
    lines = help_lines(topic)
    assert len(lines) <= SCREEN_ROWS
    assert max(map(len, lines)) < 80


def test_help_begins_with_the_commands_of_the_first_day_and_names_the_topics() -> None:
    lines = help_lines()
    assert [line.split("  ")[0].split(" [")[0].split(" name")[0] for line in lines[:3]] == [
        "LIST USERS",
        "CHAT",
        "Y",
    ]
    for topic in Topic:
        assert topic.name in lines[len(FIRST_DAY)]


def test_help_all_names_every_command_within_80_columns() -> None:
    lines = help_lines("all")
    for entry in TABLE:
        assert f"{entry.usage.ljust(COLUMN)}  {entry.meaning}" in lines
    assert max(map(len, lines)) < 80


def test_every_command_belongs_to_one_topic() -> None:
    listed = [word for topic in Topic for word in topic.value]
    assert sorted(listed) == sorted(entry.words[0] for entry in TABLE)


def test_no_topic_is_a_command() -> None:
    words = {word.upper() for entry in TABLE for word in entry.words}
    assert not words & Topic.__members__.keys()


def test_help_for_one_command_shows_its_other_words_and_an_example() -> None:
    assert help_lines("chat") == [
        "CHAT name: invite a user to a conversation.",
        "Also: CONNECT, INVITE.",
        "Example: CHAT dave",
    ]
    assert help_lines("/invite") == help_lines(" CHAT dave ") == help_lines("CHAT")
    assert help_lines("UNREGISTER") == [
        "UNREGISTER: give my name back, with its mailbox.",
        "Example: UNREGISTER",
    ]


def test_a_meaning_can_end_a_sentence() -> None:
    assert not [entry.usage for entry in TABLE if entry.meaning.endswith((".", "!", "?"))]


def test_the_topic_of_the_program_says_how_to_ask_without_a_directory() -> None:
    assert "Where no directory answers, type in a shell: peer NAME DOCTOR" in help_lines("program")


def test_help_for_an_unknown_command_says_so() -> None:
    assert help_lines("frobnicate") == ["Unknown command: frobnicate"]
    assert help_lines("chta") == ["Unknown command: chta. Did you mean CHAT?"]
    assert not is_topic("chta")
    assert is_topic(" quit conversation ")
    assert is_topic("talk")
    assert is_topic(None)
    assert page("chat") is None


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.usage)
def test_every_word_has_help_and_every_example_is_what_it_shows(entry: Entry) -> None:
    for words in entry.words:
        assert max(map(len, help_lines(words))) < 80
    assert help_lines(entry.words[0])[-1] == f"Example: {entry.example}"
    assert not isinstance(parse(entry.example, ASKED), Unknown | Wrong)
