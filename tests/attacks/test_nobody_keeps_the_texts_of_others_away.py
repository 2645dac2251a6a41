"""Nobody keeps the texts of others away: what a member lacks comes, whatever else is said.

Somebody may claim to have what nobody ever wrote, and somebody may have written a lot
of long texts: neither delays what is asked for.
"""

import trio

from peer.core.conversation.incoming.gaps import TO_COME
from peer.runtime.conversation.texts.answer_queue import ANSWER_BYTES
from shared.messages.common import TEXT_CHARACTERS
from shared.messages.peers import POSITIONS, Hello, Position, Text, Want
from tests.kit.attackers.members import hello, sends
from tests.kit.community import Community
from tests.kit.cores import CAROL, DAVE, ERIN, MALLORY, Town
from tests.kit.raw_peer import raw


def town_in_which_carol_lacks_a_text_of_dave() -> Town:
    """Erin has it; dave is gone."""
    town = Town(CAROL, DAVE, ERIN, MALLORY)
    town.begins(CAROL, DAVE, ERIN, MALLORY)
    town.settles(5)
    town.crashes(CAROL)
    town.says(DAVE, "the real one")
    town.settles(5)
    town.crashes(DAVE)
    return town


def invented(town: Town, number: int) -> Hello:
    """Mallory says to have what nobody ever wrote."""
    have = (Position(DAVE, f"{number:08x}{n:08x}", 2**53) for n in range(POSITIONS))
    return hello(town, MALLORY, 10**9 + number, *have)


def test_invented_positions_do_not_keep_a_real_text_away() -> None:
    town = town_in_which_carol_lacks_a_text_of_dave()
    town.restarts(CAROL)
    town.link(MALLORY, CAROL)
    for number in range(1, 5):
        sends(town, MALLORY, CAROL, invented(town, number))
    assert town.people[CAROL].core.incoming.to_come <= TO_COME
    town.link(ERIN, CAROL)
    for number in range(5, 12):
        sends(town, MALLORY, CAROL, invented(town, number))
        town.settles(1)
    assert "the real one" in {
        said for one in town.people[CAROL].disk.texts.values() for said in one.texts
    }
    town.settles(800)  # each claim is doubted in its turn, eight at a time
    assert town.people[CAROL].core.incoming.to_come == 0


def test_nor_does_a_false_word_on_the_same_texts() -> None:
    town = town_in_which_carol_lacks_a_text_of_dave()
    epoch = next(iter(town.people[DAVE].disk.texts.values())).epoch
    town.restarts(CAROL)
    town.link(MALLORY, CAROL)
    for number in range(1, 12):
        lie = hello(town, MALLORY, 10**9 + number, Position(DAVE, epoch, 2**53))
        sends(town, MALLORY, CAROL, lie)
        assert town.people[CAROL].core.incoming.to_come <= TO_COME
        town.settles(1)
    town.link(ERIN, CAROL)
    town.settles(10)
    (text,) = town.people[CAROL].disk.texts.values()
    assert text.texts == ("the real one",)
    town.settles(400)
    assert town.people[CAROL].core.incoming.to_come == 0


async def test_long_texts_of_an_absent_member_do_not_break_the_link(community: Community) -> None:
    """120 texts of 8,000 characters of 4 bytes are more than may wait for one link."""
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees_part("User carol wants to chat with you")
    await erin.types("Y")
    await erin.sees("You are now connected with carol, dave.")
    await dave.sees("User erin joined the conversation.")
    await erin.is_killed()
    long = "\U0001f600" * (TEXT_CHARACTERS - 4)
    assert 120 * len(long.encode()) > 3 * 1024 * 1024 > 8 * ANSWER_BYTES
    await dave.types(*(f"{number:03} {long}" for number in range(120)))
    await carol.sees(f"dave: 119 {long}", within=60)
    await dave.is_killed()
    await erin.starts()
    await erin.sees(f"dave: 119 {long}", within=60)
    carol.never_saw("erin is back.\nLost")
    assert sum(line.startswith("Lost the connection to erin") for line in carol.lines) == 1


async def test_many_questions_at_once_do_not_break_the_link(community: Community) -> None:
    """The answers together are more than may wait for one link: one comes after the other."""
    epochs, each = [f"{start:016x}" for start in range(12)], 10
    long = "\U0001f600" * TEXT_CHARACTERS
    assert len(epochs) * each * len(long.encode()) > 3 * 1024 * 1024
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        for epoch in epochs:
            link.says(*(mallory.text(seq, long, epoch=epoch) for seq in range(1, each + 1)))
            await trio.sleep(1)
        link.heard.clear()
        wanted = [Position(mallory.me.id, epoch, 0) for epoch in epochs]
        link.says(*(Want(mallory.conversation, one) for one in wanted))
        got = {(await link.hears(Text)).epoch for _ in range(len(epochs) * ANSWER_BYTES // 2**15)}
        assert got == set(epochs)
        assert not link.is_over
