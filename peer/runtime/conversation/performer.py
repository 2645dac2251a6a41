"""Describe what the parts that all my conversations share know of a single one."""

from typing import Protocol

from peer.core.conversation.actions import Action
from peer.core.conversation.conversation import Conversation
from shared.messages.peers import Text


class Performer(Protocol):
    """One conversation of mine; see `peer.runtime.conversation.shell`."""

    @property
    def core(self) -> Conversation:
        """The core, which decides."""

    def perform(self, actions: list[Action]) -> None:
        """Do what the core has decided."""

    def flush(self) -> None:
        """Send what I have said and not sent yet."""

    def shown(self, text: Text) -> None:
        """Note that the user has this text on the screen."""

    def kept(self, text: Text) -> None:
        """Note that this text, or at least its place, is on disk."""
