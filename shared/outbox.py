"""The bytes that are posted on a link and not sent yet; one writer takes them out.

On an idle link they go out at once, and the writer sleeps on.
"""

from collections.abc import Callable
from typing import Final

import trio

GATHER_SECONDS: Final = 0.0002  # after bytes went out at once: what comes in a row is one write


class Outbox:
    """`most`: the bytes that may wait; `piece`: those that one write takes."""

    __slots__ = ("_bytes", "_direct_from", "_empty", "_is_writing", "_most", "_piece", "_posted")

    def __init__(self, most: int, piece: int) -> None:
        self._bytes = bytearray()
        self._most, self._piece = most, piece
        self._is_writing = False
        self._direct_from = 0.0  # when bytes may go out at once again
        self._posted = trio.Event()
        self._empty = trio.Event()

    def __len__(self) -> int:
        return len(self._bytes)

    def send(self, lines: bytes, try_send: Callable[[bytes], int]) -> bool:
        """Send these lines at once, or let the writer do it; return False if they have no room.

        `try_send` sends what it can without waiting, and returns how many bytes that was.
        """
        if len(self._bytes) + len(lines) > self._most:
            return False
        sent = try_send(lines) if self._is_idle(len(lines)) else 0
        if sent < len(lines):
            self._bytes += lines[sent:]
            self._posted.set()
        return True

    def _is_idle(self, size: int) -> bool:
        """Whether so many bytes may go out at once."""
        if self._bytes or self._is_writing or not 0 < size <= self._piece:
            return False
        now = trio.current_time()
        is_alone = now >= self._direct_from
        if is_alone:
            self._direct_from = now + GATHER_SECONDS
        return is_alone

    # --- For the writer ---

    def wake(self) -> None:
        """Wake the writer, though nothing was added."""
        self._posted.set()

    async def wait_posted(self) -> None:
        await self._posted.wait()
        self._posted = trio.Event()

    def take(self) -> bytearray:
        """Take out what one write sends; `taken` says that it is sent."""
        self._is_writing = True
        piece = self._bytes[: self._piece]
        del self._bytes[: self._piece]
        return piece

    def taken(self) -> None:
        self._is_writing = False

    def clear(self) -> None:
        self._bytes.clear()

    # --- For whoever waits for it ---

    def release(self) -> None:
        """Wake whoever waits until it is empty."""
        self._empty.set()

    async def wait_released(self) -> None:
        if self._empty.is_set():
            self._empty = trio.Event()
        await self._empty.wait()
