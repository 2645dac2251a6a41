"""What several directories say over a real PostgreSQL, and hear of each other."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import NoReturn

import msgspec
import pytest
import trio

from directory_server.core.cluster.bulletins import Bulletin, Here, decode_bulletin
from directory_server.core.registry import NameTaken, User
from directory_server.core.tombstones import Tombstone, Validity
from directory_server.storage.cluster import Claim, Cluster, Receive
from directory_server.storage.store import Store
from shared.errors import Refused, StorageError
from shared.messages.common import Err, Status
from shared.messages.directory import Arr, Drop, Fetch, Receipts, Stored, Taken, Verdict
from shared.messages.spots import Spot, SpotKind
from tests.kit.cluster import SharedTown, Towns
from tests.kit.postgres import Server, needs_postgres, servers
from tests.kit.raw_client import Client
from tests.kit.stores import AGE, KEY, NOW, drop, newcomer, post, register, take

pytestmark = needs_postgres
SPOTS = (Spot("192.168.0.7", 5001, SpotKind.LAN),)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with servers() as all_of_them:
        yield all_of_them.one()


async def opened(nursery: trio.Nursery, server: Server) -> Store:
    from directory_server.storage.postgres.store import open_postgres

    store = await open_postgres(server.url)
    await nursery.start(store.run)
    return store


@pytest.fixture
async def store(server: Server, nursery: trio.Nursery) -> AsyncIterator[Store]:
    server.ask("DROP SCHEMA IF EXISTS parley CASCADE")
    yield await opened(nursery, server)
    nursery.cancel_scope.cancel()


def cluster_of(store: Store) -> Cluster:
    assert store.cluster is not None
    return store.cluster


def claim(user: User, registered: float, status: int = 0, note: str = "") -> Claim:
    return Claim(Here(user.id, 0, status, NOW, "10.0.0.2", 5001, "", note, SPOTS), registered)


def gone(user: User) -> Here:
    return Here(user.id, 0, 3, NOW + 1)


async def hear_for_ever(receive: Receive) -> NoReturn:
    while True:
        assert await receive() == []


async def test_who_registers_last_has_the_row(store: Store) -> None:
    one, (carol, dave) = cluster_of(store), await register(store, "carol", "dave")
    a, b = await one.join("a:1"), await one.join("b:1")
    first = await one.publish(a, [claim(carol, 10), claim(dave, 10)], [])
    assert await one.publish(b, [claim(carol, 9)], []) == {}, "it was earlier, and told later"
    second = await one.publish(b, [claim(carol, 11, note="back at five")], [])
    assert second[carol.id] > max(first.values())
    assert await one.publish(a, [claim(carol, 10, 1), claim(dave, 10, 1)], []) != {}
    rows = {here.user: (at, here) for at, here in (await one.everything()).rows}
    assert (rows[carol.id][0], rows[carol.id][1].note) == (b, "back at five")
    assert rows[carol.id][1].spots == SPOTS
    assert (rows[dave.id][0], rows[dave.id][1].status) == (a, Status.BUSY)
    await one.publish(a, [], [gone(carol), gone(dave)])
    assert [here.user for _, here in (await one.everything()).rows] == [carol.id], "only ours goes"


async def test_epochs_rise_although_a_promoted_standby_knows_less(
    store: Store, server: Server
) -> None:
    one, (carol,) = cluster_of(store), await register(store, "carol")
    a = await one.join("a:1")
    epochs = [(await one.publish(a, [claim(carol, 1)], []))[carol.id] for _ in range(5)]
    server.ask("ALTER SEQUENCE parley.epochs RESTART")
    server.ask("DELETE FROM parley.sessions")
    known = claim(carol, 1)
    known = Claim(msgspec.structs.replace(known.here, epoch=epochs[-1]), known.registered)
    epochs.append((await one.publish(a, [known], []))[carol.id])
    epochs.append((await one.publish(a, [claim(carol, 1)], []))[carol.id])
    assert epochs == sorted(set(epochs))


async def test_what_is_told_is_heard_in_order_and_whole(store: Store) -> None:
    one = cluster_of(store)
    users = await register(store, *[f"user{number}" for number in range(300)])
    a = await one.join("")
    heard: list[Bulletin] = []
    async with one.listen() as receive:
        await one.publish(a, [claim(user, 1, note="x" * 80) for user in users], [])
        await one.tell([Bulletin(a, mail=tuple((n, n) for n in range(2_000)), notice="soon")])
        with trio.fail_after(60):
            while len([pair for one in heard for pair in one.mail]) < 2_000:
                heard += [decode_bulletin(payload) for payload in await receive()]
    here = [word for bulletin in heard for word in bulletin.here]
    assert sorted(word.user for word in here) == [user.id for user in users]
    assert [bulletin.notice for bulletin in heard if bulletin.notice] == ["soon"]


async def test_a_listener_that_lost_its_connection_says_so(store: Store, server: Server) -> None:
    async with cluster_of(store).listen() as receive:
        server.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'dirserver'"
        )
        with trio.fail_after(60), pytest.raises(StorageError):
            await hear_for_ever(receive)


async def test_a_dead_directory_is_swept_and_its_users_use_is_noted(
    store: Store, server: Server
) -> None:
    one, (carol,) = cluster_of(store), await register(store, "carol")
    a, b = await one.join("a:1"), await one.join("b:1")
    await one.publish(a, [claim(carol, 1)], [])
    server.ask("UPDATE parley.life SET age = 2000")
    server.ask("UPDATE parley.users SET here_since = 500")
    assert (await one.renew(b, "b:1", sweep=True)).others == ("a:1",)
    server.ask(f"UPDATE parley.directories SET alive = alive - interval '8 s' WHERE id = {a}")
    assert (await one.renew(b, "b:1", sweep=False)).others == ()
    async with one.listen() as receive:
        await one.renew(b, "b:1", sweep=True)
        with trio.fail_after(60):
            while not (payloads := await receive()):
                pass
    (bulletin,) = map(decode_bulletin, payloads)
    assert [directory for directory, _ in bulletin.dead] == [a]
    assert (await one.everything()).rows == []
    (found,) = await one.users_of([carol.id])
    assert (found.usage.seconds, found.usage.here_since) == (1500, None)
    assert not (await one.renew(a, "a:1", sweep=False)).is_known
    with pytest.raises(StorageError):
        await one.publish(a, [claim(carol, 1)], [])


async def test_all_names_are_read_however_long_that_takes(
    server: Server, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    from directory_server.storage.postgres import connection, names

    server.ask("DROP SCHEMA IF EXISTS parley CASCADE")
    monkeypatch.setattr(connection, "IDLE_SECONDS", 1)
    store, read = await opened(nursery, server), names.users

    def slowly(line: connection.Connection) -> list[User]:
        found = read(line)
        time.sleep(2)  # as 100,000 names on a busy machine
        return found

    (carol,) = await register(store, "carol")
    monkeypatch.setattr(names, "users", slowly)
    assert [one.id for one in (await cluster_of(store).everything()).users] == [carol.id]
    nursery.cancel_scope.cancel()


async def test_what_waits_for_some_users_is_known(store: Store) -> None:
    one, (carol, dave, erin) = cluster_of(store), await register(store, "carol", "dave", "erin")
    await drop(store, carol.id, [post(dave, 1), post(dave, 2), post(erin, 3)], NOW, AGE)
    await take(store, erin, NOW, f"{3:032x}")
    assert await one.backlog([carol.id, dave.id, erin.id]) == ([(dave.id, 2)], [carol.id])
    assert await one.backlog([erin.id]) == ([], [])


async def test_a_name_that_was_just_given_back_elsewhere_stays_its_keys(store: Store) -> None:
    one, (carol,) = cluster_of(store), await register(store, "carol")
    stone = Tombstone("carol", KEY, 0, Validity(NOW + 30, AGE + 30))
    await store.release([(carol.id, stone)])
    assert await one.find("Carol") == (None, None, stone)
    with pytest.raises(NameTaken):
        await store.register(newcomer("carol", bytes([1] * 32)), NOW, AGE)
    again = await store.register(newcomer("carol"), NOW, AGE)
    assert again.id != carol.id
    found = await one.find("carol")
    assert (found.user is not None, found.tombstone) == (True, None)


async def test_nobody_founds_anew_below_a_directory_that_runs(store: Store) -> None:
    await store.found(b"c" * 32, anew=False)
    with pytest.raises(Refused, match=r"just founded .*: copy its file authority to this data"):
        await store.found(b"d" * 32, anew=False)
    await register(store, "carol")
    number = await cluster_of(store).join("")
    with pytest.raises(Refused, match="another directory runs on this database"):
        await store.found(b"d" * 32, anew=True)
    assert await store.community() == b"c" * 32
    assert [user.name for user in await store.users()] == ["carol"]
    await cluster_of(store).leave(number)
    await store.found(b"d" * 32, anew=True)
    assert await store.users() == []


async def test_two_directories_on_it_agree_about_two_registrations_at_once(
    server: Server, nursery: trio.Nursery
) -> None:
    server.ask("DROP SCHEMA IF EXISTS parley CASCADE")
    towns = Towns(nursery)
    towns.url = server.url
    here, there = await towns.open(2)
    watcher = await here.enters("watcher")
    for _ in range(10):
        clients: list[Client] = []

        async def come(town: SharedTown, clients: list[Client]) -> None:
            clients.append(await town.enters("carol"))

        async with trio.open_nursery() as together:
            for town in (here, there):
                together.start_soon(come, town, clients)
        one, other = clients
        with trio.fail_after(60):
            while not (one.is_over or other.is_over):  # noqa: ASYNC110  # whichever it is
                await trio.sleep(0.01)
        (loser,) = [client for client in clients if client.is_over]
        assert (await loser.hears(Err)).code == "TAKEOVER"
    dave = await there.enters("dave")
    while not any(one.name == "dave" for one in (await watcher.hears(Arr)).users):
        pass
    assert isinstance(await watcher.ask(Drop(1, "dave", "ab" * 16, b"sealed")), Stored)
    (one,) = (await dave.ask(Fetch(1, 0))).envelopes
    await dave.ask(Taken(2, (Verdict(one.number, one.id, bytes(64)),)))
    assert (await watcher.hears(Receipts)).receipts[0].envelope == one.id
    assert clients.count(loser) == 1
    nursery.cancel_scope.cancel()
