"""A peer that stays connected is reachable for ever, on a certificate of at most 30 days."""

import pytest
import trio

from directory_server.session import Session
from peer.runtime.directory import certificates
from shared.identity import CERTIFICATE_DAYS, read_certificate
from shared.messages.directory import Renew, Renewed
from tests.kit.attackers.false_directory import certificate
from tests.kit.community import Community, Person
from tests.kit.raw_client import identity_of
from tests.kit.raw_peer import raw

DAY = 86_400.0
LOOK_SECONDS = 20.0


def presented(person: Person) -> bytes:
    """What whoever dials this person is shown."""
    credentials = person.peer._outside.world.network.credentials  # type: ignore[attr-defined]
    certificate: bytes = credentials.certificate
    return certificate


async def passes(community: Community, days: float) -> None:
    """By the clocks on the walls, in steps of ten days; each program looks after each."""
    while days > 0:
        machines = [one.machine for one in community.people.values()]
        for machine in (*machines, community.directory.machine):
            machine.clock.set(machine.clock.time() + min(days, 10) * DAY)
        days -= 10
        await trio.sleep(LOOK_SECONDS + 1)


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else hours would have to be played between two jumps of the clocks."""
    monkeypatch.setattr(certificates, "LOOK_SECONDS", LOOK_SECONDS)


def ends(person: Person) -> float:
    authority = person.peer._memory.known_keys.authority
    return read_certificate(presented(person), authority, person.now).expires


async def test_a_certificate_is_renewed_while_connected(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    before = presented(carol)
    assert ends(carol) <= carol.now + 30 * DAY, "it cannot be revoked"
    await passes(community, CERTIFICATE_DAYS / 2 - 1)
    assert presented(carol) == before
    await passes(community, 2)
    assert presented(carol) != before  # long before it ends
    await passes(community, CERTIFICATE_DAYS + 20)
    await trio.sleep(100)  # the directory signs only one a minute, and the days were short
    for one in (carol, dave):
        assert ends(one) > one.now + (CERTIFICATE_DAYS / 2 - 1) * DAY


async def test_two_who_stay_connected_for_a_year_reach_each_other(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await passes(community, 366)
    await carol.connects_with(dave)
    await dave.types("\\q")
    await dave.connects_with(carol)
    carol.never_saw("Lost the directory")


async def test_a_certificate_of_another_key_is_not_taken_for_a_new_one(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    (carol,) = await community.start("carol")
    before = presented(carol)
    false = certificate(community, "carol", identity_of("somebody else"), carol.now)
    with monkeypatch.context() as patched:
        patched.setattr(Session, "_certify", lambda *_: false.certificate)
        await passes(community, CERTIFICATE_DAYS / 2 + 1)
        assert presented(carol) == before
    await trio.sleep(200)  # the directory signs only one a minute
    assert presented(carol) != before
    assert ends(carol) > carol.now + (CERTIFICATE_DAYS - 1) * DAY


async def test_a_directory_signs_no_flood_and_for_nobody_else(community: Community) -> None:
    async with raw(community, "mallory") as mallory:
        client = mallory.client
        for name in ("carol", "mallory"):
            request = client.identity.request(name)
            answer = await client.ask(Renew(client.next_id(), request))
            assert isinstance(answer, Renewed)
            subject = read_certificate(answer.certificate, client.who.authority, 0)
            assert (subject.name, subject.key) == ("mallory", client.identity.public), name
            await trio.sleep(61)
        requests = [Renew(client.next_id(), client.identity.request("mallory")) for _ in range(50)]
        for one in requests:
            client.say(one)
        answers = [await client.answer_to(one) for one in requests]
        assert sum(isinstance(answer, Renewed) for answer in answers) == 1
