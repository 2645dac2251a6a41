"""A user who gives a name back has no certificate for it once others may take the name.

Not even one with a link to each of two directories, for the moment that a move takes.
"""

import trio
from cryptography import x509
from trio.testing import MockClock

from directory_server.core.cluster.lease import RENEW_SECONDS
from directory_server.core.tombstones import DAY
from shared.identity import read_certificate
from shared.messages.common import Err
from shared.messages.directory import Done, Renew, Renewed, Unregister
from tests.kit.cluster import SharedTown, Towns
from tests.kit.raw_client import Client, identity_of

REQUEST = identity_of("mallory").request("mallory")
TOLD = 5.0  # seconds, until both directories know all


async def two_links(nursery: trio.Nursery) -> tuple[list[SharedTown], Client, Client]:
    """Return a user's links, to each of two directories, days after the last certificate."""
    towns = await Towns(nursery).open(2)
    await trio.sleep(2 * RENEW_SECONDS)
    old = await towns[0].enters("mallory", request=REQUEST)
    await trio.sleep(TOLD)
    for town in towns:
        town.machine.clock.set(town.machine.clock.time() + 10 * DAY)
    return towns, old, await towns[1].enters("mallory")


def ends_at(certificate: bytes, town: SharedTown, who: Client) -> float:
    read_certificate(certificate, who.who.authority, town.machine.clock.time())
    return x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()


async def holds(towns: list[SharedTown], certificate: bytes, who: Client) -> None:
    """Assert that every directory keeps the name for longer than this certificate."""
    await trio.sleep(TOLD)
    end = ends_at(certificate, towns[0], who)
    for town in towns:
        stone = town.directory.community.names._tombstones._all["mallory"]
        assert stone.certified.time >= end - 1
    (stone,) = await towns[0].store.tombstones()
    assert stone.certified.time >= end - 1


async def test_the_last_certificate_of_the_other_directory_counts(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    towns, old, new = await two_links(nursery)
    renewed = await new.ask(Renew(new.next_id(), REQUEST))
    assert isinstance(renewed, Renewed)
    assert isinstance(await old.ask(Unregister(old.next_id())), Done)
    await holds(towns, renewed.certificate, new)


async def test_no_certificate_is_given_for_a_name_that_was_just_given_back(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    towns, old, new = await two_links(nursery)
    assert isinstance(await old.ask(Unregister(old.next_id())), Done)
    no = await new.ask(Renew(new.next_id(), REQUEST))
    assert isinstance(no, Err)
    await holds(towns, old.welcome.certificate, old)


async def test_who_comes_back_at_the_other_directory_registers_anew(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    towns, old, _ = await two_links(nursery)
    assert isinstance(await old.ask(Unregister(old.next_id())), Done)
    again = await towns[1].enters("mallory", request=REQUEST)
    await trio.sleep(TOLD)
    assert not again.is_over
    (user,) = await towns[0].store.users()
    assert user.certified.time >= ends_at(again.welcome.certificate, towns[1], again) - 1
