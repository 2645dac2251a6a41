"""Two programs with a TLS connection between them, on real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from shared.errors import Unreachable
from shared.identity import Credentials
from shared.tls import TcpIncoming, TlsNetwork
from shared.wire import TlsWire
from shared.world import Address, Incoming
from tests.kit.world import Authority

LOCAL = "127.0.0.1"


NOW = 4e9  # late, so that certificates issued then are valid whenever this runs


authority = Authority()


directory = authority.directory()


_, dave = authority.user("dave", NOW)


class Server:
    """A listener on a random port, with the results of its handshakes."""

    def __init__(self) -> None:
        self.network = presenting(directory)
        self.handshakes = trio.CancelScope()  #: all that run now
        self.connected = 0
        self._wires_in, self.wires = trio.open_memory_channel[TlsWire](100)
        self._reasons_in, self.reasons = trio.open_memory_channel[str](100)

    async def answer(self, incoming: Incoming) -> None:
        assert isinstance(incoming, TcpIncoming)
        self.connected += 1
        try:
            wire = await incoming.secure()
        except Unreachable as error:
            self._reasons_in.send_nowait(str(error))
        else:
            self._wires_in.send_nowait(wire)
            await trio.sleep_forever()

    async def reason(self) -> str:
        return await self.reasons.receive()


def presenting(credentials: Credentials | None) -> TlsNetwork:
    network = TlsNetwork()
    if credentials is not None:
        network.present(credentials)
    return network


@asynccontextmanager
async def serving(host: str | None = LOCAL) -> AsyncIterator[tuple[Server, Address]]:
    server = Server()
    async with trio.open_nursery() as nursery:
        bound: Address = await nursery.start(server.network.serve, host, 0, server.answer)
        yield server, bound
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def two_wires() -> AsyncIterator[tuple[TlsWire, TlsWire]]:
    async with serving() as (server, address):
        here = await presenting(dave).dial([address])
        there = await server.wires.receive()
        yield here, there
        await here.aclose()
        await there.aclose()
