"""Commands that a running peer performs for another program of its user."""

from collections.abc import Callable
from typing import cast

from peer import events
from peer.program.control import HandedCommand
from peer.program.handed_commands import HandedCommands
from peer.program.lifecycle import Lifecycle
from peer.results import Sent
from peer.screen.frontend import Frontend
from tests.kit.community import Community


class Face:
    """A screen that keeps the events which it is given."""

    def __init__(self) -> None:
        self.events: list[events.Event] = []

    def show(self, *shown: events.Event, then: Callable[[], None] | None = None) -> None:
        self.events += shown


async def test_what_another_program_of_mine_writes_is_shown_as_mine(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("ROOM lab")
    await carol.sees_part("You are in the room #lab")
    face, lines = Face(), list[str]()
    handed = HandedCommands(carol.peer, carol.console, Lifecycle(cast(Frontend, face)))
    await handed.perform(HandedCommand("TO lab hello"), lines.append)
    await handed.perform(HandedCommand("PRV dave psst"), lines.append)
    await handed.perform(HandedCommand("LIST USERS"), lines.append)
    await dave.sees("[private] carol: psst")
    assert [(one.text, one.room, one.to) for one in face.events if isinstance(one, Sent)] == [
        ("hello", "lab", ""),
        ("psst", "", "dave"),
    ]
    assert len(face.events) == 2
    assert "ACTIVE: carol (you), dave" in lines
