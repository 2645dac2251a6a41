"""Whom to ask for what an answer names and lacks here."""

from peer.core.conversation.incoming.gaps import Request
from peer.core.conversation.incoming.held_answers import HURRIED, HURRY_SECONDS, HeldAnswers
from peer.core.conversation.incoming.inbox import AUTHOR_TEXTS, LACKING, Inbox
from shared.messages.peers import Position, Text

NEVER = float("inf")
DAVES, ERINS = "d" * 16, "e" * 16


def text(
    seq: int, *, author: str = "dave", epoch: str = DAVES, after: tuple[Position, ...] = ()
) -> Text:  # fmt: skip
    return Text("1" * 32, author, epoch, seq, 1, 7.0, ("hello",), after)


def erins(seq: int, *after: Position) -> Text:
    return text(seq, author="erin", epoch=ERINS, after=after)


def daves(seq: int) -> Position:
    return Position("dave", DAVES, seq)


def anyway(_: object) -> bool:
    return True


class Held:
    """An inbox and its held answers, as a conversation uses them."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.answers = HeldAnswers(self.inbox)
        self.now = 10.0

    def takes(self, sender: str, one: Text) -> None:
        if not self.inbox.take(one, self.now):
            self.answers.add(sender, one, self.now)

    def asks(self, *linked: str) -> list[Request]:
        self.now += HURRY_SECONDS
        return self.answers.ask(linked, self.now, anyway)


def test_the_sender_of_an_answer_is_asked_for_what_it_names_once() -> None:
    held = Held()
    assert held.answers.due == NEVER
    held.takes("frank", erins(1, daves(2)))
    assert held.answers.due == 10.0 + HURRY_SECONDS
    assert held.asks("erin", "frank") == [Request("frank", ("dave", DAVES), 0)]
    assert held.answers.due == held.now + HURRY_SECONDS
    assert held.asks("erin", "frank") == []


def test_who_can_show_a_part_is_asked_for_the_rest() -> None:
    held = Held()
    held.takes("erin", erins(1, daves(2)))
    assert held.asks("erin") == [Request("erin", ("dave", DAVES), 0)]
    held.takes("erin", text(1))
    assert held.asks("erin") == [Request("erin", ("dave", DAVES), 1)]
    held.takes("erin", text(2))
    assert held.asks("erin") == []
    assert held.answers.due == NEVER


def test_nobody_without_a_link_is_asked() -> None:
    held = Held()
    held.takes("erin", erins(1, daves(1)))
    assert held.asks("dave") == []
    assert held.asks("erin") == [Request("erin", ("dave", DAVES), 0)]


def test_a_busy_disk_comes_first() -> None:
    held = Held()
    held.takes("erin", erins(1, daves(1)))
    assert held.answers.ask(("erin",), 11.0, lambda _: False) == []
    assert held.asks("erin") == [Request("erin", ("dave", DAVES), 0)]


def test_what_a_named_text_lacks_is_asked_for_too() -> None:
    held = Held()
    franks = Position("frank", "f" * 16, 1)
    held.takes("dave", text(1, after=(franks,)))
    held.takes("erin", erins(1, daves(1)))
    assert held.asks("erin") == [Request("erin", ("frank", "f" * 16), 0)]


def test_a_text_that_is_partly_here_and_lacks_another_is_asked_for_both() -> None:
    held = Held()
    franks = Position("frank", "f" * 16, 1)
    held.takes("dave", text(1, after=(franks,)))
    held.takes("erin", erins(1, daves(2)))
    of = {one.of for one in held.asks("erin")}
    assert of == {("dave", DAVES), ("frank", "f" * 16)}


def test_texts_that_answer_each_other_end() -> None:
    held = Held()
    held.takes("dave", text(1, after=(Position("erin", ERINS, 1),)))
    held.takes("erin", erins(1, daves(1)))
    assert held.asks("dave", "erin") == []


def test_an_answer_that_names_much_gets_few_questions() -> None:
    held = Held()
    many = tuple(Position("dave", f"{n:016x}", 1) for n in range(3 * LACKING))
    held.takes("erin", erins(1, *many))
    assert len(held.asks("erin")) == LACKING
    held.takes("frank", text(1, author="frank", after=many))
    assert len(held.asks("erin", "frank")) == HURRIED


def test_a_long_chain_of_answers_is_looked_through_in_part() -> None:
    held = Held()
    chain = [Position(f"author{n % 4}", f"{n:016x}", 1) for n in range(3 * LACKING)]
    for one, before in zip(chain[1:], chain, strict=False):
        held.takes(one.author, text(1, author=one.author, epoch=one.epoch, after=(before,)))
    held.takes("erin", erins(1, chain[-1]))
    assert Request("erin", chain[0].origin, 0) not in held.asks("erin")


def test_an_author_who_lacks_it_too_is_not_waited_for() -> None:
    held = Held()
    held.takes("erin", erins(1, daves(1)))
    held.answers.deny("erin", daves(0), held.now)  # was not asked yet
    assert held.asks("erin") == [Request("erin", ("dave", DAVES), 0)]
    held.answers.deny("frank", daves(0), held.now)
    held.answers.deny("erin", daves(1), held.now)
    assert held.answers.due > held.now
    held.answers.deny("erin", daves(0), held.now)
    assert held.answers.due == held.now
    assert held.inbox.overdue(held.now) == []
    assert held.asks("erin") == []
    (shown,) = held.inbox.overdue(held.now)
    assert (shown.text, shown.gap) == (erins(1, daves(1)), True)


def test_who_hands_an_answer_on_cannot_deny_for_its_author() -> None:
    held = Held()
    held.takes("frank", erins(1, daves(1)))
    assert held.asks("frank") == [Request("frank", ("dave", DAVES), 0)]
    held.answers.deny("frank", daves(0), held.now)
    assert held.asks("frank") == []
    assert held.inbox.overdue(held.now) == []


def test_what_an_answer_names_is_shown_without_what_that_lacks_and_then_the_answer() -> None:
    held = Held()
    franks = Position("frank", "f" * 16, 1)
    named, answer = text(1, after=(franks,)), erins(1, daves(1))
    held.takes("erin", named)
    held.takes("erin", answer)
    assert held.asks("erin") == [Request("erin", ("frank", "f" * 16), 0)]
    held.answers.deny("erin", franks, held.now)
    assert held.inbox.overdue(held.now) == []
    held.answers.deny("erin", Position("frank", "f" * 16, 0), held.now)
    held.asks("erin")
    shown = [(one.text, one.gap) for one in held.inbox.overdue(held.now)]
    assert shown == [(named, True), (answer, False)]


class Seq(int):
    """A number of a text that notes how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Seq.compared += 1
        return int(self) == other

    def __le__(self, other: int) -> bool:
        Seq.compared += 1
        return int(self) <= other

    __hash__ = int.__hash__


def test_many_answers_that_are_held_cost_a_few_looks_each() -> None:
    held = Held()
    for seq in range(1, AUTHOR_TEXTS + 1):
        held.takes("erin", erins(Seq(seq), daves(1)))
    Seq.compared = 0
    assert held.asks("erin") == [Request("erin", ("dave", DAVES), 0)]
    assert 0 < Seq.compared <= 4 * AUTHOR_TEXTS
    assert not held.inbox.holds(("erin", ERINS), AUTHOR_TEXTS + 1)
