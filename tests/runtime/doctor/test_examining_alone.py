"""DOCTOR without a directory tells which ones are announced on the local network."""

from collections.abc import Collection

import pytest

from peer.results import Doctor
from peer.runtime.doctor.examiner import examine_alone
from shared.announcement import Announcement
from shared.world import Address
from tests.kit.world import Hub, Machine

KEY = "3f2a" * 8
MINE = Announcement("lab", ("10.0.0.9",), 5000, KEY)
OTHER = Announcement("school", ("10.0.0.8",), 5001, "b" * 32)


class Neighbours:
    """`peer.runtime.doctor.examiner.Neighbours`."""

    def __init__(self, *said: Announcement, is_deaf: bool = False) -> None:
        self._said, self._is_deaf = said, is_deaf

    async def announced(self, key: str) -> str | None:
        raise NotImplementedError

    async def all_announced(
        self, known: Collection[str]
    ) -> tuple[tuple[Announcement, ...], tuple[Announcement, ...]]:
        if self._is_deaf:
            raise OSError("the port is in use")
        mine = tuple(one for one in self._said if one.key in known)
        return mine, tuple(one for one in self._said if one not in mine)


async def examined(neighbours: Neighbours | None) -> Doctor:
    world = Machine(Hub(), "10.0.1.1").world()
    directories = [Address("10.0.0.1", 5000)]
    return await examine_alone(
        world, "carol", "", directories, "nothing answers", neighbours=neighbours, known={KEY}
    )


@pytest.mark.parametrize(
    ("neighbours", "line"),
    [
        (
            Neighbours(OTHER, MINE),
            'ok  On this network the directory announces itself as "lab", at 10.0.0.9:5000.',
        ),
        (
            Neighbours(OTHER),
            "??  On this network others announce a directory, of a key that I do not know:"
            ' "school" at 10.0.0.8:5001.',
        ),
        (Neighbours(), "??  No announcement of the directory heard in 1 s either."),
        (Neighbours(is_deaf=True), "??  No announcement of the directory heard in 1 s either."),
    ],
)
async def test_what_is_heard_is_told(neighbours: Neighbours, line: str) -> None:
    assert line in (await examined(neighbours)).lines()


async def test_who_does_not_listen_is_told_nothing() -> None:
    assert "announce" not in "\n".join((await examined(None)).lines())
