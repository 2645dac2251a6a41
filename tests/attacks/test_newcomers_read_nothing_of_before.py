"""Whoever is added reads nothing of what was said before, however they ask for it.

Every member holds to this, whatever the newcomer's program does; and what was said since
then they get all the same, also when whoever added them is gone.
"""

import msgspec
import pytest

from peer.core.conversation.members.entrances import sign_entry
from peer.core.conversation.texts import EPOCHS_TOLD
from shared.messages.peers import Entry, Members, Position, Text, Want
from tests.kit.attackers.members import hello, sends, text
from tests.kit.cores import CAROL, DAVE, ERIN, FRANK, MALLORY, TRUDY, Town, me


def town_with_secrets(*names: str) -> Town:
    """Everybody but the last one has said something."""
    town = Town(*names)
    town.begins(*names[:-1])
    town.settles(5)
    for name in names[:-1]:
        town.says(name, f"secret of {name}")
    town.settles(5)
    return town


def asks_for_everything(town: Town, by: str, *others: str) -> None:
    """HELLO as if nothing had come, and a WANT for whatever was said."""
    said = sorted({(author, epoch) for author, epoch, _ in town.content})
    for other in others:
        if not town.is_linked(by, other):
            town.link(by, other)
        town.arrives(by, other)
        shows_members(town, by, other)
        sends(town, by, other, hello(town, by, 10**9 + len(town.sent[other, by])))
        sends(town, by, other, *(Want(town.id, Position(*origin, 0)) for origin in said))
    town.settles(1)


def shows_members(town: Town, by: str, other: str) -> None:
    sends(town, by, other, Members(town.id, town.people[by].core.roll.all()))


def read(town: Town, name: str) -> set[str]:
    """What anybody has ever sent them."""
    return {
        said
        for (_, to), messages in town.sent.items()
        if to == name
        for message in messages
        if isinstance(message, Text)
        for said in message.texts
    }


def adds_a_bad_one(town: Town, adder: str, name: str) -> None:
    """Their program says nothing; the test speaks for it."""
    town.muted.add(name)
    town.adds(adder, name)
    town.settles(1)


def test_nothing_is_handed_to_who_shows_no_entry() -> None:
    town = town_with_secrets(CAROL, DAVE, ERIN, MALLORY)
    adds_a_bad_one(town, CAROL, MALLORY)
    asks_for_everything(town, MALLORY, CAROL, DAVE, ERIN)
    assert read(town, MALLORY) == set()
    for name in (CAROL, DAVE, ERIN):
        town.says(name, f"later of {name}")
    town.settles(2)
    asks_for_everything(town, MALLORY, CAROL, DAVE, ERIN)
    assert read(town, MALLORY) == {f"later of {name}" for name in (CAROL, DAVE, ERIN)}


def test_nor_to_who_shows_it() -> None:
    town = town_with_secrets(CAROL, DAVE, ERIN, MALLORY)
    adds_a_bad_one(town, CAROL, MALLORY)
    entry = town.people[MALLORY].core._rolls._entrances.entry_of(MALLORY)
    assert entry is not None
    for other in (CAROL, DAVE, ERIN):
        town.link(MALLORY, other)
        shows_members(town, MALLORY, other)
        sends(town, MALLORY, other, entry)
    asks_for_everything(town, MALLORY, CAROL, DAVE, ERIN)
    assert read(town, MALLORY) == set()


def test_nor_after_a_restart_of_who_is_asked() -> None:
    town = town_with_secrets(CAROL, DAVE, MALLORY)
    adds_a_bad_one(town, CAROL, MALLORY)
    for name in (CAROL, DAVE):
        town.crashes(name)
        town.restarts(name)
    asks_for_everything(town, MALLORY, CAROL, DAVE)
    assert read(town, MALLORY) == set()


@pytest.mark.parametrize("forgery", ["own", "stay", "conversation"])
def test_an_entry_counts_only_as_the_one_who_let_them_in_signed_it(forgery: str) -> None:
    town = town_with_secrets(CAROL, DAVE, MALLORY)
    adds_a_bad_one(town, CAROL, MALLORY)
    joined = town.people[MALLORY].core.roll.counter(MALLORY)
    entry = Entry(town.id, MALLORY, joined, (), EPOCHS_TOLD)
    match forgery:
        case "own":
            entry = sign_entry(me(MALLORY), entry)
        case "stay":
            entry = sign_entry(me(CAROL), msgspec.structs.replace(entry, counter=joined + 2))
        case "conversation":
            entry = sign_entry(me(CAROL), msgspec.structs.replace(entry, conversation="0" * 32))
    for other in (CAROL, DAVE):
        town.link(MALLORY, other)
        sends(town, MALLORY, other, entry)
    asks_for_everything(town, MALLORY, CAROL, DAVE)
    assert read(town, MALLORY) == set()


def test_two_who_are_dishonest_gain_nothing_by_letting_each_other_in() -> None:
    """Mallory may not read what was said before she came: nor may whomever she adds."""
    town = town_with_secrets(CAROL, DAVE, MALLORY)
    adds_a_bad_one(town, CAROL, MALLORY)
    shows_members(town, MALLORY, CAROL)
    adds_a_bad_one(town, MALLORY, TRUDY)
    joined = town.people[TRUDY].core.roll.counter(TRUDY)
    lie = sign_entry(me(MALLORY), Entry(town.id, TRUDY, joined, (), EPOCHS_TOLD))
    for other in (CAROL, DAVE):
        town.link(TRUDY, other)
        shows_members(town, TRUDY, other)
        sends(town, TRUDY, other, lie)
    asks_for_everything(town, TRUDY, CAROL, DAVE)
    assert read(town, TRUDY) == set()


def test_who_has_been_in_before_reads_nothing_of_what_was_said_meanwhile() -> None:
    """An entry of the earlier stay does not count for this one."""
    town = Town(CAROL, DAVE, MALLORY)
    town.begins(CAROL, DAVE)
    town.settles(2)
    town.adds(CAROL, MALLORY)
    town.settles(2)
    first = town.people[MALLORY].core._rolls._entrances.entry_of(MALLORY)
    assert first is not None
    town.says(DAVE, "for all three")
    town.settles(2)
    town.leaves(MALLORY)
    town.settles(10)
    town.says(DAVE, "mallory is gone at last")
    town.settles(2)
    adds_a_bad_one(town, CAROL, MALLORY)
    for other in (CAROL, DAVE):
        town.link(MALLORY, other)
        shows_members(town, MALLORY, other)
        sends(town, MALLORY, other, first)
    asks_for_everything(town, MALLORY, CAROL, DAVE)
    assert read(town, MALLORY) == {"for all three"}


def test_many_epochs_of_one_do_not_open_the_past_to_an_honest_newcomer() -> None:
    """400 of them are more than the entry has room for."""
    town = town_with_secrets(CAROL, DAVE, MALLORY, ERIN)
    for start in range(420):
        sends(town, MALLORY, CAROL, text(town, MALLORY, f"a{start:015x}", 1, "secret too"))
        if start % 20 == 0:
            town.settles(0.2)
    town.settles(5)
    town.adds(CAROL, ERIN)
    town.settles(100)
    assert town.people[ERIN].seen == {}
    town.says(DAVE, "hello erin")
    town.settles(5)
    assert read(town, ERIN) == {"hello erin"}


def test_what_was_said_since_comes_also_when_the_one_who_added_them_is_gone() -> None:
    """Carol dies right after CONFIRM, and dave, who had not heard of it, a little later."""
    town = Town(CAROL, DAVE, ERIN, FRANK)
    town.begins(CAROL, DAVE, ERIN)
    town.settles(5)
    town.says(DAVE, "before")
    town.settles(5)
    town.apart |= {frozenset((FRANK, DAVE)), frozenset((FRANK, CAROL))}
    town.adds(CAROL, FRANK)
    town.crashes(CAROL)
    town.says(DAVE, "while erin and I know nothing of frank")
    town.arrives(DAVE, ERIN)
    town.settles(1)
    town.crashes(DAVE)
    town.settles(20)
    frank = town.people[FRANK]
    assert {said for one in frank.disk.texts.values() for said in one.texts} == {
        "while erin and I know nothing of frank"
    }
    town.crashes(ERIN)
    town.restarts(ERIN)
    town.says(FRANK, "hello")
    town.settles(5)
    assert "hello" in read(town, ERIN)


def test_a_founder_may_read_everything() -> None:
    """Also what others kept while their own disk was lost."""
    town = Town(CAROL, DAVE, ERIN)
    town.begins(CAROL, DAVE, ERIN)
    town.settles(2)
    town.breaks(CAROL, DAVE)
    town.apart.add(frozenset((CAROL, DAVE)))
    town.crashes(CAROL)
    town.says(DAVE, "carol will like this")
    town.settles(2)
    town.crashes(DAVE)
    town.restarts(CAROL)
    town.settles(10)
    assert "carol will like this" in read(town, CAROL)
