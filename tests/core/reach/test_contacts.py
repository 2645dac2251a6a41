"""Where users were when the directory said it last."""

from msgspec.structs import replace

from peer.core.reach.contacts import MOST, Callee, Contacts, callee_of
from shared.messages.common import Status
from shared.messages.directory import Contact
from tests.kit.world import EPOCH

DAVE = Contact(
    1, "Dave", Status.ACTIVE, EPOCH, b"k" * 32, b"s" * 32, bytes(64), "10.0.0.2", 40_000
)  # fmt: skip


def named(name: str) -> Contact:
    return replace(DAVE, name=name)


def test_the_last_word_of_the_directory_counts() -> None:
    contacts = Contacts()
    moved = replace(DAVE, host="10.0.0.9")
    for one in (DAVE, moved):
        contacts.note(one)
    assert contacts.of("dave") == moved
    assert contacts.of("erin") is None


def test_who_came_or_went_is_somewhere_else_now() -> None:
    contacts = Contacts()
    contacts.note(DAVE)
    contacts.forget("DAVE")
    assert contacts.of("dave") is None
    contacts.forget("erin")  # of whom nothing is known


def test_who_is_offline_is_nowhere() -> None:
    contacts = Contacts()
    contacts.note(DAVE)
    contacts.note(replace(DAVE, status=Status.OFFLINE))
    assert contacts.of("dave") is None


def test_the_oldest_of_too_many_is_forgotten() -> None:
    contacts = Contacts()
    for number in range(MOST + 1):
        contacts.note(named(f"user{number}"))
    assert contacts.of("user0") is None
    assert contacts.of("user1") == named("user1")
    assert contacts.of(f"user{MOST}") == named(f"user{MOST}")


def test_whom_an_invitation_is_for() -> None:
    assert callee_of(DAVE) == Callee("Dave", DAVE.key)
    assert callee_of(replace(DAVE, status=Status.OFFLINE)).is_offline
