"""What is remembered of invitations, whoever sends them."""

from peer.core.invitation import ledger
from peer.core.invitation.actions import Send
from shared.messages.peers import Decline
from tests.kit.invitations import LARGER, SMALLER, asked, asks, carol


def test_a_flood_pushes_out_only_the_memory_of_its_sender() -> None:
    who = asked("erin", SMALLER)
    who.answer(SMALLER, False, 0)
    who.situation.busy = True
    for n in range(100, 100 + 2 * ledger.REMEMBER_EACH):
        who.receive("mallory", asks(f"{n:032x}", "mallory"), 1)
    assert len(who._ledger._known) == ledger.REMEMBER_EACH + 1
    assert who.receive("erin", asks(SMALLER, "erin"), 2) == [Send("erin", Decline(SMALLER))]


def test_a_crowd_cannot_fill_the_memory() -> None:
    who = carol()
    who.situation.busy = True
    for n in range(ledger.REMEMBER_ALL + 9):
        who.receive(f"user{n}", asks(f"{n:032x}", f"user{n}"), 1)
    assert len(who._ledger._known) == ledger.REMEMBER_ALL


def test_what_is_over_is_forgotten_after_five_minutes() -> None:
    who = asked()
    who.answer(LARGER, False, 1)
    assert who.next_deadline() == 1 + ledger.REMEMBER_SECONDS
    assert who.tick(301) == []
    assert who.next_deadline() is None
