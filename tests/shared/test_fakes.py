"""The fakes keep the promises of `shared.world`, as far as programs rely on them."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from shared.errors import Refused, StorageError, Unreachable
from shared.world import Address, Clock, Disk, Incoming, Network, Wire
from tests.kit.world import (
    CONNECT_SECONDS,
    EPOCH,
    Authority,
    Cable,
    FakeClock,
    Hub,
    MemoryDisk,
    MemoryNetwork,
    MemoryPunchPort,
    MemoryWire,
    cable,
)


def test_they_have_the_shape_that_the_programs_expect() -> None:
    network: Network = MemoryNetwork(Hub(), "10.0.0.1")
    disk: Disk = MemoryDisk()
    clock: Clock = FakeClock()
    wire: Wire = cable().dialler
    assert all((network, disk, clock, wire))


async def _listening(
    hub: Hub, nursery: trio.Nursery, answer: Callable[[Incoming], Awaitable[None]]
) -> tuple[MemoryNetwork, Address]:
    network = hub.network("10.0.0.2")
    network.present(Authority().directory())
    bound = await nursery.start(network.serve, None, 0, answer)
    return network, Address("10.0.0.2", bound.port)


async def _echo(incoming: Incoming) -> None:
    wire = await incoming.secure()
    while chunk := await wire.receive_some():
        await wire.send_all(chunk)


async def test_dialling_brings_two_wires_with_what_each_has_proved(
    autojump_clock: trio.testing.MockClock,
) -> None:
    hub, authority = Hub(), Authority()
    _, dave = authority.user("dave")
    seen: list[bytes | None] = []

    async def answer(incoming: Incoming) -> None:
        wire = await incoming.secure()
        seen.append(wire.certificate)

    async with trio.open_nursery() as nursery:
        network, address = await _listening(hub, nursery, answer)
        caller = hub.network("10.0.0.1")
        wire = await caller.dial([address])
        assert await wire.receive_some() == b""
        caller.present(dave)
        wire = await caller.dial([address])
        assert await wire.receive_some() == b""
        nursery.cancel_scope.cancel()
    assert network.credentials is not None
    assert wire.certificate == network.credentials.certificate
    assert seen == [None, dave.certificate]


async def test_a_certificate_of_another_community_breaks_the_handshake(
    autojump_clock: trio.testing.MockClock,
) -> None:
    hub = Hub()
    reasons: list[str] = []

    async def answer(incoming: Incoming) -> None:
        with pytest.raises(Unreachable) as caught:
            await incoming.secure()
        reasons.append(str(caught.value))

    async with trio.open_nursery() as nursery:
        _, address = await _listening(hub, nursery, answer)
        caller = hub.network("10.0.0.1")
        caller.present(Authority(seed=1).user("dave")[1])
        caller.is_careless = True
        wire = await caller.dial([address])
        with pytest.raises(trio.BrokenResourceError):
            await wire.receive_some()
        nursery.cancel_scope.cancel()
    assert reasons == ["no TLS connection: certificate verify failed"]


async def test_a_dial_fails_with_a_sentence(autojump_clock: trio.testing.MockClock) -> None:
    hub = Hub()
    caller = hub.network("10.0.0.1")
    async with trio.open_nursery() as nursery:
        network, address = await _listening(hub, nursery, _echo)
        with pytest.raises(Unreachable, match="connection refused"):
            await caller.dial([Address("10.0.0.2", 1)])
        hub.refusing.add("10.0.0.2")
        with pytest.raises(Unreachable, match="connection refused"):
            await caller.dial([address])
        hub.refusing.clear()
        hub.swallowing.add("10.0.0.2")
        before = trio.current_time()
        with pytest.raises(Unreachable, match="timed out"):
            await caller.dial([address])
        assert trio.current_time() - before == pytest.approx(CONNECT_SECONDS)
        hub.swallowing.clear()
        with pytest.raises(OSError, match="in use"):
            await network.serve(None, address.port, _echo)
        await caller.dial([address])
        nursery.cancel_scope.cancel()


async def test_who_hangs_up_without_a_handshake_refuses_the_dial(
    autojump_clock: trio.testing.MockClock,
) -> None:
    hub = Hub()

    async def answer(incoming: Incoming) -> None:
        incoming.abort()

    async with trio.open_nursery() as nursery:
        _, address = await _listening(hub, nursery, answer)
        with pytest.raises(Unreachable):
            await hub.network("10.0.0.1").dial([address])
        nursery.cancel_scope.cancel()


async def test_separated_hosts_hear_nothing_and_then_everything(
    autojump_clock: trio.testing.MockClock,
) -> None:
    hub = Hub()
    caller = hub.network("10.0.0.1")
    async with trio.open_nursery() as nursery:
        _, address = await _listening(hub, nursery, _echo)
        wire = await caller.dial([address])
        hub.separate("10.0.0.1", "10.0.0.2")
        await wire.send_all(b"hello")
        with trio.move_on_after(60) as waited:
            await wire.receive_some()
        assert waited.cancelled_caught
        assert wire.unheard() == pytest.approx(60)
        with pytest.raises(Unreachable, match="timed out"):
            await caller.dial([address])
        hub.reunite("10.0.0.1", "10.0.0.2")
        assert wire.unheard() == 0
        assert await wire.receive_some() == b"hello"
        nursery.cancel_scope.cancel()


async def test_a_cut_and_a_kill_are_resets(autojump_clock: trio.testing.MockClock) -> None:
    hub = Hub()
    caller = hub.network("10.0.0.1")

    async def hold(incoming: Incoming) -> None:
        await incoming.secure()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        network, address = await _listening(hub, nursery, hold)
        first, second = await caller.dial([address]), await caller.dial([address])
        (one, _) = hub.cables("10.0.0.1", "10.0.0.2")
        one.cut()
        with pytest.raises(trio.BrokenResourceError):
            await first.receive_some()
        network.die()
        with pytest.raises(trio.BrokenResourceError):
            await second.receive_some()
        with pytest.raises(Unreachable):
            await caller.dial([address])
        nursery.cancel_scope.cancel()


def _pair(pair: Cable) -> tuple[MemoryWire, MemoryWire]:
    return pair.dialler, pair.answerer


async def test_a_reader_who_does_not_read_stops_the_writer(
    autojump_clock: trio.testing.MockClock,
) -> None:
    one, other = _pair(cable(room=10))
    with trio.move_on_after(1) as waited:
        await one.send_all(b"x" * 20)
    assert waited.cancelled_caught
    assert await other.receive_some() == b"x" * 10
    with pytest.raises(trio.BrokenResourceError):
        await one.send_all(b"the rest")  # as under TLS after a cancelled write


async def test_the_end_follows_the_bytes_but_unread_bytes_make_it_a_reset() -> None:
    one, other = _pair(cable())
    await one.send_all(b"bye")
    await one.aclose()
    assert (await other.receive_some(), await other.receive_some()) == (b"bye", b"")

    one, other = _pair(cable())
    await other.send_all(b"wait")
    await one.send_all(b"bye")
    await one.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await other.receive_some()


async def test_the_first_send_to_somebody_who_left_succeeds() -> None:
    one, other = _pair(cable())
    await one.aclose()
    await other.send_all(b"are you there?")
    with pytest.raises(trio.BrokenResourceError):
        await other.send_all(b"hello?")
    with pytest.raises(trio.ClosedResourceError):
        await one.receive_some()


async def test_the_disk_survives_a_restart_and_can_be_full() -> None:
    disk = MemoryDisk()
    disk.lock()
    with pytest.raises(Refused):
        disk.lock()
    disk.unlock()
    disk.lock()
    first = disk.database("journal")
    first.execute("CREATE TABLE t (x)")
    first.execute("INSERT INTO t VALUES (1)")
    first.execute("BEGIN IMMEDIATE")
    first.execute("INSERT INTO t VALUES (2)")
    first.close()  # never committed
    again = disk.database("journal")
    reader = disk.database("journal", readonly=True)
    half_read = reader.execute("SELECT x FROM t")
    again.execute("INSERT INTO t VALUES (3)")
    assert half_read.fetchall() == [(1,), (3,)]
    disk.is_full = True
    with pytest.raises(StorageError):
        disk.write("settings", b"")
    with pytest.raises(Exception, match="disk is full"):
        again.execute("INSERT INTO t VALUES (4)")
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (2,)
    again.close()
    reader.close()


async def test_the_clock_goes_with_trio_and_can_be_set(
    autojump_clock: trio.testing.MockClock,
) -> None:
    clock = FakeClock()
    await trio.sleep(10)
    assert clock.time() == pytest.approx(EPOCH + 10)
    clock.set(5.0)
    assert clock.time() == pytest.approx(5)


def test_the_same_seed_brings_the_same_chance() -> None:
    one, other = Hub().machine("h", seed=3), Hub().machine("h", seed=3)
    ids = [one.world().new_id(), one.world().new_id()]
    assert ids == [other.world().new_id(), other.world().new_id()]
    assert len(set(ids)) == 2


async def test_two_punch_where_the_other_is_seen(autojump_clock: trio.testing.MockClock) -> None:
    hub, authority = Hub(), Authority()
    networks = {name: hub.network(f"10.0.1.{n}") for n, name in enumerate(("carol", "dave"), 1)}
    for name, network in networks.items():
        network.present(authority.user(name)[1])
    wires: dict[str, Wire] = {}

    async def punch(name: str, other: MemoryPunchPort, own: MemoryPunchPort, mark: bytes) -> None:
        with trio.move_on_after(10):
            wires[name] = await own.punch([other.outer], mark * 16, is_first=name == "carol")

    async with trio.open_nursery() as nursery:
        _, address = await _listening(hub, nursery, _echo)

        async def try_it(mark: bytes = b"x") -> list[str]:
            wires.clear()
            carol, dave = [await one.punch_port(address) for one in networks.values()]
            async with trio.open_nursery() as tries:
                tries.start_soon(punch, "carol", dave, carol, b"x")
                tries.start_soon(punch, "dave", carol, dave, mark)
            for one in (carol, dave):
                one.close()
            return sorted(wires)

        assert await try_it() == ["carol", "dave"]
        await wires["carol"].send_all(b"hello")
        assert await wires["dave"].receive_some() == b"hello"
        assert wires["dave"].certificate == networks["carol"].credentials.certificate  # type: ignore[union-attr]
        assert await try_it(b"y") == [], "another token"
        hub.separate("10.0.1.1", "10.0.1.2")
        assert await try_it() == []
        hub.reunite("10.0.1.1", "10.0.1.2")
        hub.moody.add("10.0.1.1")
        assert await try_it() == [], "a router that takes another port for each target"
        nursery.cancel_scope.cancel()
