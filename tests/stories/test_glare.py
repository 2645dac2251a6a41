"""Both at once: two people who ask each other, in many interleavings."""

import pytest
import trio

from peer.runtime.link.switchboard import SWEEP_SECONDS
from peer.runtime.link.table import IDLE_SECONDS
from shared.messages.common import Bye
from tests.kit.community import Community, Person, open_community

INTERLEAVINGS = 50


async def types_after(person: Person, seconds: float, line: str) -> None:
    await trio.sleep(seconds)
    await person.types(line)


async def are_connected(one: Person, other: Person) -> None:
    """Once each, with no question left, and texts go both ways."""
    await one.sees(f"You are now connected with {other.name}.", within=30)
    await other.sees(f"You are now connected with {one.name}.", within=30)
    await trio.sleep(90)
    for person, partner in ((one, other), (other, one)):
        assert person.talks_with == (partner.name,)
        assert person.saw("You are now connected") == 1
        assert not person.has_open_question
        assert not person.peer.invitations.waits_for
        person.never_saw("left the conversation")
        person.never_saw("cannot be reached")
        person.never_saw("You missed")
    await one.types("can you hear me?")
    await other.sees(f"{one.name}: can you hear me?")
    await other.types("loud and clear")
    await one.sees(f"{other.name}: loud and clear")


@pytest.mark.parametrize("seed", range(INTERLEAVINGS))
async def test_both_ask_at_once_and_are_connected(autojump_clock: object, seed: int) -> None:
    async with open_community(seed=seed) as community:
        carol, dave = await community.start("carol", "dave")
        if seed % 5 == 0:  # there is a link already
            await carol.types("@dave hello")
            await dave.sees("[private] carol: hello")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(community.delays_everything, 0.2)
            nursery.start_soon(types_after, carol, community.chance.uniform(0, 0.2), "CHAT dave")
            await types_after(dave, community.chance.uniform(0, 0.2), "CHAT carol")
            await trio.sleep(5)
            nursery.cancel_scope.cancel()
        for cable in community.hub.cables():
            cable.heal()
        await are_connected(carol, dave)


@pytest.mark.parametrize("seed", range(10))
async def test_both_ask_in_the_same_moment(autojump_clock: object, seed: int) -> None:
    async with open_community(seed=seed) as community:
        carol, dave = await community.start("carol", "dave")
        carol.types_ahead("CHAT dave")
        dave.types_ahead("CHAT carol")
        await are_connected(carol, dave)
        carol.never_saw("wants to chat")
        dave.never_saw("wants to chat")


async def test_chat_answers_the_question_that_is_open(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    await dave.types("CHAT Carol")
    await are_connected(carol, dave)


async def test_chat_and_yes_in_one_breath(community: Community) -> None:
    """The second one finds the first one's answer on its way."""
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    dave.types_ahead("CHAT carol", "Y")
    await are_connected(carol, dave)
    dave.never_saw("Interrupt?")


async def test_asking_again_over_a_link_that_just_ended(community: Community) -> None:
    """The idle link is hung up after half a minute; asking at any moment around it works."""
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave hello")
    await dave.sees("[private] carol: hello")
    await trio.sleep(29)
    for _ in range(4):
        await carol.types("CHAT dave")
        await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
        await dave.types("N")
        await carol.sees("User dave does not want to chat with you.")
        await trio.sleep(32)


async def test_both_say_a_private_line_at_once(community: Community) -> None:
    """Both dial, one link stays, and both lines are shown once."""
    carol, dave = await community.start("carol", "dave")
    carol.types_ahead("@dave one", "@dave two")
    dave.types_ahead("@carol three", "@carol four")
    await dave.sees("[private] carol: one")
    await dave.sees("[private] carol: two")
    await carol.sees("[private] dave: three")
    await carol.sees("[private] dave: four")
    await trio.sleep(15)
    assert len(community.cables(carol, dave)) == 1
    assert carol.saw("[private]") == dave.saw("[private]") == 2


async def test_asking_back_after_a_yes_is_no_interruption(community: Community) -> None:
    """The yes is on its way, and the other's status says BUSY."""
    carol, dave = await community.start("carol", "dave")
    await carol.types("STATUS BUSY", "CHAT dave")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    (cable,) = community.cables(carol, dave)
    cable.silence()
    await dave.types("Y", "CHAT carol")
    await trio.sleep(1)
    cable.heal()
    await are_connected(carol, dave)
    dave.never_saw("Interrupt?")


async def test_a_link_that_is_ending_takes_no_question(community: Community) -> None:
    """It was hung up because it was idle, and the other side has not heard that yet."""
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave hello")
    await dave.sees("[private] carol: hello")
    link = carol.link_to("dave")
    await trio.sleep(IDLE_SECONDS + 3)
    assert not link.is_over
    (cable,) = community.cables(carol, dave)
    cable.silence()
    with trio.fail_after(SWEEP_SECONDS):
        while not link.is_over:  # noqa: ASYNC110 - it tells nobody
            await trio.sleep(0.1)
    await carol.connects_with(dave)
    carol.never_saw("is gone")


async def test_an_invitation_that_crosses_an_idle_good_bye_arrives(community: Community) -> None:
    """Dave closes the idle link while carol's INVITE is on its way."""
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave hello")
    await dave.sees("[private] carol: hello")
    (entry,) = dave.peer._reach.links._table._open["carol"]
    entry.is_closed = True
    entry.link.hang_up(Bye("idle"))
    await carol.types("CHAT dave")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    await dave.types("Y")
    await carol.sees("You are now connected with dave.")
