"""One user who asks two directories of one database at once lets neither wait for the other.

In a deadlock PostgreSQL ends one of the two transactions after a second, and nobody else's
message is stored in that time.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress

import pytest
import trio

from directory_server.core.registry import User
from directory_server.core.usage import Usage
from directory_server.storage.store import Away, Kept, Store, Use
from shared.messages.directory import Verdict
from tests.kit.postgres import Server, needs_postgres, servers
from tests.kit.stores import AGE, NOW, drop, mail, newcomer, post, register

pytestmark = needs_postgres
MANY = 40
ROUNDS = 10

Act = Callable[[Store, list[User], int], Awaitable[object]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with servers() as all_of_them:
        yield all_of_them.one()


@pytest.fixture
async def two(server: Server, nursery: trio.Nursery) -> AsyncIterator[list[Store]]:
    from directory_server.storage.postgres.store import open_postgres

    server.ask("DROP SCHEMA IF EXISTS parley CASCADE")
    stores: list[Store] = []
    for _ in range(2):
        store = await open_postgres(server.url)
        await nursery.start(store.run)
        stores.append(store)
    yield stores
    nursery.cancel_scope.cancel()


async def takes_another_sealing_key(store: Store, users: list[User], number: int) -> None:
    await store.reseal(users[number].id, bytes([number] * 32), bytes(64))


async def registers(store: Store, users: list[User], number: int) -> None:
    await store.register(newcomer(f"new{len(await store.users())}{number}"), NOW, AGE)


async def comes_and_goes(store: Store, users: list[User], number: int) -> None:
    await store.note_uses([Use(one.id, NOW, Usage()) for one in users], NOW, AGE)


async def takes_letters(store: Store, users: list[User], number: int) -> None:
    sender, receiver = users[0], users[number]
    if receiver is not sender:
        waiting, _ = await store.mail(receiver.id, 0)
        taken = [Verdict(one.number, one.id, bytes(64)) for one in waiting]
        await store.take(receiver.id, receiver.name, taken, NOW, AGE)


async def answered(act: Act, store: Store, users: list[User], number: int) -> None:
    """Ask again for as long as the database, on a busy machine, is too late."""
    while True:
        with suppress(Away):
            await act(store, users, number)
            return


@pytest.mark.parametrize(
    "act", [takes_another_sealing_key, registers, comes_and_goes, takes_letters]
)
async def test_requests_in_opposite_orders_do_not_wait_for_each_other(
    two: list[Store], caplog: pytest.LogCaptureFixture, act: Act
) -> None:
    users = await register(two[0], *(f"mallory{number}" for number in range(MANY)))
    for turn in range(ROUNDS):
        letters = [post(one, turn * MANY + number) for number, one in enumerate(users[1:])]
        await drop(two[0], users[0].id, letters, NOW, AGE)
        async with trio.open_nursery() as together:
            for store, step in zip(two, (1, -1), strict=True):
                for number in range(MANY):
                    together.start_soon(answered, act, store, users[::step], number)
    assert "deadlock" not in caplog.text


async def test_the_same_letters_at_two_directories_are_one_each(
    two: list[Store], caplog: pytest.LogCaptureFixture
) -> None:
    mallory, dave, carol, erin = await register(two[0], "mallory", "dave", "carol", "erin")
    outcomes: list[object] = []

    async def leaves(store: Store, sender: User, numbers: list[int], to: User) -> None:
        letters = [post(to, number) for number in numbers]
        outcomes.extend(await drop(store, sender.id, letters, NOW, AGE))

    for turn in range(ROUNDS):
        numbers = list(range(turn * 9, turn * 9 + 9))
        async with trio.open_nursery() as together:
            for store, step in zip(two, (1, -1), strict=True):
                together.start_soon(leaves, store, carol, [1_000 + turn], erin)
                together.start_soon(leaves, store, mallory, numbers[::step], dave)
    assert all(isinstance(one, Kept) for one in outcomes), "also of carol, in the same commits"
    assert len(await mail(two[0], dave)) == 9 * ROUNDS
    assert "deadlock" not in caplog.text
