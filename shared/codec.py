"""Bytes to messages and back: one JSON object on one line.

Size and types are checked here and nowhere else.  A line is refused as soon as more
bytes than its limit have arrived without an end, so nobody can make us buffer more
than that.
"""

from types import UnionType
from typing import Any, Final, Generic, TypeVar

import msgspec

from shared.errors import ProtocolError

STRANGER_LINE_BYTES: Final = 16 * 1024  # before the other side has said who it is
LINE_BYTES: Final = 64 * 1024  # after that

M = TypeVar("M")

_encoder = msgspec.json.Encoder()


class Unknown(msgspec.Struct, frozen=True):
    """A message of a newer version: answered with ERR UNKNOWN and otherwise ignored."""

    tag: str


class _Tagged(msgspec.Struct):
    t: str


_tagged = msgspec.json.Decoder(_Tagged)


def encode(message: msgspec.Struct) -> bytes:
    """Return the message as one line.  JSON escapes line breaks inside texts."""
    return _encoder.encode(message) + b"\n"


class Codec(Generic[M]):
    """A splitter of the bytes of one link into the messages of one language."""

    def __init__(self, language: object, line_bytes: int = STRANGER_LINE_BYTES) -> None:
        self.line_bytes = line_bytes
        self._decoder: msgspec.json.Decoder[M] = _decoder(language)
        self._tags = _tags(language)
        self._rest = bytearray()

    def feed(self, chunk: bytes | bytearray) -> list[M | Unknown]:
        """Return all messages that are complete now.

        Raises ProtocolError at the first bad line; earlier messages in the same chunk
        are lost with the link.
        """
        self._rest += chunk
        if b"\n" not in chunk:
            self._check_length(len(self._rest))
            return []
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest
        self._check_length(len(rest))
        for line in lines:
            self._check_length(len(line))
        return [self._decode(line) for line in lines if line.strip()]

    def _decode(self, line: bytearray) -> M | Unknown:
        try:
            return self._decoder.decode(line.decode())
        except msgspec.ValidationError as error:
            tag = self._tag_of(line)
            if tag is not None and tag not in self._tags:
                return Unknown(tag[:64])
            raise ProtocolError(
                f"a message is not as it should be: {_first_words(error)}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"a line is not a message: {_first_words(error)}") from None

    def _tag_of(self, line: bytearray) -> str | None:
        try:
            return _tagged.decode(line).t
        except (ValueError, RecursionError):
            return None

    def _check_length(self, length: int) -> None:
        if length > self.line_bytes:
            raise ProtocolError(f"a line is longer than {self.line_bytes} bytes")


_decoders: dict[object, msgspec.json.Decoder[Any]] = {}


def _decoder(language: object) -> msgspec.json.Decoder[Any]:
    """Return the decoder of a language, which all links share, as it keeps no state."""
    if language not in _decoders:
        _decoders[language] = msgspec.json.Decoder(language)
    return _decoders[language]


def _tags(language: object) -> frozenset[str]:
    kinds = language.__args__ if isinstance(language, UnionType) else (language,)
    return frozenset(str(kind.__struct_config__.tag) for kind in kinds)


def _first_words(error: Exception) -> str:
    """Return the start of an error on one line, although it may quote what they sent."""
    words = str(error).split(" (")[0][:200]
    return "".join(one if one.isprintable() else "?" for one in words)
