"""What the network in a box has found, told as small plays."""

import trio

from peer.console.codes import Code
from shared.identity import CERTIFICATE_DAYS
from tests.kit.community import Community, Person
from tests.kit.gathering import adds


async def test_what_is_written_before_a_repeated_confirm_is_read(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees_part("wants to chat with you")
    (cable,) = community.cables(carol, dave)
    cable.deafen(dave.host)
    await dave.types("Y")
    await carol.sees("You are now connected with dave.")
    await carol.types("one")
    await dave.sees("You are now connected with carol.", within=20)
    await dave.sees("carol: one")


async def test_a_letter_that_was_shown_while_the_disk_was_full_is_shown_once(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    dave.screen.pauses()
    await carol.types("LEAVE dave one")
    await trio.sleep(1)
    dave.machine.disk.is_full = True  # it lies on disk, that it was read does not
    dave.screen.goes_on()
    await dave.sees_part("carol: one")
    await trio.sleep(1)
    dave.machine.disk.is_full = False
    await carol.types("LEAVE dave two")
    await dave.sees_part("carol: two")
    assert dave.saw("carol: one") == 1


async def test_letters_that_found_the_disk_full_are_asked_for_again(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    dave.machine.disk.is_full = True
    await carol.types("LEAVE dave one")
    await dave.sees_part("Your messages cannot be taken from the directory")
    dave.machine.disk.is_full = False
    await dave.sees_part("carol: one", within=25)


async def test_who_leaves_and_comes_back_at_once_hears_everybody(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees_part("wants to chat with you")
    await erin.types("Y")
    await erin.sees_part("You are now connected with ")
    await trio.sleep(1)
    erin.machine.disk.seconds = 2.0  # so that the first stay settles slowly
    await carol.types("one")
    await erin.sees("carol: one")
    await erin.types(r"\q")
    await carol.sees("User erin left the conversation.")
    await carol.types("ADD erin")
    await erin.sees_part("wants to chat with you")
    await erin.types("Y")
    await erin.sees_part("You are now connected with ", within=20)
    await carol.types("two")
    await erin.sees("carol: two")
    await dave.types(r"\q")
    await erin.sees("User dave left the conversation.")
    assert erin.saw("carol: one") == 1


async def test_a_text_that_waits_for_the_disk_is_not_read_again_as_its_copy(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    dave.machine.disk.is_full = True
    await carol.types("one")
    await dave.sees("carol: one")
    community.separates(carol, dave)
    await trio.sleep(35)
    dave.machine.disk.is_full = False
    await trio.sleep(40)
    assert dave.saw("carol: one") == 1


async def test_who_is_dialled_while_they_register_has_not_left(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await dave.is_killed()
    dave.machine.clock.set(dave.now + CERTIFICATE_DAYS / 2 * 86_400)
    dave.machine.disk.seconds = 2.0  # he has to keep a new certificate, before he is registered
    await dave.starts()
    await dave.sees("You are back in the conversation with carol.")
    await carol.types("one")
    await dave.sees("carol: one")
    carol.never_saw("User dave left the conversation.")


async def test_a_single_command_leaves_no_interrupted_conversation(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await dave.is_killed()
    assert await dave.runs("@carol hello") is Code.DONE
    await carol.sees("[private] dave: hello")
    await dave.starts()
    await dave.sees("You are back in the conversation with carol.")
    carol.never_saw("User dave left the conversation.")


async def test_what_was_said_before_an_earlier_stay_is_not_read_in_a_later_one(
    community: Community,
) -> None:
    carol, dave, erin, frank = await community.start("carol", "dave", "erin", "frank")
    await erin.connects_with(dave)
    await adds(erin, frank)
    await trio.sleep(1)
    await erin.types("@carol hello")
    await carol.sees("[private] erin: hello")
    community.separates(dave, frank)
    erin.machine.disk.is_full = True
    await dave.types("one")
    await erin.sees("dave: one")
    await adds(erin, carol)
    await trio.sleep(1)
    await dave.types("two")
    await carol.sees("dave: two")
    await carol.types(r"\q")
    await carol.sees("You have just left your last conversation.")
    await erin.sees("User carol left the conversation.")
    community.separates(dave, erin)
    await erin.is_killed()  # with her goes what she has read of dave
    erin.machine.disk.is_full = False
    await erin.starts()
    await erin.sees_part("You are back in the conversation with ")
    await adds(erin, carol)
    await trio.sleep(5)
    await dave.types("three")
    await carol.sees("dave: three")
    carol.never_saw("dave: one")
    assert carol.saw("dave: two") == 1


async def test_who_has_left_tells_who_is_in_still(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(erin)
    await trio.sleep(1)
    await carol.is_killed()
    await adds(erin, dave)
    await erin.types("QUIT CONVERSATION")
    await dave.sees("User erin left the conversation.")
    await trio.sleep(1)  # for erin's disk
    await erin.is_killed()
    await erin.starts()
    community.separates(carol, dave)
    await carol.starts()
    await trio.sleep(5)
    community.reunites(carol, dave)
    await carol.sees("You are back in the conversation with dave.")
    carol.never_saw("User dave joined the conversation.")
    await carol.types("one")
    await dave.sees("carol: one")


async def test_who_says_yes_and_good_bye_at_once_is_in_nothing_afterwards(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("CHAT dave")
    await dave.sees_part("User carol wants to chat with you.")
    (cable,) = community.cables(carol, dave)
    cable.silence()
    await dave.types("Y", "PRV carol so long", "QUIT")  # which waits for the line to arrive
    await trio.sleep(1)
    cable.heal()
    await dave.is_gone()
    await dave.starts()
    await trio.sleep(10)
    assert dave.peer.conversation.others == () == carol.peer.conversation.others
    dave.never_saw("You are back")


async def test_a_text_that_is_not_to_be_shown_overtakes_none_that_is_on_its_way_to_the_screen(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    dave.screen.pauses()
    await carol.types("one")
    await trio.sleep(1)
    dave.types_ahead("/IGNORE carol")
    await trio.sleep(1)
    await carol.types("two")
    await carol.sees("Not yet delivered to dave.")
    dave.types_ahead("/UNIGNORE carol")  # of whom I ignore nothing is kept
    await trio.sleep(1)
    await dave.is_killed()
    await dave.starts()
    dave.screen.goes_on()
    await trio.sleep(10)
    await dave.types("/HISTORY")
    await dave.sees_part("carol: one")
    await dave.sees_part("carol: two")


async def test_who_was_killed_before_my_yes_arrived_is_asked_in_turn(community: Community) -> None:
    """Carol's yes still waits when she asks dave, whose next program knows nothing of it."""
    carol, dave = await community.start("carol", "dave")
    await says_yes_to_a_program_that_ends(community, carol, dave)
    await dave.starts()
    await carol.types("CHAT dave")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)", within=5)
    await dave.types("Y")
    await carol.sees("You are now connected with dave.")


async def test_who_was_killed_before_my_yes_arrived_and_is_away_is_not_waited_for(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await says_yes_to_a_program_that_ends(community, carol, dave)
    await carol.types("CHAT dave")
    await carol.sees_part("User dave is offline at this moment.", within=15)


async def test_who_was_killed_before_my_yes_arrived_may_ask_again(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await says_yes_to_a_program_that_ends(community, carol, dave)
    await dave.starts()
    await dave.types("CHAT carol")
    await carol.sees_part("User dave wants to chat with you.")
    await carol.types("Y")
    await dave.sees("You are now connected with carol.")


async def says_yes_to_a_program_that_ends(
    community: Community, carol: Person, dave: Person
) -> None:  # fmt: skip
    """Let dave ask carol, and die before her yes has reached him."""
    await dave.types("CHAT carol")
    await carol.sees_part("User dave wants to chat with you.")
    (cable,) = community.cables(carol, dave)
    cable.stall(reader=dave.host)
    await carol.types("Y")
    await dave.is_killed()
