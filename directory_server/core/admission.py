"""Decide who may enter: the owner of a name always, a newcomer if nothing prevents it.

Each call decides one step.  While the directory performs it, others may come: so it asks
again after each one, until the answer is Enter, and that it performs at once.

In a closed community the token is judged before anything else, so that somebody without
it gets the same answer for a known name as for an unknown one.
"""

import hmac
from typing import Final, NamedTuple

from directory_server.core.limits import NEW_NAME_SECONDS, NEW_NAMES_AT_ONCE
from directory_server.core.operating.bans import Bans
from directory_server.core.operating.invites import Invites
from directory_server.core.quotas import WRONG_TOKEN_SECONDS, Pace
from directory_server.core.registry import NameTaken, Registry, User
from directory_server.core.tombstones import Tombstones
from shared.errors import Refused
from shared.reserved import is_reserved

NO_TOKEN: Final = "this directory registers new names only with a token (--token)"


class WrongToken(Refused):
    def __init__(self, token: str) -> None:
        text = "the token is not the one of this directory" if token else NO_TOKEN
        super().__init__(text, "TOKEN")


class Moment(NamedTuple):
    """One moment by three clocks, in seconds."""

    now: float  # monotonic, of this run of the directory
    time: float  # of day
    age: float  # for how long the directory has run in all


class Applicant(NamedTuple):
    """A user who has proved to hold the key, and asks for the name."""

    name: str
    key: bytes
    address: str
    origin: bytes = b""  # the mark of that address, see Authority.mark_of
    token: str = ""
    sealing: tuple[bytes, bytes] = (b"", b"")  # the sealing key, and its proof
    wants_certificate: bool = False


class Wait(NamedTuple):
    """The applicant waits for so many seconds, after wrong tokens from this address."""

    seconds: float


class Register(NamedTuple):
    """The name is new and free: put it on disk.  `Admission.settle` ends the reservation."""

    origin: bytes
    invite: bytes = b""  # the digest of the invite that it uses up


class Reseal(NamedTuple):
    """Put the new sealing key of this user on disk."""

    user: User


class Certify(NamedTuple):
    """Put on disk until when certificates for this user's name will be valid."""

    user: User


class Enter(NamedTuple):
    """Everything is on disk: this user may enter, unless something else is done first."""

    user: User


Step = Wait | Register | Reseal | Certify | Enter


class Admission:
    def __init__(
        self,
        registry: Registry,
        tombstones: Tombstones,
        *,
        token: str | None = None,
        is_closed: bool = False,
        names_at_once: int = NEW_NAMES_AT_ONCE,
        bans: Bans | None = None,
        invites: Invites | None = None,
    ) -> None:
        self._registry, self._tombstones = registry, tombstones
        self._bans, self._invites = bans or Bans(), invites or Invites()
        self._wrong_tokens = Pace(WRONG_TOKEN_SECONDS, 1)
        self._names_at_once = -1
        self.set_rules(token=token, is_closed=is_closed, names_at_once=names_at_once)

    def set_rules(self, *, token: str | None, is_closed: bool, names_at_once: int) -> None:
        """Judge newcomers by these rules from now on.

        `is_closed`: only the token, or an invite, lets a new name in.  `names_at_once`: new names
        from one address before it has to wait; 0: no limit.
        """
        self._token, self._is_closed = token, is_closed
        if names_at_once != self._names_at_once:
            self._names_at_once = names_at_once
            self._new_names = Pace(NEW_NAME_SECONDS, names_at_once) if names_at_once else None

    @property
    def wants_token(self) -> bool:
        """Whether a new name must show something."""
        return self._is_closed or self._token is not None

    def next_step(self, who: Applicant, moment: Moment) -> Step:
        """Return what is to be done now, for this applicant to enter.

        Raises Refused with the reason; NameTaken when the name belongs to another key;
        WrongToken, after which each call holds this address back for a second.
        """
        self._bans.check(who.key, who.address, moment.time)
        user = self._registry.find(who.name)
        if user is not None and user.key == who.key:
            return self._next_step_of_owner(user, who, moment)
        invite = b""
        if self.wants_token:
            wait = self._wrong_tokens.wait(who.address, moment.now)
            if wait:
                return Wait(wait)
            invite = self._invite_of(who, moment)
        self._check_name(who, user, moment)
        self._registry.check_address(None, who.address)
        self._take_a_place(who, moment)
        return Register(who.origin, invite)

    def settle(self, step: Register) -> None:
        """Note that the new name is on disk and known, or that it never will be."""
        self._registry.give_back_name(step.origin)

    def _next_step_of_owner(self, user: User, who: Applicant, moment: Moment) -> Step:
        self._registry.check_address(user, who.address)
        if (user.sealing_key, user.sealing_proof) != who.sealing:
            return Reseal(user)
        if who.wants_certificate and not user.certified.covers_new(moment.time, moment.age):
            return Certify(user)
        self._registry.check_room(user, who.address)
        return Enter(user)

    def _invite_of(self, who: Applicant, moment: Moment) -> bytes:
        """Return the digest of the invite that the token stands for; empty: it is our own token.

        Raises WrongToken.
        """
        token = self._token
        if token is not None and hmac.compare_digest(
            who.token.encode(errors="replace"), token.encode()
        ):
            return b""
        invite = self._invites.find(who.token, moment.time)
        if invite is None:
            self._wrong_tokens.take(who.address, moment.now)
            raise WrongToken(who.token)
        return invite.digest

    def _check_name(self, who: Applicant, user: User | None, moment: Moment) -> None:
        if user is not None:
            raise NameTaken(user.name)
        buried = self._tombstones.find(who.name, moment.time, moment.age)
        if buried is not None and buried.key != who.key:
            raise NameTaken(buried.name)
        if is_reserved(who.name):
            raise Refused(f'"{who.name}" is a word of the program; choose another name.', "NAME")

    def _take_a_place(self, who: Applicant, moment: Moment) -> None:
        self._registry.check_names(who.origin)
        if self._new_names is not None:
            wait = self._new_names.wait(who.address, moment.now)
            if wait:
                raise Refused(
                    "too many new names came from your address:"
                    f" the next one is taken in {wait:.0f} seconds",
                    "LIMIT",
                )
            self._new_names.take(who.address, moment.now)
        self._registry.reserve_name(who.origin)
