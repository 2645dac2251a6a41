"""The parts of a check."""

from peer.core.doctor.check import Check, CheckState


def test_a_check_is_one_line_with_its_state_in_front() -> None:
    assert str(Check("me", CheckState.UNKNOWN, "Me: carol.")) == "??  Me: carol."
    assert Check("me", CheckState.FINE, "Me.").data == {}
