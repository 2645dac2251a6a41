"""When the bell rings, and what is unread."""

import pytest
from msgspec.structs import replace

from peer import events
from peer.core.targets.place import HOME, Place
from peer.events import Event
from peer.screen.attention import BELL_SECONDS, CATCH_UP_SECONDS, NOTICE_CHARACTERS, Attention
from peer.screen.catching_up import NotAllShown
from peer.screen.ui_state import UiState
from shared.messages.common import Status

ME = UiState(me="carol")
BUSY = replace(ME, status=Status.BUSY)
MUTED = replace(ME, is_muted=True)
INVITED = events.Invited("i1", "dave", ("dave",), ())
PRIVATE = events.SaidPrivately("dave", "psst")
TO_ME = events.Said("dave", "ask Carol, she knows")
AMONG_US = events.Said("dave", "hello")
TO_ALL = events.SaidToAll("dave", "carol: lunch?")
LETTER = events.Letter("dave", 0.0, "back at five")
WATCHED = events.Came("dave", is_watched=True)


def attention(*, notify: bool = False, with_text: bool = False) -> Attention:
    return Attention(notify=notify, with_text=with_text)


@pytest.mark.parametrize("event", [INVITED, PRIVATE, TO_ME, TO_ALL, LETTER, WATCHED])
def test_what_is_meant_for_me_rings(event: Event) -> None:
    assert attention().heed(event, ME, 0.0) == "\a"


@pytest.mark.parametrize(
    "event",
    [AMONG_US, events.SaidToAll("dave", "hello"), events.Came("dave"), events.Notice("carol")],
)
def test_everything_else_is_silent(event: Event) -> None:
    assert attention().heed(event, ME, 0.0) == ""


@pytest.mark.parametrize("event", [INVITED, PRIVATE, TO_ALL, LETTER, WATCHED])
def test_who_is_busy_is_not_called_from_outside(event: Event) -> None:
    assert attention().heed(event, BUSY, 0.0) == ""


def test_in_a_conversation_my_name_rings_although_it_makes_me_busy() -> None:
    assert attention().heed(TO_ME, BUSY, 0.0) == "\a"


@pytest.mark.parametrize("event", [INVITED, PRIVATE, TO_ME, TO_ALL, LETTER, WATCHED])
def test_nothing_rings_while_it_is_muted(event: Event) -> None:
    assert attention(notify=True).heed(event, MUTED, 0.0) == ""


def test_it_rings_once_in_three_seconds() -> None:
    ours = attention()
    assert ours.heed(PRIVATE, ME, 100.0) == "\a"
    assert ours.heed(PRIVATE, ME, 100.0 + BELL_SECONDS - 0.1) == ""
    assert ours.heed(PRIVATE, ME, 100.0 + BELL_SECONDS) == "\a"


def test_what_was_not_rung_for_does_not_put_off_the_next_bell() -> None:
    ours = attention()
    assert ours.heed(PRIVATE, MUTED, 100.0) == ""
    assert ours.heed(PRIVATE, ME, 100.1) == "\a"


def test_letters_that_waited_do_not_ring_and_the_next_one_does() -> None:
    ours = attention()
    assert ours.heed(events.LettersWaited(2), ME, 0.0) == ""
    assert [ours.heed(LETTER, ME, 0.0) for _ in range(3)] == ["", "", "\a"]


def test_a_letter_that_comes_while_i_am_here_rings() -> None:
    """But not a text of a room that came by the mailbox."""
    ours = attention()
    assert ours.heed(events.LettersWaited(2, is_live=True), ME, 0.0) == ""
    assert ours.heed(replace(LETTER, room="lab"), ME, 0.0) == ""
    assert ours.heed(LETTER, ME, 0.0) == "\a"
    assert ours.letters == 0


def test_what_was_said_while_i_was_away_does_not_ring() -> None:
    ours = attention()
    ours.heed(events.BackInConversation(("dave",)), ME, 50.0)
    assert ours.heed(TO_ME, ME, 50.0 + CATCH_UP_SECONDS / 2) == ""
    assert ours.heed(TO_ME, ME, 50.0 + CATCH_UP_SECONDS) == "\a"


# --- What is unread ---------------------------------------------------------------


def test_lines_of_others_are_unread_until_a_key_is_hit() -> None:
    ours = attention()
    for event in (AMONG_US, PRIVATE, TO_ALL, LETTER, INVITED, events.Came("dave")):
        ours.heed(event, BUSY, 0.0)
    assert (ours.unread, ours.unread_elsewhere) == (4, 2)
    ours.touched()
    assert (ours.unread, ours.unread_elsewhere) == (0, 0)


@pytest.mark.parametrize(
    ("here", "elsewhere"), [(HOME, 6), (Place("dave"), 5), (Place(room="lab"), 4)]
)
def test_what_is_counted_at_a_place_is_told_apart(here: Place, elsewhere: int) -> None:
    """A sender whose name bears a mark is one of the others, who are counted too."""
    ours, at = attention(), replace(ME, here=here, rooms=(("lab", ("dave",)),))
    for event in (
        AMONG_US, PRIVATE, LETTER, events.SaidToAll("dave", "hello"),
        events.SaidPrivately("dave (another key)", "psst"), events.Said("dave", "x", room="lab"),
        NotAllShown(2, "lab"),
    ):  # fmt: skip
        ours.heed(event, at, 0.0)
    assert (ours.unread, ours.unread_elsewhere) == (8, elsewhere)


# --- Notifications ----------------------------------------------------------------


def notice(event: Event, *, with_text: bool = False) -> str:
    return attention(notify=True, with_text=with_text).heed(event, ME, 0.0)


def test_a_notification_says_who_but_not_what() -> None:
    assert notice(INVITED) == "\a\x1b]9;dave wants to chat with you\a"
    assert notice(PRIVATE) == "\a\x1b]9;A message from dave\a"
    assert notice(WATCHED) == "\a\x1b]9;dave is online\a"


def test_only_who_asks_for_it_is_notified_of_the_text() -> None:
    assert notice(PRIVATE, with_text=True) == "\a\x1b]9;dave: psst\a"
    assert notice(INVITED, with_text=True) == "\a\x1b]9;dave wants to chat with you\a"


def test_a_long_text_is_cut_in_a_notification() -> None:
    long = notice(events.SaidPrivately("dave", "x" * 10_000), with_text=True)
    assert long.count("x") == NOTICE_CHARACTERS


def test_a_text_cannot_act_on_the_terminal_through_a_notification() -> None:
    evil = "x\a\x1b]2;owned\x1b\\\n\x9c\u202e9;y"
    shown = notice(events.SaidPrivately(evil, evil), with_text=True)
    inside = shown.removeprefix("\a\x1b]9;").removesuffix("\a")
    assert inside.isprintable()
    assert len(shown) == len(inside) + len("\a\x1b]9;\a")
