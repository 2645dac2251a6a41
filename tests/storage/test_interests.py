"""Who matters to me, as the journal knows it."""

from collections.abc import AsyncIterator

import pytest

from peer.core.history_entry import Kind
from peer.core.reach.watch_list import Interests, Talk
from peer.storage.journal import Batch, Journal
from peer.storage.left_letters import LeftLetter
from peer.storage.lines import Fate, KeptLine
from shared.messages.peers import Text
from tests.kit.cores import me, together
from tests.kit.journals import ID, NOW, STAY, opened
from tests.kit.world import MemoryDisk

DAY = 86_400.0
KEY = b"k" * 32


@pytest.fixture
async def journal() -> AsyncIterator[Journal]:
    async with opened(MemoryDisk()) as one:
        yield one


def line(
    author: str,
    receiver: str,
    time: float = NOW,
    *,
    fate: Fate = Fate.SENT,
    kind: Kind = Kind.PRIVATE,
) -> KeptLine:
    fate = Fate.CAME if author != "carol" else fate
    return KeptLine(kind, author, receiver, f"{author}{receiver}{time}", time, "hello", fate)


async def enter(journal: Journal, id: str, begun: float, *names: str) -> None:
    """Be in a conversation with these users since then."""
    members = together("carol", *names)
    rows = [
        (id, me(name).id, name, one) for name, one in zip(("carol", *names), members, strict=True)
    ]
    await journal.keep(Batch([(id, (), 0)], members=rows), begun)


def read(journal: Journal, now: float = NOW) -> Interests:
    return journal.interests.read("carol", now)


async def test_nobody_matters_at_first(journal: Journal) -> None:
    assert read(journal) == Interests()


async def test_members_of_what_is_not_over_matter_and_later_they_are_history(
    journal: Journal,
) -> None:
    await enter(journal, ID, NOW - DAY, "dave", "erin")
    assert set(read(journal).members) == {"carol", "dave", "erin"}
    await journal.keep(Batch(ended=[ID]), NOW)
    interests = read(journal)
    assert interests.members == ()
    assert {talk.name for talk in interests.talks} == {"dave", "erin"}


async def test_a_conversation_is_as_old_as_its_last_text(journal: Journal) -> None:
    await enter(journal, ID, NOW - 200 * DAY, "dave")
    assert read(journal).talks == ()
    said = Text(ID, me("dave").id, STAY, 1, 1, NOW - DAY, ("hello",))
    await journal.keep(Batch(texts=[said]), NOW)
    assert read(journal).talks == (Talk("dave", NOW - DAY, is_answered=False),)


async def test_to_whom_something_is_on_its_way_matters(journal: Journal) -> None:
    await journal.lines.keep([line("carol", "dave", fate=Fate.PENDING), line("carol", "frank")])
    await journal.left_letters.add("1" * 32, LeftLetter("erin", KEY, NOW, None))
    assert set(read(journal).awaiting) == {"dave", "erin"}


async def test_whom_i_wrote_to_and_who_wrote_to_me_is_history_with_the_last_time(
    journal: Journal,
) -> None:
    await journal.contacts.remember_answered(["dave"], NOW)
    journal.contacts.answered.add("dave")
    await journal.lines.keep(
        [
            line("carol", "dave", NOW - 9 * DAY), line("Dave", "CAROL", NOW - 2 * DAY),
            line("carol", "erin", NOW - 3 * DAY), line("frank", "carol", NOW - 4 * DAY),
            line("grace", "", kind=Kind.ALL), line("carol", "", kind=Kind.ALL),
        ]
    )  # fmt: skip
    talks = {talk.name: talk for talk in read(journal).talks}
    assert talks == {
        "dave": Talk("dave", NOW - 2 * DAY, is_answered=True),
        "erin": Talk("erin", NOW - 3 * DAY, is_answered=False),
        "frank": Talk("frank", NOW - 4 * DAY, is_answered=False),
    }


async def test_what_is_older_than_ninety_days_counts_no_more(journal: Journal) -> None:
    await journal.lines.keep([line("carol", "dave", NOW - 91 * DAY), line("erin", "carol", NOW)])
    assert [talk.name for talk in read(journal).talks] == ["erin"]


async def test_a_time_that_somebody_claims_counts_at_most_as_of_now(journal: Journal) -> None:
    await journal.lines.keep([line("mallory", "carol", NOW + 1e9)])
    assert read(journal).talks == (Talk("mallory", NOW, is_answered=False),)


async def test_watched_users_stay_so_over_restarts_until_it_is_taken_back() -> None:
    disk = MemoryDisk()
    async with opened(disk) as journal:
        for name in ("dave", "Dave", "erin"):
            await journal.contacts.watch(name)
    async with opened(disk) as journal:
        assert journal.contacts.watched == {"dave": "Dave", "erin": "erin"}
        assert read(journal).asked_for == ("Dave", "erin")
        await journal.contacts.unwatch("DAVE")
        await journal.contacts.unwatch("frank")
    async with opened(disk) as journal:
        assert journal.contacts.watched == {"erin": "erin"}
