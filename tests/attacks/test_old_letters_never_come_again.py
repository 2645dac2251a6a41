"""What was read once is never shown again, however long a directory keeps it."""

from typing import Any

import pytest
import trio

from peer.options import Options
from peer.storage import letters
from tests.kit.attackers.letters import envelopes_at, gives_again
from tests.kit.community import Community, Person

DAY = 86_400.0


def later(community: Community, days: float) -> None:
    machines = [person.machine for person in community.people.values()]
    for machine in (*machines, community.directory.machine):
        machine.clock.set(machine.clock.time() + days * DAY)


async def reads_nothing_again(community: Community, dave: Person, stored: list[Any]) -> None:
    """Weeks and many starts later the directory delivers it all again."""
    for _ in range(2):
        later(community, 10)
        await dave.starts_again()
        await trio.sleep(5)
        await dave.is_killed()
        gives_again(community, stored)
        await dave.starts()
        await trio.sleep(5)
        dave.never_saw("left for you")
        dave.never_saw("cannot be opened")


@pytest.fixture(autouse=True)
def forgets_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "REMEMBER_LETTERS_DAYS", 5)


@pytest.mark.parametrize("keeps_history", [True, False])
async def test_a_letter(community: Community, *, keeps_history: bool) -> None:
    (carol,) = await community.start("carol")
    dave = community.person("dave", Options(keeps_history=keeps_history))
    await dave.starts()
    await dave.quits()
    await carol.types("LEAVE dave back at five?")
    await carol.sees("Message left for dave.")
    stored = envelopes_at(community)
    await dave.starts()
    await dave.sees_part("carol: back at five?")
    await trio.sleep(1)
    await reads_nothing_again(community, dave, stored)


@pytest.mark.parametrize("keeps_history", [True, False])
async def test_a_copy_of_a_text(community: Community, *, keeps_history: bool) -> None:
    carol = community.person("carol")
    dave = community.person("dave", Options(keeps_history=keeps_history))
    await carol.starts()
    await dave.starts()
    await carol.connects_with(dave)
    community.separates(carol, dave)
    await carol.types("one")
    community.separates(dave, community.directory)
    await carol.sees("Message left for dave.", within=60)
    stored = envelopes_at(community)
    community.reunites(dave, community.directory)
    await dave.sees_part("carol: one", within=90)
    await carol.types("\\q")
    await trio.sleep(100)
    await dave.starts_again()
    await reads_nothing_again(community, dave, stored)


@pytest.mark.parametrize("keeps_history", [True, False])
async def test_a_private_line_that_came_directly_and_was_left_as_well(
    community: Community, *, keeps_history: bool
) -> None:
    (carol,) = await community.start("carol")
    dave = community.person("dave", Options(keeps_history=keeps_history))
    await dave.starts()
    line = carol.peer.lines.private("dave", "hello", is_lasting=True)
    await line.wait()
    await dave.sees("[private] carol: hello")
    await dave.quits()
    await carol.peer.lines.leave_instead(line)
    stored = envelopes_at(community)
    await dave.starts()
    await trio.sleep(1)
    dave.never_saw("left for you")
    await reads_nothing_again(community, dave, stored)


async def test_a_letter_of_somebody_who_was_ignored_then(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("IGNORE carol")
    await dave.quits()
    await carol.types("LEAVE dave back at five?")
    await carol.sees("Message left for dave.")
    stored = envelopes_at(community)
    await dave.starts()
    await carol.sees_part("dave received your message")  # who is ignored learns nothing of it
    await dave.types("UNIGNORE carol")
    gives_again(community, stored)
    await dave.starts_again()
    await trio.sleep(5)
    dave.never_saw("left for you")


async def test_a_letter_that_is_delivered_twice_at_once(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.types("LEAVE dave back at five?")
    await carol.sees("Message left for dave.")
    ((envelope, _, *rest),) = envelopes_at(community)
    gives_again(community, [(envelope, None, *rest)] * 2)
    await dave.starts()
    await dave.sees("1 message was left for you:")
    await trio.sleep(5)
    assert dave.saw("carol: back at five?") == 1
    assert not envelopes_at(community)
