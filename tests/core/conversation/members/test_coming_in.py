"""Where members come in, while others leave and programs are killed."""

import copy

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
