"""Single lines: private ones, and those to everybody online (PRODUCT.md)."""

from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
import trio

from peer.core.arrivals import TextPlace
from peer.core.line_window import SECONDS
from peer.core.myself import Myself, Registration
from peer.core.stranger_limits import StrangerLimits
from peer.events import Event
from peer.runtime.conversation.progress import Progress
from peer.runtime.disk_shares import DiskShares
from peer.runtime.incoming import Incoming
from peer.runtime.keys.linked_names import LinkedNames
from peer.runtime.lines.private_lines import UNSHOWN_LINES, IncomingLines
from peer.runtime.link import links
from peer.runtime.recorder import KEEP_AGAIN_SECONDS, Recorder
from peer.runtime.tasks import Tasks
from peer.storage.journal import Journal
from shared.errors import ProtocolError
from shared.identity import SEED_BYTES, Identity
from shared.messages.common import Message
from shared.messages.peers import Private, Shown
from tests.kit.community import Community
from tests.kit.world import EPOCH, FakeClock, MemoryDisk

# --- Private lines ----------------------------------------------------------------


async def test_a_private_line_is_shown_without_a_conversation(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    await carol.types("TELL (dave) hello  again")
    await dave.sees("[private] carol: hello  again")
    assert not dave.has_open_question


async def test_a_name_and_a_text_is_a_private_line(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("dave hello")
    await dave.sees("[private] carol: hello")
    await carol.types("frank hello")
    await carol.sees_part("Unknown command: frank hello")


async def test_an_at_sign_works_inside_a_conversation_too(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    erin = community.person("erin")
    await erin.starts()
    await carol.types("@erin psst", "@dave psst")
    await erin.sees("[private] carol: psst")
    await dave.sees("[private] carol: psst")
    await carol.types("erin is here")
    await dave.sees("carol: erin is here")
    await erin.types("@carol what?")
    await carol.sees("[private] erin: what?")


async def test_a_private_line_to_an_absent_user_is_left_for_him(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.types("PRV dave hello")
    await carol.sees("Not delivered to dave: dave is offline at this moment.")
    await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees_part("] carol: hello")


async def test_a_private_line_to_nobody(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("PRV frank hello")
    await carol.sees("User frank does not exist!")
    await carol.types("PRV carol hello")
    await carol.sees("You can't write to yourself.")


async def test_a_private_line_while_nobody_can_be_asked(community: Community) -> None:
    """Who was dialled before is found again without the directory."""
    carol, dave, _ = await community.start("carol", "dave", "erin")
    await carol.types("@dave hello")
    await dave.sees("[private] carol: hello")
    await trio.sleep(60)
    assert not community.cables(carol, dave)
    await community.directory.crashes()
    await carol.types("@dave still there?")
    await dave.sees("[private] carol: still there?")
    await carol.types("@erin hello")
    await carol.sees("Kept for erin until the directory is back.")
    carol.never_saw("Not delivered")


async def test_a_line_over_a_link_that_breaks_is_shown_once(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave one")
    await dave.sees("[private] carol: one")
    await trio.sleep(1)
    for cable in community.cables(carol, dave):
        cable.stall(reader=carol.host)  # SHOWN will not come back
    await carol.types("@dave two")
    await dave.sees("[private] carol: two")
    community.cuts(carol, dave)
    await trio.sleep(2)
    await carol.types("@dave three")
    await dave.sees("[private] carol: three")
    await trio.sleep(30)
    assert dave.saw("[private]") == 3
    carol.never_saw("Not delivered")


async def test_a_line_over_a_dead_link_says_so_and_is_left(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave one")
    await dave.sees("[private] carol: one")
    community.separates(carol, dave)
    await carol.types("@dave two")
    await carol.sees(
        f"Not delivered to dave: dave's program did not answer within {SECONDS:.0f} seconds.",
        within=SECONDS + 1,
    )
    await carol.sees("Message left for dave.")


async def test_a_line_is_delivered_when_it_stood_on_the_screen(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    dave.screen.pauses()
    delivery = carol.peer.lines.private("dave", "hello")
    await trio.sleep(5)
    assert not delivery.is_over
    dave.screen.goes_on()
    with trio.fail_after(1):
        await delivery.wait()


async def test_lines_to_one_user_keep_their_order(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    carol.types_ahead(*(f"@dave {number}" for number in range(300)))
    await dave.sees("[private] carol: 299", within=15)  # he has never answered her
    assert [line for line in dave.lines if "private" in line] == [
        f"[private] carol: {number}" for number in range(300)
    ]


async def test_a_slow_screen_does_not_set_the_pace(community: Community) -> None:
    """A terminal is drawn ten times a second, and shows what came meanwhile at once."""
    carol, dave = await community.start("carol", "dave")
    await dave.types("@carol hello")
    await carol.sees("[private] dave: hello")
    dave.screen.pauses()
    lines = [carol.peer.lines.private("dave", str(number)) for number in range(300)]
    drawn = 0
    while not lines[-1].is_over:
        await trio.sleep(0.1)
        dave.screen.goes_on()
        await trio.lowlevel.checkpoint()
        dave.screen.pauses()
        drawn += 1
        assert drawn < 30
    assert [line for line in dave.lines if "[private] carol" in line] == [
        f"[private] carol: {number}" for number in range(300)
    ]


async def test_lines_that_a_broken_link_lost_come_once_and_in_order(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("@carol hello")
    await carol.sees("[private] dave: hello")
    dave.screen.pauses()
    lines = [carol.peer.lines.private("dave", str(number)) for number in range(40)]
    await trio.sleep(1)
    community.cuts(carol, dave)
    await trio.sleep(3)
    dave.screen.goes_on()
    for delivery in lines:
        await delivery.wait()
    assert [line for line in dave.lines if "[private] carol" in line] == [
        f"[private] carol: {number}" for number in range(40)
    ]


async def test_lines_to_somebody_who_hangs_are_all_told_at_once(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave one")
    await dave.sees("[private] carol: one")
    await trio.sleep(1)
    community.separates(carol, dave)
    await carol.types("@dave two", "@dave three")
    await trio.sleep(SECONDS + 1)
    assert carol.saw("Not delivered to dave: dave's program did not answer within 15 sec") == 2
    await carol.sees("Message left for dave.")


async def test_a_quit_waits_for_lines_on_their_way(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    carol.types_ahead("@dave one", "@dave two", "MSG three")
    await carol.ends_input()
    await dave.sees("[private] carol: one")
    await dave.sees("[private] carol: two")
    await dave.sees("[all] carol: three")
    await dave.sees("* carol is offline.")


# --- To all -----------------------------------------------------------------------


async def test_a_line_to_all_reaches_everybody_online(community: Community) -> None:
    carol, *others = await community.start("carol", "dave", "erin", "frank", "gina")
    gone = others.pop()
    await gone.quits()
    await carol.sees("* gina is offline.")
    await carol.types("MSG hello all")
    for other in others:
        await other.sees("[all] carol: hello all")
    await trio.sleep(20)
    carol.never_saw("Not delivered")
    carol.never_saw("[all]")
    await gone.starts()
    await trio.sleep(1)
    gone.never_saw("hello all")


async def test_a_line_to_all_says_whom_it_did_not_reach(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    community.hub.refusing |= {carol.host, erin.host}
    carol.knows_no_punch()
    await carol.types("ALL hello all")
    await dave.sees("[all] carol: hello all")
    seen = await carol.sees_part("Not delivered to erin: erin's machine says no at 10.0.1.3:")
    assert seen.endswith(" (a firewall that rejects, or the program is just ending).")


async def test_a_line_to_all_with_nobody_else_there(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("MSG hello?")
    await carol.sees("Not delivered to anybody: nobody else is online.")


# --- What was shown already -------------------------------------------------------


class Links:
    """Remembers what is posted."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, Message]] = []

    def post(self, name: str, message: Message) -> None:
        self.posted.append((name, message))

    def behind(self, name: str) -> float:
        return 0.0


class Everybody:
    """Users whom I have answered, all of them."""

    def knows(self, _: str) -> bool:
        return True


class Names:
    """The names of links whose keys are all known."""

    def called(self, name: str) -> str:
        return name


CAROL = Myself(Registration("carol"), Identity(bytes(SEED_BYTES)))


class NoTexts:
    """There is no conversation whose texts could come."""

    def __init__(self) -> None:
        self.progress = Progress()

    def has_come(self, _: TextPlace) -> bool:
        return False


class Listener:
    """Somebody whose screen shows what it is told to show, when it is told to."""

    def __init__(
        self, nursery: trio.Nursery, disk: MemoryDisk, ignored: set[str] | None = None
    ) -> None:
        self.links = Links()
        self.shown: list[str] = []
        self._waiting: list[Callable[[], None]] = []
        journal = Journal(disk)
        keeping, clock = Recorder(journal.lines, self._tell), FakeClock()
        shares = DiskShares(journal.contacts, clock, self._tell, Tasks(nursery))
        self.heard = IncomingLines(
            cast(links.Links, self.links), self._tell, ignored or set(),
            Incoming(journal, NoTexts()), keeping, clock, CAROL,
            StrangerLimits(Everybody(), journal.lines),
            cast(LinkedNames, Names()), shares,
        )  # fmt: skip
        nursery.start_soon(journal.run)
        nursery.start_soon(keeping.run)

    def _tell(self, event: Event, shown: Callable[[], None]) -> None:
        self.shown.append(str(event))
        self._waiting.append(shown)

    async def looks(self) -> None:
        """All of it stands on the screen now, and is put on disk."""
        waiting, self._waiting = self._waiting, []
        for shown in waiting:
            shown()
        await trio.sleep(0.1)


@pytest.fixture
def disk() -> MemoryDisk:
    return MemoryDisk()


@pytest.fixture
async def carol(
    autojump_clock: Any, disk: MemoryDisk, nursery: trio.Nursery
) -> AsyncIterator[Listener]:
    yield Listener(nursery, disk)
    nursery.cancel_scope.cancel()


def line(number: int, text: str = "hello") -> Private:
    return Private(f"{number:032x}", EPOCH, text)


async def test_a_line_is_answered_once_it_stood_on_the_screen(carol: Listener) -> None:
    carol.heard.hear("dave", line(1))
    carol.heard.hear("Dave", line(1))
    await trio.sleep(1)
    assert carol.shown == ["[private] dave: hello"]
    assert carol.links.posted == []
    await carol.looks()
    assert carol.links.posted == [("dave", Shown(line(1).id))]


async def test_a_line_is_answered_once_it_lies_on_disk(carol: Listener, disk: MemoryDisk) -> None:
    disk.is_full = True
    carol.heard.hear("dave", line(1))
    await carol.looks()
    carol.heard.hear("dave", line(1))
    assert carol.links.posted == []
    assert carol.shown[1:] == ["The disk did not take it: database or disk is full."]
    disk.is_full = False
    await trio.sleep(KEEP_AGAIN_SECONDS)
    assert carol.links.posted == [("dave", Shown(line(1).id))]
    assert len(carol.shown) == 2


async def test_a_repeated_line_is_answered_again_and_not_shown_again(carol: Listener) -> None:
    carol.heard.hear("dave", line(1))
    await carol.looks()
    carol.heard.hear("dave", line(1))
    assert carol.shown == ["[private] dave: hello"]
    assert carol.links.posted == [("dave", Shown(line(1).id))] * 2
    carol.heard.hear("erin", line(1))
    assert carol.shown[1:] == ["[private] erin: hello"]


async def test_nor_is_it_shown_again_by_the_next_program(
    carol: Listener, disk: MemoryDisk, nursery: trio.Nursery
) -> None:
    carol.heard.hear("dave", line(1))
    await carol.looks()
    later = Listener(nursery, disk)
    later.heard.hear("dave", line(1))
    assert later.shown == []
    assert later.links.posted == [("dave", Shown(line(1).id))]


async def test_a_sender_who_waits_for_no_answer_is_cut_off(carol: Listener) -> None:
    for number in range(UNSHOWN_LINES):
        carol.heard.hear("dave", line(number))
    with pytest.raises(ProtocolError):
        carol.heard.hear("dave", line(UNSHOWN_LINES))
    carol.heard.hear("erin", line(1))
    await carol.looks()
    carol.heard.hear("dave", line(UNSHOWN_LINES))
    assert len(carol.shown) == UNSHOWN_LINES + 2


async def test_an_ignored_line_is_answered_and_not_shown(
    autojump_clock: Any, disk: MemoryDisk, nursery: trio.Nursery
) -> None:
    carol = Listener(nursery, disk, ignored={"dave"})
    carol.heard.hear("Dave", line(1))
    assert carol.shown == []
    assert carol.links.posted == [("Dave", Shown(line(1).id))]
    nursery.cancel_scope.cancel()


async def test_nobody_ignores_themselves(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("IGNORE Carol", "IGNORED")
    await carol.sees("You can't ignore yourself.")
    await carol.sees("You ignore nobody.")
