"""A note acts on no screen and looks like nobody, whatever its author or the directory sends."""

import pytest

from peer.results import UserList
from shared.clean import clean
from shared.messages.common import NOTE_CHARACTERS
from tests.kit.community import Community, Person

FORGED = [
    "x), root (verified), erin (you",
    "\nBUSY: -\nOFFLINE: dave",
    "\x1b]0;owned\x07\x1b[2J\x1b[H",
    "\u202e\u2066gnp.exe",
    "x" * NOTE_CHARACTERS,
    "e" + "\u0301" * (NOTE_CHARACTERS - 1),
]


def says(community: Community, name: str, note: str) -> None:
    """Let the directory tell everybody this note of a user, as it is."""
    user = community.directory.running._community.registry.look_up(name)
    user.note, user.listed = note, None


async def looks(person: Person) -> list[str]:
    before = len(person.lines)
    await person.types("LIST USERS", "INFO dave")
    await person.sees_part("dave: ACTIVE since ")
    return person.lines[before:]


@pytest.mark.parametrize("note", FORGED)
async def test_of_a_dishonest_directory_it_is_shown_harmless_on_a_line_of_its_own(
    community: Community, note: str
) -> None:
    carol, _ = await community.start("carol", "dave")
    says(community, "dave", note)
    lines = await looks(carol)
    assert lines[:4] == ["ACTIVE: carol (you), dave", "BUSY: -", "INACTIVE: -", "OFFLINE: -"]
    assert not [one for one in lines if clean(one) != one]
    told = [one for one in lines if one.startswith("The note of dave: ")]
    assert len(told) == 1
    others = [one for one in lines[4:] if not one.startswith(("dave: ACTIVE", "The note", "    "))]
    assert others == []


async def test_one_of_ten_thousand_characters_ends_the_link_and_not_the_program(
    community: Community,
) -> None:
    carol, _ = await community.start("carol", "dave")
    says(community, "dave", "x" * 10_000)
    await carol.types("INFO dave")
    await carol.sees("Lost the directory, trying again.")
    says(community, "dave", "")
    await carol.sees("The directory is back.")
    await carol.types("INFO dave")
    await carol.sees_part("dave: ACTIVE since ")


async def test_it_never_stands_in_a_line_that_scripts_split(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("STATUS BUSY x), root (verified), erin (you")
    await carol.types("LIST USERS")
    await carol.sees("BUSY: dave")
    found = UserList(carol.peer.roster.known, "carol")
    assert [one.split(": ")[1] for one in found.lines()] == ["carol (you)", "dave", "-", "-"]
