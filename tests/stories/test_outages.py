"""What users notice of a directory that is away for a while."""

import trio

from peer.api import Chat, EventQueue
from tests.kit.community import DIRECTORY, PATIENCE, Community, Person

LOST = "Lost the directory, trying again."
BACK = "The directory is back."
OUTAGE = 1_000.0  # seconds; pauses have grown by then


async def loses(community: Community, *people: Person) -> None:
    await community.directory.crashes()
    for person in people:
        await person.sees(LOST)


def dials(community: Community) -> list[float]:
    """When somebody tried to reach the directory."""
    return [time for time, address in community.hub.dialled if address == DIRECTORY]


async def test_a_typed_command_tries_at_once(community: Community) -> None:
    (carol,) = await community.start("carol")
    await loses(community, carol)
    await trio.sleep(OUTAGE)
    await community.directory.starts()
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you)")
    assert carol.saw(BACK) == 1
    carol.never_saw("cannot be reached")


async def test_a_bot_that_asks_tries_at_once(community: Community) -> None:
    (carol,) = await community.start("carol")
    await loses(community, carol)
    await trio.sleep(OUTAGE)
    await community.directory.starts()
    users = await Chat(carol.peer, EventQueue()).users()
    assert [user.name for user in users] == ["carol"]


async def test_a_command_gives_up_a_dial_that_hangs(community: Community) -> None:
    """Packets were lost on the way: it would answer some seconds after the cable is back."""
    (carol,) = await community.start("carol")
    carol.vanishes()
    await carol.sees(LOST, within=80)
    before = len(dials(community))
    await trio.sleep(5)
    assert len(dials(community)) == before + 1, "it has hung for some seconds"
    carol.returns()
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you)")
    carol.never_saw("cannot be reached")


async def test_a_command_does_not_wait_for_a_directory_that_is_gone(community: Community) -> None:
    (carol,) = await community.start("carol")
    carol.vanishes()
    await carol.sees(LOST, within=80)
    for _ in range(3):
        begun = trio.current_time()
        await carol.types("LIST USERS")
        await carol.sees("The directory cannot be reached at this moment.")
        assert trio.current_time() < begun + 1.5  # as time runs under an autojump clock


async def test_a_script_that_types_a_lot_does_not_dial_as_much(community: Community) -> None:
    (carol,) = await community.start("carol")
    await loses(community, carol)
    begun = trio.current_time()
    for _ in range(1_000):
        await carol.types("STATUS")
        await trio.sleep(0.01)
    tries = [time for time in dials(community) if time > begun]
    assert 10 < len(tries) <= 2 * (trio.current_time() - begun) + 1


async def test_all_are_back_within_five_seconds(community: Community) -> None:
    people = await community.start("carol", "dave", "erin")
    await loses(community, *people)
    await trio.sleep(OUTAGE)
    await community.directory.starts()
    begun = trio.current_time()
    for person in people:
        await person.sees(BACK)
    assert trio.current_time() < begun + 5
    assert len(dials(community)) < 3 * (OUTAGE / 2 + 5)


async def test_a_crowd_comes_back_within_a_minute(community: Community) -> None:
    (carol,) = await community.start("carol")
    carol.peer._presences.registered(10_000)
    await loses(community, carol)
    before = len(dials(community))
    await trio.sleep(OUTAGE)
    assert len(dials(community)) - before < 50


async def test_a_crowd_has_a_minute_to_come_back(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    carol.peer._presences.registered(10_000)
    await loses(community, carol, dave)
    await dave.is_killed()
    await community.directory.starts()
    await carol.sees(BACK)
    await carol.types("LIST USERS")
    await trio.sleep(100)
    carol.never_saw("dave is offline")
    await carol.sees("* dave is offline.", within=60)


async def test_who_was_there_before_the_outage_does_not_come_online(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    for person in (carol, dave, erin):
        await person.types("LIST USERS")
    came = [person.saw("is online") for person in (carol, dave, erin)]
    await loses(community, carol, dave, erin)
    await trio.sleep(OUTAGE)
    await community.directory.starts()
    await trio.sleep(60)
    for person, before in zip((carol, dave, erin), came, strict=True):
        assert person.saw(BACK) == 1
        assert person.saw("is online") == before, person.lines
        person.never_saw("is offline")
    await dave.quits()
    await carol.sees("* dave is offline.")
    await dave.starts()
    await carol.sees("* dave is online.")


async def test_who_went_during_the_outage_is_told_once_and_late(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    frank = community.person("frank")
    await frank.starts()
    await frank.quits()
    await loses(community, carol, dave)
    await dave.is_killed()
    await community.directory.starts()
    await carol.sees(BACK)
    await frank.starts()  # was away before, so this is news
    await carol.sees("* frank is online.")
    await trio.sleep(PATIENCE)
    carol.never_saw("dave is offline")
    await carol.sees("* dave is offline.", within=60)
    await trio.sleep(100)
    assert carol.saw("dave is offline") == 1
    await dave.starts()
    await carol.sees("* dave is online.")


async def test_a_directory_that_goes_again_at_once_tells_nothing_early(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await loses(community, carol, dave)
    await dave.is_killed()
    for _ in range(5):
        await community.directory.starts()
        await carol.sees(BACK)
        await trio.sleep(PATIENCE)
        await loses(community, carol)
    carol.never_saw("is offline")
    await community.directory.starts()
    await carol.sees("* dave is offline.", within=60)
    await trio.sleep(100)
    assert carol.saw("dave is offline") == 1


async def test_who_only_reads_news_stays_registered(community: Community) -> None:
    """News keeps coming, so a program never PINGs the directory, and says nothing else."""
    bob, carol, dave = await community.start("bob", "carol", "dave")
    for _ in range(20):
        await bob.quits()
        await carol.sees("* bob is offline.")
        await trio.sleep(10)
        await bob.starts()
        await carol.sees("* bob is online.")
        await trio.sleep(10)
    for person in (carol, dave):
        person.never_saw(LOST)
        person.never_saw("dave is offline")
