"""What Enter will do, said while the line is typed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from peer.commands.table import TABLE, Entry
from peer.core.targets.place import Place
from peer.screen.paint.truncation import cells
from peer.screen.terminal.hint import HINT_CELLS, hint
from peer.screen.terminal.hint import OUTSIDE as INVITATION
from peer.screen.ui_state import UiState
from shared.messages.common import TEXT_CHARACTERS, Status
from shared.messages.directory import Presence
from tests.kit.typed_lines import LINES
from tests.kit.ui_states import ASKED, GROUP, OUTLOOKS, OUTSIDE, TALKING, WRITING, is_harmless


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", INVITATION),
        ("c", "CHAT name: invite a user to a conversation"),
        ("CHAT", "CHAT name: invite a user to a conversation"),
        ("CHAT da", "CHAT name: invite a user to a conversation"),
        ("CHAT carol", "CHAT name: invite a user to a conversation"),
        ("chat dave", "invite dave to a conversation"),
        ("CHAT DAVE\u3000", "invite dave to a conversation"),
        ("/chat erin", "invite erin (BUSY) to a conversation"),
        ("LEAVE", "LEAVE name text: leave a message for when a user is back"),
        ("LEAVE frank hi", "leave a message for when frank (OFFLINE) is back"),
        ("UNIGNORE dave", "hear dave again"),
        ("INFO dave", "dave: status, since when, IP:port, way, key fingerprint"),
        ("PRV dave", "PRV name text: one private line, without a conversation"),
        ("PRV dave hi", "dave: one private line, without a conversation"),
        ("@dave hi", "dave: one private line, without a conversation"),
        ("dave", "dave text: one private line, without a conversation"),
        ("dave hi", "dave: one private line, without a conversation"),
        ("gina hi", "unknown command"),
        ("/msg dave hi", "dave: one private line, without a conversation"),
        ("/msg dave", "one line to everybody online"),
        ("/msg gina hi", "to gina alone if there is such a user, else to everybody online"),
        ("/msg carol hi", "one line to everybody online"),
        ("MSG dave hi", "to everybody, or to dave alone: you are asked"),
        ("MSG hello all", "one line to everybody online"),
        ("LIST U", "LIST USERS [beginning]: everybody by status, or whose names begin so"),
        ("list users jo", "users whose names begin with jo"),
        ("who", "everybody by status, or whose names begin so"),
        ("watch frank", "tell me, with a bell, when frank (OFFLINE) comes"),
        ("wh", "WHO, WHOIS, WHO GOT"),
        ("quit c", "QUIT CONVERSATION: leave the conversation, or stop waiting"),
        ("quit", "leave the program; refused inside a conversation"),
        ("exit", "leave the program; refused inside a conversation"),
        ("busy", "my status: BUSY"),
        ("status busy back at five", "my status: BUSY (back at five)"),
        ("STATUS x", "STATUS [status [note]]: show or set my status: ACTIVE, BUSY, INACTIVE"),
        ("mute", "no bell until UNMUTE; of name: only count"),
        ("go", "back to commands"),
        ("GO dave", "from now on each line goes to dave"),
        ("GO #lab", "You are in no room #lab"),
        ("CHTA dave", "unknown command; did you mean CHAT?"),
        ("Y", "unknown command"),
        ("frobnicate", "unknown command"),
    ],
)
def test_outside_a_conversation(line: str, said: str) -> None:
    assert hint(line, OUTSIDE) == said


def test_a_note_stands_beside_the_status() -> None:
    users = (
        Presence("dave", Status.BUSY, 0.0, "at \x1b[2J five"),
        Presence("erin", Status.ACTIVE, 0.0, "here"),
    )
    noted = replace(OUTSIDE, users=users)
    assert hint("CHAT dave", noted) == (
        "invite dave (BUSY: at \N{SYMBOL FOR ESCAPE}[2J five) to a conversation"
    )
    assert hint("CHAT erin", noted) == "invite erin (ACTIVE: here) to a conversation"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "a text for dave, erin; \\q leaves, /HELP lists commands"),
        ("hello", "text for dave, erin"),
        ("who is there?", "text for dave, erin"),
        (" CHAT frank", "text for dave, erin"),
        ("INVITE frank", "text for dave, erin; start it with / to run it as a command"),
        ("/ch", "CHAT name: invite a user to a conversation"),
        ("/chat", "CHAT name: invite a user to a conversation"),
        ("/members", "who is in, and the way to each, or away"),
        ("ADD frank", "bring frank (OFFLINE) into the conversation or a room"),
        ("\\q", "leave the conversation, or stop waiting"),
        ("EXIT", "leave the conversation, or stop waiting"),
        ("quit", "leave the program; refused inside a conversation"),
        ("/dave", "unknown command"),
        ("/frobnicate", "unknown command"),
    ],
)
def test_in_a_conversation(line: str, said: str) -> None:
    assert hint(line, GROUP) == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "a private line to dave; \\q leads back, /HELP lists commands"),
        ("hello", "text for dave alone"),
        ("go on", "text for dave alone; start it with / to run it as a command"),
        ("INVITE frank", "text for dave alone; start it with / to run it as a command"),
        ("GO", "back to dave, erin"),
        ("\\q", "back to dave, erin"),
        ("@erin hi", "erin (BUSY): one private line, without a conversation"),
    ],
)
def test_at_a_person(line: str, said: str) -> None:
    assert hint(line, replace(GROUP, here=Place("dave"))) == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "a text for #lab (3 members); \\q leads back, /HELP lists commands"),
        ("hello", "text for #lab (3 members)"),
        ("go on", "text for #lab (3 members); start it with / to run it as a command"),
        ("#ops hi", "a text for #ops (1 member), and only this one"),
        ("/#nowhere hi", "a text for #nowhere, in which you are not, and only this one"),
        ("#ops ", "#room text: There is no text."),
        ("/to lab hi", "a text for #lab (3 members), and only this one"),
        ("/GO dave", "from now on each line goes to dave"),
    ],
)
def test_in_a_room(line: str, said: str) -> None:
    rooms = (("lab", ("dave", "erin")), ("ops", ()))
    assert hint(line, replace(GROUP, here=Place(room="lab"), rooms=rooms)) == said


def test_back_to_a_message() -> None:
    assert hint("/go", replace(WRITING, here=Place("dave"))) == "back to the message for frank"
    assert hint("/go", replace(WRITING, here=Place("dave"), back=Place("erin"))) == "back to erin"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "Y or N answers the question about erin"),
        ("Y", "yes to erin"),
        ("no", "no to erin"),
        ("y Dave", "yes to dave"),
        ("Y fra", "Y [name], N [name]: answer the question shown last, or that of name"),
    ],
)
def test_while_questions_are_open(line: str, said: str) -> None:
    assert hint(line, ASKED) == said


def test_a_bare_answer_that_would_be_a_text_is_not_offered() -> None:
    talking = replace(TALKING, questions=("erin",), talk_went_on=True)
    assert hint("", talking) == "/Y or /N answers the question about erin"
    assert hint("/y", talking) == "yes to erin"
    assert hint("", replace(ASKED, talk_went_on=True)) == "Y or N answers the question about erin"


def test_an_answer_to_nobody_is_a_text() -> None:
    talking = replace(TALKING, questions=("erin",))
    assert hint("y erin", talking) == "yes to erin"
    assert hint("yes please", talking) == "text for dave"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "each line is left for frank; \\q ends it"),
        ("BYE", "a line of the message for frank; \\q ends it"),
        ("QUIT", "leave the program; refused inside a conversation"),
        ("\\q", "the end of the message for frank"),
    ],
)
def test_while_a_message_is_written(line: str, said: str) -> None:
    assert hint(line, WRITING) == said


def test_who_waits_learns_how_to_stop() -> None:
    waiting = replace(OUTSIDE, waits_for=("dave",))
    assert hint("", waiting) == "QUIT CONVERSATION takes the invitation to dave back"


def test_a_hint_fits_into_a_narrow_terminal() -> None:
    assert hint("", OUTSIDE, 20) == "CHAT name to talk t…"
    assert hint("", OUTSIDE, 200) == INVITATION


def test_a_text_that_is_too_long_says_so() -> None:
    long = "x" * (TEXT_CHARACTERS + 1)
    reason = "The text is too long: 8,001 characters, at most 8,000 are possible."
    for line, outlook in ((long, TALKING), (long, WRITING), (f"PRV dave {long}", OUTSIDE)):
        assert hint(line, outlook) == reason
    assert hint(f"dave {long}", OUTSIDE) == reason


def test_while_no_directory_answers_it_is_told_what_can_be_done() -> None:
    waiting = UiState(me="carol", connects_to="10.0.0.5:5000")
    assert hint("", waiting) == (
        "what you type waits for the directory; DOCTOR tells why, QUIT gives up"
    )
    assert hint("CHAT dave", waiting) == hint("CHAT dave", UiState(me="carol"))


def test_who_is_asked_for_a_name_is_told_of_no_commands() -> None:
    assert hint("", UiState()) == hint("carol", UiState()) == ""
    asked = UiState(me="carol", questions=("dave",), choices=("ALL", "DAVE"))
    assert hint("", asked) == "ALL or DAVE answers the question about dave"


def test_a_hostile_name_is_harmless() -> None:
    users = (Presence("da\x1b[2Jve", Status.ACTIVE, 0.0),)
    assert hint("da\x1b[2Jve", UiState(me="carol", users=users)).startswith("da␛[2Jve text: ")
    waiting = UiState(me="carol", writing_to="da\nve")
    assert hint("hi", waiting) == "a line of the message for da ve; \\q ends it"


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.usage)
def test_every_command_has_a_hint(entry: Entry) -> None:
    asked = replace(ASKED, questions=("carol",))
    for outlook, before in ((asked, ""), (GROUP, "/")):
        if outlook is asked or "Y" not in entry.words:
            said = hint(before + entry.example, outlook)
            assert said
            assert "unknown" not in said


@settings(derandomize=True, deadline=None)
@given(LINES, OUTLOOKS | st.sampled_from([OUTSIDE, TALKING, GROUP, ASKED, WRITING]))
def test_a_hint_is_one_short_harmless_line_whatever_was_typed(line: str, outlook: UiState) -> None:
    said = hint(line, outlook)
    assert is_harmless(said)
    assert cells(said) <= HINT_CELLS
    said.encode()


def test_a_name_that_is_a_rooms_and_a_users_leads_nowhere() -> None:
    state = replace(OUTSIDE, rooms=(("dave", ()),), namesakes=("dave",))
    both = "A room of yours and a user are called dave: GO #dave or GO @dave"
    assert hint("GO dave", state) == both
    assert hint("GO #dave", state) == "from now on each line goes to #dave"
    assert hint("GO @dave", state) == "from now on each line goes to dave"
