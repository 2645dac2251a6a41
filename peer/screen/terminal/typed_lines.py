"""Keep the lines, keys and beginnings of names that were typed and not read yet."""

import math
from typing import Final

import trio

from peer.results import SEEN_SECONDS
from peer.screen.frontend import Line

LINES_MOST: Final = 1_000  # typed, and not performed yet


class TypedLines:
    """Passes lines and keys on to whoever reads them."""

    def __init__(self) -> None:
        self._typed, self._lines = trio.open_memory_channel[Line](LINES_MOST)
        self._key = trio.Event()  # the next one
        self._name = trio.Event()  # the next one that is sought
        self._beginning = ""  # of it
        self._asked_at = -math.inf  # when a question was shown last

    def put(self, line: Line) -> bool:
        """Take a line; return False if there are too many."""
        try:
            self._typed.send_nowait(line)
        except trio.WouldBlock:
            return False
        return True

    async def get(self) -> Line:
        return await self._lines.receive()

    def hit(self) -> None:
        """Note that a key was hit."""
        self._key.set()
        self._key = trio.Event()

    async def touched(self) -> None:
        """Return when the next key is hit."""
        await self._key.wait()

    def seek(self, beginning: str) -> None:
        """Note that a name is completed of which too few are known; only the last one counts."""
        self._beginning = beginning
        self._name.set()

    async def sought(self) -> str:
        """Return the beginning of the next name that is completed so."""
        await self._name.wait()
        self._name = trio.Event()
        return self._beginning

    def asked(self) -> None:
        """Note that a question is shown."""
        self._asked_at = trio.current_time()

    def may_answer(self, line: Line) -> bool:
        """Whether the line was begun after the last question had been seen."""
        return line.begun is None or line.begun >= self._asked_at + SEEN_SECONDS
