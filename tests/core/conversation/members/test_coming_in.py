"""Where members come in, while others leave and programs are killed."""

import copy

import pytest
from msgspec.structs import replace

from peer.core.conversation.incoming.lamport_clock import STEP
from shared.messages.common import COUNT_MOST
from tests.kit.cores import CAROL, DAVE, ERIN, FRANK, GRACE, Town


def read(town: Town, name: str) -> list[str]:
    """What this user has read, in any order."""
    return sorted(town.content[key] for key in town.people[name].seen)


def apart(town: Town, one: str, other: str) -> None:
    town.apart.add(frozenset((one, other)))
    town.breaks(one, other)


def test_who_never_met_an_inviter_hands_on_to_whom_that_one_let_in() -> None:
    """Dave lets frank in and leaves.  Then only grace, who came later, can reach him."""
    town = Town(CAROL, ERIN)
    town.begins(CAROL, ERIN)
    town.adds(CAROL, DAVE)
    town.settles()
    town.adds(DAVE, FRANK)
    town.settles()
    town.leaves(DAVE)
    town.leaves(ERIN)
    town.settles()
    town.adds(FRANK, GRACE)
    town.settles()
    apart(town, CAROL, FRANK)
    town.says(CAROL, "for all")
    town.is_busy()
    town.crashes(CAROL)  # before she leaves a copy for frank
    town.settles()
    assert read(town, GRACE) == read(town, FRANK) == ["for all"]


def test_who_was_killed_before_the_disk_knew_of_their_return_is_told_where_they_came_in() -> None:
    """Carol leaves and is let in again, and her disk learns neither."""
    town = Town(CAROL, DAVE)
    town.begins(CAROL, DAVE)
    town.adds(CAROL, ERIN)
    town.settles()
    before = copy.deepcopy(town.people[CAROL].disk)
    town.leaves(CAROL)
    town.is_busy()
    town.says(DAVE, "while she is out")
    town.settles()
    town.adds(DAVE, CAROL)
    town.is_busy()
    town.people[CAROL].disk = before
    town.crashes(CAROL)
    town.restarts(CAROL)
    town.settles()
    town.says(DAVE, "to all three")
    town.says(ERIN, "and an answer")
    town.settles()
    assert read(town, CAROL) == ["and an answer", "to all three"]
    assert town.people[DAVE].core.outgoing.is_delivered
    town.crashes(CAROL)
    town.restarts(CAROL)
    town.settles()
    town.says(DAVE, "and again")
    town.settles()
    assert read(town, CAROL) == ["and again", "and an answer", "to all three"]


def test_who_was_killed_before_the_disk_knew_of_their_return_answers_below_what_they_said() -> None:
    """Carol speaks, leaves and is let in again, and her disk learns nothing of it."""
    town = Town(CAROL, DAVE)
    town.begins(CAROL, DAVE)
    town.adds(CAROL, ERIN)
    town.settles()
    before = copy.deepcopy(town.people[CAROL].disk)
    for number in range(3):
        town.says(CAROL, f"before she left {number}")
        town.is_busy()
    town.leaves(CAROL)
    town.settles()
    town.adds(DAVE, CAROL)
    town.is_busy()
    town.people[CAROL].disk = before
    for said in ("after a new start", "after another one"):
        town.crashes(CAROL)
        town.restarts(CAROL)
        town.settles()
        town.says(CAROL, said)
        town.settles()
    texts = town.people[DAVE].disk.texts.values()
    numbers = {text.lamport: text.texts[-1] for text in texts}
    assert [numbers[one] for one in sorted(numbers)][-3:] == [
        "before she left 2",
        "after a new start",
        "after another one",
    ]


def test_who_was_killed_before_anything_was_said_again_keeps_the_number_they_were_told() -> None:
    """Carol's next program hears where she came in, and ends before she has said anything."""
    town = Town(CAROL, DAVE)
    town.begins(CAROL, DAVE)
    town.adds(CAROL, ERIN)
    town.settles()
    before = copy.deepcopy(town.people[CAROL].disk)
    town.says(CAROL, "before she left")
    town.is_busy()
    town.leaves(CAROL)
    town.settles()
    town.adds(DAVE, CAROL)
    town.is_busy()
    town.people[CAROL].disk = before
    for _ in range(2):
        town.crashes(CAROL)
        town.restarts(CAROL)
        town.settles()
    assert town.people[CAROL].core.incoming.lamport == 1


def test_who_lies_about_that_number_moves_the_clock_no_further_than_with_one_text() -> None:
    town = Town(CAROL, DAVE)
    town.begins(CAROL, DAVE)
    before = copy.deepcopy(town.people[CAROL].disk)
    town.adds(CAROL, ERIN)
    town.says(ERIN, "before she left")
    town.settles()
    town.leaves(CAROL)
    town.settles()
    town.adds(DAVE, CAROL)
    town.settles()
    carol = town.people[CAROL]
    entry = town.people[DAVE].core._rolls._entrances.entry_of(CAROL)
    assert entry is not None
    before.members = carol.disk.members
    carol.disk = before
    town.crashes(CAROL)
    town.restarts(CAROL)
    for _ in range(3):
        lie = replace(entry, lamport=COUNT_MOST)
        town.perform(carol, carol.core.receive(DAVE, lie, town.now))
    assert carol.core.incoming.lamport == STEP
    assert carol.disk.lamport == STEP


@pytest.mark.parametrize("inviter_is_killed", [False, True])
def test_who_was_killed_before_they_showed_where_they_came_in_hears_it_from_their_inviter(
    *, inviter_is_killed: bool
) -> None:
    town = Town(CAROL, DAVE)
    town.begins(CAROL, DAVE)
    town.adds(CAROL, ERIN)
    town.settles()
    before = copy.deepcopy(town.people[CAROL].disk)
    town.leaves(CAROL)
    town.is_busy()
    town.says(ERIN, "while she is out")
    town.settles()
    town.adds(DAVE, CAROL)
    town.people[CAROL].disk = before
    town.crashes(CAROL)
    town.is_busy()
    if inviter_is_killed:
        town.crashes(DAVE)
        town.restarts(DAVE)
    town.restarts(CAROL)
    town.settles()
    town.says(ERIN, "to all three")
    town.says(DAVE, "and an answer")
    town.settles()
    assert read(town, CAROL) == ["and an answer", "to all three"]
    assert town.people[ERIN].core.outgoing.is_delivered
