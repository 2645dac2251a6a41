"""Dial several addresses at which one program may be: the first that shakes hands counts.

As `trio.open_tcp_stream` does for the addresses of one host name (RFC 8305): in their order,
the next one as soon as one fails, or is slow.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import trio

from shared.errors import Unreachable
from shared.world import Address, Wire

CANDIDATES_MOST: Final = 8  # the others are not tried: nobody has so many ways to one machine
NEXT_SECONDS: Final = 0.25  # until the next one is tried too

W = TypeVar("W", bound=Wire)


async def first_of(candidates: Sequence[Address], dial: Callable[[Address], Awaitable[W]]) -> W:
    """Return the first wire.  Raises Unreachable, with the causes of all."""
    wanted = list(dict.fromkeys(candidates))[:CANDIDATES_MOST]
    if len(wanted) == 1:
        return await dial(wanted[0])
    wires: list[W] = []
    failures: dict[Address, Unreachable] = {}

    async def attempt(address: Address, failed: trio.Event) -> None:
        try:
            wire = await dial(address)
        except Unreachable as failure:
            failures[address] = failure
            failed.set()
            return
        wires.append(wire)
        nursery.cancel_scope.cancel()

    try:
        async with trio.open_nursery() as nursery:
            for address in wanted:
                failed = trio.Event()
                nursery.start_soon(attempt, address, failed)
                with trio.move_on_after(NEXT_SECONDS):
                    await failed.wait()
    except BaseException:
        _abort(wires)
        raise
    _abort(wires[1:])
    if not wires:
        raise Unreachable(_together([failures[one] for one in wanted]))
    return wires[0]


def _abort(wires: Sequence[Wire]) -> None:
    for wire in wires:
        wire.abort()


def _together(failures: list[Unreachable]) -> str:
    if not failures:
        return "there is no address to dial"
    return "; ".join(dict.fromkeys(map(str, failures)))
