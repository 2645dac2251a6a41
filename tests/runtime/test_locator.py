"""The places at which users are dialled while the directory is gone."""

from typing import Any

import pytest

from peer.runtime.directory.directory_client import DirectoryGone
from peer.runtime.link.locator import FOUND_MOST, Locator
from shared.messages.common import Status
from shared.messages.directory import Contact


class Peer:
    """The parts that a locator asks: the directory, and what is known of keys and links."""

    def __init__(self) -> None:
        self.is_gone = False
        here: Any = self
        self.locator = Locator(here, here, here)

    async def ask(self, name: str) -> Contact:
        if self.is_gone:
            raise DirectoryGone("the directory cannot be reached at this moment")
        keys = (bytes(32), bytes(32), bytes(64))
        return Contact(0, name, Status.ACTIVE, 0.0, *keys, "10.0.0.5", 5_000, "10.0.0.5")

    def last(self, _name: str) -> None:
        """Know nothing of what the directory has said."""

    def believed(self, _name: str) -> None:
        """Remember no key."""

    def check(self, _name: str, _key: bytes) -> None:
        """Believe every key."""

    def keep_only(self, _name: str, _key: bytes) -> None:
        """Have no link."""


async def test_those_who_were_dialled_last_are_found_without_it_and_no_more_are_kept() -> None:
    """A directory may name a new user who knocks, each second."""
    peer = Peer()
    await peer.locator.find("dave")
    for number in range(FOUND_MOST - 1):
        await peer.locator.find(f"user{number}")
    await peer.locator.find("Dave")
    await peer.locator.find("one-more")
    assert len(peer.locator._found) == FOUND_MOST
    peer.is_gone = True
    assert (await peer.locator.find("dave")).is_old
    with pytest.raises(DirectoryGone):
        await peer.locator.find("user0")
