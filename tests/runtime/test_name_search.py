"""Users are found by the beginning of their names, at a directory that may be old or lie."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import trio

from peer.runtime.directory.directory_client import DirectoryGone
from peer.runtime.directory.name_search import FRESH_SECONDS, KEPT_MOST, OFFERED, NameSearch
from shared.messages.common import Status
from shared.messages.directory import List, Presence, Users

JO = ("Joan", "joe", "john", "jon")


def one(name: str) -> Presence:
    return Presence(name, Status.ACTIVE, 0.0)


class Directory:
    """What the directory answers, and what it was asked."""

    def __init__(self, *names: str, page: int = 100) -> None:
        self.users = sorted(map(one, names), key=lambda user: user.name.lower())
        self.page = page
        self.asked: list[List] = []
        self.is_there = True
        self.answer: Callable[[List], Users] = self.honest

    def honest(self, asked: List) -> Users:
        fitting = [
            user
            for user in self.users
            if user.name.lower().startswith(asked.prefix.lower())
            and user.name.lower() > asked.after.lower()
        ]
        most = min(asked.most, self.page)
        return Users(asked.id, tuple(fitting[:most]), len(fitting) > most)

    def old(self, asked: List) -> Users:
        """Knows nothing of beginnings: the first page of everybody."""
        return Users(asked.id, tuple(self.users[: self.page]), len(self.users) > self.page)

    async def ask(self, make: Callable[[int], List], kind: type[Users]) -> Users:
        await trio.lowlevel.checkpoint()
        if not self.is_there:
            raise DirectoryGone("the directory cannot be reached at this moment")
        self.asked.append(make(1))
        return self.answer(self.asked[-1])

    async def ask_pages(self, make: Callable[[int], List]) -> list[Users]:
        await trio.lowlevel.checkpoint()
        self.asked.append(make(1))
        return [Users(1, tuple(self.users), False)]


def search(directory: Directory) -> NameSearch:
    fake: Any = directory
    return NameSearch(fake)


def names(users: Sequence[Presence]) -> list[str]:
    return [user.name for user in users]


async def test_a_page_has_those_who_begin_so_and_says_if_there_are_more() -> None:
    directory = Directory("dave", *JO)
    found = await search(directory).page("JO", most=3)
    assert (names(found.users), found.more) == (["Joan", "joe", "john"], True)
    found = await search(directory).page("jo", after="John", most=3)
    assert (names(found.users), found.more) == (["jon"], False)


async def test_all_come_page_after_page() -> None:
    directory = Directory("dave", *JO, page=2)
    assert names(await search(directory).all("jo")) == list(JO)
    assert [asked.after for asked in directory.asked] == ["", "joe"]


async def test_an_old_directory_which_cannot_search_is_asked_about_everybody() -> None:
    directory = Directory("dave", "erin", *JO, page=3)
    directory.answer = directory.old
    found = await search(directory).page("jo", after="joan", most=2)
    assert (names(found.users), found.more) == (["joe", "john"], True)
    assert names(await search(directory).all("jo")) == list(JO)


@pytest.mark.parametrize(
    "lie",
    [
        Users(1, (), more=True),
        Users(1, tuple(map(one, ("joe", "joe", "JOE"))), more=True),
        Users(1, tuple(map(one, ("mallory",) * 100)), more=True),
        Users(1, tuple(one(f"jo{number}") for number in range(400)), more=True),
    ],
)
async def test_whatever_a_directory_answers_it_ends(lie: Users) -> None:
    directory = Directory(*JO)
    directory.answer = lambda _: lie
    with trio.fail_after(5):
        found = await search(directory).all("jo")
    assert all(user.name.lower().startswith("jo") for user in found)


async def test_a_directory_that_never_ends_is_not_listened_to_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("peer.runtime.directory.name_search.ALL_MOST", 500)
    directory = Directory()
    directory.answer = lambda asked: Users(
        1, tuple(one(f"{asked.after or 'jo'}{number:03}") for number in range(100)), more=True
    )
    assert len(await search(directory).all("jo")) == 500


# --- For completion ---------------------------------------------------------------


async def test_what_was_found_is_kept_for_a_minute_and_asked_once(autojump_clock: Any) -> None:
    directory = Directory("dave", *JO)
    ours = search(directory)
    await ours.look("jo")
    await ours.look("JO")
    await ours.look("joh")  # all who begin with jo are known
    assert names(ours.found) == list(JO)
    assert len(directory.asked) == 1
    await trio.sleep(FRESH_SECONDS + 1)
    assert ours.found == ()
    await ours.look("jo")
    assert len(directory.asked) == 2


async def test_when_there_are_more_another_letter_asks_again(autojump_clock: Any) -> None:
    directory = Directory(*(f"jo{number:03}" for number in range(50)), "joe")
    ours = search(directory)
    await ours.look("jo")
    assert len(ours.found) == OFFERED
    await ours.look("joe")
    assert "joe" in names(ours.found)


async def test_only_so_much_is_kept(autojump_clock: Any) -> None:
    ours = search(Directory(*(f"user{number:04}" for number in range(1_000))))
    for number in range(50):
        await ours.look(f"user{number:03}")
    assert len(ours.found) <= KEPT_MOST * OFFERED


async def test_while_the_directory_is_gone_nobody_is_found(autojump_clock: Any) -> None:
    directory = Directory(*JO)
    directory.is_there = False
    ours = search(directory)
    await ours.look("jo")
    assert ours.found == ()
    directory.is_there = True
    await ours.look("jo")
    assert names(ours.found) == list(JO)
