"""What a conversation leaves behind for who cannot be reached, while the directory is away."""

import pytest
import trio

from directory_server.core import mail_limits
from peer.options import Options
from peer.runtime.mailbox.letter_drop import STORED_SECONDS
from tests.kit.community import Community, Person

GONE = "the directory cannot be reached at this moment"
WAITS = f"Not yet left for dave, and kept here until it is: {GONE}."


def on_disk(person: Person) -> list[str]:
    rows = person.machine.disk.ask("journal.db", "SELECT text FROM copies")
    return [text for (text,) in rows]


async def parted(community: Community, *, options: Options | None = None) -> tuple[Person, Person]:
    """Carol has written what dave does not have, and nobody reaches the directory."""
    carol = community.person("carol", options)
    dave = community.person("dave")
    await carol.starts()
    await dave.starts()
    await carol.connects_with(dave)
    community.separates(carol, dave)
    await carol.types("one", "two")
    await carol.sees("Not yet delivered to dave.", within=10)  # and long on her own disk
    await community.directory.crashes()
    await carol.sees("Lost the directory, trying again.")
    return carol, dave


async def test_it_is_left_as_soon_as_the_directory_is_back(community: Community) -> None:
    carol, dave = await parted(community)
    await carol.types("QUIT CONVERSATION")
    await carol.sees(WAITS, within=10)
    await dave.is_killed()
    await community.directory.starts()
    await carol.sees("Message left for dave.", within=60)
    await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees("2 messages were left for you:")
    await dave.sees_part("carol: one")
    await dave.sees_part("carol: two")
    assert not on_disk(carol)
    assert carol.saw("Not ") == 2  # "yet delivered", and "yet left"


async def test_it_is_left_by_the_next_program(community: Community) -> None:
    carol, dave = await parted(community)
    await carol.ends_input()
    await carol.sees(WAITS)
    await dave.is_killed()
    assert on_disk(carol) == ["one", "two"]
    await community.directory.starts()
    await carol.starts()
    await carol.sees("Message left for dave.")
    await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees("2 messages were left for you:")
    await carol.starts_again()
    await dave.starts_again()
    carol.never_saw("left for")
    dave.never_saw("left for")


async def test_it_outlives_a_program_that_is_killed_while_the_directory_is_silent(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    community.separates(carol, dave)
    await carol.types("one")
    await carol.sees("Lost the connection to dave, trying again.", within=10)
    (cable,) = community.cables(carol, community.directory)
    cable.silence()
    await carol.types("QUIT CONVERSATION")
    await trio.sleep(1)
    await carol.is_killed()
    assert on_disk(carol) == ["one"]
    cable.heal()
    await carol.starts()
    await carol.sees("Message left for dave.")
    await dave.sees_part("carol: one")
    assert not on_disk(carol)


async def test_what_came_directly_all_the_same_is_read_once(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    (cable,) = community.cables(carol, dave)
    cable.deafen(carol.host)
    await carol.types("one", "two")
    await dave.sees("carol: two")
    await community.directory.crashes()
    await carol.types("QUIT CONVERSATION")
    await carol.sees(WAITS, within=20)
    await community.directory.starts()
    await carol.sees("Message left for dave.", within=60)
    await carol.sees("Message left for dave.")
    assert dave.saw("carol: one") == dave.saw("carol: two") == 1
    dave.never_saw("left for you")


async def test_who_left_the_conversation_meanwhile_gets_it_too(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees_part("wants to chat with you")
    await erin.types("Y")
    await carol.sees("User erin joined the conversation.")
    await dave.sees("User erin joined the conversation.")
    await trio.sleep(5)
    community.separates(carol, dave)
    community.separates(carol, erin)
    await carol.types("one")
    await community.directory.crashes()
    await dave.types("QUIT CONVERSATION")
    await erin.sees("User dave left the conversation.")
    community.reunites(carol, erin)
    await carol.sees("User dave left the conversation.", within=60)
    await carol.sees(WAITS)
    await community.directory.starts()
    await carol.sees("Message left for dave.", within=60)
    await dave.sees_part("carol: one")


async def test_without_history_it_is_kept_until_it_is_left(community: Community) -> None:
    carol, dave = await parted(community, options=Options(keeps_history=False))
    await carol.ends_input()
    await carol.sees(WAITS)
    await dave.is_killed()
    await community.directory.starts()
    await carol.starts()
    await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees("2 messages were left for you:")
    await dave.sees_part("carol: one")
    assert not on_disk(carol)


async def test_what_the_directory_does_not_want_later_is_said_to_be_lost(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await parted(community)
    await carol.types("QUIT CONVERSATION")
    await carol.sees(WAITS, within=10)
    monkeypatch.setattr(mail_limits, "MESSAGES_FROM_ONE", 0)
    await community.directory.starts()
    reason = "0 messages from you already wait for dave"
    await carol.sees(f"Not delivered to dave: {reason} (one).", within=60)
    await carol.sees(f"Not delivered to dave: {reason} (two).")
    assert not on_disk(carol)
    assert dave.is_running


async def test_what_a_full_directory_does_not_take_now_is_left_when_it_has_room(
    community: Community,
) -> None:
    carol, _ = await parted(community)
    await carol.types("QUIT CONVERSATION")
    await carol.sees(WAITS, within=10)
    community.directory.machine.disk.is_full = True
    await community.directory.starts()
    await trio.sleep(60)
    assert on_disk(carol)
    community.directory.machine.disk.is_full = False
    for _ in ("one", "two"):
        await carol.sees("Message left for dave.", within=60)
    await trio.sleep(1)
    assert not on_disk(carol)


async def test_what_the_own_disk_does_not_take_either_is_said_to_be_lost(
    community: Community,
) -> None:
    carol, _ = await parted(community)
    carol.machine.disk.is_full = True
    await carol.types("QUIT CONVERSATION")
    await carol.sees_part("(one).", within=10)
    await carol.sees_part("(two).")
    assert carol.saw("Not delivered to dave: ") == 2
    carol.never_saw("Not yet left")


async def test_what_a_full_disk_delays_is_left_in_the_end(community: Community) -> None:
    carol, dave = await parted(community)
    await carol.types("QUIT CONVERSATION")
    await carol.sees(WAITS, within=10)
    carol.machine.disk.is_full = True
    await community.directory.starts()
    await carol.sees("The directory is back.", within=60)
    carol.machine.disk.is_full = False
    await carol.sees("Message left for dave.", within=10)
    await carol.sees("Message left for dave.")
    assert dave.saw("carol: ") <= 2


async def test_what_the_own_disk_takes_after_the_end_is_left_late(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    community.separates(carol, dave)
    carol.machine.disk.is_full = True
    await carol.types("one", "QUIT CONVERSATION")
    await carol.sees(
        "Not delivered to dave: your disk did not take what you wrote last.", within=20
    )
    carol.machine.disk.is_full = False
    await carol.sees("Message left for dave.", within=10)
    await dave.sees_part("carol: one")


# --- Order ------------------------------------------------------------------------


def read(reader: Person, author: str) -> list[str]:
    return [line.partition(f"{author}: ")[2] for line in reader.lines if f"{author}: " in line]


@pytest.mark.parametrize("left", range(1, 5))
async def test_what_was_signed_together_may_be_left_in_two_parts(
    community: Community, left: int
) -> None:
    carol, dave = await community.talking("carol", "dave")
    community.separates(carol, dave)
    for text in "abcd":  # all but the first one in one TEXT
        await carol.peer.conversation.say(text)
    for _ in range(left):
        await carol.sees("Message left for dave.", within=40)
    await community.directory.crashes()
    await trio.sleep(STORED_SECONDS + 1)
    await community.directory.starts()
    await trio.sleep(60)
    assert read(dave, "carol") == list("abcd")
    assert carol.saw("Message left for dave.") == 4


async def test_what_cannot_be_left_yet_is_not_overtaken(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees_part("wants to chat with you")
    await erin.types("Y")
    await carol.sees("User erin joined the conversation.")
    await trio.sleep(5)
    community.separates(carol, dave)
    community.separates(erin, dave)
    await carol.types("one")
    await trio.sleep(25)
    await community.directory.crashes()
    for text in ("two", "three", "four", "five"):
        await trio.sleep(5)
        await carol.types(text)
    await community.directory.starts()
    await carol.types("six", "seven")
    await trio.sleep(90)
    await carol.types("\\q")
    await trio.sleep(90)
    texts = ["one", "two", "three", "four", "five", "six", "seven"]
    assert read(dave, "carol") == texts
    assert carol.saw("Message left for dave.") == len(texts)


@pytest.mark.parametrize("steps", range(0, 40, 4))
async def test_private_lines_that_are_left_keep_their_order(
    community: Community, steps: int
) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.sees("* dave is offline.")
    for text in "abcdef":
        carol.types_ahead(f"PRV dave {text}")
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
    for _ in "abcdef":
        await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees("6 messages were left for you:")
    await dave.sees_part("carol: f")
    assert read(dave, "carol") == list("abcdef")


# --- Killed while the conversation settles --------------------------------------------


async def leaves_and_is_killed(carol: Person, dave: Person) -> None:
    """Carol has said "one" and "two" to dave, who has read nothing of it yet."""
    await carol.starts()
    await dave.starts()
    await carol.connects_with(dave)
    dave.screen.pauses()
    await carol.types("one", "two", "QUIT CONVERSATION")
    await carol.sees("You have just left your last conversation.")
    await trio.sleep(0.1)
    await carol.is_killed()


@pytest.mark.parametrize("keeps_history", [True, False])
async def test_what_a_member_lacks_outlives_a_program_that_is_killed_just_after_leaving(
    community: Community, *, keeps_history: bool
) -> None:
    carol = community.person("carol", Options(keeps_history=keeps_history))
    dave = community.person("dave")
    await leaves_and_is_killed(carol, dave)
    await dave.is_killed()
    assert on_disk(carol) == ["one", "two"]
    await dave.starts()
    await carol.starts()
    await carol.sees("Message left for dave.")
    await carol.sees("Message left for dave.")
    await dave.sees_part("carol: two")
    assert read(dave, "carol") == ["one", "two"]
    assert not on_disk(carol)
    await carol.starts_again()
    carol.never_saw("left for")


async def test_whoever_has_acknowledged_everything_is_owed_nothing(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("one", "QUIT CONVERSATION")
    await carol.sees("You have just left your last conversation.")
    await trio.sleep(0.1)
    await carol.is_killed()
    assert not on_disk(carol)
    await carol.starts()
    await trio.sleep(10)
    carol.never_saw("left for")
    assert read(dave, "carol") == ["one"]


async def test_what_is_acknowledged_after_leaving_is_owed_no_longer(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    dave.screen.pauses()
    await carol.types("one", "QUIT CONVERSATION")
    await carol.sees("You have just left your last conversation.")
    await trio.sleep(0.1)
    assert on_disk(carol) == ["one"]
    dave.screen.goes_on()
    await trio.sleep(1)
    assert not on_disk(carol)
    await carol.is_killed()
    await carol.starts()
    await trio.sleep(10)
    carol.never_saw("left for")
    assert read(dave, "carol") == ["one"]


@pytest.mark.parametrize("keeps_history", [True, False])
@pytest.mark.parametrize("pause", [0, 8])
async def test_what_had_come_before_its_author_was_killed_is_read_once(
    community: Community, pause: int, *, keeps_history: bool
) -> None:
    carol = community.person("carol")
    dave = community.person("dave", Options(keeps_history=keeps_history))
    await leaves_and_is_killed(carol, dave)
    assert on_disk(carol) == ["one", "two"]
    dave.screen.goes_on()
    await trio.sleep(pause)
    await carol.starts()
    await carol.sees("Message left for dave.")
    await carol.sees("Message left for dave.")
    await trio.sleep(10)
    assert read(dave, "carol") == ["one", "two"]
    dave.never_saw("left for you")


async def test_what_a_full_disk_took_too_late_is_owed_with_the_leaving(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    dave.screen.pauses()
    await carol.types("one")
    await trio.sleep(1)
    carol.machine.disk.is_full = True
    await carol.types("two", "QUIT CONVERSATION")
    await carol.sees("You have just left your last conversation.")
    carol.machine.disk.is_full = False
    await trio.sleep(3)
    carol.never_saw("left for dave")
    await carol.is_killed()
    await dave.is_killed()
    assert on_disk(carol) == ["one", "two"]
    await dave.starts()
    await carol.starts()
    await dave.sees_part("carol: two", within=10)
    assert read(dave, "carol") == ["one", "two"]


async def test_who_is_killed_with_a_full_disk_has_not_left(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    dave.screen.pauses()
    await carol.types("one")
    await trio.sleep(1)
    carol.machine.disk.is_full = True
    await carol.types("QUIT CONVERSATION")
    await carol.sees("You have just left your last conversation.")
    await trio.sleep(0.1)
    await carol.is_killed()
    await dave.is_killed()
    assert not on_disk(carol)
    carol.machine.disk.is_full = False
    await dave.starts()
    await carol.starts()
    await dave.sees_part("carol: one", within=120)
    await trio.sleep(60)
    assert read(dave, "carol") == ["one"]


async def test_what_the_mailbox_had_taken_before_is_not_owed(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    community.separates(carol, dave)
    await carol.types("one")
    await carol.sees("Message left for dave.", within=60)
    await carol.types("two", "QUIT CONVERSATION")
    await carol.sees("Message left for dave.", within=60)
    await trio.sleep(0.1)
    await carol.is_killed()
    assert not on_disk(carol)
    assert read(dave, "carol") == ["one", "two"]


async def test_what_was_kept_goes_before_a_message_that_is_typed_when_the_directory_is_back(
    community: Community,
) -> None:
    carol, dave = await parted(community)
    await carol.types("QUIT CONVERSATION")
    await carol.sees(WAITS, within=10)
    await community.directory.starts()
    await carol.sees("The directory is back.", within=60)
    await carol.types("LEAVE dave three")
    await dave.sees_part("carol: three", within=60)
    assert read(dave, "carol") == ["one", "two", "three"]


async def test_who_asks_reads_that_it_was_left_in_the_end(community: Community) -> None:
    carol, _ = await parted(community)
    await carol.types("QUIT CONVERSATION")
    await carol.sees(WAITS, within=10)
    await carol.types("WHO GOT")
    assert not carol.saw("left at the directory")
    await community.directory.starts()
    await carol.sees("Message left for dave.", within=60)
    await carol.sees("Message left for dave.")
    await carol.types("WHO GOT")
    await carol.sees_part("left at the directory")
