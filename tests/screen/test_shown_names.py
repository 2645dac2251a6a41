"""What a member is called on the screen, when, and how keys are compared by words."""

import pytest

from peer.core.display_gate import DisplayGate
from peer.core.event_names import as_called
from peer.core.keys.key_comparison import Comparison
from peer.core.keys.name_marks import ANOTHER_KEY, NOT_CONFIRMED, bare, variants
from peer.core.lateness import Lateness
from peer.events import (
    BackInConversation,
    Connected,
    ConversationOver,
    Delivered,
    Event,
    MemberBack,
    MemberJoined,
    MemberLeft,
    MemberLost,
    NotDelivered,
    NotYetDelivered,
    OutOfReach,
    Said,
    SaidDifferently,
)
from shared.identity import fingerprint

# --- Marks ------------------------------------------------------------------------


def test_a_mark_can_be_taken_off() -> None:
    for called in variants("dave"):
        assert bare(called) == "dave"
    assert variants("dave") == ("dave", f"dave{ANOTHER_KEY}", f"dave{NOT_CONFIRMED}")


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (Said("d", "d"), Said("D", "d")),
        (Said("d", "d", Lateness(1.0, 99.0)), Said("D", "d", Lateness(1.0, 99.0))),
        (OutOfReach(7.0, ("d",)), OutOfReach(7.0, ("D",))),
        (MemberJoined("d"), MemberJoined("D")),
        (MemberLeft("d", "d"), MemberLeft("D", "d")),
        (MemberLost("d"), MemberLost("D")),
        (MemberBack("d"), MemberBack("D")),
        (Delivered("d"), Delivered("D")),
        (NotYetDelivered("d"), NotYetDelivered("D")),
        (NotDelivered("d", "d"), NotDelivered("D", "d")),
        (SaidDifferently("d", "e"), SaidDifferently("D", "E")),
        (SaidDifferently("d"), SaidDifferently("D")),
        (Connected(("d", "e")), Connected(("D", "E"))),
        (BackInConversation(("d", "e")), BackInConversation(("D", "E"))),
        (ConversationOver(), ConversationOver()),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_event_names_members_as_they_are_called(event: Event, shown: Event) -> None:
    assert as_called(event, str.upper) == shown


# --- The curtain --------------------------------------------------------------------


def test_what_happens_behind_a_curtain_is_shown_in_its_order_when_all_reasons_are_gone() -> None:
    curtain = DisplayGate[Event]()
    assert not curtain.holds("a", MemberJoined("dave"))
    curtain.close("a", "disk")
    curtain.close("a", "names")
    assert curtain.holds("a", MemberJoined("erin"))
    assert not curtain.holds("b", MemberJoined("frank"))
    assert curtain.holds("a", Said("erin", "hello"))
    assert curtain.open("a", "disk") == []
    assert curtain.is_closed("a")
    assert curtain.open("a", "names") == [MemberJoined("erin"), Said("erin", "hello")]
    assert not curtain.is_closed("a")
    assert curtain.open("a", "names") == []
    assert not curtain.holds("a", Said("erin", "again"))


# --- Comparing ----------------------------------------------------------------------

WORDS = ("apple", "pear")
KEY, OLD = b"k" * 32, b"o" * 32


def test_words_are_compared_whatever_their_case() -> None:
    compared = Comparison("dave", KEY, WORDS, None)
    assert compared.fits(("Apple", "PEAR"))
    assert not compared.fits(("apple",))
    assert not compared.fits(("pear", "apple"))


def test_a_changed_key_is_told_with_both_fingerprints() -> None:
    assert not Comparison("dave", KEY, WORDS, None).is_changed
    assert Comparison("dave", KEY, WORDS, None).change == ""
    assert Comparison("dave", KEY, WORDS, KEY).change == ""
    changed = Comparison("dave", KEY, WORDS, OLD)
    assert changed.is_changed
    assert changed.change == (
        f"The key of dave has changed: it was {fingerprint(OLD)}, now it is {fingerprint(KEY)}."
        " The old one counts until you say yes."
    )
