"""Cables that break, hosts that vanish, a directory that dies: talk goes on (PRODUCT.md)."""

import pytest
import trio

from tests.kit.community import Community, Person, open_community

LOST_TO_DAVE = "Lost the connection to dave, trying again."
LOST_TO_CAROL = "Lost the connection to carol, trying again."


def said(by: Person, at: Person) -> list[str]:
    """What stands on the screen of `at` of the texts of `by`, in a conversation."""
    prefix = f"{by.name}: "
    return [line.removeprefix(prefix) for line in at.lines if line.startswith(prefix)]


# --- A conversation over links that break -----------------------------------------


async def test_a_reset_is_mended_at_once_and_nothing_is_lost(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    carol.types_ahead("one", "two")
    community.cuts(carol, dave)
    carol.types_ahead("three")
    await carol.sees(LOST_TO_DAVE)
    await carol.sees("dave is back.")
    await dave.sees("carol is back.")
    await carol.types("four")
    await dave.sees("carol: four")
    assert said(carol, dave) == ["one", "two", "three", "four"]


async def test_texts_of_both_wait_until_the_cable_is_mended(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    community.separates(carol, dave)
    await carol.types("can you hear me?")
    await dave.types("hello?")
    await carol.sees(LOST_TO_DAVE, within=10)
    await dave.sees(LOST_TO_CAROL, within=1)
    await carol.types("nothing comes")
    await dave.types("no, nothing")
    await trio.sleep(20)
    community.reunites(carol, dave)
    await carol.sees("dave is back.", within=15)
    await dave.sees("carol is back.", within=15)
    await carol.types("so")
    await dave.sees("carol: so")
    await dave.types("so so")
    await carol.sees("dave: so so")
    assert said(carol, dave) == ["can you hear me?", "nothing comes", "so"]
    assert said(dave, carol) == ["hello?", "no, nothing", "so so"]
    assert carol.saw("Lost") == dave.saw("Lost") == 1
    assert carol.saw("is back") == dave.saw("is back") == 1


async def test_after_a_minute_the_other_has_left(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    community.separates(carol, dave)
    since = trio.current_time()
    await carol.types("are you there?", "it seems not")
    await carol.sees(LOST_TO_DAVE, within=10)
    await carol.sees("Message left for dave.", within=31)
    await carol.sees("Message left for dave.")
    await carol.sees("User dave left the conversation (connection lost).", within=31)
    assert 60 <= trio.current_time() - since < 71
    await carol.sees("The conversation is over.")
    await dave.sees("The conversation is over.")
    assert dave.saw("] carol: are you there?") == dave.saw("] carol: it seems not") == 1
    assert carol.talks_with == dave.talks_with == ()


async def test_a_killed_partner_is_lost_and_then_gone(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await dave.is_killed()
    await carol.sees(LOST_TO_DAVE, within=10)
    await carol.types("wait for me")
    await carol.sees("Message left for dave.", within=31)
    await carol.sees("User dave left the conversation (connection lost).", within=31)
    await carol.sees("The conversation is over.")
    await dave.starts()
    await dave.sees_part("] carol: wait for me")


async def test_a_partner_who_starts_again_is_back(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await trio.sleep(1)
    await dave.is_killed()
    await carol.sees(LOST_TO_DAVE, within=10)
    await carol.types("where are you?")
    await dave.starts()
    await dave.sees("You are back in the conversation with carol.")
    await dave.sees("carol: where are you?")
    await carol.sees("dave is back.")
    await dave.types("here")
    await carol.sees("dave: here")
    await trio.sleep(60)
    assert carol.talks_with == ("dave",)


async def test_whose_disk_did_not_know_of_the_conversation_yet_is_not(community: Community) -> None:
    """It is full, and says so; else nobody is told to be connected before it is on disk."""
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    dave.machine.disk.is_full = True
    await dave.types("Y")
    await dave.sees_part("disk")
    await dave.sees("You are now connected with carol.")
    await dave.is_killed()
    dave.machine.disk.is_full = False
    await carol.sees(LOST_TO_DAVE, within=10)
    await carol.types("where are you?")
    await dave.starts()
    await carol.sees("User dave left the conversation.", within=10)
    await carol.sees("The conversation is over.")
    await carol.sees("Message left for dave.")
    await dave.sees_part("] carol: where are you?")
    await carol.types("CHAT dave")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")


async def test_a_stopped_partner_is_lost_within_ten_seconds(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    for cable in community.cables(carol, dave):
        cable.stall(reader=dave.host)
        cable.stall(reader=carol.host)
    await carol.sees(LOST_TO_DAVE, within=10)


async def test_a_slow_reader_is_not_lost(community: Community) -> None:
    """Whoever stops the screen for a while still has a living program."""
    carol, dave = await community.talking("carol", "dave")
    dave.screen.pauses()
    texts = [f"text {number}" for number in range(700)]
    carol.types_ahead(*texts)
    await trio.sleep(50)
    carol.never_saw("Lost")
    dave.screen.goes_on()
    await dave.sees("carol: text 699")
    assert said(carol, dave) == texts


async def test_the_keyboard_waits_while_too_much_is_undelivered(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    dave.screen.pauses()
    carol.types_ahead(*("x" for _ in range(3_000)))
    await trio.sleep(10)
    assert carol.keyboard.waiting > 900
    dave.screen.goes_on()
    await trio.sleep(10)
    assert not carol.keyboard.waiting
    assert dave.saw("carol: x") == 3_000


async def test_two_tasks_that_wait_for_room_both_go_on(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    dave.screen.pauses()
    carol.types_ahead(*("x" for _ in range(2_500)))
    await trio.sleep(10)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(carol.peer.conversation.say, "from a program")
            await trio.sleep(1)
            dave.screen.goes_on()
    await trio.sleep(1)
    assert not carol.keyboard.waiting


@pytest.mark.parametrize("seed", range(12))
async def test_links_break_all_the_time_and_texts_arrive_once_in_order(
    autojump_clock: object, seed: int
) -> None:
    async with open_community(seed=seed) as community:
        carol, dave = await community.talking("carol", "dave")
        chance = community.chance
        mine: list[str] = []
        theirs: list[str] = []
        for number in range(60):
            person, texts = (carol, mine) if chance.random() < 0.5 else (dave, theirs)
            await person.types(f"text {number}")
            texts.append(f"text {number}")
            match chance.randrange(6):
                case 0:
                    community.cuts(carol, dave)
                case 1:
                    for cable in community.cables(carol, dave):
                        cable.silence()
                case 2:
                    for cable in community.cables(carol, dave):
                        cable.heal()
                case 3:
                    await trio.sleep(chance.uniform(0, 12))
        await trio.sleep(40)
        assert said(carol, dave) == mine
        assert said(dave, carol) == theirs
        await carol.types("\\q")
        await dave.sees("The conversation is over.", within=15)


async def test_a_conversation_outlives_its_link_without_the_directory(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    await community.directory.crashes()
    community.cuts(carol, dave)
    await carol.sees("dave is back.")
    await dave.sees("carol is back.")
    await carol.types("who needs a directory?")
    await dave.sees("carol: who needs a directory?")


async def test_leaving_right_after_the_link_broke_leaves_the_texts(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    erin = community.person("erin")
    await erin.starts()
    await carol.sees("* erin is online.")
    await erin.types("CHAT carol")
    await erin.sees_part("Interrupt? (Y/N)")
    await erin.types("Y")
    await carol.sees_part("Y leaves your conversation with dave.")
    community.separates(carol, dave)
    await carol.sees(LOST_TO_DAVE, within=10)
    await carol.types("I have to go")
    await carol.types("/y")
    await carol.sees("You are now connected with erin.")
    await carol.sees("Message left for dave.")
    await dave.sees_part("] carol: I have to go")


# --- The directory ----------------------------------------------------------------


async def test_a_conversation_goes_on_while_the_directory_is_dead(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await community.directory.crashes()
    await carol.sees("Lost the directory, trying again.")
    await dave.sees("Lost the directory, trying again.")
    await carol.types("still there?")
    await dave.sees("carol: still there?")
    await trio.sleep(100)
    await dave.types("yes")
    await carol.sees("dave: yes")
    await community.directory.starts()
    await carol.sees("The directory is back.", within=61)
    await dave.sees("The directory is back.", within=61)
    await carol.types("/users")
    await carol.sees("BUSY: carol (you), dave")
    assert carol.saw("Lost the directory") == 1


async def test_a_directory_that_stops_in_peace_is_missed_too(community: Community) -> None:
    (carol,) = await community.start("carol")
    await community.directory.stops()
    await carol.sees("Lost the directory, trying again.")
    await carol.types("LIST USERS")
    await carol.sees("The directory cannot be reached at this moment.")
    await community.directory.starts()
    await carol.sees("The directory is back.", within=61)
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you)")


async def test_a_directory_behind_a_pulled_cable_is_lost_and_found(community: Community) -> None:
    (carol,) = await community.start("carol")
    carol.vanishes()
    await carol.sees("Lost the directory, trying again.", within=80)
    carol.returns()
    await carol.sees("The directory is back.", within=90)


async def test_a_user_who_vanishes_is_offline_ten_seconds_later(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave hello")
    dave.vanishes()
    await trio.sleep(1)
    await carol.types("STATUS BUSY")  # something that the directory tells dave
    await carol.sees("* dave is offline.", within=11)


async def test_a_status_survives_the_directory(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("STATUS BUSY")
    await community.directory.crashes()
    await carol.sees("Lost the directory, trying again.")
    await carol.types("STATUS INACTIVE")
    await community.directory.starts()
    await carol.sees("The directory is back.", within=61)
    await carol.types("LIST USERS")
    await carol.sees("INACTIVE: carol (you)")


async def test_a_peer_who_cannot_register_any_more_says_why(community: Community) -> None:
    carol = community.person("carol")
    await carol.starts()
    await community.directory.crashes()
    await carol.sees("Lost the directory, trying again.")
    community.directory.machine.disk = type(community.directory.machine.disk)()
    await community.directory.starts()
    seen = await carol.sees_part("The key of the directory at 10.0.0.1:5000 has changed.", within=5)
    assert "Someone may be impersonating it: check with its operator. Start once with" in seen
    assert "--directory-key" in seen
    await trio.sleep(100)
    assert carol.saw("has changed") == 1
