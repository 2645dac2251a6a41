"""The tables, and how they came to be: each script only adds, as older programs may run on.

A column is dropped one release later, by a script that raises `life.least`.
"""

from typing import Any, Final, LiteralString

import psycopg

from directory_server.core.database_facts import Tables, migrations_to_do

LOCK: Final = 7_236_571  # an advisory lock: one program migrates, the others wait

MIGRATIONS: Final = (
    """
    CREATE TABLE life (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        version integer NOT NULL,  -- migrations done
        least integer NOT NULL,  -- the oldest program that may use these tables
        community bytea,  -- the key of the authority to which the names belong
        named boolean NOT NULL DEFAULT false,  -- somebody was registered once
        alive float8 NOT NULL DEFAULT 0,
        age float8 NOT NULL DEFAULT 0,
        motd text NOT NULL DEFAULT ''
    );
    INSERT INTO life (version, least) VALUES (0, 1);
    CREATE TABLE users (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        folded text COLLATE "C" NOT NULL UNIQUE,
        name text NOT NULL,
        key bytea NOT NULL,
        sealing_key bytea NOT NULL,
        sealing_proof bytea NOT NULL,
        registered float8 NOT NULL,
        seen float8,  -- when last here; null while here
        origin bytea NOT NULL,
        used float8 NOT NULL DEFAULT 0,
        last float8 NOT NULL,  -- an age
        here_since float8,  -- an age; null while away
        certified_time float8 NOT NULL,
        certified_age float8 NOT NULL
    );
    CREATE TABLE tombstones (
        folded text COLLATE "C" PRIMARY KEY,
        name text NOT NULL,
        key bytea NOT NULL,
        used float8 NOT NULL,
        certified_time float8 NOT NULL,
        certified_age float8 NOT NULL
    );
    CREATE TABLE orders (folded text COLLATE "C" PRIMARY KEY, free boolean NOT NULL);
    CREATE TABLE bans (
        kind text NOT NULL,
        value text NOT NULL,
        name text NOT NULL,
        since float8 NOT NULL,
        until float8,
        reason text NOT NULL,
        PRIMARY KEY (kind, value)
    );
    CREATE TABLE invites (
        digest bytea PRIMARY KEY,
        uses integer NOT NULL,
        since float8 NOT NULL,
        until float8,
        note text NOT NULL
    );
    CREATE TABLE envelopes (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        envelope bytea NOT NULL,
        sender bigint REFERENCES users ON DELETE SET NULL,
        receiver bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        size integer NOT NULL,
        arrival float8 NOT NULL,
        age float8 NOT NULL,
        origin bytea NOT NULL,
        sealed bytea NOT NULL
    );
    ALTER TABLE envelopes ALTER sealed SET STORAGE EXTERNAL;  -- nothing to compress in it
    CREATE INDEX mailbox ON envelopes (receiver, number) INCLUDE (sender, size);
    CREATE UNIQUE INDEX sent ON envelopes (sender, envelope);
    CREATE TABLE receipts (
        sender bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        envelope bytea NOT NULL,
        taker bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        at float8 NOT NULL,
        age float8 NOT NULL,
        proof bytea NOT NULL,
        refused text NOT NULL,
        PRIMARY KEY (sender, envelope)
    );
    CREATE INDEX taken ON receipts (taker, envelope);
    CREATE INDEX receipts_age ON receipts (age);
    CREATE TABLE answered (
        number bigint GENERATED ALWAYS AS IDENTITY,
        owner bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        other bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        PRIMARY KEY (owner, other)
    );
    CREATE INDEX answered_other ON answered (other);
    """,
    # Several directories.  A session goes to the program that has registered last, and each
    # change of it gets a higher epoch.
    """
    CREATE TABLE directories (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        address text NOT NULL,  -- where users reach it; '': it does not say
        alive timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE SEQUENCE epochs AS bigint;
    CREATE TABLE sessions (
        "user" bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
        directory bigint NOT NULL REFERENCES directories ON DELETE CASCADE,
        epoch bigint NOT NULL DEFAULT nextval('parley.epochs'),
        registered float8 NOT NULL,  -- by the clock of the database
        status smallint NOT NULL,
        since float8 NOT NULL,
        address text NOT NULL,
        port integer NOT NULL,
        advertised text NOT NULL,
        note text NOT NULL,
        spots bytea NOT NULL  -- JSON
    ) WITH (fillfactor = 70);  -- so that a change of status finds room on the same page
    CREATE INDEX sessions_of ON sessions (directory);
    """,
)


def migrate(connection: psycopg.Connection[Any]) -> None:
    """Bring the tables up to date.  Raises Refused when they are too new for this program."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        # One that an administrator has made needs no right to make others, which the server
        # would ask for even with IF NOT EXISTS.
        if _is_missing(connection, "SELECT to_regnamespace('parley')"):
            connection.execute("CREATE SCHEMA parley")
        to_do = migrations_to_do(_tables(connection), len(MIGRATIONS))
        for number in to_do:
            connection.execute(MIGRATIONS[number])
        if to_do:
            connection.execute("UPDATE life SET version = %s", (len(MIGRATIONS),))


def _tables(connection: psycopg.Connection[Any]) -> Tables:
    if _is_missing(connection, "SELECT to_regclass('parley.life')"):
        return Tables(0, 0)
    row = connection.execute("SELECT version, least FROM life").fetchone()
    assert row is not None
    return Tables(int(row[0]), int(row[1]))


def _is_missing(connection: psycopg.Connection[Any], find: LiteralString) -> bool:
    """Ask whether a query finds nothing but NULL."""
    row = connection.execute(find).fetchone()
    return row is None or row[0] is None
