"""Conversations of two to five, over links that break, programs that die, people who
come, go and come back: whatever happens, at quiet all agree and nothing is lost.
"""

import itertools
import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.kit.cores import CAROL, DAVE, ERIN, FRANK, GRACE, Person, Town, texts_in

NAMES = (CAROL, DAVE, ERIN, FRANK, GRACE)
QUIET_SECONDS = 60.0  # D3

someone = st.integers(0, 19)  # a number for somebody who has ever been in


class Talk(RuleBasedStateMachine):
    @initialize(count=st.sampled_from([2, 3, 3, 4]))
    def begins(self, count: int) -> None:
        self.town = Town(*NAMES)
        self.town.begins(*NAMES[:count])
        self.town.is_busy()

    def one(self, number: int) -> Person:
        known = [one for one in self.town.people.values() if one.disk.members]
        return known[number % len(known)]

    def pair(self, number: int) -> tuple[str, str]:
        known = [one.name for one in self.town.people.values() if one.disk.members]
        pairs = list(itertools.permutations(known, 2))
        return pairs[number % len(pairs)]

    # --- What people do ---

    @rule(who=someone, count=st.sampled_from([1, 1, 1, 2, 5, 70, 300]))
    def says(self, who: int, count: int) -> None:
        person = self.one(who)
        if person.sits_there and person.core.outgoing.has_room:
            said = len(person.said)
            self.town.says(person.name, *(f"{said + number}" for number in range(count)))

    @rule(who=someone, again=st.sampled_from([False, False, True]))
    def leaves(self, who: int, again: bool) -> None:
        if again and self.one(who).sits_there:
            self.town.leaves(self.one(who).name)

    @rule(who=someone, whom=st.sampled_from(NAMES))
    def adds(self, who: int, whom: str) -> None:
        """Somebody new, or who was in before."""
        person, program = self.one(who), self.town.people[whom].program
        is_free = program.core.is_settled if program else not self.town.people[whom].disk.is_in
        if not (person.sits_there and is_free) or person.core.roll.is_in(whom):
            return
        if person.name == whom or frozenset((person.name, whom)) in self.town.apart:
            return
        for other in NAMES:
            self.town.breaks(whom, other)
        self.town.adds(person.name, whom)
        self.town.link(person.name, whom)

    # --- What happens to what they said ---

    @rule(way=someone, count=st.sampled_from([1, 2, 10, 1000]))
    def arrives(self, way: int, count: int) -> None:
        self.town.arrives(*self.pair(way), count)

    @rule(who=someone, count=st.sampled_from([1, 5, 1000]))
    def shows(self, who: int, count: int) -> None:
        self.town.shows(self.one(who).name, count)

    @rule(who=someone, count=st.sampled_from([1, 5, 1000]))
    def commits(self, who: int, count: int) -> None:
        self.town.commits(self.one(who).name, count)

    @rule(who=someone)
    def fetches_mail(self, who: int) -> None:
        self.town.fetches_mail(self.one(who).name)

    @rule()
    def all_goes_on(self) -> None:
        self.town.is_busy()

    @rule(seconds=st.sampled_from([0.01, 0.06, 0.6, 2.0, 7.0, 35.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        self.town.passes(seconds)

    # --- What breaks ---

    @rule(way=someone, arrives=st.integers(0, 5))
    def link_breaks(self, way: int, arrives: int) -> None:
        """Some of what was on it still arrives."""
        one, other = self.pair(way)
        self.town.arrives(one, other, arrives)
        self.town.breaks(one, other)

    @rule(way=someone)
    def another_link_takes_over(self, way: int) -> None:
        """Of two that were dialled at once one goes; and only one side may notice."""
        self.town.takes_over(*self.pair(way))

    @rule(who=someone)
    def links_again(self, who: int) -> None:
        person = self.one(who)
        for other in sorted(person.program.wants if person.program else ()):
            self.town.link(person.name, other)

    @rule(way=someone)
    def network_is_split(self, way: int) -> None:
        one, other = self.pair(way)
        self.town.apart.add(frozenset((one, other)))
        self.town.breaks(one, other)

    @rule()
    def network_is_mended(self) -> None:
        self.town.apart.clear()

    @rule(who=someone)
    def crashes_or_restarts(self, who: int) -> None:
        person = self.one(who)
        if person.program is not None:
            self.town.crashes(person.name)
        else:
            self.town.restarts(person.name)

    # --- What must hold at the end; more is watched at each step, by the Town ---

    def teardown(self) -> None:
        """At quiet: everybody can reach somebody whom all can reach, and all programs run."""
        if not hasattr(self, "town"):
            return
        hub = NAMES[0]
        self.town.apart = {pair for pair in self.town.apart if hub not in pair}
        if not self.town.people[hub].sits_there:
            self.town.apart.clear()
        for person in self.town.people.values():
            if person.program is None and person.disk.members:
                self.town.restarts(person.name)
        self.town.settles(QUIET_SECONDS)
        check_quiet(self.town)


def check_quiet(town: Town) -> None:
    running = [one for one in town.running if not one.core.is_over]
    talking = [one for one in running if one.core.others]
    for one in running:
        assert one.core.roll.is_in(one.name)
    for one in talking:
        _check_agreement(one, talking)
        _check_lamport(one)
        assert one.core.outgoing.is_delivered, f"{one.name} waits for somebody"
        assert set(one.core.others) == {other.name for other in talking} - {one.name}, "G3"
    for one in town.running:
        assert one.core.is_settled or not one.core.is_over
        _check_disk(one)


def _check_agreement(one: Person, talking: list[Person]) -> None:
    """What an author took along who left, before anybody else had it, came by mail."""
    have = one.disk.have()
    for other in talking:
        assert one.core.roll.digest() == other.core.roll.digest(), "G1: memberships"
        for text in other.disk.texts.values():
            came_by_mail = {key for key, _ in texts_in(text)} <= one.disk.copies
            assert came_by_mail or have.get(text.origin, 0) >= text.last_seq, "G1: positions"
            key = (text.author, text.epoch, text.seq)
            is_before = text.last_seq <= one.disk.since.get(text.origin, 0)
            assert came_by_mail or is_before or one.disk.texts.get(key) == text, "G1: texts"


def _check_lamport(one: Person) -> None:
    """G5: in the history no answer stands above its question."""
    lamports = {key: text.lamport for text in one.disk.texts.values() for key, _ in texts_in(text)}
    for text in one.disk.texts.values():
        for before in text.after:
            question = lamports.get((before.author, before.epoch, before.seq), -1)
            assert question < text.lamport, "G5"


def _check_disk(one: Person) -> None:
    """G4, G8: nothing is missing in between, and what lies on disk was shown."""
    upto = dict(one.disk.since)
    for text in sorted(one.disk.texts.values(), key=lambda text: text.seq):
        assert text.seq <= upto.get(text.origin, 0) + 1, "G4"
        upto[text.origin] = max(text.last_seq, upto.get(text.origin, 0))
        if text.author != one.name:
            for seq in range(text.seq, text.last_seq + 1):
                assert one.seen[text.author, text.epoch, seq], "on disk, and never seen"


Talk.TestCase.settings = settings(
    derandomize=True, deadline=None, max_examples=30, stateful_step_count=50
)
TestConversationsOfMany = Talk.TestCase


@pytest.mark.parametrize("seed", range(12))
def test_a_long_walk(seed: int) -> None:
    """The same by chance alone: much talk, and now and then a fault."""
    chance = random.Random(seed)
    talk = Talk()
    talk.begins(chance.choice([2, 3, 4]))
    for _ in range(300):
        who, few = chance.randrange(20), chance.choice([1, 2, 5])
        match chance.choices(range(6), weights=[25, 40, 15, 10, 6, 4])[0]:
            case 0:
                talk.says(who, chance.choice([1, 1, 2, 40]))
            case 1:
                for _ in range(5):
                    talk.arrives(chance.randrange(20), few)
                    talk.shows(chance.randrange(20), few)
                    talk.commits(chance.randrange(20), few)
            case 2:
                talk.time_passes(chance.choice([0.05, 0.05, 0.6, 2.0]))
            case 3:
                for person in talk.town.people.values():
                    if person.program is None and person.disk.members:
                        talk.town.restarts(person.name)
                talk.all_goes_on()
            case 4:
                talk.link_breaks(who, few)
                talk.links_again(chance.randrange(20))
            case 5:
                _goes_wrong(talk, chance)
    talk.teardown()


def _goes_wrong(talk: Talk, chance: random.Random) -> None:
    who = chance.randrange(20)
    match chance.randrange(6):
        case 0:
            talk.crashes_or_restarts(who)
        case 1:
            talk.network_is_split(who)
        case 2:
            talk.network_is_mended()
            talk.another_link_takes_over(who)
        case 3:
            talk.leaves(who, again=chance.random() < 0.5)
        case 4:
            talk.adds(who, chance.choice(NAMES))
        case 5:
            talk.time_passes(chance.choice([7.0, 35.0, 70.0]))
            talk.fetches_mail(who)
