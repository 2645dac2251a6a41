"""Sealing and opening an envelope: a text that waits at the directory.

Sealed for its receiver with HPKE (RFC 9180, base mode), signed inside by its
sender.  The signature covers the receiver's key, so nobody can open an envelope
and seal it again for somebody else, and the id, so it cannot be shown twice.
"""

import hashlib
import math

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from shared.errors import ProtocolError
from shared.identity import Identity, check_signature, read_certificate
from shared.messages.common import Certificate, Count, Id, Line, PreviousId, Signature, Time, Token
from shared.messages.peers import Epoch

_INFO = b"parley envelope 1"
_suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class _Inside(msgspec.Struct, frozen=True, array_like=True):
    certificate: Certificate
    id: Id
    time: Time
    text: Line
    signature: Signature
    about: "About | None" = None
    after: PreviousId = ""


class About(msgspec.Struct, frozen=True, array_like=True):
    """The text of a conversation that a letter copies; its author is the letter's sender."""

    conversation: Token
    epoch: Epoch
    seq: Count


class Letter(msgspec.Struct, frozen=True):
    """The content of an envelope, with the sender whom the directory certified.

    `expires`: when the sender's certificate expires.  `after`: the id of the
    letter that the same sender left for the same receiver before.
    """

    sender: str
    key: bytes
    id: str
    time: float
    text: str
    about: About | None = None
    expires: float = math.inf
    after: str = ""


_inside = msgspec.msgpack.Decoder(_Inside)


def seal(
    me: Identity,
    certificate: bytes,
    to_sealing_key: bytes,
    *,
    id: str,
    time: float,
    text: str,
    about: About | None = None,
    after: str = "",
) -> bytes:
    """Return an envelope that only the owner of `to_sealing_key` can open.

    Raises ProtocolError when that is not a key.
    """
    signature = me.sign(_statement(to_sealing_key, id, time, text, about, after))
    inside = msgspec.msgpack.encode(_Inside(certificate, id, time, text, signature, about, after))
    try:
        receiver = X25519PublicKey.from_public_bytes(to_sealing_key)
        return _suite.encrypt(inside, receiver, info=_INFO)
    except ValueError:
        raise ProtocolError("the receiver's sealing key is not a key") from None


def open_envelope(me: Identity, authority: bytes, sealed: bytes, *, id: str) -> Letter:
    """Return the letter inside.  Raises ProtocolError if it is damaged, forged or not for us.

    The caller still checks when the sender's certificate `expires`, and compares the
    key with the one it remembers for that name.
    """
    try:
        inside = _inside.decode(_suite.decrypt(sealed, me.sealing_key, info=_INFO))
    except (InvalidTag, ValueError, RecursionError):
        raise ProtocolError("an envelope cannot be opened") from None
    if inside.id != id:
        raise ProtocolError("an envelope carries another's number")
    sender = read_certificate(inside.certificate, authority, -math.inf)
    if sender.name is None:
        raise ProtocolError("an envelope is not from a user")
    said = (inside.id, inside.time, inside.text, inside.about, inside.after)
    statement = _statement(me.sealing_public, *said)
    check_signature(sender.key, inside.signature, statement)
    return Letter(
        sender.name,
        sender.key,
        inside.id,
        inside.time,
        inside.text,
        inside.about,
        sender.expires,
        inside.after,
    )


def copy_id(about: About, author: str, receiver: str) -> str:
    """Return the id of the letter that copies this text for this receiver.

    Author and receiver are given by their ids as members of the conversation.
    """
    said = (about.conversation, author, about.epoch, about.seq, receiver)
    return hashlib.sha256(b"parley copy 2\0" + msgspec.msgpack.encode(said)).hexdigest()[:32]


def _statement(
    to_sealing_key: bytes, id: str, time: float, text: str, about: About | None, after: str
) -> bytes:
    said: tuple[object, ...] = (to_sealing_key, id, time, text)
    if after:
        said = (*said, about, after)
    elif about is not None:  # the shorter form that earlier versions signed
        said = (*said, about)
    return b"parley letter 1\0" + msgspec.msgpack.encode(said)
