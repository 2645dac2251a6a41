"""Several spots of one user: the first that shows the user's key counts."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock

from peer.core.reach.ladder import Ladder
from peer.runtime.link.dialler import Dialler
from shared.errors import Unreachable
from shared.identity import Credentials
from shared.messages.common import Status
from shared.messages.directory import Contact
from shared.messages.spots import Spot
from shared.world import Incoming, Wire
from tests.kit.world import Authority, Hub

PORT = 40_001
HERE, THERE, BEYOND = "10.0.0.2", "10.0.0.3", "10.0.0.4"
OURS = Authority()
DAVE, ERIN = OURS.user("dave")[1], OURS.user("erin")[1]


class Village:
    def __init__(self, nursery: trio.Nursery) -> None:
        self.hub = Hub()
        self._nursery = nursery
        self.dialler = Dialler(self.hub.network("10.0.0.1"))
        self.ladder: Ladder

    async def answers(self, host: str, credentials: Credentials) -> None:
        async def answer(incoming: Incoming) -> None:
            wire = await incoming.secure()
            with suppress(trio.BrokenResourceError):
                await wire.receive_some()

        network = self.hub.network(host)
        network.present(credentials)
        await self._nursery.start(network.serve, host, PORT, answer)

    async def dials(self, *hosts: str, port: int = PORT) -> str:
        """Dial dave at these hosts; return the one where he was found."""
        spots = [Spot(host, port, "SEEN") for host in hosts]
        contact = Contact(1, "dave", Status.ACTIVE, 0.0, bytes(32), bytes(32), bytes(64))
        self.ladder = Ladder("dave", spots, trio.current_time(), may_knock=False)
        wire, attempt = await self.dialler.dial(contact, is_dave, self.ladder)
        attempt.proved()
        await wire.aclose()
        return wire.remote.host


def is_dave(wire: Wire) -> None:
    if wire.certificate != DAVE.certificate:
        raise Unreachable("somebody else answers there")


@pytest.fixture
async def village() -> AsyncIterator[Village]:
    async with trio.open_nursery() as nursery:
        yield Village(nursery)
        nursery.cancel_scope.cancel()


async def test_somebody_else_at_the_first_address_does_not_win(
    village: Village, autojump_clock: MockClock
) -> None:
    await village.answers(HERE, ERIN)
    await village.answers(THERE, DAVE)
    assert await village.dials(HERE, THERE) == THERE
    assert await village.dials(THERE, HERE) == THERE


async def test_a_silent_address_costs_a_moment(village: Village, autojump_clock: MockClock) -> None:
    village.hub.swallowing.add(HERE)
    await village.answers(BEYOND, DAVE)
    began = trio.current_time()
    assert await village.dials(HERE, THERE, BEYOND) == BEYOND
    assert trio.current_time() - began < 0.3, "the one that refuses costs nothing"


async def test_only_the_address_that_proved_to_be_his_may_be_dialled_again_at_once(
    village: Village, autojump_clock: MockClock
) -> None:
    await village.answers(HERE, ERIN)
    await village.answers(THERE, DAVE)
    await village.dials(HERE, THERE)
    began = trio.current_time()
    assert await village.dials(THERE) == THERE
    assert trio.current_time() == began
    with pytest.raises(Unreachable):
        await village.dials(HERE)
    assert trio.current_time() >= began + 1.0
    with pytest.raises(Unreachable):
        await village.dials(HERE)
    assert trio.current_time() >= began + 3.0


async def test_who_is_found_nowhere_is_told_with_the_cause_of_each(
    village: Village, autojump_clock: MockClock
) -> None:
    await village.answers(HERE, ERIN)
    with pytest.raises(Unreachable):
        await village.dials(HERE, THERE)
    assert village.ladder.cause(is_old=False) == "somebody else answers there"
    with pytest.raises(Unreachable):
        await village.dials("127.0.0.1")
    assert village.ladder.cause(is_old=False) == "the directory does not see dave at 127.0.0.1"
