"""From where on each member may read, by itself."""

from collections import defaultdict

import msgspec
import pytest

from peer.core import membership
from peer.core.conversation.members.entrances import NOTHING, Entrance, Entrances, Heard, sign_entry
from peer.core.membership import Roll
from shared.messages.peers import Adding, Entry, Membership, Position
from tests.kit.cores import (
    AUTHORITY,
    CAROL,
    DAVE,
    ERIN,
    FRANK,
    MALLORY,
    TRUDY,
    conversation_of,
    me,
    together,
)

ID = conversation_of(CAROL)
DAVES, ERINS = (DAVE, "d" * 16), (ERIN, "e" * 16)


def roll_of(*names: str) -> Roll:
    roll = Roll(ID, AUTHORITY.certificate)
    roll.merge(together(*names))
    return roll


def upto(seq: int) -> Position:
    return Position(*DAVES, seq)


def heard(*positions: Position) -> Heard:
    return Heard(positions, len(positions))


def entry(*since: Position, by: str = CAROL, epochs: int = 20, counter: int = 1) -> Entry:
    return sign_entry(me(by), Entry(ID, ERIN, counter, since, epochs))


class Member:
    """Who judges; a test says how many origins were known before each."""

    def __init__(self, *names: str) -> None:
        self.roll = roll_of(*names)
        self.numbers: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.entrances = Entrances(self.roll, lambda of: self.numbers[of])


def of(judge: Member, member: str) -> Membership:
    found = judge.roll.of(member)
    assert found is not None
    return found


def test_without_an_entry_they_read_what_came_here_since_they_were_heard_of() -> None:
    dave = Member(CAROL, DAVE, ERIN)
    assert dave.entrances.learn(ERIN, heard(upto(7)))
    assert not dave.entrances.learn(ERIN, heard(upto(9)))
    assert dave.entrances.floor(ERIN, DAVES) == 7
    assert dave.entrances.floor(ERIN, (DAVE, "0" * 16)) == NOTHING  # old, and in use no more
    dave.numbers[DAVE, "9" * 16] = 1
    assert dave.entrances.floor(ERIN, (DAVE, "9" * 16)) == 0  # begun since then


def test_with_an_entry_they_read_what_is_not_in_it() -> None:
    dave = Member(CAROL, DAVE, ERIN)
    dave.entrances.learn(ERIN, heard(upto(7)))
    assert dave.entrances.entry_of(ERIN) is None
    assert dave.entrances.hear(entry(upto(5)), heard())
    assert not dave.entrances.hear(entry(upto(3)), heard())  # the first one counts
    assert dave.entrances.entry_of(ERIN) == entry(upto(5))
    assert dave.entrances.floor(ERIN, DAVES) == 5
    assert dave.entrances.floor(ERIN, (DAVE, "0" * 16)) == 0
    assert dave.entrances.floor(ERIN, (FRANK, "f" * 16)) == 0


def test_what_an_entry_had_no_room_for_is_as_without_it() -> None:
    dave = Member(CAROL, DAVE, ERIN)
    dave.entrances.learn(ERIN, heard(upto(7)))
    dave.entrances.hear(entry(upto(5), epochs=1), heard())
    assert dave.entrances.floor(ERIN, DAVES) == 5
    assert dave.entrances.floor(ERIN, (DAVE, "0" * 16)) == NOTHING
    dave.numbers[DAVE, "9" * 16] = 1
    assert dave.entrances.floor(ERIN, (DAVE, "9" * 16)) == 0


def test_the_founder_reads_everything_and_a_stranger_nothing() -> None:
    dave = Member(CAROL, DAVE, ERIN)
    assert dave.entrances.floor(CAROL, DAVES) == 0
    assert dave.entrances.floor(MALLORY, DAVES) == NOTHING
    assert dave.entrances.floor(ERIN, DAVES) == NOTHING  # whom nobody has told us of


@pytest.mark.parametrize(
    "forged",
    [
        entry(upto(5), by=DAVE),
        entry(upto(5), counter=3),
        msgspec.structs.replace(entry(upto(5)), since=()),
        msgspec.structs.replace(entry(upto(5)), epochs=1),
        msgspec.structs.replace(entry(upto(5)), member=MALLORY),
        msgspec.structs.replace(entry(upto(5)), member=CAROL),
    ],
)
def test_an_entry_counts_only_when_who_let_them_in_signed_all_of_it(forged: Entry) -> None:
    dave = Member(CAROL, DAVE, ERIN)
    dave.entrances.learn(ERIN, heard(upto(7)))
    dave.entrances.learn(CAROL, heard())
    assert not dave.entrances.hear(forged, heard())
    assert dave.entrances.floor(ERIN, DAVES) == 7


def test_an_entry_gives_no_more_than_its_signer_may_read() -> None:
    carol = Member(CAROL, MALLORY)
    adding = membership.add(me(MALLORY), ID, of(carol, MALLORY), ERIN, 1)
    carol.roll.merge([membership.join(me(ERIN), ID, 1, adding)])
    carol.entrances.learn(MALLORY, heard(upto(7)))
    carol.entrances.learn(ERIN, heard(upto(9)))
    assert carol.entrances.hear(entry(by=MALLORY), heard())
    assert carol.entrances.floor(ERIN, DAVES) == 7


def test_also_when_the_signer_has_been_in_twice() -> None:
    """Whoever let them in the first time counts for those whom they added then."""
    carol = Member(CAROL, MALLORY)
    adding = membership.add(me(MALLORY), ID, of(carol, MALLORY), ERIN, 1)
    carol.roll.merge([membership.join(me(ERIN), ID, 1, adding)])
    carol.entrances.learn(MALLORY, heard(upto(7)))
    carol.entrances.learn(ERIN, heard(upto(9)))
    mine = carol.roll.of(MALLORY)
    assert mine is not None
    again = membership.add(me(ERIN), ID, of(carol, ERIN), MALLORY, 3)
    carol.roll.merge([membership.leave(me(MALLORY), ID, mine)])
    carol.roll.merge([membership.join(me(MALLORY), ID, 3, again)])
    assert carol.entrances.learn(MALLORY, heard(upto(20)))
    assert carol.entrances.hear(entry(by=MALLORY), heard())
    assert carol.entrances.floor(ERIN, DAVES) == 7
    assert carol.entrances.floor(MALLORY, DAVES) == 20


def test_who_is_let_in_again_by_one_whom_they_had_let_in_reads_what_is_new() -> None:
    """Dave lets erin in, leaves, and is let in by her: each stay has its own entry."""
    carol = Member(CAROL, DAVE)
    first = of(carol, DAVE)
    carol.entrances.learn(DAVE, heard())
    assert carol.entrances.hear(sign_entry(me(CAROL), Entry(ID, DAVE, 1, (upto(2),), 20)), heard())
    adding = membership.add(me(DAVE), ID, first, ERIN, 1)
    carol.roll.merge([membership.join(me(ERIN), ID, 1, adding)])
    carol.entrances.learn(ERIN, heard())
    assert carol.entrances.hear(entry(upto(5), by=DAVE), heard())
    again = membership.add(me(ERIN), ID, of(carol, ERIN), DAVE, 3)
    carol.roll.merge([membership.leave(me(DAVE), ID, first)])
    carol.roll.merge([membership.join(me(DAVE), ID, 3, again)])
    carol.entrances.learn(DAVE, heard())
    assert carol.entrances.hear(sign_entry(me(ERIN), Entry(ID, DAVE, 3, (upto(9),), 20)), heard())
    assert carol.entrances.floor(DAVE, DAVES) == 9
    assert carol.entrances.floor(DAVE, (FRANK, "f" * 16)) == 0


def test_what_is_known_outlives_a_restart() -> None:
    dave, next_one = Member(CAROL, DAVE, ERIN), Member(CAROL, DAVE, ERIN)
    dave.entrances.learn(ERIN, heard(upto(7)))
    dave.entrances.hear(entry(upto(5)), heard())
    entrance = dave.entrances.of(ERIN)
    assert entrance is not None
    decoded = msgspec.json.decode(msgspec.json.encode(entrance), type=Entrance)
    next_one.entrances.restore([decoded])
    assert not next_one.entrances.learn(ERIN, heard(upto(99)))
    assert next_one.entrances.floor(ERIN, DAVES) == 5


def test_a_second_entry_is_told_from_the_first_and_from_forgeries() -> None:
    carol = Member(CAROL, DAVE, ERIN)
    carol.entrances.learn(ERIN, heard())
    first, second = entry(upto(5)), entry(upto(9))
    assert not carol.entrances.is_second(second)  # there is no first one yet
    assert carol.entrances.hear(first, heard())
    assert carol.entrances.is_second(second)
    assert carol.entrances.hear(second, heard()) is None
    assert carol.entrances.entry_of(ERIN) == first
    for other in (
        first,
        msgspec.structs.replace(first, lamport=7),  # nobody signs that
        entry(upto(9), by=MALLORY),
        entry(upto(9), counter=3),
    ):
        assert not carol.entrances.is_second(other)


class Circle:
    """Two who say that each has let the other in."""

    def of(self, name: str) -> Membership:
        other = {ERIN: MALLORY, MALLORY: ERIN}[name]
        return Membership(b"", 1, bytes(64), Adding(other, 1, bytes(16), bytes(64)))

    def counter(self, name: str) -> int:
        return 1


def test_two_who_let_each_other_in_may_read_nothing() -> None:
    entrances = Entrances(Circle(), lambda of: 0)  # type: ignore[arg-type]
    for name in (ERIN, MALLORY):
        shown = msgspec.structs.replace(entry(), member=name)
        entrances.restore([Entrance(name, 1, heard(), shown)])
    assert entrances.floor(ERIN, DAVES) == NOTHING


# --- Stays that are over ---


class AfterDave:
    """Carol let dave in, he let erin in and left; frank comes later, and never met dave."""

    def __init__(self) -> None:
        self.erin, self.frank = Member(CAROL, DAVE), Member(CAROL, DAVE)
        dave = of(self.erin, DAVE)
        self.daves = sign_entry(me(CAROL), Entry(ID, DAVE, 1, (upto(2),), 20))
        self.erin.entrances.learn(DAVE, heard())
        assert self.erin.entrances.hear(self.daves, heard())
        adding = membership.add(me(DAVE), ID, dave, ERIN, 1)
        for one in (self.erin, self.frank):
            one.roll.merge([membership.join(me(ERIN), ID, 1, adding)])
            one.roll.merge([membership.leave(me(DAVE), ID, dave)])
            one.entrances.learn(ERIN, heard())
            assert one.entrances.hear(entry(upto(5), by=DAVE), heard())


def test_the_entry_of_one_who_has_left_is_shown_by_those_whom_they_let_in() -> None:
    day = AfterDave()
    assert [one.entry for one in day.erin.entrances.past(ERIN)] == [day.daves]
    assert day.frank.entrances.floor(ERIN, ERINS) == NOTHING  # who let dave in, and after what?
    assert day.frank.entrances.past(ERIN) == []
    assert day.frank.entrances.hear(day.daves, heard())
    assert day.frank.entrances.floor(ERIN, ERINS) == 0
    assert day.frank.entrances.floor(ERIN, DAVES) == 5


def test_it_counts_only_when_it_is_signed_and_of_a_stay_that_was() -> None:
    day = AfterDave()
    for forged in (
        sign_entry(me(MALLORY), Entry(ID, DAVE, 1, (), 20)),
        sign_entry(me(CAROL), Entry(ID, DAVE, 3, (), 20)),
        sign_entry(me(CAROL), Entry(ID, DAVE, 2, (), 20)),
        sign_entry(me(CAROL), Entry(ID, CAROL, 1, (), 20)),
        sign_entry(me(CAROL), Entry(ID, TRUDY, 1, (), 20)),
    ):
        assert day.frank.entrances.hear(forged, heard()) is None
    assert day.frank.entrances.floor(ERIN, ERINS) == NOTHING


def test_those_who_are_still_in_show_their_own() -> None:
    carol = Member(CAROL, DAVE)
    adding = membership.add(me(DAVE), ID, of(carol, DAVE), ERIN, 1)
    carol.roll.merge([membership.join(me(ERIN), ID, 1, adding)])
    carol.entrances.learn(DAVE, heard())
    assert carol.entrances.hear(sign_entry(me(CAROL), Entry(ID, DAVE, 1, (), 20)), heard())
    assert carol.entrances.past(ERIN) == []


def test_two_who_let_each_other_in_are_asked_once() -> None:
    """Mallory and trudy cheat: each claims to have been let in by the other."""
    carol = Member(CAROL, MALLORY)
    first = of(carol, MALLORY)
    adding = membership.add(me(MALLORY), ID, first, TRUDY, 1)
    carol.roll.merge([membership.join(me(TRUDY), ID, 1, adding)])
    carol.roll.merge([membership.leave(me(MALLORY), ID, first)])
    again = membership.add(me(TRUDY), ID, of(carol, TRUDY), MALLORY, 3)
    carol.roll.merge([membership.join(me(MALLORY), ID, 3, again)])
    assert carol.entrances.past(MALLORY) == []
    assert carol.entrances.hear(sign_entry(me(CAROL), Entry(ID, MALLORY, 1, (), 20)), heard())
    assert [one.counter for one in carol.entrances.past(MALLORY)] == [1]
    assert [one.counter for one in carol.entrances.past(TRUDY)] == [1]
