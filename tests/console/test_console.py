"""Commands of scripts and their exit codes; ends of programs (PRODUCT.md)."""

import pytest
import trio

from peer.console.codes import Code
from peer.console.console import Console
from peer.core.targets.target import Target
from tests.kit.community import Community, Person, Shown


async def script(community: Community, *names: str) -> tuple[Person, ...]:
    """The others are there; the first one has a script to run, and was here before."""
    people = await community.start(*names)
    await people[0].quits()
    for other in people[1:]:
        await other.sees(f"* {names[0]} is offline.")
    return tuple(people)


# --- Exit codes -------------------------------------------------------------------


async def test_done_is_0(community: Community) -> None:
    carol, _ = await script(community, "carol", "dave")
    for command in (
        "LIST USERS",
        "INFO dave",
        "STATUS",
        "HELP",
        "HELP talk",
        "HELP chat",
        "VERIFY dave",
        "IGNORE dave",
    ):
        assert await carol.runs(command) is Code.DONE, command
    await carol.sees_part("You will no longer hear from dave.")


async def test_a_delivered_line_is_0(community: Community) -> None:
    carol, dave = await script(community, "carol", "dave")
    assert await carol.runs("PRV dave build is green") is Code.DONE
    await dave.sees("[private] carol: build is green")
    assert await carol.runs("dave build is green") is Code.DONE
    assert await carol.runs("MSG hello all") is Code.DONE
    await dave.sees("[all] carol: hello all")


async def test_a_wrong_command_is_2(community: Community) -> None:
    (carol,) = await script(community, "carol")
    assert await carol.runs("PRV dave") is Code.USAGE
    assert await carol.runs("dave") is Code.USAGE
    assert await carol.runs("nobody hello") is Code.USAGE
    await carol.sees_part("Unknown command: nobody hello")
    assert await carol.runs("HELP nobody") is Code.USAGE
    await carol.sees("Unknown command: nobody")


async def test_a_line_that_is_left_is_3(community: Community) -> None:
    carol, dave = await script(community, "carol", "dave")
    await dave.quits()
    assert await carol.runs("PRV dave build is green") is Code.STORED
    await carol.sees("Not delivered to dave: dave is offline at this moment.")
    await carol.sees("Message left for dave.")
    assert await carol.runs("LEAVE dave build is green") is Code.DONE
    await dave.starts()
    await dave.sees("2 messages were left for you:")


async def test_refused_or_declined_is_4(community: Community) -> None:
    carol, dave = await script(community, "carol", "dave")
    assert await carol.runs("CHAT carol") is Code.REFUSED
    assert await carol.runs("PRV carol hello") is Code.REFUSED
    assert await carol.runs("QUIT CONVERSATION") is Code.REFUSED
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_declines, dave)
        assert await carol.runs("CHAT dave") is Code.REFUSED
    await dave.types("STATUS BUSY")
    assert await carol.runs("CHAT dave") is Code.REFUSED
    await carol.sees("User dave is busy at this moment, you may interrupt.")


async def _declines(dave: Person) -> None:
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    await dave.types("N")


async def test_no_such_user_is_5(community: Community) -> None:
    (carol,) = await script(community, "carol")
    for command in ("CHAT frank", "INFO frank", "PRV frank hi", "LEAVE frank hi", "VERIFY frank"):
        assert await carol.runs(command) is Code.NOBODY, command
        await carol.sees("User frank does not exist!")


async def test_not_reachable_is_6(community: Community) -> None:
    carol, dave = await script(community, "carol", "dave")
    community.separates(carol, dave)
    assert await carol.runs("CHAT dave") is Code.UNREACHABLE
    seen = await carol.sees_part("User dave cannot be reached: ")
    assert "(Y/N)" not in seen  # nobody is there to answer
    assert await carol.runs("MSG hello") is Code.UNREACHABLE
    await dave.quits()
    assert await carol.runs("CHAT dave") is Code.UNREACHABLE
    await carol.sees("User dave is offline at this moment.")
    assert await carol.runs("MSG hello") is Code.UNREACHABLE
    await carol.sees("Not delivered to anybody: nobody else is online.")


async def test_no_answer_is_6(community: Community) -> None:
    carol, _ = await script(community, "carol", "dave")
    assert await carol.runs("CHAT dave") is Code.UNREACHABLE
    await carol.sees("User dave did not answer.")


async def test_a_chat_by_script_connects_and_leaves_again(community: Community) -> None:
    carol, dave = await script(community, "carol", "dave")

    async def says_yes() -> None:
        await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
        await dave.types("Y")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(says_yes)
        assert await carol.runs("CHAT dave") is Code.DONE
    await dave.sees("User carol left the conversation.")


async def test_a_changed_key_is_4(community: Community) -> None:
    carol, dave = await script(community, "carol", "dave")
    assert await carol.runs("PRV dave hello") is Code.DONE
    await dave.types("UNREGISTER", "Y")
    await dave.is_gone()
    community.directory.frees("dave")
    await community.person("dave").starts()
    assert await carol.runs("PRV dave hello") is Code.REFUSED
    assert await carol.runs("INFO dave") is Code.REFUSED


async def test_a_dead_directory_is_7(community: Community) -> None:
    """A running program, to which the command is handed."""
    carol, _dave = await community.start("carol", "dave")
    await community.directory.crashes()
    await carol.sees("Lost the directory, trying again.")
    shown = Shown()
    handed = Console(carol.peer, shown, is_script=True)
    for command in ("LIST USERS", "CHAT dave", "INFO dave", "MSG hi", "frank hi"):
        assert await handed.perform_line(command) is Code.DIRECTORY, command
    for command in ("PRV dave hi", "LEAVE dave hi", "dave hi"):
        shown.lines.clear()
        assert await handed.perform_line(command) is Code.STORED, command
        assert shown.lines[-1] == "Kept for dave until the directory is back."
    assert await handed.perform_line("STATUS BUSY") is Code.DONE


async def test_who_only_passes_by_declines_and_leaves_the_mail(community: Community) -> None:
    carol, dave = await script(community, "carol", "dave")
    await dave.types("LEAVE carol hello")
    await dave.sees("Message left for carol.")

    async def asks() -> None:
        await dave.sees("* carol is online.")
        await dave.types("CHAT carol")
        await dave.sees("User carol does not want to chat with you.")

    erin = community.person("erin")
    await erin.starts()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(asks)
        await carol.runs("CHAT erin")
    carol.never_saw("left for you")
    await carol.starts()
    await carol.sees_part("] dave: hello")


async def test_a_handed_command_answers_the_question_of_the_other_screen(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    handed = Console(dave.peer, Shown(), is_script=True)
    assert await handed.perform_line("Y") is Code.DONE
    await carol.sees("You are now connected with dave.")
    assert not dave.has_open_question


async def test_a_line_that_was_begun_before_the_question_does_not_answer_it(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    begun = trio.current_time()
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
    assert await carol.console.perform_line("Y", begun) is Code.REFUSED
    await carol.sees("The question came while you were typing: please answer again.")
    assert await carol.console.perform_line("Y dave", begun) is Code.REFUSED
    assert carol.console.questions == ("dave",)
    assert await carol.console.perform_line("Y", begun + 60) is Code.DONE
    await dave.sees("You are now connected with carol.")


async def test_who_was_told_of_the_question_answers_it_at_once(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
    assert await carol.console.perform_line("Y", trio.current_time()) is Code.REFUSED
    assert await carol.console.perform_line("Y", trio.current_time()) is Code.REFUSED  # typed ahead
    await trio.sleep(0.01)
    assert await carol.console.perform_line("Y", trio.current_time()) is Code.DONE
    await dave.sees("You are now connected with carol.")


async def test_a_warning_of_one_question_is_none_of_the_next(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
    assert await carol.console.perform_line("Y", trio.current_time()) is Code.REFUSED
    await trio.sleep(0.01)
    await erin.types("CHAT carol")
    await carol.sees("User erin wants to chat with you. Would you like to? (Y/N)")
    assert await carol.console.perform_line("Y erin", trio.current_time()) is not Code.DONE
    assert await carol.console.perform_line("Y dave", trio.current_time()) is Code.DONE
    await dave.sees("You are now connected with carol.")


async def test_a_yes_that_was_begun_before_the_question_is_a_text(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    begun = trio.current_time()
    await erin.types("CHAT carol")
    await erin.sees_part("you may interrupt. Interrupt? (Y/N)")
    await erin.types("Y")
    await carol.sees_part("User erin wants to chat with you.")
    assert await carol.console.perform_line("yes", begun) is Code.DONE
    await dave.sees("carol: yes")
    assert carol.console.questions == ("erin",)


async def test_a_screen_may_know_everybody(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("LIST USERS")
    erin = community.person("erin")
    await erin.starts()
    await carol.sees("* erin is online.")
    await dave.types("STATUS BUSY")
    await erin.quits()
    await carol.sees("* erin is offline.")
    known = [(user.name, user.status.value) for user in carol.peer.roster.known]
    assert known == [("carol", "ACTIVE"), ("dave", "BUSY"), ("erin", "OFFLINE")]
    assert carol.peer.is_registered
    assert carol.peer.conversation.ways == []


async def test_who_arrives_while_the_list_is_on_its_way_is_known(community: Community) -> None:
    (carol,) = await community.start("carol")
    (cable,) = community.cables(carol, community.directory)
    async with trio.open_nursery() as nursery:
        cable.deafen(carol.host)
        nursery.start_soon(carol.peer.roster.users)
        await trio.sleep(1)
        dave = community.person("dave")
        await dave.starts()
        await trio.sleep(1)
        cable.heal()  # both come at once
    assert [user.name for user in carol.peer.roster.known] == ["carol", "dave"]


async def test_who_has_given_their_name_back_is_listed_no_more(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("UNREGISTER", "Y")
    await carol.sees("* dave is offline.")
    await carol.types("LIST USERS")
    await carol.sees("OFFLINE: -")
    assert [user.name for user in carol.peer.roster.known] == ["carol"]


async def test_how_far_away_others_are_is_known_of_those_who_are_linked(
    community: Community,
) -> None:
    await community.start("erin")
    carol, _ = await community.talking("carol", "dave")
    await carol.types("LIST USERS")
    assert carol.peer.roster.round_trips == {}  # nothing was measured yet
    await trio.sleep(10)
    assert carol.peer.roster.round_trips == {"dave": 0.0}  # on a clock on which nothing takes time


async def test_an_answer_without_a_question_is_refused(community: Community) -> None:
    (carol,) = await community.start("carol")
    shown = Shown()
    handed = Console(carol.peer, shown, is_script=True)
    from peer.commands.grammar import Answer

    assert await handed.perform(Answer(True)) is Code.REFUSED
    assert await handed.perform(Answer(True, "dave")) is Code.REFUSED
    assert shown.lines == ["No question is open."] * 2


async def test_mute_lasts_until_unmute(community: Community) -> None:
    (carol,) = await community.start("carol")
    shown = Shown()
    console = Console(carol.peer, shown, is_script=True)
    assert not console.is_muted
    await console.perform_line("MUTE")
    assert console.is_muted
    await console.perform_line("/unmute")
    assert not console.is_muted
    assert shown.lines == ["The bell is off until UNMUTE.", "The bell rings again."]


async def test_muted_tells_what_is_muted(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("MUTED", "MUTE", "MUTED")
    await carol.sees("Nothing is muted.")
    await carol.sees("The bell is off until UNMUTE.")
    await carol.sees("The bell is off until UNMUTE.")


async def test_a_note_is_told_with_the_status_and_gone_at_the_next(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("STATUS BUSY back at five", "STATUS")
    await dave.sees("Your status is now BUSY (back at five).")
    await dave.sees("Your status is BUSY (back at five).")
    await carol.types("INFO dave", "LIST USERS")
    await carol.sees_part("dave: BUSY since ")
    await carol.sees("The note of dave: back at five")
    await carol.sees("BUSY: dave")  # scripts read this line
    await dave.types("STATUS BUSY", "STATUS")
    await dave.sees("Your status is BUSY.")
    await carol.types("INFO dave")
    assert carol.saw("The note of dave") == 1


async def test_a_note_comes_back_with_its_user(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("STATUS ACTIVE at my desk")
    await community.directory.crashes_and_restarts()
    await dave.sees("The directory is back.")
    await carol.sees("The directory is back.")
    await carol.types("INFO dave")
    await carol.sees("The note of dave: at my desk")
    await dave.starts_again()
    await carol.types("INFO dave")
    assert carol.saw("The note of dave") == 1


async def test_a_note_lasts_through_a_conversation(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await dave.types("STATUS ACTIVE at my desk")
    await carol.connects_with(dave)
    await erin.types("INFO dave")
    await erin.sees_part("dave: BUSY since ")
    await erin.sees("The note of dave: at my desk")


async def test_who_gives_too_many_notes_reads_that_nobody_reads_them(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types(*(f"STATUS BUSY {number}" for number in range(12)))
    await dave.sees_part("The directory says: your status counts, but nobody reads the note")
    await carol.types("INFO dave")
    await carol.sees_part("dave: BUSY since ")
    carol.never_saw("The note of dave")


# --- Ends -------------------------------------------------------------------------


async def test_end_of_input_right_after_chat_does_not_wait_for_an_answer(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    carol.types_ahead("CHAT dave")
    carol.keyboard.end()
    await carol.is_gone(within=2)
    await trio.sleep(1)
    assert not dave.has_open_question


async def test_quit_right_after_yes_does_not_leave_anybody_connected(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    dave.types_ahead("Y", "QUIT")
    await dave.is_gone()
    await trio.sleep(15)
    assert carol.talks_with == ()
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you)")


async def test_end_of_input_with_a_dead_partner_leaves_the_texts(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    community.separates(carol, dave)
    carol.types_ahead("are you there?")
    carol.keyboard.end()
    await carol.is_gone(within=12)
    await carol.sees("Message left for dave.")
    await dave.sees_part("] carol: are you there?", within=20)


async def test_quit_while_the_directory_is_dead(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await community.directory.crashes()
    carol.types_ahead("good bye", "\\q", "QUIT")
    await carol.is_gone(within=5)
    await dave.sees("carol: good bye")
    await dave.sees("The conversation is over.")


async def test_texts_that_cross_a_leave_are_left_once(community: Community) -> None:
    """What dave typed before he read of the end comes to carol as a message, and only so."""
    carol, dave = await community.talking("carol", "dave")
    (cable,) = community.cables(carol, dave)
    cable.silence()
    await dave.types("wait")
    carol.types_ahead("\\q")
    await trio.sleep(2)
    cable.heal()
    await carol.sees("You have just left your last conversation.")
    await trio.sleep(20)
    assert carol.saw("wait") == 1


@pytest.mark.parametrize("quick", [False, True], ids=["slow", "quick"])
@pytest.mark.parametrize("steps", range(61))
async def test_texts_that_cross_a_leave_are_never_shown_twice(
    community: Community, steps: int, quick: bool
) -> None:
    carol, dave = await community.talking("carol", "dave")
    carol.screen.is_quick = dave.screen.is_quick = quick
    dave.types_ahead("one", "two", "three")
    for _ in range(steps):
        await trio.lowlevel.checkpoint()
    carol.types_ahead("\\q")
    await trio.sleep(20)
    assert read(carol, "dave") == ["one", "two", "three"]
    assert dave.saw("Message left for carol.") <= 3


@pytest.mark.parametrize("steps", range(61))
async def test_what_is_left_for_one_of_several_keeps_its_order(
    community: Community, steps: int
) -> None:
    """Dave's conversation goes on with erin; carol reads nothing that was said later."""
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees_part("wants to chat with you")
    await erin.types("Y")
    await dave.sees("User erin joined the conversation.")
    await trio.sleep(5)
    texts = ["one", "two", "three", "four", "five", "six"]
    dave.types_ahead(*texts)
    for _ in range(steps):
        await trio.lowlevel.checkpoint()
    carol.types_ahead("\\q")
    await trio.sleep(20)
    assert read(erin, "dave") == texts
    assert read(carol, "dave") == texts[: len(read(carol, "dave"))]
    assert dave.saw("Message left for carol.") <= len(texts)


def read(reader: Person, author: str) -> list[str]:
    """What this author wrote, in the order in which it was read."""
    return [line.partition(f"{author}: ")[2] for line in reader.lines if f"{author}: " in line]


# --- To everybody, or to one ------------------------------------------------------


def at_a_terminal(person: Person) -> tuple[Console, list[str]]:
    """A console whose questions a person answers, and what it shows."""
    shown = Shown()
    return Console(person.peer, shown, asks=True), shown.lines


async def test_msg_with_a_slash_and_a_name_reaches_nobody_else(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.types("/msg dave psst")
    await dave.sees("[private] carol: psst")
    await carol.types("/msg nobody psst")
    await erin.sees("[all] carol: nobody psst")
    erin.never_saw("carol: psst")


async def test_msg_with_a_name_says_in_line_mode_that_it_was_for_everybody(
    community: Community,
) -> None:
    carol, _, erin = await community.start("carol", "dave", "erin")
    await carol.types("LIST USERS")
    await carol.types("MSG dave is late")
    await carol.sees("To everybody: dave is late")
    await erin.sees("[all] carol: dave is late")


async def test_a_person_is_asked_to_whom_a_line_goes_that_begins_with_a_name(
    community: Community,
) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.peer.roster.users()
    console, shown = at_a_terminal(carol)
    await console.perform_line("MSG dave come here")
    assert shown == ["To everybody, or to dave alone? (ALL/DAVE)"]
    assert console.choices == ("ALL", "DAVE")
    await console.perform_line("Y")
    assert shown[-1] == "Answer ALL or DAVE; N takes it back."
    await console.perform_line("dave")
    await dave.sees("[private] carol: come here")
    await console.perform_line("MSG dave is late")
    await console.perform_line("ALL")
    await erin.sees("[all] carol: dave is late")
    await console.perform_line("MSG dave is never here")
    assert await console.perform_line("N") is Code.DONE
    assert shown[-1] == "Not sent."
    assert not console.choices
    for other in (dave, erin):
        other.never_saw("never here")
    erin.never_saw("come here")


# --- A line goes where it was begun for -------------------------------------------


async def test_a_line_whose_target_has_changed_is_not_sent(community: Community) -> None:
    carol, dave, _ = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    console, shown = at_a_terminal(carol)
    was_for = Target(("erin",))
    assert await console.perform_line("dave is wrong", None, was_for) is Code.REFUSED
    assert shown == [
        "Not sent: it was for erin, and you are in a conversation with dave now."
        " Enter again: a text for dave."
    ]
    await console.perform_line("hello", None, Target(("dave",)))
    await dave.sees("carol: hello")
    dave.never_saw("dave is wrong")


async def test_a_yes_is_a_text_when_the_talk_went_on_since_the_question(
    community: Community,
) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await erin.types("CHAT carol")
    await erin.sees_part("Interrupt? (Y/N)")
    await erin.types("Y")
    await carol.sees_part("User erin wants to chat with you.")
    await dave.types("shall we?")
    await carol.sees("dave: shall we?")
    await carol.types("yes")
    await dave.sees("carol: yes")
    assert carol.console.questions == ("erin",)
    await carol.types("/y")
    await erin.sees("You are now connected with carol.")


# --- Words ------------------------------------------------------------------------


async def test_an_answer_that_is_none_is_told_what_the_question_takes(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("y")
    await carol.sees("No question is open.")
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
    await carol.types("maybe")
    await carol.sees("Unknown command: maybe. The open question takes Y or N.")
    await carol.types("histroy")
    asked = "Did you mean HISTORY? The open question takes Y or N."
    await carol.sees(f"Unknown command: histroy. {asked}")


async def test_a_name_alone_is_told_what_can_be_done_with_it(community: Community) -> None:
    carol, _ = await community.start("carol", "dave")
    await carol.types("LIST USERS")
    await carol.types("dave")
    await carol.sees("dave is a user: CHAT dave invites them, PRV dave text sends one line.")


async def test_a_bare_u_shows_who_could_be_added(community: Community) -> None:
    carol, dave, _ = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("\\u")
    await carol.sees("ADD whom? For example: ADD erin")
    await carol.sees("ACTIVE: erin")


async def test_the_end_of_a_message_is_told(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.sees("* dave is offline.")
    await carol.types("CHAT dave")
    await carol.sees_part("Would you like to leave a message? (Y/N)")
    await carol.types("y")
    await carol.sees("Write your message for dave; \\q ends it.")
    await carol.types("WHO")
    await carol.sees("OFFLINE: dave")
    await carol.types("\\q")
    await carol.sees("You are done with the message for dave.")


async def test_who_is_ignored_is_listed(community: Community) -> None:
    carol, _ = await community.start("carol", "dave")
    await carol.types("IGNORED")
    await carol.sees("You ignore nobody.")
    await carol.types("IGNORE dave")
    await carol.types("IGNORED")
    await carol.sees("You ignore dave.")


# --- Ends that are asked about ----------------------------------------------------


async def test_a_name_is_given_back_only_after_a_yes(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("UNREGISTER")
    await carol.sees_part("what waits there is lost")
    await carol.types("N")
    await dave.types("INFO carol")
    await dave.sees_part("carol: ACTIVE")
    assert carol.is_running


async def test_exit_that_was_meant_for_a_conversation_does_not_leave_the_program(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.connects_with(dave)
    await dave.types("\\q")
    await carol.sees("The conversation is over.")
    await carol.types("exit")
    await carol.sees("The conversation is over already; QUIT leaves the program.")
    assert carol.is_running
    await trio.sleep(3)
    await carol.types("exit")
    await carol.sees("Good bye! ☺")


async def test_a_status_set_without_the_directory_is_told_as_a_later_one(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await community.directory.stops()
    await carol.sees("Lost the directory, trying again.")
    await carol.types("STATUS BUSY")
    await carol.sees("Your status will be BUSY when the directory is back.")
    await community.directory.starts()
    await carol.sees("The directory is back.")
    await dave.sees("The directory is back.")
    await dave.types("INFO carol")
    await dave.sees_part("carol: BUSY")
