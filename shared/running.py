"""Run something, such as a store, for one piece of work that needs it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio

from shared.errors import ParleyError

T = TypeVar("T")


async def while_it_runs(run: Callable[..., Awaitable[Any]], work: Callable[[], Awaitable[T]]) -> T:
    """Run this (it tells a nursery when it has started) during the work; return its result.

    Raises the ParleyError of the work as it is, and not in the group of a nursery.
    """
    failure: ParleyError | None = None
    async with trio.open_nursery() as nursery:
        await nursery.start(run)
        try:
            result = await work()
        except ParleyError as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result
