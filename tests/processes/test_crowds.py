"""Conversations of many, in the short form of tests/kit/group_plays.py."""

import random

import pytest

from tests.kit.group_plays import PLAYS, SHORT, TOO_LONG_FOR_CI
from tests.kit.programs import Stage


@pytest.mark.parametrize("name", [name for name in PLAYS if name not in TOO_LONG_FOR_CI])
def test_the_short_form_of_the_play(stage: Stage, name: str) -> None:
    PLAYS[name](stage, SHORT, random.Random(name))
