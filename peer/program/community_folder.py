"""Find the folder of a user by the community that answers at an address.

A community is known by its key, not by an address: localhost and 127.0.0.1, or a machine
that has moved, are the same one.  So before a new folder is made, the server at the address
is asked for its key, which reveals nothing to it, and must prove that it has the key.
A folder that is named by an address is moved to the name of its community once that is known;
so is one whose community has a new key, which its user has accepted.
"""

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import trio

from peer.runtime.discovery.proof import authority_at, digits_of
from peer.storage.paths import folder_by_address, folder_by_key, folders_of, is_there
from peer.storage.schema import FILE
from shared.disk import FolderDisk, sync
from shared.errors import ParleyError, Refused, StorageError
from shared.identity import authority_key, fingerprint, is_authority
from shared.link import within
from shared.private import check_folder, make_folder
from shared.tls import TlsNetwork
from shared.world import Address, SystemClock

MOVE_SECONDS: Final = 5.0  # to wait for other programs that move folders just now
MOVE_PAUSE: Final = 0.02

log = logging.getLogger("peer")


class FoundFolder(NamedTuple):
    """A folder, with the `authority` of its community if that was found by asking."""

    folder: Path
    authority: bytes | None = None


async def find(
    peers: Path, name: str, directories: Sequence[Address], key: str = ""
) -> FoundFolder:
    """Return the folder of this name in the community whose directories are here.

    One that is named otherwise is moved first, if it is not in use.  `key`: the fingerprint,
    without spaces, that a directory has just proved there, whatever was met there before.
    """
    known = {folder: _communities(folder) for folder in folders_of(peers, name)}
    for address in map(str, directories):
        for folder, communities in known.items():
            met = communities.get(address)
            if met is not None and key in ("", _digits(met)):
                return FoundFolder(await _moved(folder, peers, met, communities))
    authority = await _authority_at(directories)
    unnamed = folder_by_address(peers, name, directories[0])
    if authority is None:
        return FoundFolder(unnamed)
    for folder, communities in known.items():
        if authority in communities.values():
            return FoundFolder(await _moved(folder, peers, authority, communities), authority)
    named = _named(peers, name, authority)
    # It was made when nobody answered, or for a passphrase: no community knows it.
    is_free = known.get(unnamed) == {} and named not in known
    return FoundFolder(await _moved(unnamed, peers, authority, {}) if is_free else named, authority)


def met_at(folders: Iterable[Path], directories: Sequence[Address]) -> str:
    """Return the key of the community that was met here, with the first folder that knows.

    It is the fingerprint, without spaces; empty if no folder knows.
    """
    for folder in folders:
        communities = _communities(folder)
        for address in map(str, directories):
            if address in communities:
                return _digits(communities[address])
    return ""


def known_keys(folders: Iterable[Path]) -> frozenset[str]:
    """Return the keys of all communities that were met with these folders."""
    met = (one for folder in folders for one in _communities(folder).values())
    return frozenset(filter(None, map(_digits, met)))


def _digits(authority: bytes) -> str:
    """Return the fingerprint of an authority, without spaces; empty if it is none."""
    return digits_of(authority) if is_authority(authority) else ""


def _named(peers: Path, name: str, authority: bytes) -> Path:
    return folder_by_key(peers, name, fingerprint(authority_key(authority)))


def _communities(folder: Path) -> dict[str, bytes]:
    """Return the authority met at each address; nothing if that cannot be read."""
    if not is_there(folder / FILE):
        return {}
    try:
        check_folder(folder)
        with closing(FolderDisk(folder).database(FILE, readonly=True)) as journal:
            return dict(journal.execute("SELECT address, authority FROM directories").fetchall())
    except (StorageError, sqlite3.Error) as failure:
        log.info("the folder %s is passed over: %s", folder, failure)
        return {}


# --- Moving ---


async def _moved(
    folder: Path, peers: Path, authority: bytes, communities: dict[str, bytes]
) -> Path:
    """Move a folder to the name of its community; return where it is now.

    It stays where it is if that is the name of one of its communities, while a program uses
    it, or if another folder has the name.
    """
    ours = [one for one in communities.values() if is_authority(one)]
    if folder in [_named(peers, folder.name, one) for one in ours] or not is_authority(authority):
        return folder
    target = _named(peers, folder.name, authority)
    disk = FolderDisk(peers)
    try:
        await _lock(disk)  # so that no other program finds it here and then not any more
        try:
            return _move(folder, target)
        finally:
            disk.unlock()
    except (OSError, ParleyError) as failure:
        log.info("the folder %s is not moved to %s: %s", folder, target, failure)
        return folder


async def _lock(disk: FolderDisk) -> None:
    """Take the lock; wait for it some seconds.  Raises Unreachable, or StorageError."""
    with within(MOVE_SECONDS, "another program moves folders"):
        while True:
            try:
                return disk.lock()
            except Refused:
                await trio.sleep(MOVE_PAUSE)


def _move(folder: Path, target: Path) -> Path:
    """Move the folder in one step, unless another program was faster.

    Raises Refused when a program uses it, OSError or StorageError when it cannot be moved.
    """
    if not folder.exists():
        return target
    disk = FolderDisk(folder)
    disk.lock()
    try:
        make_folder(target.parent)
        folder.rename(target)
    finally:
        disk.unlock()
    try:
        sync(target.parent)
        sync(folder.parent)
        if not any(folder.parent.iterdir()):
            folder.parent.rmdir()
    except OSError as failure:  # a crash now may move it back, where it is found again
        log.info("the folder %s may not be on disk yet: %s", target, failure)
    return target


# --- Asking ---


async def _authority_at(directories: Sequence[Address]) -> bytes | None:
    """Return the authority for which the first server that answers proves to act, None if none."""
    try:
        return await authority_at(TlsNetwork(), SystemClock(), directories)
    except ParleyError as failure:
        where = ", ".join(map(str, directories))
        log.info("not known which community is at %s: %s", where, failure)
        return None
