"""Copy all that a directory keeps into a new folder, while it runs.

SQLite's VACUUM INTO reads one moment of the database over a connection of its own, so
writes go on beside it.  (Its backup interface begins anew at each commit of others.)

Where names and mail are in PostgreSQL only the key lies in the folder: pg_dump does the rest.
"""

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Final

from directory_server.storage.founding import AUTHORITY_FILE, NAMES_FILE
from directory_server.storage.sqlite import FILE
from directory_server.storage.store_mark import STORE_FILE, is_elsewhere
from shared.disk import FolderDisk, sync
from shared.errors import Refused, StorageError
from shared.private import may_write
from shared.wording import system_reason
from shared.world import Disk

UNFINISHED: Final = ".unfinished"  # the end of a folder's name while a backup is being written


def back_up(disk: Disk, folder: Path) -> int:
    """Write the backup; return its bytes.  Raises Refused or StorageError, and leaves nothing.

    It gets its name only when all of it is on the disk: what has the name is whole.
    """
    unfinished = folder.parent / f"{folder.name}{UNFINISHED}"  # "/" has no name
    try:
        _check(folder, disk)
        _make(unfinished)
        size = _fill(disk, unfinished)
        unfinished.rename(folder)
        sync(folder.parent)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise StorageError(f"the backup cannot be written: {system_reason(error)}") from error
    except StorageError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return size


def _check(folder: Path, disk: Disk) -> None:
    if not folder.is_absolute():
        raise Refused("the folder of a backup must be named from the root on", "USAGE")
    if folder.exists() or folder.is_symlink():
        raise Refused(f"{folder} exists already: a backup wants a new folder", "USAGE")
    if not folder.parent.is_dir():
        raise Refused(f"there is no folder {folder.parent}", "USAGE")
    if not may_write(folder.parent):  # whoever asks: the directory writes it
        raise Refused(
            f"the directory's own user may not write to {folder.parent}: name a new folder in"
            f" {disk.place}, and move it from there",
            "USAGE",
        )


def _make(unfinished: Path) -> None:
    shutil.rmtree(unfinished, ignore_errors=True)  # of a try that crashed
    try:
        unfinished.mkdir(mode=stat.S_IRWXU)
    except FileExistsError:
        why = f"{unfinished} is in its way, and cannot be removed"
        raise StorageError(f"the backup cannot be written: {why}") from None


def _fill(disk: Disk, folder: Path) -> int:
    kept = FolderDisk(folder)
    if not is_elsewhere(disk):
        _copy_database(disk, folder / FILE)
    for name in (AUTHORITY_FILE, NAMES_FILE, STORE_FILE):
        content = disk.read(name)
        if content is not None:
            kept.write(name, content)
    return sum(one.stat().st_size for one in folder.iterdir())


def _copy_database(disk: Disk, copy: Path) -> None:
    FolderDisk(copy.parent).write(copy.name, b"")  # SQLite would use the umask
    with closing(disk.database(FILE)) as reader:
        reader.execute("VACUUM INTO ?", (str(copy),))
    with closing(sqlite3.connect(copy)) as written:
        (verdict,) = written.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StorageError(f"the backup cannot be written: {verdict}")
    sync(copy)  # SQLite does not, there
