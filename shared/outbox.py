"""The bytes that are posted on a link and not sent yet; one writer takes them out."""

import trio


class Outbox:
    """`most`: the bytes that may wait; `piece`: those that one write takes."""

    __slots__ = ("_bytes", "_empty", "_most", "_piece", "_posted")

    def __init__(self, most: int, piece: int) -> None:
        self._bytes = bytearray()
        self._most, self._piece = most, piece
        self._posted = trio.Event()
        self._empty = trio.Event()

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, lines: bytes) -> bool:
        """Add these lines, and wake the writer; return False if they have no room."""
        if len(self._bytes) + len(lines) > self._most:
            return False
        self._bytes += lines
        self._posted.set()
        return True

    # --- For the writer ---

    def wake(self) -> None:
        """Wake the writer, though nothing was added."""
        self._posted.set()

    async def wait_posted(self) -> None:
        await self._posted.wait()
        self._posted = trio.Event()

    def take(self) -> bytearray:
        """Take out what one write sends."""
        piece = self._bytes[: self._piece]
        del self._bytes[: self._piece]
        return piece

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
