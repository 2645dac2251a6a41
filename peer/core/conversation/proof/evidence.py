"""Evidence that an author has said different things, and which members were shown it.

A piece of evidence is a position: what follows it here contradicts what the author has told
others.  A member who has those texts, too, can compare.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct, field

from shared.messages.peers import Origin, Position, Text

PIECES_MOST = 4  # against one author: the first, and the last ones


class _Piece(Struct):
    """One piece of evidence, and the members whom it has reached."""

    other: Text | None  # contradicts what lies on disk here, if it came
    sent: set[str] = field(default_factory=set)
    able: set[str] = field(default_factory=set)  # known to have what they can compare it with


class Evidence:
    """All evidence of one conversation."""

    def __init__(
        self, on_disk: Callable[[Origin], int], floor: Callable[[str, Origin], int]
    ) -> None:
        """`on_disk`: the last seq of an origin that lies there.

        `floor`: up to this seq of an origin a member may read nothing.
        """
        self._on_disk, self._floor = on_disk, floor
        self._pieces: dict[Position, _Piece] = {}

    def add(self, where: Position, other: Text | None = None) -> None:
        """Note that what follows this position contradicts what its author told others.

        The first piece tells all present members what its author is; the last pieces tell the
        members who come later and may not read the first.
        """
        self._pieces.setdefault(where, _Piece(other))
        of_author = [one for one in self._pieces if one.author == where.author]
        if len(of_author) > PIECES_MOST:
            del self._pieces[of_author[1]]

    def link_lost(self, member: str) -> None:
        """Mark all to be sent once more: it may have been on its way."""
        for piece in self._pieces.values():
            piece.sent.discard(member)

    def has(self, member: str, there: Position) -> None:
        """Note what a member has; mark what contradicts it to be sent once more.

        Before that it may have been of no use to them: something before it was missing.
        """
        for where, piece in self._pieces.items():
            is_of = where.origin == there.origin
            if is_of and there.seq > where.seq and member not in piece.able:
                piece.able.add(member)
                piece.sent.discard(member)

    def unseen(self, members: Iterable[str], author: str = "") -> list[tuple[Position, str]]:
        """Return the pieces that are on disk, and each of these members to send them to now.

        `author`: only those against this one.
        """
        return [
            (where, member)
            for where, piece in self._pieces.items()
            if author in {"", where.author} and self._on_disk(where.origin) > where.seq
            for member in members
            if member != where.author
            and member not in piece.sent
            and self._floor(member, where.origin) <= where.seq
            and not self._was_shown(member, where.author)
        ]

    def __len__(self) -> int:
        return len(self._pieces)

    def mark_sent(self, where: Position, member: str) -> Text | None:
        """Mark a piece as sent; return the text that is to be sent with it, if there is one."""
        self._pieces[where].sent.add(member)
        return self._pieces[where].other

    def _was_shown(self, member: str, author: str) -> bool:
        """Whether they were sent evidence against this author that they could compare."""
        return any(
            where.author == author and member in piece.sent & piece.able
            for where, piece in self._pieces.items()
        )
