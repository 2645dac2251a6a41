"""Several addresses of one program: what the real network and the fake one both promise."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from shared.candidates import CANDIDATES_MOST, NEXT_SECONDS, first_of
from shared.errors import Unreachable
from shared.tls import TlsNetwork
from shared.world import Address, Incoming, Network
from tests.kit.world import CONNECT_SECONDS, Authority, Hub, MemoryWire, cable

LATE = 4e9  # so that what is issued then is valid whenever this runs
DIRECTORY = Authority().directory()
GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class Place:
    """A network, a host on it, and a port at which nobody listens."""

    def __init__(self, make: Callable[[], Network], host: str, silent: Address) -> None:
        self.make, self.host, self.silent = make, host, silent


def real() -> Place:
    return Place(TlsNetwork, "127.0.0.1", Address("127.0.0.1", 1))


def fake() -> Place:
    hub = Hub()
    return Place(lambda: hub.network("10.0.0.2"), "10.0.0.2", Address("10.0.0.3", 1))


@asynccontextmanager
async def serving(place: Place, count: int) -> AsyncIterator[tuple[list[Address], list[Address]]]:
    """Some servers in a row; yields their addresses, and those at which somebody came in."""
    reached: list[Address] = []
    addresses: list[Address] = []

    def answering(number: int) -> Callable[[Incoming], Awaitable[None]]:
        async def answer(incoming: Incoming) -> None:
            wire = await incoming.secure()
            reached.append(addresses[number])
            while await wire.receive_some():
                pass

        return answer

    async with trio.open_nursery() as nursery:
        for number in range(count):
            network = place.make()
            network.present(DIRECTORY)
            bound = await nursery.start(network.serve, place.host, 0, answering(number))
            addresses.append(Address(place.host, bound.port))
        yield addresses, reached
        nursery.cancel_scope.cancel()


both = pytest.mark.parametrize("place", [real, fake])


@both
async def test_the_first_address_that_answers_is_taken(place: Callable[[], Place]) -> None:
    here = place()
    async with serving(here, 2) as (addresses, reached):
        network = here.make()
        wire = await network.dial([here.silent, *addresses])
        assert wire.certificate == DIRECTORY.certificate
        while not reached:
            await trio.lowlevel.checkpoint()
        assert reached == addresses[:1]
        await wire.aclose()


@both
async def test_what_fails_is_told_of_all_together(place: Callable[[], Place]) -> None:
    here = place()
    nobody = [here.silent, here.silent._replace(port=2), here.silent]
    with pytest.raises(Unreachable) as caught:
        await here.make().dial(nobody)
    first, second = (f"nothing answers at {one} (connection refused)" for one in nobody[:2])
    assert str(caught.value) == f"{first}; {second}"
    with pytest.raises(Unreachable, match=r"^there is no address to dial$"):
        await here.make().dial([])


@both
async def test_no_more_than_a_few_are_tried(place: Callable[[], Place]) -> None:
    here = place()
    async with serving(here, 1) as (addresses, _):
        nobody = [here.silent._replace(port=number) for number in range(1, CANDIDATES_MOST + 1)]
        wire = await here.make().dial([*nobody[1:], *addresses])
        await wire.aclose()
        with pytest.raises(Unreachable):
            await here.make().dial([*nobody, *addresses])


# --- In time ----------------------------------------------------------------------------


class Dials:
    """Dials that take the time of their address; a negative one fails after that time."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = dict(zip(self.addresses(len(seconds)), seconds, strict=True))
        self.begun: list[tuple[Address, float]] = []
        self.wires: dict[Address, MemoryWire] = {}

    @staticmethod
    def addresses(count: int) -> Sequence[Address]:
        return [Address("10.0.0.1", number) for number in range(count)]

    async def dial(self, address: Address) -> MemoryWire:
        self.begun.append((address, trio.current_time()))
        await trio.sleep(abs(self.seconds[address]))
        if self.seconds[address] < 0:
            raise Unreachable(f"not {address.port}")
        self.wires[address] = cable().dialler
        return self.wires[address]

    async def run(self) -> MemoryWire:
        return await first_of(list(self.seconds), self.dial)


async def test_a_slow_one_does_not_hold_up_the_next(
    autojump_clock: trio.testing.MockClock,
) -> None:
    dials = Dials(CONNECT_SECONDS, 1.0, -0.1, 0.9)
    begun = trio.current_time()
    wire = await dials.run()
    first, second, third, fourth = dials.seconds
    assert wire is dials.wires[second]
    assert [(one, at - begun) for one, at in dials.begun] == [
        (first, 0.0), (second, NEXT_SECONDS), (third, 2 * NEXT_SECONDS),
        (fourth, pytest.approx(2 * NEXT_SECONDS + 0.1)),
    ]  # fmt: skip
    assert trio.current_time() - begun == NEXT_SECONDS + 1.0


async def test_two_at_the_same_time_leave_one_wire(
    autojump_clock: trio.testing.MockClock,
) -> None:
    dials, network_is_back = Dials(0.0, 0.0), trio.Event()

    async def dial(address: Address) -> MemoryWire:
        await network_is_back.wait()
        dials.wires[address] = cable().dialler
        return dials.wires[address]

    async def come_back() -> None:
        await trio.sleep(1.0)
        network_is_back.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come_back)
        wire = await first_of(list(dials.seconds), dial)
    (other,) = (one for one in dials.wires.values() if one is not wire)
    await wire.send_all(b"still there")
    with pytest.raises(GONE):
        await other.send_all(b"gone")


async def test_who_gives_up_just_when_one_succeeds_leaves_no_wire(
    autojump_clock: trio.testing.MockClock,
) -> None:
    dials = Dials(1.0, CONNECT_SECONDS)

    async def dial(address: Address) -> MemoryWire:
        wire = await dials.dial(address)
        patience.cancel()
        return wire

    with trio.CancelScope() as patience:
        await first_of(list(dials.seconds), dial)
    assert patience.cancelled_caught
    (wire,) = dials.wires.values()
    with pytest.raises(GONE):
        await wire.send_all(b"gone")
