"""The receiver's signed answer about an envelope: taken, or refused and why.

The directory only carries it: a sender believes only what is signed with the key of the
receiver for whom the envelope was sealed.
"""

from typing import Final

import msgspec

from shared.errors import ProtocolError
from shared.identity import Identity, check_signature
from shared.messages.directory import Receipt

UNREADABLE: Final = "unreadable"  # damaged, forged, or sealed for another key
CERTIFICATE: Final = "certificate"  # the sender's had expired when the envelope arrived
NAME: Final = "name"  # the sender's name belongs to another key by now
FULL: Final = "full"  # the receiver never answered the sender, and holds enough of their letters

REASONS: Final = {
    UNREADABLE: "it was damaged on its way",
    CERTIFICATE: "your certificate was out of date",
    NAME: "your name belongs to another key now",
    FULL: "they have never answered you, and take no more until they do",
}


def sign_taken(me: Identity, id: str, sender_key: bytes) -> bytes:
    """Sign that the letter with this id, by the owner of this key, is on my disk."""
    return me.sign(_taken(id, sender_key))


def sign_refused(me: Identity, id: str, reason: str) -> bytes:
    """Sign that an envelope with this id could not be opened; nothing proves who sent it."""
    return me.sign(_refused(id, reason))


def is_signed(receipt: Receipt, receiver_key: bytes, sender_key: bytes) -> bool:
    """Return whether the key of the receiver signed it, for a letter by the key of the sender."""
    if receipt.refused:
        statement = _refused(receipt.envelope, receipt.refused)
    else:
        statement = _taken(receipt.envelope, sender_key)
    try:
        check_signature(receiver_key, receipt.proof, statement)
    except ProtocolError:
        return False
    return True


def reason(word: str) -> str:
    """Return the sentence for the sender of a refused letter; later versions may add words."""
    return REASONS.get(word, "it was not said why")


def _taken(id: str, sender_key: bytes) -> bytes:
    return b"parley taken 1\0" + msgspec.msgpack.encode((id, sender_key))


def _refused(id: str, reason: str) -> bytes:
    return b"parley refused 1\0" + msgspec.msgpack.encode((id, reason))
