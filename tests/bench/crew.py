"""Many other peers in one process: python -m tests.bench.crew PORT FOLDER NAME ...

Each accepts every invitation.  They count the texts of all, and say the count when
each of them has read ALL_SAID.  A newcomer says HERE in the conversation, and on
stdout when everybody has that on disk.
"""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

import trio

from peer.api import Chat, Connected, Invited, Said, join
from tests.bench.bot import ALL_SAID
from tests.bench.child import say, until_input_ends

HERE: Final = "here"


class Crew:
    def __init__(self, size: int) -> None:
        self._size = size
        self._ready = self._heard = self._through = 0

    async def live(self, name: str, port: int, folder: Path) -> None:
        async with join(name, "127.0.0.1", port, data=folder / name) as chat:
            self._ready += 1
            if self._ready == self._size:
                say("ready")
            async with trio.open_nursery() as nursery:
                async for event in chat:
                    match event:
                        case Invited(id=id):
                            chat.answer(id, True)
                        case Connected():
                            nursery.start_soon(self._announce, chat)
                        case Said(text=text) if text == ALL_SAID:
                            self._note_end()
                        case Said(text=text) if text != HERE:
                            self._heard += 1

    async def _announce(self, chat: Chat) -> None:
        handle = await chat.say(HERE)
        await handle.delivered()
        say(time.perf_counter())

    def _note_end(self) -> None:
        self._through += 1
        if self._through == self._size:
            say(self._heard)
            self._heard = self._through = 0


async def live(port: int, folder: Path, names: list[str]) -> None:
    crew = Crew(len(names))
    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(crew.live, name, port, folder)


if __name__ == "__main__":
    port, folder, *names = sys.argv[1:]
    trio.run(until_input_ends, partial(live, int(port), Path(folder), names))
