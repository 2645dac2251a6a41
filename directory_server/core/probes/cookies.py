"""Decide which datagrams at the probe ports are answered, and how.

The cookie stands for the address at which we saw a user register.  It needs no memory, and whoever
writes the address of somebody else on a datagram does not know theirs.
"""

import hashlib
import hmac
from typing import Final

from directory_server.core.addresses import network_of
from directory_server.core.quotas import Pace
from shared.bucket import TokenBucket
from shared.messages.probes import COOKIE_BYTES, answer, read_request

AT_ONCE: Final = 20  # datagrams of one address: two for each who asks, and again for lost ones
SECONDS: Final = 1.0  # and then one in this time
ALL_A_SECOND: Final = 200.0  # of all addresses: 4 ms of work
ALL_AT_ONCE: Final = 400.0


class Cookies:
    def __init__(self, secret: bytes, now: float) -> None:
        self._secret = secret
        self._pace = Pace(SECONDS, AT_ONCE)
        self._all = TokenBucket(ALL_A_SECOND, ALL_AT_ONCE, now)

    def of(self, host: str) -> bytes:
        """Return the cookie for a user whom we see at this host."""
        whose = network_of(host).encode()
        return hmac.new(self._secret, whose, hashlib.sha256).digest()[:COOKIE_BYTES]

    def answer(self, datagram: bytes, host: str, port: int, now: float) -> bytes | None:
        """Return what to say to who sent this from there; None: nothing."""
        asked = read_request(datagram)
        if asked is None or not port or self._pace.wait(host, now):
            return None  # to port 0 nothing can be sent: the error would delay all others
        cookie, nonce = asked
        if not hmac.compare_digest(cookie, self.of(host)) or self._all.take(1, now):
            return None
        self._pace.take(host, now)
        return answer(nonce, port)
