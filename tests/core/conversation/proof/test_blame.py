"""Unsigned things that a member hands on cost them the link."""

import pytest

from peer.core.conversation.proof.blame import BAD_MOST, Blame
from shared.errors import ProtocolError


def blamed(times: int) -> Blame:
    blame = Blame()
    for _ in range(times):
        blame.count("mallory")
    return blame


def test_one_too_many_breaks_the_rules() -> None:
    blame = blamed(BAD_MOST)
    blame.count("dave")  # each member has their own blame
    with pytest.raises(ProtocolError, match="not signed by its author"):
        blame.count("mallory")


def test_a_new_link_starts_anew() -> None:
    blame = blamed(BAD_MOST)
    blame.forget("mallory")
    blame.count("mallory")
