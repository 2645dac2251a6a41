"""What Tab offers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from prompt_toolkit.completion import CompleteEvent, Completion
from prompt_toolkit.document import Document

from peer.commands.grammar import Unknown
from peer.commands.parsing import parse
from peer.commands.table import TABLE
from peer.screen.terminal.completion import Completions
from peer.screen.ui_state import Member, UiState
from shared.messages.common import Status
from shared.messages.directory import Presence
from tests.kit.typed_lines import LINES
from tests.kit.ui_states import (
    ASKED,
    GROUP,
    OUTLOOKS,
    OUTSIDE,
    TALKING,
    WRITING,
    Owner,
    is_harmless,
)


def tab(line: str, outlook: UiState) -> list[Completion]:
    found = Completions(Owner(outlook)).get_completions(Document(line), CompleteEvent())
    return list(found)


def completed(line: str, outlook: UiState) -> list[str]:
    """The line as it is after each of the completions."""
    return [line[: len(line) + one.start_position] + one.text for one in tab(line, outlook)]


# --- Users of whom the directory may know more ------------------------------------


def knows(*names: str) -> UiState:
    return replace(OUTSIDE, users=tuple(Presence(name, Status.ACTIVE, 0.0) for name in names))


@pytest.mark.parametrize(
    ("line", "beginning"),
    [
        ("chat jo", "jo"),
        ("CHAT (jo", None),
        ("leave Jo", "Jo"),
        ("watch jo", "jo"),
        ("@jo", "jo"),
        ("hello @jo", "jo"),
        ("jo", "jo"),
        ("chat j", None),
        ("chat joe hello", None),
        ("chat", None),
        ("search jo", None),
        ("y jo", None),
        ("help jo", None),
        ("say jo", None),
        ("", None),
    ],
)
def test_a_name_of_which_few_are_known_is_sought(line: str, beginning: str | None) -> None:
    owner = Owner(knows("joan", "dave"))
    list(Completions(owner).get_completions(Document(line), CompleteEvent()))
    assert owner.sought == ([] if beginning is None else [beginning])


def test_a_text_of_a_conversation_seeks_nobody() -> None:
    owner = Owner(TALKING)
    list(Completions(owner).get_completions(Document("jo"), CompleteEvent()))
    assert owner.sought == []


def test_two_who_fit_are_enough() -> None:
    owner = Owner(knows("joan", "Joe"))
    list(Completions(owner).get_completions(Document("chat jo"), CompleteEvent()))
    assert owner.sought == []


def test_there_is_more_once_more_fit_and_the_line_is_the_same() -> None:
    owner = Owner(knows("joan"))
    ours = Completions(owner)
    assert not ours.has_more("chat jo")
    list(ours.get_completions(Document("chat jo"), CompleteEvent()))
    assert not ours.has_more("chat jo")
    owner.ui_state = knows("joan", "dave")
    assert not ours.has_more("chat jo")
    owner.ui_state = knows("joan", "joe")
    assert ours.has_more("chat jo")
    assert not ours.has_more("chat joe")


# --- Commands ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("c", ["CHAT "]),
        ("con", ["CONNECT "]),
        ("/ch", ["/CHAT "]),
        ("/u", ["/USERS", "/u ", "/UNIGNORE ", "/UNWATCH ", "/UNMUTE", "/UNREGISTER"]),
        ("  mem", ["  MEMBERS"]),
        ("list  u", ["LIST USERS"]),
        ("who ", ["WHO GOT"]),
        ("qui", ["QUIT CONVERSATION", "QUIT"]),
        ("\\", ["\\u ", "\\q"]),
        ("act", ["ACTIVE"]),
        ("y", []),
        ("chat dave ", []),
        ("frob", []),
    ],
)
def test_commands_at_the_beginning_of_a_line(line: str, lines: list[str]) -> None:
    assert completed(line, OUTSIDE) == lines


def test_an_empty_line_offers_every_command_by_its_name() -> None:
    offered = [one.strip() for one in completed("", ASKED)]
    assert offered == list(dict.fromkeys(offered))
    names = {entry.words[0] for entry in TABLE}
    assert set(offered) == names | {"N", "ACTIVE", "BUSY", "INACTIVE"}


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("", ["LIST USERS", "STATUS", "CHAT ", "ADD ", "GO", "QUIT CONVERSATION", "QUIT", "HELP"]),
        ("ch", ["CHAT "]),
        ("inv", []),
        ("/ch", ["/CHAT "]),
        (" /ch", []),
        ("ex", ["EXIT"]),
        ("hello /ch", []),
        ("\\q", ["\\q"]),
    ],
)
def test_in_a_conversation_only_what_is_a_command_there(line: str, lines: list[str]) -> None:
    assert completed(line, TALKING) == lines


def test_while_writing_only_what_is_a_command_there_is_offered() -> None:
    assert completed("\\", WRITING) == ["\\u ", "\\q"]
    assert completed("q", WRITING) == ["QUIT CONVERSATION", "QUIT"]
    assert completed("inv", WRITING) == []
    assert completed("hello da", WRITING) == []


def test_the_meaning_stands_beside_a_command() -> None:
    (chat,) = tab("ch", OUTSIDE)
    assert chat.display_text == "CHAT"
    assert chat.display_meta_text == "invite a user to a conversation"


def test_exit_means_what_it_does_here() -> None:
    assert tab("ex", OUTSIDE)[0].display_meta_text.startswith("leave the program")
    assert tab("ex", TALKING)[0].display_meta_text.startswith("leave the conversation")


# --- What follows a command -------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("CHAT ", ["CHAT dave", "CHAT erin"]),
        ("chat D", ["chat dave"]),
        ("/chat d", ["/chat dave"]),
        ("CHAT", ["CHAT "]),
        ("INFO ", ["INFO dave", "INFO erin", "INFO frank"]),
        ("HISTORY f", ["HISTORY frank"]),
        ("PRV f", ["PRV frank "]),
        ("@", ["@dave ", "@erin ", "@frank "]),
        ("@d", ["@dave "]),
        ("LEAVE ", ["LEAVE frank ", "LEAVE dave ", "LEAVE erin "]),
        ("LEAVE frank ", []),
        ("STATUS ", ["STATUS ACTIVE", "STATUS BUSY", "STATUS INACTIVE"]),
        ("status o", ["status ONLINE", "status OCUPADO"]),
        ("BUSY ", []),
        ("HELP l", ["HELP LIST USERS", "HELP LEAVE"]),
        ("help list u", ["help LIST USERS"]),
        ("SEARCH d", []),
    ],
)
def test_what_may_follow_a_command(line: str, lines: list[str]) -> None:
    assert completed(line, OUTSIDE) == lines


def test_only_who_is_not_in_yet_is_added() -> None:
    for line in ("ADD ", "/add ", "\\u "):
        assert completed(line, TALKING) == [f"{line}erin"]


def test_an_answer_is_given_to_who_asks_the_last_one_first() -> None:
    assert completed("y", ASKED) == ["Y"]
    assert completed("Y ", ASKED) == ["Y erin", "Y dave"]
    assert completed("n d", ASKED) == ["n dave"]
    assert completed("Y ", replace(TALKING, questions=("erin", "erin"))) == ["Y erin"]


def test_the_status_stands_beside_a_user() -> None:
    assert [one.display_meta_text for one in tab("INFO ", OUTSIDE)] == ["ACTIVE", "BUSY", "OFFLINE"]


# --- Names in a text --------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("da", ["dave: "]),
        ("d", []),
        ("hello Er", ["hello erin"]),
        ("hello fr", []),
        ("hello (er", []),
        ("hello @fr", ["hello @frank"]),
        ("mail me: x@fr", []),
        ("CHAT er", ["CHAT erin"]),
        (" er", [" erin: "]),
    ],
)
def test_members_are_addressed_by_name(line: str, lines: list[str]) -> None:
    assert completed(line, GROUP) == lines


def test_outside_a_name_may_begin_a_private_line() -> None:
    assert completed("fra", OUTSIDE) == ["frank"]
    assert completed("dave fra", OUTSIDE) == []


def test_a_member_of_whom_nothing_was_told_has_no_status() -> None:
    (gina,) = tab("gi", UiState(members=(Member("gina"),)))
    assert (gina.text, gina.display_meta_text) == ("gina: ", "")


def test_what_is_no_name_is_not_offered() -> None:
    users = tuple(Presence(name, Status.ACTIVE, 0.0) for name in ("d\x1bve", "da ve", "dave"))
    assert completed("CHAT d", UiState(users=users)) == ["CHAT dave"]


def test_of_very_many_the_first_hundred_are_offered() -> None:
    users = tuple(Presence(f"user{n}", Status.ACTIVE, 0.0) for n in range(5_000))
    assert completed("CHAT u", UiState(users=users))[:2] == ["CHAT user0", "CHAT user1"]
    assert len(tab("CHAT u", UiState(users=users))) == 100
    assert completed("CHAT user4999", UiState(users=users)) == ["CHAT user4999"]


def test_it_is_looked_at_the_moment_of_the_key() -> None:
    owner = Owner(OUTSIDE)
    completer = Completions(owner)
    document = Document("/ADD ")
    before = [one.text for one in completer.get_completions(document, CompleteEvent())]
    owner.ui_state = TALKING
    after = [one.text for one in completer.get_completions(document, CompleteEvent())]
    assert (before, after) == (["dave", "erin"], ["erin"])


def test_only_what_stands_before_the_cursor_counts() -> None:
    document = Document("CHAT d and more", cursor_position=6)
    found = Completions(Owner(OUTSIDE)).get_completions(document, CompleteEvent())
    assert [one.text for one in found] == ["dave"]


# --- Whatever is typed ------------------------------------------------------------


@settings(derandomize=True, deadline=None)
@given(
    LINES | st.sampled_from(["CHAT ", "INFO", "@"]),
    OUTLOOKS | st.sampled_from([OUTSIDE, TALKING, GROUP, ASKED, WRITING]),
)
def test_what_is_offered_is_harmless_and_replaces_what_was_typed(
    line: str, outlook: UiState
) -> None:
    for one in tab(line, outlook):
        assert is_harmless(one.text + one.display_text + one.display_meta_text)
        assert 0 <= -one.start_position <= len(line)


@pytest.mark.parametrize("outlook", [OUTSIDE, TALKING, ASKED, WRITING])
@pytest.mark.parametrize("before", ["", "/", "\\"])
def test_every_command_that_is_offered_is_one(before: str, outlook: UiState) -> None:
    for line in completed(before, outlook):
        assert not isinstance(parse(line.strip(), outlook.context), Unknown)


def test_go_offers_rooms_and_people() -> None:
    state = replace(OUTSIDE, rooms=(("dab", ("erin",)), ("lab", ())))
    assert completed("GO d", state) == ["GO dab", "GO dave"]
    assert completed("mute #", state) == ["mute #dab", "mute #lab"]
    assert [offer.display_meta_text for offer in tab("GO l", state)] == ["a room of 1"]
    assert completed("GO d", replace(state, namesakes=("dab",))) == ["GO #dab", "GO dave"]
