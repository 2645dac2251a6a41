"""Cut bytes that came into TLS's records, so that OpenSSL gets one at a time.

One call of OpenSSL goes on while there are records without data: given all that comes, it
would go on as long as the other side sends such records.
"""

from typing import Final

HEAD_BYTES: Final = 5  # the kind, the version, and the size of the rest in two bytes
REST_BYTES: Final = 16 * 1024 + 256  # the most that TLS 1.3 allows


class Records:
    """The bytes that OpenSSL has not seen yet."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes = b"") -> None:
        self._raw = raw

    def __len__(self) -> int:
        return len(self._raw)

    def add(self, raw: bytes) -> None:
        self._raw = self._raw + raw if self._raw else raw

    @property
    def has_whole(self) -> bool:
        return self._end(0) > 0

    def take(self, most: int) -> list[bytes]:
        """Take out the whole records that have come, `most` of them at once."""
        records: list[bytes] = []
        start = 0
        while len(records) < most and (end := self._end(start)):
            records.append(self._raw[start:end])
            start = end
        self._raw = self._raw[start:]
        return records

    def _end(self, start: int) -> int:
        """Return where the record ends; 0 while it is not whole."""
        raw = self._raw
        if len(raw) < start + HEAD_BYTES:
            return 0
        size = raw[start + 3] << 8 | raw[start + 4]
        if size > REST_BYTES:
            return len(raw)  # OpenSSL refuses it, so we need not wait for the rest
        end = start + HEAD_BYTES + size
        return end if end <= len(raw) else 0
