"""Comparing a key by words, before it is believed."""

from msgspec import Struct

from shared.identity import fingerprint


class Comparison(Struct, frozen=True):
    """The words that two users see alike exactly when nobody is between them."""

    name: str
    key: bytes  #: which the directory has of them, and which these words are about
    words: tuple[str, ...]
    known: bytes | None  #: the key that is remembered, and stays until the user says yes

    @property
    def is_changed(self) -> bool:
        """Another key is remembered than the one that these words are about."""
        return self.known is not None and self.known != self.key

    def fits(self, words: tuple[str, ...]) -> bool:
        """Whether these are the words, as the other user has read them out."""
        return tuple(word.lower() for word in words) == self.words

    @property
    def change(self) -> str:
        """A sentence about the changed key; empty without one."""
        if self.known is None or not self.is_changed:
            return ""
        return (
            f"The key of {self.name} has changed: it was {fingerprint(self.known)}, now it is"
            f" {fingerprint(self.key)}. The old one counts until you say yes."
        )
