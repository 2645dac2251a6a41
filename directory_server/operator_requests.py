"""Answer an operator's requests about a data folder, whether or not a directory runs.

Two programs may share a database, so the names can be listed at any time.  A name
to be forgotten is noted there: a running directory looks every 30 seconds.  If none runs,
it is forgotten at once.
"""

import datetime
from collections.abc import Iterable

from directory_server.community.community import Community
from directory_server.core.cluster.bulletins import FROM_NOBODY, Bulletin
from directory_server.settings import Settings
from directory_server.storage.founding import check_founded, find
from directory_server.storage.opening import open_store
from directory_server.storage.store import Listed, Store
from shared.errors import Refused
from shared.names import fold
from shared.running import while_it_runs
from shared.world import World

NAME_COLUMN = 32


async def list_names(world: World, settings: Settings) -> Iterable[str]:
    """Return one line for each name.  Raises Refused, or StorageError."""
    check_founded(world.disk)
    store = await open_store(world, settings)
    try:
        listed = await store.listed()
    finally:
        store.close()
    head = f"{'NAME':{NAME_COLUMN}}  LAST HERE (UTC)   USED         FROM              WAITING"
    return [head, *map(_line, listed)]


def _line(one: Listed) -> str:
    seen = "here" if one.seen is None else f"{_utc(one.seen):%Y-%m-%d %H:%M}"
    used = f"{one.used / 3_600:,.1f} h"
    waiting = f"{one.waiting} messages, {one.waiting_bytes / 1024:,.0f} KiB"
    return f"{one.name:{NAME_COLUMN}}  {seen:16}  {used:11}  {one.origin.hex():16}  {waiting}"


def _utc(time: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(time, datetime.UTC)


async def forget(
    world: World, settings: Settings, names: list[str], *, free: bool
) -> Iterable[str]:
    """Forget these names, with their mailboxes; return a line about each for the operator.

    `free`: anybody may have them at once, although certificates may still be valid for their
    old owners.  Raises Refused when there is no such name, or no directory; StorageError.
    """
    check_founded(world.disk)  # before the lock, which would make a missing folder
    try:
        world.disk.lock()
    except Refused:
        return await _order(await open_store(world, settings), names, free=free)
    try:
        return await _perform(world, settings, names, free=free)
    finally:
        world.disk.unlock()


async def _order(store: Store, names: list[str], *, free: bool) -> Iterable[str]:
    """Leave the request to the running directory."""
    known = await _known(store, names)
    await while_it_runs(store.run, lambda: store.order(known, free=free))
    return (f"{name} will be forgotten within 30 seconds." for name in known)


async def _perform(
    world: World, settings: Settings, names: list[str], *, free: bool
) -> Iterable[str]:
    """Forget the names ourselves, as no directory runs."""
    store = await open_store(world, settings)
    known = await _known(store, names)
    found = await find(world.disk, store, world.chance.randbytes, found_anew=False)

    async def forget_them() -> None:
        await store.order(known, free=free)
        community = Community(world, settings, found.authority, store)
        await community.recall()
        ids = tuple(user.id for name in known if (user := community.registry.find(name)))
        await community.names.forget_as_ordered()
        if store.cluster is not None:  # directories of other folders may run on it
            await store.cluster.tell([Bulletin(FROM_NOBODY, names=ids)])

    await while_it_runs(store.run, forget_them)
    return (f"{name} is forgotten." for name in known)


async def _known(store: Store, names: list[str]) -> list[str]:
    """Return these names as registered.  Raises Refused unless all of them are."""
    registered = {fold(user.name): user.name for user in await store.users()}
    for name in names:
        if fold(name) not in registered:
            store.close()
            raise Refused(f"User {name} does not exist!")
    return [registered[fold(name)] for name in names]
