"""Run a store for one piece of work, where no directory runs around it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from directory_server.storage.store import Store
from shared.errors import ParleyError

T = TypeVar("T")


async def while_it_runs(store: Store, work: Callable[[], Awaitable[T]]) -> T:
    """Run the store during this work, and return the result.

    Raises the ParleyError of the work as it is, and not in the group of a nursery.
    """
    failure: ParleyError | None = None
    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        try:
            result = await work()
        except ParleyError as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result
