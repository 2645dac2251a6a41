"""A text that its author has not signed is neither kept, nor acknowledged, nor named to others.

It may be shown, when it comes over a link with its author; then that link is cut, and
what others say after it comes to everybody without delay.
"""

import msgspec
import pytest
import trio

from peer import events
from peer.core.conversation import texts
from peer.core.conversation.proof import unchecked_texts
from shared.messages.common import Err
from shared.messages.peers import Acknowledge, Hello, Text
from tests.kit.attackers.members import sends, text
from tests.kit.community import Community, Person
from tests.kit.cores import CAROL, DAVE, MALLORY, Town
from tests.kit.raw_peer import raw

EPOCH = "a" * 16


def town_with_mallory() -> Town:
    town = Town(CAROL, DAVE, MALLORY)
    town.begins(CAROL, DAVE, MALLORY)
    town.settles(5)
    town.muted.add(MALLORY)
    return town


def unsigned(town: Town, seq: int = 1) -> Text:
    return msgspec.structs.replace(
        text(town, MALLORY, EPOCH, seq, "you never heard this"), signature=bytes(64)
    )


def promised(town: Town, by: str) -> set[str]:
    """Whose texts they have said to have on disk."""
    return {
        there.author
        for (sender, _), messages in town.sent.items()
        if sender == by
        for message in messages
        if isinstance(message, Hello | Acknowledge)
        for there in message.have
    }


def test_it_cuts_the_link_and_nothing_of_it_stays() -> None:
    town = town_with_mallory()
    sends(town, MALLORY, CAROL, unsigned(town))
    town.settles(40)
    assert (CAROL, MALLORY) in town.refused
    assert not town.people[CAROL].disk.texts
    assert promised(town, CAROL) == set()


@pytest.mark.parametrize("stood", [True, False])
def test_an_answer_to_it_is_late_for_nobody(stood: bool) -> None:
    town = town_with_mallory()
    sends(town, MALLORY, CAROL, unsigned(town))
    if stood:
        town.shows(CAROL)
    town.says(CAROL, "what did you say?")
    town.is_busy()
    dave = town.people[DAVE]
    (answer,) = dave.disk.texts.values()
    assert answer.after == ()
    assert events.Missing() not in dave.told


def test_the_real_text_in_its_place_comes_all_the_same() -> None:
    town = town_with_mallory()
    sends(town, MALLORY, CAROL, unsigned(town), unsigned(town, 2))
    town.settles(2)
    real = text(town, MALLORY, EPOCH, 1, "now I mean it")
    sends(town, MALLORY, DAVE, real)
    town.settles(40)
    town.says(DAVE, "hello")
    town.settles(40)
    assert real in town.people[CAROL].disk.texts.values()


def test_who_did_it_once_is_read_no_more_before_it_is_checked() -> None:
    town = town_with_mallory()
    sends(town, MALLORY, CAROL, unsigned(town))
    town.settles(10)
    seen = town.people[CAROL].seen.copy()
    town.link(CAROL, MALLORY)
    town.links[MALLORY, CAROL].append(unsigned(town))
    with pytest.raises(Exception, match="a text is not signed by its author"):
        town.arrives(MALLORY, CAROL)
    assert town.people[CAROL].seen == seen


def test_each_text_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[Text] = []

    def check(one: Text, key: bytes) -> None:
        checked.append(one)
        texts.check_author(one, key)

    monkeypatch.setattr(unchecked_texts, "check_author", check)
    town = town_with_mallory()
    said = [text(town, MALLORY, EPOCH, 1, "one")]
    said.append(text(town, MALLORY, EPOCH, 2, "two", before=said[0]))
    sends(town, MALLORY, CAROL, *said)
    sends(town, MALLORY, DAVE, said[0])
    town.says(CAROL, "an answer")
    town.settles(100)
    for one in said:
        sends(town, DAVE, CAROL, one)
        sends(town, MALLORY, CAROL, one)
    of_mallory = [one.seq for one in checked if one.author == MALLORY]
    assert sorted(of_mallory) == [1, 1, 2, 2]  # by carol and by dave


def texts_on_disk(person: Person) -> int:
    ((count,),) = person.machine.disk.ask("journal.db", "SELECT count(*) FROM texts")
    return int(count)


async def test_the_real_program_shows_it_and_cuts_the_link(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        link.says(msgspec.structs.replace(mallory.text(1, "boo"), signature=bytes(64)))
        await carol.sees("mallory: boo")
        assert (await link.hears(Err)).text == "a text is not signed by its author"
    assert texts_on_disk(carol) == 0


async def test_a_paused_screen_does_not_put_the_check_off(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        carol.screen.pauses()
        link.says(msgspec.structs.replace(mallory.text(1, "boo"), signature=bytes(64)))
        assert (await link.hears(Err)).text == "a text is not signed by its author"
        carol.screen.goes_on()
        await carol.sees("mallory: boo")
        await trio.sleep(1)
    assert texts_on_disk(carol) == 0
