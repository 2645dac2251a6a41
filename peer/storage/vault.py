"""Protect what lies on disk with a passphrase.

Texts are sealed with a random key, each for its place (so none can be moved to another),
and that key is wrapped with one that is made from the passphrase: scrypt, RFC 7914, then
ChaCha20-Poly1305, RFC 8439.  So another passphrase changes one small file, not the journal.
"""

import secrets
import unicodedata
from enum import Enum
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from shared.errors import Refused, StorageError

COST: Final = 2**15  # of scrypt: 32 MiB and a tenth of a second for each guess
COST_MOST: Final = 2**20  # accepted from a file, which may be made up: a gigabyte
BLOCK: Final = 8  # as RFC 7914 recommends
KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12  # random: 2^32 texts under one key are no danger
_WRAP: Final = "parley vault 1"
_SEALED_KEY: Final = b"parley sealed key 1\n"  # a clear one is 64 random bytes


class SealState(Enum):
    """Whether the other files are sealed.  Written first, so a crash leaves nothing half done."""

    SEALING = "sealing"  #: they may lie in clear still
    SEALED = "sealed"
    OPENING = "opening"  #: they may lie in clear already


class Vault:
    """A key that seals and opens what lies on disk; without one everything stays as it is.

    `place` tells where the sealed content lies: it opens nowhere else.  Content that does not
    open raises StorageError.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._cipher = None if key is None else ChaCha20Poly1305(key)

    @property
    def is_sealing(self) -> bool:
        return self._cipher is not None

    def seal(self, content: bytes, *place: str | int) -> bytes:
        if self._cipher is None:
            return content
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, _place(place))

    def open(self, sealed: bytes, *place: str | int) -> bytes:
        if self._cipher is None:
            return sealed
        try:
            nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            return self._cipher.decrypt(nonce, rest, _place(place))
        except (InvalidTag, ValueError):
            raise StorageError("something on disk was damaged or exchanged") from None

    def seal_text(self, text: str, *place: str | int) -> str:
        """Seal a text; the sealed one is a text too, in base64."""
        if self._cipher is None:
            return text
        return _base64(self.seal(text.encode(errors="surrogatepass"), *place))

    def open_text(self, sealed: str, *place: str | int) -> str:
        if self._cipher is None:
            return sealed
        try:
            content = msgspec.convert(sealed, bytes, strict=False)
        except msgspec.ValidationError:
            raise StorageError("something on disk was damaged or exchanged") from None
        return self.open(content, *place).decode(errors="surrogatepass")


CLEAR: Final = Vault()  # nobody has set a passphrase


def _place(words: tuple[str | int, ...]) -> bytes:
    return msgspec.json.encode(words)


def _base64(content: bytes) -> str:
    return str(msgspec.to_builtins(content))


# --- The file with a user's private keys ---


def seal_key(seed: bytes, vault: Vault) -> bytes:
    """Return the content of the file for these keys."""
    return _SEALED_KEY + vault.seal(seed, "key") if vault.is_sealing else seed


def open_key(content: bytes, vault: Vault) -> bytes:
    """Return the keys in this file, sealed or not.  Raises StorageError when it does not open."""
    if not content.startswith(_SEALED_KEY):
        return content
    if not vault.is_sealing:
        raise StorageError(
            'the file "key" in the data folder is sealed with a passphrase, and "vault", which'
            " a passphrase opens, is missing: bring it back from a backup"
        )
    return vault.open(content.removeprefix(_SEALED_KEY), "key")


# --- The file with the key of a vault, wrapped ---


class WrongPassphrase(Refused):
    """The passphrase opens nothing."""

    def __init__(self) -> None:
        super().__init__("That is not the passphrase.", "PASSPHRASE")


class _Wrapped(msgspec.Struct, frozen=True):
    version: Annotated[int, msgspec.Meta(ge=1, le=1)]
    state: SealState
    cost: Annotated[int, msgspec.Meta(ge=2, le=COST_MOST)]
    salt: Annotated[bytes, msgspec.Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    key: bytes


def new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def wrap(key: bytes, passphrase: str, state: SealState) -> bytes:
    """Return the content of the file from which only this passphrase gets the key back."""
    salt = secrets.token_bytes(SALT_BYTES)
    stretched = Vault(_stretch(passphrase, salt, COST))
    sealed = stretched.seal(key, _WRAP, state.value, COST)
    return msgspec.json.encode(_Wrapped(1, state, COST, salt, sealed))


def unwrap(content: bytes, passphrase: str) -> tuple[bytes, SealState]:
    """Return the key, and how far the other files are sealed.

    Raises WrongPassphrase; StorageError when this is no such file.
    """
    try:
        wrapped = _file.decode(content)
        stretched = Vault(_stretch(passphrase, wrapped.salt, wrapped.cost))
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise StorageError('the file "vault" in the data folder is damaged') from None
    try:
        key = stretched.open(wrapped.key, _WRAP, wrapped.state.value, wrapped.cost)
    except StorageError:
        raise WrongPassphrase from None
    return key, wrapped.state


_file = msgspec.json.Decoder(_Wrapped)


def _stretch(passphrase: str, salt: bytes, cost: int) -> bytes:
    # Letters are the same, whichever keyboard or system they were typed on.
    typed = unicodedata.normalize("NFC", passphrase).encode(errors="surrogatepass")
    return Scrypt(salt=salt, length=KEY_BYTES, n=cost, r=BLOCK, p=1).derive(typed)
