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
    assert dave.entrances.hear(entry(upto(5)))
    assert not dave.entrances.hear(entry(upto(3)))  # the first one counts
    assert dave.entrances.entry_of(ERIN) == entry(upto(5))
    assert dave.entrances.floor(ERIN, DAVES) == 5
    assert dave.entrances.floor(ERIN, (DAVE, "0" * 16)) == 0
    assert dave.entrances.floor(ERIN, (FRANK, "f" * 16)) == 0


def test_what_an_entry_had_no_room_for_is_as_without_it() -> None:
    dave = Member(CAROL, DAVE, ERIN)
    dave.entrances.learn(ERIN, heard(upto(7)))
    dave.entrances.hear(entry(upto(5), epochs=1))
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
    assert not dave.entrances.hear(forged)
    assert dave.entrances.floor(ERIN, DAVES) == 7


def test_an_entry_gives_no_more_than_its_signer_may_read() -> None:
    carol = Member(CAROL, MALLORY)
    adding = membership.add(me(MALLORY), ID, of(carol, MALLORY), ERIN, 1)
    carol.roll.merge([membership.join(me(ERIN), ID, 1, adding)])
    carol.entrances.learn(MALLORY, heard(upto(7)))
    carol.entrances.learn(ERIN, heard(upto(9)))
    assert carol.entrances.hear(entry(by=MALLORY))
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
    assert carol.entrances.hear(entry(by=MALLORY))
    assert carol.entrances.floor(ERIN, DAVES) == 7
    assert carol.entrances.floor(MALLORY, DAVES) == 20


def test_who_is_let_in_again_by_one_whom_they_had_let_in_reads_what_is_new() -> None:
    """Dave lets erin in, leaves, and is let in by her: each stay has its own entry."""
    carol = Member(CAROL, DAVE)
    first = of(carol, DAVE)
    carol.entrances.learn(DAVE, heard())
    assert carol.entrances.hear(sign_entry(me(CAROL), Entry(ID, DAVE, 1, (upto(2),), 20)))
    adding = membership.add(me(DAVE), ID, first, ERIN, 1)
    carol.roll.merge([membership.join(me(ERIN), ID, 1, adding)])
    carol.entrances.learn(ERIN, heard())
    assert carol.entrances.hear(entry(upto(5), by=DAVE))
    again = membership.add(me(ERIN), ID, of(carol, ERIN), DAVE, 3)
    carol.roll.merge([membership.leave(me(DAVE), ID, first)])
    carol.roll.merge([membership.join(me(DAVE), ID, 3, again)])
    carol.entrances.learn(DAVE, heard())
    assert carol.entrances.hear(sign_entry(me(ERIN), Entry(ID, DAVE, 3, (upto(9),), 20)))
    assert carol.entrances.floor(DAVE, DAVES) == 9
    assert carol.entrances.floor(DAVE, (FRANK, "f" * 16)) == 0


def test_what_is_known_outlives_a_restart() -> None:
    dave, next_one = Member(CAROL, DAVE, ERIN), Member(CAROL, DAVE, ERIN)
    dave.entrances.learn(ERIN, heard(upto(7)))
    dave.entrances.hear(entry(upto(5)))
    entrance = dave.entrances.of(ERIN)
    assert entrance is not None
    decoded = msgspec.json.decode(msgspec.json.encode(entrance), type=Entrance)
    next_one.entrances.restore([decoded])
    assert not next_one.entrances.learn(ERIN, heard(upto(99)))
    assert next_one.entrances.floor(ERIN, DAVES) == 5


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
