"""Which failures mean that nobody answers (`shared.errors`)."""

import pytest

from shared.errors import (
    KeyChanged,
    NoRoute,
    NotOurs,
    ParleyError,
    Refused,
    SaysNo,
    StorageError,
    Unreachable,
    is_silence,
)


@pytest.mark.parametrize("failure", [Unreachable("x"), SaysNo("x"), NotOurs("x"), NoRoute("x")])
def test_who_is_not_reached_is_silent(failure: ParleyError) -> None:
    assert is_silence(failure)


@pytest.mark.parametrize("failure", [KeyChanged("x"), Refused("x"), StorageError("x")])
def test_a_changed_key_and_a_refusal_are_answers(failure: ParleyError) -> None:
    assert not is_silence(failure)
