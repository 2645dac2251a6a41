"""A pace (`shared.bucket`)."""

import pytest

from shared.bucket import Brakes


def test_whoever_takes_too_much_waits_and_nobody_else_does() -> None:
    brakes = Brakes(rate=10, burst=20)
    brakes.take("mallory", 25, 100.0)
    assert brakes.pause("mallory", 100.0) == pytest.approx(0.5)
    assert brakes.pause("mallory", 100.6) == 0.0
    assert brakes.pause("dave", 100.0) == 0.0
    brakes.take("mallory", 5, 101.0)
    assert brakes.pause("mallory", 101.0) == 0.0


def test_only_the_latest_names_are_remembered() -> None:
    brakes = Brakes(rate=10, burst=20, most=2)
    for name in ("mallory", "dave", "erin"):
        brakes.take(name, 30, 0.0)
    assert [brakes.pause(name, 0.0) for name in ("mallory", "dave", "erin")] == [0.0, 1.0, 1.0]
