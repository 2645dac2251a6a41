"""Texts of others whose signatures have not been checked yet.

A text that its author sends directly may be shown before its check: the link is proof
enough for the screen.  It is checked once, before it is kept, acknowledged, handed on or
named by a text of mine.
"""

from collections import deque
from collections.abc import Callable

from msgspec import Struct

from peer.core.conversation.texts import check_author
from shared.errors import ProtocolError
from shared.messages.peers import Origin, Text

CHECK_SECONDS = 0.05  # for a text to be shown; then it is checked anyway,
CHECKS = 16  # this many at a time, so that other work gets its turn in between

_NEVER = float("inf")


class _Waiting(Struct):
    text: Text
    is_checked: bool


class UncheckedTexts:
    def __init__(self, key: Callable[[str], bytes | None], prove: Callable[[Text], None]) -> None:
        """`prove` is called with each text that its author did sign, in order."""
        self._key, self._prove = key, prove
        self._waiting: dict[Origin, deque[_Waiting]] = {}
        self.due = _NEVER  #: when the next ones should be checked

    def add(self, text: Text, now: float, *, is_checked: bool) -> None:
        """Add a text, which follows those of its author and epoch that came before."""
        waiting = self._waiting.setdefault(text.origin, deque())
        waiting.append(_Waiting(text, is_checked))
        self.due = min(self.due, now + CHECK_SECONDS)

    def origins(self) -> list[Origin]:
        """Return the origins with texts that wait to be checked."""
        return list(self._waiting)

    def check(self, of: Origin, most: int = 1_000_000) -> list[Text]:
        """Check at most `most` waiting texts of an origin.

        Return the first text that its author has not signed and all that came after it,
        and forget these here; return nothing when all are signed.
        """
        waiting = self._waiting.get(of, deque())
        while waiting and most:
            one = waiting[0]
            if not (one.is_checked or is_genuine(one.text, self._key(of[0]))):
                return self._forget(of)
            self._prove(waiting.popleft().text)
            most -= 1
        return [] if waiting else self._forget(of)

    def _forget(self, of: Origin) -> list[Text]:
        waiting = self._waiting.pop(of, ())
        if not self._waiting:
            self.due = _NEVER
        return [one.text for one in waiting]

    def check_some(self, now: float) -> list[Text]:
        """Check a few texts of the origin that waits longest; return as `check` does."""
        self.due = now
        return self.check(next(iter(self._waiting)), CHECKS)


def is_genuine(text: Text, key: bytes | None) -> bool:
    """Whether the owner of this key has signed it."""
    try:
        check_author(text, key or b"")
    except ProtocolError:
        return False
    return True
