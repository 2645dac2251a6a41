"""A directory that says TAKEOVER, and keeps the link, gives a program nothing to do.

The program is not registered any more, and what it cannot leave there waits on its disk.
"""

from typing import Any

import pytest
import trio

from directory_server.session import Session
from peer.runtime.directory.directory_client import ANSWER_SECONDS, DirectoryClient
from shared.messages.common import Err
from tests.kit.community import Community, Person

TAKEOVER = Err("TAKEOVER", "another program has your name")
TAKEN_OVER = "Another program of yours has taken over your name"
WAITS = (
    "Not yet left for dave, and kept here until it is:"
    " this program is no longer registered: start it again."
)
MOST = 30  # questions, each refused at once: also each new dial of a lost user begins with one
LONG = 600.0  # seconds


@pytest.fixture(autouse=True)
def few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that was taken over asks little more."""
    check, asked = DirectoryClient.check_not_displaced, 0

    def counted(client: DirectoryClient) -> None:
        nonlocal asked
        asked += client.is_displaced
        assert asked <= MOST, "it asks without an end"
        check(client)

    monkeypatch.setattr(DirectoryClient, "check_not_displaced", counted)


async def parted(community: Community) -> tuple[Person, Person]:
    """Carol has written what dave does not have."""
    carol, dave = await community.talking("carol", "dave")
    await trio.sleep(60)  # else it may be the ghost of an own link
    community.separates(carol, dave)
    await carol.types("one")
    await carol.sees("Not yet delivered to dave.", within=10)
    return carol, dave


async def is_left_later(carol: Person, dave: Person) -> None:
    await carol.starts_again()
    await carol.sees("Message left for dave.")
    await dave.sees_part("carol: one")


async def test_what_cannot_be_left_is_not_tried_again_and_again(community: Community) -> None:
    carol, dave = await parted(community)
    community.directory.says("carol", TAKEOVER)
    await carol.sees_part(TAKEN_OVER)
    await carol.types("QUIT CONVERSATION")
    await carol.sees(WAITS, within=10)
    await trio.sleep(LONG)
    await is_left_later(carol, dave)


async def test_what_is_on_its_way_waits_no_longer_than_for_its_answer(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await parted(community)

    async def takeover(*_: Any) -> None:
        community.directory.says("carol", TAKEOVER)

    with monkeypatch.context() as hostile:
        hostile.setattr(Session, "_drop", takeover)
        await carol.types("QUIT CONVERSATION")
        await carol.sees_part(TAKEN_OVER)
        await carol.sees(WAITS, within=ANSWER_SECONDS + 1)
        await trio.sleep(LONG)
    await is_left_later(carol, dave)
