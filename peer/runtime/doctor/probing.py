"""Ask the directory for my ports, the router for its other address, and why nobody answers."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import trio

from peer.core.mapping.router_messages import (
    NONCE_BYTES,
    ROUTER_PORT,
    RouterAddress,
    nat_pmp_address,
    read,
)
from shared.errors import Unreachable
from shared.messages import probes
from shared.wording import clause
from shared.world import Address, Datagrams, World

DIAL_SECONDS: Final = 4.0
TRIES: Final = (0.25, 0.5, 1.0)  # seconds to wait after each, since datagrams get lost


NOT_REGISTERED: Final = "it is there, but I am not registered: trying again"


async def why_not_there(world: World, directories: Sequence[Address]) -> str:
    """Return why no directory can be asked, to follow a colon."""
    try:
        with trio.fail_after(DIAL_SECONDS):
            wire = await world.network.dial(directories, anonymous=True)
    except trio.TooSlowError:
        return f"it does not answer within {DIAL_SECONDS:.0f} s"
    except Unreachable as failure:
        return clause(failure)
    wire.abort()
    return NOT_REGISTERED


async def ports_seen(
    world: World, own: str, directory: str, asked: tuple[int, ...], cookie: bytes
) -> dict[int, int]:
    """Return from which port the directory sees one port of mine, at each port that is asked.

    Raises OSError when this machine has no such address.
    """
    nonce = world.chance.randbytes(probes.NONCE_BYTES)
    seen: dict[int, int] = {}
    port = await world.network.bind(own, 0)

    async def hear() -> None:
        while len(seen) < len(asked):
            datagram, sender = await port.receive()
            said = probes.read_answer(datagram, nonce)
            if said is not None and sender.host == directory and sender.port in asked:
                seen[sender.port] = said

    async def ask() -> None:
        for one in asked:
            if one not in seen:
                await port.send(probes.request(cookie, nonce), Address(directory, one))

    await _until_heard(port, ask, hear)
    return seen


async def outer_address(world: World, own: str, router: str) -> str:
    """Return the router's address to the world, as it says by NAT-PMP; "" if it says none.

    Raises OSError when this machine has no such address.
    """
    found = ""
    port = await world.network.bind(own, 0)

    async def hear() -> None:
        nonlocal found
        while not found:
            datagram, sender = await port.receive()
            said = read(datagram, bytes(NONCE_BYTES), 0)
            if isinstance(said, RouterAddress) and sender == Address(router, ROUTER_PORT):
                found = said.host

    async def ask() -> None:
        await port.send(nat_pmp_address(), Address(router, ROUTER_PORT))

    await _until_heard(port, ask, hear)
    return found


async def _until_heard(
    port: Datagrams, ask: Callable[[], Awaitable[None]], hear: Callable[[], Awaitable[None]]
) -> None:
    """Ask some times, until all was heard; then close the port."""
    try:
        async with trio.open_nursery() as nursery:

            async def ask_again() -> None:
                for seconds in TRIES:
                    with suppress(OSError):  # what cannot be sent now counts as lost
                        await ask()
                    await trio.sleep(seconds)
                nursery.cancel_scope.cancel()

            nursery.start_soon(ask_again)
            await hear()
            nursery.cancel_scope.cancel()
    finally:
        port.close()
