"""The disk as it is: one folder, everything in it for its owner only."""

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import trio

from shared.errors import Refused, StorageError
from shared.file_streams import FolderFileReader, FolderFileWriter, check_file_name
from shared.private import check_file, make_folder, open_file
from shared.wording import system_reason

T = TypeVar("T")

RESERVE = "reserve"  # a file that only keeps room

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a commit is on disk, or it did not happen
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # deleted data leaves no trace in the file
)


class FolderDisk:
    """`shared.world.Disk` on a real folder, made at first use with mode 0700.

    `own` is this program's folder, if `folder` lies in it; it is for the owner only, too.
    """

    def __init__(self, folder: Path, own: Path | None = None) -> None:
        self.folder, self._own = folder, own
        self._lock: int | None = None
        self._being_written: set[str] = set()  # files, in chunks

    def lock(self) -> None:
        make_folder(self.folder, self._own)
        try:
            descriptor = open_file(self.folder / "lock", os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise StorageError(_sentence(f"cannot use the folder {self.folder}", error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Refused(f"another program is already running on {self.folder}", "LOCK") from None
        except OSError as error:  # some network file systems have no locks
            os.close(descriptor)
            raise StorageError(_sentence(f"cannot lock {self.folder}", error)) from error
        self._lock = descriptor

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def read(self, name: str) -> bytes | None:
        try:
            with os.fdopen(open_file(self.folder / name, os.O_RDONLY), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(_sentence(f"cannot read {self.folder / name}", error)) from error

    def write(self, name: str, content: bytes) -> None:
        target, fresh = self.folder / name, self.folder / f"{name}.new"
        try:
            fresh.unlink(missing_ok=True)  # left by a write that crashed
            descriptor = open_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(target)
            sync(self.folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise StorageError(_sentence(f"cannot write {target}", error)) from error

    def open(self, name: str) -> FolderFileReader | None:
        path = self.folder / check_file_name(name)
        try:
            return FolderFileReader(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(_sentence(f"cannot read {path}", error)) from error

    def create(self, name: str) -> FolderFileWriter:
        path = self.folder / check_file_name(name)
        if name in self._being_written:
            raise StorageError(f"{path} is being written already")
        try:
            return FolderFileWriter(path, self._being_written)
        except OSError as error:
            raise StorageError(_sentence(f"cannot write {path}", error)) from error

    def write_over(self, name: str, content: bytes) -> None:
        """Like `write`, but also overwrite the old content, if the disk writes in place."""
        try:
            with os.fdopen(open_file(self.folder / name, os.O_WRONLY), "wb") as before:
                self.write(name, content)
                before.write(bytes(os.fstat(before.fileno()).st_size))
                before.flush()
                os.fsync(before.fileno())
        except OSError as error:
            raise StorageError(_sentence(f"cannot write {self.folder / name}", error)) from error

    def remove(self, name: str) -> None:
        """Remove the file for good before returning.  Raises StorageError."""
        try:
            (self.folder / name).unlink(missing_ok=True)
            sync(self.folder)
        except OSError as error:
            raise StorageError(_sentence(f"cannot remove {self.folder / name}", error)) from error

    def database(self, name: str, *, readonly: bool = False) -> sqlite3.Connection:
        path = self.folder / name
        for beside in ("-wal", "-shm"):
            _check(self.folder / f"{name}{beside}")
        is_there = _check(path)
        try:
            if not is_there:
                os.close(open_file(path, os.O_CREAT | os.O_RDWR))  # SQLite would use the umask
            # One thread at a time uses it, but not always the same one.
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(_sentence(f"cannot open {path}", error)) from error
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            if readonly:
                connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            connection.close()
            raise StorageError(_sentence(f"cannot open {path}", error)) from error
        return connection

    def reserve(self, size: int) -> bool:
        try:
            descriptor = open_file(self.folder / RESERVE, os.O_RDWR | os.O_CREAT)
            try:
                os.posix_fallocate(descriptor, 0, size)
            finally:
                os.close(descriptor)
        except OSError:
            self.release()  # a part of it is useless
            return False
        return True

    def release(self) -> None:
        with contextlib.suppress(OSError):  # the next write reports it
            (self.folder / RESERVE).unlink(missing_ok=True)

    @property
    def place(self) -> str:
        return str(self.folder)

    def free(self) -> int:
        try:
            return shutil.disk_usage(self.folder).free
        except OSError as error:
            raise StorageError(_sentence(f"cannot look at {self.folder}", error)) from error

    async def run(self, work: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(work)


def sync(path: Path) -> None:
    """Return when this file or folder is on the disk.  Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check(path: Path) -> bool:
    """Check a file of a database; return False if there is none.  Raises StorageError."""
    try:
        return check_file(path)
    except OSError as error:
        raise StorageError(_sentence(f"cannot open {path}", error)) from error


def _sentence(what: str, error: Exception) -> str:
    return f"{what}: {system_reason(error)}"
