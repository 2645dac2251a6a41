"""Two who cannot be dialled open a way from both sides."""

import pytest
import trio

from directory_server.core.punching.call_limits import PAIR_AT_ONCE
from peer.core.reach.ladder import GIVE_UP_SECONDS, KNOCK_AFTER, PUNCH_AFTER
from peer.runtime.link.pending_dials import MEETINGS_MOST
from tests.kit.community import Community, Person

ASKED = "User carol wants to chat with you. Would you like to? (Y/N)"
LEAVE = " Would you like to leave a message? (Y/N)"
NO_WAY = (
    "User dave cannot be reached: both routers translate addresses, and one of them takes"
    " another port for each target: no direct way on IPv4 (DOCTOR)." + LEAVE
)

both_kinds = pytest.mark.parametrize("kind", ["refusing", "swallowing"])


async def behind_firewalls(community: Community, kind: str = "swallowing") -> tuple[Person, Person]:
    carol, dave = await community.start("carol", "dave")
    getattr(community.hub, kind).update({carol.host, dave.host})
    return carol, dave


def put_behind_a_router(community: Community, person: Person) -> str:
    """Put somebody behind a router that lets nobody in; return the address that others see."""
    outer = f"198.51.100.{person.host.rpartition('.')[2]}"
    community.hub.translated[person.host] = outer
    community.hub.swallowing.add(outer)
    return outer


async def behind_routers(community: Community) -> tuple[Person, Person]:
    carol, dave = community.person("carol"), community.person("dave")
    for person in (carol, dave):
        put_behind_a_router(community, person)
        await person.starts()
    await carol.sees("* dave is online.")
    return carol, dave


@both_kinds
async def test_between_two_firewalls_they_talk(community: Community, kind: str) -> None:
    carol, dave = await behind_firewalls(community, kind)
    began = trio.current_time()
    await carol.types("CHAT dave")
    await dave.sees(ASKED)
    assert trio.current_time() - began <= PUNCH_AFTER + 1.0
    await dave.types("Y")
    await carol.sees("You are now connected with dave.")
    await dave.types("here I am")
    await carol.sees("dave: here I am")
    for one, other in ((carol, "dave"), (dave, "carol")):
        await one.types("/MEMBERS", f"/INFO {other}")
        await one.sees_part(f"{other}: direct (opened from both sides)")
        await one.sees_part(f"The way to {other}: direct (opened from both sides).")


async def test_the_other_one_calls_whoever_is_first(community: Community) -> None:
    _, dave = await behind_firewalls(community)
    await dave.types("PRV carol hello")
    carol = community.people["carol"]
    await carol.sees("[private] dave: hello")


async def test_behind_two_routers_they_talk(community: Community) -> None:
    carol, dave = await behind_routers(community)
    await carol.types("CHAT dave")
    await dave.sees(ASKED)
    await dave.types("Y")
    await carol.sees("You are now connected with dave.")


async def test_a_lost_link_is_opened_again_as_often_as_allowed(community: Community) -> None:
    carol, dave = await behind_firewalls(community)
    await carol.connects_with(dave)
    for number in range(3):
        community.cuts(carol, dave)
        await carol.types(f"still there {number}?")
        await dave.sees(f"carol: still there {number}?", within=45)


async def test_what_is_lost_with_the_directory_is_back_with_it(community: Community) -> None:
    """As when a router has forgotten all connections."""
    carol, dave = await behind_firewalls(community)
    await carol.connects_with(dave)
    await trio.sleep(10)  # so that nobody calls too often
    await community.directory.crashes()
    community.cuts(carol, dave)
    await carol.sees("Lost the connection to dave, trying again.")
    await community.directory.starts()
    for one in (carol, dave):
        await one.sees("The directory is back.")
    back = trio.current_time()
    await carol.sees("dave is back.")
    assert trio.current_time() - back <= KNOCK_AFTER + 1.0


async def test_a_router_with_another_port_for_each_target_is_told(community: Community) -> None:
    carol, dave = await behind_routers(community)
    community.hub.moody.add(dave.host)
    began = trio.current_time()
    await carol.types("CHAT dave")
    await carol.sees(NO_WAY, within=GIVE_UP_SECONDS + 0.5)
    assert trio.current_time() - began <= GIVE_UP_SECONDS + 0.5
    dave.never_saw("carol wants")


async def test_who_is_ignored_sees_one_who_is_out_of_reach(community: Community) -> None:
    """The same, at the same moment: of one whose router is in the way, and who ignores nobody."""
    carol, dave = await behind_firewalls(community)
    took = []
    for ignores in (False, True):
        if ignores:
            await dave.types("IGNORE carol")
            await dave.sees_part("carol")
            community.hub.moody.clear()
        else:
            put_behind_a_router(community, dave)
            community.hub.moody.add(dave.host)
            await dave.starts_again()
        await trio.sleep(60)
        began, community.hub.punched = trio.current_time(), []
        await carol.types("CHAT dave")
        await carol.sees(NO_WAY, within=GIVE_UP_SECONDS + 0.5)
        took.append(trio.current_time() - began)
        aimed = [to for _, to in community.hub.punched if to.host == carol.host]
        assert bool(aimed) is not ignores
    assert took[0] == pytest.approx(took[1], abs=0.1)
    dave.never_saw("carol wants")


async def test_who_calls_too_often_reads_that_it_was_too_often(community: Community) -> None:
    """And not that their firewalls are in the way, for they are not: see the first calls."""
    carol, dave = await behind_firewalls(community)
    for number in range(PAIR_AT_ONCE):
        await carol.types(f"PRV dave {number}")
        await dave.sees(f"[private] carol: {number}", within=12)
        carol.link_to("dave").cut("a cable is pulled")
        await trio.sleep(1)
    await carol.types("CHAT dave")
    await carol.sees(
        "User dave cannot be reached: the directory opens no way from both sides just now (that"
        " was tried too often: wait a moment)." + LEAVE,
        within=11,
    )


async def test_users_at_one_address_do_not_punch(community: Community) -> None:
    carol, dave = await behind_firewalls(community)
    outer = put_behind_a_router(community, carol)
    community.hub.translated[dave.host] = outer
    community.hub.interfaces[carol.host] = community.hub.interfaces[dave.host] = ()
    await carol.starts_again()
    await dave.starts_again()
    await carol.types("CHAT dave")
    seen = await carol.sees_part("User dave cannot be reached: nothing comes through to", within=11)
    assert seen.endswith("and dave does not come through to you: firewalls on both sides." + LEAVE)
    assert not community.hub.punched


async def test_in_one_house_they_meet_there(community: Community) -> None:
    carol, dave = await behind_firewalls(community)
    community.hub.translated[dave.host] = put_behind_a_router(community, carol)
    await carol.starts_again()
    await dave.starts_again()
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")


async def test_who_calls_each_other_at_once_has_one_link(community: Community) -> None:
    carol, dave = await behind_firewalls(community)
    carol.types_ahead("PRV dave hello")
    dave.types_ahead("PRV carol hello, too")
    await dave.sees("[private] carol: hello")
    await carol.sees("[private] dave: hello, too")
    await trio.sleep(15)
    assert len(community.cables(carol, dave)) == 1


async def test_those_who_have_come_through_keep_no_others_out(community: Community) -> None:
    friends = [f"dave{number}" for number in range(MEETINGS_MOST + 1)]
    carol, *others = await community.start("carol", *friends)
    community.hub.swallowing |= {one.host for one in (carol, *others)}
    for one, name in zip(others, friends, strict=True):
        await one.types("PRV carol hello")
        await carol.sees(f"[private] {name}: hello")
    assert all(community.cables(carol, one) for one in others)


async def test_the_directory_goes_in_the_middle_of_it(community: Community) -> None:
    carol, dave = await behind_firewalls(community)
    await dave.types("IGNORE carol")
    await dave.sees_part("carol")
    carol.types_ahead("CHAT dave")
    await trio.sleep(PUNCH_AFTER + 1.0)  # she waits for him there
    await community.directory.crashes()
    await carol.sees_part("User dave cannot be reached: nothing comes through to", within=11)


async def test_an_older_directory_is_not_asked(
    community: Community,
) -> None:
    carol, _ = await behind_firewalls(community)
    carol.knows_no_punch()
    await carol.types("CHAT dave")
    await carol.sees_part("dave does not come through to you: firewalls on both sides", within=11)
    assert not community.hub.punched
