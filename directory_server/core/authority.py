"""The certificate authority of a community: it certifies which key owns which name.

Its key is made at the first start and never changes; peers remember it.
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.errors import ProtocolError, Refused, StorageError
from shared.identity import (
    Credentials,
    authority_key,
    fingerprint,
    is_authority,
    issue_for_directory,
    issue_for_user,
    make_authority,
    read_certificate,
)
from shared.names import fold

SEED_BYTES = 32  # of an Ed25519 private key
MARK_BYTES = 8  # of an address: enough to tell addresses apart


class Authority:
    def __init__(self, key: Ed25519PrivateKey, certificate: bytes) -> None:
        self._key, self.certificate = key, certificate

    @classmethod
    def found(cls, seed: bytes) -> "Authority":
        """Return the authority of a new community, from 32 random bytes."""
        key = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(key, make_authority(key))

    @classmethod
    def restore(cls, content: bytes) -> "Authority":
        """Return the kept authority.  Raises StorageError when it is damaged."""
        seed, certificate = content[:SEED_BYTES], content[SEED_BYTES:]
        try:
            key = Ed25519PrivateKey.from_private_bytes(seed)
        except ValueError:
            raise StorageError("the file is too short") from None
        if not is_authority(certificate):
            raise StorageError("the certificate in it cannot be read")
        if authority_key(certificate) != key.public_key().public_bytes_raw():
            raise StorageError("key and certificate in it do not belong together")
        return cls(key, certificate)

    def content(self) -> bytes:
        """Return all that must be kept, and kept secret."""
        private = self._key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return private + self.certificate

    def fingerprint(self) -> str:
        return fingerprint(authority_key(self.certificate))

    def mark_of(self, network: str) -> bytes:
        """Return the mark that the database keeps of an address; only our key can compute it."""
        mark = hashlib.blake2b(
            network.encode(), digest_size=MARK_BYTES, key=self._key.private_bytes_raw()
        )
        return mark.digest()

    def credentials(self, seed: bytes) -> Credentials:
        """Return what the directory presents in handshakes; a fresh key at each start."""
        leaf = Ed25519PrivateKey.from_private_bytes(seed)
        certificate = issue_for_directory(self.certificate, self._key, leaf.public_key())
        return Credentials(leaf, certificate, self.certificate)

    def certify(self, *, name: str, key: bytes, now: float) -> bytes:
        """Return a certificate for `name`, in the spelling that was registered first.

        IAM has proved that the user holds the key.
        """
        return issue_for_user(self.certificate, self._key, name, key, now)

    def check_certificate(self, certificate: bytes, name: str, key: bytes, now: float) -> None:
        """Raise Refused unless the certificate says that this name has this key."""
        try:
            subject = read_certificate(certificate, self.certificate, now)
        except ProtocolError as error:
            raise Refused(f"{error}", "KEY") from None
        if subject.name is None or fold(subject.name) != fold(name):
            shown = subject.name or "the directory"
            raise Refused(f"your certificate is for {shown}, not for {name}", "KEY")
        if subject.key != key:
            raise Refused(f"your certificate for {name} is for another key", "KEY")
