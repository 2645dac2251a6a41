"""A move to PostgreSQL brings all of it, or nothing, and nobody is served from both places."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from directory_server.core.operating.bans import USER, Ban
from directory_server.core.operating.invites import Invite
from directory_server.core.registry import User
from directory_server.core.tombstones import Validity
from directory_server.core.usage import Usage
from directory_server.settings import Settings
from directory_server.storage.founding import find, mark_names
from directory_server.storage.opening import open_sqlite, open_store
from directory_server.storage.sqlite import FILE, SqliteStore
from directory_server.storage.store import Away, Moved, Store, Use
from directory_server.storage.store_mark import is_elsewhere, is_moving
from directory_server.storage.transfer import fill_store
from shared.disk import FolderDisk
from shared.errors import Refused, StorageError
from shared.identity import authority_key
from shared.real import real_world
from shared.running import while_it_runs
from shared.world import World
from tests.kit.postgres import Server, needs_postgres
from tests.kit.stores import AGE, NOW, drop, mail, post, receipts, register, release, take

pytestmark = needs_postgres

TABLES_OF_SQLITE = {"stock", "stocks"}  # sums that PostgreSQL counts anew


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """Return the world of a directory that has ended; its folder holds a bit of everything."""
    world = real_world(tmp_path / "data")
    disk = world.disk
    disk.lock()
    store = SqliteStore(disk)
    found = await find(disk, store, world.chance.randbytes, found_anew=False)

    async def live() -> None:
        await store.found(authority_key(found.authority.certificate), anew=False)
        await fill_with_a_bit_of_everything(store)

    await while_it_runs(store.run, live)
    mark_names(disk, exist=True)
    disk.unlock()
    return world


async def fill_with_a_bit_of_everything(store: Store) -> None:
    carol, dave, erin, gone = await register(store, "Carol", "dave", "erin", "gone")
    await store.note_uses([Use(carol.id, NOW + 5, Usage(7.5, AGE + 5))], NOW + 5, AGE + 5)
    await store.certify(dave.id, Validity(NOW + 99, AGE + 99))
    await drop(store, gone.id, [post(dave, 1)], NOW, AGE)
    await drop(store, carol.id, [post(dave, 2, 30_000), post(dave, 3), post(erin, 4)], NOW, AGE)
    await take(store, erin, NOW + 1, f"{4:032x}")
    await release(store, gone)
    await store.order(["erin"], free=True)
    await store.ban(Ban(USER, "ab", "mallory", NOW, None, 'a tab\t, "quotes", \\N and\nmore'))
    await store.invite(Invite(b"d" * 32, 3, NOW, NOW + 60, "for the new one"))
    await store.set_motd("Back up before you move. ☺")


async def all_of_it(store: Store) -> dict[str, Any]:
    users = sorted(await store.users(), key=lambda user: user.id)
    return {
        "community": await store.community(),
        "named": await store.has_had_names(),
        "age": await store.age(),
        "users": [vars_of(user) for user in users],
        "tombstones": await store.tombstones(),
        "listed": await store.listed(),
        "orders": await store.orders(),
        "bans": await store.bans(),
        "invites": await store.invites(),
        "motd": await store.motd(),
        "mail": [await mail(store, user) for user in users],
        "in all": await store.mail_waiting(),
        "receipts": [await receipts(store, user) for user in users],
        "answered": [await store.has_answered(a.id, b.id) for a in users for b in users],
    }


def vars_of(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in ("id", "name", "key", "certified", "usage")}


@pytest.fixture
async def url(server: Server) -> str:
    server.ask("DROP SCHEMA IF EXISTS parley CASCADE")
    return server.url


async def far(url: str) -> Any:
    from directory_server.storage.postgres.store import open_postgres

    return await open_postgres(url)


async def looked_at(world: World, url: str) -> dict[str, Any]:
    """Return all that PostgreSQL holds."""
    store = await far(url)
    try:
        return await all_of_it(store)
    finally:
        store.close()


async def here(world: World) -> dict[str, Any]:
    """Return all that a directory would find in the folder."""
    with closing(open_sqlite(world.disk)) as store:
        return await all_of_it(store)


async def test_all_of_it_arrives_with_its_numbers(world: World, url: str) -> None:
    before = await here(world)
    said = await fill_store(world, Settings(), url)
    assert said.startswith("Moved 3 names and 3 waiting messages to PostgreSQL at 127.0.0.1:")
    assert await looked_at(world, url) == before
    assert [len(one) for one in before["mail"]] == [0, 3, 0], "the comparison compares something"
    assert (len(before["tombstones"]), any(before["answered"])) == (1, True)
    assert is_elsewhere(world.disk)
    with pytest.raises(Refused, match="are in PostgreSQL: name it with --store"):
        open_sqlite(world.disk)


async def test_no_number_is_given_again(world: World, url: str) -> None:
    """A user fetches what has a higher number than they have seen."""
    before = await here(world)
    await fill_store(world, Settings(), url)
    store = await far(url)

    async def go_on() -> None:
        (frank,) = await register(store, "frank")
        assert frank.id == 5, "4 was the one who is gone"
        await drop(store, frank.id, [post(frank, 9)], NOW, AGE)
        numbers = [one.number for one in await mail(store, frank)]
        assert numbers == [5], "4 is taken"
        assert 4 not in {one.number for box in before["mail"] for one in box}

    await while_it_runs(store.run, go_on)


async def test_no_table_and_no_column_is_forgotten(world: World, server: Server, url: str) -> None:
    from directory_server.storage.postgres.intake import LIFE, TABLES

    moved = {table: set(columns) for table, columns in TABLES.items()}
    moved["life"] = {*LIFE, "community"}
    with closing(SqliteStore(world.disk)), closing(reader(world)) as ours:
        names = ours.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        found = {
            name: {row[1] for row in ours.execute(f"PRAGMA table_info({name})")}
            for (name,) in names
            if not name.startswith("sqlite_")
        }
    assert {name: found[name] for name in found if name not in TABLES_OF_SQLITE} == moved
    (await far(url)).close()
    for table in TABLES:
        theirs = server.ask(
            "SELECT string_agg(column_name, ' ') FROM information_schema.columns"
            f" WHERE table_schema = 'parley' AND table_name = '{table}'"
        )
        assert set(theirs.split()) == moved[table]


def reader(world: World) -> sqlite3.Connection:
    return world.disk.database(FILE, readonly=True)


async def test_another_community_is_not_mixed_with_this_one(
    world: World, url: str, nursery: Any
) -> None:
    store = await far(url)
    await nursery.start(store.run)
    await store.found(b"another", anew=False)
    before = await here(world)
    for _ in range(2):
        with pytest.raises(Refused, match="a community is in that database already"):
            await fill_store(world, Settings(), url)
        assert await here(world) == before, "the folder is used as before"
    assert await store.users() == []
    nursery.cancel_scope.cancel()


async def test_the_same_community_is_not_moved_twice(world: World, url: str) -> None:
    await fill_store(world, Settings(), url)
    with pytest.raises(Refused, match="are in PostgreSQL already"):
        await fill_store(world, Settings(), url)
    world.disk.write("store", b"")  # somebody has removed the mark
    with pytest.raises(Refused, match="a community is in that database already"):
        await fill_store(world, Settings(), url)


@pytest.mark.parametrize("has_happened", [False, True])
async def test_a_move_whose_end_nobody_has_learned_is_repeated(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch, has_happened: bool
) -> None:
    from directory_server.storage.postgres.store import PostgresStore

    before = await here(world)
    take_over = PostgresStore.take_over

    async def is_cut_off(store: PostgresStore, *args: Any, **how: Any) -> Moved:
        if has_happened:
            await take_over(store, *args, **how)
        raise Away("the database was lost meanwhile: repeat the command")

    with monkeypatch.context() as patch:
        patch.setattr(PostgresStore, "take_over", is_cut_off)
        with pytest.raises(Away):
            await fill_store(world, Settings(), url)
    assert is_moving(world.disk)
    with pytest.raises(Refused, match="has not ended: repeat it with --store URL --fill-store"):
        open_sqlite(world.disk)
    if not has_happened:
        settings = Settings(store=url)
        store = await open_store(world, settings)
        with pytest.raises(StorageError, match="move them there with --fill-store"):
            await find(world.disk, store, world.chance.randbytes, found_anew=False)

    said = await fill_store(world, Settings(), url)
    assert said.startswith("Moved 3 names and 3 waiting messages ")
    assert await looked_at(world, url) == before
    assert is_elsewhere(world.disk)


async def test_a_try_at_another_database_does_not_open_the_folder_again(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one may have it all, for all that anybody knows."""
    from directory_server.storage.postgres.store import PostgresStore

    async def is_cut_off(*_: Any, **__: Any) -> Moved:
        raise Away("the database was lost meanwhile: repeat the command")

    with monkeypatch.context() as patch:
        patch.setattr(PostgresStore, "take_over", is_cut_off)
        with pytest.raises(Away):
            await fill_store(world, Settings(), url)
    store = await far(url)
    await while_it_runs(store.run, lambda: store.found(b"another", anew=False))
    with pytest.raises(Refused, match="a community is in that database already"):
        await fill_store(world, Settings(), url)
    assert is_moving(world.disk)
    with pytest.raises(Refused, match="has not ended"):
        open_sqlite(world.disk)


async def test_what_the_server_refuses_is_moved_not_even_in_part(world: World, url: str) -> None:
    """A reason that no command line could hold; whoever has the socket can send it."""
    with closing(SqliteStore(world.disk)) as store:

        async def ban() -> None:
            await store.ban(Ban(USER, "cd", "mallory", NOW, None, "a zero \0 byte"))

        await while_it_runs(store.run, ban)
    before = await here(world)
    with pytest.raises(StorageError, match="the database refuses it"):
        await fill_store(world, Settings(), url)
    assert await here(world) == before
    store_ = await far(url)
    assert (await store_.users(), await store_.community()) == ([], None)
    store_.close()


async def test_a_folder_that_is_in_use_or_empty_is_not_moved(
    world: World, url: str, tmp_path: Path
) -> None:
    running = FolderDisk(tmp_path / "data")
    running.lock()
    with pytest.raises(Refused, match="another program is already running"):
        await fill_store(world, Settings(), url)
    running.unlock()
    with pytest.raises(Refused, match="there is no directory in the data folder"):
        await fill_store(real_world(tmp_path / "nothing"), Settings(), url)
    assert not (tmp_path / "nothing").exists()


async def test_a_database_that_is_damaged_is_told_and_moved_not_even_in_part(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from directory_server.storage.postgres import intake

    def fails(*_: Any) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    copy: Callable[..., None] = intake._copy
    with monkeypatch.context() as patch:
        patch.setattr(
            intake, "_copy", lambda *args: fails() if args[2] == "receipts" else copy(*args)
        )
        with pytest.raises(StorageError, match="the data folder cannot be read"):
            await fill_store(world, Settings(), url)
    assert (await here(world))["named"]
    assert (await looked_at(world, url))["community"] is None
