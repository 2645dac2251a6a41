"""My stay in a conversation: as whom, with whom, and whether it goes on."""

from typing import Protocol

from peer.core.membership import Me, Roll


class MemberNames(Protocol):
    """Names members, who are known by their ids."""

    def called(self, member: str) -> str:
        """Return what the user reads for a member."""

    def spelled(self, member: str) -> str:
        """Return how events name a member."""


class _RollNames:
    """Members are called what their certificates say."""

    def __init__(self, roll: Roll) -> None:
        self.called = self.spelled = roll.name


class OwnStay:
    """One stay of mine, from coming in to leaving; all parts of a conversation look at it.

    It goes on until it is over for the user, and is settled once nothing of it is on its
    way.  It may be asleep: program or network failed, and it goes on when somebody is in
    reach again.  A room never sleeps, and is over only when its user leaves it.
    """

    def __init__(
        self, id: str, me: Me, roll: Roll, *, is_asleep: bool,
        names: MemberNames | None = None, room: str = "",
    ) -> None:  # fmt: skip
        """`names`: by default those of the certificates.  `room`: what the user calls it."""
        self.id, self.me, self.roll, self.room = id, me, roll, room
        self.names: MemberNames = names or _RollNames(roll)
        self.is_asleep = is_asleep and not room
        self.is_over = self.is_settled = False

    @property
    def lasts(self) -> bool:
        """Whether it is a room: it goes on while others are away, or nobody else is left."""
        return bool(self.room)

    def fall_asleep(self) -> None:
        """Note that nobody is left now, but that some may come back."""
        self.is_asleep = True

    def wake_up(self) -> None:
        """Note that somebody is in reach again."""
        self.is_asleep = False

    def end(self) -> None:
        """End it for the user."""
        self.is_over = True

    def settle(self) -> None:
        """Note that nothing more happens in it."""
        self.is_settled = True
