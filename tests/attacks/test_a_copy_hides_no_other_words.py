"""A letter that says that it copies a text hides no text with other words.

Authors know the places of their next texts.  So one can leave a member other words than she
says to all: the text is shown all the same, and she is named for it.
"""

import pytest
import trio

from peer.options import Options
from shared.sealing import About
from tests.kit.community import Community, Person
from tests.kit.rooms import founds, reads

NAMED = "#lab: mallory has said different things to you and others."


async def in_a_room(
    community: Community, options: Options | None = None
) -> tuple[Person, Person, Person]:
    """carol has these options."""
    carol = community.person("carol", options)
    await carol.starts()
    dave, mallory = await community.start("dave", "mallory")
    await founds(dave, carol, mallory)
    await trio.sleep(1)  # all is on disk
    return carol, dave, mallory


def place(mallory: Person, *, ahead: int = 1, epoch: str = "") -> About:
    """Return the place of mallory's next text, or of a later one."""
    (room,) = mallory.peer._exchange.conversations.rooms
    said = room.core.outgoing
    return About(room.core.id, epoch or said.epoch, said._outbox.last + ahead)


async def leaves(
    mallory: Person, to: Person, words: str, *, ahead: int = 1, about: About | None = None
) -> None:
    """Leave a letter that says that it copies this text of mallory's."""
    about = about or place(mallory, ahead=ahead)
    contact = await mallory.peer.finder.contact(to.name)
    time = mallory.machine.clock.time()
    await mallory.peer._exchange.letter_drop.leave(contact, words, time, about)
    await trio.sleep(1)


async def test_what_all_are_told_is_shown_to_who_was_left_something_else(
    community: Community,
) -> None:
    carol, dave, mallory = await in_a_room(community)
    await leaves(mallory, carol, "NO")
    await leaves(mallory, carol, "never", ahead=2)
    await carol.sees_part("#lab mallory: never")
    await mallory.types("#lab YES", "#lab always", "#lab that was it")
    for person in (carol, dave):
        for words in ("YES", "always", "that was it"):
            await person.sees(f"#lab mallory: {words}")
    said = [f"mallory: {words}" for words in ("YES", "always", "that was it")]
    assert await reads(carol) == ["[left] mallory: NO", "[left] mallory: never", *said]
    assert await reads(dave) == said
    assert carol.lines.count(NAMED) == 1
    dave.never_saw("different things")


@pytest.mark.parametrize("keeps_history", [True, False])
async def test_also_after_a_new_start(community: Community, *, keeps_history: bool) -> None:
    options = Options(keeps_history=keeps_history)
    carol, dave, mallory = await in_a_room(community, options)
    await leaves(mallory, carol, "NO")
    await leaves(mallory, carol, "the same", ahead=2)
    await carol.sees_part("#lab mallory: the same")
    await carol.is_killed()
    await carol.starts()
    await carol.sees("You are in the room #lab.")
    await mallory.types("#lab YES", "#lab the same", "#lab that was it")
    await carol.sees("#lab mallory: YES")
    await carol.sees("#lab mallory: that was it")
    assert NAMED in carol.lines
    carol.never_saw("the same")  # again
    left = ["[left] mallory: NO"] if keeps_history else []
    said = [f"mallory: {words}" for words in ("YES", "the same", "that was it")]
    assert await reads(carol) == [*left, *said]
    assert await reads(dave) == said


async def test_what_all_were_told_before_is_not_followed_by_something_else(
    community: Community,
) -> None:
    carol, dave, mallory = await in_a_room(community)
    await mallory.types("#lab YES")
    await carol.sees("#lab mallory: YES")
    await trio.sleep(1)
    await leaves(mallory, carol, "NO", ahead=0)
    carol.never_saw("NO")
    assert await reads(carol) == await reads(dave) == ["mallory: YES"]


@pytest.mark.parametrize("has_left", [False, True])
async def test_what_was_left_for_one_alone_is_marked_as_left(
    community: Community, *, has_left: bool
) -> None:
    """There is no such text: nobody has it, and it never becomes one."""
    carol, dave, mallory = await in_a_room(community)
    await mallory.types("#lab I vote YES")
    await carol.sees("#lab mallory: I vote YES")
    about = place(mallory, epoch="e" * 16)
    if has_left:
        await mallory.types("PART lab")
        await carol.sees("User mallory left the room #lab.")
    await leaves(mallory, carol, "sorry, I vote NO", about=about)
    await carol.sees_part("1 message was left for you:")
    await carol.sees_part("] #lab mallory: sorry, I vote NO")
    await trio.sleep(100)
    assert await reads(dave) == ["mallory: I vote YES"]
    assert await reads(carol) == ["mallory: I vote YES", "[left] mallory: sorry, I vote NO"]


async def test_the_text_may_come_while_the_letter_goes_to_the_disk(community: Community) -> None:
    """Then the text is shown, and the letter, which nobody has read, is not."""
    carol, dave, mallory = await in_a_room(community)
    carol.machine.disk.seconds = 10.0
    await leaves(mallory, carol, "NO")
    await mallory.types("#lab YES")
    await carol.sees("#lab mallory: YES")
    assert NAMED in carol.lines
    await trio.sleep(60)
    carol.never_saw("NO")
    carol.machine.disk.seconds = 0.0
    assert await reads(carol) == await reads(dave) == ["mallory: YES"]
