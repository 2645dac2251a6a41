"""The other peer, in a process of its own: python -m tests.bench.bot NAME PORT FOLDER.

It accepts every invitation and says on stdout when it was connected.  What it
answers depends on the text: ALL_SAID is answered with how many came before, one
that begins with COUNTED not at all, and every other one with itself.
"""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

import trio

from peer.api import Connected, Invited, Said, join
from tests.bench.child import say, until_input_ends

COUNTED: Final = "#"
ALL_SAID: Final = "all"


async def live(name: str, port: int, folder: Path) -> None:
    heard = 0
    async with join(name, "127.0.0.1", port, data=folder) as chat:
        say("ready")
        async for event in chat:
            match event:
                case Invited(id=id):
                    chat.answer(id, True)
                case Connected():
                    say(time.perf_counter())
                case Said(text=text) if text.startswith(COUNTED):
                    heard += 1
                case Said(text=text) if text == ALL_SAID:
                    await chat.say(str(heard))
                    heard = 0
                case Said(text=text):
                    await chat.say(text)


if __name__ == "__main__":
    name, port, folder = sys.argv[1:4]
    trio.run(until_input_ends, partial(live, name, int(port), Path(folder)))
