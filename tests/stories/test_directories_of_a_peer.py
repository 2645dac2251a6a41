"""Several directories of one community: whichever is there serves, and nobody notices a move."""

import pytest
import trio

from peer.options import Options
from shared.errors import KeyChanged, Refused, Unreachable
from shared.identity import authority_key, fingerprint
from shared.messages.common import Bye, Err, Status
from shared.messages.directory import (
    Arr,
    Contact,
    Done,
    Lookup,
    Move,
    Presence,
    Unregister,
)
from tests.kit.community import Community
from tests.kit.raw_directory import RawDirectory, comes_in, raw_directories
from tests.kit.world import Authority

LOST, BACK = "Lost the directory, trying again.", "The directory is back."


def connected(name: str, directory: RawDirectory) -> str:
    return f"You are {name}, connected to the directory at {directory.address}."


def dialled(community: Community, directory: RawDirectory) -> list[float]:
    return [time for time, address in community.hub.dialled if address == directory.address]


# --- Which one answers --------------------------------------------------------------------


async def test_the_first_named_is_taken_and_else_another(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", one, two)
    assert carol.lines[0] == connected("carol", one)
    await carol.quits()
    one.dies()
    begun = trio.current_time()
    await carol.starts()
    assert carol.lines[0] == connected("carol", two)
    assert trio.current_time() == begun, "without a pause"


async def test_if_none_answers_all_are_named(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    one.dies()
    two.dies()
    with pytest.raises(Unreachable) as no:
        await comes_in(community, "carol", one, two)
    assert str(one.address) in str(no.value)
    assert str(two.address) in str(no.value)


async def test_a_refusal_is_not_asked_of_the_next_one(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    one.refusal = Err("BANNED", "You are banned.")
    with pytest.raises(Refused, match="You are banned"):
        await comes_in(community, "carol", one, two)
    assert two.met == 0


@pytest.mark.parametrize("code", ["DISK", "LIMIT", "VERSION"])
async def test_what_only_one_lacks_the_next_one_may_have(community: Community, code: str) -> None:
    one, two = await raw_directories(community, 2)
    one.refusal = Err(code, "no room here")
    carol = await comes_in(community, "carol", one, two)
    assert carol.lines[0] == connected("carol", two)
    carol.never_saw("no room here")
    two.refusal = Err(code, "nor here")
    await carol.quits()
    with pytest.raises(Refused, match="nor here"):
        await carol.starts()


async def test_one_that_is_about_to_end_is_passed_over(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    one.refusal = Err("DRAINING", "the directory is about to end")
    carol = await comes_in(community, "carol", one, two)
    assert carol.lines[0] == connected("carol", two)


async def test_who_loses_one_is_back_at_the_next_at_once(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", one, two)
    one.dies()
    await carol.sees(LOST)
    lost = trio.current_time()
    await carol.sees(BACK)
    assert trio.current_time() <= lost + 1.5, "after one pause, in which the first may come back"
    assert len(dialled(community, one)) == 2


async def test_a_pause_follows_each_round(community: Community) -> None:
    one, two, three = await raw_directories(community, 3)
    carol = await comes_in(community, "carol", one, two, three)
    for each in (one, two, three):
        each.dies()
    await carol.sees(LOST)
    begun = trio.current_time()
    await trio.sleep(100)
    rounds = [len([time for time in dialled(community, each) if time > begun])
              for each in (one, two, three)]  # fmt: skip
    assert min(rounds) == max(rounds)
    assert 1 < min(rounds) < 100


# --- Others that a directory names --------------------------------------------------------


async def test_what_a_directory_names_is_used_at_once_and_at_the_next_start(
    community: Community,
) -> None:
    one, two = await raw_directories(community, 2)
    one.others = (str(two.address),)
    carol = await comes_in(community, "carol", one)
    one.dies()
    await carol.sees(BACK)
    assert two.visits[0].iam.name == "carol"
    await carol.quits()
    await carol.starts()
    assert carol.lines[0] == connected("carol", two)
    assert two.met == 2


async def test_one_address_of_another_community_is_an_alarm(community: Community) -> None:
    (one,) = await raw_directories(community, 1)
    (stranger,) = await raw_directories(community, 1, authority=Authority(1), at="10.0.3")
    carol = await comes_in(community, "carol", one, stranger)
    one.dies()
    await carol.sees(LOST)
    await carol.sees_part(f"The key of the directory at {stranger.address} has changed.")
    assert stranger.visits == []
    await one.starts()
    await carol.sees(BACK)
    assert carol.saw("has changed") == 1
    await carol.quits()
    carol.directories.reverse()
    await carol.starts()
    assert carol.saw(f"The key of the directory at {stranger.address} has changed.") == 1
    assert carol.saw(connected("carol", one)) == 1
    await carol.quits()
    one.dies()
    with pytest.raises(KeyChanged):
        await carol.starts()


async def test_a_key_that_the_user_vouches_for_is_that_of_all(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", one, two)
    one.dies()
    await carol.sees(BACK)  # both were met
    await carol.quits()
    two.dies()
    new = Authority(1)
    for each in (one, two):
        each.authority = new
        await each.starts()
    key = fingerprint(authority_key(new.certificate))
    carol.options = Options(directory_key=key)
    await carol.starts()
    await carol.quits()
    carol.options = Options()
    carol.directories.reverse()
    await carol.starts()
    assert carol.lines[0] == connected("carol", two)


# --- Moving -------------------------------------------------------------------------------


async def test_nobody_notices_a_move(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", one)
    old = await one.visit()
    await carol.types("STATUS BUSY")
    old.says(Move(str(two.address)))
    new = await two.visit()
    assert (new.iam.status, new.iam.by_hand) == (Status.BUSY, True)
    old.takes_over()
    await old.ends()
    await trio.sleep(30)
    assert not new.is_over
    new.says(Arr((Presence("dave", Status.ACTIVE, 0.0),)))
    await carol.sees("* dave is online.")
    for word in ("directory is back", "Lost", "Another program"):
        carol.never_saw(word)
    assert (one.met, two.met) == (1, 1)


async def test_a_takeover_that_overtakes_welcome_is_our_own(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    two.enters_at_once = False
    carol = await comes_in(community, "carol", one)
    old = await one.visit()
    old.says(Move(str(two.address)))
    await two.visit()
    old.takes_over()
    await old.ends()
    await trio.sleep(1)
    two.lets_in()
    await trio.sleep(30)
    assert carol.peer.is_registered
    for word in ("directory is back", "Lost", "Another program"):
        carol.never_saw(word)


async def test_what_was_asked_on_the_old_link_is_answered(community: Community) -> None:
    """One answer comes over the old link, the other request is repeated over the new one."""
    one, two = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", one)
    old = await one.visit()
    carol.types_ahead("INFO dave")
    asked = await old.hears(Lookup)
    old.says(Move(str(two.address)))
    new = await two.visit()
    old.takes_over()
    again = await new.hears(Lookup)
    assert again == asked
    new.says(_contact(again.id, Status.OFFLINE))
    await carol.sees_part("dave")
    carol.never_saw("cannot be reached")


async def test_an_answer_still_counts_that_comes_over_the_old_link(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", one)
    old = await one.visit()
    carol.types_ahead("INFO dave")
    asked = await old.hears(Lookup)
    old.says(Move(str(two.address)))
    new = await two.visit()
    old.says(_contact(asked.id, Status.OFFLINE))
    old.takes_over()
    await carol.sees_part("dave")
    await old.ends()
    await trio.sleep(10)
    assert not [message for message in new.heard if isinstance(message, Lookup)]


async def test_an_old_directory_that_says_nothing_more_is_left(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", one)
    old = await one.visit()
    carol.types_ahead("INFO dave")
    await old.hears(Lookup)
    old.says(Move(str(two.address)))
    new = await two.visit()
    again = await new.hears(Lookup)
    new.says(_contact(again.id, Status.OFFLINE))
    await carol.sees_part("dave")
    await old.ends()


async def test_mail_that_was_told_on_the_old_link_only_is_fetched(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    await comes_in(community, "carol", one)
    old = await one.visit()
    old.says(Move(str(two.address)))
    new = await two.visit()
    with trio.fail_after(10):
        while "Fetch" not in new.asked:
            await new.news.park()


async def test_news_that_fell_between_two_directories_are_told(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    one.users = [Presence(name, Status.ACTIVE, 0.0) for name in ("dave", "erin")]
    two.users = [Presence("dave", Status.ACTIVE, 0.0), Presence("erin", Status.OFFLINE, 0.0),
                 Presence("frank", Status.ACTIVE, 0.0)]  # fmt: skip
    carol = await comes_in(community, "carol", one)
    await carol.types("LIST USERS")
    old = await one.visit()
    old.says(Move(str(two.address)))
    new = await two.visit()
    old.takes_over()
    new.says(Arr((Presence("dave", Status.ACTIVE, 0.0),)))  # who moved, too
    await carol.sees("* erin is offline.", within=60)
    await carol.sees("* frank is online.")
    assert carol.saw("* dave is online.") == 0


async def test_if_the_new_one_cannot_be_reached_we_stay_and_say_nothing(
    community: Community,
) -> None:
    one, two = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", one)
    old = await one.visit()
    two.dies()
    old.says(Move(str(two.address)))
    await trio.sleep(5)
    await two.starts()
    two.refusal = Err("LIMIT", "too many connections")
    old.says(Move(str(two.address)))
    await two.visit()
    await trio.sleep(5)
    assert not old.is_over
    carol.never_saw("directory is back")
    carol.never_saw(LOST)
    carol.never_saw("too many")
    two.refusal = None
    old.says(Move(str(two.address)))
    await two.visit()
    await old.ends()
    carol.never_saw(LOST)


async def test_a_link_that_breaks_while_we_move_is_told_and_we_come_back(
    community: Community,
) -> None:
    one, two = await raw_directories(community, 2)
    one.others = (str(two.address),)
    two.enters_at_once = False
    carol = await comes_in(community, "carol", one)
    old = await one.visit()
    old.says(Move(str(two.address)))
    await two.visit()
    one.dies()
    await carol.sees(LOST)
    two.enters_at_once = True
    await carol.sees(BACK)


async def test_who_quits_while_moving_is_registered_nowhere(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    two.enters_at_once = False
    carol = await comes_in(community, "carol", one)
    old = await one.visit()
    old.says(Move(str(two.address)))
    new = await two.visit()
    await carol.quits()
    two.lets_in()
    await new.ends()
    await old.ends()


async def test_who_gives_the_name_back_moves_nowhere(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", one)
    old = await one.visit()
    carol.types_ahead("UNREGISTER", "Y")
    asked = await old.hears(Unregister)
    old.says(Move(str(two.address)))
    await trio.sleep(1)
    old.link.hang_up(Done(asked.id), Bye())
    await carol.is_gone()
    assert two.met == 0


async def test_another_program_of_mine_still_takes_over(community: Community) -> None:
    one, two = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", one)
    old = await one.visit()
    old.says(Move(str(two.address)))
    new = await two.visit()
    old.takes_over()
    await trio.sleep(30)
    new.takes_over()
    await carol.sees_part("Another program of yours has taken over your name")


NO_LONGER = "This program is no longer registered: start it again."


async def test_who_was_taken_over_is_told_that_nothing_is_tried_again(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await trio.sleep(60)
    community.directory.says("carol", Err("TAKEOVER", "another program has your name"))
    await carol.sees_part("Another program of yours has taken over your name")
    for command in ("STATUS BUSY back soon", "LIST USERS", "CHAT dave", "WATCH dave", "INFO dave"):
        await carol.types(command)
        await carol.sees(NO_LONGER)
    await carol.types("LEAVE dave not lost")
    await carol.sees("Kept for dave: it goes out at the next start.")
    await carol.types("PRV dave nor this")
    await carol.sees("Kept for dave: it goes out at the next start.")
    await trio.sleep(600)
    assert not carol.peer.is_registered
    for untrue in ("trying again", "is back", "DOCTOR"):
        assert not [line for line in carol.lines if untrue in line]
    await carol.starts_again()
    await dave.starts()
    await dave.sees_part("not lost")
    await dave.sees_part("nor this")


def _contact(re: int, status: Status) -> Contact:
    return Contact(re, "dave", status, 0.0, b"k" * 32, b"s" * 32, b"p" * 64)
