"""Accept every invitation and repeat every line where it was said.

python examples/echo_bot.py echo localhost 5000
"""

import sys

import trio

from peer.api import Invited, Said, SaidPrivately, join


async def main(name: str, host: str, port: str) -> None:
    async with join(name, host, int(port)) as chat:
        async for event in chat:
            print(repr(str(event)))
            match event:
                case Invited(id=id):
                    chat.answer(id, True)
                case Said(text=text, room="") if chat.talks_with:
                    await chat.say(text)
                case Said(text=text, room=room) if room:
                    await chat.say_in(room, text)
                case SaidPrivately(sender, text):
                    chat.private(sender, text)


if __name__ == "__main__":
    name, host, port = sys.argv[1:]
    trio.run(main, name, host, port)
