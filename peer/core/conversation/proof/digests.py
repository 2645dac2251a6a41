"""Finds authors who tell members different things, by one digest of all they have said.

Every text names the digest of what its author had said before it in its epoch (`chain`),
and its own digest covers that: so equal digests mean that everything up to there is
equal.  Members exchange their digests in HELLO.
"""

import hashlib
from bisect import bisect_left
from collections import defaultdict

from msgspec import Struct

from peer.core.conversation.texts import EPOCHS_AT_HEAD, statement
from shared.messages.peers import CHAIN_BYTES, Origin, Text

MARKS = 64  # of one epoch: other members are a little behind, or ahead


def digest(text: Text) -> bytes:
    """Return the digest of a text and all that its author had said before it in its epoch.

    It covers the signature, so that members who may not read a text cannot test guesses.
    """
    said = b"parley said 1\0" + text.signature + statement(text)
    return hashlib.sha256(said).digest()[:CHAIN_BYTES]


class Said(Struct, frozen=True):
    """The digests of all that an author had said in an epoch, before one text and after it."""

    origin: Origin
    seq: int
    last: int  # the seq of the last line in it
    before: bytes  # the digest of everything before it, as its author says; may be empty
    upto: bytes  # the digest of everything up to its end


def said_in(text: Text) -> Said:
    return Said(text.origin, text.seq, text.last_seq, text.chain, digest(text))


class Digests:
    """The digests of what was said here, by author and epoch."""

    def __init__(self) -> None:
        self._marks: dict[Origin, list[tuple[int, bytes]]] = {}  # after the text with this seq
        self._recent: defaultdict[str, list[Origin]] = defaultdict(list)  # by author

    def note(self, said: Said) -> bool:
        """Note the author's next text; return False if it follows on another past than mine."""
        before = self.at(said.origin, said.seq - 1)
        marks = self._marks.setdefault(said.origin, [])
        marks.append((said.last, said.upto))
        if len(marks) > MARKS:
            del marks[0]
        self._use(said.origin)
        return not before or said.before == before

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
