"""Identify a user by a key pair, and a certificate that ties it to a name.

A user is an Ed25519 key, made at the first start, with an X25519 key beside it
to which envelopes are sealed.  The directory is the certificate authority of its
community.  Names in certificates are URIs, because TLS libraries match DNS names
without case and with wildcards, and no user can get the directory's own.
"""

import datetime
import hashlib
import warnings
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec import Struct

from shared.errors import ProtocolError
from shared.names import is_name
from shared.weak_keys import is_weak_sealing_key, is_weak_signing_key
from shared.words import WORD_LIST

SEED_BYTES = 64  # an Ed25519 and an X25519 private key, raw
CERTIFICATE_DAYS = 30  # of a user; a released name keeps a tombstone as long
FINGERPRINT_BYTES = 16  # 128 bits: nobody finds a second key for it
VERIFIERS = 1_024  # cached keys, some 500 bytes each: most are used again soon
WORDS = 12  # of 8 bits each; the slow hash below makes each guess dearer
WORDS_ROUNDS = 5_200  # as in Signal's safety numbers

_USER_URI = "urn:parley:user:"
_DIRECTORY_URI = "urn:parley:directory"
_FIRST_DAY = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)  # a field machine's clock may lag
_LAST_DAY = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)  # RFC 5280, 4.1.2.5

# All that cryptography raises for made-up DER; most of these are no ValueError.
_UNREADABLE = (
    ValueError,
    TypeError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class Credentials(Struct, frozen=True):
    """The key and certificates for a handshake.  `certificate` and `authority` are DER."""

    key: Ed25519PrivateKey
    certificate: bytes
    authority: bytes


class Subject(Struct, frozen=True):
    """The owner that a certificate names.  `name` is None for the directory itself."""

    name: str | None
    key: bytes
    expires: float


class Identity:
    """A user's two private keys."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError("a damaged key")
        self._seed = seed
        self.key = Ed25519PrivateKey.from_private_bytes(seed[:32])
        self.sealing_key = X25519PrivateKey.from_private_bytes(seed[32:])
        self.public = self.key.public_key().public_bytes_raw()
        self.sealing_public = self.sealing_key.public_key().public_bytes_raw()

    def seed(self) -> bytes:
        return self._seed

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data)

    def sealing_proof(self) -> bytes:
        """Return a signature that ties the sealing key to this user."""
        return self.sign(_sealing_statement(self.sealing_public))

    def registration_proof(self, *, authority: bytes, nonce: bytes, name: str) -> bytes:
        """Return a proof that we hold the key now, valid for this directory only."""
        return self.sign(_registration_statement(authority, nonce, name))

    def request(self, name: str) -> bytes:
        """Return a signing request (PKCS #10) for this name, as DER."""
        builder = x509.CertificateSigningRequestBuilder().subject_name(_common_name(name))
        return builder.sign(self.key, None).public_bytes(Encoding.DER)


def check_sealing_proof(key: bytes, sealing_key: bytes, proof: bytes) -> None:
    """Raise ProtocolError unless `key` signed `sealing_key`, which must be a usable key."""
    if is_weak_sealing_key(sealing_key):
        raise ProtocolError("the sealing key is of small order")
    check_signature(key, proof, _sealing_statement(sealing_key))


def check_registration_proof(
    key: bytes, proof: bytes, *, authority: bytes, nonce: bytes, name: str
) -> None:
    """Raise ProtocolError unless `key` signed this nonce for this directory and name."""
    check_signature(key, proof, _registration_statement(authority, nonce, name))


def check_key(key: bytes) -> None:
    """Raise ProtocolError for a key under which one signature fits everything."""
    if is_weak_signing_key(key):
        raise ProtocolError("a key is of small order")


def check_signature(key: bytes, signature: bytes, statement: bytes) -> None:
    try:
        _verifier(key).verify(signature, statement)
    except (InvalidSignature, ValueError):
        raise ProtocolError("a signature does not fit") from None


@lru_cache(maxsize=VERIFIERS)
def _verifier(key: bytes) -> Ed25519PublicKey:
    """Return the cached key.  Raises ProtocolError as `check_key`, ValueError for no key at all."""
    check_key(key)
    return Ed25519PublicKey.from_public_bytes(key)


def _sealing_statement(sealing_key: bytes) -> bytes:
    return b"parley sealing key 1\0" + sealing_key


def _registration_statement(authority: bytes, nonce: bytes, name: str) -> bytes:
    community = hashlib.sha256(authority).digest()
    return b"parley registration 1\0" + community + nonce + name.encode(errors="replace")


# --- Certificates ---------------------------------------------------------------


def make_authority(key: Ed25519PrivateKey) -> bytes:
    """Return the self-signed certificate of a community, as DER; it never expires."""
    name = _common_name("Parley community")
    builder = (
        _builder(key.public_key(), name, name, _LAST_DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
    )
    return builder.sign(key, None).public_bytes(Encoding.DER)


def issue_for_directory(
    authority: bytes, authority_key: Ed25519PrivateKey, public: Ed25519PublicKey
) -> bytes:
    return _issue(authority, authority_key, public, "directory", _DIRECTORY_URI, _LAST_DAY)


def issue_for_user(
    authority: bytes, authority_key: Ed25519PrivateKey, name: str, public: bytes, now: float
) -> bytes:
    """Return a certificate which says that this key is this user."""
    key = Ed25519PublicKey.from_public_bytes(public)
    ends = datetime.datetime.fromtimestamp(now, datetime.UTC) + datetime.timedelta(
        days=CERTIFICATE_DAYS
    )
    return _issue(authority, authority_key, key, name, _USER_URI + name, ends)


def read_certificate(certificate: bytes, authority: bytes, now: float) -> Subject:
    """Return whom `authority` certifies here.  Raises ProtocolError if it does not certify it.

    Checks each step by hand, because `x509.verification` refuses Ed25519.
    """
    subject = _read(certificate, authority)
    if now > subject.expires:
        raise ProtocolError("the certificate is out of date (is a clock wrong?)")
    return subject


def _loaded(certificate: bytes) -> x509.Certificate:
    """Parse a certificate.  Raises ValueError.

    The library warns of some that others send, and Python writes warnings on the terminal.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.load_der_x509_certificate(certificate)


@lru_cache(maxsize=8)
def _parsed(authority: bytes) -> x509.Certificate:
    """Return the parsed authority, cached because all certificates of a community share it."""
    return _loaded(authority)


@lru_cache(maxsize=1024)
def _read(certificate: bytes, authority: bytes) -> Subject:
    try:
        leaf = _loaded(certificate)
        leaf.verify_directly_issued_by(_parsed(authority))
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
        key = _raw(leaf.public_key())
    except _UNREADABLE:
        raise ProtocolError("the certificate is not from this community") from None
    if len(uris) != 1 or len(names) != 1 or constraints.ca or key is None:
        raise ProtocolError("the certificate names nobody")
    check_key(key)
    return Subject(_name_in(uris[0]), key, leaf.not_valid_after_utc.timestamp())


def _name_in(uri: str) -> str | None:
    if uri == _DIRECTORY_URI:
        return None
    name = uri.removeprefix(_USER_URI)
    if name == uri or not is_name(name):
        raise ProtocolError("the certificate names nobody")
    return name


def is_authority(certificate: bytes) -> bool:
    """Return whether this is a self-signed authority with a key of our kind."""
    try:
        own = _loaded(certificate)
        own.verify_directly_issued_by(own)
        constraints = own.extensions.get_extension_for_class(x509.BasicConstraints).value
    except _UNREADABLE:
        return False
    return constraints.ca and _raw(own.public_key()) is not None


def authority_key(certificate: bytes) -> bytes:
    """Return the raw public key of an authority that `is_authority` has accepted."""
    key = _raw(_loaded(certificate).public_key())
    if key is None:
        raise ProtocolError("the authority's key is of an unknown kind")
    return key


def is_half_over(subject: Subject, now: float) -> bool:
    """Return whether it is time to ask for a new certificate."""
    return subject.expires - now < CERTIFICATE_DAYS * 86_400 / 2


def _issue(
    authority: bytes,
    authority_key: Ed25519PrivateKey,
    public: Ed25519PublicKey,
    common_name: str,
    uri: str,
    ends: datetime.datetime,
) -> bytes:
    issuer = _parsed(authority).subject
    builder = (
        _builder(public, _common_name(common_name), issuer, ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), critical=False
        )
    )
    return builder.sign(authority_key, None).public_bytes(Encoding.DER)


def _builder(
    public: Ed25519PublicKey, subject: x509.Name, issuer: x509.Name, ends: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FIRST_DAY)
        .not_valid_after(ends)
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _raw(key: object) -> bytes | None:
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


# --- What people compare ----------------------------------------------------------


def fingerprint(key: bytes) -> str:
    """Return a short form of a public key: 32 hex digits in groups of four."""
    digits = hashlib.sha256(b"parley key 1\0" + key).hexdigest()[: 2 * FINGERPRINT_BYTES]
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def verify_words(one: bytes, other: bytes) -> list[str]:
    """Return words that two users see alike exactly when nobody is between them.

    Both users get the same words.  `one` and `other` are their public keys.
    """
    keys = b"".join(sorted((one, other)))
    digest = b"parley words 1\0" + keys
    for _ in range(WORDS_ROUNDS):
        digest = hashlib.sha512(digest + keys).digest()
    return [WORD_LIST[byte] for byte in digest[:WORDS]]
