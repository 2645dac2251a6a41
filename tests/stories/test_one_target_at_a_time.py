"""One target at a time: where each line of a person without a prompt goes."""

import trio

from peer.commands.grammar import Loud
from peer.core.targets.place import Place
from peer.core.targets.places import PERSONS_MOST
from tests.kit.community import Community

TO_DAVE = "Each line is a private line to dave now; GO leads back."
TO_ERIN = "Each line is a private line to erin now; GO leads back."


async def test_each_line_goes_to_dave_until_i_go_elsewhere(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.types("GO dave")
    await carol.sees(TO_DAVE)
    await carol.types("hello", "go on", " /who")
    await dave.sees("[private] carol: hello")
    await dave.sees("[private] carol: go on")
    await dave.sees("[private] carol: /who")
    await carol.types("/go erin", "psst")
    await carol.sees(TO_ERIN)
    await erin.sees("[private] carol: psst")
    await carol.types("GO")
    await carol.sees(TO_DAVE)
    await carol.types("\\q")
    await carol.sees("Each line is a command again.")
    await carol.types("hello")
    await carol.sees("Unknown command: hello")
    erin.never_saw("hello")


async def test_a_private_target_outlives_conversations(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(erin)
    await carol.types("hello erin", "GO dave", "erin is late")
    await erin.sees("carol: hello erin")
    await dave.sees("[private] carol: erin is late")
    await erin.types("how are you?")
    await carol.sees("erin: how are you?")
    await erin.types("QUIT CONVERSATION")
    await carol.sees("The conversation is over.")
    await carol.types("still to dave")
    await dave.sees("[private] carol: still to dave")
    erin.never_saw("late")


async def test_who_invites_or_says_yes_goes_home(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.types("GO dave")
    await carol.sees(TO_DAVE)
    await erin.types("CHAT carol")
    await carol.sees("User erin wants to chat with you. Would you like to? (Y/N)")
    await trio.sleep(1.0)  # the question was seen
    await carol.types("Y")
    await carol.sees("Each line is a command again.")
    await carol.sees("You are now connected with erin.")
    await carol.types("for erin")
    await erin.sees("carol: for erin")
    dave.never_saw("for erin")


async def test_a_user_who_does_not_exist_gets_nothing_and_nobody_else_does(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("GO dvae", "a secret")
    await carol.sees("Each line is a private line to dvae now; GO leads back.")
    await carol.sees("User dvae does not exist!")
    await carol.sees_part("User dvae does not exist!")
    await carol.types("GO", "for you")
    await carol.sees("Each line is a text for dave now.")
    await dave.sees("carol: for you")
    dave.never_saw("secret")


async def test_what_is_muted_is_counted_and_shown_when_i_go_there(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.types("MUTE dave", "DIM erin", "MUTE")
    await carol.sees("dave is only counted until UNMUTE dave; GO dave shows it.")
    await carol.sees("erin is shown in grey until UNMUTE erin.")
    await dave.types("PRV carol one", "PRV carol two")
    await erin.types("PRV carol three")
    await carol.sees("[private] erin: three")
    await carol.types("MUTED", "GO ?")
    await carol.sees("Muted: dave.")
    await carol.sees("Dim: erin.")
    await carol.sees("1 commands: nothing unread (you are here)")
    await carol.sees("- dave: 2 unread, muted")
    await carol.sees("- erin: 1 unread, dim")
    carol.never_saw("[private] dave")
    await carol.types("GO dave")
    await carol.sees(TO_DAVE)
    await carol.sees("--- 2 unread ---")
    await carol.sees("[private] dave: one")
    await carol.sees("[private] dave: two")
    await carol.types("UNMUTE dave", "/unmute dave")  # the first is a line to dave
    await dave.sees("[private] carol: UNMUTE dave")
    await carol.sees("dave is shown again.")
    await carol.types("GO", "MUTE #lab", "MUTE carol")
    await carol.sees("You are in no room #lab.")
    await carol.sees("You can't mute yourself.")


async def test_muted_places_stay_muted_over_a_restart(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("ROOM lab", "ADD dave TO lab", "MUTE dave", "MUTE lab")
    await dave.sees_part("User carol asks you into the room #lab (1 member).")
    await trio.sleep(1.0)  # the question was seen
    await dave.types("Y")
    await carol.sees("User dave joined the room #lab.")
    await carol.starts_again()
    await carol.sees_part("You are in the room #lab")
    await trio.sleep(5)  # they are linked again
    await dave.types("#lab a text", "PRV carol a line")
    await trio.sleep(5)
    await carol.types("MUTED", "GO ?")
    await carol.sees("Muted: #lab, dave.")
    await carol.sees("- dave: 1 unread, muted")
    carol.never_saw("a text")
    carol.never_saw("a line")
    await carol.types("UNMUTE dave")
    await carol.sees("dave is shown again.")
    await carol.starts_again()
    await carol.types("MUTED")
    await carol.sees("Muted: #lab.")


async def test_more_may_stay_muted_than_can_be_in_view(community: Community) -> None:
    (carol,) = await community.start("carol")
    for number in range(PERSONS_MOST + 1):
        await carol.peer.choices.quiet.make(Place(f"user{number}"), Loud.HELD)
    await carol.starts_again()
    await carol.types("MUTED")
    await carol.sees_part("Muted: user0, user1, ")


async def test_a_script_goes_nowhere(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.quits()
    await dave.sees("* carol is offline.")
    await carol.runs("GO dave")
    await carol.sees("GO is for whoever types; a script uses PRV name text or TO room text.")


async def test_texts_that_look_like_places_are_texts(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("PRV carol #lab erin: hello", "PRV carol --- 9 unread ---\x1b[2J")
    await carol.sees("[private] dave: #lab erin: hello")
    await carol.sees("[private] dave: --- 9 unread ---␛[2J")
    await carol.types("GO ?")
    await carol.sees("- dave: 2 unread")


async def test_a_room_is_one_more_target(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.types("ROOM lab", "ADD dave TO lab")
    await dave.sees_part("User carol asks you into the room #lab (1 member).")
    await trio.sleep(1.0)  # the question was seen
    await dave.types("Y")
    await carol.sees("User dave joined the room #lab.")
    await carol.types("GO lab", "hello", "go on", "#lab once more", "@erin psst", "/members")
    await carol.sees("Each line is a text for #lab (2 members) now; GO leads back.")
    await dave.sees("#lab carol: hello")
    await dave.sees("#lab carol: go on")
    await dave.sees("#lab carol: once more")
    await erin.sees("[private] carol: psst")
    await carol.sees_part("dave: direct")
    await dave.types("#lab one", "#lab two")
    await carol.sees("#lab dave: one")
    await carol.types("GO", "GO ?", "MUTE lab")
    await carol.sees("2 #lab: nothing unread")
    await carol.sees("#lab is only counted until UNMUTE #lab; GO #lab shows it.")
    await dave.types("#lab three")
    await carol.types("PRV dave x")
    await dave.sees("[private] carol: x")
    await dave.types("PRV carol y")
    await carol.sees("[private] dave: y")
    carol.never_saw("three")
    await carol.types("GO lab", "/history", "/part", "for nobody")
    await carol.sees("--- 1 unread ---")
    await carol.sees("#lab dave: three")
    await carol.sees_part("three")
    await carol.sees("You have left the room #lab.")
    await carol.sees("Each line is a command again.")
    await carol.sees("Unknown command: for nobody")
    dave.never_saw("for nobody")


async def test_a_user_named_like_a_room_is_somebody_else(community: Community) -> None:
    carol, lab = await community.start("carol", "lab")
    await carol.types("ROOM lab", "GO #lab", "to the room")
    await carol.sees("Each line is a text for #lab (1 member) now; GO leads back.")
    await carol.types("GO @lab", "to the person")
    await carol.sees("Each line is a private line to lab now; GO leads back.")
    await lab.sees("[private] carol: to the person")
    await carol.types("GO #ops")
    await carol.sees("You are in no room #ops.")
    await carol.sees("Each line is a private line to lab now; GO leads back.")
    await carol.types("GO lab", "/GO #lab")
    await carol.sees("A room of yours and a user are called lab: GO #lab or GO @lab.")
    await carol.sees("Each line is a text for #lab (1 member) now; GO leads back.")
    lab.never_saw("to the room")
