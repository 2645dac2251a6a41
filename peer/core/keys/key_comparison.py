"""Compares a key by words before it is believed."""

from msgspec import Struct

from shared.identity import fingerprint


class Comparison(Struct, frozen=True):
    """The words for two users: both see the same ones exactly when nobody is between them."""

    name: str
    key: bytes  #: the directory's key for this user, which the words are about
    words: tuple[str, ...]
    known: bytes | None  #: the remembered key, which stays until the user says yes

    @property
    def is_changed(self) -> bool:
        """Whether the remembered key is another one than these words are about."""
        return self.known is not None and self.known != self.key

    def fits(self, words: tuple[str, ...]) -> bool:
        """Whether the words that the other user read out are these."""
        return tuple(word.lower() for word in words) == self.words

    @property
    def change(self) -> str:
        """A sentence about the changed key; empty if it has not changed."""
        if self.known is None or not self.is_changed:
            return ""
        return (
            f"The key of {self.name} has changed: it was {fingerprint(self.known)}, now it is"
            f" {fingerprint(self.key)}. The old one counts until you say yes."
        )
