"""Two peers in two processes, at a directory in a third one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from peer.api import Chat, Outcome, join
from tests.bench.processes import Child, directory, module

BOT: Final = "dave"
ME: Final = "carol"


@asynccontextmanager
async def bot(folder: Path) -> AsyncIterator[tuple[Child, int]]:
    """A registered bot, and the port of its directory."""
    async with (
        directory(folder / "directory") as (_, port),
        module("bot", BOT, port, folder / BOT) as child,
    ):
        await child.hear()
        yield child, port


@asynccontextmanager
async def conversation(folder: Path) -> AsyncIterator[Chat]:
    """In a conversation with the bot."""
    async with bot(folder) as (_, port), join(ME, "127.0.0.1", port, data=folder / ME) as chat:
        result = await chat.invite(BOT)
        assert result.outcome is Outcome.CONNECTED, result
        yield chat
