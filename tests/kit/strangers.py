"""Users who are only online, at a real directory: so many that they make a crowd."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.lean import context, for_all, make


@contextmanager
def online(port: int, count: int, word: str = "stranger") -> Iterator[None]:
    """Register this many users, named by the word and a number; they go at the end."""
    users, tls = make(word, count), context()
    try:
        for_all(users, lambda user: user.register(port, tls))
        yield
    finally:
        for_all(users, lambda user: user.close())
