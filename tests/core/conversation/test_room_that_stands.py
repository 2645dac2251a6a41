"""A room is a conversation that stands, whoever is away, and tells nobody of that."""

import pytest

from peer import events
from peer.core.conversation.actions import LeaveFor, Show
from peer.core.conversation.incoming.inbox import BEYOND, Inbox
from peer.core.conversation.mailbox_fallback import LATE_SECONDS, PATHLESS_SECONDS
from peer.core.conversation.members.reach import REDIAL_AWAY_SECONDS, REDIAL_FAR_SECONDS
from peer.core.reach.absence import LOST_SECONDS
from shared.messages.peers import Position
from tests.kit.cores import CAROL, DAVE, ERIN, FRANK, Town


def lab(*names: str) -> Town:
    town = Town(*names, room="lab")
    town.begins(*names)
    town.settles(5)
    return town


def sleeps(town: Town, days: float) -> None:
    """Let days pass, in which nothing arrives."""
    for _ in range(int(days * 24)):
        town.passes(3_600)
    town.settles(60)


def told(town: Town, name: str) -> list[type[events.Event]]:
    return [type(event) for event in town.people[name].told]


def shown(town: Town, name: str) -> list[str]:
    """Return the texts on somebody's disk, in the order of the history."""
    texts = town.people[name].disk.texts.values()
    ordered = sorted(texts, key=lambda one: (one.lamport, one.author, one.epoch, one.seq))
    return [said for text in ordered for said in text.texts]


def test_it_is_not_over_when_all_others_are_away() -> None:
    town = lab(CAROL, DAVE, ERIN)
    town.crashes(DAVE)
    town.crashes(ERIN)
    sleeps(town, 2)
    core = town.people[CAROL].core
    assert not core.is_over
    assert not core.is_asleep
    assert set(core.others) == {DAVE, ERIN}
    assert told(town, CAROL) == []


def test_it_is_not_over_when_all_others_have_left() -> None:
    town = lab(CAROL, DAVE)
    town.leaves(DAVE)
    town.settles(100)
    core = town.people[CAROL].core
    assert told(town, CAROL) == [events.MemberLeft]
    assert not core.is_over
    assert core.has_met  # nobody is to be met
    town.says(CAROL, "alone")
    town.settles(5)
    assert shown(town, CAROL) == ["alone"]
    town.crashes(CAROL)
    town.restarts(CAROL)
    assert not town.people[CAROL].core.is_over


def test_its_user_leaves_it_and_nothing_else_ends_it() -> None:
    town = lab(CAROL, DAVE)
    town.crashes(DAVE)
    town.settles(5)
    town.leaves(CAROL)
    town.settles(100)
    assert told(town, CAROL) == [events.ConversationLeft]
    assert town.people[CAROL].core.is_settled
    town.restarts(DAVE)
    town.link(DAVE, CAROL)
    town.settles(10)
    assert told(town, DAVE) == [events.MemberLeft]
    assert town.people[DAVE].core.roll.members() == (DAVE,)


@pytest.mark.untraced
def test_after_all_have_restarted_in_another_order_they_have_everything() -> None:
    town = lab(CAROL, DAVE, ERIN)
    town.says(CAROL, "one")
    town.settles(2)
    for name in (CAROL, DAVE, ERIN):
        town.crashes(name)
    for name in (ERIN, DAVE, CAROL):
        town.restarts(name)
        town.says(name, f"back {name}")
        sleeps(town, 0.5)
    for name in (DAVE, CAROL):
        assert shown(town, name) == shown(town, ERIN)
    assert len(shown(town, ERIN)) == 4
    assert {one for name in (CAROL, DAVE, ERIN) for one in told(town, name)} <= {events.Missing}


def test_a_member_comes_up_to_date_from_one_who_has_the_texts_of_another() -> None:
    town = lab(CAROL, DAVE, ERIN)
    town.crashes(ERIN)
    town.says(CAROL, *(f"text {number}" for number in range(300)))
    town.settles(5)
    town.crashes(CAROL)
    sleeps(town, 2)
    town.people[ERIN].mailbox.clear()
    town.restarts(ERIN)
    town.settles(20)
    assert shown(town, ERIN) == [f"text {number}" for number in range(300)]


def test_the_longer_a_member_is_away_the_rarer_they_are_dialled() -> None:
    town = lab(CAROL, DAVE)
    town.crashes(DAVE)
    reach = town.people[CAROL].core.reach
    town.passes(LOST_SECONDS - 1)
    assert reach.next_redial() <= town.now + 1
    town.passes(31)
    pauses = []
    for _ in range(40):
        due = reach.next_redial()
        town.passes(due + 0.1 - town.now)
        pauses.append(round(reach.next_redial() - due, 1))
    assert pauses[0] == REDIAL_FAR_SECONDS
    assert pauses == sorted(pauses)
    assert pauses[-1] == REDIAL_AWAY_SECONDS


def test_it_is_not_said_of_those_who_are_away_that_they_lack_texts() -> None:
    town = lab(CAROL, DAVE, ERIN)
    town.crashes(DAVE)
    town.settles(1)
    town.muted.add(ERIN)
    town.says(CAROL, "hello")
    town.passes(LATE_SECONDS + 10)
    said = [one for one in town.people[CAROL].told if isinstance(one, events.NotYetDelivered)]
    assert said == [events.NotYetDelivered("erin")]
    town.restarts(DAVE)
    town.link(DAVE, CAROL)
    town.settles(10)
    delivered = [one for one in town.people[CAROL].told if isinstance(one, events.Delivered)]
    assert events.Delivered("dave") not in delivered


def test_those_who_are_away_find_texts_in_their_mailbox() -> None:
    town = lab(CAROL, DAVE)
    town.crashes(DAVE)
    town.says(CAROL, "one", "two")
    town.settles(PATHLESS_SECONDS + 10)
    assert sorted(town.people[DAVE].mailbox.values()) == ["one", "two"]


def test_a_full_mailbox_is_told_once_and_tried_again_when_they_were_here() -> None:
    town = lab(CAROL, DAVE)
    town.crashes(DAVE)
    mailbox = town.people[CAROL].core.mailbox
    town.says(CAROL, "one")
    town.settles(PATHLESS_SECONDS + 10)
    assert mailbox.was_full(DAVE)
    assert mailbox.is_full(DAVE)
    assert not mailbox.was_full(DAVE)
    town.says(CAROL, "two")
    town.settles(PATHLESS_SECONDS + 10)
    assert list(town.people[DAVE].mailbox.values()) == ["one"]
    town.restarts(DAVE)
    town.link(DAVE, CAROL)
    town.settles(10)
    assert not mailbox.is_full(DAVE)
    town.crashes(DAVE)
    town.says(CAROL, "three")
    town.settles(PATHLESS_SECONDS + 10)
    assert list(town.people[DAVE].mailbox.values()) == ["three"]


def test_a_full_mailbox_is_told_of_each_text_in_a_talk() -> None:
    town = Town(CAROL, DAVE, ERIN)
    town.begins(CAROL, DAVE, ERIN)
    town.settles(5)
    mailbox = town.people[CAROL].core.mailbox
    assert not mailbox.was_full(DAVE)
    assert not mailbox.is_full(DAVE)


def test_whoever_leaves_a_room_gets_what_crossed_that_if_their_mailbox_was_not_full() -> None:
    town = lab(CAROL, DAVE)
    core = town.people[CAROL].core
    assert core.mailbox.was_full(DAVE)
    town.leaves(DAVE)
    town.settles(10)
    assert not core.mailbox.is_full(DAVE)


def test_before_its_program_ends_it_leaves_what_is_new_for_those_who_are_away() -> None:
    town = lab(CAROL, DAVE, ERIN)
    town.says(CAROL, "old")
    town.crashes(DAVE)
    town.says(CAROL, "old too")
    town.settles(2)
    town.crashes(CAROL)
    town.restarts(CAROL)
    town.settles(5)
    carol = town.people[CAROL]
    assert carol.core.rest() == []
    town.says(CAROL, "new")
    town.settles(1)
    (left,) = carol.core.rest()
    assert isinstance(left, LeaveFor)
    assert (left.to, left.after.epoch, left.after.seq, left.upto) == (
        DAVE, carol.core.outgoing.epoch, 0, 1,
    )  # fmt: skip
    assert carol.core.rest() == []  # it is on its way


def test_my_texts_go_on_in_the_epoch_of_my_last_program() -> None:
    town = lab(CAROL, DAVE)
    town.says(CAROL, "one")
    town.settles(2)
    epoch = town.people[CAROL].core.outgoing.epoch
    town.crashes(CAROL)
    town.earlier_epochs[CAROL] = epoch
    town.restarts(CAROL)
    assert not town.people[CAROL].core.has_met
    town.settles(5)
    core = town.people[CAROL].core
    assert core.has_met
    assert (core.outgoing.epoch, core.outgoing.last) == (epoch, 1)
    town.says(CAROL, "two", "three")
    town.settles(5)
    assert shown(town, DAVE) == ["one", "two", "three"]
    assert {text.epoch for text in town.people[DAVE].disk.texts.values()} == {epoch}
    assert core.outgoing.is_delivered
    town.crashes(DAVE)
    town.says(CAROL, "four")
    town.settles(1)
    (left,) = core.rest()
    assert isinstance(left, LeaveFor)
    assert (left.after.seq, left.upto) == (3, 4)


def test_they_do_not_if_my_disk_was_brought_back_from_a_backup() -> None:
    town = lab(CAROL, DAVE)
    town.says(CAROL, "one")
    town.settles(2)
    carol = town.people[CAROL]
    epoch, backup = carol.core.outgoing.epoch, dict(carol.disk.texts)
    written = list(carol.disk.written)
    town.says(CAROL, "two")
    town.settles(2)
    town.crashes(CAROL)
    carol.disk.texts, carol.disk.written = backup, written
    town.earlier_epochs[CAROL] = epoch
    town.restarts(CAROL)
    town.settles(5)
    assert carol.core.outgoing.epoch != epoch
    town.says(CAROL, "three")
    town.settles(5)
    assert shown(town, DAVE) == shown(town, CAROL) == ["one", "two", "three"]
    assert events.SaidDifferently not in told(town, DAVE)


def test_they_do_not_if_i_wrote_before_i_met_anybody_or_nothing_is_left_of_them() -> None:
    town = lab(CAROL, DAVE)
    town.says(CAROL, "one")
    town.settles(2)
    epoch = town.people[CAROL].core.outgoing.epoch
    for number, earlier in enumerate((epoch, "f" * 16)):
        town.crashes(CAROL)
        town.crashes(DAVE)
        town.earlier_epochs[CAROL] = earlier
        town.restarts(CAROL)
        town.people[CAROL].core.say(f"before {number}") if earlier == epoch else None
        assert town.people[CAROL].core.outgoing.has_draft is (earlier == epoch)
        town.restarts(DAVE)
        town.settles(5)
        assert town.people[CAROL].core.outgoing.epoch not in (epoch, earlier)


def test_a_newcomer_gets_the_last_texts_if_they_are_handed_on() -> None:
    town = lab(CAROL, DAVE)
    town.says(CAROL, "one")
    town.settles(1)
    town.says(CAROL, "two")
    town.settles(1)
    town.says(DAVE, "three")
    town.settles(5)
    epoch = town.people[CAROL].core.outgoing.epoch
    theirs = town.people[DAVE].core.outgoing.epoch
    town.adds(CAROL, ERIN, {(CAROL, epoch): 1, (DAVE, theirs): 0})
    town.settles(20)
    assert shown(town, ERIN) == ["two", "three"]


def test_nobody_hands_on_what_was_not_for_them() -> None:
    town = lab(CAROL, DAVE)
    town.says(CAROL, "one")
    town.settles(5)
    town.adds(CAROL, ERIN)
    town.settles(5)
    town.says(CAROL, "two")
    town.settles(5)
    epoch = town.people[CAROL].core.outgoing.epoch
    town.adds(ERIN, FRANK, {(CAROL, epoch): 0})
    town.settles(20)
    assert shown(town, FRANK) == ["two"]


def test_members_join_and_leave_as_in_a_talk() -> None:
    town = lab(CAROL, DAVE)
    town.adds(DAVE, ERIN)
    town.settles(5)
    town.leaves(ERIN)
    town.settles(10)
    for name in (CAROL, DAVE):
        assert told(town, name) == [events.MemberJoined, events.MemberLeft]


def test_nobody_is_told_that_i_was_out_of_reach() -> None:
    town = lab(CAROL, DAVE, ERIN)
    core = town.people[CAROL].core
    core.reach.directory(town.now, is_there=False)
    for name in (DAVE, ERIN):
        town.apart.add(frozenset((CAROL, name)))
        town.breaks(CAROL, name)
    town.settles(LOST_SECONDS * 3)
    town.apart.clear()
    core.reach.directory(town.now, is_there=True)
    lost_at = core.reach.lost_at(DAVE)
    assert lost_at is not None
    assert lost_at < town.now - LOST_SECONDS
    town.settles(100)
    assert core.reach.lost_at(DAVE) is None
    assert told(town, CAROL) == []
    assert not [one for one in core.leave(town.now) if isinstance(one, Show)][1:]


@pytest.mark.untraced
def test_after_weeks_with_many_starts_everything_comes() -> None:
    """One HELLO tells of 20 epochs of an author."""
    town = lab(CAROL, DAVE, ERIN)
    town.crashes(ERIN)
    for number in range(30):
        town.crashes(CAROL)
        town.restarts(CAROL)
        town.settles(2)
        town.says(CAROL, f"start {number}")
        town.settles(2)
    sleeps(town, 0.5)
    town.crashes(CAROL)
    town.people[ERIN].mailbox.clear()
    town.restarts(ERIN)
    town.settles(60)
    assert sorted(shown(town, ERIN)) == sorted(f"start {number}" for number in range(30))
    assert shown(town, ERIN) == shown(town, DAVE)


def test_its_user_reads_once_that_many_texts_come() -> None:
    town = lab(CAROL, DAVE)
    town.crashes(DAVE)
    for number in range(30):
        town.says(CAROL, *(f"{number} {one}" for one in range(50)))
        town.settles(0.5)
    town.people[DAVE].mailbox.clear()
    town.restarts(DAVE)
    town.settles(60)
    assert len(shown(town, DAVE)) == 1_500
    said = [one for one in town.people[DAVE].told if isinstance(one, events.TextsCome)]
    assert said == [events.TextsCome(1_500)]


def test_no_more_is_told_on_a_new_link_than_fits_into_some_messages() -> None:
    inbox = Inbox(Position("carol", f"{number:016x}", 1) for number in range(BEYOND + 50))
    told = inbox.have()
    assert len(told) == 20
    more = inbox.have(beyond=told)
    assert len(more) == BEYOND
    assert more[0] == Position("carol", f"{BEYOND + 29:016x}", 1)
    two = Inbox([Position("carol", "e" * 16, 1), *(Position("dave", c * 16, 2) for c in "ab")])
    assert [one.author for one in two.have(beyond=())] == ["carol", "dave", "dave"]
    assert [one.author for one in two.have(beyond=two.have()[:2])] == ["dave"]
