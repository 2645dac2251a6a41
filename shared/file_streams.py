"""Read and write files of a folder in chunks, so that none needs as much memory as it is long.

A file that is written has another name until it is whole and on disk; a crash leaves what
was there before.  A name is one that a stranger may have chosen: it is nothing but a name.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import trio

from shared.arguments import quoted
from shared.errors import StorageError
from shared.private import open_file
from shared.wording import system_reason
from shared.world import FILE_CHUNK_BYTES

T = TypeVar("T")


def check_file_name(name: str) -> str:
    """Return the name, if it is one in the folder itself.  Raises StorageError.

    Names with a dot in front are ours: for files that are not whole yet.
    """
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise StorageError(f"a file cannot be called {quoted(name)}")
    return name


def check_chunk(chunk: bytes) -> None:
    if len(chunk) > FILE_CHUNK_BYTES:
        raise ValueError(f"a chunk has at most {FILE_CHUNK_BYTES} bytes, not {len(chunk)}")


class _Opened:
    """An open file, for one task at a time."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor
        self._is_open = True

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._is_open:
            raise trio.ClosedResourceError
        try:
            return await trio.to_thread.run_sync(work)
        except OSError as error:
            reason = f"cannot use {self._path}: {system_reason(error)}"
            raise StorageError(reason) from error

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self._descriptor)


class FolderFileReader(_Opened):
    """`shared.world.FileReader`."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        super().__init__(path, open_file(path, os.O_RDONLY))
        self.size = os.fstat(self._descriptor).st_size

    async def read(self) -> bytes:
        return await self._run(lambda: os.read(self._descriptor, FILE_CHUNK_BYTES))


class FolderFileWriter(_Opened):
    """`shared.world.FileWriter`."""

    def __init__(self, path: Path, being_written: set[str]) -> None:
        """`being_written`: names, for which nobody else may be made.  Raises OSError."""
        self._part = path.with_name(f".{path.name}.part")
        self._part.unlink(missing_ok=True)  # left by a program that crashed
        super().__init__(path, open_file(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        self._being_written = being_written
        being_written.add(path.name)

    async def write(self, chunk: bytes) -> None:
        check_chunk(chunk)
        await self._run(lambda: self._write(chunk))

    def _write(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    async def finish(self) -> None:
        await self._run(self._finish)
        self._end()

    def _finish(self) -> None:
        os.fsync(self._descriptor)
        self._part.rename(self._path)
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        if self._is_open:
            self._end()
            with contextlib.suppress(OSError):  # the next writer of this file removes it
                self._part.unlink(missing_ok=True)

    def _end(self) -> None:
        super().close()
        self._being_written.discard(self._path.name)
