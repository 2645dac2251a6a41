"""Open the store of a data folder: SQLite in it, or the PostgreSQL that was chosen."""

from typing import Final

from directory_server.core.limits import MAIL_MIB
from directory_server.settings import Settings
from directory_server.storage.sqlite import SqliteStore, with_remedy
from directory_server.storage.store import Store
from shared.errors import Refused, StorageError
from shared.world import Disk, World

STORE_FILE: Final = "store"  # exists once the names are elsewhere
ELSEWHERE: Final = b"Names and mail are in PostgreSQL: start the directory with --store.\n"


async def open_store(world: World, settings: Settings) -> Store:
    """Open the store that the settings name.  Raises Refused or StorageError."""
    if settings.store is None:
        return open_sqlite(world.disk, settings.mail_mib)
    try:
        # Only who has names in PostgreSQL needs its library.
        from directory_server.storage.postgres.store import open_postgres  # noqa: PLC0415
    except ImportError:
        why = '--store needs psycopg: pip install "parley-chat[postgres]"'
        raise Refused(why, "USAGE") from None
    return await open_postgres(
        settings.store, settings.mail_mib, must_be_two=settings.store_sync or None
    )


def mark_elsewhere(disk: Disk) -> None:
    """Note that the names are in PostgreSQL, once it is sure that they are.

    Raises StorageError.
    """
    if disk.read(STORE_FILE) is None:
        disk.write(STORE_FILE, ELSEWHERE)


def open_sqlite(disk: Disk, mail_mib: int = MAIL_MIB) -> SqliteStore:
    """Open the database in the folder.  Raises Refused when the names are elsewhere."""
    if disk.read(STORE_FILE) is not None:
        raise Refused(
            "names and mail of this directory are in PostgreSQL: name it with --store", "STORE"
        )
    try:
        return SqliteStore(disk, mail_mib)
    except StorageError as error:
        raise with_remedy(error) from error
