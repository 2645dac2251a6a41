"""A member who left proves it to whoever counts them in, and tells nothing to anybody else."""

import pytest

from peer.core import membership
from peer.core.departure import DepartureClaim
from peer.core.membership import STATEMENTS, leave
from shared.errors import ProtocolError
from shared.messages.peers import Members, Membership
from tests.kit.rolls import AUTHORITY, CAROL, DAVE, ERIN, FOUNDED, FRANK, ID, joined, me, roll
from tests.kit.world import Authority

DAVES = joined(DAVE, CAROL)
ERINS = joined(ERIN, CAROL)


def claim() -> DepartureClaim:
    """Return what Dave holds against being counted in."""
    return DepartureClaim(DAVE, ID, AUTHORITY.certificate)


def told(proof: list[Members]) -> list[Membership]:
    assert {one.conversation for one in proof} == {ID}
    return [membership for one in proof for membership in one.members]


def test_who_is_counted_in_proves_that_they_are_out() -> None:
    daves = claim()
    assert daves.hear((FOUNDED, DAVES))
    carols = roll(FOUNDED, DAVES)
    carols.merge(told(daves.prove(())))
    assert carols.members() == (CAROL.id,)


def test_the_leaving_on_disk_counts_and_no_second_one_is_signed() -> None:
    daves, left = claim(), leave(DAVE, ID, DAVES)
    assert daves.hear((FOUNDED, DAVES))
    assert daves.is_by_member(CAROL.id)
    assert left in told(daves.prove((FOUNDED, left)))


def test_a_later_stay_on_disk_is_ended() -> None:
    daves = claim()
    again = joined(DAVE, CAROL, theirs=3)
    assert daves.hear((FOUNDED, DAVES))
    carols = roll(FOUNDED, again)
    carols.merge(told(daves.prove((again,))))
    assert carols.counter(DAVE.id) == 4


def test_a_damaged_disk_keeps_nobody_from_proving_it() -> None:
    daves = claim()
    assert daves.hear((FOUNDED, DAVES))
    damaged = membership.found(CAROL, b"x" * 16)
    carols = roll(FOUNDED, DAVES)
    carols.merge(told(daves.prove((damaged,))))
    assert not carols.is_in(DAVE.id)


def test_who_counts_me_out_is_told_nothing() -> None:
    daves = claim()
    assert not daves.hear((FOUNDED, leave(DAVE, ID, DAVES)))


def test_what_is_not_about_me_costs_nothing() -> None:
    daves = claim()
    assert not daves.hear((FOUNDED, ERINS))
    assert daves.checks == 0


def test_somebody_hostile_is_no_member_by_asking() -> None:
    daves = claim()
    assert daves.hear((FOUNDED, DAVES))
    assert not daves.is_by_member(FRANK.id)


def test_a_forged_membership_of_mine_is_refused_and_paid_for() -> None:
    daves = claim()
    forged = Membership(DAVE.certificate, 1, bytes(64), joined(DAVE, CAROL).adding)
    with pytest.raises(ProtocolError):
        daves.hear((FOUNDED, forged))
    assert daves.checks > 0


def test_a_certificate_of_another_community_is_refused() -> None:
    identity, credentials = Authority(1).user("dave")
    other = membership.Me("dave", identity, credentials.certificate)
    foreign = membership.join(other, ID, 1, membership.add(CAROL, ID, FOUNDED, other.id, 1))
    theirs = DepartureClaim(other, ID, AUTHORITY.certificate)
    with pytest.raises(ProtocolError):
        theirs.hear((FOUNDED, foreign))


def test_a_flood_is_refused_before_anything_is_checked() -> None:
    daves = claim()
    with pytest.raises(ProtocolError, match="too many stays in one message"):
        daves.hear((FOUNDED, DAVES) * STATEMENTS)
    assert daves.checks == 0


def test_a_large_roll_is_told_in_pages() -> None:
    daves = claim()
    assert daves.hear((FOUNDED, DAVES))
    many = [joined(me(f"user{number}"), CAROL) for number in range(STATEMENTS)]
    proof = daves.prove(many)
    assert len(proof) > 1
    assert len(told(proof)) == STATEMENTS + 2
