"""What may be promised when PostgreSQL hangs, dies, or comes back as what it was before."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio

from directory_server.core.registry import User
from directory_server.storage.store import Kept, Store
from shared.errors import ParleyError, Refused, StorageError
from tests.kit.postgres import Server, Servers, needs_postgres, servers, url_of
from tests.kit.stores import AGE, NOW, drop, mail, post, register

pytestmark = needs_postgres

SECONDS = 60.0  # for what must come
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture
def place() -> Iterator[Servers]:
    with servers() as all_of_them:
        yield all_of_them


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    from directory_server.storage.postgres import access, commits

    for module in (access, commits):
        monkeypatch.setattr(module, "PATIENCE_SECONDS", 1.0)


async def open_one(*hosts: Server, **how: Any) -> Store:
    from directory_server.storage.postgres.store import open_postgres

    return await open_postgres(url_of(*hosts), **how)


async def opened(nursery: trio.Nursery, *hosts: Server, **how: Any) -> Store:
    store = await open_one(*hosts, **how)
    await nursery.start(store.run)
    return store


def port_of(connection: Any) -> int:
    """Ask the server itself."""
    row = connection.execute("SELECT inet_server_port()").fetchone()
    return int(row[0])


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(SECONDS):
        while not await trio.to_thread.run_sync(holds):  # noqa: ASYNC110  # of another program
            await trio.sleep(0.05)


END_ALL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name = 'dirserver'"
)


async def kept(store: Store, sender: User, receiver: User, number: int) -> int:
    """Drop again and again, as a peer does, until it is promised; return the tries."""
    with trio.fail_after(SECONDS):
        tries = 1
        while True:
            try:
                (result,) = await drop(store, sender.id, [post(receiver, number)], NOW, AGE)
            except StorageError:
                tries += 1
                await trio.sleep(0.1)
            else:
                assert isinstance(result, Kept)
                return tries


async def test_a_database_that_hangs_is_away_until_it_answers(
    place: Servers, impatient: None, nursery: trio.Nursery
) -> None:
    server = place.one()
    store = await opened(nursery, server)
    carol, dave = await register(store, "carol", "dave")
    server.freezes()
    with trio.fail_after(SECONDS):
        with pytest.raises(StorageError, match="the directory's database does not answer"):
            await drop(store, carol.id, [post(dave, 1)], NOW, AGE)
        answers: list[object] = []
        store.drop(carol.id, [post(dave, 2)], NOW, AGE, answers.append)
        assert isinstance(answers[0], StorageError), "who comes meanwhile does not wait"
        with pytest.raises(StorageError):
            await store.waiting(dave.id)
        assert store.failing_since is not None
    server.thaws()
    await kept(store, carol, dave, 3)
    assert store.failing_since is None
    assert await store.waiting(dave.id) in (1, 2), "the first one may have happened"
    nursery.cancel_scope.cancel()


async def test_a_read_that_hangs_finds_out_that_the_database_is_away(
    place: Servers, impatient: None, nursery: trio.Nursery
) -> None:
    server = place.one()
    store = await opened(nursery, server)
    (dave,) = await register(store, "dave")
    server.freezes()
    with trio.fail_after(SECONDS), pytest.raises(StorageError):
        await store.waiting(dave.id)
    server.thaws()
    with trio.fail_after(SECONDS):
        while True:
            try:
                assert await store.waiting(dave.id) == 0
            except StorageError:
                await trio.sleep(0.1)
            else:
                break
    nursery.cancel_scope.cancel()


async def test_a_directory_that_hangs_in_a_transaction_stops_no_other(
    place: Servers, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    from directory_server.storage.postgres import mail as mail_in_sql

    server = place.one()
    one, other = [await opened(nursery, server) for _ in range(2)]
    monkeypatch.setattr(one._writer, "break_off", lambda: None)  # type: ignore[attr-defined]
    carol, dave = await register(one, "carol", "dave")
    hangs, goes_on, note = threading.Event(), threading.Event(), mail_in_sql.note_answers

    def hang(connection: Any, pairs: list[tuple[int, int]]) -> None:
        if not hangs.is_set():
            hangs.set()
            goes_on.wait(SECONDS)
        note(connection, pairs)

    monkeypatch.setattr(mail_in_sql, "note_answers", hang)
    letters, outcomes = [post(dave, 1)], list[object]()
    one.drop(carol.id, letters, NOW, AGE, outcomes.append)
    await trio.to_thread.run_sync(hangs.wait)
    with trio.fail_after(SECONDS):
        (kept_there,) = await drop(other, carol.id, letters, NOW, AGE)
        assert isinstance(kept_there, Kept), "the first has locked carol, and says nothing more"
        goes_on.set()
        await kept(one, carol, dave, 2)
    assert len(await mail(other, dave)) == 2
    nursery.cancel_scope.cancel()


async def test_nothing_promised_is_lost_when_the_primary_dies(
    place: Servers, nursery: trio.Nursery
) -> None:
    primary, standby = place.two()
    store = await opened(nursery, primary, standby)
    users = await register(store, *(f"user{number}" for number in range(16)))
    promised: list[str] = []
    is_over = False

    async def leave(sender: User, receiver: User) -> None:
        number = sender.id * 1_000
        while not is_over:
            number += 1
            await kept(store, sender, receiver, number)
            promised.append(post(receiver, number).envelope)
            if number % 90 == 0:
                return

    async with trio.open_nursery() as senders:
        for sender, receiver in zip(users, users[1:] + users[:1], strict=True):
            senders.start_soon(leave, sender, receiver)
        await until(lambda: len(promised) > 100)
        await trio.to_thread.run_sync(primary.is_killed)
        before = len(promised)
        await trio.to_thread.run_sync(standby.promote)
        standby.ask("ALTER SYSTEM SET synchronous_standby_names = ''")
        standby.ask("SELECT pg_reload_conf()")
        await until(lambda: len(promised) > before + 100)
        is_over = True
    found = [one.id for user in users for one in await mail(store, user)]
    assert len(found) == len(set(found)), "none comes twice"
    assert set(promised) <= set(found)
    nursery.cancel_scope.cancel()


async def test_an_old_primary_that_comes_back_is_not_believed(
    place: Servers, nursery: trio.Nursery
) -> None:
    from directory_server.storage.postgres.connection import Line, Lost

    old, new = place.two()
    line = Line(url_of(old, new))
    port = await line.run(port_of)
    assert port == old.port
    old.is_killed()
    new.promote()
    with pytest.raises(Lost):
        await line.run(port_of)
    assert await line.run(port_of) == new.port
    old.start()
    assert old.ask("SELECT pg_is_in_recovery()") == "f", "it takes itself for the primary"
    line.break_off()
    with pytest.raises(Lost):
        await line.run(port_of)
    assert await line.run(port_of) == new.port
    other = Line(url_of(old, new))  # of a directory that starts now, and has seen neither
    assert await other.run(port_of) == new.port
    new.is_killed()
    with pytest.raises(Lost):
        await line.run(port_of)
    with pytest.raises(Lost, match="does not know that it is no more"):
        await line.run(port_of)
    line.close()
    other.close()


@pytest.mark.parametrize("ends", ["pg_cancel_backend", "pg_terminate_backend"])
async def test_a_wait_for_the_standby_that_somebody_ends_is_no_promise(
    place: Servers, nursery: trio.Nursery, ends: str
) -> None:
    primary, standby = place.two()
    store = await opened(nursery, primary, standby)
    carol, dave = await register(store, "carol", "dave")
    standby.freezes()
    promised = trio.Event()

    async def leave() -> None:
        await kept(store, carol, dave, 1)
        promised.set()

    nursery.start_soon(leave)
    for _ in range(2):  # the second time the envelope is there already
        await until(lambda: primary.ask(WAITS) == "1")
        pid = primary.ask("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        primary.ask(f"SELECT {ends}({pid})")
        await until(
            lambda pid=pid: (
                primary.ask(  # type: ignore[misc]
                    f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
                )
                == "0"
            )
        )
        assert not promised.is_set()
    await until(lambda: primary.ask(WAITS) == "1")
    assert not promised.is_set(), "only one machine has it"
    standby.thaws()
    with trio.fail_after(SECONDS):
        await promised.wait()
    assert [int(one.id, 16) for one in await mail(store, dave)] == [1]
    nursery.cancel_scope.cancel()


async def refusal(*hosts: Server, **how: Any) -> ParleyError:
    with pytest.raises(ParleyError) as no:
        await open_one(*hosts, **how)
    return no.value


async def test_what_is_checked_at_the_start(
    place: Servers, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    server = place.one()
    no = await refusal(server, must_be_two=True)
    assert isinstance(no, Refused)
    assert "no synchronous standby: a promise would lie on one machine" in str(no)
    store = await opened(nursery, server)
    assert "what is promised lies on one machine" in caplog.text
    server.ask("UPDATE parley.life SET version = 99, least = 99")
    assert "made by a newer version of this program" in str(await refusal(server))
    server.ask("UPDATE parley.life SET version = 99, least = 1")
    await opened(nursery, server)  # a newer program has only added something
    server.ask("ALTER SYSTEM SET fsync = off")
    server.ask("SELECT pg_reload_conf()")
    await until(lambda: server.ask("SHOW fsync") == "off")
    assert "fsync is off" in str(await refusal(server))
    assert await store.users() == []
    server.is_killed()
    assert isinstance(await refusal(server), StorageError)
    nursery.cancel_scope.cancel()


async def test_two_directories_that_start_at_once_make_the_tables_once(
    place: Servers, nursery: trio.Nursery
) -> None:
    server = place.one()
    stores: list[Store] = []

    async def start() -> None:
        stores.append(await opened(nursery, server))

    async with trio.open_nursery() as together:
        for _ in range(4):
            together.start_soon(start)
    await register(stores[0], "carol")
    assert [user.name for user in await stores[3].users()] == ["carol"]
    nursery.cancel_scope.cancel()


async def test_a_url_that_is_none_is_a_sentence() -> None:
    from directory_server.storage.postgres.store import open_postgres

    with pytest.raises(Refused, match="--store: "):
        await open_postgres("postgresql://%zz")


async def test_a_pooler_before_the_database_is_noticed(
    place: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    server = place.one()
    # A pooler gives the connection to others between two transactions, and what is said to
    # it meanwhile as well.
    monkeypatch.setattr(psycopg.Connection, "notifies", lambda *_, **__: iter(()))
    assert "a pooler stands before the database" in str(await refusal(server))
    monkeypatch.undo()
    store = await open_one(server)
    store.close()


@pytest.mark.parametrize("must_be_two", [None, True])
async def test_one_machine_alone_goes_on_unless_two_are_always_wanted(
    place: Servers, impatient: None, nursery: trio.Nursery, must_be_two: bool | None
) -> None:
    primary, standby = place.two()
    store = await opened(nursery, primary, standby, must_be_two=must_be_two)
    carol, dave = await register(store, "carol", "dave")
    standby.is_killed()
    primary.ask("ALTER SYSTEM SET synchronous_standby_names = ''")
    primary.ask("SELECT pg_reload_conf()")
    primary.ask(END_ALL)
    if must_be_two:
        with trio.fail_after(SECONDS), pytest.raises(StorageError):
            await drop(store, carol.id, [post(dave, 1)], NOW, AGE)
    else:
        await kept(store, carol, dave, 1)
    nursery.cancel_scope.cancel()
