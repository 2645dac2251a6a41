"""Decide when to ask the router for a port that leads to mine, and whether its answer helps.

First PCP is asked, if that is silent NAT-PMP as well, and if both are, UPnP where this program
has it.  What was granted is asked for again each minute, long before it ends: a router that has
forgotten it grants it anew.  When the directory was lost and is back, it is asked for at once,
as a router that has just started again may be why.
"""

from enum import Enum, auto
from typing import Final

from peer.core.mapping.actions import (
    Action,
    AskUpnp,
    Mapped,
    NotMapped,
    ReturnUpnp,
    Send,
    Why,
)
from peer.core.mapping.router_messages import (
    Grant,
    RouterRefusal,
    nat_pmp_address,
    nat_pmp_map,
    pcp_map,
    read,
)
from shared.spots import is_outer

LIFETIME: Final = 3_600  # seconds that are asked for,
SHORTEST: Final = 60  # and that help
TRIES: Final = (0.25, 0.5, 1.0, 2.0)  # seconds to wait after each
RENEWAL_SECONDS: Final = 60.0  # at most, until a grant is asked for again
PAUSE: Final = 600.0  # after a router that does not help
LOWEST_PORT: Final = 1_024  # below, the router gives away a port of its own services
ANSWERS: Final = 4  # to one question: one of each kind, and a repeated one
UPNP_AFTER: Final = 2.0  # seconds of silence
UPNP_SECONDS: Final = 15.0  # for UPnP: it looks for the router first, and speaks over TCP
NEVER: Final = float("inf")


class Upnp(Enum):
    """The state of UPnP."""

    ABSENT = auto()  #: this program does not have it
    IDLE = auto()
    ASKED = auto()
    HOLDS = auto()  #: the port that I have was granted so,
    RENEWS = auto()  #: and is asked for again


class PortMapping:
    """The mapping of my port at one router, seen from one address of mine.

    `jitter`: a number between 0.9 and 1.1, so that not all ask at the same time.
    `deadline` says when `due` is to be called; each call returns what is to be done, in order.
    """

    def __init__(
        self, port: int, own_host: str, nonce: bytes, jitter: float, *, has_upnp: bool = False
    ) -> None:
        self.port = port  #: mine, to which the router's is to lead
        self._own, self._nonce, self._jitter = own_host, nonce, jitter
        self.deadline = NEVER
        self._upnp = Upnp.IDLE if has_upnp else Upnp.ABSENT
        self._upnp_at = NEVER  # when UPnP is asked, if nothing is heard until then
        self._tries = 0  # since the last answer that helped
        self._speaks_pcp: bool | None = None  # None: not known
        self._external = 0  # the port that I have; 0: none
        self._ends = float("-inf")  # when the grant is over
        self._is_inside = False  # whether the router's other side is not the world, as it says
        self._answers = 0  # that may still come; nobody makes us say more than we asked

    @property
    def external(self) -> int:
        """The port of the router that leads to mine; 0 if there is none."""
        return self._external

    def begin(self, now: float) -> list[Action]:
        """Ask for a port, for the first time or anew."""
        self._tries = 0
        if self._upnp is Upnp.IDLE:
            self._upnp_at = now + UPNP_AFTER
        return self._ask(now)

    def due(self, now: float) -> list[Action]:
        """Go on: the router was silent, a renewal is due, or a pause is over."""
        if self._external and now >= self._ends:
            return [*self._give_up(Why.SILENT, now), *self.begin(now)]
        if self._upnp in {Upnp.HOLDS, Upnp.RENEWS}:
            return self._ask_upnp(self._external, Upnp.RENEWS, now)
        if now >= self._upnp_at:
            return self._ask_upnp(self.port, Upnp.ASKED, now)
        if not (self._external or self._tries) and self._upnp is Upnp.IDLE:
            return self.begin(now)  # a pause is over: UPnP has another turn as well
        if self._tries < len(TRIES) and (self._external or self._upnp is not Upnp.ASKED):
            return self._ask(now)
        if self._external:  # it holds until its end
            self._tries = 0
            self.deadline = min(self._ends, now + RENEWAL_SECONDS)
            return []
        return self._give_up(Why.SILENT, now)

    def doubt(self, now: float) -> list[Action]:
        """Ask again at once for the port that I have: the router may have forgotten it."""
        if not self._external or self._upnp is Upnp.RENEWS:
            return []
        if self._upnp is Upnp.HOLDS:
            return self._ask_upnp(self._external, Upnp.RENEWS, now)
        self._tries = 0
        return self._ask(now)

    def heard(self, datagram: bytes, now: float) -> list[Action]:
        """Take what came from the router's address; anything may have been sent from there."""
        answer = read(datagram, self._nonce, self.port)
        if answer is None or not self._answers:
            return []
        self._answers -= 1
        self._upnp_at = NEVER
        if isinstance(answer, Grant):
            return self._granted(answer, now)
        if isinstance(answer, RouterRefusal):
            return self._refused(answer, now)
        self._is_inside = not is_outer(answer.host)
        return self._drop(Why.SECOND_ROUTER, now) if self._is_inside else []

    def upnp_granted(self, port: int, host: str, now: float) -> list[Action]:
        """Take a port that UPnP has given for the time that was asked for.

        `host`: of the router's other side, as it says; empty if it does not.
        """
        was = self._external
        if self._upnp not in {Upnp.ASKED, Upnp.RENEWS} or (was and self._upnp is Upnp.ASKED):
            self._stop_asking_upnp()
            return [ReturnUpnp(port)] if port != was else []  # it comes too late
        self._external, self._upnp, self._answers = port, Upnp.HOLDS, 0
        before: list[Action] = [ReturnUpnp(was)] if was not in {0, port} else []
        if host and not is_outer(host):
            return [*before, *self._drop(Why.SECOND_ROUTER, now)]
        if port < LOWEST_PORT:
            return [*before, *self._drop(Why.USELESS, now)]
        self._hold(LIFETIME, now)
        return [*before, *([Mapped(port)] if port != was else [])]

    def upnp_failed(self, now: float) -> list[Action]:
        """Note that no router gives a port by UPnP."""
        is_awaited = self._upnp is Upnp.ASKED and not self._external
        self._stop_asking_upnp()
        if self._upnp is Upnp.HOLDS:  # it holds until its end
            self.deadline = min(self._ends, now + RENEWAL_SECONDS)
        return self._give_up(Why.ALL_SILENT, now) if is_awaited else []

    def end(self) -> list[Action]:
        """Give the port back."""
        self.deadline = NEVER
        if not self._external:
            return []
        if self._upnp in {Upnp.HOLDS, Upnp.RENEWS}:
            port, self._external, self._upnp = self._external, 0, Upnp.IDLE
            return [ReturnUpnp(port)]
        self._external = self._answers = 0
        return [Send(request) for request in self._requests(0, 0)]

    # --- Asking ---

    def _ask(self, now: float) -> list[Action]:
        self._answers = ANSWERS
        self.deadline = min(now + TRIES[self._tries], self._upnp_at)
        if self._external:
            self.deadline = min(self.deadline, self._ends)
        self._tries += 1
        return [Send(request) for request in self._requests(self._external or self.port, LIFETIME)]

    def _ask_upnp(self, wanted: int, state: Upnp, now: float) -> list[Action]:
        self._upnp, self._upnp_at = state, NEVER
        self.deadline = min(now + UPNP_SECONDS, self._ends if self._external else NEVER)
        return [AskUpnp(wanted, LIFETIME)]

    def _stop_asking_upnp(self) -> None:
        after = {Upnp.ASKED: Upnp.IDLE, Upnp.RENEWS: Upnp.HOLDS}
        self._upnp = after.get(self._upnp, self._upnp)

    def _requests(self, wanted: int, lifetime: int) -> list[bytes]:
        """Return what to send: in PCP until that is known to be in vain, or silent."""
        found = []
        if self._speaks_pcp is not False:
            found.append(pcp_map(self._nonce, self._own, self.port, wanted, lifetime))
        if self._speaks_pcp is False or (self._speaks_pcp is None and self._tries > 1):
            found.append(nat_pmp_map(self.port, wanted, lifetime))
            found += [nat_pmp_address()] if lifetime else []
        return found

    # --- Answers ---

    def _granted(self, grant: Grant, now: float) -> list[Action]:
        if not grant.lifetime:
            return []  # it was given back
        was, self._external = self._external, grant.port
        self._speaks_pcp = grant.host != ""
        if self._is_inside or (grant.host and not is_outer(grant.host)):
            return self._drop(Why.SECOND_ROUTER, now)
        if grant.port < LOWEST_PORT or grant.lifetime < SHORTEST:
            return self._drop(Why.USELESS, now)
        self._hold(min(grant.lifetime, LIFETIME), now)
        return [Mapped(grant.port)] if grant.port != was else []

    def _hold(self, lifetime: int, now: float) -> None:
        self._tries = 0
        self._ends = now + lifetime
        self.deadline = now + min(lifetime / 2, RENEWAL_SECONDS) * self._jitter

    def _refused(self, refusal: RouterRefusal, now: float) -> list[Action]:
        if self._speaks_pcp is None and (refusal.is_pcp or refusal.speaks_other_version):
            self._speaks_pcp = False
            return self.begin(now)
        if refusal.is_pcp is not bool(self._speaks_pcp):
            return []  # to what is not asked any more
        if self._external:  # it holds until its end
            self._tries = len(TRIES)
            return []
        # It has a way to the directory, which sees me: another router gives it its address.
        is_second = refusal.has_no_address
        return self._give_up(Why.SECOND_ROUTER if is_second else Why.REFUSED, now)

    def _drop(self, why: Why, now: float) -> list[Action]:
        """Give a port back that does not help, and ask again after a pause."""
        return [*self.end(), *self._give_up(why, now)] if self._external else []

    def _give_up(self, why: Why, now: float) -> list[Action]:
        self._external, self._speaks_pcp, self._is_inside = 0, None, False
        self._tries, self._answers, self.deadline = 0, 0, now + PAUSE
        self._upnp_at = NEVER
        if self._upnp is not Upnp.ABSENT:
            self._upnp = Upnp.IDLE
        return [NotMapped(why)]
