"""What is typed while the directory is gone: kept, and sent once, in order, when it is back."""

from collections.abc import Callable
from typing import Any

import pytest
import trio

from peer.commands.grammar import Context
from peer.commands.parsing import parse
from peer.console.codes import Code
from peer.console.console import Console
from peer.options import Options
from peer.program.offline_commands import keep_unregistered
from peer.storage.vault import CLEAR, Vault, new_key
from shared.errors import Refused
from shared.link import Link
from shared.messages.directory import Contact, Stored
from tests.kit.community import DIRECTORY, Community, Person, Shown

KEPT = "Kept for dave until the directory is back."
LEFT = "Message left for dave."
BACK = "The directory is back."
WITHIN = 120.0  # for the directory to be found again


def pending(person: Person) -> list[str]:
    """What waits on the disk, in the order in which it will go."""
    query = "SELECT text FROM lines WHERE is_pending ORDER BY number"
    rows = person.machine.disk.ask("journal.db", query)
    return [text for (text,) in rows]


async def alone(community: Community, *names: str) -> list[Person]:
    """All are registered, and have read that the directory is gone."""
    people = list(await community.start(*names))
    await goes(community)
    return people


async def goes(community: Community) -> None:
    await community.directory.crashes()
    for person in community.people.values():
        if person.is_running:
            await person.sees("Lost the directory, trying again.")


async def returns(community: Community) -> None:
    await community.directory.starts()
    for person in community.people.values():
        if person.is_running:
            await person.sees(BACK, within=WITHIN)


def texts(person: Person, of: str) -> list[str]:
    """What a person has read of somebody, whichever way it came."""
    return [line.split(": ", 1)[1] for line in person.lines if f"{of}: " in line]


# --- Kept, and sent -----------------------------------------------------------------


async def test_lines_and_letters_are_kept_and_go_in_order_once(community: Community) -> None:
    carol, dave = await alone(community, "carol", "dave")
    await carol.types("PRV dave one", "LEAVE dave two", "@dave three", "LEAVE dave four")
    for _ in range(4):
        await carol.sees(KEPT)
    assert pending(carol) == ["one", "two", "three", "four"]
    await returns(community)
    await trio.sleep(30)
    assert not pending(carol)
    assert sorted(texts(dave, "carol")) == ["four", "one", "three", "two"]
    assert carol.saw(LEFT) >= 2
    assert carol.saw(LEFT) + carol.saw("Delivered to dave.") == 4
    assert carol.saw(KEPT) == 4
    carol.never_saw("Not delivered")
    assert await carol_says(carol) == ["one", "two", "three", "four"]


async def carol_says(carol: Person) -> list[str]:
    found = await carol.peer.history.last("dave")
    return [entry.text for entry in found.entries]


async def test_who_is_away_finds_all_of_it_in_order(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.sees("* dave is offline.")
    await goes(community)
    await carol.types("PRV dave one", "LEAVE dave two", "PRV dave three")
    for _ in range(3):
        await carol.sees(KEPT)
    await returns(community)
    for _ in range(3):
        await carol.sees(LEFT)
    await dave.starts()
    await dave.sees("3 messages were left for you:")
    assert texts(dave, "carol") == ["one", "two", "three"]
    await carol.starts_again()
    await trio.sleep(30)
    carol.never_saw("left for")
    assert dave.saw("one") == dave.saw("two") == dave.saw("three") == 1
    dave.never_saw("has not come")  # no letter counts as lost


async def test_what_is_typed_while_it_goes_out_goes_behind_it(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await goes(community)
    await carol.types(*(f"PRV dave {number}" for number in range(5)))
    for _ in range(5):
        await carol.sees(KEPT)
    await returns(community)
    await carol.types("PRV dave 5", "LEAVE dave 6", "PRV dave 7")
    for _ in range(8):
        await carol.sees(LEFT)
    await dave.starts()
    await dave.sees("8 messages were left for you:")
    assert texts(dave, "carol") == [str(number) for number in range(8)]
    assert carol.saw(KEPT) == 5


async def test_a_message_that_is_being_written_is_kept(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.types("CHAT dave")
    await carol.sees_part("Would you like to leave a message?")
    await carol.types("Y")
    await carol.sees("Write your message for dave; \\q ends it.")
    await goes(community)
    await carol.types("one", "two", "\\q")
    await carol.sees(KEPT)
    await carol.sees(KEPT)
    await carol.sees("You are done with the message for dave.")
    await carol.quits()
    await community.directory.starts()
    await carol.starts()
    await carol.sees(LEFT)
    await carol.sees(LEFT)
    await dave.starts()
    await dave.sees("2 messages were left for you:")
    assert texts(dave, "carol") == ["one", "two"]


async def test_a_line_for_who_is_there_is_delivered_and_that_is_said(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    community.separates(carol, community.directory)
    community.cuts(carol, community.directory)
    await carol.sees("Lost the directory, trying again.")
    await carol.types("PRV dave one", "LEAVE dave two", "PRV dave three")
    for _ in range(3):
        await carol.sees(KEPT)
    community.reunites(carol, community.directory)
    await carol.sees("Delivered to dave.", within=WITHIN)
    await carol.sees(LEFT)
    await carol.sees("Delivered to dave.")
    await dave.sees("[private] carol: one")
    await trio.sleep(30)
    assert sorted(texts(dave, "carol")) == ["one", "three", "two"]
    assert carol.saw("Delivered to dave.") == 2
    assert carol.saw(LEFT) == 1


async def test_a_status_is_kept_too(community: Community) -> None:
    carol, dave = await alone(community, "carol", "dave")
    await carol.types("STATUS BUSY")
    await carol.sees("Your status will be BUSY when the directory is back.")
    await returns(community)
    await dave.types("LIST USERS")
    await dave.sees("BUSY: carol")


# --- Programs die -------------------------------------------------------------------


@pytest.mark.parametrize("moment", range(0, 60, 3))
async def test_what_is_kept_survives_a_kill_at_any_moment(
    community: Community, moment: int
) -> None:
    """While it is typed; what was said to be kept comes, and nothing comes twice."""
    carol, dave = await alone(community, "carol", "dave")
    carol.types_ahead("PRV dave one", "LEAVE dave two", "PRV dave three")
    for _ in range(moment):
        await trio.lowlevel.checkpoint()
    await carol.is_killed()
    kept, said = pending(carol), carol.saw(KEPT)
    assert len(kept) >= said
    await community.directory.starts()
    await dave.sees(BACK, within=WITHIN)
    await carol.starts()
    await trio.sleep(30)
    assert not pending(carol)
    assert sorted(texts(dave, "carol")) == sorted(kept)


@pytest.mark.parametrize("moment", range(0, 400, 16))
async def test_a_kill_while_it_goes_out_sends_nothing_twice(
    community: Community, moment: int
) -> None:
    carol, dave = await alone(community, "carol", "dave")
    await carol.types("PRV dave one", "LEAVE dave two", "PRV dave three", "LEAVE dave four")
    for _ in range(4):
        await carol.sees(KEPT)
    await returns(community)
    for _ in range(moment):
        await trio.lowlevel.checkpoint()
    await carol.is_killed()
    await carol.starts()
    await trio.sleep(60)
    assert not pending(carol)
    assert sorted(texts(dave, "carol")) == ["four", "one", "three", "two"]


@pytest.mark.parametrize("moment", range(0, 240, 16))
async def test_a_directory_that_dies_again_while_it_takes_them_makes_no_double(
    community: Community, moment: int
) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await goes(community)
    await carol.types("LEAVE dave one", "PRV dave two", "LEAVE dave three")
    for _ in range(3):
        await carol.sees(KEPT)
    await returns(community)
    for _ in range(moment):
        await trio.lowlevel.checkpoint()
    await community.directory.crashes_and_restarts()
    await dave.starts()
    await trio.sleep(180)
    assert texts(dave, "carol") == ["one", "two", "three"]
    assert carol.saw(LEFT) + carol.saw("Delivered to dave.") == 3
    assert not pending(carol)
    dave.never_saw("has not come")


def dies_at_commit(person: Person, number: int, *, is_done: bool) -> None:
    """The program is killed at this commit from now on: right before it, or right after."""
    disk, run = person.machine.disk, person._run
    commit, left = disk.run, number
    assert run is not None

    async def count(work: Callable[[], Any]) -> Any:
        nonlocal left
        left -= 1
        if left > 0 or (left == 0 and is_done):
            result = await commit(work)
        if left == 0:
            person.machine.kill()
            run._scope.cancel()
        return result if left > 0 else None

    disk.run = count  # type: ignore[method-assign]


async def lives_on(person: Person) -> None:
    """With a disk that works, in a new program if it was killed."""
    person.machine.disk.__dict__.pop("run")
    await person.is_killed()
    await person.starts()


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("number", range(1, 6))
async def test_killed_at_a_commit_while_it_is_typed(
    community: Community, number: int, is_done: bool
) -> None:
    carol, dave = await alone(community, "carol", "dave")
    dies_at_commit(carol, number, is_done=is_done)
    carol.types_ahead("PRV dave one", "LEAVE dave two", "PRV dave three", "LEAVE dave four")
    await trio.sleep(3)
    kept = pending(carol)
    assert len(kept) >= carol.saw(KEPT)
    await community.directory.starts()
    await dave.sees(BACK, within=WITHIN)
    await lives_on(carol)
    await trio.sleep(30)
    assert not pending(carol)
    assert sorted(texts(dave, "carol")) == sorted(kept)


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("number", range(1, 12))
async def test_killed_at_a_commit_while_it_goes_out(
    community: Community, number: int, is_done: bool
) -> None:
    carol, dave = await alone(community, "carol", "dave")
    await carol.types("PRV dave one", "LEAVE dave two", "PRV dave three", "LEAVE dave four")
    for _ in range(4):
        await carol.sees(KEPT)
    dies_at_commit(carol, number, is_done=is_done)
    await community.directory.starts()
    await dave.sees(BACK, within=WITHIN)
    await trio.sleep(30)
    await lives_on(carol)
    await trio.sleep(60)
    assert not pending(carol)
    assert sorted(texts(dave, "carol")) == ["four", "one", "three", "two"]


async def test_a_directory_that_answers_twice_makes_no_double(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Link.post

    def twice(link: Link[Any], message: Any) -> None:
        post(link, message)
        if isinstance(message, Stored | Contact):
            post(link, message)

    monkeypatch.setattr(Link, "post", twice)
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await goes(community)
    await carol.types("PRV dave one", "LEAVE dave two", "PRV dave three")
    for _ in range(3):
        await carol.sees(KEPT)
    await returns(community)
    await carol.sees(LEFT)
    await dave.starts()
    await trio.sleep(30)
    assert texts(dave, "carol") == ["one", "two", "three"]
    assert carol.saw(LEFT) + carol.saw("Delivered to dave.") == 3


async def test_an_answer_that_is_lost_makes_no_double(community: Community) -> None:
    """The directory has it, dave has read it, and carol is told neither."""
    carol, dave = await community.start("carol", "dave")
    (cable,) = community.cables(carol, community.directory)
    cable.stall(reader=carol.host)
    carol.types_ahead("LEAVE dave one")
    await trio.sleep(1)
    community.directory.machine.kill()  # nothing more is said about it
    await community.directory.crashes()
    await carol.sees(KEPT, within=60)
    assert pending(carol) == ["one"]
    await community.directory.starts()
    await carol.sees(LEFT, within=WITHIN)
    await carol.sees_part("dave received your message", within=WITHIN)
    await trio.sleep(30)
    assert texts(dave, "carol") == ["one"]
    assert carol.saw("received") == 1


# --- Without the directory ------------------------------------------------------------


async def test_who_is_linked_is_written_to_directly_and_passes_letters(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave hello")
    await dave.sees("[private] carol: hello")
    await goes(community)
    await carol.types("LEAVE dave for later", "PRV dave now")
    await dave.sees("[private] carol: now")
    await trio.sleep(1)
    assert pending(carol) == ["for later"]
    assert carol.saw(KEPT) == 1
    await returns(community)
    await dave.sees_part("carol: for later")


async def test_lines_go_as_soon_as_there_is_a_link(community: Community) -> None:
    """She knows him, and not where he is; he knows where she is."""
    carol, dave = await community.start("carol", "dave")
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    await carol.starts_again()
    await dave.types("INFO carol")
    await dave.sees_part("carol: ACTIVE since")
    await goes(community)
    await carol.types("LEAVE dave zero", "PRV dave one", "PRV dave two")
    for _ in range(3):
        await carol.sees(KEPT)
    await dave.types("PRV carol hello")
    await dave.sees("[private] carol: one")
    await dave.sees("[private] carol: two")
    await carol.sees("Delivered to dave.")
    await carol.sees("Delivered to dave.")
    await trio.sleep(1)
    assert pending(carol) == ["zero"]


async def test_who_is_linked_and_not_confirmed_gets_nothing_of_it(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("INFO carol")
    await dave.sees_part("carol: ACTIVE since")
    await goes(community)
    await carol.types("PRV dave secret")
    await carol.sees(KEPT)
    await dave.types("PRV carol hello")
    await carol.sees("[private] dave (NOT CONFIRMED): hello")
    await trio.sleep(5)
    dave.never_saw("secret")
    await returns(community)
    await dave.sees_part("carol: secret", within=30)


async def test_a_chat_with_whom_the_directory_told_before(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("INFO dave")
    await carol.sees_part("dave: ACTIVE since")
    await dave.types("INFO carol")
    await dave.sees_part("carol: ACTIVE since")
    await goes(community)
    assert not community.cables(carol, dave)
    await carol.connects_with(dave)
    await carol.types("hello")
    await dave.sees("carol: hello")


async def test_a_chat_with_who_is_linked(community: Community) -> None:
    """He has dialled; nobody ever told her where he is."""
    carol, dave = await community.start("carol", "dave")
    await dave.types("PRV carol hello")
    await carol.sees("[private] dave: hello")
    await goes(community)
    await carol.types("CHAT DAVE")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    await carol.sees("Waiting for dave's response...")
    await dave.types("Y")
    await carol.sees("You are now connected with dave.")


async def test_no_chat_with_whom_nobody_has_told_of(community: Community) -> None:
    carol, _dave = await alone(community, "carol", "dave")
    await carol.types("CHAT dave")
    await carol.sees("The directory cannot be reached at this moment.")


async def test_somebody_else_at_the_old_address_is_not_who_was_looked_for(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    erin = community.person("erin", Options(listen=dave.peer._registration.port))
    await erin.starts()
    await carol.types("INFO dave")
    await carol.sees_part("dave: ACTIVE since")
    await goes(community)
    await dave.is_killed()
    known = carol.peer._reach.contacts.of("dave")
    assert known is not None
    carol.peer._reach.contacts._known["dave"] = type(known)(
        **{name: getattr(known, name) for name in known.__struct_fields__}
        | {"host": erin.host, "seen": erin.host, "spots": ()}
    )
    await carol.types("CHAT dave")
    await carol.sees(
        "User dave cannot be reached: somebody else answers there, who says to be erin."
        " Would you like to leave a message? (Y/N)",
        within=30,
    )
    await carol.types("Y", "are you there?")
    await carol.sees(KEPT)
    erin.never_saw("carol wants")


async def test_an_address_is_forgotten_when_its_user_comes_or_goes(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("INFO dave")
    await carol.sees_part("dave: ACTIVE since")
    await dave.quits()
    await carol.sees("* dave is offline.")
    await goes(community)
    await carol.types("CHAT dave")
    await carol.sees("The directory cannot be reached at this moment.")


async def test_whom_a_contact_names_with_another_key_than_the_remembered_one_is_refused(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("INFO dave")
    await carol.sees_part("dave: ACTIVE since")
    await carol.peer._memory.journal.contacts.remember_key("dave", b"k" * 32, 0.0)
    await goes(community)
    await carol.types("CHAT dave")
    await carol.sees_part("The key of dave has changed.")
    await trio.sleep(5)
    carol.never_saw("cannot be reached")
    dave.never_saw("wants to chat")


# --- What never can go ------------------------------------------------------------------


async def test_an_unknown_name_is_said_once_with_all_that_was_for_it(community: Community) -> None:
    (carol,) = await alone(community, "carol")
    await carol.types("PRV zed hello", "LEAVE zed there", "PRV ZED zed?")
    for name in ("zed", "zed", "ZED"):
        await carol.sees(f"Kept for {name} until the directory is back.")
    await returns(community)
    await carol.sees(
        'Not sent to zed: User zed does not exist! It was kept: "hello", "there", "zed?".'
    )
    await trio.sleep(30)
    assert carol.saw("does not exist") == 1
    assert not pending(carol)
    await carol.starts_again()
    await trio.sleep(30)
    carol.never_saw("zed")


async def with_another_dave(community: Community, first: str) -> tuple[Person, Person]:
    """Carol knows dave's key, and the name goes to another one while she cannot see it."""
    carol, dave = await community.start("carol", "dave")
    await carol.types(first)
    await trio.sleep(1)
    community.separates(carol, community.directory)
    community.cuts(carol, community.directory)
    await carol.sees("Lost the directory, trying again.", within=30)
    await dave.types("UNREGISTER", "Y")
    await dave.is_gone()
    community.directory.frees("dave")
    other = community.person("dave")
    await other.starts()
    return carol, other


@pytest.mark.parametrize("first", ["PRV dave hello", "INFO dave"])
async def test_a_key_that_has_changed_gets_nothing(community: Community, first: str) -> None:
    """Remembered, or told by the directory before."""
    carol, other = await with_another_dave(community, first)
    await carol.types("LEAVE dave secret", "LEAVE dave secret too")
    await carol.sees(KEPT, within=30)
    await carol.sees(KEPT)
    community.reunites(carol, community.directory)
    await carol.sees_part("Not sent to dave: The key of dave has changed.", within=WITHIN)
    assert carol.saw('VERIFY dave to compare the new key. It was kept: "secret", "secret too".')
    await trio.sleep(60)
    other.never_saw("secret")
    assert not pending(carol)
    assert carol.saw("Not sent to dave") == 1


async def test_a_mailbox_that_is_full_is_said_for_each(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.types(*(f"LEAVE dave {number}" for number in range(99)))
    await goes(community)
    await carol.types("LEAVE dave 99", "LEAVE dave 100", "PRV dave 101")
    for _ in range(3):
        await carol.sees(KEPT)
    await returns(community)
    await carol.sees_part("Not sent to dave: ", within=30)
    await carol.sees_part("Not sent to dave: ")
    assert carol.saw('It was kept: "100".') == carol.saw('It was kept: "101".') == 1
    assert carol.saw(LEFT) == 100
    await trio.sleep(1)
    assert not pending(carol)


async def test_too_much_is_refused_with_a_sentence(community: Community) -> None:
    carol, dave = await alone(community, "carol", "dave")
    await carol.types(*(f"LEAVE dave {number}" for number in range(101)))
    assert carol.code is Code.REFUSED
    await carol.types("PRV dave 101")
    full = "Not kept for dave: 100 messages for dave wait for the directory already, and"
    await carol.sees(f"{full} it takes no more.")
    await carol.sees(f"{full} it takes no more.")
    assert carol.saw(KEPT) == 100
    await trio.sleep(1)
    assert pending(carol) == [str(number) for number in range(100)]
    await returns(community)
    await dave.sees_part("carol: 99", within=WITHIN)
    dave.never_saw("carol: 100")


async def test_a_disk_that_does_not_take_it_is_said_and_nothing_is_kept(
    community: Community,
) -> None:
    carol, dave = await alone(community, "carol", "dave")
    carol.machine.disk.is_full = True
    await carol.types("LEAVE dave one")
    await carol.sees("The disk did not take it, so it is not kept.", within=30)
    carol.machine.disk.is_full = False
    await trio.sleep(30)
    assert not pending(carol)
    await returns(community)
    await trio.sleep(30)
    dave.never_saw("one")
    carol.never_saw(KEPT)


# --- Scripts ------------------------------------------------------------------------------


async def test_a_command_that_is_handed_over_ends_with_3(community: Community) -> None:
    carol, _dave = await alone(community, "carol", "dave")
    shown = Shown()
    handed = Console(carol.peer, shown, is_script=True)
    for line in ("PRV dave one", "LEAVE dave two", "PRV dave three"):
        assert await handed.perform_line(line) is Code.STORED
    assert shown.lines == [KEPT] * 3
    await returns(community)
    assert await handed.perform_line("PRV dave four") is Code.DONE


@pytest.mark.parametrize("vault", [CLEAR, Vault(new_key())], ids=["clear", "sealed"])
async def test_a_script_that_finds_no_directory_keeps_what_the_next_one_sends(
    community: Community, vault: Vault
) -> None:
    carol = community.person("carol", Options(vault=vault))
    dave = community.person("dave")
    for person in (carol, dave):
        await person.starts()
    await carol.types("PRV dave hello")
    await carol.quits()
    await dave.quits()
    await community.directory.crashes()
    for line in ("PRV dave the parrot", "LEAVE dave sleeps", "dave at noon"):
        command = parse(line, Context())
        world = carol.machine.world()
        assert await keep_unregistered(world, "carol", [DIRECTORY], command, vault) == "dave"
    assert ("the parrot" in pending(carol)) is (vault is CLEAR)
    await community.directory.starts()
    await carol.starts()
    for _ in range(3):
        await carol.sees(LEFT)
    await dave.starts()
    await dave.sees("3 messages were left for you:")
    assert texts(dave, "carol")[-3:] == ["the parrot", "sleeps", "at noon"]


async def test_a_script_that_writes_sends_what_earlier_ones_have_kept(
    community: Community,
) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    for person in (carol, dave, erin):
        await person.quits()
    await community.directory.crashes()
    for line in ("PRV dave one", "LEAVE erin a", "LEAVE erin b", "PRV erin c", "LEAVE erin d"):
        command = parse(line, Context())
        assert await keep_unregistered(carol.machine.world(), "carol", [DIRECTORY], command, CLEAR)
    await community.directory.starts()
    assert await carol.runs("LIST USERS") is Code.DONE
    assert pending(carol) == ["one", "a", "b", "c", "d"]
    community.directory.machine.disk.seconds = 0.1
    assert await carol.runs("PRV dave two") is Code.STORED
    assert not pending(carol)
    await dave.starts()
    await dave.sees("2 messages were left for you:")
    assert texts(dave, "carol") == ["one", "two"]
    await erin.starts()
    await erin.sees("4 messages were left for you:")
    assert texts(erin, "carol") == ["a", "b", "c", "d"]


async def kept_alone(person: Person, line: str) -> str | None:
    command = parse(line, Context())
    world = person.machine.world()
    return await keep_unregistered(world, person.name, [DIRECTORY], command, CLEAR)


async def test_without_a_directory_nothing_else_is_kept(community: Community) -> None:
    carol, _dave = await community.start("carol", "dave")
    await carol.quits()
    await community.directory.crashes()
    for line in ("LIST USERS", "CHAT dave", "MSG hello", "zed hello", "STATUS BUSY"):
        assert await kept_alone(carol, line) is None
    with pytest.raises(Refused, match="You can't write to yourself"):
        await kept_alone(carol, "PRV Carol hello")
    for number in range(100):
        assert await kept_alone(carol, f"PRV dave {number}") == "dave"
    with pytest.raises(Refused, match="Not kept for dave: 100 messages for dave wait"):
        await kept_alone(carol, "PRV dave 100")


async def test_nothing_is_kept_by_who_was_never_registered_there(community: Community) -> None:
    """The address may be wrong."""
    erin = community.person("erin")
    await community.directory.crashes()
    assert await kept_alone(erin, "PRV dave hello") is None
