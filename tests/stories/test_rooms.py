"""Plays in a room, which stands until its last member has left it."""

import trio
import trio.testing

from peer.console.codes import Code
from peer.core.targets.place import HOME, Place
from shared.errors import Refused
from tests.kit.community import Community
from tests.kit.rooms import ASKS, founds, reads


async def test_one_founds_it_and_asks_several_in(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.types("ROOM lab", "ADD dave erin TO lab")
    for other in (dave, erin):
        await other.sees(ASKS.format("carol", "lab", "1 member"))
        await other.types("Y")
        await other.sees_part("You are in the room #lab, with carol")
        await carol.sees(f"User {other.name} joined the room #lab.")
    await carol.types("#lab good morning")
    await dave.sees("#lab carol: good morning")
    await erin.sees("#lab carol: good morning")
    await erin.types("TO lab hello")
    await carol.sees("#lab erin: hello")
    await carol.types("ROOMS", "MEMBERS lab")
    await carol.sees("#lab: carol (you), dave, erin")
    await carol.sees("carol (you)")
    assert await reads(carol) == await reads(dave) == ["carol: good morning", "erin: hello"]


async def test_the_others_are_away_and_nobody_has_left(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await founds(carol, dave)
    await dave.is_killed()
    await carol.types("#lab are you there?")
    await carol.sees("* dave is offline.", within=60)
    await carol.types("ROOMS", "MEMBERS lab")
    await carol.sees("#lab: carol (you), dave (away)")
    await carol.sees("dave: away")
    carol.never_saw("left")
    carol.never_saw("Lost the connection")
    await dave.starts()
    await dave.sees("You are in the room #lab.")
    await dave.sees_part("#lab carol: are you there?", within=60)
    await dave.types("#lab yes")
    await carol.sees("#lab dave: yes")


async def test_in_the_morning_everybody_is_in_it_again(community: Community) -> None:
    people = await community.start("carol", "dave", "erin")
    carol, dave, erin = people
    await founds(carol, dave, erin)
    await dave.types("#lab good night")
    await erin.sees("#lab dave: good night")
    await carol.sees("#lab dave: good night")
    for person in people:
        await person.quits()
    for person in (erin, carol, dave):
        await person.starts()
        await person.sees("You are in the room #lab.")
        await person.types(f"#lab good morning from {person.name}")
    await erin.sees("#lab carol: good morning from carol")
    await erin.sees("#lab dave: good morning from dave")
    await carol.sees("#lab dave: good morning from dave")
    lines = await reads(carol)
    assert len(lines) == 4
    assert lines == await reads(dave) == await reads(erin)


async def test_what_i_write_and_quit_is_there_for_those_who_come_later(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await founds(carol, dave)
    await dave.quits()
    await carol.sees("* dave is offline.")
    await carol.types("#lab I go home")
    await carol.quits()
    await dave.starts()
    await dave.sees("1 message was left for you:")
    await dave.sees_part("#lab carol: I go home")
    states = dave.console.targets.places.states
    assert [str(one.place) for one in states if one.unread] == ["#lab"]
    assert await reads(dave) == ["[left] carol: I go home"]
    await carol.starts()
    await carol.types("#lab back")
    await dave.sees("#lab carol: back")
    assert await reads(dave) == await reads(carol) == ["carol: I go home", "carol: back"]


async def test_a_script_asks_in_vain_who_got_what_another_program_said(
    community: Community,
) -> None:
    carol = community.person("carol")
    assert await carol.runs("ROOM lab") is Code.DONE
    assert await carol.runs("WHO GOT lab") is Code.REFUSED
    await carol.sees("You have said nothing in #lab since this program started.")


async def test_whoever_interrupts_somebody_for_a_room_stays_there(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await founds(carol, dave)
    await carol.connects_with(erin)
    await dave.types("GO lab", "/add erin")
    await dave.sees("User erin is busy at this moment, you may interrupt. Interrupt? (Y/N)")
    await dave.types("/y")
    await erin.sees(ASKS.format("dave", "lab", "2 members"))
    await dave.types("she comes")
    await carol.sees("#lab dave: she comes")


async def test_a_room_is_beside_the_talk_and_makes_nobody_busy(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await founds(carol, dave)
    await erin.types("LIST USERS")
    await erin.sees("ACTIVE: carol, dave, erin (you)")
    await carol.connects_with(erin)
    await dave.types("ADD erin TO lab")
    await dave.sees("User erin is busy at this moment, you may interrupt. Interrupt? (Y/N)")
    await dave.types("Y")
    await erin.sees(ASKS.format("dave", "lab", "2 members"))
    await erin.types("/y")
    await erin.sees_part("You are in the room #lab, with ")
    await erin.types("hello carol", "#lab hello all", "#lba a secret", " #1 is text")
    await erin.sees("You are in no room #lba. A space before the line makes it a text.")
    await carol.sees("erin: hello carol")
    await carol.sees("#lab erin: hello all")
    await carol.sees("erin: #1 is text")
    await dave.sees("#lab erin: hello all")
    dave.never_saw("hello carol")
    carol.never_saw("a secret")
    await carol.types("QUIT CONVERSATION")
    await erin.sees("The conversation is over.")
    await erin.types("#lab still here")
    await dave.sees("#lab erin: still here")
    await carol.sees("#lab erin: still here")


async def test_who_parts_has_left_for_good_also_for_those_who_are_away(
    community: Community,
) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await founds(carol, dave, erin)
    await erin.quits()
    await dave.types("PART lab")
    await dave.sees("You have left the room #lab.")
    await carol.sees("User dave left the room #lab.")
    await carol.types("#lab without dave")
    await dave.quits()
    await erin.starts()
    await erin.sees("User dave left the room #lab.", within=60)
    await erin.types("ROOMS")
    await erin.sees("#lab: erin (you), carol")
    await dave.starts()
    await dave.types("ROOMS", "#lab hello", "HISTORY #lab")
    await dave.sees("You are in no room: ROOM name founds one.")
    await dave.sees("You are in no room #lab.")
    dave.never_saw("without dave")
    await carol.types("ADD dave TO lab")
    await dave.sees(ASKS.format("carol", "lab", "2 members"))
    await dave.types("Y")
    await dave.sees_part("You are in the room #lab, with carol")


async def test_the_last_one_is_alone_in_it_and_may_ask_others_in(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await founds(carol, dave)
    await dave.types("PART lab")
    await carol.sees("User dave left the room #lab.")
    await carol.types("#lab alone", "ROOMS")
    await carol.sees("#lab: carol (you)")
    await carol.quits()
    await carol.starts()
    await carol.sees("You are in the room #lab.")
    await carol.types("ADD dave TO lab")
    await dave.sees(ASKS.format("carol", "lab", "1 member"))
    await dave.types("Y")
    await dave.sees("You are in the room #lab, with carol.")
    await carol.types("PART lab", "ROOMS")
    await carol.sees("You are in no room: ROOM name founds one.")


async def test_a_newcomer_gets_the_last_texts_if_everybody_may_know(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await founds(carol, dave)
    await carol.types("#lab one")
    await dave.sees("#lab carol: one")
    await dave.types("#lab two")
    await carol.sees("#lab dave: two")
    await carol.types("#lab three")
    await dave.sees("#lab carol: three")
    assert len(await reads(carol)) == 3  # on disk
    await carol.types("ADD erin TO lab WITH 2")
    await erin.sees(ASKS.format("carol", "lab", "2 members"))
    await erin.types("Y")
    await dave.sees("#lab carol: erin gets the last 2 texts of before.")
    await erin.sees("#lab carol: erin gets the last 2 texts of before.")
    assert (await reads(erin))[:2] == ["dave: two", "carol: three"]


async def test_no_room_is_meant_that_is_not_named(community: Community) -> None:
    carol, dave, mallory = await community.start("carol", "dave", "mallory")
    await founds(carol, dave)
    await carol.types("#lab here I am", "ADD mallory")
    begins, asks = "CHAT mallory begins one", "ADD mallory TO lab asks them in"
    await carol.sees(f"You are in no conversation: {begins}; {asks}.")
    await carol.types("GO lab", "ADD mallory")
    await mallory.sees(ASKS.format("carol", "lab", "2 members"))
    assert len([line for line in mallory.lines if " asks you into " in line]) == 1


async def test_no_room_takes_over_the_name_of_a_user(community: Community) -> None:
    carol, dave, mallory = await community.start("carol", "dave", "mallory")
    await mallory.types("ROOM dave", "ADD carol TO dave")
    await carol.sees(
        "User mallory asks you into the room #dave (1 member). dave is the name of a user, too."
        " Would you like to join? (Y/N)"
    )
    await carol.types("Y mallory")
    await carol.sees("You are in the room #dave, with mallory.")
    for words in ("GO", "MUTE", "DIM", "UNMUTE", "go", "/GO"):
        await carol.types(f"{words} dave")
        done = words.upper().removeprefix("/")
        await carol.sees(
            f"A room of yours and a user are called dave: {done} #dave or {done} @dave."
        )
    await carol.types("between us")
    await carol.sees("Unknown command: between us")
    await carol.types("GO @dave", "between us")
    await dave.sees("[private] carol: between us")
    await carol.types("GO")
    for words, sign in (("HISTORY", "HISTORY"), ("SEARCH us IN", "IN"), ("SEARCH us in", "IN")):
        await carol.types(f"{words} dave")
        await carol.sees(
            f"A room of yours and a user are called dave: {sign} #dave or {sign} @dave."
        )
    assert await reads(carol, "@dave") == ["[private] carol -> dave: between us"]
    assert len(await reads(carol, "#dave")) == 1  # "No history here"
    await carol.types("MUTE #dave", "GO #dave", "for all of us")
    await mallory.sees("#dave carol: for all of us")
    mallory.never_saw("between us")


async def test_no_room_is_called_like_a_word_of_the_program(community: Community) -> None:
    (carol,) = await community.start("carol")
    for word in ("y", "Chat", "#TO"):
        await carol.types(f"ROOM {word}")
        name = word.removeprefix("#")
        await carol.sees(f'"{name}" is a word of the program; choose another name.')
    await carol.types("ROOMS")
    await carol.sees("You are in no room: ROOM name founds one.")


async def test_nobody_goes_to_a_room_that_is_not_theirs(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("GO #nolab", "GO ?")
    await carol.sees("You are in no room #nolab.")
    await carol.sees("1 commands: nothing unread (you are here)")
    carol.never_saw("Each line is a text for")
    carol.never_saw("#nolab: nothing unread")


async def test_a_prompt_that_leads_to_a_room_just_left_leads_home(community: Community) -> None:
    """Both lines are typed before the prompt hears that the room is no more."""
    (carol,) = await community.start("carol")
    await carol.types("ROOM ops", "ROOM lab", "GO ops")
    target = carol.console.targets.target
    await carol.types("/part lab")
    code = await carol.console.perform_line("/go", target=target, led=Place(room="lab"))
    assert code is Code.REFUSED
    await carol.sees("You are in no room #lab.")
    found = carol.console.targets.look()
    assert [str(one.place) for one in found.states] == ["", "#ops"]
    assert found.here == HOME


async def test_two_rooms_of_one_name_are_told_apart(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await founds(carol, erin)
    await erin.types("ROOM lab", "ROOM LAB")
    await erin.sees("You are in a room #lab already.")
    await erin.sees("You are in a room #LAB already.")
    await dave.types("ROOM lab", "ADD erin TO lab")
    await erin.sees(
        "User dave asks you into another room #lab (1 member). Would you like to join? (Y/N)"
    )
    await erin.types("Y")
    await erin.sees("You are in the room #lab~dave, with dave.")
    await dave.types("#lab hello")
    await erin.sees("#lab~dave dave: hello")
    await erin.types("#lab~dave hi dave", "#lab hi carol")
    await dave.sees("#lab erin: hi dave")
    await carol.sees("#lab erin: hi carol")
    await erin.quits()
    await erin.starts()
    await erin.sees("You are in the rooms #lab, #lab~dave.")


async def test_a_script_says_a_line_in_a_room(community: Community) -> None:
    ci, dave = await community.start("ci", "dave")
    await founds(ci, dave)
    await ci.quits()
    assert await ci.runs("TO lab build is green") == 0
    await dave.sees("#lab ci: build is green")
    for command in ("HISTORY Lab", "HISTORY #lab", "SEARCH green IN lab", "SEARCH build in lab"):
        assert await ci.runs(command) == 0
        await ci.sees_part("] ci: build is green")
    await dave.quits()
    assert await ci.runs("TO lab build is red") == 3
    await ci.sees("Kept for #lab until a member is there.")
    assert await ci.runs("TO ops hello") == 4
    await dave.starts()
    await dave.sees_part("#lab ci: build is red")
    await ci.starts()
    await ci.types("#lab here")
    await dave.sees("#lab ci: here")
    assert len(await reads(ci)) == 3
    assert await reads(dave) == await reads(ci)


async def test_a_line_in_a_room_without_others_is_not_kept_for_later_ones(
    community: Community,
) -> None:
    ci, dave = await community.start("ci", "dave")
    await ci.types("ROOM solo", "#solo hello")
    await ci.sees("Nobody else is in #solo: nobody has it but you.")
    await ci.quits()
    assert await ci.runs("TO solo build is red") == Code.UNREACHABLE
    await ci.sees("Nobody else is in #solo: nobody has it but you.")
    ci.never_saw("Kept for")
    await ci.starts()
    await ci.types("ADD dave TO solo")
    await dave.sees(ASKS.format("ci", "solo", "1 member"))
    await dave.types("Y ci")
    await ci.sees("User dave joined the room #solo.")
    dave.never_saw("build is red")


async def test_the_runs_of_a_script_share_one_epoch(community: Community) -> None:
    ci, dave = await community.start("ci", "dave")
    await founds(ci, dave)
    await ci.quits()
    for number in range(3):
        assert await ci.runs(f"TO lab build {number}") == 0
        await dave.sees(f"#lab ci: build {number}")
    (room,) = dave.peer._exchange.conversations.rooms
    assert len({one.epoch for one in room.core.incoming.have()}) == 1


async def test_an_invitation_to_a_talk_is_no_answer_to_a_question_about_a_room(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("ROOM lab", "ADD dave TO lab")
    await dave.sees(ASKS.format("carol", "lab", "1 member"))
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
    await carol.types("Y")
    await dave.sees("You are now connected with carol.")
    await dave.types("/y carol")
    await dave.sees("You are in the room #lab, with carol.")
    await dave.types("hello")
    await carol.sees("dave: hello")


async def test_nobody_is_in_more_than_twenty_rooms(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    for number in range(20):
        await carol.types(f"ROOM r{number}")
    await carol.sees("You are in the room #r19, alone: ADD name TO r19 asks somebody in.")
    await carol.types("ROOM r20")
    await carol.sees("You are in 20 rooms, the most: PART one of them first.")
    await dave.types("ROOM lab", "ADD carol TO lab")
    await carol.sees(ASKS.format("dave", "lab", "1 member"))
    await carol.types("Y")
    await carol.sees("You are in 20 rooms, the most: PART one of them first.")
    await carol.types("PART r7", "Y")
    await carol.sees("You are in the room #lab, with dave.")


async def test_nothing_is_said_in_a_room_while_the_program_ends(community: Community) -> None:
    """A bot may say something at the moment at which it ends: that would be with nobody."""
    carol, dave = await community.start("carol", "dave")
    await founds(carol, dave)
    refusals: list[str] = []

    async def says_more() -> None:
        while True:
            try:
                await carol.peer.rooms.say("lab", "more")
            except Refused as no:
                refusals.append(str(no))
                return

    community.nursery.start_soon(says_more)
    await carol.quits()
    assert carol.peer.rooms.labels == ("lab",)
    assert refusals == ["The program ends: nothing more is said in rooms."]
    await carol.starts()
    await trio.sleep(60)
    assert await reads(carol) == await reads(dave)
