"""Find or found the community of a data folder; refuse it when its key or names are missing.

If the names are there without their key, or the key without its names, a file was lost
or a backup was restored in part.  To continue silently would give each name to the first
who asks for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from directory_server.core.authority import SEED_BYTES, Authority
from directory_server.storage.sqlite import FILE, SqliteStore, with_remedy
from directory_server.storage.store import Store
from directory_server.storage.store_mark import is_elsewhere
from shared.errors import Refused, StorageError
from shared.identity import authority_key, fingerprint
from shared.world import Disk

AUTHORITY_FILE: Final = "authority"
NAMES_FILE: Final = "names"  # exists once somebody has registered, whatever the database says
REGISTERED: Final = b"Names are registered here: the database must hold them.\n"
ANEW: Final = "or start with --found-anew to lose all names"


@dataclass(frozen=True)
class FoundCommunity:
    """The community that was found in the data folder, or founded there."""

    authority: Authority
    is_new: bool
    loses_names: bool  # the names on disk belong to another authority, and will be lost


async def find(
    disk: Disk, store: Store, random_bytes: Callable[[int], bytes], *, found_anew: bool
) -> FoundCommunity:
    """Return the community of this folder; found it at the first start.

    When a part of the community is missing or damaged, closes the store and raises
    StorageError, unless `found_anew` allows that all names are lost.
    """
    try:
        return await _find(disk, store, random_bytes, found_anew=found_anew)
    except StorageError as error:
        store.close()
        raise with_remedy(error) from error
    except BaseException:
        store.close()
        raise


async def _find(
    disk: Disk, store: Store, random_bytes: Callable[[int], bytes], *, found_anew: bool
) -> FoundCommunity:
    content, had_names = disk.read(AUTHORITY_FILE), await store.has_had_names()
    marked = bool(disk.read(NAMES_FILE))
    if content is None:
        key = await store.community()
        if store.cluster is not None and key is not None and not found_anew:
            raise StorageError(
                f"{store.where} belongs to the community {fingerprint(key)}: copy the file"
                f" {AUTHORITY_FILE} from one of its directories to this data folder, {ANEW}"
            )
        if (had_names or marked) and not found_anew:
            raise StorageError(
                "the data folder belongs to a community whose key is missing: bring back the"
                f" file {AUTHORITY_FILE}, {ANEW}"
            )
        authority = Authority.found(random_bytes(SEED_BYTES))
        disk.write(AUTHORITY_FILE, authority.content())
        return FoundCommunity(authority, is_new=True, loses_names=had_names)
    authority = _restore(content)
    if not had_names and not found_anew and await _would_stay_behind(disk, store):
        raise StorageError(
            f"the names of this community are in the data folder, and not yet in {store.where}:"
            f" move them there with --fill-store, start without --store, {ANEW}"
        )
    if marked and not had_names and not found_anew:
        raise StorageError(
            f"the names of this community are missing: bring back {store.where}, {ANEW}"
        )
    others = await store.community() not in (None, authority_key(authority.certificate))
    if others and had_names and not found_anew:
        is_shared = store.cluster is not None
        fits = "copy that file from one of its directories to this data folder"
        raise StorageError(
            f"{store.where} belongs to another community than the file {AUTHORITY_FILE}:"
            f" {fits if is_shared else 'bring back the one that fits'}, {ANEW}"
        )
    return FoundCommunity(authority, is_new=False, loses_names=others)


async def _would_stay_behind(disk: Disk, store: Store) -> bool:
    """Whether the database in the folder has names, which a store elsewhere knows nothing of."""
    if store.cluster is None or is_elsewhere(disk) or not has_database(disk):
        return False
    before = SqliteStore(disk)
    try:
        return await before.has_had_names()
    finally:
        before.close()


def check_founded(disk: Disk) -> None:
    """Raise Refused unless this folder has the key of a community."""
    if disk.read(AUTHORITY_FILE) is None:
        raise Refused(
            f"there is no directory in the data folder {disk.place}: name another one with --data",
            "DIRECTORY",
        )


def has_database(disk: Disk) -> bool:
    """Whether there is a database in the folder, which opening would make.

    Raises StorageError.
    """
    file = disk.open(FILE)
    if file is None:
        return False
    file.close()
    return True


def mark_names(disk: Disk, *, exist: bool) -> None:
    """Note beside the database whether names are registered.  Raises StorageError."""
    content = REGISTERED if exist else b""
    if (disk.read(NAMES_FILE) or b"") != content:
        disk.write(NAMES_FILE, content)


def _restore(content: bytes) -> Authority:
    try:
        return Authority.restore(content)
    except StorageError as error:
        raise StorageError(
            f'the file "{AUTHORITY_FILE}" in the data folder is damaged ({error}):'
            f" bring it back from a backup, or remove it and start with --found-anew to lose"
            " all names"
        ) from None
