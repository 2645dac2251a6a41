"""Conversations of two to five, over links that break, programs that die, people who
come, go and come back: whatever happens, at quiet all agree and nothing is lost.
"""

import os

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from peer import events
from peer.delivery import last, stream
from tests.peer.talkers import Person, Town

NAMES = ("carol", "dave", "erin", "frank", "grace")
QUIET_SECONDS = 150.0

names = st.sampled_from(NAMES)


class Talk(RuleBasedStateMachine):
    @initialize(count=st.sampled_from([2, 3, 3, 4]))
    def begins(self, count: int) -> None:
        self.town = Town(*NAMES)
        self.town.begins(*NAMES[:count])
        self.town.is_busy()

    def person(self, name: str) -> Person:
        return self.town.people[name]

    def is_in(self, name: str) -> bool:
        """Whether somebody sits there, and may write."""
        program = self.person(name).program
        return program is not None and not program.core.is_over and not program.core.is_asleep

    # --- What people do ---

    @rule(who=names, count=st.sampled_from([1, 1, 1, 2, 5, 70, 300]))
    def says(self, who: str, count: int) -> None:
        if self.is_in(who) and self.person(who).core.has_room:
            said = len(self.person(who).said)
            self.town.says(who, *(f"{who} {said + number}" for number in range(count)))

    @rule(who=names)
    def leaves(self, who: str) -> None:
        if self.is_in(who) and self.town.now > 5:
            self.town.leaves(who)

    @rule(who=names, whom=names)
    def adds(self, who: str, whom: str) -> None:
        """Somebody new, or who was in before."""
        program = self.person(whom).program
        is_free = program.core.is_settled if program else not self.person(whom).disk.is_in
        if not self.is_in(who) or not is_free or who == whom:
            return
        if self.person(who).core.roll.is_in(whom) or frozenset((who, whom)) in self.town.apart:
            return
        for other in NAMES:
            self.town.breaks(whom, other)
        self.town.adds(who, whom)
        if whom in self.person(who).core.others:
            self.town.link(who, whom)

    # --- What happens to what they said ---

    @rule(one=names, other=names, count=st.sampled_from([1, 2, 10, 1000]))
    def arrives(self, one: str, other: str, count: int) -> None:
        self.town.arrives(one, other, count)

    @rule(who=names, count=st.sampled_from([1, 5, 1000]))
    def shows(self, who: str, count: int) -> None:
        self.town.shows(who, count)

    @rule(who=names, count=st.sampled_from([1, 5, 1000]))
    def commits(self, who: str, count: int) -> None:
        self.town.commits(who, count)

    @rule(who=names)
    def fetches_mail(self, who: str) -> None:
        self.town.fetches_mail(who)

    @rule()
    def all_goes_on(self) -> None:
        self.town.is_busy()

    @rule(seconds=st.sampled_from([0.01, 0.06, 0.6, 2.0, 7.0, 35.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        self.town.passes(seconds)

    # --- What breaks ---

    @rule(one=names, other=names, arrives=st.integers(0, 5))
    def link_breaks(self, one: str, other: str, arrives: int) -> None:
        """Some of what was on it still arrives."""
        self.town.arrives(one, other, arrives)
        self.town.breaks(one, other)

    @rule(one=names, other=names)
    def links_again(self, one: str, other: str) -> None:
        program = self.person(one).program
        if program is not None and other in program.wants:
            self.town.link(one, other)

    @rule(one=names, other=names)
    def network_is_split(self, one: str, other: str) -> None:
        self.town.apart.add(frozenset((one, other)))
        self.town.breaks(one, other)

    @precondition(lambda self: self.town.apart)
    @rule()
    def network_is_mended(self) -> None:
        self.town.apart.clear()

    @rule(who=names)
    def crashes(self, who: str) -> None:
        if self.person(who).program is not None:
            self.town.crashes(who)

    @rule(who=names)
    def restarts(self, who: str) -> None:
        if self.person(who).program is None and self.person(who).disk.members:
            self.town.restarts(who)

    # --- What must hold; more is watched at each step, by the Town ---

    @invariant()
    def who_lacks_something_is_told_of_once(self) -> None:
        for person in self.town.running if hasattr(self, "town") else ():
            for name in NAMES:
                late = person.told.count(events.NotYetDelivered(name))
                assert 0 <= late - person.told.count(events.Delivered(name)) <= 1 + RUNS

    def teardown(self) -> None:
        """At quiet: everybody can reach somebody whom all can reach, and all programs run."""
        if not hasattr(self, "town"):
            return
        hub = NAMES[0]
        self.town.apart = {pair for pair in self.town.apart if hub not in pair}
        if not self.is_in(hub):
            self.town.apart.clear()
        for name in NAMES:
            self.restarts(name)
        self.town.settles(QUIET_SECONDS)
        check_quiet(self.town)


PHASES = (Phase.generate,) if "EXAMPLES" in os.environ else tuple(Phase)
RUNS = 50  # in one example, at most: each new run of a program may tell it again


def check_quiet(town: Town) -> None:
    running = [one for one in town.running if not one.core.is_over]
    talking = [one for one in running if one.core.others]
    for one in running:
        assert one.core.roll.is_in(one.name)
    for one in talking:
        _check_agreement(one, talking)
        assert one.core.is_delivered, f"{one.name} waits for somebody"
        assert set(one.core.others) == {other.name for other in talking} - {one.name}, "G3"
    for one in town.running:
        assert one.core.is_settled or not one.core.is_over
        _check_disk(one)


def _check_agreement(one: Person, talking: list[Person]) -> None:
    for other in talking:
        assert one.core.roll.digest() == other.core.roll.digest(), "G1: memberships"
        assert set(one.core.have()) == set(other.core.have()), "G1: positions"
        for key, text in one.disk.texts.items():
            same = other.disk.texts.get(key)
            assert same == text or key[2] <= other.disk.since.get(key[:2], 0), "G1: texts"


def _check_disk(one: Person) -> None:
    """G4, G8: nothing is missing in between, and what lies on disk was shown."""
    upto = dict(one.disk.since)
    for text in sorted(one.disk.texts.values(), key=lambda text: text.seq):
        assert text.seq <= upto.get(stream(text), 0) + 1, "G4"
        upto[stream(text)] = max(last(text), upto.get(stream(text), 0))
        if text.author != one.name:
            for seq in range(text.seq, last(text) + 1):
                assert one.seen[text.author, text.epoch, seq], "on disk, and never seen"


Talk.TestCase.settings = settings(
    derandomize=True, deadline=None, phases=PHASES,
    max_examples=int(os.environ.get("EXAMPLES", "40")), stateful_step_count=50,
)  # fmt: skip
TestConversationsOfMany = Talk.TestCase
