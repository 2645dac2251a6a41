"""Keep typed lines over restarts, for Up and Ctrl-R."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from prompt_toolkit.history import History

from shared.errors import StorageError
from shared.private import open_file

if TYPE_CHECKING:
    from peer.storage.vault import Vault  # which the prompt need not wait for

FILE: Final = "typed"
KEPT_BYTES: Final = 256 * 1024  # of the file, from its end, when a program starts


class InputHistory(History):
    """One line of JSON for each entry, in a file that only its owner may read.

    With a vault that seals, each line is sealed.  Raises OSError when the file cannot be
    opened.  A damaged line is left out.
    """

    def __init__(self, folder: Path, vault: "Vault | None" = None) -> None:
        super().__init__()
        self._vault = vault
        path = folder / FILE
        self._file = open_file(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        size = os.fstat(self._file).st_size
        self._found = os.pread(self._file, KEPT_BYTES, max(0, size - KEPT_BYTES))
        if size > 2 * KEPT_BYTES:
            self._shorten()

    def _shorten(self) -> None:
        _, _, whole = self._found.partition(b"\n")
        os.ftruncate(self._file, 0)
        os.write(self._file, whole)

    def load_history_strings(self) -> Iterable[str]:
        """Yield the entries, the newest first."""
        return reversed(list(_entries(self._found, self._vault)))

    def store_string(self, string: str) -> None:
        line = _line(string.encode(errors="replace").decode(), self._vault)
        with suppress(OSError):  # a full disk: it is found in this run only
            os.write(self._file, b"\n" + line)  # the line before may have been torn


def rewritten(content: bytes, before: "Vault", after: "Vault") -> bytes:
    """Return the file's content, sealed by another vault."""
    return b"".join(b"\n" + _line(entry, after) for entry in _entries(content, before))


def _line(entry: str, vault: "Vault | None") -> bytes:
    """Return an entry's line; a sealed one is a list, which a text in clear never looks like."""
    if vault is None or not vault.is_sealing:
        return msgspec.json.encode(entry)
    return msgspec.json.encode([vault.seal_text(entry, FILE)])


def _entries(content: bytes, vault: "Vault | None") -> Iterator[str]:
    """Yield the entries, the oldest first."""
    for line in content.split(b"\n"):
        # Torn by a crash, or cut, or sealed by another vault.
        with suppress(msgspec.DecodeError, UnicodeDecodeError, StorageError):
            found = msgspec.json.decode(line, type=str | tuple[str])
            if isinstance(found, str):
                yield found
            elif vault is not None and vault.is_sealing:
                yield vault.open_text(found[0], FILE)
