"""A text counts as delivered only if it is on its receiver's disk, whoever let that one in.

The member who lets a user in signs how far everything was said before.  A false word of that
would make the newcomer pass over texts that others write later, and say to have them.
"""

from typing import Any

import pytest
import trio

from peer import events
from peer.core import membership
from peer.core.conversation.incoming.incoming_texts import IncomingTexts
from peer.core.conversation.mailbox_fallback import PATHLESS_SECONDS
from peer.core.conversation.members.entrances import sign_entry
from peer.core.conversation.texts import EPOCHS_TOLD
from shared.messages.peers import Entry, Members, Position
from tests.kit.attackers.members import sends
from tests.kit.community import Community
from tests.kit.cores import CAROL, DAVE, ERIN, MALLORY, Person, Town, me, texts_in

AHEAD = 3  # texts that carol has not written yet


def town_with_mallory(*, room: str = "", writes: int = 1) -> Town:
    town = Town(CAROL, DAVE, MALLORY, room=room)
    town.begins(CAROL, DAVE, MALLORY)
    town.settles(5)
    for number in range(writes):
        town.says(CAROL, f"before erin {number}")
    town.settles(2)
    return town


def another_entry(town: Town, ahead: int) -> Entry:
    """Return a second entry for erin, which mallory signs too."""
    carol = town.people[CAROL].core.outgoing
    since = (Position(*carol.origin, carol.last + ahead),)
    return sign_entry(me(MALLORY), Entry(town.id, ERIN, 1, since, EPOCHS_TOLD))


def lets_erin_in(town: Town, ahead: int = AHEAD) -> None:
    """Let mallory add erin, and sign that carol had written some texts more by then."""
    mallory, erin = town.people[MALLORY], town.people.setdefault(ERIN, Person(ERIN))
    mine = mallory.core.roll.of(MALLORY)
    assert mine is not None
    adding = membership.add(me(MALLORY), town.id, mine, ERIN, 1)
    joined = membership.join(me(ERIN), town.id, 1, adding)
    carol = town.people[CAROL].core.outgoing
    others = [one for one in mallory.core.incoming.mark_before({}) if one.author != CAROL]
    since = (*others, Position(*carol.origin, carol.last + ahead))
    lamport = mallory.core.incoming.lamport
    town.perform(mallory, mallory.core.receive(ERIN, Members(town.id, (joined,)), town.now))
    told = membership.pages(mallory.core.roll.essential(first=ERIN))[0]
    entry = mallory.core.entry_for(ERIN, since)
    town.perform(mallory, mallory.core.keep_entry(ERIN))
    town._enters(erin, (*told, joined), since, lamport, entry)


def delivered(town: Town, seq: int) -> bool:
    outgoing = town.people[CAROL].core.outgoing
    return outgoing.has(ERIN, outgoing.epoch, seq)


def on_disk(town: Town, seq: int) -> bool:
    disk = town.people[ERIN].disk
    came = {key for text in disk.texts.values() for key, _ in texts_in(text)}
    return any((author, at) == (CAROL, seq) for author, _, at in came | disk.copies)


def on_disks(town: Town) -> set[tuple[str, str, int]]:
    """Return which texts erin has on her disk."""
    disk = town.people[ERIN].disk
    return {key for text in disk.texts.values() for key, _ in texts_in(text)} | disk.copies


@pytest.mark.parametrize("room", ["", "lab"])
@pytest.mark.parametrize("writes_before", [0, AHEAD, AHEAD + 1])
def test_a_newcomer_gets_what_is_written_after_they_came(room: str, writes_before: int) -> None:
    """Some of it may be written before the two are linked."""
    town = town_with_mallory(room=room)
    town.apart.add(frozenset((CAROL, ERIN)))
    lets_erin_in(town)
    town.settles(1)
    for number in range(writes_before):
        town.says(CAROL, f"early {number}")
    assert not any(delivered(town, seq) for seq in range(2, 2 + writes_before))
    town.apart.clear()
    town.settles(10)
    for number in range(2 * AHEAD):
        town.says(CAROL, f"late {number}")
        town.settles(2)
        for seq in range(2, town.people[CAROL].core.outgoing.last + 1):
            assert delivered(town, seq) == on_disk(town, seq)
    # Once others have handed on later texts, nobody goes back to before those.
    first = 2 if writes_before <= AHEAD else 2 + AHEAD
    assert all(on_disk(town, seq) for seq in range(first, writes_before + 2 * AHEAD + 2))
    assert not any(on_disk(town, seq) for seq in range(1, first))
    assert (CAROL, ERIN) not in town.refused


def test_what_was_said_of_them_before_they_showed_their_entry_is_taken_back() -> None:
    """Through dave carol hears that erin has all that she has just written."""
    town = town_with_mallory()
    town.apart.add(frozenset((CAROL, ERIN)))
    lets_erin_in(town)
    town.arrives(MALLORY, CAROL)  # she knows of erin
    for number in range(AHEAD):
        town.says(CAROL, f"early {number}")
    town.settles(5)
    town.apart.clear()
    town.settles(40)
    assert all(on_disk(town, seq) and delivered(town, seq) for seq in range(2, AHEAD + 2))


@pytest.mark.parametrize("other", [0, 2 * AHEAD])
@pytest.mark.parametrize("writes_before", [0, AHEAD])
def test_two_entries_for_one_newcomer_set_nobody_apart(writes_before: int, other: int) -> None:
    """Carol believes the first one that she sees; erin was shown the other one."""
    town = town_with_mallory()
    town.apart.add(frozenset((CAROL, ERIN)))
    lets_erin_in(town)
    town.arrives(MALLORY, CAROL)
    sends(town, MALLORY, CAROL, another_entry(town, other))
    for number in range(writes_before):
        town.says(CAROL, f"early {number}")
    town.apart.clear()
    for number in range(2 * AHEAD):
        town.settles(5)
        town.says(CAROL, f"late {number}")
    town.settles(5)
    assert (CAROL, ERIN) not in town.refused
    for seq in range(2, town.people[CAROL].core.outgoing.last + 1):
        assert delivered(town, seq)
        assert on_disk(town, seq)


def test_it_is_the_same_before_the_first_word() -> None:
    town = town_with_mallory(writes=0)
    lets_erin_in(town)
    town.settles(5)
    for number in range(2 * AHEAD):
        town.says(CAROL, f"after {number}")
        town.settles(2)
    assert all(on_disk(town, seq) and delivered(town, seq) for seq in range(1, 2 * AHEAD + 1))


def test_it_stays_so_after_a_crash_and_another_link() -> None:
    town = town_with_mallory()
    lets_erin_in(town)
    town.settles(5)
    town.says(CAROL, "after 1")
    town.settles(2)
    assert on_disk(town, 2)
    for _ in range(2):
        town.breaks(CAROL, ERIN)
        town.breaks(DAVE, ERIN)
        town.settles(40)
        assert not delivered(town, 3)
    for number in range(2, 2 * AHEAD):
        town.says(CAROL, f"after {number}")
        town.settles(2)
    assert all(on_disk(town, seq) for seq in range(2, 2 * AHEAD + 1))


def test_who_is_not_linked_is_not_said_to_have_it() -> None:
    """Others hand on nothing that came before the newcomer, as they believe; the mailbox has it."""
    town = town_with_mallory()
    town.apart.add(frozenset((CAROL, ERIN)))
    lets_erin_in(town)
    town.settles(5)
    for number in range(AHEAD):
        town.says(CAROL, f"after {number}")
    town.settles(PATHLESS_SECONDS - 10)
    carol, seqs = town.people[CAROL], range(2, AHEAD + 2)
    assert not any(delivered(town, seq) or on_disk(town, seq) for seq in seqs)
    assert any(isinstance(one, events.NotYetDelivered) for one in carol.told)
    town.settles(20)
    assert all(delivered(town, seq) and on_disk(town, seq) for seq in seqs)


def test_an_honest_word_stays_what_it_was() -> None:
    town = town_with_mallory()
    lets_erin_in(town, ahead=0)
    town.settles(5)
    town.says(CAROL, "after 1")
    town.settles(2)
    assert delivered(town, 2)
    assert on_disk(town, 2)
    assert not on_disk(town, 1)


async def test_a_real_program_gets_it_too_and_after_a_new_start(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = IncomingTexts.mark_before

    def ahead(incoming: IncomingTexts, begins: Any) -> tuple[Position, ...]:
        is_mallorys = incoming._stay.me.name == "mallory"
        told = honest(incoming, begins)
        return tuple(Position(*one.origin, one.seq + AHEAD * is_mallorys) for one in told)

    monkeypatch.setattr(IncomingTexts, "mark_before", ahead)
    carol, mallory = await community.talking("carol", "mallory")
    (erin,) = await community.start("erin")
    await carol.types("before erin")
    await mallory.sees("carol: before erin")
    await mallory.types("/ADD erin")
    await erin.sees_part("wants to chat with you")
    await erin.types("Y")
    await carol.sees("User erin joined the conversation.")
    await carol.types("after 1")
    await erin.sees("carol: after 1")
    await erin.is_killed()
    await erin.starts()
    await carol.sees_part("erin is back")
    for number in range(2, 2 * AHEAD):
        await carol.types(f"after {number}")
        await erin.sees(f"carol: after {number}")
    await trio.sleep(1)  # under the clock of a community: it is on both disks then
    await carol.types("/WHO GOT")
    await carol.sees_part("erin: delivered")
    erin.never_saw("before erin")
    assert erin.saw("carol: after 1") == 1


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("pause", [2, 40])
@pytest.mark.parametrize("is_linked", [True, False])
def test_it_stays_so_after_a_new_start_in_the_middle(
    before: int, pause: int, is_linked: bool
) -> None:
    """A member shows the entry again to a newcomer who lacks what it names."""
    town = town_with_mallory()
    lets_erin_in(town)
    town.settles(5)
    for number in range(before):
        town.says(CAROL, f"after {number}")
        town.settles(2)
    town.crashes(ERIN)
    town.settles(5)
    if not is_linked:
        town.apart.add(frozenset((CAROL, ERIN)))
    town.restarts(ERIN)
    town.settles(pause)
    for number in range(before, AHEAD + 1):
        town.says(CAROL, f"after {number}")
        town.settles(pause)
        for seq in range(2, town.people[CAROL].core.outgoing.last + 1):
            assert not delivered(town, seq) or on_disk(town, seq)
    town.apart.clear()
    town.settles(40)
    for seq in range(2, AHEAD + 3):
        assert delivered(town, seq) == on_disk(town, seq)
    assert (CAROL, ERIN) not in town.refused
    if is_linked:
        assert all(on_disk(town, seq) for seq in range(2, AHEAD + 3))


@pytest.mark.parametrize("writes_before", [0, 1, AHEAD, AHEAD + 1])
@pytest.mark.parametrize("meets_erin_first", [True, False])
def test_it_stays_so_when_the_author_goes_on_after_a_new_start(
    meets_erin_first: bool, writes_before: int
) -> None:
    """In a room the texts go on in their epoch, if the first member who is met knows no more."""
    town = town_with_mallory(room="lab")
    town.apart.add(frozenset((CAROL, ERIN)))
    lets_erin_in(town)
    town.settles(5)
    for number in range(writes_before):
        town.says(CAROL, f"early {number}")
        town.settles(2)
    town.earlier_epochs[CAROL] = town.people[CAROL].core.outgoing.epoch
    town.crashes(CAROL)
    town.apart = {frozenset((CAROL, one)) for one in (DAVE, MALLORY)}
    if not meets_erin_first:
        town.apart = {frozenset((CAROL, ERIN))}
    town.restarts(CAROL)
    town.settles(1)
    town.apart.clear()
    for number in range(2 * AHEAD):
        town.settles(40)
        town.says(CAROL, f"late {number}")
        town.settles(2)
        for (author, epoch, seq), text in town.content.items():
            if author == CAROL and text.startswith("late"):
                assert (author, epoch, seq) in on_disks(town)
                assert town.people[CAROL].core.outgoing.has(ERIN, epoch, seq)
    assert (CAROL, ERIN) not in town.refused
