"""Honest members stay together, whatever one of them signs and says to whom.

Three honest cores and one hostile member, who may give any roll, text, HELLO or WANT to
anybody: the honest converge, nothing of theirs is hidden, no link between them is cut.
"""

import random
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from peer.core import membership
from tests.kit.attackers.hostile_town import HostileTown
from tests.kit.cores import CAROL, DAVE, ERIN, FRANK, MALLORY

HONEST = (CAROL, DAVE, ERIN)
QUIET_SECONDS = 100.0  # of what she invented, some is asked for once a minute
ROOM, PLACES = 14, 6  # little, so that she fills it soon

someone = st.integers(0, 2)


class Talk(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 10_000))
    def begins(self, seed: int) -> None:
        self.small = patch.multiple(membership, KNOWN=ROOM, MEMBERS=PLACES)
        self.small.start()
        self.town = HostileTown(HONEST, random.Random(seed))
        self.town.is_busy()
        self.said: dict[str, list[str]] = {name: [] for name in (*HONEST, FRANK)}

    # --- The honest ---

    @rule(who=someone)
    def says(self, who: int) -> None:
        self.speaks(HONEST[who])

    def speaks(self, name: str) -> None:
        if self.town.people[name].sits_there:
            said = f"{name} {len(self.said[name])}"
            self.said[name].append(said)
            self.town.says(name, said)

    @rule()
    def dave_lets_somebody_in(self) -> None:
        if FRANK not in self.town.people and self.town.people[DAVE].sits_there:
            self.town.adds(DAVE, FRANK)
            self.town.link(DAVE, FRANK)

    @rule(who=someone, other=someone)
    def link_breaks(self, who: int, other: int) -> None:
        self.town.breaks(HONEST[who], HONEST[other])

    @rule(seconds=st.sampled_from([0.1, 1.0, 7.0, 35.0]))
    def time_passes(self, seconds: float) -> None:
        self.town.passes(seconds)

    @rule()
    def all_goes_on(self) -> None:
        self.town.is_busy()

    # --- Mallory ---

    @rule(count=st.sampled_from([1, 2, 5, 20]))
    def mallory_signs(self, count: int) -> None:
        for _ in range(count):
            self.town.signs_something()

    @rule(to=someone, count=st.sampled_from([1, 3, 8]))
    def mallory_says(self, to: int, count: int) -> None:
        for _ in range(count):
            self.town.says_anything(HONEST[to])

    # --- At the end she is gone, and it is quiet ---

    def teardown(self) -> None:
        if hasattr(self, "small"):
            try:
                self.quiet()
            finally:
                self.small.stop()

    def quiet(self) -> None:
        town = self.town
        town.crashes(MALLORY)
        town.settles(QUIET_SECONDS)
        honest = [town.people[name] for name in (*HONEST, FRANK) if name in town.people]
        names = {one.name for one in honest}
        for one in honest:
            assert not one.core.is_over
            assert one.core.roll.digest() == honest[0].core.roll.digest(), "G1: memberships"
            assert names <= set(one.core.roll.members()), "somebody honest was crowded out"
            assert len(one.core.roll.members()) <= PLACES
            self.has_all(one.name, names)

    def has_all(self, name: str, names: set[str]) -> None:
        """All that the honest have said lies on the disk and stood on the screen."""
        person = self.town.people[name]
        there = {said for text in person.disk.texts.values() for said in text.texts}
        for author in names - {FRANK} if name != FRANK else set():
            assert set(self.said[author]) <= there, f"{author} is hidden from {name}"
        for (author, _, _), times in person.seen.items():
            assert times == 1 or author not in names, "D2"


Talk.TestCase.settings = settings(
    derandomize=True, deadline=None, max_examples=25, stateful_step_count=40
)
TestOneHostileMember = Talk.TestCase


@pytest.mark.parametrize("seed", range(6))
def test_a_long_walk(seed: int) -> None:
    """The same by chance alone."""
    chance, talk = random.Random(seed), Talk()
    talk.begins(seed)
    try:
        for _ in range(150):
            match chance.randrange(8):
                case 0 | 1:
                    talk.says(chance.randrange(3))
                case 2:
                    talk.mallory_signs(chance.choice([1, 5, 20]))
                case 3 | 4 | 5:
                    talk.mallory_says(chance.randrange(3), chance.choice([1, 3, 8]))
                case 6:
                    talk.time_passes(chance.choice([0.1, 1.0, 7.0]))
                    talk.all_goes_on()
                case 7:
                    talk.link_breaks(chance.randrange(3), chance.randrange(3))
        talk.dave_lets_somebody_in()
    finally:
        talk.teardown()
