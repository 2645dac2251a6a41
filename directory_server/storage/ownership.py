"""Names, their owners and their tombstones, as SQL: what each request does inside its
transaction.

Everything runs in the writing thread, except `users`, `tombstones` and `age`.
"""

import sqlite3
from collections.abc import Iterable

from directory_server.core.registry import User
from directory_server.core.tombstones import Tombstone, Validity
from directory_server.core.usage import Usage
from directory_server.storage.operations import use
from directory_server.storage.store import Listed, Newcomer, Use
from shared.names import fold

TABLES = """
    CREATE TABLE users (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        folded TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        key BLOB NOT NULL,
        sealing_key BLOB NOT NULL,
        sealing_proof BLOB NOT NULL,
        registered REAL NOT NULL,
        seen REAL  -- when last here; null while here
    );
    CREATE TABLE life (alive REAL NOT NULL);  -- when this directory last noted that it runs
    INSERT INTO life VALUES (0);
"""

# `age`: for how many seconds the directory had run in all.  Names older than this migration
# count as much used, and as certified for as long as certificates were valid then.
EXPIRY = """
    ALTER TABLE life ADD COLUMN age REAL NOT NULL DEFAULT 0;
    ALTER TABLE users ADD COLUMN origin BLOB NOT NULL DEFAULT x'';
    ALTER TABLE users ADD COLUMN used REAL NOT NULL DEFAULT 1000000;
    ALTER TABLE users ADD COLUMN last REAL NOT NULL DEFAULT 0;  -- the age at the last use
    ALTER TABLE users ADD COLUMN here_since REAL;  -- an age; null while away
    ALTER TABLE users ADD COLUMN certified_time REAL NOT NULL DEFAULT 0;
    ALTER TABLE users ADD COLUMN certified_age REAL NOT NULL DEFAULT 0;
    UPDATE users SET certified_time = (SELECT alive FROM life) + 366 * 86400,
        certified_age = 366 * 86400;
    CREATE TABLE tombstones (
        folded TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        key BLOB NOT NULL,
        used REAL NOT NULL,
        certified_time REAL NOT NULL,
        certified_age REAL NOT NULL
    ) WITHOUT ROWID;
"""

# `community`: the key of the authority to which the names belong.
COMMUNITY = """
    ALTER TABLE life ADD COLUMN community BLOB;
    CREATE TABLE orders (  -- names that the operator wants to be forgotten
        folded TEXT PRIMARY KEY,
        free INTEGER NOT NULL  -- for anybody at once
    ) WITHOUT ROWID;
"""

# If the directory crashed, its connected users were last seen at its last heartbeat.
_USER = (
    "SELECT id, name, key, sealing_key, sealing_proof,"
    " coalesce(seen, max(registered, alive)), origin, used, last, here_since,"
    " certified_time, certified_age FROM users, life"
)


def users(reader: sqlite3.Connection) -> list[User]:
    return [_user(row) for row in reader.execute(_USER)]


def tombstones(reader: sqlite3.Connection) -> list[Tombstone]:
    query = "SELECT name, key, used, certified_time, certified_age FROM tombstones"
    return [
        Tombstone(name, key, used, Validity(certified_time, certified_age))
        for name, key, used, certified_time, certified_age in reader.execute(query)
    ]


def age(reader: sqlite3.Connection) -> float:
    """Return for how many seconds the directory had run in all, at its last heartbeat."""
    return float(reader.execute("SELECT age FROM life").fetchone()[0])


def community(reader: sqlite3.Connection) -> bytes | None:
    """Return the key of the authority to which the names belong; None if not noted yet."""
    (key,) = reader.execute("SELECT community FROM life").fetchone()
    return None if key is None else bytes(key)


def has_had_names(reader: sqlite3.Connection) -> bool:
    """Return whether anybody was ever registered here, even if nobody is now."""
    query = "SELECT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'users')"
    return bool(reader.execute(query).fetchone()[0])


def listed(reader: sqlite3.Connection) -> list[Listed]:
    query = (
        "SELECT name, seen, used, users.origin, count(number), coalesce(sum(size), 0) FROM users"
        " LEFT JOIN envelopes ON receiver = id GROUP BY id ORDER BY folded"
    )
    return [Listed(*row) for row in reader.execute(query)]


def orders(reader: sqlite3.Connection) -> list[tuple[str, bool]]:
    """Return the folded names to be forgotten, and whether each is free for anybody then."""
    rows = reader.execute("SELECT folded, free FROM orders").fetchall()
    return [(folded, bool(free)) for folded, free in rows]


def order(connection: sqlite3.Connection, names: Iterable[str], *, free: bool) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO orders VALUES (?, ?)", [(fold(name), free) for name in names]
    )


def fulfil(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    connection.executemany("DELETE FROM orders WHERE folded = ?", [(fold(name),) for name in names])


def found(connection: sqlite3.Connection, key: bytes, *, anew: bool) -> None:
    """Note that this database belongs to the authority; `anew`: delete all it held before."""
    if anew:
        for table in ("users", "tombstones", "orders"):
            connection.execute(f"DELETE FROM {table}")  # nosec B608
    connection.execute("UPDATE life SET community = ?", (key,))


def register(connection: sqlite3.Connection, new: Newcomer, time: float, age: float) -> User:
    """Return the user registered under this name: the new one, or one who was faster.

    Raises Refused when others have used up the invite.
    """
    added = connection.execute(
        "INSERT INTO users (folded, name, key, sealing_key, sealing_proof, registered, origin,"
        " used, last, certified_time, certified_age)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT DO NOTHING",
        (fold(new.name), *new[:4], time, new.origin, age, new.certified.time, new.certified.age),
    )
    if new.invite and added.rowcount > 0:
        use(connection, new.invite)
    lift(connection, [new.name])
    found = connection.execute(f"{_USER} WHERE folded = ?", (fold(new.name),))
    return _user(found.fetchone())


def reseal(
    connection: sqlite3.Connection, user: int, sealing_key: bytes, sealing_proof: bytes
) -> None:
    connection.execute(
        "UPDATE users SET sealing_key = ?, sealing_proof = ? WHERE id = ?",
        (sealing_key, sealing_proof, user),
    )


def certify(connection: sqlite3.Connection, user: int, certified: Validity) -> bool:
    noted = connection.execute(
        "UPDATE users SET certified_time = max(certified_time, ?),"
        " certified_age = max(certified_age, ?) WHERE id = ?",
        (certified.time, certified.age, user),
    )
    return bool(noted.rowcount)


def release(
    connection: sqlite3.Connection, owned: Iterable[tuple[int, Tombstone | None]]
) -> list[Tombstone | None]:
    """Delete these users with all that belongs to them; return the tombstones that are kept."""
    return [_release(connection, user, stone) for user, stone in owned]


def _release(
    connection: sqlite3.Connection, user: int, stone: Tombstone | None
) -> Tombstone | None:
    gone = connection.execute(
        "SELECT certified_time, certified_age FROM users WHERE id = ?", (user,)
    ).fetchall()
    connection.execute("DELETE FROM users WHERE id = ?", (user,))
    if stone is None:
        return None
    folded = fold(stone.name)
    gone += connection.execute(  # of an earlier attempt
        "SELECT certified_time, certified_age FROM tombstones WHERE folded = ?", (folded,)
    ).fetchall()
    for time, age in gone:
        stone = stone.with_certified(Validity(time, age))
    connection.execute(
        "INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?, ?, ?, ?)",
        (folded, stone.name, stone.key, stone.used, stone.certified.time, stone.certified.age),
    )
    return stone


def lift(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    """Delete these tombstones."""
    connection.executemany(
        "DELETE FROM tombstones WHERE folded = ?", [(fold(name),) for name in names]
    )


def note(connection: sqlite3.Connection, uses: Iterable[Use], time: float, age: float) -> None:
    """Note arrivals and departures on disk, and that the directory is alive at this moment."""
    connection.executemany(
        "UPDATE users SET seen = ?, used = ?, last = ?, here_since = ? WHERE id = ?",
        [(seen, usage.seconds, usage.last, usage.here_since, id) for id, seen, usage in uses],
    )
    connection.execute("UPDATE life SET alive = ?, age = ?", (time, age))


def _user(row: tuple[int, str, bytes, bytes, bytes, float, bytes, *tuple[float, ...]]) -> User:
    id, name, key, sealing_key, sealing_proof, since, origin, *rest = row
    used, last, here_since, certified_time, certified_age = rest
    return User(
        id, name, key, sealing_key, sealing_proof, since, origin,
        Usage(used, last, here_since), Validity(certified_time, certified_age),
    )  # fmt: skip
