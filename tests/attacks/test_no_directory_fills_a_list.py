"""A directory that lies about crowds fills no list and no screen, and stops nobody.

In a crowd it should tell of users whom a peer watches, and of nobody else.
"""

from collections.abc import Callable
from typing import Any

import pytest
import trio

from directory_server.answers import Answers
from directory_server.core.presence import announcements
from peer import events
from shared.errors import Refused
from shared.messages.common import Err, Message, Status
from shared.messages.directory import (
    PAGE,
    PAGE_MOST,
    WATCHED,
    Arr,
    Chg,
    Crowd,
    Lft,
    Presence,
    Users,
    Watch,
)
from tests.kit.community import Community, Person

LONG = 30.0  # seconds, until everything was told


@pytest.fixture
def crowd(community: Community, monkeypatch: pytest.MonkeyPatch) -> Community:
    monkeypatch.setattr(announcements, "CROWD_ABOVE", 1)
    monkeypatch.setattr(announcements, "CROWD_BELOW", 1)
    return community


async def starts(crowd: Community, *names: str) -> list[Person]:
    people = [crowd.person(name) for name in names]
    for person in people:
        person.is_by_hand = True
        await person.starts()
    await trio.sleep(LONG)
    return people


def phantoms(word: str, count: int = PAGE_MOST) -> tuple[Presence, ...]:
    return tuple(Presence(f"{word}{number}", Status.ACTIVE, 0.0) for number in range(count))


def known(person: Person) -> set[str]:
    return {user.name for user in person.peer.roster.known}


async def still_talks(carol: Person, dave: Person) -> None:
    await carol.types("PRV dave still there?")
    await dave.sees("[private] carol: still there?")


async def test_whom_nobody_asked_about_is_kept_nowhere_and_shown_nowhere(crowd: Community) -> None:
    carol, dave = await starts(crowd, "carol", "dave")
    await still_talks(carol, dave)
    await trio.sleep(LONG)
    assert known(carol) == {"carol", "dave"}
    lines = len(carol.lines)
    for number in range(50):
        users = phantoms(f"p{number}x")
        crowd.directory.says(
            "carol", Users(7, users), Users(8, users, more=True), Arr(users), Chg(users)
        )
        crowd.directory.says("carol", Lft(tuple(user.name for user in users)))
        await trio.sleep(0.1)
    await trio.sleep(LONG)
    assert known(carol) == {"carol", "dave"}
    assert len(carol.lines) == lines
    await still_talks(carol, dave)


async def test_below_a_crowd_no_more_are_kept_than_a_directory_holds(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peer.core.reach.presence.KNOWN_MOST", 1_000)
    carol, dave = await starts(community, "carol", "dave")
    for number in range(10):
        community.directory.says("carol", Users(7, phantoms(f"p{number}x")))
        await trio.sleep(0.1)
    assert len(known(carol)) <= 1_000
    await still_talks(carol, dave)


async def test_a_rule_that_changes_all_the_time_costs_a_question_a_second(
    crowd: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await starts(crowd, "carol", "dave")
    asked: list[float] = []
    list_all, watch = Answers.list, Answers.watch

    async def noted_list(self: Answers, request: Any) -> None:
        asked.append(trio.current_time())
        await list_all(self, request)

    async def noted_watch(self: Answers, request: Any) -> None:
        asked.append(trio.current_time())
        await watch(self, request)

    monkeypatch.setattr(Answers, "list", noted_list)
    monkeypatch.setattr(Answers, "watch", noted_watch)
    for _ in range(500):
        crowd.directory.says("carol", Crowd(crowd=False, online=2**52), Crowd(crowd=True, online=0))
        await trio.sleep(0.01)
    await trio.sleep(LONG)
    assert len(asked) <= 20
    await still_talks(carol, dave)
    await carol.types("LIST USERS")
    await carol.sees_part("users are online.")


async def test_a_watched_user_who_comes_a_thousand_times_is_told_once(crowd: Community) -> None:
    carol, dave = await starts(crowd, "carol", "dave")
    await carol.types("WATCH dave")
    await trio.sleep(LONG)
    here = Presence("dave", Status.ACTIVE, 0.0)
    for _ in range(1_000):
        crowd.directory.says("carol", Arr((here,)))
    await trio.sleep(LONG)
    assert not [one for one in carol.events if isinstance(one, events.Came)]
    await still_talks(carol, dave)


@pytest.mark.parametrize(
    "answer",
    [
        lambda re: Users(re, phantoms("x")),
        lambda re: Users(re, ()),
        lambda re: Err("FULL", "you watch too many", re),
        lambda re: Err("UNKNOWN", "WATCH is not known here"),
        lambda _: Err("UNKNOWN", "\x1b[2J"),
    ],
)
async def test_whatever_is_answered_to_watch_nothing_breaks(
    crowd: Community, monkeypatch: pytest.MonkeyPatch, answer: Callable[[int], Message]
) -> None:
    async def lie(self: Answers, request: Watch) -> None:
        self._link.post(answer(request.id))

    monkeypatch.setattr(Answers, "watch", lie)
    carol, dave = await starts(crowd, "carol", "dave")
    await still_talks(carol, dave)
    await carol.types("WATCH dave")
    await carol.sees("dave is online (ACTIVE); you are told when dave comes again.")
    await carol.types("LIST USERS")
    await carol.sees_part("ACTIVE: ")
    assert len(known(carol)) <= PAGE
    await still_talks(carol, dave)


async def test_an_old_directory_that_knows_no_watch_tells_everything(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so without `re`, as every link does about a message of a newer version."""

    async def not_known(self: Answers, request: Watch) -> None:
        self._link.post(Err("UNKNOWN", "WATCH is not known here"))

    monkeypatch.setattr(Answers, "watch", not_known)
    carol, dave, erin = await starts(community, "carol", "dave", "erin")
    community.directory.says("carol", Crowd(crowd=True, online=4_211))
    await trio.sleep(LONG)
    assert carol.peer.roster.crowd == 0
    assert known(carol) == {"carol", "dave", "erin"}
    await erin.quits()
    await carol.sees("* erin is offline.")
    await still_talks(carol, dave)


@pytest.mark.parametrize("pages", [[], [True], [True] * 40])
async def test_a_directory_that_never_ends_its_answer_is_given_up(
    crowd: Community, monkeypatch: pytest.MonkeyPatch, pages: list[bool]
) -> None:
    async def endless(self: Answers, request: Watch) -> None:
        for more in pages:
            self._link.post(Users(request.id, phantoms("x"), more=more))
            await self._link.flush()

    monkeypatch.setattr(Answers, "watch", endless)
    carol, dave = await starts(crowd, "carol", "dave")
    await still_talks(carol, dave)
    await carol.types("LIST USERS")
    await carol.sees("The directory did not answer in time.")
    assert known(carol) <= {"carol", "dave"}
    await still_talks(carol, dave)


async def test_an_answer_with_more_users_than_there_can_be_is_not_kept(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page comes in time, so that the whole never takes too long."""
    monkeypatch.setattr("peer.runtime.directory.directory_client.KNOWN_MOST", 10 * PAGE_MOST)
    carol, dave = await starts(community, "carol", "dave")
    told = 0

    async def all_the_time(answers: Answers, request: Any) -> None:
        nonlocal told
        while told < 100:
            told += 1
            answers._link.post(Users(request.id, phantoms("x"), more=True))
            await answers._link.flush()
            await trio.sleep(0.01)

    monkeypatch.setattr(Answers, "list", all_the_time)
    begun = trio.current_time()
    with pytest.raises(Refused, match="more users than it can have"):
        await carol.peer.roster.users()
    assert trio.current_time() - begun < 1.0
    await still_talks(carol, dave)


async def test_a_directory_that_never_answers_watch_delays_nothing_else(
    crowd: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence(self: Answers, request: Watch) -> None:
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(Answers, "watch", silence)
    carol, dave = await starts(crowd, "carol", "dave")
    await still_talks(carol, dave)
    await carol.connects_with(dave)
    await carol.types("hello")
    await dave.sees("carol: hello")


async def test_strangers_who_write_push_no_friend_off_the_list(crowd: Community) -> None:
    carol, dave = await starts(crowd, "carol", "dave")
    await still_talks(carol, dave)
    await trio.sleep(LONG)
    contacts = carol.peer._memory.journal
    await contacts.database.write(
        lambda db: db.executemany(
            "INSERT INTO lines (kind, author, receiver, id, time, text) VALUES"
            " ('private', ?, 'carol', ?, ?, 'hello')",
            [(f"stranger{number}", f"{number:032x}", 4e9) for number in range(3 * WATCHED)],
        )
    )
    await carol.quits()
    await carol.starts()
    await trio.sleep(LONG)
    assert "dave" in known(carol)
    assert len(carol.peer._watch_list.names) == WATCHED
    await dave.quits()
    await carol.sees("* dave is offline.")


async def test_who_watches_too_many_is_refused_and_goes_on(
    crowd: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Refused("You watch too many.", "FULL")

    monkeypatch.setattr(announcements.Announcements, "watch", full)
    carol, dave = await starts(crowd, "carol", "dave")
    await still_talks(carol, dave)
    await carol.types("LIST USERS")
    await carol.sees("2 users are online.")
    await carol.types("WATCH erin", "WATCH frank", "LIST USERS")
    await trio.sleep(LONG)
    words = "The directory takes no more names: of some users you will not hear."
    assert carol.saw(words) == 1
