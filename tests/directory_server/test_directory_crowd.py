"""Whom one is told of where many are online, and what nobody gets by watching."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.limits import WATCHES_A_SECOND
from shared.errors import ParleyError
from shared.messages.common import Err, Status
from shared.messages.directory import (
    PAGE_MOST,
    WATCHED,
    WATCHED_AT_FIRST,
    Done,
    Drop,
    List,
    Lookup,
    SetStatus,
    Unregister,
    Users,
    Watch,
)
from tests.kit.directory import Town, news
from tests.kit.raw_client import Client

RULE = "directory_server.core.presence.announcements"


@pytest.fixture(autouse=True)
def crowds_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let five users be a crowd, and two none."""
    monkeypatch.setattr(f"{RULE}.CROWD_ABOVE", 4)
    monkeypatch.setattr(f"{RULE}.CROWD_BELOW", 3)


async def crowd(town: Town) -> list[Client]:
    """Five users who watch nobody and have read everything."""
    users = [await town.enters(f"extra{number}", watch=()) for number in range(5)]
    for user in users:
        await news(user)
    return users


async def asked(client: Client, *names: str, no_more: tuple[str, ...] = ()) -> list[str] | str:
    """WATCH; return who stands how, or the code of the refusal."""
    request = Watch(client.next_id(), names, no_more)
    pages: list[Any] = [await client.ask(request)]
    while isinstance(pages[-1], Users) and pages[-1].more:
        pages.append(await client.answer_to(request))
    if isinstance(pages[-1], Err):
        return pages[-1].code
    return [f"{user.name} {user.status.value}" for page in pages for user in page.users]


# --- Whom one is told of ---


async def test_in_a_crowd_one_is_told_of_whom_one_watches(
    town: Town, autojump_clock: MockClock
) -> None:
    await crowd(town)
    carol = await town.enters("carol", watch=("DAVE", "carol"))
    assert carol.welcome.crowd
    assert await news(carol) == ["carol came"]
    dave, erin = await town.enters("Dave", watch=()), await town.enters("erin", watch=())
    assert await news(carol) == ["Dave came"]
    assert await news(dave) == []

    assert await asked(carol, "ERIN", "nobody", no_more=("dave",)) == ["erin ACTIVE"]
    await dave.ask(SetStatus(1, Status.BUSY))
    await erin.ask(SetStatus(1, Status.BUSY))
    assert await news(carol) == ["erin BUSY"]


async def test_the_rule_turns_for_all_when_many_come_and_back_when_they_go(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await town.enters("carol", watch=("extra1",))
    old = await town.enters("old")
    others = [await town.enters(f"extra{number}", watch=()) for number in range(2)]
    assert await news(carol) == ["carol came", "old came", "extra0 came", "extra1 came"]
    await news(old)
    others += [await town.enters("extra2", watch=())]
    assert not others[-1].welcome.crowd
    assert await news(carol) == ["a crowd of 5"]
    assert await news(old) == []

    for other in others:
        await other.leaves()
    assert await news(carol) == ["extra1 left", "no crowd: 2"]
    everybody = await carol.ask(List(carol.next_id(), here=True))
    assert [user.name for user in everybody.users] == ["carol", "old"]
    await town.enters("dave", watch=())
    assert await news(carol) == ["dave came"]
    assert await news(old) == ["dave came"]


async def test_an_old_program_is_told_of_those_with_whom_its_user_has_to_do(
    town: Town, autojump_clock: MockClock
) -> None:
    users = await crowd(town)
    old = await town.enters("old")
    await old.ask(Lookup(1, "EXTRA1"))
    await old.ask(Drop(2, "extra2", "ab" * 16, b"sealed"))
    await old.ask(Lookup(3, "nobody"))
    for user in users:
        await user.ask(SetStatus(1, Status.BUSY))
    assert await news(old) == ["extra1 BUSY", "extra2 BUSY"]
    assert not [message for message in old.heard if isinstance(message, Err)]


async def test_a_name_that_is_given_back_is_told_and_still_watched(
    town: Town, autojump_clock: MockClock
) -> None:
    await crowd(town)
    dave, carol = await town.enters("dave"), await town.enters("carol", watch=("dave",))
    await news(carol)
    assert await dave.ask(Unregister(1)) == Done(1)
    assert await news(carol) == ["dave left"]
    assert await asked(carol, "dave") == []
    await town.enters("dave")
    assert await news(carol) == ["dave came"]


async def test_who_comes_again_over_another_link_is_told_what_that_one_watches(
    town: Town,
    autojump_clock: MockClock,
) -> None:
    users = await crowd(town)
    await town.enters("carol", watch=("extra1",))
    carol = await town.enters("carol", watch=("extra2",))
    await users[1].ask(SetStatus(1, Status.BUSY))
    await users[2].ask(SetStatus(1, Status.BUSY))
    assert await news(carol) == ["extra2 BUSY"]
    assert town.directory.community.sessions.announcements.watchlists.total == 1


async def test_nothing_is_kept_of_a_link_that_has_ended(
    town: Town, autojump_clock: MockClock
) -> None:
    users = await crowd(town)
    watchlists = town.directory.community.sessions.announcements.watchlists
    carol = await town.enters("carol", watch=("extra1", "nobody"))
    assert watchlists.total == 2
    await users[1].ask(SetStatus(1, Status.BUSY))
    await carol.leaves()
    assert watchlists.total == 0
    assert list(watchlists.watchers("extra1")) == []
    assert len(list(watchlists.links)) == 5
    await trio.sleep(5)
    assert not town.directory.community.sessions.announcements


async def test_who_came_and_went_is_told_of_if_an_answer_has_shown_them(
    town: Town, autojump_clock: MockClock
) -> None:
    await crowd(town)
    carol, dave = await town.enters("carol", watch=("dave",)), await town.enters("dave", watch=())
    assert await asked(carol, "dave") == ["dave ACTIVE"]
    await dave.leaves()
    assert await news(carol) == ["dave left"]


# --- Nobody gets more by it ---


async def test_one_watches_a_thousand_names_and_no_more(
    town: Town, autojump_clock: MockClock
) -> None:
    users = await crowd(town)
    names = [f"user{number}" for number in range(WATCHED)]
    carol = await town.enters("carol", watch=tuple(names[:WATCHED_AT_FIRST]))
    for start in range(WATCHED_AT_FIRST, WATCHED, PAGE_MOST):
        assert await asked(carol, *names[start : start + PAGE_MOST]) == []
    assert await asked(carol, "extra1", no_more=("nobody",)) == "FULL"
    assert await asked(carol, *map(str.upper, names[:PAGE_MOST])) == []
    assert await asked(carol, "extra1", no_more=("USER7",)) == ["extra1 ACTIVE"]
    await users[1].ask(SetStatus(1, Status.BUSY))
    assert await news(carol) == ["extra1 BUSY"]


@pytest.mark.parametrize(
    "watch",
    [
        {"names": ("user",) * (PAGE_MOST + 1)},
        {"no_more": ("user",) * (PAGE_MOST + 1)},
        {"names": ("\x1b[2J",)},
        {"names": ("",)},
    ],
    ids=["too many", "too many off", "no name", "empty"],
)
async def test_a_watch_that_is_none_ends_the_link(
    town: Town, autojump_clock: MockClock, watch: dict[str, Any]
) -> None:
    carol = await town.enters("carol", watch=())
    carol.say(Watch(1, **watch))
    assert (await carol.hears(Err)).code == "PROTOCOL"
    await carol.ends()


async def test_more_names_at_first_than_fit_are_refused(
    town: Town, autojump_clock: MockClock
) -> None:
    with pytest.raises(ParleyError, match="not as it should be"):
        await town.enters("carol", watch=("dave",) * (WATCHED_AT_FIRST + 1))


async def test_who_watches_and_unwatches_all_the_time_is_read_slowly(
    town: Town, autojump_clock: MockClock
) -> None:
    users = await crowd(town)
    mallory = await town.enters("mallory", watch=())
    names = tuple(f"user{number}" for number in range(PAGE_MOST))
    begun, floods = trio.current_time(), 30
    for id in range(floods):
        mallory.say(Watch(id, names if id % 2 else (), () if id % 2 else names))
    await users[1].ask(SetStatus(1, Status.BUSY))
    assert trio.current_time() < begun + 1  # others are served meanwhile
    answered = [await mallory.hears(Users) for _ in range(8)]
    assert trio.current_time() < begun + 4
    answered += [await mallory.hears(Users) for _ in range(floods - 8)]
    assert trio.current_time() > begun + (floods - 8) * PAGE_MOST / WATCHES_A_SECOND


async def test_together_they_watch_no_more_than_there_is_room_for(
    town: Town, autojump_clock: MockClock
) -> None:
    await town.closes()
    await town.opens(connections=20)  # room for 15 users, 100 names each
    flood = [await town.enters(f"flood{number}", watch=()) for number in range(2)]
    for one in flood:
        for start in range(0, WATCHED, PAGE_MOST):
            names = (f"{one.name}-{number}" for number in range(start, start + 200))
            await asked(one, *names)
    assert await asked(flood[1], "one-more") == "FULL"
    carol = await town.enters("carol", at="10.0.0.4", watch=())
    assert await asked(carol, "flood0") == ["flood0 ACTIVE"]


async def test_parts_of_a_list_are_served_in_turn_with_all_others(
    town: Town, autojump_clock: MockClock
) -> None:
    await crowd(town)
    mallory, carol = await town.enters("mallory", at="10.0.0.4"), await town.enters("carol")
    town.hub.cables("10.0.0.4")[0].stall(reader="10.0.0.4")
    for id in range(1_500):
        mallory.say(List(id, prefix="extra", most=400))
    assert len((await carol.ask(List(1, prefix="EXTRA", most=3))).users) == 3
    assert not mallory.is_over


async def test_a_hundred_changes_of_one_status_are_few_posts(
    town: Town, autojump_clock: MockClock
) -> None:
    users = await crowd(town)
    carol = await town.enters("carol", watch=("extra1",))
    await news(carol)
    begun = trio.current_time()
    for _ in range(50):
        for status in (Status.BUSY, Status.ACTIVE):
            await users[1].ask(SetStatus(users[1].next_id(), status))
            await trio.sleep(0.05)
    assert len(await news(carol)) <= trio.current_time() - begun
