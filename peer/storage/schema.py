"""The tables of the journal, and the scripts that lead to them from those of earlier versions."""

import sqlite3
from collections.abc import Callable

from shared.database import Database
from shared.world import Disk

FILE = "journal.db"

# A new table or column is a script at the end; earlier scripts never change.
MIGRATIONS = [
    """
    CREATE TABLE directories (address TEXT PRIMARY KEY, authority BLOB NOT NULL) STRICT;
    CREATE TABLE certificates (
        authority BLOB NOT NULL, name TEXT NOT NULL, certificate BLOB NOT NULL,
        PRIMARY KEY (authority, name)) STRICT;
    CREATE TABLE known_keys (name TEXT PRIMARY KEY, key BLOB NOT NULL, since REAL NOT NULL) STRICT;
    CREATE TABLE ignored (name TEXT PRIMARY KEY) STRICT;
    CREATE TABLE letters_left (
        id TEXT PRIMARY KEY, receiver TEXT NOT NULL, time REAL NOT NULL) STRICT;
    CREATE TABLE letters (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL, sender TEXT NOT NULL COLLATE NOCASE,
        time REAL NOT NULL, came REAL NOT NULL, text TEXT, UNIQUE (sender, id)) STRICT;
    """,
    """
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY, begun REAL NOT NULL, is_in INTEGER NOT NULL,
        lamport INTEGER NOT NULL) STRICT;
    CREATE TABLE memberships (
        conversation TEXT NOT NULL, name TEXT NOT NULL, membership BLOB NOT NULL,
        PRIMARY KEY (conversation, name)) STRICT;
    CREATE TABLE since (
        conversation TEXT NOT NULL, author TEXT NOT NULL, epoch TEXT NOT NULL,
        seq INTEGER NOT NULL, PRIMARY KEY (conversation, author, epoch)) STRICT;
    CREATE TABLE texts (
        number INTEGER PRIMARY KEY, conversation TEXT NOT NULL, author TEXT NOT NULL,
        epoch TEXT NOT NULL, seq INTEGER NOT NULL, last INTEGER NOT NULL,
        lamport INTEGER NOT NULL, time REAL NOT NULL, line BLOB NOT NULL,
        UNIQUE (conversation, author, epoch, seq)) STRICT;
    CREATE INDEX in_order ON texts (conversation, lamport, author, epoch, seq);
    CREATE TABLE acknowledged (
        conversation TEXT NOT NULL, member TEXT NOT NULL, epoch TEXT NOT NULL,
        seq INTEGER NOT NULL, PRIMARY KEY (conversation, member, epoch)) STRICT;
    CREATE INDEX member_of ON memberships (name COLLATE NOCASE, conversation);
    CREATE TABLE lines (
        -- never used twice: the index of SEARCH refers to it
        number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
        author TEXT NOT NULL COLLATE NOCASE, receiver TEXT NOT NULL COLLATE NOCASE,
        id TEXT NOT NULL, time REAL NOT NULL, text TEXT, is_pending INTEGER NOT NULL DEFAULT 0,
        conversation TEXT, epoch TEXT, seq INTEGER, UNIQUE (author, id, receiver)) STRICT;
    CREATE INDEX lines_between ON lines (author, receiver, time, number);
    CREATE INDEX lines_to ON lines (receiver, time, number);
    CREATE INDEX lines_pending ON lines (number) WHERE is_pending;
    CREATE INDEX lines_of ON lines (conversation) WHERE conversation IS NOT NULL;
    CREATE VIRTUAL TABLE words_of_texts USING fts5 (
        text, content = '', tokenize = 'unicode61 remove_diacritics 2');
    CREATE VIRTUAL TABLE words_of_lines USING fts5 (
        text, content = '', tokenize = 'unicode61 remove_diacritics 2');
    CREATE TABLE indexed (source TEXT PRIMARY KEY, upto INTEGER NOT NULL) STRICT;
    ALTER TABLE letters ADD COLUMN is_copy INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE letters ADD COLUMN conversation TEXT;
    ALTER TABLE letters ADD COLUMN epoch TEXT;
    ALTER TABLE letters ADD COLUMN seq INTEGER;
    ALTER TABLE letters_left ADD COLUMN conversation TEXT;
    ALTER TABLE letters_left ADD COLUMN epoch TEXT;
    ALTER TABLE letters_left ADD COLUMN seq INTEGER;
    """,
    """
    CREATE TABLE copies (
        id TEXT PRIMARY KEY, receiver TEXT NOT NULL, text TEXT NOT NULL, time REAL NOT NULL,
        conversation TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL) STRICT;
    """,
    """
    CREATE INDEX copies_of ON copies (conversation, receiver, epoch, seq);
    CREATE TABLE forgotten (
        conversation TEXT NOT NULL, author TEXT NOT NULL, epoch TEXT NOT NULL,
        seq INTEGER NOT NULL, last INTEGER NOT NULL, time REAL NOT NULL,
        PRIMARY KEY (conversation, author, epoch, seq)) STRICT;
    """,
    """
    CREATE TABLE answered (name TEXT PRIMARY KEY, since REAL NOT NULL) STRICT;
    -- before this was noted: with whom I talked, and to whom I wrote
    INSERT OR IGNORE INTO answered SELECT lower(name), 0 FROM memberships;
    INSERT OR IGNORE INTO answered SELECT lower(receiver), 0 FROM lines WHERE receiver <> '';
    INSERT OR IGNORE INTO answered SELECT lower(receiver), 0 FROM letters_left;
    """,
    """
    -- who may sign the receipt; NULL: left by an earlier version
    ALTER TABLE letters_left ADD COLUMN key BLOB;
    ALTER TABLE letters ADD COLUMN is_registered INTEGER NOT NULL DEFAULT 1;
    """,
    """
    CREATE TABLE entrances (
        conversation TEXT NOT NULL, member TEXT NOT NULL, counter INTEGER NOT NULL,
        entrance BLOB NOT NULL, PRIMARY KEY (conversation, member, counter)) STRICT;
    """,
    """
    -- letters and lines that came so long ago that nothing else is kept of them
    CREATE TABLE known_letters (
        sender TEXT NOT NULL COLLATE NOCASE, id TEXT NOT NULL,
        PRIMARY KEY (sender, id)) STRICT, WITHOUT ROWID;
    -- the last letter that I left for the owner of a key, and the one before it
    CREATE TABLE last_left (key BLOB PRIMARY KEY, id TEXT NOT NULL, before TEXT NOT NULL) STRICT;
    ALTER TABLE letters ADD COLUMN follows_gap INTEGER NOT NULL DEFAULT 0;
    """,
    """
    -- when the user has compared the words of this key
    ALTER TABLE known_keys ADD COLUMN verified REAL;
    """,
    """
    CREATE TABLE members (
        conversation TEXT NOT NULL, member TEXT NOT NULL, name TEXT NOT NULL,
        membership BLOB, PRIMARY KEY (conversation, member)) STRICT;
    -- In what was said before members had ids they go by their names, and prove nothing.
    INSERT INTO members SELECT conversation, name, name, NULL FROM memberships;
    DROP TABLE memberships;
    ALTER TABLE members RENAME TO memberships;
    CREATE INDEX member_of ON memberships (name COLLATE NOCASE, conversation);
    UPDATE conversations SET is_in = 0;
    ALTER TABLE letters ADD COLUMN member TEXT;
    UPDATE letters SET member = sender WHERE conversation IS NOT NULL;
    ALTER TABLE lines ADD COLUMN member TEXT;
    UPDATE lines SET member = author WHERE conversation IS NOT NULL;
    ALTER TABLE copies ADD COLUMN member TEXT NOT NULL DEFAULT '';
    DROP INDEX copies_of;
    CREATE INDEX copies_of ON copies (conversation, member, epoch, seq);
    """,
    """
    CREATE TABLE taken (
        author TEXT PRIMARY KEY, day INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
    """,
    """
    CREATE TABLE watched (name TEXT PRIMARY KEY, spelled TEXT NOT NULL) STRICT;
    """,
    """
    -- addresses of directories of a community that its directories named, and when
    CREATE TABLE other_directories (
        authority BLOB NOT NULL, address TEXT NOT NULL, told REAL NOT NULL,
        PRIMARY KEY (authority, address)) STRICT;
    """,
    """
    -- up to which text and line the user has read; '': everywhere but at the other places
    CREATE TABLE read_marks (
        place TEXT PRIMARY KEY, texts INTEGER NOT NULL, lines INTEGER NOT NULL) STRICT;
    INSERT INTO read_marks SELECT '', coalesce((SELECT max(number) FROM texts), 0),
        coalesce((SELECT max(number) FROM lines), 0);
    """,
    """
    -- the conversations that are rooms; `epoch`: of my texts, if all of them are on disk
    CREATE TABLE rooms (
        conversation TEXT PRIMARY KEY, name TEXT NOT NULL, founder BLOB NOT NULL,
        nonce BLOB NOT NULL, label TEXT NOT NULL, epoch TEXT) STRICT;
    """,
    """
    -- the rooms (person '') and persons whose texts are dimmed or only counted
    CREATE TABLE quiet_places (
        place TEXT PRIMARY KEY, person TEXT NOT NULL, loud TEXT NOT NULL) STRICT;
    """,
    """
    -- a digest of what a copy says, and whether its text says something else
    ALTER TABLE letters ADD COLUMN words TEXT;
    ALTER TABLE letters ADD COLUMN has_other_text INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE lines ADD COLUMN has_other_text INTEGER NOT NULL DEFAULT 0;
    """,
]


def opened(disk: Disk, prepare: Callable[[sqlite3.Connection], None]) -> Database:
    return Database(disk, FILE, MIGRATIONS, prepare)
