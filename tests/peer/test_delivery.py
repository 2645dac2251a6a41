"""Outbox and Inbox: what was sent, what is acknowledged, what was seen already."""

import pytest

from peer.delivery import WINDOW_BYTES, WINDOW_TEXTS, Inbox, Outbox
from shared.errors import ProtocolError
from shared.messages import Say

CONVERSATION, EPOCH = "c" * 32, "e" * 32


def outbox(*texts: str) -> Outbox:
    box = Outbox(CONVERSATION, EPOCH)
    for text in texts:
        box.add(text, 7.0)
    return box


def seqs(says: list[Say] | tuple[Say, ...]) -> list[int]:
    return [say.seq for say in says]


def say(seq: int, epoch: str = EPOCH) -> Say:
    return Say(CONVERSATION, epoch, seq, 7.0, f"text {seq}")


# --- Outbox -----------------------------------------------------------------------


def test_texts_are_numbered_in_the_order_in_which_they_were_written() -> None:
    assert outbox("one", "two").take() == [
        Say(CONVERSATION, EPOCH, 1, 7.0, "one"),
        Say(CONVERSATION, EPOCH, 2, 7.0, "two"),
    ]


def test_a_text_is_taken_once() -> None:
    box = outbox("one")
    box.take()
    assert box.take() == []
    assert len(box) == 1


def test_an_acknowledged_text_is_forgotten() -> None:
    box = outbox("one", "two", "three")
    box.take()
    box.acknowledged(2)
    assert seqs(box.undelivered()) == [3]
    box.acknowledged(1)  # late
    assert seqs(box.undelivered()) == [3]
    box.acknowledged(3)
    assert not len(box)


@pytest.mark.parametrize("upto", [2, 3])
def test_a_text_that_was_not_sent_cannot_be_acknowledged(upto: int) -> None:
    box = outbox("one")
    box.take()
    box.add("two", 7.0)
    with pytest.raises(ProtocolError, match="never sent"):
        box.acknowledged(upto)
    assert seqs(box.undelivered()) == [1, 2]


def test_no_more_texts_are_under_way_than_the_window_allows() -> None:
    box = outbox(*["x"] * (WINDOW_TEXTS + 3))
    assert len(box.take()) == WINDOW_TEXTS
    box.acknowledged(2)
    assert seqs(box.take()) == [WINDOW_TEXTS + 1, WINDOW_TEXTS + 2]
    assert box.is_awaiting
    box.acknowledged(WINDOW_TEXTS + 2)
    assert not box.is_awaiting
    assert seqs(box.undelivered()) == [WINDOW_TEXTS + 3]


def test_no_more_bytes_are_under_way_than_the_window_allows() -> None:
    box = outbox(*["x" * 8_000] * 100)
    taken = box.take()
    size = sum(len(one.text) for one in taken)
    assert WINDOW_BYTES - 8_000 < size <= WINDOW_BYTES + 8_000
    box.acknowledged(len(taken))
    assert len(box.take()) == len(taken)


def test_on_a_new_link_what_did_not_arrive_is_sent_again() -> None:
    box = outbox("one", "two", "three")
    box.take()
    box.acknowledged(1)
    box.resume(2)
    box.add("four", 7.0)
    assert seqs(box.take()) == [3, 4]


def test_a_new_link_may_know_less_than_was_acknowledged() -> None:
    """HELLO and ACK may overtake each other when one link replaces another."""
    box = outbox("one", "two", "three")
    box.take()
    box.acknowledged(2)
    box.resume(1)
    assert seqs(box.take()) == [3]


def test_a_new_link_frees_the_window() -> None:
    box = outbox(*["x" * 8_000] * 100)
    first = box.take()
    box.resume(0)
    assert box.take() == first


def test_a_hello_with_more_than_was_written_is_refused_and_nothing_is_lost() -> None:
    box = outbox("one")
    box.take()
    with pytest.raises(ProtocolError, match="never sent"):
        box.resume(2)
    assert seqs(box.undelivered()) == [1]


# --- Inbox ------------------------------------------------------------------------


def test_texts_are_shown_in_their_order() -> None:
    inbox = Inbox()
    assert inbox.take(say(2)) == []
    assert inbox.take(say(3)) == []
    assert seqs(inbox.take(say(1))) == [1, 2, 3]
    assert inbox.received == 3


def test_a_repeated_text_is_shown_once() -> None:
    inbox = Inbox()
    assert seqs(inbox.take(say(1))) == [1]
    assert inbox.take(say(1)) == []
    assert inbox.take(say(3)) == inbox.take(say(3)) == []
    assert seqs(inbox.take(say(2))) == [2, 3]


def test_only_what_was_shown_is_acknowledged() -> None:
    inbox = Inbox()
    inbox.take(say(1))
    inbox.take(say(2))
    assert inbox.acknowledge() == 0
    inbox.shown(1)
    assert inbox.owes() == 1
    assert inbox.acknowledge() == 1
    assert inbox.owes() == 0
    inbox.shown(2)
    inbox.shown(1)  # late
    assert inbox.acknowledge() == 2


def test_the_last_acknowledgement_counts_what_waits_for_the_screen() -> None:
    inbox = Inbox()
    inbox.take(say(1))
    inbox.take(say(3))
    inbox.all_shown()
    assert inbox.acknowledge() == 1


def test_one_epoch_is_all_that_a_sender_has() -> None:
    inbox = Inbox()
    inbox.take(say(1))
    with pytest.raises(ProtocolError, match="epoch"):
        inbox.take(say(1, epoch="f" * 32))
    assert inbox.epoch == EPOCH


def test_whoever_ignores_the_window_is_refused() -> None:
    inbox = Inbox()
    assert inbox.take(say(2 * WINDOW_TEXTS)) == []
    with pytest.raises(ProtocolError, match="window"):
        inbox.take(say(2 * WINDOW_TEXTS + 1))
    for seq in range(1, 2 * WINDOW_TEXTS):
        inbox.take(say(seq))
    inbox.shown(1)
    inbox.acknowledge()
    assert seqs(inbox.take(say(2 * WINDOW_TEXTS + 1))) == [2 * WINDOW_TEXTS + 1]
