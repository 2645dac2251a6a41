"""Names, their owners and their tombstones, and the operator's lists, as SQL for PostgreSQL."""

from collections.abc import Iterable
from typing import Any, Final

from directory_server.core.cluster.lease import LEASE_SECONDS
from directory_server.core.operating.bans import Ban
from directory_server.core.operating.invites import USED_UP, Invite
from directory_server.core.registry import NameTaken, User
from directory_server.core.tombstones import Tombstone, Validity
from directory_server.core.usage import Usage
from directory_server.storage.postgres.connection import Connection
from directory_server.storage.store import Listed, Newcomer, Use
from shared.errors import Refused
from shared.names import fold

_USER = (
    "SELECT id, name, key, sealing_key, sealing_proof,"
    " coalesce(seen, greatest(registered, alive)), origin, used, last, here_since,"
    " certified_time, certified_age FROM users CROSS JOIN life"
)

_TOMBSTONE = "SELECT name, key, used, certified_time, certified_age FROM tombstones"


def _one(connection: Connection, query: str, values: tuple[object, ...] = ()) -> Any:
    """Return the only value of the only row."""
    row = connection.execute(query, values, binary=True).fetchone()
    assert row is not None
    return row[0]


def _each(connection: Connection, query: str, rows: Iterable[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(query, list(rows))


# --- The community ---


def community(connection: Connection) -> bytes | None:
    key = _one(connection, "SELECT community FROM life")
    return None if key is None else bytes(key)


def has_had_names(connection: Connection) -> bool:
    return bool(_one(connection, "SELECT named FROM life"))


_LIVES: Final = (
    "SELECT FROM directories WHERE alive >= clock_timestamp() - make_interval(secs => %s) LIMIT 1"
)


def found(connection: Connection, key: bytes, *, anew: bool) -> None:
    if anew:
        if connection.execute(_LIVES, (LEASE_SECONDS,)).fetchone() is not None:
            raise Refused(
                "another directory runs on this database, or did a few seconds ago: end it"
                " first, or copy its file authority to this data folder",
                "STORE",
            )
        for table in ("users", "tombstones", "orders"):
            connection.execute(f"DELETE FROM {table}")  # nosec B608  # one of these words
    rows = connection.execute(
        "UPDATE life SET community = %s WHERE %s OR community IS NULL OR community = %s",
        (key, anew, key),
    )
    if not rows.rowcount:
        raise Refused(
            "another directory has just founded a community in this database: copy its file"
            " authority to this data folder",
            "STORE",
        )


def age(connection: Connection) -> float:
    return float(_one(connection, "SELECT age FROM life"))


def motd(connection: Connection) -> str:
    return str(_one(connection, "SELECT motd FROM life"))


def set_motd(connection: Connection, text: str) -> None:
    connection.execute("UPDATE life SET motd = %s", (text,))


# --- The operator's lists ---


def listed(connection: Connection) -> list[Listed]:
    query = (
        "SELECT name, seen, used, users.origin, count(number), coalesce(sum(size), 0)::bigint"
        " FROM users LEFT JOIN envelopes ON receiver = id GROUP BY id ORDER BY folded"
    )
    return [Listed(*row) for row in connection.execute(query, binary=True)]


def orders(connection: Connection) -> list[tuple[str, bool]]:
    rows = connection.execute("SELECT folded, free FROM orders").fetchall()
    return [(str(folded), bool(free)) for folded, free in rows]


def order(connection: Connection, names: Iterable[str], *, free: bool) -> None:
    query = (
        "INSERT INTO orders VALUES (%s, %s) ON CONFLICT (folded) DO UPDATE SET free = excluded.free"
    )
    _each(connection, query, [(fold(name), free) for name in names])


def fulfil(connection: Connection, names: Iterable[str]) -> None:
    folded = [fold(name) for name in names]
    connection.execute("DELETE FROM orders WHERE folded = ANY(%s)", (folded,))


def bans(connection: Connection) -> list[Ban]:
    return [
        Ban(*row)
        for row in connection.execute("SELECT kind, value, name, since, until, reason FROM bans")
    ]


def ban(connection: Connection, new: Ban) -> None:
    connection.execute("DELETE FROM bans WHERE kind = %s AND value = %s", (new.kind, new.value))
    connection.execute("INSERT INTO bans VALUES (%s, %s, %s, %s, %s, %s)", tuple(new))


def unban(connection: Connection, gone: Iterable[Ban]) -> None:
    query = "DELETE FROM bans WHERE kind = %s AND value = %s"
    _each(connection, query, [(one.kind, one.value) for one in gone])


def invites(connection: Connection) -> list[Invite]:
    query = "SELECT digest, uses, since, until, note FROM invites"
    return [Invite(*row) for row in connection.execute(query, binary=True)]


def invite(connection: Connection, new: Invite) -> None:
    uninvite(connection, [new.digest])
    connection.execute("INSERT INTO invites VALUES (%s, %s, %s, %s, %s)", tuple(new))


def uninvite(connection: Connection, digests: Iterable[bytes]) -> None:
    connection.execute("DELETE FROM invites WHERE digest = ANY(%s)", (list(digests),))


def uses_left(connection: Connection, digest: bytes) -> int:
    query = "SELECT coalesce((SELECT uses FROM invites WHERE digest = %s), 0)"
    return int(_one(connection, query, (digest,)))


def _use(connection: Connection, digest: bytes) -> None:
    """Use an invite once, inside the transaction of the new name.  Raises Refused."""
    query = "UPDATE invites SET uses = uses - 1 WHERE digest = %s AND uses > 0"
    if not connection.execute(query, (digest,)).rowcount:
        raise Refused(USED_UP, "TOKEN")


# --- Names ---


def users(connection: Connection) -> list[User]:
    return [_user(row) for row in connection.execute(_USER, binary=True)]


def users_of(connection: Connection, ids: Iterable[int]) -> list[User]:
    query = f"{_USER} WHERE id = ANY(%s)"  # nosec B608  # no word of it is from elsewhere
    return [_user(row) for row in connection.execute(query, (list(ids),), binary=True)]


def named(connection: Connection, name: str) -> User | None:
    query = f"{_USER} WHERE folded = %s"  # nosec B608
    row = connection.execute(query, (fold(name),), binary=True).fetchone()
    return None if row is None else _user(row)


def tombstones(connection: Connection) -> list[Tombstone]:
    return [_tombstone(row) for row in connection.execute(_TOMBSTONE, binary=True)]


def tombstone_of(connection: Connection, name: str) -> Tombstone | None:
    query = f"{_TOMBSTONE} WHERE folded = %s"  # nosec B608
    row = connection.execute(query, (fold(name),), binary=True).fetchone()
    return None if row is None else _tombstone(row)


def register(connection: Connection, new: Newcomer, time: float, age: float) -> User:
    """Return the user registered under this name: the new one, or one who was faster."""
    folded = fold(new.name)
    added = connection.execute(
        "INSERT INTO users (folded, name, key, sealing_key, sealing_proof, registered, origin,"
        " last, certified_time, certified_age)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (folded) DO NOTHING",
        (
            folded,
            *new[:4],
            time,
            new.origin,
            age,
            new.certified.time,
            new.certified.age,
        ),
    )
    if added.rowcount:
        _check_tombstone(connection, new, time, age)
        if new.invite:
            _use(connection, new.invite)
        connection.execute("UPDATE life SET named = true WHERE NOT named")
        lift(connection, [new.name])
    user = named(connection, new.name)
    assert user is not None
    return user


def _check_tombstone(connection: Connection, new: Newcomer, time: float, age: float) -> None:
    """Raise NameTaken when another directory has just kept the name for its old key."""
    query = (
        "SELECT name FROM tombstones WHERE folded = %s AND key <> %s"
        " AND (certified_time >= %s OR certified_age >= %s)"
    )
    row = connection.execute(query, (fold(new.name), new.key, time, age)).fetchone()
    if row is not None:
        raise NameTaken(str(row[0]))


def reseal(connection: Connection, user: int, sealing_key: bytes, sealing_proof: bytes) -> None:
    connection.execute(
        "UPDATE users SET sealing_key = %s, sealing_proof = %s WHERE id = %s",
        (sealing_key, sealing_proof, user),
    )


def certify(connection: Connection, user: int, certified: Validity) -> bool:
    noted = connection.execute(
        "UPDATE users SET certified_time = greatest(certified_time, %s),"
        " certified_age = greatest(certified_age, %s) WHERE id = %s",
        (certified.time, certified.age, user),
    )
    return bool(noted.rowcount)


def release(
    connection: Connection, owned: Iterable[tuple[int, Tombstone | None]]
) -> list[Tombstone | None]:
    """Delete these users with all that belongs to them; return the tombstones that are kept.

    Where the name has an owner again, since an earlier attempt at this, it gets none.
    """
    return [_release(connection, user, stone) for user, stone in owned]


def _release(connection: Connection, user: int, stone: Tombstone | None) -> Tombstone | None:
    gone = connection.execute(
        "DELETE FROM users WHERE id = %s RETURNING certified_time, certified_age", (user,)
    ).fetchall()
    if stone is None:
        return None
    folded = fold(stone.name)
    gone += connection.execute(  # of an earlier attempt
        "DELETE FROM tombstones WHERE folded = %s RETURNING certified_time, certified_age",
        (folded,),
    ).fetchall()
    for time, age in gone:
        stone = stone.with_certified(Validity(time, age))
    connection.execute(
        "INSERT INTO tombstones SELECT %s, %s, %s, %s, %s, %s"
        " WHERE NOT EXISTS (SELECT FROM users WHERE folded = %s)",
        (folded, stone.name, stone.key, stone.used,
         stone.certified.time, stone.certified.age, folded),
    )  # fmt: skip
    return stone


def lift(connection: Connection, names: Iterable[str]) -> None:
    folded = [fold(name) for name in names]
    connection.execute("DELETE FROM tombstones WHERE folded = ANY(%s)", (folded,))


def note(connection: Connection, uses: list[Use], time: float, age: float) -> None:
    """Note arrivals and departures on disk, and that the directory is alive at this moment.

    Another directory may know of more use, and be older by some seconds.
    """
    if uses:
        query = (
            "UPDATE users SET seen = %s, used = greatest(used, %s), last = greatest(last, %s),"
            " here_since = %s WHERE id = %s"
        )
        rows = [(seen, usage.seconds, usage.last, usage.here_since, id) for id, seen, usage in uses]
        _each(connection, query, rows)
    connection.execute("UPDATE life SET alive = %s, age = greatest(age, %s)", (time, age))


def _tombstone(row: tuple[Any, ...]) -> Tombstone:
    name, key, used, certified_time, certified_age = row
    return Tombstone(name, key, used, Validity(certified_time, certified_age))


def _user(row: tuple[Any, ...]) -> User:
    id, name, key, sealing_key, sealing_proof, since, origin, *rest = row
    used, last, here_since, certified_time, certified_age = rest
    return User(
        id, name, key, sealing_key, sealing_proof, since, origin,
        Usage(used, last, here_since), Validity(certified_time, certified_age),
    )  # fmt: skip
