"""Send answers to WANT one at a time to each member, so that they never overflow a link."""

from collections.abc import Callable
from typing import Final

from peer.runtime.links import Links

ANSWER_BYTES: Final = 256 * 1024  # of texts in one answer; the other side goes on asking
WAITING: Final = 16  # answers for one member: twice what an honest one asks for at a time

Key = tuple[str, str, str]  # conversation, author and epoch: of two requests the last one counts


class AnswerQueue:
    def __init__(self, links: Links, spawn: Callable[..., None]) -> None:
        self._links, self._spawn = links, spawn
        self._waiting: dict[str, dict[Key, Callable[[], None]]] = {}

    def hand(self, to: str, key: Key, answer: Callable[[], None]) -> None:
        """Call `answer`, now or when earlier answers to this member are out."""
        waiting = self._waiting.get(to)
        if waiting is not None:
            if key in waiting or len(waiting) < WAITING:
                waiting[key] = answer
            return
        link = self._links.to(to)
        if link is None or link.waiting < ANSWER_BYTES:
            answer()
        else:
            self._waiting[to] = {key: answer}
            self._spawn(self._hand_in_turn, to)

    async def _hand_in_turn(self, to: str) -> None:
        waiting = self._waiting[to]
        try:
            while waiting:
                link = self._links.to(to)
                if link is not None:
                    await link.flush()
                waiting.pop(next(iter(waiting)))()
        finally:
            del self._waiting[to]
