"""What came and may be shown; what I wrote and who has it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peer.core.conversation import outbox as outbox_module
from peer.core.conversation.incoming.inbox import (
    AUTHOR_BYTES,
    AUTHOR_TEXTS,
    EPOCHS,
    HEADS,
    HELD_EPOCHS,
    HOLD_SECONDS,
    Inbox,
    Ready,
    epochs_of_each,
)
from peer.core.conversation.outbox import RECENT_BYTES, TOGETHER_BYTES, WATCHED, Outbox
from peer.core.conversation.texts import EPOCHS_TOLD, WINDOW_BYTES, WINDOW_TEXTS, check_author, sign
from shared.codec import LINE_BYTES, encode
from shared.errors import ProtocolError
from shared.messages.common import TEXT_CHARACTERS
from shared.messages.peers import POSITION_BYTES, POSITIONS, TEXTS, Position, Text
from tests.kit.cores import me

ID, DAVES, ERINS, MINE = "1" * 32, "d" * 16, "e" * 16, "c" * 16


MISSING = Position("frank", "f" * 16, 1)


def text(
    seq: int, *texts: str, author: str = "dave", epoch: str = DAVES, lamport: int = 1,
    after: tuple[Position, ...] = (),
) -> Text:  # fmt: skip
    return Text(ID, author, epoch, seq, lamport, 7.0, texts or (f"{author} {seq}",), after)


def erins(seq: int, *after: Position, lamport: int = 1) -> Text:
    return text(seq, author="erin", epoch=ERINS, lamport=lamport, after=after)


def daves(seq: int) -> Position:
    return Position("dave", DAVES, seq)


def read(ready: list[Ready] | None) -> list[str]:
    assert ready is not None
    return [said for one in ready for said in one.text.texts]


# --- Signatures -------------------------------------------------------------------


def test_an_author_is_known_by_the_signature() -> None:
    signed = sign(me("dave"), text(1, "one", "two"))
    check_author(signed, me("dave").identity.public)
    with pytest.raises(ProtocolError):
        check_author(signed, me("erin").identity.public)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: text(2, "one"), lambda one: text(1, "eno"), lambda one: text(1, "one", "one"),
        lambda one: text(1, "one", author="erin"), lambda one: text(1, "one", epoch=ERINS),
        lambda one: text(1, "one", lamport=2), lambda one: text(1, "one", after=(daves(0),)),
    ],
)  # fmt: skip
def test_every_word_and_its_place_are_signed(change: Callable[[Text], Text]) -> None:
    signed = sign(me("dave"), text(1, "one"))
    forged = change(signed)
    forged = Text(
        forged.conversation, forged.author, forged.epoch, forged.seq, forged.lamport, forged.time,
        forged.texts, forged.after, signed.signature,
    )  # fmt: skip
    with pytest.raises(ProtocolError):
        check_author(forged, me("dave").identity.public)


# --- Inbox ------------------------------------------------------------------------


def test_texts_are_shown_in_the_order_of_writing() -> None:
    box = Inbox()
    assert read(box.take(text(1, "one", "two"), 0.0)) == ["one", "two"]
    assert box.take(text(4), 0.0) is None
    assert read(box.take(text(3), 0.0)) == ["dave 3"]
    assert read(box.take(text(4), 0.0)) == ["dave 4"]
    assert box.came(("dave", DAVES)) == 4
    assert box.came(("erin", ERINS)) == 0


def test_a_duplicate_leads_to_nothing() -> None:
    box = Inbox()
    box.take(text(1), 0.0)
    assert box.take(text(1), 0.0) == []


def test_only_what_lies_on_disk_counts_as_had() -> None:
    box = Inbox()
    box.take(text(1), 0.0)
    assert box.have() == ()
    assert box.seen() == (daves(1),)
    assert box.position(("dave", DAVES)).seq == 0
    box.kept(text(1))
    assert box.have() == (daves(1),)
    assert box.position(("dave", DAVES)) == daves(1)
    assert box.position(("erin", ERINS)).seq == 0


def test_what_lies_on_disk_from_before_is_not_shown_again() -> None:
    box = Inbox([daves(5)], lamport=9)
    assert box.take(text(5), 0.0) == []
    assert read(box.take(text(6), 0.0)) == ["dave 6"]
    assert box.clock.now == 9


def test_an_answer_waits_for_its_question() -> None:
    box = Inbox()
    assert box.take(erins(1, daves(2)), 10.0) == []
    assert box.next_deadline() == 10.0 + HOLD_SECONDS
    assert box.take(erins(2), 11.0) == []
    assert read(box.take(text(1), 11.0)) == ["dave 1"]
    assert read(box.take(text(2), 11.0)) == ["dave 2", "erin 1", "erin 2"]
    assert box.next_deadline() is None


def test_a_chain_of_answers_is_let_go_at_once() -> None:
    box = Inbox()
    franks = text(1, author="frank", epoch="f" * 16, after=(Position("erin", ERINS, 1),))
    assert box.take(franks, 0.0) == []
    assert box.take(erins(1, daves(1)), 0.0) == []
    assert read(box.take(text(1), 0.0)) == ["dave 1", "erin 1", "frank 1"]


def test_after_two_seconds_an_answer_is_shown_all_the_same_and_marked() -> None:
    box = Inbox()
    box.take(erins(1, daves(1)), 10.0)
    box.take(erins(2), 10.5)
    assert box.overdue(10.0 + HOLD_SECONDS - 0.1) == []
    first, second = box.overdue(10.0 + HOLD_SECONDS)
    assert (read([first]), first.gap) == (["erin 1"], True)
    assert (read([second]), second.gap) == (["erin 2"], False)
    assert read(box.take(text(1), 13.0)) == ["dave 1"]


def test_an_answer_to_what_waits_itself_is_not_marked() -> None:
    """What it answers is shown in the same moment."""
    box = Inbox()
    franks = text(1, author="frank", epoch="f" * 16, after=(Position("erin", ERINS, 1),))
    box.take(erins(1, daves(1)), 10.0)
    box.take(franks, 10.0)
    assert [one.gap for one in box.overdue(12.0)] == [True, False]


@pytest.mark.parametrize("of", [("dave", "d" * 15 + "\0"), ("dave", "é" * 16), ("d\0", DAVES)])
def test_a_text_that_is_numbered_as_no_honest_one_is_refused(of: tuple[str, str]) -> None:
    with pytest.raises(ProtocolError, match="not numbered as it should be"):
        Inbox().take(text(1, author=of[0], epoch=of[1]), 0.0)


def test_more_than_the_window_is_refused() -> None:
    box = Inbox()
    most = 2 * WINDOW_TEXTS + TEXTS
    for seq in range(1, most + 1):
        box.take(text(seq), 0.0)
    with pytest.raises(ProtocolError, match="window"):
        box.take(text(most + 1), 0.0)
    box.kept(text(1))
    assert read(box.take(text(most + 1), 0.0)) == [f"dave {most + 1}"]


def test_who_starts_again_and_again_is_refused_at_last() -> None:
    box = Inbox()
    for start in range(EPOCHS):
        box.take(text(1, epoch=f"{start:016x}"), 0.0)
    with pytest.raises(ProtocolError, match="one author was started too often"):
        box.take(text(1), 0.0)
    assert read(box.take(erins(1), 0.0)) == ["erin 1"]


def test_what_is_written_now_comes_after_what_nothing_else_implies() -> None:
    box = Inbox()
    box.take(text(1), 0.0)
    assert box.heads(("carol", MINE)) == (daves(1),)
    box.take(erins(1, daves(1)), 0.0)
    assert box.heads(("carol", MINE)) == (Position("erin", ERINS, 1),)
    box.wrote(text(1, author="carol", epoch=MINE, after=(Position("erin", ERINS, 1),)))
    assert box.heads(("carol", MINE)) == ()
    box.take(text(2), 0.0)
    assert set(box.heads(("frank", "f" * 16))) == {daves(2), Position("carol", MINE, 1)}


def test_what_was_held_back_implies_nothing_yet() -> None:
    box = Inbox()
    box.take(text(1), 0.0)
    box.take(erins(1, daves(1), Position("frank", "f" * 16, 1)), 0.0)
    assert box.heads(("carol", MINE)) == (daves(1),)


def test_who_comes_late_into_a_long_conversation_does_not_name_all_of_it() -> None:
    """With the longest text the line must not be too long."""
    before = [Position(f"{name:032}", MINE, 2**52) for name in range(3 * HEADS)]
    heads = Inbox(before).heads(("carol", MINE))
    assert heads == tuple(before[-HEADS:])
    worst = Text(ID, "w" * 32, MINE, 2**52, 2**52, 7.0, ("\x01" * TEXT_CHARACTERS,), heads)
    assert len(encode(worst)) <= LINE_BYTES


def test_older_epochs_of_an_author_are_not_named_once_there_are_newer_ones() -> None:
    box = Inbox()
    for start in range(9):
        box.take(text(1, epoch=f"{start:016x}"), 0.0)
    box.take(erins(1), 0.0)
    box.take(text(2, epoch=f"{7:016x}"), 0.0)
    heads = {(one.author, one.epoch[-1], one.seq) for one in box.heads(("carol", MINE))}
    assert heads == {("dave", "7", 2), ("dave", "8", 1), ("erin", "e", 1)}


def test_many_epochs_of_one_crowd_nobody_out_of_what_was_said() -> None:
    box = Inbox()
    box.take(erins(1), 0.0)
    for start in range(500):
        box.take(text(1, epoch=f"{start:016x}"), 0.0)
    box.take(text(2, epoch="0" * 16), 0.0)
    seen = box.seen()
    assert Position("erin", ERINS, 1) in seen
    assert len(seen) == EPOCHS_TOLD + 1
    assert Position("dave", "0" * 16, 2) in seen  # the last in use
    assert Position("dave", f"{499:016x}", 1) in seen
    assert box.have() == ()  # nothing of it lies on disk


def test_all_authors_get_the_same_room_in_a_message() -> None:
    assert epochs_of_each([1, 3, 500], 400) == EPOCHS_TOLD
    assert epochs_of_each([50] * 50, 400) == 8
    assert epochs_of_each([50] * 500, 400) == 1


def test_one_window_holds_all_epochs_of_an_author() -> None:
    box = Inbox()
    for start in range(AUTHOR_TEXTS // TEXTS):
        many = text(1, *["x"] * TEXTS, epoch=f"{start:016x}")
        assert read(box.take(many, 0.0)) == ["x"] * TEXTS
    full = text(1, *["x"] * TEXTS, epoch="a" * 16)
    assert box.take(full, 0.0) is None
    assert not box.has_room("dave")
    assert box.has_room("erin")
    assert read(box.take(erins(1), 0.0)) == ["erin 1"]  # of each author one
    for start in range(AUTHOR_TEXTS // TEXTS):
        box.kept(text(1, *["x"] * TEXTS, epoch=f"{start:016x}"))
    assert box.has_room("dave")
    assert read(box.take(full, 0.0)) == ["x"] * TEXTS


def test_what_was_rejected_never_came() -> None:
    box = Inbox()
    for seq in (1, 2, 3):
        box.take(text(seq), 0.0)
    box.reject([text(2), text(3)])
    assert box.came(("dave", DAVES)) == 1
    assert box.heads(("carol", MINE)) == (daves(1),)
    assert read(box.take(text(2), 0.0)) == ["dave 2"]
    box.reject([text(1), text(2)])
    assert box.heads(("carol", MINE)) == ()
    assert box.seen() == ()


def test_what_was_held_back_is_rejected_too_and_no_more_of_it() -> None:
    box = Inbox()
    box.take(text(1, after=(Position("erin", ERINS, 1),)), 0.0)
    box.take(text(2), 0.0)
    box.reject([text(2)])
    assert read(box.take(erins(1), 0.0)) == ["erin 1", "dave 1"]
    box.take(text(2, after=(Position("erin", ERINS, 2),)), 0.0)
    box.reject([text(2)])
    assert box.next_deadline() is None
    assert box.heads(("carol", MINE)) == (daves(1),)


def test_long_texts_fill_the_window_sooner() -> None:
    box = Inbox()
    long = "x" * 8_000
    taken = 0
    while box.take(text(taken + 1, long), 0.0):
        taken += 1
    assert taken == AUTHOR_BYTES // (8_000 + 200)


def test_what_names_much_fills_the_window_sooner() -> None:
    box = Inbox()
    many = tuple(Position("frank", "f" * 16, seq) for seq in range(1, POSITIONS + 1))
    taken = 0
    while box.take(text(taken + 1, "x", after=many), 0.0) is not None:
        taken += 1
    assert taken == AUTHOR_BYTES // (POSITIONS * POSITION_BYTES + 201)


class Named(tuple[Position, ...]):
    """The positions that a text names, which note how often they are looked at."""

    looks = 0

    def __getitem__(self, place: Any) -> Any:
        Named.looks += 1
        return super().__getitem__(place)


def test_of_a_text_that_waits_each_position_is_looked_at_once() -> None:
    box = Inbox()
    box.take(text(1), 0.0)
    named = Named((*[daves(1)] * (HEADS - 1), Position("frank", "f" * 16, 1)))
    waits = Text(ID, "erin", ERINS, 1, 1, 7.0, ("erin 1",), named)
    assert box.take(waits, 0.0) == []
    for seq in range(2, 100):
        assert read(box.take(text(seq), 0.0)) == [f"dave {seq}"]
    assert HEADS <= Named.looks <= HEADS + 2 * 100
    franks = text(1, author="frank", epoch="f" * 16)
    assert read(box.take(franks, 0.0)) == ["frank 1", "erin 1"]


def test_what_a_text_waits_for_is_looked_at_anew_when_something_was_rejected() -> None:
    box = Inbox()
    box.take(text(1), 0.0)
    franks = text(1, author="frank", epoch="f" * 16)
    box.take(erins(1, daves(1), Position("frank", "f" * 16, 1)), 0.0)
    box.reject([text(1)])
    assert read(box.take(franks, 0.0)) == ["frank 1"]
    assert read(box.take(text(1), 0.0)) == ["dave 1", "erin 1"]


def test_of_few_epochs_of_an_author_something_is_held_back() -> None:
    box = Inbox()
    for start in range(HELD_EPOCHS):
        assert box.take(text(1, epoch=f"{start:016x}", after=(MISSING,)), 0.0) == []
    another = text(1, epoch="a" * 16, after=(MISSING,))
    assert box.take(another, 0.0) is None
    assert box.take(text(2, epoch="0" * 16, after=(MISSING,)), 0.0) == []
    assert read(box.take(erins(1), 0.0)) == ["erin 1"]
    assert len(box.overdue(HOLD_SECONDS)) == HELD_EPOCHS + 1
    assert box.take(another, HOLD_SECONDS) == []


def test_lamport_is_the_highest_that_was_shown() -> None:
    box = Inbox()
    box.take(text(1, lamport=5), 0.0)
    box.take(erins(1, lamport=3), 0.0)
    box.take(erins(2, daves(2), lamport=7), 0.0)
    assert box.clock.now == 5


@settings(max_examples=50)
@given(st.permutations(range(8)), st.data())
def test_whatever_comes_first_an_answer_stands_below_its_question(
    order: list[int], data: st.DataObject
) -> None:
    """G4, G5: four texts of dave, each answered by erin, on two links."""
    streams = {
        "dave": [text(seq, after=(Position("erin", ERINS, seq - 1),)) for seq in range(1, 5)],
        "erin": [erins(seq, daves(seq)) for seq in range(1, 5)],
    }
    box, shown = Inbox(), list[str]()
    for number in order:
        if queue := streams["dave" if number % 2 else "erin"]:
            shown += read(box.take(queue.pop(0), 0.0))
    for queue in streams.values():
        while queue:
            shown += read(box.take(queue.pop(0), 0.0))
    assert shown == [f"{name} {seq}" for seq in range(1, 5) for name in ("dave", "erin")]


# --- Outbox -----------------------------------------------------------------------


def make(seq: int, texts: tuple[str, ...]) -> Text:
    return Text(ID, "carol", MINE, seq, seq, 7.0, texts)


def outbox(*texts: str, now: float = 0.0) -> Outbox:
    """Each text signed by itself; dave and erin are linked and have nothing."""
    box = Outbox(MINE)
    for one in texts:
        box.write(one)
        box.sign_draft(make, now)
    box.greeted("dave", 0)
    box.greeted("erin", 0)
    return box


def seqs(texts: list[Text]) -> list[int]:
    return [one.seq for one in texts]


def test_what_is_written_in_one_go_is_signed_together() -> None:
    box = Outbox(MINE)
    assert [box.write(one) for one in ("one", "two")] == [1, 2]
    assert box.lag("dave") == 2
    (both,) = box.sign_draft(make, 0.0)
    assert (both.seq, both.last_seq, both.texts) == (1, 2, ("one", "two"))
    assert box.last == 2
    assert box.write("three") == 3
    assert box.sign_draft(make, 0.0) == [make(3, ("three",))]
    assert box.sign_draft(make, 0.0) == []


def test_no_more_than_fits_is_signed_together() -> None:
    box = Outbox(MINE)
    for _ in range(TEXTS):
        assert not box.draft_is_full
        box.write("x")
    assert box.draft_is_full
    box.write("x")
    assert [len(one.texts) for one in box.sign_draft(make, 0.0)] == [TEXTS, 1]
    long = "\x01" * TEXT_CHARACTERS  # 48 KB on the wire
    for one in (long, "x", "y" * (TOGETHER_BYTES - 100), long):
        box.write(one)
    assert box.draft_is_full
    assert [len(one.texts) for one in box.sign_draft(make, 0.0)] == [1, 2, 1]
    assert not box.draft_is_full


def test_a_text_goes_to_everybody_who_is_linked_and_to_each_once() -> None:
    box = outbox("one", "two")
    assert seqs(box.take("dave")) == [1, 2]
    assert box.take("dave") == []
    assert box.take("frank") == []
    box.write("three")
    box.sign_draft(make, 0.0)
    assert seqs(box.take("dave")) == [3]
    assert seqs(box.take("erin")) == [1, 2, 3]


def test_without_a_link_nothing_is_sent_and_on_the_next_one_what_is_missing() -> None:
    box = outbox("one", "two", "three")
    box.take("dave")
    box.acknowledged("dave", MINE, 1)
    box.unlink("dave")
    assert box.take("dave") == []
    box.greeted("dave", 2)
    box.acknowledged("dave", MINE, 2)  # which their HELLO says too
    assert seqs(box.take("dave")) == [3]
    box.greeted("dave", 0)  # what they have had once, they have
    assert seqs(box.take("dave")) == [3]


def test_no_more_texts_are_under_way_than_the_window_allows() -> None:
    box = outbox(*["x"] * (WINDOW_TEXTS + 3))
    assert len(box.take("dave")) == WINDOW_TEXTS
    box.acknowledged("dave", MINE, 2)
    assert seqs(box.take("dave")) == [WINDOW_TEXTS + 1, WINDOW_TEXTS + 2]


def test_no_more_bytes_are_under_way_than_the_window_allows() -> None:
    box = outbox(*["x" * TEXT_CHARACTERS] * 100)
    taken = box.take("dave")
    assert len(taken) == WINDOW_BYTES // (TEXT_CHARACTERS + 200)
    box.acknowledged("dave", MINE, 1)
    assert len(box.take("dave")) == 1


def test_who_stops_reading_costs_no_memory_and_delays_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """D5."""
    recent, watched = 512, 256  # with all of them it takes seconds
    monkeypatch.setattr(outbox_module, "RECENT_TEXTS", recent)
    monkeypatch.setattr(outbox_module, "WATCHED", watched)
    box = outbox()
    for seq in range(1, recent + 100):
        box.write("x")
        box.sign_draft(make, 0.0)
        box.take("dave")
        assert seqs(box.take("erin")) == [seq]
        box.acknowledged("erin", MINE, seq)
    assert len(box._recent) <= recent
    assert len(box._written) <= watched
    assert box.oldest_lacking("dave") == 0.0
    assert box.is_behind("dave")
    assert not box.is_behind("erin")
    box.greeted("dave", 3)
    assert box.take("dave") == []  # who is so far behind asks for it


def test_long_texts_are_forgotten_sooner() -> None:
    box = outbox(*["x" * TEXT_CHARACTERS] * (RECENT_BYTES // TEXT_CHARACTERS + 10))
    assert sum(len(one.texts[0]) for one in box._recent) <= RECENT_BYTES
    assert box.is_behind("dave")


def test_who_has_everything_is_not_behind() -> None:
    assert not outbox().is_behind("dave")
    box = outbox("one")
    box.acknowledged("dave", MINE, 1)
    assert not box.is_behind("dave")
    assert box.take("dave") == []


def test_who_has_a_part_of_what_was_signed_together_gets_all_of_it() -> None:
    """A copy of a part came through the mailbox."""
    box = outbox()
    box.write("one")
    box.write("two")
    box.sign_draft(make, 0.0)
    box.acknowledged("dave", MINE, 1)
    assert seqs(box.take("dave")) == [1]
    box.write("three")
    box.sign_draft(make, 0.0)
    assert seqs(box.take("dave")) == [3]
    box.acknowledged("dave", MINE, 2)
    box.greeted("dave", 2)
    assert seqs(box.take("dave")) == [3]


def test_a_text_that_was_not_written_cannot_be_acknowledged() -> None:
    box = outbox("one")
    box.write("not signed yet")
    with pytest.raises(ProtocolError, match="never sent"):
        box.acknowledged("dave", MINE, 2)
    box.newcomer("dave")
    box.greeted("dave", 2)
    assert box.has("dave") == 1


def test_only_what_is_new_about_an_acknowledgement_is_news() -> None:
    box = outbox("one", "two")
    assert box.acknowledged("dave", MINE, 2)
    assert not box.acknowledged("dave", MINE, 2)
    assert not box.acknowledged("dave", MINE, 1)
    assert not box.acknowledged("dave", ERINS, 1)  # an epoch that was never mine
    assert box.lag("dave") == 0
    assert box.lag("erin") == 2


def test_what_somebody_lacks_and_since_when() -> None:
    box = outbox("one", now=5.0)
    box.write("two")
    box.sign_draft(make, 6.0)
    assert box.oldest_lacking("dave") == 5.0
    box.acknowledged("dave", MINE, 1)
    assert box.oldest_lacking("dave") == 6.0
    assert box.lacking("dave") == [Position("", MINE, 1)]
    box.acknowledged("dave", MINE, 2)
    assert box.oldest_lacking("dave") is None
    assert box.lacking("dave") == []
    assert box.lacking("erin") == [Position("", MINE, 0)]


def test_what_everybody_has_is_forgotten() -> None:
    box = outbox("one", "two")
    box.acknowledged("dave", MINE, 2)
    box.forget(["dave", "erin"])
    assert box.oldest_lacking("erin") is not None
    box.acknowledged("erin", MINE, 1)
    box.forget(["dave", "erin"])
    assert box.lacking("erin") == [Position("", MINE, 1)]
    box.forget(["dave"])
    assert box.oldest_lacking("erin") is None


def test_what_was_written_before_a_crash_is_watched_on() -> None:
    box = Outbox(MINE, [("a" * 16, 2, 1.0), ("a" * 16, 5, 2.0)])
    assert box.lacking("dave") == [Position("", "a" * 16, 0)]
    assert box.acknowledged("dave", "a" * 16, 3)
    assert box.oldest_lacking("dave") == 2.0
    assert box.lag("dave") == 0


def test_what_was_written_so_far_is_hardly_for_a_newcomer() -> None:
    box = Outbox(MINE, [("a" * 16, 2, 1.0)])
    box.write("one")
    box.sign_draft(make, 0.0)
    assert box.newcomer("erin") == {"a" * 16: 2, MINE: 1}
    assert box.oldest_lacking("erin") is None
    assert box.has("erin") == 1


def test_what_was_written_by_two_programs_stays_apart() -> None:
    box = Outbox(MINE, [("a" * 16, 1, 1.0)])
    for _ in range(WATCHED + 9):
        box.write("x")
        box.sign_draft(make, 2.0)
    assert box.lacking("dave") == [Position("", "a" * 16, 0), Position("", MINE, 0)]
    assert len(box._written) == WATCHED
    box.acknowledged("dave", "a" * 16, 1)
    assert box.oldest_lacking("dave") == 2.0


def test_a_newcomer_who_was_told_less_says_so() -> None:
    box = outbox("one", "two")
    box.newcomer("frank")
    box.greeted("frank", 1)
    assert seqs(box.take("frank")) == [2]


# --- What is not for me -----------------------------------------------------------


def test_texts_that_are_not_for_me_are_passed_over() -> None:
    inbox = Inbox()
    assert inbox.take(text(4), 0.0) is None
    assert inbox.pass_over([daves(3)]) == (daves(3),)
    assert inbox.have() == (daves(3),)
    assert read(inbox.take(text(4), 0.0)) == ["dave 4"]
    assert inbox.heads((MINE, MINE)) == (daves(4),)
    assert inbox.pass_over([daves(2), daves(4)]) == ()  # that is behind me


def test_nothing_that_waits_for_screen_or_disk_is_passed_over() -> None:
    inbox = Inbox()
    inbox.take(text(1), 0.0)
    assert inbox.pass_over([daves(3)]) == ()  # 1 is not on disk, and 3 would stand for it
    inbox.kept(text(1))
    inbox.take(text(2, after=(Position("erin", ERINS, 1),)), 0.0)
    inbox.kept(text(2))
    assert inbox.pass_over([daves(3)]) == ()  # 2 is not shown
