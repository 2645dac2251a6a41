"""A wire that is read no faster than its other side may send."""

import trio

from directory_server.core.limits import (
    BYTES_A_SECOND,
    BYTES_AT_ONCE,
    LINES_A_SECOND,
    LINES_AT_ONCE,
)
from shared.bucket import TokenBucket
from shared.world import Wire


class RateLimitedWire:
    """`shared.world.Wire` that slows down a user who sends too much.

    It counts lines and bytes before they are parsed, so their content makes no
    difference.
    """

    __slots__ = (
        "_bytes",
        "_lines",
        "_wire",
        "abort",
        "aclose",
        "certificate",
        "heard",
        "local",
        "remote",
        "send_all",
        "try_send",
        "unheard",
    )  # fmt: skip

    def __init__(self, wire: Wire) -> None:
        now = trio.current_time()
        self._wire = wire
        self._lines = TokenBucket(LINES_A_SECOND, LINES_AT_ONCE, now)
        self._bytes = TokenBucket(BYTES_A_SECOND, BYTES_AT_ONCE, now)
        self.heard = now  #: when the last bytes arrived
        self.remote, self.local, self.certificate = wire.remote, wire.local, wire.certificate
        self.send_all, self.try_send = wire.send_all, wire.try_send
        self.aclose, self.abort, self.unheard = wire.aclose, wire.abort, wire.unheard

    async def receive_some(self) -> bytes | bytearray:
        data = await self._wire.receive_some()
        self.heard = now = trio.current_time()
        wait = max(self._lines.take(data.count(b"\n"), now), self._bytes.take(len(data), now))
        if wait:
            await trio.sleep(wait)
        return data
