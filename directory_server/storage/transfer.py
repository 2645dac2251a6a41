"""Move names and mail from the data folder to PostgreSQL, while no directory runs there.

The folder is marked before anything is moved, so that no directory starts on the one while the
other may have it all.  Whoever was cut off repeats it, and it turns out what became of it.
"""

from functools import partial

from directory_server.settings import Settings
from directory_server.storage.founding import check_founded, find, has_database
from directory_server.storage.opening import open_database, open_far
from directory_server.storage.sqlite import FILE, SqliteStore
from directory_server.storage.store import Away, Moved
from directory_server.storage.store_mark import (
    is_elsewhere,
    is_moving,
    mark_elsewhere,
    mark_here,
    mark_moving,
)
from shared.errors import ParleyError, Refused
from shared.identity import authority_key
from shared.world import World


async def fill_store(world: World, settings: Settings, url: str) -> str:
    """Move names, mail and what the operator has said to the PostgreSQL at this URL.

    Returns a sentence for the operator.  Raises Refused or StorageError: then a directory may
    use the data folder as before, unless what became of this try, or of an earlier one, is
    unknown.
    """
    check_founded(world.disk)  # before the lock, which would make a missing folder
    world.disk.lock()
    try:
        before, key = await _open(world)
        try:
            return await _move(world, settings, url, key)
        finally:
            before.close()
    finally:
        world.disk.unlock()


async def _open(world: World) -> tuple[SqliteStore, bytes]:
    """Open the database in the folder, and bring it up to date; return it with the key."""
    disk = world.disk
    if not has_database(disk):
        raise Refused(f"there is no {FILE} in the data folder {disk.place}", "STORE")
    if is_elsewhere(disk):
        raise Refused("names and mail of this directory are in PostgreSQL already", "STORE")
    before = open_database(disk)
    found = await find(disk, before, world.chance.randbytes, found_anew=False)
    return before, authority_key(found.authority.certificate)


async def _move(world: World, settings: Settings, url: str, key: bytes) -> str:
    disk = world.disk
    store = await open_far(url, settings)
    try:
        is_repeated = is_moving(disk)
        mark_moving(disk)
        source = partial(disk.database, FILE, readonly=True)
        try:
            moved = await store.take_over(source, key, is_repeated=is_repeated)
        except ParleyError as failure:
            # An earlier try, perhaps with another URL, may have moved it all the same.
            if not (is_repeated or isinstance(failure, Away)):
                mark_here(disk)
            raise
        mark_elsewhere(disk)
    finally:
        store.close()
    return _told(moved, store.where)


def _told(moved: Moved, where: str) -> str:
    return (
        f"Moved {moved.names:,} {_plural(moved.names, 'name')} and {moved.messages:,} waiting"
        f" {_plural(moved.messages, 'message')} to {where}: start the directory with --store"
        f" from now on. The file {FILE} is not needed any more."
    )


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
