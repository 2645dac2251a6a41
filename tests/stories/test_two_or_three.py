"""Two or three people: who is there, asking, answering, talking, leaving (PRODUCT.md)."""

import pytest
import trio

from directory_server.settings import Settings
from peer.core.local_time import local_time
from peer.options import Options
from peer.runtime.directory.introduction import NameTaken
from shared.errors import Refused, StorageError, Unreachable
from shared.identity import fingerprint
from shared.messages.common import Status
from tests.kit.community import DIRECTORY, Community, open_community
from tests.kit.world import EPOCH

DAVE_ASKED_BY_CAROL = "User carol wants to chat with you. Would you like to? (Y/N)"
RINGS = 60.0  # seconds


def at(seconds: float) -> str:
    return f"{local_time(seconds):%Y-%m-%d %H:%M}"


# --- Who is there -----------------------------------------------------------------


async def test_a_start_says_who_i_am_and_where(community: Community) -> None:
    carol = community.person("carol")
    await carol.starts()
    first, second = carol.lines
    assert first == "You are carol, connected to the directory at 10.0.0.1:5000."
    assert second.startswith("The directory's key is ")


async def test_a_name_in_use_belongs_to_its_key_in_any_spelling(community: Community) -> None:
    await community.start("carol")
    other = community.person("Carol")
    why = r"^The name Carol is taken: it belongs to the key that registered it first\.$"
    with pytest.raises(NameTaken, match=why):
        await other.starts()


async def test_everybody_reads_who_comes_and_goes(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.sees("* dave is offline.")
    await dave.starts()
    await carol.sees("* dave is online.")
    dave.never_saw("dave is online")


async def test_a_killed_program_is_offline_and_its_restart_has_the_same_name(
    community: Community,
) -> None:
    _carol, dave = await community.start("carol", "dave")
    await dave.is_killed()
    await dave.starts()
    await dave.types("LIST USERS")
    await dave.sees("ACTIVE: carol, dave (you)")


async def test_only_an_arrival_is_said_and_no_change_of_status(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    erin = community.person("erin")
    await erin.starts()
    before = erin.saw("online")
    await carol.types("STATUS BUSY")
    await carol.connects_with(dave)
    await trio.sleep(5)
    assert erin.saw("is online") == before


async def test_list_users_shows_four_groups_in_alphabetical_order(community: Community) -> None:
    carol, _erin, dave, frank = await community.start("carol", "erin", "Dave", "frank")
    await dave.types("STATUS BUSY")
    await frank.quits()
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you), erin")
    assert carol.lines[-4:] == [
        "ACTIVE: carol (you), erin",
        "BUSY: Dave",
        "INACTIVE: -",
        "OFFLINE: frank",
    ]


async def test_info_shows_status_since_when_address_and_key(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("STATUS BUSY")
    await carol.types("INFO dave")
    contact = await carol.peer.finder.contact("dave")
    key = fingerprint(contact.key)
    await carol.sees(f"dave: BUSY since {at(EPOCH)}, at 10.0.1.2:{contact.port}, key {key}")
    await dave.quits()
    await carol.types("INFO dave")
    await carol.sees(f"dave: OFFLINE since {at(contact.since)}, key {key}")
    await carol.types("INFO frank")
    await carol.sees("User frank does not exist!")


# --- Status -----------------------------------------------------------------------


async def test_a_status_is_shown_and_set(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("STATUS")
    await carol.sees("Your status is ACTIVE.")
    await carol.types("STATUS OCUPADO")
    await carol.sees("Your status is now BUSY.")
    await carol.types("AWAY")
    await carol.sees("Your status is now INACTIVE.")
    await carol.types("STATUS", "LIST USERS")
    await carol.sees("Your status is INACTIVE.")
    await carol.sees("INACTIVE: carol (you)")


async def test_a_conversation_makes_busy_and_its_end_active_again(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("LIST USERS")
    await carol.sees("BUSY: carol (you), dave")
    await carol.types("QUIT CONVERSATION")
    await dave.sees("The conversation is over.")
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you), dave")


async def test_a_status_set_by_hand_outlives_a_conversation(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("STATUS INACTIVE")
    await carol.connects_with(dave)
    await carol.types("LIST USERS")
    await carol.sees("BUSY: dave")
    await carol.sees("INACTIVE: carol (you)")
    await carol.types("QUIT CONVERSATION", "STATUS")
    await carol.sees("Your status is INACTIVE.")


async def test_active_by_hand_in_a_conversation_is_for_this_conversation(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("/status active")
    await carol.sees("Your status is now ACTIVE.")
    await carol.types("\\q")
    await dave.sees("The conversation is over.")
    await trio.sleep(0.1)  # until the directory has heard it too
    await carol.connects_with(dave)
    await carol.types("/status")
    await carol.sees("Your status is BUSY.")


async def test_nobody_touches_the_keys_for_five_minutes(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.sees("Your status is now INACTIVE.", within=302)
    await carol.types("STATUS")
    await carol.sees("Your status is now ACTIVE.")
    await carol.sees("Your status is now INACTIVE.", within=302)


async def test_a_status_set_by_hand_does_not_fall_idle(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("STATUS BUSY")
    await trio.sleep(1000)
    await carol.types("STATUS")
    await carol.sees("Your status is BUSY.")
    carol.never_saw("INACTIVE")


async def test_others_do_not_wake_who_touches_nothing(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.sees("Your status is now INACTIVE.", within=302)
    await dave.types("PRV carol are you there?", "LEAVE carol read this")
    await carol.sees("[private] dave: are you there?")
    await carol.sees_part("dave: read this")
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
    await dave.types("LIST USERS")
    await dave.sees("INACTIVE: carol")
    assert carol.saw("Your status is now") == 1
    await carol.types("N")
    await carol.sees("Your status is now ACTIVE.")


async def test_an_outage_does_not_wake_who_touches_nothing(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.sees("Your status is now INACTIVE.", within=302)
    await carol.sees("Your status is now INACTIVE.")
    await community.directory.crashes()
    await carol.sees("Lost the directory, trying again.")
    await dave.sees("Lost the directory, trying again.")
    await carol.types("HELP")
    await community.directory.starts()
    await carol.sees("The directory is back.")
    await dave.sees("The directory is back.")
    assert carol.peer.presence.status is Status.ACTIVE
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you)")
    await carol.sees("INACTIVE: dave")
    await dave.types("STATUS")
    await dave.sees("Your status is now ACTIVE.")


async def test_a_word_of_the_directory_that_comes_too_late_changes_no_status(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.sees("Your status is now INACTIVE.", within=302)
    await dave.types("CHAT carol")
    await carol.sees_part("User dave wants to chat with you.")
    (cable,) = community.cables(carol, community.directory)
    cable.stall(reader=carol.host)
    await carol.types("Y")
    await carol.sees("You are now connected with dave.")
    cable.heal()
    await trio.sleep(1)
    assert carol.peer.presence.status is Status.BUSY
    await carol.types("/q")
    await dave.sees("The conversation is over.")
    await dave.types("LIST USERS")
    await dave.sees("ACTIVE: carol, dave (you)")
    assert carol.saw("Your status is now") == 1


async def test_whoever_types_now_and_then_stays_active(autojump_clock: object) -> None:
    async with open_community(settings=Settings(idle_after=60)) as community:
        (carol,) = await community.start("carol")
        for _ in range(10):
            await carol.types("HELP")
            await trio.sleep(40)
        carol.never_saw("Your status is now")


# --- Asking -----------------------------------------------------------------------


async def test_yes_connects_and_texts_go_both_ways(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees(DAVE_ASKED_BY_CAROL)
    await carol.sees("Waiting for dave's response...")
    await dave.types("Y")
    await dave.sees("You are now connected with carol.")
    await carol.sees("You are now connected with dave.")
    await carol.types("hello", "  indented")
    await dave.sees("carol: hello")
    await dave.sees("carol:  indented")
    await dave.types("hi, carol")
    await carol.sees("dave: hi, carol")


async def test_no_is_read_by_the_one_who_asked(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees(DAVE_ASKED_BY_CAROL)
    await dave.types("N")
    await carol.sees("User dave does not want to chat with you.")
    assert not dave.has_open_question
    assert carol.peer.presence.status is dave.peer.presence.status is Status.ACTIVE


async def test_nobody_answers_for_a_minute(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    asked = trio.current_time()
    await dave.sees("You missed an invitation from carol.", within=RINGS + 1)
    await carol.sees("User dave did not answer.")
    assert RINGS <= trio.current_time() - asked < RINGS + 1
    assert not dave.has_open_question
    await dave.types("Y")
    await dave.sees("No question is open.")


async def test_an_invitation_is_taken_back(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees(DAVE_ASKED_BY_CAROL)
    await carol.types("QUIT CONVERSATION")
    await dave.sees("User carol took the invitation back.")
    assert not dave.has_open_question
    await carol.sees("You withdrew your invitation to dave.")
    await carol.types("\\q")
    await carol.sees("You are in no conversation.")


async def test_who_quits_while_waiting_takes_it_back(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees(DAVE_ASKED_BY_CAROL)
    await carol.quits()
    await dave.sees("User carol took the invitation back.")


async def test_who_dies_while_waiting_is_gone(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees(DAVE_ASKED_BY_CAROL)
    await carol.is_killed()
    await dave.sees("User carol is gone.")
    assert not dave.has_open_question


async def test_who_dies_while_asked_is_gone(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees(DAVE_ASKED_BY_CAROL)
    await carol.sees("Waiting for dave's response...")
    await dave.is_killed()
    await carol.sees("User dave is gone.")
    await carol.types("CHAT dave")
    await carol.sees_part("User dave is offline at this moment.")


async def test_an_unknown_user_does_not_exist(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("CHAT frank")
    await carol.sees("User frank does not exist!")


async def test_nobody_connects_with_themselves(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("CHAT Carol")
    await carol.sees("You can't connect with yourself.")


async def test_a_second_chat_waits_for_the_first(community: Community) -> None:
    carol, _dave, erin = await community.start("carol", "dave", "erin")
    await carol.types("CHAT dave")
    await carol.sees("Waiting for dave's response...")
    await carol.types("CHAT erin")
    await carol.sees("You are waiting for dave's response: QUIT CONVERSATION first.")
    erin.never_saw("wants to chat")


async def test_nobody_chats_from_within_a_conversation(community: Community) -> None:
    carol, _erin = await community.talking("carol", "erin")
    dave = community.person("dave")
    await dave.starts()
    await carol.types("/chat dave")
    await carol.sees("You are in a conversation with erin: QUIT CONVERSATION first, or ADD dave.")
    dave.never_saw("wants to chat")


async def test_a_callee_behind_a_wall_cannot_be_reached(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    community.hub.refusing |= {carol.host, dave.host}
    carol.knows_no_punch()
    await carol.types("CHAT dave")
    seen = await carol.sees_part("User dave cannot be reached: ")
    assert seen.endswith(
        " (a firewall that rejects, or the program is just ending)."
        " Would you like to leave a message? (Y/N)"
    )
    await carol.types("Y")
    await carol.sees("Write your message for dave; \\q ends it.")
    await carol.types("are you there?")
    await carol.sees("Message left for dave.")
    await dave.sees_part("carol: are you there?")


async def test_a_callee_whose_network_swallows_everything_cannot_be_reached(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    community.hub.swallowing |= {carol.host, dave.host}
    carol.knows_no_punch()
    await carol.types("CHAT dave")
    seen = await carol.sees_part(
        "User dave cannot be reached: nothing comes through to 10.0.1.2", within=11
    )
    assert seen.endswith("firewalls on both sides. Would you like to leave a message? (Y/N)")


# --- Busy -------------------------------------------------------------------------


async def test_a_busy_user_is_interrupted_and_says_yes(community: Community) -> None:
    dave, erin = await community.talking("dave", "erin")
    carol = community.person("carol")
    await carol.starts()
    await carol.types("CHAT dave")
    await carol.sees("User dave is busy at this moment, you may interrupt. Interrupt? (Y/N)")
    dave.never_saw("carol wants")
    await carol.types("Y")
    await dave.sees(DAVE_ASKED_BY_CAROL + " Y leaves your conversation with erin.")
    await carol.sees("Waiting for dave's response...")
    await dave.types("Y")
    await dave.sees("You have just left your last conversation.")
    await dave.sees("You are now connected with carol.")
    await erin.sees("User dave left the conversation.")
    await erin.sees("The conversation is over.")
    await carol.sees("You are now connected with dave.")
    await dave.types("now we can talk")
    await carol.sees("dave: now we can talk")
    await trio.sleep(10)
    erin.never_saw("now we can talk")


async def test_an_interrupted_user_says_no_and_talks_on(community: Community) -> None:
    dave, erin = await community.talking("dave", "erin")
    carol = community.person("carol")
    await carol.starts()
    await carol.types("CHAT dave")
    await carol.sees_part("Interrupt? (Y/N)")
    await carol.types("Y")
    await dave.sees_part(" Y leaves your conversation with erin.")
    await dave.types("N")
    await carol.sees("User dave does not want to chat with you.")
    await dave.types("where were we?")
    await erin.sees("dave: where were we?")


async def test_nobody_has_to_interrupt(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("STATUS BUSY")
    await carol.types("CHAT dave")
    await carol.sees_part("Interrupt? (Y/N)")
    await carol.types("N")
    assert not carol.has_open_question
    await trio.sleep(90)
    dave.never_saw("wants to chat")


async def test_a_line_that_is_no_answer_leaves_the_question_open(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees(DAVE_ASKED_BY_CAROL)
    await dave.types("LIST USERS", "STATUS")
    await dave.sees("Your status is ACTIVE.")
    assert dave.has_open_question
    await dave.types("y")
    await carol.sees("You are now connected with dave.")


# --- Several at once --------------------------------------------------------------


async def test_three_invitations_queue_and_y_picks_one(community: Community) -> None:
    dave, carol, erin, frank = await community.start("dave", "carol", "erin", "frank")
    for inviter in (carol, erin, frank):
        await inviter.types("CHAT dave")
        await dave.sees(f"User {inviter.name} wants to chat with you. Would you like to? (Y/N)")
    await dave.types("Y carol")
    await dave.sees("You are now connected with carol.")
    await carol.sees("You are now connected with dave.")
    assert dave.has_open_question
    await dave.types("N")
    await frank.sees("User dave does not want to chat with you.")
    await dave.types("N")
    await erin.sees("User dave does not want to chat with you.")
    assert not dave.has_open_question


async def test_y_answers_the_question_shown_last(community: Community) -> None:
    dave, carol, erin = await community.start("dave", "carol", "erin")
    await carol.types("CHAT dave")
    await dave.sees(DAVE_ASKED_BY_CAROL)
    await erin.types("CHAT dave")
    await dave.sees("User erin wants to chat with you. Would you like to? (Y/N)")
    await dave.types("Y")
    await erin.sees("You are now connected with dave.")
    await dave.types("Y")
    await dave.sees("You have just left your last conversation.")
    await carol.sees("You are now connected with dave.")
    await erin.sees("The conversation is over.")
    assert not dave.has_open_question


async def test_a_fourth_invitation_finds_dave_too_busy(community: Community) -> None:
    _dave, *others = await community.start("dave", "carol", "erin", "frank", "gina")
    for inviter in others:
        await inviter.types("CHAT dave")
        await trio.sleep(0.1)
    await others[-1].sees("User dave is busy at this moment and cannot be interrupted.")


@pytest.mark.parametrize("line", ["Y dave", "/no dave", "y (dave)", "Y gina"])
async def test_y_with_a_name_while_nobody_asks(community: Community, line: str) -> None:
    carol, _ = await community.start("carol", "dave")
    await carol.types(line)
    await carol.sees("No question is open.")


async def test_y_with_a_name_that_asked_nothing_is_no_answer(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees(DAVE_ASKED_BY_CAROL)
    await dave.types("Y erin")
    await dave.sees_part("Unknown command: Y erin")
    assert dave.has_open_question
    dave.never_saw("You are now connected")


async def test_a_yes_in_a_conversation_with_nobody_asking_is_a_text(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("y")
    await dave.sees("carol: y")


# --- Leaving ----------------------------------------------------------------------


async def test_both_read_the_end_of_a_conversation(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("QUIT CONVERSATION")
    await carol.sees("You have just left your last conversation.")
    await dave.sees("User carol left the conversation.")
    await dave.sees("The conversation is over.")
    assert carol.talks_with == dave.talks_with == ()


@pytest.mark.parametrize("line", ["QUIT CONVERSATION", "quit conversation", "\\q", "/q", "EXIT"])
async def test_there_are_many_ways_to_leave(community: Community, line: str) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types(line)
    await dave.sees("The conversation is over.")


async def test_quit_inside_a_conversation_is_refused(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("QUIT")
    await carol.sees("You are in a conversation with dave: QUIT CONVERSATION first.")
    await carol.types("still here")
    await dave.sees("carol: still here")


async def test_quit_says_good_bye(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("BYE")
    await carol.is_gone()
    assert carol.lines[-1] == "Good bye! ☺"


async def test_texts_typed_right_before_leaving_arrive(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    texts = [f"text {number}" for number in range(600)]
    carol.types_ahead(*texts, "\\q")
    await dave.sees("The conversation is over.")
    assert [line for line in dave.lines if "text" in line] == [f"carol: {text}" for text in texts]
    dave.never_saw("left for you")


async def test_end_of_input_leaves_and_delivers_what_was_typed(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    texts = [f"text {number}" for number in range(600)]
    carol.types_ahead(*texts)
    await carol.ends_input()
    await dave.sees("carol: text 599")
    await dave.sees("User carol left the conversation.")
    await dave.sees("The conversation is over.")
    await dave.sees("* carol is offline.")
    assert carol.lines[-2:] == ["You have just left your last conversation.", "Good bye! ☺"]


async def test_who_talks_on_after_the_end_types_commands(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("\\q")
    await dave.sees("The conversation is over.")
    await dave.types("hello?")
    await dave.sees_part("Unknown command: hello?")


# --- A name given back ------------------------------------------------------------


async def test_unregister_frees_the_name_for_another_key(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("UNREGISTER", "Y")
    await dave.sees("You gave the name dave back. For 30 days only your key can have it again.")
    await dave.sees("Good bye! ☺")
    await dave.is_gone()
    await carol.sees("* dave is offline.")
    carol.never_saw("Lost")
    await carol.types("INFO dave")
    await carol.sees("User dave does not exist!")
    community.directory.frees("dave")
    new = community.person("dave")
    await new.starts()


async def test_unregister_inside_a_conversation_is_refused(community: Community) -> None:
    carol, _dave = await community.talking("carol", "dave")
    await carol.types("/unregister")
    await carol.sees("You are in a conversation with dave: QUIT CONVERSATION first.")


# --- Help -------------------------------------------------------------------------


async def test_help_and_mistakes(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("CHTA dave")
    await carol.sees("Unknown command: CHTA dave. Did you mean CHAT?")
    await carol.types("HELP CHAT")
    await carol.sees_part("CHAT name")
    await carol.types("CHAT")
    await carol.sees_part("CHAT whom? For example: CHAT dave")


# --- Starting ---------------------------------------------------------------------


async def test_a_port_in_use_is_said(community: Community) -> None:
    carol = community.person("carol", Options(listen=DIRECTORY.port))
    await carol.starts()
    other = community.person("dave", Options(listen=DIRECTORY.port))
    other.machine = community.hub.machine(carol.host)
    with pytest.raises(Refused, match=r"^port 5000 is already in use, "):
        await other.starts()


async def test_a_second_program_on_the_same_data_is_refused(community: Community) -> None:
    (carol,) = await community.start("carol")
    other = community.person("carol")
    other.machine = carol.machine
    with pytest.raises(Refused, match="another program is already running"):
        await other.starts()
    await carol.types("STATUS")
    await carol.sees("Your status is ACTIVE.")


async def test_a_damaged_key_is_said(community: Community) -> None:
    carol = community.person("carol")
    carol.machine.disk.write("key", b"short")
    with pytest.raises(StorageError, match="is damaged"):
        await carol.starts()


async def test_an_advertised_address_is_where_others_dial(community: Community) -> None:
    carol = community.person("carol", Options(advertise_host="10.9.9.9", advertise_port=7))
    await carol.starts()
    await carol.types("INFO carol")
    await carol.sees_part(", at 10.9.9.9:7, key ")


async def test_somebody_else_at_the_advertised_address_is_not_spoken_to(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    port = (await carol.peer.finder.contact("dave")).port
    mallory = community.person("mallory", Options(advertise_host=dave.host, advertise_port=port))
    await mallory.starts()
    community.hub.refusing.add(carol.host)  # else mallory could dial her,
    carol.knows_no_punch()  # or they could meet
    await carol.types("CHAT mallory")
    await carol.sees_part(
        "User mallory cannot be reached: somebody else answers there, who says to be dave."
    )
    dave.never_saw("wants to chat")


async def test_no_directory_there_is_said(community: Community) -> None:
    await community.directory.stops()
    with pytest.raises(Unreachable, match="connection refused"):
        await community.person("carol").starts()


async def test_a_user_is_new_until_a_directory_has_registered_them(community: Community) -> None:
    await community.directory.stops()
    carol = community.person("carol")
    with pytest.raises(Unreachable):
        await carol.starts()
    await community.directory.starts()
    await carol.starts()
    assert carol.peer.is_new
    await carol.starts_again()
    assert not carol.peer.is_new
