"""Run a directory and three peers: a short conversation, and a message for an absent user.

python examples/first_chat.py

Everything is real (TCP on this machine, TLS, keys, databases), in one process
and in a folder that is deleted at the end.
"""

import tempfile
from pathlib import Path
from typing import TypeVar

import trio
from rich.console import Console
from rich.text import Text

from directory_server.server import Directory
from directory_server.settings import Settings
from peer.api import (
    Chat,
    Connected,
    Event,
    Invited,
    Letter,
    LetterReceived,
    MemberJoined,
    Said,
    clean,
    join,
)
from shared.real import real_world

EventKind = TypeVar("EventKind", bound=Event)
COLOURS = {"carol": "cyan", "dave": "green", "erin": "magenta"}
console = Console(soft_wrap=True)


def says(who: str, line: str) -> None:
    console.print(Text.assemble((f"{who:>9}", COLOURS.get(who, "dim")), " | ", clean(line)))


async def hears(chat: Chat, kind: type[EventKind]) -> EventKind:
    event = await chat.until(kind)
    says(chat.name, str(event))
    return event


async def says_yes(chat: Chat) -> None:
    question = await hears(chat, Invited)
    says("", f"{chat.name} types: Y")
    chat.answer(question.id, True)
    await hears(chat, Connected)


async def talk(carol: Chat, dave: Chat, erin: Chat) -> None:
    says("", "carol types: CHAT dave")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(carol.invite, "dave")
        nursery.start_soon(says_yes, dave)
        await hears(carol, Connected)
    await carol.say("hello dave, this line went straight from my program to yours")
    await hears(dave, Said)
    await dave.say("and nobody else has seen it")
    await hears(carol, Said)
    says("", "dave types: ADD erin")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dave.add, "erin")
        nursery.start_soon(says_yes, erin)
        await hears(carol, MemberJoined)
    handle = await erin.say("hello both, three programs and three links now")
    await hears(carol, Said)
    await hears(dave, Said)
    await handle.delivered()
    says("", "erin's program knows that her line is on both disks")


async def play(folder: Path, port: int) -> None:
    async with join("carol", "localhost", port, data=folder / "carol") as carol:
        async with (
            join("dave", "localhost", port, data=folder / "dave") as dave,
            join("erin", "localhost", port, data=folder / "erin") as erin,
        ):
            for user in await carol.users():
                says("", f"the directory: {user.name} is {user.status.value}")
            await talk(carol, dave, erin)
        says("", "dave and erin leave; carol types: LEAVE dave back at five?")
        await carol.leave_message("dave", "back at five?")
        says("carol", "Message left for dave.")
        async with join("dave", "localhost", port, data=folder / "dave") as dave:
            says("", "dave is back")
            await hears(dave, Letter)
            await hears(carol, LetterReceived)


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        directory = Directory(real_world(folder / "directory"), Settings(host="127.0.0.1"))
        async with trio.open_nursery() as nursery:
            bound = await nursery.start(directory.run)
            says("directory", f"listening on {bound.address}, key {bound.fingerprint}")
            await play(folder, bound.address.port)
            directory.stop()
    says("", "the end")


if __name__ == "__main__":
    trio.run(main)
