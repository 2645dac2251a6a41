"""How things stand, as the screen is told while they change."""

from collections.abc import Callable

import pytest
import trio

from peer import events
from peer.core.conversation.incoming.incoming_texts import IncomingTexts
from peer.program.status_feed import LOOK_SECONDS, StatusFeed
from peer.screen.ui_state import Member, UiState
from shared.messages.common import Err, Status
from tests.kit.community import Community, Person
from tests.kit.rooms import ASKS, founds


class Onlooker:
    """What somebody's screen was told."""

    def __init__(self, person: Person) -> None:
        self.outlooks: list[UiState] = []
        self._news = trio.Event()
        self.watching = StatusFeed(self)

    def stands(self, outlook: UiState) -> None:
        self.outlooks.append(outlook)
        self._news.set()

    def show(self, *shown: events.Event, then: Callable[[], None] | None = None) -> None:
        """Show nothing: the screen of the person does."""

    @property
    def now(self) -> UiState:
        return self.outlooks[-1]

    async def sees(self, holds: Callable[[UiState], bool]) -> UiState:
        with trio.fail_after(60):
            while not self.outlooks or not holds(self.now):
                self._news = trio.Event()
                await self._news.wait()
        return self.now


def onlooker(community: Community, person: Person) -> Onlooker:
    """Looks over their shoulder, as `peer.program.program` lets a screen do."""
    looking = Onlooker(person)
    tell = person.console.tell

    def heard(event: events.Event, shown: Callable[[], None]) -> None:
        tell(event, shown)
        looking.watching.heard(event)

    async def look(news: trio.lowlevel.ParkingLot) -> None:
        while True:
            await news.park()
            looking.watching.look()

    person.console.tell = heard  # type: ignore[method-assign]
    community.nursery.start_soon(look, person.screen.news)  # whatever is shown
    community.nursery.start_soon(look, person.keyboard.news)  # or was done
    community.nursery.start_soon(looking.watching.run, person.peer, person.console)
    return looking


async def test_at_first_it_is_told_who_i_am(community: Community) -> None:
    (carol,) = await community.start("carol")
    look = onlooker(community, carol)
    assert (await look.sees(lambda now: now.me == "carol")).status is Status.ACTIVE
    assert not look.now.directory_is_gone


async def test_who_is_registered_is_asked_once_and_then_followed(community: Community) -> None:
    (carol,) = await community.start("carol")
    look = onlooker(community, carol)
    look.watching.heard(events.Registered("carol", "10.0.0.1:5000"))
    await look.sees(lambda now: [user.name for user in now.users] == ["carol"])
    dave = community.person("dave")
    await dave.starts()
    await look.sees(lambda now: now.online() == ["dave"])
    await dave.quits()
    await look.sees(lambda now: now.online() == [] and now.everybody() == ["dave"])


async def test_it_follows_a_conversation(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    look = onlooker(community, carol)
    await carol.connects_with(dave)
    talking = await look.sees(lambda now: now.others == ("dave",))
    assert talking.members == (Member("dave"),)
    assert talking.status is Status.BUSY
    await dave.types("QUIT CONVERSATION")
    assert (await look.sees(lambda now: not now.members)).status is Status.ACTIVE


async def test_it_follows_an_invitation_on_both_sides(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    asking, asked = onlooker(community, carol), onlooker(community, dave)
    await carol.types("CHAT dave")
    await asking.sees(lambda now: now.waits_for == ("dave",))
    await asked.sees(lambda now: now.questions == ("carol",) == now.invited_by)
    assert asked.now.context.question_open
    await dave.types("N")
    await asked.sees(lambda now: not now.questions)
    await asking.sees(lambda now: not now.waits_for)


async def test_a_question_that_was_answered_does_not_come_back(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await erin.types("CHAT carol")
    await erin.sees_part("Interrupt? (Y/N)")
    await erin.types("Y")
    await carol.sees_part("User erin wants to chat with you.")
    look = onlooker(community, carol)
    await look.sees(lambda now: now.questions == ("erin",))
    carol.machine.disk.seconds = 5.0
    await dave.types("shall we?")
    await carol.sees("dave: shall we?")
    carol.types_ahead("/y")
    await look.sees(lambda now: not now.questions)
    answered = len(look.outlooks)
    await dave.types("or not?")
    await carol.sees("dave: or not?")
    assert carol.talks_with == ("dave",)
    await erin.sees("You are now connected with carol.")
    assert not [now for now in look.outlooks[answered:] if now.questions]


async def test_a_yes_to_a_room_waits_for_no_disk(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await founds(erin)
    await erin.types("ADD carol TO lab")
    await erin.sees_part("Interrupt? (Y/N)")
    await erin.types("Y")
    await carol.sees(ASKS.format("erin", "lab", "1 member"))
    carol.machine.disk.seconds = 5.0
    await dave.types("shall we?")
    await carol.sees("dave: shall we?")
    begun = trio.current_time()
    await carol.types("/y")
    assert trio.current_time() == begun
    carol.machine.disk.seconds = 0.0
    await carol.sees_part("You are in the room #lab, with erin")
    assert carol.talks_with == ("dave",)


async def test_a_question_of_our_own_is_no_invitation(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.sees("* dave is offline.")
    look = onlooker(community, carol)
    await carol.types("CHAT dave")
    assert (await look.sees(lambda now: now.questions == ("dave",))).invited_by == ()
    await carol.types("Y")
    assert (await look.sees(lambda now: now.writing_to == "dave")).context.writing


async def test_it_follows_the_directory(community: Community) -> None:
    (carol,) = await community.start("carol")
    look = onlooker(community, carol)
    await look.sees(lambda now: not now.directory_is_gone)
    await community.directory.crashes()
    await look.sees(lambda now: now.directory_is_gone)
    await community.directory.starts()
    await look.sees(lambda now: not now.directory_is_gone and bool(now.users))


async def test_it_knows_at_once_that_another_program_has_taken_over(community: Community) -> None:
    (carol,) = await community.start("carol")
    look = onlooker(community, carol)
    await look.sees(lambda now: not now.directory_is_gone)
    await trio.sleep(60)
    community.directory.says("carol", Err("TAKEOVER", "another program has your name"))
    assert (await look.sees(lambda now: now.is_displaced)).directory_is_gone


async def test_it_counts_what_has_not_arrived(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    look = onlooker(community, carol)
    await look.sees(lambda now: now.members == (Member("dave"),))
    community.separates(carol, dave)
    await carol.types("one", "two")
    waiting = await look.sees(lambda now: now.undelivered == 2)
    assert waiting.members[0].lacks == 2
    early = [now.members[0] for now in look.outlooks if now.members and not now.undelivered]
    assert not any(member.lacks for member in early)  # nothing was late yet
    lost = await look.sees(lambda now: now.members[0].is_lost)
    assert lost.others == ("dave",)
    community.reunites(carol, dave)
    await look.sees(lambda now: now.members == (Member("dave"),) and not now.undelivered)


async def test_it_tells_how_much_is_to_come(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IncomingTexts, "to_come", 120)
    carol, dave = await community.start("carol", "dave")
    look = onlooker(community, carol)
    assert (await look.sees(lambda now: now.me == "carol")).to_come == 0
    await carol.connects_with(dave)
    await look.sees(lambda now: now.to_come == 120)
    await carol.types("QUIT CONVERSATION")
    await look.sees(lambda now: now.to_come == 0)


async def test_in_a_group_it_tells_through_whom_one_is_reached(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees_part("User carol wants to chat with you and dave.")
    await erin.types("Y")
    await carol.sees("User erin joined the conversation.")
    look = onlooker(community, carol)
    await look.sees(lambda now: now.members == (Member("dave"), Member("erin")))
    community.separates(carol, erin)
    way = Member("erin", is_direct=False, through="dave")
    await look.sees(lambda now: now.members == (Member("dave"), way))


async def test_mute_is_told(community: Community) -> None:
    (carol,) = await community.start("carol")
    look = onlooker(community, carol)
    await carol.types("MUTE")
    await look.sees(lambda now: now.is_muted)


async def test_outside_a_conversation_it_looks_only_when_something_happened(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    look = onlooker(community, carol)
    await look.sees(lambda now: not now.members)
    before = len(look.outlooks)
    await trio.sleep(60 * LOOK_SECONDS)  # on the clock that jumps
    assert len(look.outlooks) == before
    await carol.connects_with(dave)
    await look.sees(lambda now: bool(now.members))
    before = len(look.outlooks)
    await trio.sleep(60 * LOOK_SECONDS)
    assert len(look.outlooks) >= before + 50
