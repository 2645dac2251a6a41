"""Honest members are never set against each other, nor kept busy, by what another one signs.

Two keys of one name, more members than there is room for, somebody who came and went too
often: all judge alike, and no link between the honest is cut.  Only what nobody honest hands
on costs a link: the one of who sent it.
"""

from itertools import pairwise

import msgspec
import pytest

from peer.core import membership
from peer.core.conversation.proof.blame import BAD_MOST
from peer.core.conversation.proof.check_budget import CHECKS_AT_ONCE
from peer.core.membership import STATEMENTS, Me, Roll
from shared import identity
from shared.errors import ProtocolError
from shared.identity import Subject
from shared.messages.common import Err
from shared.messages.peers import (
    SALT_BYTES,
    STAY_BYTES,
    STAYS,
    Accept,
    Entry,
    Members,
    Membership,
    Position,
    Private,
    Ringing,
)
from tests.kit.community import Community
from tests.kit.cores import (
    AUTHORITY,
    CAROL,
    DAVE,
    ERIN,
    FRANK,
    MALLORY,
    Ids,
    Town,
    conversation_of,
    me,
)
from tests.kit.raw_peer import RUN, raw
from tests.kit.talk import talking, text
from tests.kit.world import EPOCH

ID = conversation_of(CAROL)


def town_with_mallory() -> Town:
    town = Town(CAROL, DAVE, ERIN, MALLORY)
    town.begins(CAROL, DAVE, ERIN, MALLORY)
    for person in town.running:
        person.core._stay.names = Ids()
    town.settles(5)
    return town


def mallorys(town: Town) -> Membership:
    mine = town.people[MALLORY].core.roll.of(MALLORY)
    assert mine is not None
    return mine


def let_in(town: Town, whom: Me, counter: int = 1) -> Membership:
    adding = membership.add(me(MALLORY), town.id, mallorys(town), whom.id, counter)
    return membership.join(whom, town.id, counter, adding)


def tells(town: Town, to: str, *memberships: Membership) -> None:
    """Over mallory's own link; a ProtocolError between others ends the test."""
    for page in membership.pages(memberships):
        town.links[MALLORY, to].append(Members(town.id, page))
        town.arrives(MALLORY, to)


def agree(town: Town) -> Roll:
    """All of them know the same, and hear each other."""
    town.settles(60)
    one, other = town.people[CAROL].core.roll, town.people[DAVE].core.roll
    assert one.digest() == other.digest() == town.people[ERIN].core.roll.digest()
    assert {CAROL, DAVE, ERIN} <= set(one.members())
    for name in (CAROL, DAVE, ERIN):
        town.says(name, f"still here {name}")
    town.settles(10)
    for name in (CAROL, DAVE, ERIN):
        said = [said for text in town.people[name].disk.texts.values() for said in text.texts]
        assert {f"still here {other}" for other in (CAROL, DAVE, ERIN)} <= set(said)
    return one


@pytest.mark.parametrize("change", [{"by": MALLORY}, {"counter": 3}, {"under": b"u" * STAY_BYTES}])
def test_nobody_says_afterwards_that_another_let_them_in(change: dict[str, object]) -> None:
    """Whoever had that on their roll would be refused by each newcomer to whom they show it."""
    town = town_with_mallory()
    mine = mallorys(town)
    assert mine.adding is not None
    other = msgspec.structs.replace(mine.adding, **change)
    left = membership.leave(me(MALLORY), town.id, msgspec.structs.replace(mine, adding=other))
    for to in (CAROL, DAVE, ERIN):
        with pytest.raises(ProtocolError, match="two beginnings"):
            tells(town, to, left)
    carols = town.people[CAROL].core.roll
    newcomers = Roll(town.id, AUTHORITY.certificate)
    newcomers.merge(carols.all())
    assert newcomers.digest() == carols.digest()


def test_two_keys_of_one_name_are_two_members_for_everybody() -> None:
    town = town_with_mallory()
    for to in (CAROL, DAVE):
        trent, credentials = AUTHORITY.user("trent")
        tells(town, to, let_in(town, Me("trent", trent, credentials.certificate)))
    roll = agree(town)
    assert len(roll.named("trent")) == 2


def test_more_members_than_there_is_room_for_are_dropped_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(membership, "KNOWN", 40)
    town = town_with_mallory()
    for to, numbers in ((CAROL, range(40)), (DAVE, range(30, 70))):
        tells(town, to, *(let_in(town, me(f"phantom{number}")) for number in numbers))
    roll = agree(town)
    assert len(roll.everybody()) == 40
    assert len(roll.members()) <= 50


def test_at_most_fifty_count_as_in_and_the_honest_are_among_them() -> None:
    town = town_with_mallory()
    tells(town, CAROL, *(let_in(town, me(f"phantom{number}")) for number in range(80)))
    roll = agree(town)
    assert len(roll.members()) == 50
    assert len(town.people[CAROL].core.others) <= 49


def test_who_came_and_went_too_often_sets_nobody_against_another() -> None:
    town = town_with_mallory()
    stays = [let_in(town, me("phantom"), 2 * number + 1) for number in range(STAYS + 4)]
    tells(town, CAROL, *stays[: STAYS + 2])
    tells(town, DAVE, stays[0], *stays[STAYS + 1 :])
    assert agree(town).counter(me("phantom").id) == 2 * (STAYS + 3) + 1


def test_more_stays_of_one_member_than_a_membership_holds_are_all_handed_on() -> None:
    """Otherwise the rolls would differ for ever, and each HELLO would ask for them again."""
    town = town_with_mallory()
    stays = [let_in(town, me("phantom"), 2 * number + 1) for number in range(STAYS + 4)]
    tells(town, CAROL, *stays)
    agree(town)


def test_two_words_of_one_member_on_one_stay_count_alike_for_everybody() -> None:
    """Neither is newer than the other; one must count, whichever came first."""
    town = town_with_mallory()
    trent = me("trent")
    adding = membership.add(me(MALLORY), town.id, mallorys(town), trent.id, 1)
    for to, salt in ((CAROL, b""), (DAVE, b"s" * SALT_BYTES)):
        tells(town, to, membership._sign(trent, town.id, 1, adding, salt))
    agree(town)


# --- What it costs ----------------------------------------------------------------


def long_story() -> list[Membership]:
    """As many stays as one message may hold, in the worst order."""
    told: list[Membership] = []
    people = [me(f"liar{number}") for number in range(STATEMENTS)]
    first = membership.found(people[0], b"s" * 16)
    id = membership.conversation_id(people[0].identity.public, b"s" * 16)
    told.append(first)
    for one, other in pairwise(people):
        adding = membership.add(one, id, told[-1], other.id, 1)
        told.append(membership.join(other, id, 1, adding))
    return told[::-1]


def test_each_signature_of_the_worst_line_is_checked_once() -> None:
    told = long_story()
    id = membership.conversation_id(me("liar0").identity.public, b"s" * 16)
    roll = Roll(id, AUTHORITY.certificate)
    roll.merge(told)
    assert len(roll.everybody()) == STATEMENTS
    assert roll.checks == 2 * STATEMENTS - 1
    roll.merge(told)
    assert roll.checks == 2 * STATEMENTS - 1
    with pytest.raises(ProtocolError, match="too many stays in one message"):
        membership.check_size([*told, told[0]])


async def test_a_roll_of_a_conversation_in_which_i_have_no_part_costs_nothing(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    (carol,) = await community.start("carol")
    looked_at: list[bytes] = []
    read = identity.read_certificate

    def noted(certificate: bytes, authority: bytes, now: float) -> Subject:
        looked_at.append(certificate)
        return read(certificate, authority, now)

    monkeypatch.setattr(membership, "read_certificate", noted)
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        link.says(Members("7" * 32, (mallory.founded,)), Private("1" * 32, EPOCH, "hello"))
        await carol.sees("[private] mallory: hello")
    assert looked_at == []


async def test_who_makes_me_check_too_much_loses_the_link(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        current = carol.peer._exchange.conversations.conversation if carol.peer else None
        assert current is not None
        for number in range(CHECKS_AT_ONCE + 1_000):
            link.says(mallory.hello(number + 2, current.roll.digest()))
        assert (await link.hears(Err)).text == "more to check than can be news"
        await link.ends()


def test_who_hands_on_junk_without_end_loses_the_link() -> None:
    carol = talking(DAVE, ERIN)
    forged = [
        msgspec.structs.replace(text(ERIN, seq), signature=bytes(64))
        for seq in range(1, BAD_MOST + 2)
    ]
    for one in forged[:BAD_MOST]:
        assert carol.hears(DAVE, one) == []
    with pytest.raises(ProtocolError, match="not signed by its author"):
        carol.hears(DAVE, forged[BAD_MOST])


@pytest.mark.parametrize("by", [DAVE, ERIN])
def test_nor_does_junk_in_the_place_of_what_is_here_cost_more(by: str) -> None:
    carol = talking(DAVE, ERIN)
    carol.hears_text(text(ERIN, 1))
    forged = [
        msgspec.structs.replace(text(ERIN, 1, f"lie {number}"), signature=bytes(64))
        for number in range(BAD_MOST + 1)
    ]
    for one in forged[:BAD_MOST]:
        assert carol.hears(by, one) == []
    with pytest.raises(ProtocolError, match="not signed by its author"):
        carol.hears(by, forged[BAD_MOST])


def test_entries_that_nobody_has_signed_count_as_checks() -> None:
    """Somebody who shows no entry of their own would make me check others for ever."""
    town = town_with_mallory()
    town.muted.add(FRANK)
    town.adds(CAROL, FRANK)
    town.settles(5)
    roll = town.people[DAVE].core.roll
    before, counter = roll.checks, roll.counter(FRANK)
    for epochs in range(10):
        forged = Entry(town.id, FRANK, counter, (), epochs, bytes(64))
        town.links[MALLORY, DAVE].append(forged)
        town.arrives(MALLORY, DAVE)
    assert roll.checks == before + 10


def test_a_hello_is_signed_by_its_author_over_their_own_link_too() -> None:
    """Else the honest would hand on what nobody has signed."""
    carol = talking(DAVE, ERIN)
    forged = msgspec.structs.replace(carol.hello(DAVE), signature=bytes(64))
    with pytest.raises(ProtocolError, match="HELLO is not signed"):
        carol.hears(DAVE, forged)


async def test_nobody_is_let_in_on_a_word_that_cannot_be_shown_to_the_others(
    community: Community,
) -> None:
    """A newcomer who has texts that their author has not written yet would be cut by that one."""
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        await mallory.invites(carol, link)
        await link.hears(Ringing)
        await carol.types("Y")
        accept = await link.hears(Accept)
        assert accept.membership is not None
        confirm = mallory.confirm(carol, (mallory.founded, accept.membership))
        ahead = (Position(mallory.me.id, RUN, 1_000),)
        link.says(msgspec.structs.replace(confirm, since=ahead))
        assert (await link.hears(Err)).text == "a signature does not fit"
    assert carol.talks_with == ()
    carol.never_saw("You are now connected with mallory.")
