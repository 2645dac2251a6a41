"""The names under which a user reads of the members of a conversation."""

from typing import Protocol


class Names(Protocol):
    """The names that a user reads."""

    def called(self, member: str, name: str) -> str:
        """Return what the user reads for a member of a conversation with this id and name."""
