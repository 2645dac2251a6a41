"""Show what came of letters, and wait until it is on the screen."""

from typing import Final

import trio

from peer import events
from peer.events import Tell

REMEMBERED: Final = 1_000  # complaints; the oldest may be told again


class Announcer:
    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: dict[str, None] = {}  # complaints, each of which is told once

    async def show(self, shown: list[events.Event]) -> None:
        """Show events; return when all of them are on the screen."""
        stood = trio.Event()
        for event in shown[:-1]:
            self._tell(event, events.nothing)
        self._tell(shown[-1], stood.set)
        await stood.wait()

    def complain(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told[sentence] = None
            if len(self._told) > REMEMBERED:
                del self._told[next(iter(self._told))]
            self._tell(events.Notice(sentence), events.nothing)
