"""Two members whose hosts can never reach each other, in a conversation of five.

These tests need root, `ip` and `nft`, and are skipped without.
"""

from collections.abc import Iterator

import pytest

from tests.kit.groups import adds, goes, have_the_same, knows, nothing_twice
from tests.kit.lan import Lan, as_root, hosts, needs
from tests.kit.programs import Program, Stage, connect

NAMES = ("carol", "dave", "erin", "frank", "gina")


@pytest.fixture
def lan(stage: Stage) -> Iterator[Lan]:
    yield from hosts(stage, 1 + len(NAMES))


@as_root
@needs("ip")
@needs("nft")
def test_one_member_whom_all_can_reach_is_enough(stage: Stage, lan: Lan) -> None:
    _, *places = lan.hosts
    lan.separates(places[1], places[2])
    lan.directory()
    carol, dave, erin, frank, gina = people = [
        lan.peer(host, name) for host, name in zip(places, NAMES, strict=True)
    ]
    connect(carol, "carol", dave, "dave")
    for newcomer in (erin, frank, gina):
        adds(carol, newcomer)
    for one in people:
        knows(one, NAMES)
    goes(erin, "dave", "through carol")
    goes(dave, "erin", "through carol")
    all_talk(stage, people, "round one")

    carol.dies()
    goes(erin, "dave", "through frank")
    goes(dave, "erin", "through frank")
    all_talk(stage, [dave, erin, frank, gina], "round two")
    carol = lan.peer(places[0], "carol")
    carol.sees_like("You are back in the conversation with .*")
    all_talk(stage, [carol, dave, erin, frank, gina], "round three")


def all_talk(stage: Stage, people: list[Program], mark: str) -> None:
    for one in people:
        one.types(*(f"{mark} {number} of {one.name}" for number in range(20)))
    names = [one.name for one in people]
    said = [f"{name}: {mark} {number} of {name}" for name in names for number in range(20)]
    have_the_same(stage, names, said, mark)
    nothing_twice(people, mark)
