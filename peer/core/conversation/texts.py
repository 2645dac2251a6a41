"""Sign a text, and check its signature and its origin.

A text is known by (author, epoch, seq).  `seq` counts up from 1 within an epoch, which is
new at each start of its author's program, so no number is ever used twice, whatever a
crash has swallowed.  Texts that one author writes in one moment are signed and travel
together: they are one `Text`.
"""

import re

import msgspec

from peer.core.membership import Me
from shared.errors import ProtocolError
from shared.identity import check_signature
from shared.messages.peers import Origin, Text

WINDOW_TEXTS = 256  # unacknowledged at once: bounds what a slow receiver must keep
WINDOW_BYTES = 256 * 1024
EPOCHS_TOLD = 20  # of one author in one message: endless restarts crowd nobody out
EPOCHS_AT_HEAD = 2  # of one author, in what a text comes after: the newer one implies the older

_PLAIN = re.compile("[A-Za-z0-9._=-]*")  # JSON escapes none of these


# --- Signing ----------------------------------------------------------


def sign(me: Me, text: Text) -> Text:
    return msgspec.structs.replace(text, signature=me.identity.sign(statement(text)))


def check_author(text: Text, key: bytes) -> None:
    """Raise ProtocolError unless the owner of `key` signed this text."""
    check_signature(key, text.signature, statement(text))


def statement(text: Text) -> bytes:
    said = (
        text.conversation, text.author, text.epoch, text.seq, text.lamport, text.time,
        text.texts, [(one.author, one.epoch, one.seq) for one in text.after], text.chain,
    )  # fmt: skip
    return b"parley text 2\0" + msgspec.msgpack.encode(said)


def check_origin(of: Origin) -> None:
    """Raise ProtocolError unless the names of author and epoch have the usual form.

    Characters that JSON escapes would make our messages too long if they list many origins.
    """
    if not is_origin(of):
        raise ProtocolError("a text is not numbered as it should be")


def is_origin(of: Origin) -> bool:
    return all(map(_PLAIN.fullmatch, of))
