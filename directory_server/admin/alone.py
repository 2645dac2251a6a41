"""Perform what the operator asks on the data alone, while no directory runs there."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from directory_server.admin.operator import Operator
from directory_server.admin.requests import Answer, AnyRequest
from directory_server.community.community import Community
from directory_server.settings import Settings
from directory_server.storage.founding import AUTHORITY_FILE, find
from directory_server.storage.opening import open_sqlite
from shared.errors import ParleyError, Refused
from shared.real import real_world

Show = Callable[[Answer], Awaitable[None]]


async def perform_alone(folder: Path, request: AnyRequest, show: Show) -> None:
    """Perform the request.  Raises Refused or StorageError."""
    world = real_world(folder)
    if world.disk.read(AUTHORITY_FILE) is None:
        raise Refused("there is no directory in the data folder", "DIRECTORY")
    world.disk.lock()
    try:
        store = open_sqlite(world.disk)
        found = await find(world.disk, store, world.chance.randbytes, found_anew=False)
        failure: ParleyError | None = None
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            try:
                community = Community(world, Settings(), found.authority, store)
                await community.recall()
                await Operator(community).perform(request, show)
            except ParleyError as error:
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure
    finally:
        world.disk.unlock()
