"""A handshake tells nobody who I am, except members of my community whom I dial as peers.

A certificate says its owner's name.  The directory is dialled without one; a peer shows
its own only after it has seen one of the same community.
"""

import ssl

import pytest
import trio

from shared.errors import Unreachable
from shared.identity import Credentials
from shared.tls import TlsNetwork, _pem_file
from shared.world import Address, Incoming
from tests.kit.attackers.careless_tls import careless
from tests.kit.community import DIRECTORY, Community
from tests.kit.world import Authority, Hub, MemoryNetwork

LOCAL = "127.0.0.1"
NOW = 4e9  # late, so that what is issued then is valid whenever this runs


# --- At the directory's address --------------------------------------------------------


async def test_an_impostor_at_the_directorys_address_learns_no_name(community: Community) -> None:
    """Even one with a good certificate of the community."""
    (carol,) = await community.start("carol")
    authority = carol.peer._memory.known_keys.authority
    await community.directory.crashes()
    shown: list[bytes | None] = []

    async def answer(incoming: Incoming) -> None:
        wire = await incoming.secure()
        shown.append(wire.certificate)
        wire.abort()

    network = community.hub.network(DIRECTORY.host)
    network.present(_some_credentials(authority))
    community.nursery.start_soon(network.serve, None, DIRECTORY.port, answer)
    await trio.sleep(300)
    assert len(shown) > 3  # carol has tried to come back
    assert set(shown) == {None}


def _some_credentials(authority: bytes) -> Credentials:
    own = Authority(1).user("mallory", NOW)[1]
    return Credentials(own.key, own.certificate, authority)


# --- At a peer's address ---------------------------------------------------------------


class Impostor:
    """Listens where somebody else was, and looks at what is shown."""

    def __init__(self, shows: Credentials, takes: bytes) -> None:
        self.network = TlsNetwork()
        self.network.present(shows)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=takes)
        with _pem_file(shows) as path:
            context.load_cert_chain(path)
        self.network._server = context
        self.learned: list[bytes | None] = []
        self.met = trio.Event()  #: somebody has dialled, and was seen or was lost

    async def answer(self, incoming: Incoming) -> None:
        try:
            wire = await incoming.secure()
            self.learned.append(wire.certificate)
        except Unreachable:
            pass  # they broke off
        self.met.set()


@pytest.mark.parametrize("is_careful", [True, False])
async def test_an_impostor_at_a_peers_address_learns_no_name(is_careful: bool) -> None:
    """And would learn it from a dialler who shows a certificate to everybody."""
    ours = Authority(0)
    _, carol = ours.user("carol", NOW)
    _, mallory = Authority(1).user("dave", NOW)
    impostor = Impostor(mallory, takes=ours.certificate)
    network = careless(carol)
    if is_careful:
        network = TlsNetwork()
        network.present(carol)
    async with trio.open_nursery() as nursery:
        address: Address = await nursery.start(impostor.network.serve, LOCAL, 0, impostor.answer)
        if is_careful:
            with pytest.raises(Unreachable, match="somebody else answers there"):
                await network.dial([address])
            await impostor.met.wait()
        else:
            wire = await network.dial([address])
            await impostor.met.wait()
            await wire.aclose()
        nursery.cancel_scope.cancel()
    assert (impostor.learned == []) == is_careful
    assert is_careful or impostor.learned == [carol.certificate]


async def test_members_of_a_community_still_reach_each_other() -> None:
    """Whatever the date of their certificates: that is judged later, in words."""
    ours = Authority(0)
    _, carol = ours.user("carol", NOW)
    _, dave = ours.user("dave", 1e9)
    server, network = TlsNetwork(), TlsNetwork()
    server.present(dave)
    network.present(carol)
    into, shown = trio.open_memory_channel[bytes | None](1)

    async def answer(incoming: Incoming) -> None:
        into.send_nowait((await incoming.secure()).certificate)

    async with trio.open_nursery() as nursery:
        address: Address = await nursery.start(server.serve, LOCAL, 0, answer)
        wire = await network.dial([address])
        assert wire.certificate == dave.certificate
        assert await shown.receive() == carol.certificate
        await wire.aclose()
        nursery.cancel_scope.cancel()


async def test_the_played_network_keeps_the_same_rule() -> None:
    """So that plays in one process see what real programs would."""
    hub = Hub()
    ours, others = Authority(0), Authority(1)
    there, here = hub.network("10.0.0.1"), hub.network("10.0.0.2")
    there.present(others.user("dave", NOW)[1])
    here.present(ours.user("carol", NOW)[1])

    async def answer(incoming: Incoming) -> None:
        with pytest.raises(Unreachable):
            await incoming.secure()

    async with trio.open_nursery() as nursery:
        address: Address = await nursery.start(there.serve, None, 0, answer)
        with pytest.raises(Unreachable):
            await _dials(here, address)
        nursery.cancel_scope.cancel()


async def _dials(network: MemoryNetwork, address: Address) -> None:
    await network.dial([Address("10.0.0.1", address.port)])
