"""Take what links tell to the rest of a peer."""

from typing import Protocol

from shared.errors import ParleyError
from shared.messages.common import Message


class LinkListener(Protocol):
    """The receiver of news about links; called in the loop, never blocks."""

    def linked(self, name: str) -> None:
        """Note that there is a link to this user now, or another one than before."""

    def link_lost(self, name: str) -> None:
        """Note that there is no link to this user any more."""

    def unreachable(self, name: str, failure: ParleyError) -> None:
        """Note that a dial failed."""

    def pass_knock(self, name: str) -> bool:
        """Let another user tell this one that I want to be dialled; return whether one does."""

    def received(self, name: str, message: Message) -> None:
        """Handle a message.  May raise ProtocolError: the link is then cut."""

    def knows(self, name: str) -> bool:
        """Whether I have ever answered this user."""

    def pause(self, name: str) -> float:
        """Return for how many seconds nothing more of them is to be read."""

    def needs(self, name: str) -> bool:
        """Whether the link to this user is still wanted."""


class Outlet:
    """The one way up from links: to a receiver that is made after them, because it uses them."""

    def __init__(self) -> None:
        self.receiver: LinkListener  #: set before the first link

    def linked(self, name: str) -> None:
        self.receiver.linked(name)

    def link_lost(self, name: str) -> None:
        self.receiver.link_lost(name)

    def unreachable(self, name: str, failure: ParleyError) -> None:
        self.receiver.unreachable(name, failure)

    def pass_knock(self, name: str) -> bool:
        return self.receiver.pass_knock(name)

    def received(self, name: str, message: Message) -> None:
        self.receiver.received(name, message)

    def knows(self, name: str) -> bool:
        return self.receiver.knows(name)

    def pause(self, name: str) -> float:
        return self.receiver.pause(name)

    def needs(self, name: str) -> bool:
        return self.receiver.needs(name)
