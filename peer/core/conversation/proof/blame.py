"""Counts what a member hands on that its author has not signed: honest members check before."""

from collections import Counter

from shared.errors import ProtocolError

BAD_MOST = 20  # unsigned texts or HELLOs handed on by one member; then the link is cut


class Blame:
    """The blame of each linked member."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, member: str) -> None:
        """Count one unsigned thing; raise ProtocolError when it is one too many."""
        self._counts[member] += 1
        if self._counts[member] > BAD_MOST:
            raise ProtocolError("too much was handed on that is not signed by its author")

    def forget(self, member: str) -> None:
        """Start anew with a member whose link is lost."""
        del self._counts[member]
