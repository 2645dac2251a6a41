"""The words in which a link is told who came, went, or changed status."""

from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import Any, Final, NamedTuple, cast

from msgspec import Raw

from directory_server.core.registry import News
from shared.codec import encode
from shared.messages.directory import PAGE, Arr, Chg, Lft, Presence
from shared.names import fold


class Kind(Enum):
    WENT = auto()
    CAME = auto()
    CHANGED = auto()


class Word(NamedTuple):
    kind: Kind
    said: bytes  # as it stands in the message: a name for WENT, else a presence


_MESSAGES: Final = ((Lft, Kind.WENT), (Arr, Kind.CAME), (Chg, Kind.CHANGED))


def words(news: News) -> Iterator[tuple[str, Word]]:
    """Yield what is to be told of each user, by the folded name; each word is encoded once."""
    for name in news.went:
        yield fold(name), Word(Kind.WENT, _encoded(name))
    for kind, users in ((Kind.CAME, news.came), (Kind.CHANGED, news.changed)):
        for user in users:
            yield fold(user.name), Word(kind, _encoded(user))


def newest(before: Word | None, word: Word) -> Word:
    """Return what is to be told of a user instead of `before`, which has not been told yet.

    That is `word` alone: who came and went is told as LFT, as a LIST meanwhile may have shown
    them; who went and came as ARR, as their place may be another.
    """
    if before is not None and (before.kind, word.kind) == (Kind.CAME, Kind.CHANGED):
        return Word(Kind.CAME, word.said)
    return word


def lines(waiting: Iterable[Word]) -> bytes:
    """Encode the words for one link: LFT, ARR and CHG, in as many lines as it takes."""
    waiting = list(waiting)
    out = []
    for make, kind in _MESSAGES:
        said = [word.said for word in waiting if word.kind is kind]
        for start in range(0, len(said), PAGE):
            page = Raw(b"[" + b",".join(said[start : start + PAGE]) + b"]")
            out.append(encode(make(cast(Any, page))))
    return b"".join(out)


def _encoded(what: str | Presence) -> bytes:
    return encode(cast(Any, what))[:-1]
