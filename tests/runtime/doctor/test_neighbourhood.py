"""Whether my directory is heard on the local network, whatever others announce."""

import trio
from trio.testing import MockClock

from peer.runtime.discovery.announcements import LISTEN_SECONDS, Hear
from peer.runtime.doctor.neighbourhood import HEARD_MOST, Neighbourhood
from shared.announcement import Announcement

KEY = "3f2a 99c1" + " 0000" * 6


class _Air:
    """Announcements that a test makes."""

    def __init__(self, *said: Announcement) -> None:
        self._said = said

    async def listen(self, hear: Hear) -> None:
        for one in self._said:
            hear(one)
        await trio.sleep(LISTEN_SECONDS)


def announced(name: str, key: str = KEY) -> Announcement:
    return Announcement(name, ("10.0.0.5",), 5000, key.replace(" ", ""))


async def test_the_directory_with_my_key_is_heard_at_once(autojump_clock: MockClock) -> None:
    air = _Air(announced("evil", "f" * 32), announced("lab"), announced("late"))
    begun = trio.current_time()
    assert await Neighbourhood(air).announced(KEY) == "lab"
    assert trio.current_time() == begun


async def test_others_are_not_mine(autojump_clock: MockClock) -> None:
    air = _Air(*(announced(f"evil{number}", f"{number:032x}") for number in range(1_000)))
    assert await Neighbourhood(air).announced(KEY) is None
    assert await Neighbourhood(_Air()).announced(KEY) is None


async def test_all_are_heard_within_bounds_and_mine_never_missed(
    autojump_clock: MockClock,
) -> None:
    evil = [announced(f"evil{number}", f"{number:032x}") for number in range(1_000)]
    air = _Air(*evil, announced("lab"), announced("lab"))
    mine, others = await Neighbourhood(air).all_announced({KEY.replace(" ", "")})
    assert mine == (announced("lab"),)
    assert others == tuple(evil[:HEARD_MOST])


async def test_who_knows_no_key_hears_nothing(autojump_clock: MockClock) -> None:
    assert await Neighbourhood(_Air(announced("keyless", ""))).announced("") is None
