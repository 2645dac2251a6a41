"""Prove that I have left a conversation, to a member who still counts me in.

They may have missed my signed leaving, or have let me in on a yes that I took back.
"""

from collections.abc import Iterable
from contextlib import suppress

from peer.core import membership
from peer.core.membership import Me, Roll
from shared.errors import ProtocolError
from shared.messages.peers import Members, Membership


class DepartureClaim:
    """The roll of a conversation in which somebody counts me, and I am not."""

    def __init__(self, me: Me, conversation: str, authority: bytes) -> None:
        self._me = me
        self._roll = Roll(conversation, authority)

    @property
    def checks(self) -> int:
        """The number of signatures that were checked so far."""
        return self._roll.checks

    def hear(self, members: tuple[Membership, ...]) -> bool:
        """Take what they sent; return whether they count me in.  Raises ProtocolError."""
        membership.check_size(members)
        if not any(self._me.identity.public in one.certificate for one in members):
            return False  # it is not about me, so it costs them nothing
        self._roll.merge(members)
        return self._roll.is_in(self._me.id)

    def is_by_member(self, sender: str) -> bool:
        """Whether the sender is a member: nobody else need know who is in."""
        return self._roll.is_in(sender)

    def prove(self, kept: Iterable[Membership]) -> list[Members]:
        """Return the roll in which I am out.  `kept`: what is on my disk, for a member.

        It has my leaving already, unless I never was in.
        """
        with suppress(ProtocolError):  # damage on my disk is no fault of theirs
            self._roll.merge(kept)
        id = self._roll.conversation
        if self._roll.is_in(self._me.id):
            mine = self._roll.of(self._me.id)
            assert mine is not None
            self._roll.merge([membership.leave(self._me, id, mine)])
        return [Members(id, page) for page in membership.pages(self._roll.all())]
