"""Limits how much of my disk an author fills in a day, and when I am asked for more.  A core."""

from collections.abc import Iterable
from enum import Enum, auto
from typing import Final

from msgspec import Struct

from shared.names import fold

BYTES_A_DAY: Final = 64 * 1024 * 1024  # of one author; a busy person fills a thousandth of it
SECONDS_A_DAY: Final = 86_400.0


class Ruling(Enum):
    """The verdict on a text of an author."""

    TAKE = auto()  #: keep it
    TAKE_AND_TELL = auto()  #: keep it, and say that half of the author's allowance is used
    WAIT = auto()  #: do not keep it yet
    ASK = auto()  #: do not keep it yet either, and ask whether more may be kept


class _Share(Struct):
    """The space that one author has filled in one day."""

    day: int
    bytes: int
    allowed: int
    is_told: bool = False
    is_asked: bool = False


class Allowance:
    """The allowances of all authors.  `time`: seconds since 1970."""

    def __init__(self, taken: Iterable[tuple[str, int, int]] = (), most: int = BYTES_A_DAY) -> None:
        """`taken`: folded author, day and bytes, from the disk."""
        self.most = most
        self._shares = {author: _Share(day, size, most) for author, day, size in taken}

    def judge(self, author: str, size: int, time: float) -> Ruling:
        """Judge a text of `size` bytes that has come; it counts only if it is to be kept."""
        share = self._share(author, time)
        if share.bytes + size > share.allowed:
            is_news, share.is_asked = not share.is_asked, True
            return Ruling.ASK if is_news else Ruling.WAIT
        share.bytes += size
        if share.is_told or share.bytes < share.allowed - self.most / 2:
            return Ruling.TAKE
        share.is_told = True
        return Ruling.TAKE_AND_TELL

    def allow_more(self, author: str, time: float) -> None:
        """Allow the author `most` bytes more today."""
        share = self._share(author, time)
        share.allowed, share.is_told, share.is_asked = share.bytes + self.most, False, False

    def taken(self, author: str, time: float) -> tuple[str, int, int]:
        """Return folded author, day and bytes."""
        share = self._share(author, time)
        return fold(author), share.day, share.bytes

    def _share(self, author: str, time: float) -> _Share:
        day = day_of(time)
        share = self._shares.get(fold(author))
        if share is None or share.day != day:
            share = self._shares[fold(author)] = _Share(day, 0, self.most)
        return share


def day_of(time: float) -> int:
    return int(time // SECONDS_A_DAY)
