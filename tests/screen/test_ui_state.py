"""How things stand, for the screen."""

from peer.commands.grammar import Context
from peer.screen.ui_state import Member, UiState
from shared.messages.common import Status
from shared.messages.directory import Presence


def test_where_enter_goes_follows_from_how_things_stand() -> None:
    assert UiState().context == Context()
    busy = UiState(
        members=(Member("dave"),), writing_to="erin", waits_for=("frank",), questions=("gina",)
    )
    assert busy.context == Context(True, True, True, True)
    assert busy.others == ("dave",)


def test_nobody_is_offered_themselves() -> None:
    users = (
        Presence("Carol", Status.ACTIVE, 0.0),
        Presence("dave", Status.BUSY, 0.0),
        Presence("erin", Status.OFFLINE, 0.0),
    )
    outlook = UiState(me="carol", users=users)
    assert outlook.online() == ["dave"]
    assert outlook.everybody() == ["dave", "erin"]


def test_a_member_is_lost_without_any_way() -> None:
    assert Member("dave", is_direct=False).is_lost
    assert not Member("dave", is_direct=False, through="erin").is_lost
    assert not Member("dave").is_lost
