"""Finds authors who tell members different things, by one digest of all they have said.

Every text names the digest of what its author had said before it in its epoch (`chain`),
and its own digest covers that: so equal digests mean that everything up to there is
equal.  Members exchange their digests in HELLO.
"""

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable

from peer.core.conversation.texts import EPOCHS_AT_HEAD, statement
from shared.messages.peers import CHAIN_BYTES, Origin, Text

MARKS = 64  # of one epoch: other members are a little behind, or ahead


def digest(text: Text) -> bytes:
    """Return the digest of a text and all that its author had said before it in its epoch.

    It covers the signature, so that members who may not read a text cannot test guesses.
    """
    said = b"parley said 1\0" + text.signature + statement(text)
    return hashlib.sha256(said).digest()[:CHAIN_BYTES]


class Digests:
    """The digests of what was said here, by author and epoch."""

    def __init__(self, kept: Iterable[tuple[str, str, int, bytes]] = ()) -> None:
        """`kept`: author, epoch, last seq, and the digest of everything up to there."""
        self._marks: dict[Origin, list[tuple[int, bytes]]] = {}  # after the text with this seq
        self._recent: defaultdict[str, list[Origin]] = defaultdict(list)  # by author
        for author, epoch, seq, said in kept:
            self.restore((author, epoch), seq, said)

    def note(self, text: Text) -> bool:
        """Note the author's next text; return False if it follows on another past than mine."""
        of = text.origin
        before = self.at(of, text.seq - 1)
        self.restore(of, text.last_seq, digest(text))
        return not before or text.chain == before

    def restore(self, of: Origin, seq: int, said: bytes) -> None:
        marks = self._marks.setdefault(of, [])
        marks.append((seq, said))
        if len(marks) > MARKS:
            del marks[0]
        self._use(of)

    def _use(self, of: Origin) -> None:
        """Note the epoch in use; of an author's older epochs remember only the end."""
        recent = self._recent[of[0]]
        if of not in recent:
            recent.append(of)
        if len(recent) > EPOCHS_AT_HEAD:
            del self._marks[recent.pop(0)][:-1]

    def at(self, of: Origin, seq: int) -> bytes:
        """Return the digest of everything up to this seq; empty when it is not known."""
        marks = self._marks.get(of, [])
        place = bisect_left(marks, (seq, b""))
        return marks[place][1] if place < len(marks) and marks[place][0] == seq else b""

    def differs(self, of: Origin, seq: int, said: bytes) -> bool:
        """Whether somebody was told other things up to this seq, as far as I can know."""
        marks = self._marks.get(of, [])
        if not said or not marks or not marks[0][0] <= seq <= marks[-1][0]:
            return False
        return self.at(of, seq) != said

    def contradicts(self, text: Text) -> bool:
        """Whether no honest author can have written both this text and what was said here."""
        inside = [
            seq for seq, _ in self._marks.get(text.origin, []) if text.seq <= seq < text.last_seq
        ]
        return bool(inside) or self.differs(text.origin, text.last_seq, digest(text))
