"""How the directory sees me, by its last WELCOME."""

from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock

from peer.core.myself import Registration
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.doctor.sight import Sight
from shared.messages.directory import Welcome
from shared.messages.spots import Spot
from tests.kit.world import FakeClock


class _Directory:
    """A directory that is gone."""

    link = None


def sight_of(clock: FakeClock, host: str = "") -> Sight:
    return Sight(clock, Registration("carol", host=host), cast(DirectoryClient, _Directory()))


def welcome(**more: Any) -> Welcome:
    return Welcome("carol", "10.0.0.9", 0, 300.0, **more)


async def test_before_the_first_registration_nothing_is_known() -> None:
    sight = sight_of(FakeClock())
    assert (sight.host, sight.clocks, sight.kept_port) == ("", None, False)


@pytest.mark.parametrize(
    ("advertised", "seen", "host"),
    [
        ("", None, "10.0.0.9"), ("me.lan", None, ""), ("", "203.0.113.9", "203.0.113.9"),
        ("me.lan", "203.0.113.9", "203.0.113.9"), ("", "::ffff:10.0.0.1", "10.0.0.1"),
        ("", "victim.example", ""), ("", "\x1b[2J", ""),
    ],
)  # fmt: skip
async def test_where_it_sees_me(advertised: str, seen: str | None, host: str) -> None:
    sight = sight_of(FakeClock(), advertised)
    sight.registered(welcome(seen=None if seen is None else Spot(seen, 1, "SEEN")))
    assert sight.host == host


async def test_its_clock_goes_on(autojump_clock: MockClock) -> None:
    clock = FakeClock()
    sight = sight_of(clock)
    sight.registered(welcome(time=clock.time() + 30))
    await trio.sleep(100)
    assert sight.clocks == pytest.approx(30)
    clock.set(clock.time() + 3_600)
    assert sight.clocks == pytest.approx(30 - 3_600)
    sight.registered(welcome())
    assert sight.clocks is None
