"""Tokens that the operator gives to newcomers: each lets some new names in, until a time.

Only a digest is kept: whoever steals the database can use none of them.
"""

import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from shared.errors import Refused

INVITES: Final = 10_000  # kept in memory, 300 bytes each
USES_MOST: Final = 100_000
TOKEN_BYTES: Final = 15  # random: nobody can guess one
NOTE_CHARACTERS: Final = 100
ID_DIGITS: Final = 8  # of the digest: what an operator sees of an invite later
USED_UP: Final = "this invitation was used by somebody else in this moment"


class Invite(NamedTuple):
    digest: bytes
    uses: int  # left
    since: float = 0.0
    until: float | None = None  # None: for ever
    note: str = ""

    @property
    def id(self) -> str:
        return self.digest.hex()[:ID_DIGITS]

    def is_over(self, time: float) -> bool:
        return self.uses <= 0 or (self.until is not None and time >= self.until)


def digest_of(token: str) -> bytes:
    """Return what is kept of a token: its SHA-256, as no dictionary holds a random token."""
    return hashlib.sha256(b"parley invite 1\0" + token.encode(errors="replace")).digest()


class Invites:
    def __init__(self, invites: Iterable[Invite] = ()) -> None:
        self._all: dict[bytes, Invite] = {}
        self.changes = 0  #: how often one was added or removed
        self.load(invites)

    def load(self, invites: Iterable[Invite]) -> None:
        """Take these invites for all that there are."""
        self._all = {invite.digest: invite for invite in invites}

    def add(self, invite: Invite) -> None:
        self.changes += 1
        self._all[invite.digest] = invite

    def find(self, token: str, time: float) -> Invite | None:
        """Return the invite of this token, if it lets one more name in."""
        invite = self._all.get(digest_of(token))
        return None if invite is None or invite.is_over(time) else invite

    def note_uses(self, digest: bytes, left: int) -> None:
        """Note how many uses are left on disk, after a name was registered with it."""
        invite = self._all.get(digest)
        if invite is not None:
            self._all[digest] = invite._replace(uses=left)

    def remove(self, digest: bytes) -> None:
        self.changes += 1
        self._all.pop(digest, None)

    def all(self, time: float) -> list[Invite]:
        """Return the invites that are not over, the oldest first."""
        alive = (invite for invite in self._all.values() if not invite.is_over(time))
        return sorted(alive, key=lambda invite: invite.since)

    def named(self, id: str, time: float) -> Invite | None:
        """Return the invite with this id, as `all` shows it."""
        return next((one for one in self.all(time) if one.id == id.lower()), None)

    def over(self, time: float) -> list[Invite]:
        """Return the invites that are over; the caller removes them."""
        return [invite for invite in self._all.values() if invite.is_over(time)]

    def check_room(self, uses: int) -> None:
        """Raise Refused when there are too many invites, or too many uses are wanted."""
        if not 1 <= uses <= USES_MOST:
            raise Refused(f"an invite has 1 to {USES_MOST:,} uses", "USAGE")
        if len(self._all) >= INVITES:
            raise Refused(f"there are {INVITES:,} invites already", "FULL")
