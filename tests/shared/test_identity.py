"""Keys, certificates, and what people compare."""

import datetime
import random
import re
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ProtocolError
from shared.identity import (
    CERTIFICATE_DAYS,
    SEED_BYTES,
    WORDS,
    Identity,
    Subject,
    authority_key,
    check_registration_proof,
    check_sealing_proof,
    check_signature,
    fingerprint,
    is_authority,
    is_half_over,
    issue_for_user,
    make_authority,
    read_certificate,
    verify_words,
)
from shared.words import WORD_LIST
from tests.kit.world import EPOCH, Authority

NONCE = b"n" * 32
DAY = 86_400
URI = "urn:parley:user:dave"

authority = Authority()
dave, credentials = authority.user("dave")
mallory = authority.identity()


# --- Keys -------------------------------------------------------------------------------


def test_the_same_seed_is_the_same_identity() -> None:
    again = Identity(dave.seed())
    assert (again.public, again.sealing_public) == (dave.public, dave.sealing_public)
    assert len(dave.seed()) == SEED_BYTES
    assert dave.public != dave.sealing_public


@pytest.mark.parametrize("length", [0, 32, SEED_BYTES - 1, SEED_BYTES + 1])
def test_a_damaged_seed_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="damaged"):
        Identity(b"s" * length)


def test_a_sealing_key_is_taken_only_from_its_owner() -> None:
    proof = dave.sealing_proof()
    check_sealing_proof(dave.public, dave.sealing_public, proof)
    for key, sealing_key in [
        (mallory.public, dave.sealing_public),
        (dave.public, mallory.sealing_public),
    ]:
        with pytest.raises(ProtocolError):
            check_sealing_proof(key, sealing_key, proof)


def test_a_registration_holds_for_one_directory_one_moment_and_one_name() -> None:
    community = authority.certificate
    proof = dave.registration_proof(authority=community, nonce=NONCE, name="dave")
    check_registration_proof(dave.public, proof, authority=community, nonce=NONCE, name="dave")
    for key, directory, nonce, name in [
        (mallory.public, community, NONCE, "dave"),
        (dave.public, Authority(1).certificate, NONCE, "dave"),
        (dave.public, community, b"m" * 32, "dave"),
        (dave.public, community, NONCE, "Dave"),
    ]:
        with pytest.raises(ProtocolError, match="signature"):
            check_registration_proof(key, proof, authority=directory, nonce=nonce, name=name)


def test_a_name_of_any_characters_can_be_signed_and_is_refused_elsewhere() -> None:
    proof = dave.registration_proof(authority=b"", nonce=NONCE, name="\ud800 \n")
    check_registration_proof(dave.public, proof, authority=b"", nonce=NONCE, name="\ud800 \n")


@given(key=st.binary(max_size=40), signature=st.binary(max_size=70))
def test_no_bytes_are_a_signature(key: bytes, signature: bytes) -> None:
    with pytest.raises(ProtocolError):
        check_signature(key, signature, b"I owe you")


def test_no_other_bytes_than_the_signature_itself() -> None:
    signature = dave.sign(b"I owe you")
    check_signature(dave.public, signature, b"I owe you")
    for at in range(len(signature)):
        with pytest.raises(ProtocolError):
            check_signature(dave.public, _damaged(signature, at), b"I owe you")


def _damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


# --- Certificates -----------------------------------------------------------------------


def test_a_certificate_says_whose_key_it_is_and_until_when() -> None:
    subject = read_certificate(credentials.certificate, authority.certificate, EPOCH)
    assert (subject.name, subject.key) == ("dave", dave.public)
    assert subject.expires == pytest.approx(EPOCH + CERTIFICATE_DAYS * DAY, abs=1)


def test_the_directory_has_a_certificate_that_no_user_can_get() -> None:
    shown = authority.directory()
    subject = read_certificate(shown.certificate, authority.certificate, EPOCH)
    assert subject.name is None
    assert read_certificate(shown.certificate, authority.certificate, 2e11) == subject


def test_a_certificate_ends_and_is_renewed_in_time() -> None:
    subject = read_certificate(credentials.certificate, authority.certificate, EPOCH)
    assert not is_half_over(subject, EPOCH)
    assert not is_half_over(subject, EPOCH + (CERTIFICATE_DAYS / 2 - 1) * DAY)
    assert is_half_over(subject, EPOCH + (CERTIFICATE_DAYS / 2 + 1) * DAY)
    read_certificate(credentials.certificate, authority.certificate, subject.expires)
    with pytest.raises(ProtocolError, match="is a clock wrong"):
        read_certificate(credentials.certificate, authority.certificate, subject.expires + 1)


def test_a_clock_that_lags_by_years_stops_nobody() -> None:
    assert read_certificate(credentials.certificate, authority.certificate, 0).name == "dave"


def test_another_community_vouches_for_nobody_here() -> None:
    other = Authority(1)
    with pytest.raises(ProtocolError, match="not from this community"):
        read_certificate(credentials.certificate, other.certificate, EPOCH)
    with pytest.raises(ProtocolError, match="not from this community"):
        read_certificate(b"", authority.certificate, EPOCH)
    with pytest.raises(ProtocolError, match="not from this community"):
        read_certificate(credentials.certificate, b"nonsense", EPOCH)


def test_a_user_cannot_vouch_for_another() -> None:
    forged = issue_for_user(credentials.certificate, dave.key, "carol", mallory.public, EPOCH)
    with pytest.raises(ProtocolError):
        read_certificate(forged, authority.certificate, EPOCH)
    # Signed by a user's key in the name of the authority.
    forged = issue_for_user(authority.certificate, dave.key, "carol", mallory.public, EPOCH)
    with pytest.raises(ProtocolError):
        read_certificate(forged, authority.certificate, EPOCH)


def test_the_authority_itself_is_nobody() -> None:
    with pytest.raises(ProtocolError):
        read_certificate(authority.certificate, authority.certificate, EPOCH)


def _leaf(
    *extensions: x509.ExtensionType, key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey
) -> bytes:
    """Signed by the authority, as a directory with a bug or a grudge could do."""
    issuer = x509.load_der_x509_certificate(authority.certificate).subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.datetime(2000, 1, 1))
        .not_valid_after(datetime.datetime(2100, 1, 1))
    )
    for one in extensions:
        builder = builder.add_extension(one, critical=False)
    return builder.sign(authority.key, None).public_bytes(Encoding.DER)


def _names(*uris: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris])


_user = x509.BasicConstraints(ca=False, path_length=None)
_maker = x509.BasicConstraints(ca=True, path_length=None)


def test_a_certificate_of_our_shape_is_read() -> None:
    leaf = _leaf(_names(URI), _user, key=dave.key)
    assert read_certificate(leaf, authority.certificate, EPOCH).name == "dave"


@pytest.mark.parametrize(
    "leaf",
    [
        _leaf(_user, key=dave.key),
        _leaf(_names(URI), key=dave.key),
        _leaf(_names(URI, "urn:parley:user:carol"), _user, key=dave.key),
        _leaf(_names(URI), _maker, key=dave.key),
        _leaf(_names(URI), _user, key=ec.generate_private_key(ec.SECP256R1())),
        _leaf(_names("urn:parley:user:"), _user, key=dave.key),
        _leaf(_names("urn:parley:user:da/ve"), _user, key=dave.key),
        _leaf(_names("https://example.org/dave"), _user, key=dave.key),
        _leaf(_names("urn:parley:directory2"), _user, key=dave.key),
        _leaf(x509.SubjectAlternativeName([x509.DNSName("dave")]), _user, key=dave.key),
        _leaf(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(URI), x509.DNSName("x")]),
            _user,
            key=dave.key,
        ),
    ],
)
def test_a_certificate_that_does_not_name_one_user_names_nobody(leaf: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_certificate(leaf, authority.certificate, EPOCH)


def test_what_makes_an_authority() -> None:
    assert is_authority(authority.certificate)
    assert authority_key(authority.certificate) == authority.key.public_key().public_bytes_raw()
    assert make_authority(authority.key) != b""
    for other in (b"", b"nonsense", credentials.certificate, authority.directory().certificate):
        assert not is_authority(other)


def test_no_certificate_of_others_writes_on_the_terminal() -> None:
    """The library warns of a number below zero, and Python writes that over the screen."""

    def with_odd_number(certificate: bytes) -> bytes:
        version = bytes.fromhex("a0 03 02 01 02")
        head, _, rest = certificate.partition(version)
        return head + version + rest[:2] + bytes([rest[2] | 0x80]) + rest[3:]

    assert not is_authority(with_odd_number(authority.certificate))
    with pytest.raises(ProtocolError):
        read_certificate(
            with_odd_number(authority.user("carol")[1].certificate), authority.certificate, EPOCH
        )


def test_an_authority_with_a_key_of_another_kind_is_none() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Parley community")])
    own = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.datetime(2000, 1, 1))
        .not_valid_after(datetime.datetime(2100, 1, 1))
        .add_extension(_maker, critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    assert not is_authority(own)
    with pytest.raises(ProtocolError, match="unknown kind"):
        authority_key(own)


# --- Signing requests -------------------------------------------------------------------


def test_a_signing_request_is_for_one_name_and_one_key() -> None:
    request = x509.load_der_x509_csr(dave.request("dave"))
    assert request.is_signature_valid
    assert [part.value for part in request.subject] == ["dave"]
    assert request.public_key() == dave.key.public_key()


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_no_damage_to_der_raises_anything_but_a_protocol_error() -> None:
    """cryptography raises eight kinds of errors for it, most of them no ValueError."""
    chance, elsewhere = random.Random(1), Authority(1).certificate
    checks: list[tuple[bytes, Callable[[bytes], object]]] = [
        (credentials.certificate, lambda der: read_certificate(der, elsewhere, 0)),
        (authority.certificate, lambda der: read_certificate(b"", der, 0)),
    ]
    for der, check in checks:
        for at in range(len(der)):
            damaged = bytearray(der)
            damaged[at] = chance.randrange(256)
            with pytest.raises(ProtocolError):
                check(bytes(damaged))


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_no_damage_to_an_authority_raises_anything() -> None:
    for at in range(len(authority.certificate)):
        for bit in (1, 16, 128):
            damaged = bytearray(authority.certificate)
            damaged[at] ^= bit
            if is_authority(bytes(damaged)):
                authority_key(bytes(damaged))


# --- What people compare ----------------------------------------------------------------


def test_a_fingerprint_is_short_and_the_same_everywhere() -> None:
    assert re.fullmatch(r"([0-9a-f]{4} ){7}[0-9a-f]{4}", fingerprint(dave.public))
    # Written out, because two versions of the program must agree.
    assert fingerprint(b"\0" * 32) == "7263 9e3e fc71 f69d c473 a6ed 3195 40c3"
    assert fingerprint(dave.public) != fingerprint(mallory.public)


def test_both_users_see_the_same_words_and_nobody_else_does() -> None:
    words = verify_words(dave.public, mallory.public)
    assert words == verify_words(mallory.public, dave.public)
    assert len(words) == WORDS
    third = authority.identity().public
    assert verify_words(dave.public, third) != words
    assert verify_words(b"\0" * 32, b"\1" * 32)[:3] == ["button", "hazel", "camel"]


def test_there_is_a_word_for_each_byte_and_no_two_begin_alike() -> None:
    assert len(WORD_LIST) == 256
    assert len(set(WORD_LIST)) == 256
    assert all(re.fullmatch(r"[a-z]{3,8}", word) for word in WORD_LIST)


def test_a_subject_can_be_compared() -> None:
    assert Subject("dave", dave.public, 1.0) == Subject("dave", dave.public, 1.0)
