"""Remember how the directory sees me, from one registration to the next."""

import trio

from peer.core.myself import Registration
from peer.runtime.directory.directory_client import DirectoryClient
from shared.messages.directory import Welcome
from shared.spots import ip_of
from shared.world import Clock


class Sight:
    def __init__(
        self, clock: Clock, registration: Registration, directory: DirectoryClient
    ) -> None:
        self._clock, self._registration, self._directory = clock, registration, directory
        self.welcome: Welcome | None = None  #: the last one
        self.refusal = ""  #: why it let me in no more, when I came back last
        self._since = 0.0

    def registered(self, welcome: Welcome) -> None:
        self.welcome, self._since, self.refusal = welcome, trio.current_time(), ""

    @property
    def host(self) -> str:
        """The address at which the directory sees me; "" if it names none."""
        welcome = self.welcome
        if welcome is None:
            return ""
        said = welcome.seen.host if welcome.seen is not None else welcome.host
        if welcome.seen is None and self._registration.host:
            return ""  # it repeats what I advertise
        return str(ip_of(said) or "")

    @property
    def kept_port(self) -> bool:
        """Whether the connection to the directory has the same port on both sides of the router."""
        link, welcome = self._directory.link, self.welcome
        seen = welcome.seen if welcome is not None else None
        return link is not None and seen is not None and seen.port == link.wire.local.port

    @property
    def clocks(self) -> float | None:
        """The seconds by which the directory's clock is ahead; None: it does not tell."""
        if self.welcome is None or not self.welcome.time:
            return None
        its = self.welcome.time + trio.current_time() - self._since
        return its - self._clock.time()
