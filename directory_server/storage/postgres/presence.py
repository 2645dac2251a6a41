"""Directories that live, and the users of each, as SQL for PostgreSQL."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from directory_server.core.cluster.bulletins import FROM_NOBODY, Bulletin, Here, encode_bulletin
from directory_server.core.cluster.lease import LEASE_SECONDS
from directory_server.storage.cluster import Backlog, Claim, Everything, Found, Renewal
from directory_server.storage.postgres import names
from directory_server.storage.postgres.connection import Connection
from shared.messages.spots import Spots

_encode = msgspec.json.Encoder().encode
_decode_spots = msgspec.json.Decoder(Spots).decode

CHANNEL: Final = "parley"

_ROW: Final = (
    'SELECT directory, "user", epoch, status, since, address, port, advertised, note,'
    " spots FROM sessions"
)
# A user who was at a directory that has died was last there when it last lived.
_NOTE_USE: Final = """
    UPDATE users SET used = used + greatest(0, life.age - here_since), last = life.age,
        here_since = NULL, seen = extract(epoch FROM directories.alive)::float8
    FROM sessions JOIN directories ON directories.id = directory CROSS JOIN life
    WHERE "user" = users.id AND directories.id = ANY(%s) AND here_since IS NOT NULL
"""
# An epoch is higher than all that its directory knows of: a database that took over from
# another one may not know the last steps of its sequence.
_CLAIM: Final = """
    INSERT INTO sessions
        ("user", directory, epoch, registered, status, since, address, port, advertised, note,
         spots)
    SELECT n."user", %s, greatest(nextval('epochs'), n.known + 1), n.registered, n.status, n.since,
        n.address, n.port, n.advertised, n.note, n.spots
    FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], %s::smallint[], %s::float8[], %s::text[],
                %s::int[], %s::text[], %s::text[], %s::bytea[])
        AS n ("user", known, registered, status, since, address, port, advertised, note, spots)
        JOIN users ON users.id = n."user"
    ORDER BY n."user"
    ON CONFLICT ("user") DO UPDATE SET
        directory = excluded.directory,
        epoch = greatest(nextval('epochs'), excluded.epoch, sessions.epoch + 1),
        registered = excluded.registered, status = excluded.status, since = excluded.since,
        address = excluded.address, port = excluded.port, advertised = excluded.advertised,
        note = excluded.note, spots = excluded.spots
    WHERE sessions.directory = excluded.directory
        OR sessions.registered <= excluded.registered
    RETURNING "user", epoch
"""


# --- Directories ---


def join(connection: Connection, address: str) -> int:
    query = "INSERT INTO directories (address) VALUES (%s) RETURNING id"
    row = connection.execute(query, (address,)).fetchone()
    assert row is not None
    return int(row[0])


def renew(connection: Connection, directory: int, address: str, *, sweep: bool) -> Renewal:
    with connection.transaction():
        query = "UPDATE directories SET alive = clock_timestamp(), address = %s WHERE id = %s"
        is_known = connection.execute(query, (address, directory)).rowcount == 1
        if sweep and is_known:
            _sweep(connection)
        rows = connection.execute(
            "SELECT address FROM directories WHERE id <> %s"
            " AND alive >= clock_timestamp() - make_interval(secs => %s) ORDER BY random()",
            (directory, LEASE_SECONDS),
        ).fetchall()
        time = _now(connection)
    return Renewal(is_known, time, tuple(address for (address,) in rows))


def _sweep(connection: Connection) -> None:
    rows = connection.execute(
        "SELECT id, extract(epoch FROM alive)::float8 FROM directories"
        " WHERE alive < clock_timestamp() - make_interval(secs => %s) FOR UPDATE SKIP LOCKED",
        (LEASE_SECONDS,),
    ).fetchall()
    if rows:
        _delete(connection, [id for id, _ in rows])
        dead = tuple((int(id), max(0.0, alive)) for id, alive in rows)
        tell(connection, [Bulletin(FROM_NOBODY, dead=dead)])


def leave(connection: Connection, directory: int) -> None:
    with connection.transaction():
        _delete(connection, [directory])
        tell(connection, [Bulletin(FROM_NOBODY, dead=((directory, _now(connection)),))])


def _delete(connection: Connection, directories: list[int]) -> None:
    connection.execute(_NOTE_USE, (directories,))
    connection.execute("DELETE FROM directories WHERE id = ANY(%s)", (directories,))


def _now(connection: Connection) -> float:
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    assert row is not None
    return float(row[0])


# --- Users ---


def publish(
    connection: Connection, directory: int, here: list[Claim], gone: list[Here]
) -> dict[int, int]:
    """Write who is here and who is gone, and tell it; return the epochs of our rows."""
    claims = {claim.here.user: claim for claim in here}
    left = {one.user: one for one in gone}
    with connection.transaction():
        # In one order everywhere: two directories must not wait for each other.
        connection.execute(
            'SELECT FROM sessions WHERE "user" = ANY(%s) ORDER BY "user" FOR UPDATE',
            ([*claims, *left],),
        )
        epochs = dict(connection.execute(_CLAIM, _columns(directory, here)).fetchall())
        rows = connection.execute(
            'DELETE FROM sessions WHERE "user" = ANY(%s) AND directory = %s'
            ' RETURNING "user", epoch',
            (list(left), directory),
        ).fetchall()
        told = [_with_epoch(claims[user].here, epoch) for user, epoch in epochs.items()]
        told += [_with_epoch(left[user], epoch) for user, epoch in rows]
        if told:
            tell(connection, [Bulletin(directory, here=tuple(told))])
    return epochs


def _columns(directory: int, here: list[Claim]) -> tuple[Any, ...]:
    words = [claim.here for claim in here]
    return (
        directory,
        [one.user for one in words],
        [one.epoch for one in words],
        [claim.registered for claim in here],
        [one.status_number for one in words],
        [one.since for one in words],
        [one.address for one in words],
        [one.port for one in words],
        [one.advertised for one in words],
        [one.note for one in words],
        [_encode(one.spots) for one in words],
    )


def _with_epoch(here: Here, epoch: int) -> Here:
    return Here(
        here.user, epoch, here.status_number, here.since, here.address, here.port,
        here.advertised, here.note, here.spots,
    )  # fmt: skip


# --- Telling and asking ---


def tell(connection: Connection, bulletins: Iterable[Bulletin]) -> None:
    payloads = [payload for one in bulletins for payload in encode_bulletin(one)]
    connection.execute("SELECT pg_notify(%s, p) FROM unnest(%s::text[]) AS p", (CHANNEL, payloads))


def everything(connection: Connection) -> Everything:
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        rows = [_row(row) for row in connection.execute(_ROW, binary=True)]
        users, tombstones = names.users(connection), names.tombstones(connection)
        return Everything(users, tombstones, rows, _now(connection))


def backlog(connection: Connection, ids: Iterable[int]) -> Backlog:
    users = (list(ids),)
    mail = connection.execute(
        "SELECT receiver, count(*) FROM envelopes WHERE receiver = ANY(%s) GROUP BY receiver", users
    ).fetchall()
    taken = connection.execute(
        "SELECT DISTINCT sender FROM receipts WHERE sender = ANY(%s)", users
    ).fetchall()
    return Backlog([(int(id), int(count)) for id, count in mail], [int(id) for (id,) in taken])


def find(connection: Connection, name: str) -> Found:
    user = names.named(connection, name)
    if user is None:
        return Found(None, None, names.tombstone_of(connection, name))
    query = f'{_ROW} WHERE "user" = %s'  # nosec B608
    row = connection.execute(query, (user.id,), binary=True).fetchone()
    return Found(user, None if row is None else _row(row), None)


def _row(row: tuple[Any, ...]) -> tuple[int, Here]:
    directory, *rest, spots = row
    words: list[Any] = [*rest, _decode_spots(spots)]
    return directory, Here(*words)
