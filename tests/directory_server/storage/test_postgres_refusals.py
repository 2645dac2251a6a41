"""A PostgreSQL that answers, but refuses, ends no directory, and lets nobody wait."""

from collections.abc import Iterator

import pytest
import trio

from directory_server.storage.store import Store
from shared.errors import StorageError
from tests.kit.postgres import Server, needs_postgres, servers
from tests.kit.stores import AGE, NOW, register

pytestmark = needs_postgres

SECONDS = 60.0  # for what must come
END_ALL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name = 'dirserver'"
)


@pytest.fixture
def server() -> Iterator[Server]:
    with servers() as all_of_them:
        yield all_of_them.one()


async def opened(nursery: trio.Nursery, url: str) -> Store:
    from directory_server.storage.postgres.store import open_postgres

    store = await open_postgres(url)
    await nursery.start(store.run)
    return store


def writes_nothing(server: Server, *, now: bool) -> None:
    """Let the server refuse writes, as a hosted one does when its disk is full."""
    setting = f"ALTER DATABASE postgres SET default_transaction_read_only = {now}"
    server.ask(f"BEGIN READ WRITE; {setting}; COMMIT")
    server.ask(END_ALL)


async def test_a_role_that_may_make_no_tables_is_said(
    server: Server, nursery: trio.Nursery
) -> None:
    from directory_server.storage.postgres.store import open_postgres

    server.ask("CREATE ROLE weak LOGIN")
    url = server.url.replace("tests@", "weak@")
    with pytest.raises(StorageError, match="the database refuses it: permission denied"):
        await open_postgres(url)
    server.ask("CREATE SCHEMA parley AUTHORIZATION weak")  # all that it needs
    store = await opened(nursery, url)
    assert [user.name for user in await register(store, "carol")] == ["carol"]
    nursery.cancel_scope.cancel()


async def test_a_database_that_writes_nothing_is_told_and_used_again_later(
    server: Server, nursery: trio.Nursery
) -> None:
    store = await opened(nursery, server.url)
    (carol,) = await register(store, "carol")
    writes_nothing(server, now=True)
    with trio.fail_after(SECONDS):
        for _ in range(2):
            with pytest.raises(StorageError, match="the database refuses it: cannot execute"):
                await store.reseal(carol.id, bytes(32), bytes(64))
        assert [user.name for user in await store.users()] == ["carol"]
        assert store.failing_since is not None
        writes_nothing(server, now=False)
        await store.reseal(carol.id, bytes(32), bytes(64))
    assert store.failing_since is None
    nursery.cancel_scope.cancel()


async def test_a_database_that_is_back_is_not_told_as_failing_until_the_next_write(
    server: Server, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    from directory_server.storage.postgres import commits

    monkeypatch.setattr(commits, "PATIENCE_SECONDS", 1.0)
    store = await opened(nursery, server.url)
    (carol,) = await register(store, "carol")
    server.freezes()
    with trio.fail_after(SECONDS):
        with pytest.raises(StorageError, match="does not answer"):
            await store.reseal(carol.id, bytes(32), bytes(64))
        assert store.failing_since is not None
        server.thaws()
        while store.failing_since is not None:  # noqa: ASYNC110  # nothing tells a test
            await trio.sleep(0.05)
    nursery.cancel_scope.cancel()


async def test_tables_that_were_taken_away_are_told(server: Server, nursery: trio.Nursery) -> None:
    store = await opened(nursery, server.url)
    (carol,) = await register(store, "carol")
    server.ask("ALTER TABLE parley.users RENAME TO gone")
    with trio.fail_after(SECONDS):
        with pytest.raises(StorageError, match="the database refuses it") as no:
            await store.users()
        assert "\n" not in str(no.value), "no statement of ours is shown to users"
        with pytest.raises(StorageError, match="the database refuses it"):
            await store.reseal(carol.id, bytes(32), bytes(64))
        server.ask("ALTER TABLE parley.gone RENAME TO users")
        await store.note_uses([], NOW, AGE)
    nursery.cancel_scope.cancel()


async def test_a_bug_in_a_work_lets_nobody_wait_for_ever(server: Server) -> None:
    from directory_server.storage.postgres.commits import Commits
    from directory_server.storage.postgres.connection import Connection, Line

    def bug(_: Connection) -> None:
        raise ZeroDivisionError

    line = Line(server.url)
    commits = Commits(line)
    with trio.fail_after(SECONDS), pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            await nursery.start(commits.run)
            with pytest.raises(StorageError, match="the database is closed"):
                await commits.write(bug)
    line.close()
