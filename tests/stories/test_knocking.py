"""Who cannot be dialled is knocked at, and dials back."""

import pytest
import trio

from peer.core.conversation.members.reach import REDIAL_FAR_SECONDS
from peer.core.reach.absence import LOST_SECONDS
from peer.core.reach.ladder import BACK_SECONDS
from shared.messages.peers import PassedKnock
from tests.kit.community import Community, Person

ASKED = "User carol wants to chat with you. Would you like to? (Y/N)"


def walls(community: Community, kind: str) -> set[str]:
    """The hosts whose firewalls refuse, or ignore, every dial."""
    walled: set[str] = getattr(community.hub, kind)
    return walled


both_kinds = pytest.mark.parametrize("kind", ["refusing", "swallowing"])


@both_kinds
async def test_a_callee_behind_a_firewall_is_called_and_calls(
    community: Community, kind: str
) -> None:
    carol, dave = await community.start("carol", "dave")
    walls(community, kind).add(dave.host)
    began = trio.current_time()
    await carol.types("CHAT dave")
    await dave.sees(ASKED)
    assert trio.current_time() - began < 1.0
    await dave.types("Y")
    await carol.sees("You are now connected with dave.")
    await dave.types("here I am", "QUIT CONVERSATION")
    await carol.sees("dave: here I am")
    await carol.sees("User dave left the conversation.")
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")


@both_kinds
async def test_a_private_line_comes_through_a_firewall(community: Community, kind: str) -> None:
    carol, dave = await community.start("carol", "dave")
    walls(community, kind).add(dave.host)
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    await trio.sleep(15)
    carol.never_saw("Not delivered")


@both_kinds
async def test_a_broken_link_through_a_firewall_heals(community: Community, kind: str) -> None:
    carol, dave = await community.talking("carol", "dave")
    walls(community, kind).add(dave.host)
    for number in range(3):
        community.cuts(carol, dave)
        await carol.types(f"still there {number}?")
        await dave.sees(f"carol: still there {number}?", within=15)


async def test_an_ignored_user_is_not_dialled(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("IGNORE carol")
    await dave.sees_part("carol")
    community.hub.refusing.add(dave.host)
    await carol.types("CHAT dave")
    await carol.sees_part("User dave cannot be reached: nothing comes through to", within=11)
    assert carol.host not in {host for host, _ in dials(community, dave)}
    assert carol.host not in {to.host for _, to in community.hub.punched}


async def test_who_is_knocked_at_and_wants_to_call_is_not_held_up(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    community.hub.swallowing |= {carol.host, dave.host}
    await carol.types("PRV dave hello")
    await trio.sleep(1.0)
    assert (carol.host, carol.peer._registration.port) in dials(community, dave)
    community.hub.swallowing.clear()
    await dave.types("PRV carol hello")
    await carol.sees("[private] dave: hello")
    await dave.sees("[private] carol: hello", within=BACK_SECONDS)


async def test_a_knock_that_fails_is_nobodys_business(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    community.separates(carol, dave)
    await carol.types("PRV dave hello")
    await carol.sees_part("Not delivered to dave", within=12)
    await trio.sleep(BACK_SECONDS)
    dave.never_saw("cannot be reached")
    dave.never_saw("Not delivered")


# --- Without the directory -------------------------------------------------------


async def three_of_whom_two_lost_each_other(community: Community) -> tuple[Person, ...]:
    """Carol and dave reach each other through erin only, for so long that they hardly dial."""
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.types("INFO dave")
    await carol.sees_part("dave: ACTIVE")
    await dave.connects_with(carol)
    await carol.types("/ADD erin")
    await erin.sees_part("wants to chat with you")
    await erin.types("Y")
    await erin.sees_part("You are now connected with")
    await community.directory.crashes()
    community.hub.refusing |= {carol.host, dave.host}
    community.cuts(carol, dave)
    await trio.sleep(LOST_SECONDS + REDIAL_FAR_SECONDS)
    assert not community.cables(carol, dave)
    return carol, dave, erin


async def test_a_common_member_passes_a_knock_on_while_the_directory_is_away(
    community: Community,
) -> None:
    carol, dave, _ = await three_of_whom_two_lost_each_other(community)
    community.hub.refusing.remove(carol.host)
    await carol.types("@dave hello")
    await dave.sees("[private] carol: hello", within=1.0)


async def test_nobody_passes_on_a_knock_of_somebody_else(community: Community) -> None:
    _, dave, erin = await three_of_whom_two_lost_each_other(community)
    current = erin.peer._exchange.conversations.conversation
    assert current is not None
    before = len(community.hub.dialled)
    link = erin.link_to("carol")
    for caller, callee in (("dave", "dave"), ("frank", "dave"), ("frank", "carol")):
        link.post(PassedKnock(current.id, caller, callee))
    link.post(PassedKnock("f" * 32, "dave", "carol"))
    await trio.sleep(0.5)
    assert {to.host for _, to in community.hub.dialled[before:]} <= {"10.0.0.1", dave.host}


def dials(community: Community, by: Person) -> set[tuple[str, int]]:
    """The addresses that were dialled, other than those of the directory and of `by`."""
    return {(to.host, to.port) for _, to in community.hub.dialled if to.host != by.host}
