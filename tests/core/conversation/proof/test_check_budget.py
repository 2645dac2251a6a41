"""How many signatures others may have me check."""

import pytest

from peer.core.conversation.proof.check_budget import (
    CHECKS_A_SECOND,
    CHECKS_AT_ONCE,
    MEMBERS_MOST,
    CheckBudget,
)
from shared.errors import ProtocolError


def test_two_full_rolls_at_once_are_welcome_and_no_more() -> None:
    checking = CheckBudget()
    checking.spend("mallory", CHECKS_AT_ONCE, 0.0)
    checking.spend("mallory", 0, 0.0)
    checking.spend("dave", CHECKS_AT_ONCE, 0.0)
    with pytest.raises(ProtocolError, match="more to check than can be news"):
        checking.spend("mallory", 1, 0.0)
    checking.spend("mallory", CHECKS_A_SECOND - 1, 1.0)


def test_only_so_many_are_watched() -> None:
    checking = CheckBudget()
    for number in range(MEMBERS_MOST + 1):
        checking.spend(f"{number}", 1, 0.0)
    assert len(checking._budgets) == MEMBERS_MOST
