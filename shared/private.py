"""Folders and files for their owner only.

Another user of the machine may have been faster: with a folder that they may write, or,
where they could write once, with a link in place of a file.  So such a folder is refused,
and no link is followed.
"""

import errno
import logging
import os
import pwd
import stat
from pathlib import Path
from typing import Final

from shared.errors import StorageError
from shared.wording import system_reason

OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
NOT_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
OWNERS_FILE: Final = stat.S_IRUSR | stat.S_IWUSR

log = logging.getLogger(__name__)


def make_folder(folder: Path, own: Path | None = None) -> None:
    """Make a folder and its missing parents, for the owner only.  Raises StorageError.

    Existing folders from `own` downwards belong to the program, and are closed to others too.
    """
    try:
        _make(folder)
        if own is not None and own in folder.parents:
            for one in (folder, *folder.parents[: folder.parents.index(own) + 1]):
                _close_to_others(one)
    except OSError as error:
        raise StorageError(f"cannot use the folder {folder}: {system_reason(error)}") from error
    check_folder(folder)


def check_folder(folder: Path) -> None:
    """Raise StorageError when somebody else could put something into this folder.

    As ssh does for its own folders.  root could in any case.  A missing folder does no harm.
    """
    try:
        found = folder.stat()
    except OSError:
        return  # the next use reports it
    if found.st_uid not in (os.geteuid(), 0):
        raise StorageError(f"the folder {folder} belongs to another user, who could change it")
    if found.st_mode & OTHERS_MAY_WRITE:
        raise StorageError(
            f"other users may write to the folder {folder}: close it with chmod go-w, or choose"
            " another one"
        )


def other_owner(folder: Path) -> str | None:
    """Return the name of the user whose folder this is; None if it is ours, or missing."""
    try:
        owner = folder.stat().st_uid
    except OSError:
        return None  # the next use reports it
    if owner == os.geteuid():
        return None
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"#{owner}"


def may_write(folder: Path) -> bool:
    """Whether this program may make something in the folder."""
    return os.access(folder, os.W_OK | os.X_OK)


def open_file(path: Path, flags: int) -> int:
    """Open or make a file for its owner only.  Raises OSError, also if the path is a link.

    A file that others could read is closed to them, and the user is told.
    """
    try:
        # Do not wait if it is a pipe.
        always = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(path, flags | always, OWNERS_FILE)
    except OSError as error:
        raise _no_link(error) from error
    try:
        _check(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def check_file(path: Path) -> bool:
    """Do the checks of `open_file` without opening the file; return False if there is none.

    For a database: closing another descriptor of it would take SQLite's locks away.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if stat.S_ISLNK(found.st_mode):
        raise _no_link(OSError(errno.ELOOP, ""))
    _check(path, found)
    if not os.access(path, os.R_OK | os.W_OK):  # SQLite would open it, and fail with each write
        is_fixed = os.statvfs(path).f_flag & os.ST_RDONLY
        code = errno.EROFS if is_fixed else errno.EACCES
        raise OSError(code, os.strerror(code))
    return True


def _make(folder: Path) -> None:
    """Make a folder like `Path.mkdir(parents=True)`, but with parents that ignore the umask."""
    try:
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        _make(folder.parent)
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)


def _close_to_others(folder: Path) -> None:
    found = folder.stat()
    if found.st_uid == os.geteuid() and found.st_mode & NOT_FOR_OTHERS:
        folder.chmod(stat.S_IRWXU)


def _check(path: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no file")
    if found.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "it belongs to another user")
    if found.st_mode & NOT_FOR_OTHERS:
        path.chmod(OWNERS_FILE)  # nobody else can write to this folder, so it is the same file
        log.error("%s was open to other users; it is closed to them now", path)


def _no_link(error: OSError) -> OSError:
    if error.errno == errno.ELOOP:
        return OSError(errno.ELOOP, "it is a symbolic link")
    return error
