"""Who is in: signed by each member, added by another, up to the founder."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peer.core import membership
from peer.core.membership import (
    KNOWN,
    PAGE_BYTES,
    STATEMENTS,
    Me,
    Roll,
    add,
    check_size,
    conversation_id,
    found,
    join,
    leave,
    pages,
)
from shared.errors import ProtocolError
from shared.messages.peers import SALT_BYTES, STAYS, Membership
from tests.kit.rolls import (
    AUTHORITY,
    CAROL,
    DAVE,
    ERIN,
    FOUNDED,
    FRANK,
    ID,
    SALT,
    adding,
    joined,
    me,
    roll,
)
from tests.kit.world import Authority


def refusal(*memberships: Membership, at: Roll | None = None) -> str:
    with pytest.raises(ProtocolError) as caught:
        (at or roll(FOUNDED)).merge(memberships)
    return str(caught.value)


# --- Coming and going -------------------------------------------------------------


def test_the_founder_is_in_by_the_salt_of_the_conversation() -> None:
    carols = roll(FOUNDED)
    assert carols.members() == (CAROL.id,)
    assert carols.is_in(CAROL.id)
    assert carols.key(CAROL.id) == CAROL.identity.public
    assert carols.of(CAROL.id) == FOUNDED
    assert not carols.is_in(DAVE.id)
    assert carols.counter(DAVE.id) == 0
    assert carols.key(DAVE.id) is None
    assert carols.of(DAVE.id) is None


def test_who_was_added_and_has_signed_is_in() -> None:
    carols = roll(FOUNDED)
    assert carols.merge([joined(DAVE, CAROL)]) == [DAVE.id]
    assert carols.merge([joined(ERIN, DAVE)]) == [ERIN.id]
    assert carols.members() == (CAROL.id, DAVE.id, ERIN.id)
    assert carols.counter(ERIN.id) == 1


def test_who_leaves_is_out_and_what_they_did_stays() -> None:
    daves = joined(DAVE, CAROL)
    carols = roll(FOUNDED, daves, joined(ERIN, DAVE))
    assert carols.merge([leave(DAVE, ID, daves)]) == [DAVE.id]
    assert carols.members() == (CAROL.id, ERIN.id)
    assert carols.everybody() == (CAROL.id, DAVE.id, ERIN.id)
    assert carols.counter(DAVE.id) == 2


def test_the_founder_may_leave_too() -> None:
    carols = roll(FOUNDED, joined(DAVE, CAROL), leave(CAROL, ID, FOUNDED))
    assert carols.members() == (DAVE.id,)


def test_an_old_membership_changes_nothing() -> None:
    daves = joined(DAVE, CAROL)
    carols = roll(FOUNDED, daves, leave(DAVE, ID, daves))
    assert carols.merge([daves]) == []
    assert not carols.is_in(DAVE.id)


def test_who_left_comes_back_with_a_new_adding_only() -> None:
    daves = joined(DAVE, CAROL)
    gone = leave(DAVE, ID, daves)
    carols = roll(FOUNDED, daves, gone)
    again = leave(DAVE, ID, gone)  # the counter goes up, and the adding is the old one
    assert daves.adding is not None
    for forged in (again, join(DAVE, ID, 3, daves.adding)):
        assert refusal(forged, at=carols) == "a stay of dave has two beginnings"
    assert carols.merge([joined(DAVE, CAROL, theirs=3)]) == [DAVE.id]
    assert carols.is_in(DAVE.id)


def test_what_lacks_the_membership_of_who_added_it_waits_for_that() -> None:
    carols = roll(FOUNDED)
    assert carols.merge([joined(ERIN, DAVE)]) == []
    assert carols.members() == (CAROL.id,)
    assert carols.merge([joined(ERIN, DAVE), joined(DAVE, CAROL)]) == [DAVE.id, ERIN.id]


def test_who_has_left_adds_nobody_with_a_stay_that_was_never_allowed() -> None:
    daves = joined(DAVE, CAROL)
    carols = roll(FOUNDED, daves, leave(DAVE, ID, daves))
    by_himself = join(DAVE, ID, 3, adding(DAVE, daves, DAVE, 3))
    assert carols.merge([joined(ERIN, DAVE, mine=by_himself)]) == []
    assert not carols.is_in(ERIN.id)


def test_whoever_let_somebody_in_says_truly_with_which_stay() -> None:
    daves = joined(DAVE, CAROL)
    lie = msgspec.structs.replace(adding(DAVE, daves, ERIN), counter=3)
    assert refusal(join(ERIN, ID, 1, lie), at=roll(FOUNDED, daves)) == (
        "who added erin was not in with that stay"
    )


# --- Coming back ------------------------------------------------------------------


def test_who_is_brought_back_by_somebody_they_had_added_can_be_proved_to_anybody() -> None:
    """Carol adds dave, dave adds carol when she has left: each is the other's proof."""
    left = leave(CAROL, ID, FOUNDED)
    daves = roll(FOUNDED, joined(DAVE, CAROL), left, joined(CAROL, DAVE, theirs=3))
    assert set(daves.members()) == {CAROL.id, DAVE.id}
    for handed_on in (daves.all(), daves.essential()):
        assert set(roll(*handed_on).members()) == {CAROL.id, DAVE.id}
        assert set(roll(*reversed(handed_on)).members()) == {CAROL.id, DAVE.id}


def test_two_who_bring_each_other_back_again_and_again_are_proved_too() -> None:
    everybody = roll(FOUNDED, joined(DAVE, CAROL))
    for stay in range(1, 13, 2):
        for leaver, other in ((CAROL, DAVE), (DAVE, CAROL)):
            mine, theirs = everybody.of(leaver.id), everybody.of(other.id)
            assert mine is not None
            everybody.merge([leave(leaver, ID, mine)])
            everybody.merge([joined(leaver, other, mine=theirs, theirs=stay + 2)])
            assert set(roll(*everybody.all()).members()) == {CAROL.id, DAVE.id}
            assert set(roll(*everybody.essential()).members()) == {CAROL.id, DAVE.id}
    assert everybody.counter(DAVE.id) == 13


def test_who_comes_back_again_and_again_is_told_of_in_several_pieces() -> None:
    carols = roll(FOUNDED, joined(DAVE, CAROL))
    for theirs in range(3, 4 * STAYS, 2):
        carols.merge([joined(DAVE, CAROL, theirs=theirs)])
    assert all(len(one.before) <= STAYS for one in carols.all())
    assert len([one for one in carols.all() if one.certificate == DAVE.certificate]) == 2
    assert roll(*carols.all()).digest() == carols.digest()
    assert carols.told([DAVE.id, "nobody"]) == carols.all()[1:]


def test_an_earlier_stay_is_proof_of_nothing_when_it_is_forged() -> None:
    left = leave(CAROL, ID, FOUNDED)
    daves = roll(FOUNDED, joined(DAVE, CAROL), left, joined(CAROL, DAVE, theirs=3))
    carols = daves.of(CAROL.id)
    assert carols is not None
    (stay,) = carols.before
    forged = msgspec.structs.replace(stay, salt=b"x" * SALT_BYTES)
    broken = msgspec.structs.replace(carols, before=(forged,))
    assert refusal(broken, at=roll()) == "carol did not found this conversation"


# --- Forgeries --------------------------------------------------------------------


def test_nobody_else_founded_it() -> None:
    assert refusal(found(DAVE, SALT)) == "dave did not found this conversation"
    mine = conversation_id(DAVE.identity.public, SALT)
    daves = Roll(mine, AUTHORITY.certificate)
    daves.merge([found(DAVE, SALT)])
    assert daves.members() == (DAVE.id,)


def test_a_founder_of_another_conversation_is_refused_although_the_signature_fits() -> None:
    others = Roll("0" * 32, AUTHORITY.certificate)
    forged = leave(DAVE, "0" * 32, Membership(DAVE.certificate, 0, bytes(64), None, SALT))
    assert refusal(forged, at=others) == "dave did not found this conversation"


def test_a_membership_of_another_conversation_is_refused() -> None:
    elsewhere = "0" * 32
    theirs = add(CAROL, elsewhere, FOUNDED, DAVE.id, 1)
    assert refusal(join(DAVE, elsewhere, 1, theirs)) == "a signature does not fit"
    assert refusal(join(DAVE, ID, 1, theirs)) == "a signature does not fit"


def test_an_adding_is_for_one_user_and_one_stay() -> None:
    daves = adding(CAROL, FOUNDED, DAVE)
    assert refusal(join(ERIN, ID, 1, daves)) == "a signature does not fit"
    assert refusal(join(DAVE, ID, 3, daves)) == "a signature does not fit"


def test_nobody_adds_themselves() -> None:
    again = joined(DAVE, DAVE, theirs=3)
    assert refusal(joined(DAVE, CAROL), again) == "nobody added dave to this conversation"


def test_who_is_out_adds_nobody() -> None:
    out = leave(CAROL, ID, FOUNDED)
    assert refusal(joined(DAVE, CAROL, mine=out), at=roll(out)) == (
        "who added dave was not in with that stay"
    )


def test_only_a_first_stay_needs_no_adding() -> None:
    forged = leave(DAVE, ID, Membership(DAVE.certificate, 2, bytes(64), None, SALT))
    assert refusal(forged) == "nobody added dave to this conversation"


def test_nobody_else_signs_that_somebody_is_in_or_out() -> None:
    daves = joined(DAVE, CAROL)
    carols = roll(FOUNDED, daves)
    dave_by_erin = Me("dave", ERIN.identity, DAVE.certificate)
    assert refusal(leave(dave_by_erin, ID, daves), at=carols) == "a signature does not fit"
    assert carols.is_in(DAVE.id)


def test_another_key_of_the_same_name_is_another_member() -> None:
    carols = roll(FOUNDED, joined(DAVE, CAROL))
    identity, credentials = AUTHORITY.user("dave")
    other = Me("dave", identity, credentials.certificate)
    assert carols.merge([joined(other, CAROL)]) == [other.id]
    assert set(carols.members()) == {CAROL.id, DAVE.id, other.id}
    assert carols.named("DAVE") == (DAVE.id, other.id)
    assert carols.name(other.id) == carols.name(DAVE.id) == "dave"
    assert (carols.key(DAVE.id), carols.key(other.id)) == (DAVE.identity.public, identity.public)


def test_one_key_of_two_names_is_two_members() -> None:
    other = Me("david", DAVE.identity, AUTHORITY.certify("david", DAVE.identity.public))
    carols = roll(FOUNDED, joined(DAVE, CAROL))
    assert carols.merge([joined(other, CAROL)]) == [other.id]
    forged = msgspec.structs.replace(joined(DAVE, CAROL), certificate=other.certificate)
    assert refusal(forged) == "a signature does not fit"


def test_who_is_of_another_community_is_refused() -> None:
    identity, credentials = Authority(seed=1).user("dave")
    stranger = Me("dave", identity, credentials.certificate)
    assert "not from this community" in refusal(joined(stranger, CAROL))


def test_the_directory_is_no_member() -> None:
    directory = Me("dave", DAVE.identity, AUTHORITY.directory().certificate)
    assert refusal(joined(directory, CAROL)) == "the directory is no member"


def test_a_forged_membership_takes_nothing_else_in() -> None:
    carols = roll(FOUNDED)
    before = carols.digest()
    refusal(joined(DAVE, CAROL), joined(DAVE, DAVE), at=carols)
    assert carols.members() == (CAROL.id,)
    assert carols.key(DAVE.id) is None
    assert carols.digest() == before
    assert carols.merge([joined(DAVE, CAROL)]) == [DAVE.id]


def test_a_roll_does_not_grow_without_end() -> None:
    carols = roll(FOUNDED)
    carols.merge(joined(me(f"user{number}"), CAROL) for number in range(KNOWN - 1))
    assert not carols.has_room(CAROL.id)
    carols.merge([joined(DAVE, CAROL)])
    assert len(carols.everybody()) == KNOWN
    carols.merge([joined(ERIN, DAVE)])
    assert len(carols.everybody()) == KNOWN


def test_of_who_was_dropped_the_name_is_known_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(membership, "KNOWN", 4)
    monkeypatch.setattr(membership, "NAMES", 2)
    carols = roll(FOUNDED)
    seen = [f"user{number}" for number in range(12)]
    for name in seen:
        carols.merge([joined(me(name), CAROL)])
    assert len(carols.everybody()) == 4
    assert len(carols._users) <= 4 + 2
    dropped = [me(name).id for name in seen if carols.counter(me(name).id) == 0]
    assert any(carols.name(one) == one and carols.key(one) is None for one in dropped)


def test_a_copy_knows_the_same_and_lives_by_itself() -> None:
    carols = roll(FOUNDED, joined(DAVE, CAROL))
    copy = carols.copy()
    assert (copy.digest(), copy.members(), copy.checks) == (carols.digest(), carols.members(), 0)
    copy.merge([joined(ERIN, DAVE)])
    assert not carols.is_in(ERIN.id)


def test_what_is_known_is_never_checked_again() -> None:
    carols = roll(FOUNDED, joined(DAVE, CAROL), joined(ERIN, DAVE))
    assert carols.checks == 5  # each has one of their own, and who was let in one of another
    carols.merge([*carols.all(), *carols.all()])
    assert carols.checks == 5


# --- What is handed on ------------------------------------------------------------


def test_whoever_comes_in_is_told_of_those_who_are_in_and_of_who_added_them() -> None:
    frank = joined(FRANK, CAROL)
    daves = joined(DAVE, CAROL)
    carols = roll(
        FOUNDED, frank, leave(FRANK, ID, frank), daves, joined(ERIN, DAVE), leave(DAVE, ID, daves)
    )
    told = roll(*carols.essential())
    assert told.members() == (CAROL.id, ERIN.id)
    assert set(told.everybody()) == {CAROL.id, ERIN.id, DAVE.id}


def test_of_somebody_all_is_told_first_that_proves_them() -> None:
    carols = roll(FOUNDED, joined(FRANK, CAROL), joined(DAVE, CAROL), joined(ERIN, DAVE))
    names = [one.certificate for one in carols.essential(first=ERIN.id)]
    assert names == [one.certificate for one in (ERIN, DAVE, CAROL, FRANK)]


def test_the_first_page_leaves_room_for_what_stands_beside_it() -> None:
    everybody = roll(FOUNDED, joined(DAVE, CAROL), joined(ERIN, CAROL)).all()
    assert [len(page) for page in pages(everybody)] == [3]
    one = len(msgspec.json.encode(everybody[0])) + 1
    assert [len(page) for page in pages(everybody, one)] == [1, 2]
    assert [len(page) for page in pages(everybody, 0)] == [1, 2]  # a page is never empty


def test_a_long_roll_is_told_in_pages_that_fit_in_a_line() -> None:
    assert pages(()) == []
    carols = roll(FOUNDED, *(joined(me(f"user{number}"), CAROL) for number in range(KNOWN - 1)))
    told = pages(carols.all())
    assert tuple(one for page in told for one in page) == carols.all()
    assert len(told) > 1
    assert all(0 < len(page) <= STATEMENTS for page in told)
    assert all(len(msgspec.json.encode(page)) <= PAGE_BYTES + 100 for page in told)
    assert len(told[0]) >= 50
    check_size(told[0])
    with pytest.raises(ProtocolError, match="too many stays"):
        check_size(carols.all()[: STATEMENTS + 1])


# --- Merging ----------------------------------------------------------------------


def _story(seed: int) -> list[Membership]:
    """What a few people may have signed in a long conversation, some of it at once."""
    chance = random.Random(seed)
    people = [CAROL, DAVE, ERIN, FRANK]
    signed = [FOUNDED]
    views = [roll(FOUNDED), roll(FOUNDED)]  # two halves that do not hear each other
    for _ in range(8):
        view, actor, other = chance.choice(views), chance.choice(people), chance.choice(people)
        mine = view.of(actor.id)
        if mine is None or not view.is_in(actor.id):
            continue
        if other is actor:
            made = leave(actor, ID, mine)
        elif view.is_in(other.id):
            continue
        else:
            made = joined(other, actor, mine, view.counter(other.id) + 1)
        view.merge([made])
        signed.append(made)
        if chance.random() < 0.3:
            views[0].merge(views[1].all())
            views[1].merge(views[0].all())
    return [*signed, *views[0].all(), *views[1].all()]


def _state(of: Roll) -> tuple[str, set[str]]:
    return of.digest(), set(of.members())


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_and_the_number_of_merges_change_nothing(
    seed: int, chance: random.Random
) -> None:
    """G1: commutative, associative, idempotent."""
    signed = _story(seed)
    at_once = roll(*signed)
    shuffled = [*signed, *chance.sample(signed, len(signed) // 2)]
    chance.shuffle(shuffled)
    assert _state(roll(*shuffled)) == _state(at_once)
    middle = chance.randint(0, len(shuffled))
    one, other = roll(*signed[:3], *shuffled[:middle]), roll(*shuffled[middle:], *signed[:3])
    both, again = roll(*one.all(), *other.all()), roll(*other.all(), *one.all())
    assert both.digest() == again.digest()
    assert both.merge(both.all()) == []


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_counters_only_rise_and_a_roll_proves_itself(seed: int) -> None:
    """G2."""
    signed = _story(seed)
    everybody = roll()
    for one in signed:
        before = {name: everybody.counter(name) for name in everybody.everybody()}
        everybody.merge([one])
        assert all(everybody.counter(name) >= counter for name, counter in before.items())
        assert _state(roll(*reversed(everybody.all()))) == _state(everybody)


def test_a_tie_that_nobody_honest_makes_ends_alike_everywhere() -> None:
    """Two leavings with the same counter: of an adding by carol, and of one by erin."""
    daves = joined(DAVE, CAROL)
    others = joined(DAVE, ERIN)
    base = (FOUNDED, joined(ERIN, CAROL))
    assert roll(*base, daves, others).digest() == roll(*base, others, daves).digest()
