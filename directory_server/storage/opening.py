"""Open the store of a data folder: SQLite in it, or the PostgreSQL that was chosen."""

from typing import TYPE_CHECKING

from directory_server.core.limits import MAIL_MIB
from directory_server.settings import Settings
from directory_server.storage.sqlite import SqliteStore, with_remedy
from directory_server.storage.store import Store
from directory_server.storage.store_mark import is_elsewhere, is_moving
from shared.errors import Refused, StorageError
from shared.world import Disk, World

if TYPE_CHECKING:
    from directory_server.storage.postgres.store import PostgresStore


async def open_store(world: World, settings: Settings) -> Store:
    """Open the store that the settings name.  Raises Refused or StorageError."""
    if settings.store is None:
        return open_sqlite(world.disk, settings.mail_mib)
    return await open_far(settings.store, settings)


async def open_far(url: str, settings: Settings) -> "PostgresStore":
    """Open the store in the PostgreSQL at this URL.  Raises Refused or StorageError."""
    try:
        # Only who has names in PostgreSQL needs its library.
        from directory_server.storage.postgres.store import open_postgres  # noqa: PLC0415
    except ImportError:
        why = '--store needs psycopg: pip install "parley-chat[postgres]"'
        raise Refused(why, "USAGE") from None
    return await open_postgres(url, settings.mail_mib, must_be_two=settings.store_sync or None)


def open_sqlite(disk: Disk, mail_mib: int = MAIL_MIB) -> SqliteStore:
    """Open the database in the folder.

    Raises Refused when the names are elsewhere, or may be.
    """
    if is_moving(disk):
        raise Refused(
            "the move of names and mail to PostgreSQL has not ended: repeat it with"
            " --store URL --fill-store",
            "STORE",
        )
    if is_elsewhere(disk):
        raise Refused(
            "names and mail of this directory are in PostgreSQL: name it with --store", "STORE"
        )
    return open_database(disk, mail_mib)


def open_database(disk: Disk, mail_mib: int = MAIL_MIB) -> SqliteStore:
    """Open the database in the folder, wherever the names are.

    Raises StorageError, with the remedy if it is damaged.
    """
    try:
        return SqliteStore(disk, mail_mib)
    except StorageError as error:
        raise with_remedy(error) from error
