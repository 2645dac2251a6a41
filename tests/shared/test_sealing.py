"""Envelopes: only the receiver opens them, and only as they were sealed."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import sealing
from shared.errors import ProtocolError
from shared.identity import CERTIFICATE_DAYS, Identity, issue_for_user
from shared.messages.common import TEXT_CHARACTERS
from shared.messages.directory import ENVELOPE_BYTES
from shared.sealing import About, Letter, copy_id, open_envelope, seal
from tests.kit.world import EPOCH, Authority

ID, OTHER_ID = "0123456789abcdef" * 2, "f" * 32

authority = Authority()
carol, carols = authority.user("carol")
dave, daves = authority.user("dave")
mallory, mallorys = authority.user("mallory")


def sealed(text: str = "hi", *, to: Identity = dave, id: str = ID, time: float = EPOCH) -> bytes:
    return seal(carol, carols.certificate, to.sealing_public, id=id, time=time, text=text)


def opened(envelope: bytes, by: Identity = dave, id: str = ID) -> Letter:
    return open_envelope(by, authority.certificate, envelope, id=id)


@settings(max_examples=50)
@given(st.text(max_size=200), st.floats(0, 253_402_300_799))
def test_the_receiver_reads_what_the_sender_wrote(text: str, time: float) -> None:
    expires = EPOCH + CERTIFICATE_DAYS * 86_400
    letter = Letter("carol", carol.public, ID, time, text, None, expires)
    assert opened(sealed(text, time=time)) == letter


@pytest.mark.parametrize("character", ["\U0001f642", "\x01", "a"])
def test_the_longest_text_fits_in_an_envelope(character: str) -> None:
    text = character * TEXT_CHARACTERS
    longest_certificate = b"\xff" * 4_096
    largest = seal(
        carol, longest_certificate, dave.sealing_public, id=ID, time=EPOCH + 0.1, text=text
    )
    assert len(largest) <= ENVELOPE_BYTES
    assert opened(sealed(text)).text == text


def test_no_two_envelopes_are_alike() -> None:
    assert sealed() != sealed()


def test_nobody_else_opens_it() -> None:
    for other in (carol, mallory):
        with pytest.raises(ProtocolError, match="cannot be opened"):
            opened(sealed(), by=other)


def test_it_opens_under_its_own_number_only() -> None:
    with pytest.raises(ProtocolError, match="another's number"):
        opened(sealed(), id=OTHER_ID)


def test_any_damaged_byte_spoils_it() -> None:
    envelope = sealed()
    for at in range(len(envelope)):
        # The top bit of an X25519 key means nothing (RFC 7748), but HPKE binds it too.
        for bit in (1, 128):
            damaged = envelope[:at] + bytes([envelope[at] ^ bit]) + envelope[at + 1 :]
            with pytest.raises(ProtocolError, match="cannot be opened"):
                opened(damaged)


def test_a_part_of_it_is_nothing() -> None:
    envelope = sealed()
    for length in (0, 1, 31, 32, 33, 47, 48, 49, len(envelope) - 1):
        with pytest.raises(ProtocolError, match="cannot be opened"):
            opened(envelope[:length])
    with pytest.raises(ProtocolError, match="cannot be opened"):
        opened(envelope + b"\0")


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_protocol_error(noise: bytes) -> None:
    with pytest.raises(ProtocolError):
        opened(noise)
    with pytest.raises(ProtocolError):
        opened(_sealed_bytes(noise))


def test_a_receiver_cannot_pass_a_letter_on_as_if_it_were_for_another() -> None:
    inside = sealing._suite.decrypt(sealed(), dave.sealing_key, info=sealing._INFO)
    with pytest.raises(ProtocolError, match="signature"):
        opened(_sealed_bytes(inside, to=mallory), by=mallory)
    assert opened(_sealed_bytes(inside)).sender == "carol"  # to himself he can, in vain: same id


def _inside(**changes: object) -> bytes:
    """What carol's letter holds, with changes that she did not sign."""
    inside = sealing._suite.decrypt(sealed(), dave.sealing_key, info=sealing._INFO)
    changed = msgspec.structs.replace(sealing._inside.decode(inside), **changes)
    return msgspec.msgpack.encode(changed)


def _sealed_bytes(inside: bytes, to: Identity = dave) -> bytes:
    receiver = X25519PublicKey.from_public_bytes(to.sealing_public)
    return sealing._suite.encrypt(inside, receiver, info=sealing._INFO)


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "hi!"},
        {"time": EPOCH + 1},
        {"id": OTHER_ID},
        {"signature": b"\0" * 64},
        {"certificate": mallorys.certificate},
        {"certificate": Authority(1).user("carol")[1].certificate},
        {"certificate": authority.directory().certificate},
        {"certificate": authority.certificate},
        {"certificate": b""},
        {"certificate": b"\0" * 4_097},
        {"text": "x" * (TEXT_CHARACTERS + 1)},
        {"time": float("nan")},
        {"time": -1.0},
        {"id": "f"},
        {"signature": b""},
    ],
)
def test_whatever_is_changed_inside_is_noticed(changes: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        opened(_sealed_bytes(_inside(**changes)))


def test_a_time_that_is_no_number_is_refused_although_it_is_signed() -> None:
    with pytest.raises(ProtocolError):
        opened(sealed(time=float("nan")))


def test_the_directory_writes_no_letters() -> None:
    directory = authority.directory()
    writer = Identity(directory.key.private_bytes_raw() + b"x" * 32)
    letter = seal(writer, directory.certificate, dave.sealing_public, id=ID, time=EPOCH, text="hi")
    with pytest.raises(ProtocolError, match="not from a user"):
        opened(letter)


def test_who_opens_it_learns_how_long_the_certificate_holds() -> None:
    late = EPOCH + (CERTIFICATE_DAYS + 1) * 86_400
    renewed = issue_for_user(authority.certificate, authority.key, "carol", carol.public, late)
    letter = seal(carol, renewed, dave.sealing_public, id=ID, time=late, text="hi")
    assert opened(letter).expires == late + CERTIFICATE_DAYS * 86_400


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"\0" * 32, b"\1" + b"\0" * 31])
def test_a_key_that_is_none_is_refused(key: bytes) -> None:
    with pytest.raises(ProtocolError, match="not a key"):
        seal(carol, carols.certificate, key, id=ID, time=EPOCH, text="hi")


ABOUT = About("c" * 32, "e" * 16, 7)


def test_a_copy_of_a_text_says_which_and_the_signature_covers_it() -> None:
    envelope = seal(
        carol, carols.certificate, dave.sealing_public, id=ID, time=EPOCH, text="hi", about=ABOUT
    )
    assert opened(envelope).about == ABOUT
    assert opened(sealed()).about is None


@pytest.mark.parametrize("about", [None, ABOUT])
def test_a_letter_names_the_one_before_it_and_the_signature_covers_that(
    about: About | None,
) -> None:
    envelope = seal(
        carol, carols.certificate, dave.sealing_public, id=ID, time=EPOCH, text="hi",
        about=about, after=OTHER_ID,
    )  # fmt: skip
    letter = opened(envelope)
    assert (letter.about, letter.after) == (about, OTHER_ID)
    inside = sealing._inside.decode(
        sealing._suite.decrypt(envelope, dave.sealing_key, info=sealing._INFO)
    )
    for changed in ("", ID):
        other = msgspec.structs.replace(inside, after=changed)
        with pytest.raises(ProtocolError, match="signature"):
            opened(_sealed_bytes(msgspec.msgpack.encode(other)))


def test_the_same_copy_has_the_same_id_and_every_other_one_another() -> None:
    again = About(ABOUT.conversation, ABOUT.epoch, ABOUT.seq)
    assert copy_id(ABOUT, "carol", "dave") == copy_id(again, "carol", "dave")
    others = {
        copy_id(ABOUT, "carol", "erin"),
        copy_id(ABOUT, "erin", "dave"),
        copy_id(About("d" * 32, "e" * 16, 7), "carol", "dave"),
        copy_id(About("c" * 32, "f" * 16, 7), "carol", "dave"),
        copy_id(About("c" * 32, "e" * 16, 8), "carol", "dave"),
        copy_id(ABOUT, "carol", "dave"),
    }
    assert len(others) == 6
