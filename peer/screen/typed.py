"""What was typed before, for Up and Ctrl-R, kept over restarts."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from prompt_toolkit.history import History

from shared.private import open_file

FILE: Final = "typed"
KEPT_BYTES: Final = 256 * 1024  # of the file, from its end, when a program starts


class TypedBefore(History):
    """One line of JSON for each entry, in a file that only its owner may read.

    Raises OSError when it cannot be opened.  A damaged line is left out.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
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
        """The newest first."""
        entries = []
        for line in self._found.split(b"\n"):
            with suppress(msgspec.DecodeError, UnicodeDecodeError):  # torn by a crash, or cut
                entries.append(msgspec.json.decode(line, type=str))
        return reversed(entries)

    def store_string(self, string: str) -> None:
        line = msgspec.json.encode(string.encode(errors="replace").decode())
        with suppress(OSError):  # a full disk: it is found in this run only
            os.write(self._file, b"\n" + line)  # the line before may have been torn
