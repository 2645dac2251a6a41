"""Messages for who is away: exactly once, in order, with their time (PRODUCT.md)."""

from collections.abc import Callable

import pytest
import trio

from directory_server.storage import mailbox
from peer import events, results
from peer.console.codes import Code
from peer.console.console import Console
from peer.core.local_time import local_time
from peer.runtime.directory.directory_client import ANSWER_SECONDS
from peer.storage.left_letters import LeftLetter
from shared.sealing import seal
from tests.kit.community import Community, Person
from tests.kit.world import EPOCH

OFFLINE_DAVE = "User dave is offline at this moment. Would you like to leave a message? (Y/N)"


def minute(person: Person) -> str:
    return f"{local_time(person.machine.clock.time()):%H:%M}"


def stamp(person: Person) -> str:
    return f"{local_time(person.machine.clock.time()):%Y-%m-%d %H:%M}"


async def away(community: Community, *names: str) -> list[Person]:
    """All are registered, and the last one is gone."""
    people = list(await community.start(*names))
    await people[-1].quits()
    for person in people[:-1]:
        await person.sees(f"* {names[-1]} is offline.")
    return people


# --- Leaving one ------------------------------------------------------------------


async def test_chat_with_an_absent_user_offers_to_leave_a_message(community: Community) -> None:
    carol, dave = await away(community, "carol", "dave")
    await carol.types("CHAT dave")
    await carol.sees(OFFLINE_DAVE)
    await carol.types("Y")
    await carol.sees("Write your message for dave; \\q ends it.")
    await carol.types("are you there?", " QUIT", "\\q", "STATUS")
    await carol.sees("Message left for dave.")
    await carol.sees("Message left for dave.")
    await carol.sees("Your status is ACTIVE.")
    written = stamp(carol)
    await trio.sleep(600)
    await dave.starts()
    await dave.sees("2 messages were left for you:")
    await dave.sees(f"[{written}] carol: are you there?")
    await dave.sees(f"[{written}] carol: QUIT")


async def test_nobody_has_to_leave_a_message(community: Community) -> None:
    carol, dave = await away(community, "carol", "dave")
    await carol.types("CHAT dave")
    await carol.sees(OFFLINE_DAVE)
    await carol.types("N", "STATUS")
    await carol.sees("Your status is ACTIVE.")
    assert not carol.has_open_question
    await dave.starts()
    await trio.sleep(1)
    dave.never_saw("left for you")


async def test_the_arrival_of_the_receiver_ends_the_writing(community: Community) -> None:
    carol, dave = await away(community, "carol", "dave")
    await carol.types("CHAT dave")
    await carol.sees(OFFLINE_DAVE)
    await carol.types("Y", "see you later")
    await carol.sees("Message left for dave.")
    await dave.starts()
    await carol.sees("* dave is online.")
    await carol.sees("User dave is online now.")
    await dave.sees_part("] carol: see you later")
    await carol.types("STATUS")
    await carol.sees("Your status is ACTIVE.")


async def test_a_conversation_ends_the_writing(community: Community) -> None:
    """What is typed after the Y is for the one who asked, not for the absent one."""
    carol, erin, _dave = await away(community, "carol", "erin", "dave")
    await carol.types("CHAT dave")
    await carol.sees(OFFLINE_DAVE)
    await carol.types("Y")
    await erin.types("CHAT carol")
    await carol.sees("User erin wants to chat with you. Would you like to? (Y/N)")
    await carol.types("Y")
    await carol.sees("You are now connected with erin.")
    await carol.types("hello, erin")
    await erin.sees("carol: hello, erin")
    carol.never_saw("Message left")


async def test_leave_works_for_present_and_absent_and_not_for_nobody(
    community: Community,
) -> None:
    carol, erin, _dave = await away(community, "carol", "erin", "dave")
    await carol.types("LEAVE dave back at five?")
    await carol.sees("Message left for dave.")
    await carol.types("LEAVE erin when you look up")
    await carol.sees("Message left for erin.")
    await erin.sees("1 message was left for you:")
    await erin.sees(f"[{stamp(carol)}] carol: when you look up")
    await carol.types("LEAVE frank hello")
    await carol.sees("User frank does not exist!")
    await carol.types("LEAVE carol note")
    await carol.sees("You can't leave a message for yourself.")


class Kept:
    """A screen that keeps the events which it is given."""

    def __init__(self) -> None:
        self.events: list[events.Event] = []

    def show(self, *shown: events.Event, then: Callable[[], None] | None = None) -> None:
        self.events += shown


async def test_what_is_left_for_nobody_is_not_shown_as_left(community: Community) -> None:
    (carol,) = await community.start("carol")
    screen = Kept()
    console = Console(carol.peer, screen)
    for name, refusal in (
        ("frank", "User frank does not exist!"),
        ("carol", "You can't leave a message for yourself."),
    ):
        assert await console.perform_line(f"LEAVE {name} hello") in (Code.NOBODY, Code.REFUSED)
        assert refusal in map(str, screen.events)
    assert not [one for one in screen.events if isinstance(one, results.Sent)]


async def test_what_waited_for_the_start_is_told_from_what_comes_now(
    community: Community,
) -> None:
    carol, erin, dave = await away(community, "carol", "erin", "dave")
    await carol.types("LEAVE dave one")
    await carol.types("LEAVE dave two")
    await trio.sleep(1)
    await dave.starts()
    await dave.sees_part("carol: two")
    for person in (dave, erin):  # nothing waited for erin
        await carol.types(f"LEAVE {person.name} three")
        await person.sees_part("carol: three")
    waited = events.LettersWaited
    assert [one for one in dave.events if isinstance(one, waited)] == [
        waited(2),
        waited(1, is_live=True),
    ]
    assert [one for one in erin.events if isinstance(one, waited)] == [waited(1, is_live=True)]
    assert dave.saw("1 message was left for you:") == 1  # as ever in line mode


async def test_a_full_mailbox_and_a_full_disk_are_said(community: Community) -> None:
    carol, _dave = await away(community, "carol", "dave")
    await carol.types(*(f"LEAVE dave text {number}" for number in range(101)))
    await carol.sees_part("100 messages")
    assert carol.saw("Message left for dave.") == 100
    erin = community.person("erin")
    await erin.starts()
    community.directory.machine.disk.is_full = True
    await erin.types("LEAVE dave hello")
    await erin.sees("Kept for dave until the directory is back.")
    await erin.sees_part("The directory did not store the message: the disk did not take it")
    community.directory.machine.disk.is_full = False
    await erin.sees("Message left for dave.")


async def test_a_directory_whose_disk_hangs_says_so_and_the_message_is_kept(
    community: Community,
) -> None:
    carol, dave = await away(community, "carol", "dave")
    disk = community.directory.machine.disk
    disk.seconds = 1_000
    await carol.types("LEAVE dave hello")
    before = trio.current_time()
    await carol.sees("Kept for dave until the directory is back.")
    await carol.sees("The directory did not store the message: the disk does not answer.")
    assert trio.current_time() < before + ANSWER_SECONDS
    disk.seconds = 0
    await trio.sleep_until(before + 1_010)
    await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees("1 message was left for you:")


# --- Receipts ---------------------------------------------------------------------


async def test_the_sender_learns_at_once_that_it_arrived(community: Community) -> None:
    carol, dave = await away(community, "carol", "dave")
    await carol.types("LEAVE dave back at five?")
    written = minute(carol)
    await trio.sleep(600)
    await dave.starts()
    await carol.sees(f"dave received your message of {written}.")
    await carol.starts_again()
    await trio.sleep(1)
    carol.never_saw("received")


async def test_the_sender_learns_at_the_next_start_that_it_arrived(community: Community) -> None:
    carol, dave = await away(community, "carol", "dave")
    await carol.types("LEAVE dave back at five?")
    await carol.sees("Message left for dave.")
    written = minute(carol)
    await carol.quits()
    await dave.starts()
    await dave.sees_part("carol: back at five?")
    await trio.sleep(600)
    await carol.starts()
    await carol.sees(f"dave received your message of {written}.")
    await carol.starts_again()
    await trio.sleep(1)
    carol.never_saw("received")


# --- Exactly once -----------------------------------------------------------------


async def test_a_message_comes_once_and_in_order_over_restarts_of_everybody(
    community: Community,
) -> None:
    carol, dave = await away(community, "carol", "dave")
    for number in range(5):
        await carol.types(f"LEAVE dave text {number}")
        await carol.sees("Message left for dave.")
        await community.directory.crashes_and_restarts()
        await carol.sees("The directory is back.", within=61)
    await carol.is_killed()
    await dave.starts()
    await dave.sees("5 messages were left for you:")
    shown = [line for line in dave.lines if "text" in line]
    assert [line[-6:] for line in shown] == [f"text {number}" for number in range(5)]
    await dave.is_killed()
    await community.directory.crashes_and_restarts()
    await dave.starts()
    await trio.sleep(1)
    dave.never_saw("left for you")
    await carol.starts()
    await carol.sees(f"dave received your message of {minute(carol)}.")
    await trio.sleep(1)
    assert carol.saw("received") == 5


async def test_a_message_left_while_the_directory_dies_is_left_once(community: Community) -> None:
    """It was stored, but the answer was lost: asking again stores nothing twice."""
    carol, dave = await away(community, "carol", "dave")
    (cable,) = community.cables(carol, community.directory)
    cable.stall(reader=carol.host)
    carol.types_ahead("LEAVE dave once")
    await trio.sleep(1)
    cable.heal()
    await carol.sees("Message left for dave.")
    (cable,) = community.cables(carol, community.directory)
    cable.stall(reader=carol.host)
    contact = trio.Event()

    async def leave() -> None:
        contact.set()
        await carol.types("LEAVE dave twice")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(leave)
        await contact.wait()
        cable.heal()
        await trio.testing.wait_all_tasks_blocked()
    await dave.starts()
    await dave.sees("2 messages were left for you:")


@pytest.mark.parametrize("moment", range(40))
async def test_the_directory_may_die_at_any_moment_of_leaving(
    community: Community, moment: int
) -> None:
    """So many steps after the key was pressed; then it comes back by itself."""
    carol, dave = await away(community, "carol", "dave")
    carol.types_ahead("LEAVE dave back at five?")
    for _ in range(moment):
        await trio.lowlevel.checkpoint()
    await community.directory.crashes_and_restarts()
    await trio.sleep(40)
    if not carol.saw("Message left for dave."):
        assert carol.saw("directory")  # it was said that nobody could be asked
    await dave.starts()
    await trio.sleep(5)
    assert dave.saw("carol: back at five?") == carol.saw("Message left for dave.")


@pytest.mark.parametrize("moment", range(2, 160, 4))
async def test_the_receiver_may_die_at_any_moment_of_taking(
    community: Community, moment: int
) -> None:
    carol, dave = await away(community, "carol", "dave")
    await carol.types("LEAVE dave back at five?")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dave.starts)
        for _ in range(moment):
            await trio.lowlevel.checkpoint()
        await dave.is_killed()
        nursery.cancel_scope.cancel()
    before = dave.saw("carol: back at five?")
    not_noted = dave.machine.disk.ask("journal.db", "SELECT 1 FROM letters WHERE text IS NOT NULL")
    await dave.starts()
    await trio.sleep(5)
    # Shown, and killed before that was noted: better twice than never.
    shown = 2 if before and not_noted else 1
    assert before + dave.saw("carol: back at five?") == shown
    assert carol.saw("dave received your message") == 1


async def test_a_letter_waits_until_it_stood_on_the_screen(community: Community) -> None:
    carol, dave = await away(community, "carol", "dave")
    await carol.types("LEAVE dave back at five?")
    await dave.starts()
    await dave.quits()
    dave_saw = dave.saw("back at five?")
    await dave.starts()
    await trio.sleep(1)
    assert dave_saw + dave.saw("back at five?") == 1


async def test_old_messages_are_thrown_away_after_two_weeks_in_which_the_directory_runs(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "KEEP_SECONDS", 600)
    carol, dave = await away(community, "carol", "dave")
    await carol.types("LEAVE dave back at five?")
    await trio.sleep(4_000)
    await dave.starts()
    await trio.sleep(5)
    dave.never_saw("left for you")


async def test_many_messages_come_in_order(community: Community) -> None:
    dave = community.person("dave")
    await dave.starts()
    await dave.quits()
    senders = await community.start("carol", "erin", "frank")
    for number in range(90):
        await senders[number % 3].types(f"LEAVE dave {number} {'x' * 4000}")
    await dave.starts()
    await dave.sees("90 messages were left for you:")
    await trio.sleep(1)
    numbers = [int(line.split()[3]) for line in dave.lines if line.startswith("[")]
    assert numbers == list(range(90))


# --- Letters that are not what they seem ------------------------------------------


async def test_a_forged_envelope_is_not_shown_and_both_are_told(community: Community) -> None:
    carol, dave = await away(community, "carol", "dave")
    contact = await carol.peer.finder.contact("dave")
    erin = community.person("erin")
    await erin.starts()
    mine = erin.peer._memory.myself.certificate
    forged = seal(  # carol signs, and shows the certificate of erin
        carol.peer._memory.myself.identity,
        mine,
        contact.sealing_key,
        id="ab" * 16,
        time=EPOCH,
        text="I am erin",
    )
    left = LeftLetter("dave", contact.key, EPOCH, None)
    await carol.peer._memory.journal.left_letters.add("ab" * 16, left)
    await carol.peer._exchange.letter_drop._drop("dave", "ab" * 16, forged)
    await carol.types("LEAVE dave I am carol")
    await dave.starts()
    await dave.sees("A message that was left for you cannot be opened: a signature does not fit.")
    await dave.sees_part("carol: I am carol")
    at = f"{local_time(EPOCH):%H:%M}"
    await carol.sees(f"dave did not take your message of {at}: it was damaged on its way.")
    await carol.sees_part("dave received your message of ")
    dave.never_saw("I am erin")


async def test_letters_of_two_keys_under_one_name(community: Community) -> None:
    """The first key is remembered, the second one's letter stays, and hides no other."""
    carol, erin, dave = await community.start("carol", "erin", "dave")
    await dave.types("LEAVE carol whom I know from now on")
    await dave.quits()
    await carol.types("LEAVE dave from the first carol")
    await carol.types("UNREGISTER", "Y")
    await carol.is_gone()
    community.directory.frees("carol")
    other = community.person("carol")
    await other.starts()
    await other.types("LEAVE dave from the second carol")
    await erin.types("LEAVE dave from erin")
    await dave.starts()
    await dave.sees_part("A message that was left for you stays at the directory. The key of carol")
    await dave.sees("2 messages were left for you:")
    await dave.sees_part("from the first carol")
    await dave.sees_part("from erin")
    dave.never_saw("second")
    await dave.types("VERIFY carol", "Y")
    await dave.sees("carol is verified. The new key of carol is accepted from now on.")
    await dave.sees_part("from the second carol")
