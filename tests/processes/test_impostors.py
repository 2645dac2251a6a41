"""Nobody passes for somebody else."""

import shutil
import signal
import time
from pathlib import Path

import pytest
import trio

from directory_server.core.authority import SEED_BYTES, Authority
from shared.errors import ParleyError
from shared.identity import Credentials
from shared.link import Link
from shared.messages.common import VERSION
from shared.messages.directory import Lookup, ToDirectory, Who
from shared.messages.peers import BetweenPeers, PeerIam
from shared.tls import TlsNetwork
from shared.world import Address, Incoming
from tests.kit.programs import HOST, PATIENCE, Program, Stage, taken
from tests.kit.raw_client import Client, identity_of

RUN = "0" * 32
MALLORY = identity_of("mallory")


async def registered(stage: Stage, name: str = "mallory") -> tuple[Credentials, Address]:
    """Mallory's certificate, honestly got, and where dave listens, if there is a dave."""
    async with trio.open_nursery() as nursery:
        client = await Client.register(
            nursery,
            TlsNetwork(),
            Address(HOST, stage.port),
            name,
            identity=MALLORY,
            request=MALLORY.request(name),
        )
        contact = await client.ask(Lookup(client.next_id(), "dave"))
        await client.leaves()
    return client.credentials(), Address(HOST, getattr(contact, "port", 0))


async def says_to_be(name: str, credentials: Credentials | None, peer: Address) -> ParleyError:
    """Dial a peer and say so; returns why it did not work."""
    network = TlsNetwork()
    if credentials is not None:
        network.present(credentials)
    with trio.fail_after(PATIENCE):
        try:
            link = Link[object](await network.dial([peer]), BetweenPeers)
        except ParleyError as failure:
            return failure

        async def serve() -> None:
            link.post(PeerIam(VERSION, name, RUN, time.time()))
            await link.expect(PeerIam)

        await link.run(serve)
    assert link.failure is not None, f"{name} was let in"
    return link.failure


# --- Users ---


def test_another_key_under_carols_name_is_told_that_it_is_taken(stage: Stage) -> None:
    stage.directory()
    assert stage.once("carol", "STATUS").ends() == 0
    shutil.rmtree(stage.data_of("carol"))

    other = stage.starts_peer("CAROL")
    other.sees(taken("CAROL"))
    other.ends_input()
    assert other.ends() == 4


def test_mallory_who_says_to_be_carol_is_cut_by_dave_and_reads_why(stage: Stage) -> None:
    stage.directory()
    dave, carol = stage.peer("dave"), stage.peer("carol")

    async def attack() -> tuple[ParleyError, ParleyError, ParleyError]:
        credentials, there = await registered(stage)
        return (
            await says_to_be("carol", credentials, there),
            await says_to_be("dave", credentials, there),
            await says_to_be("carol", None, there),
        )

    as_carol, as_dave, without = trio.run(attack)
    assert str(as_carol) == "you are not carol: your certificate says mallory"
    assert str(as_dave) == "you are not dave: your certificate says mallory"
    assert str(without) == "you are not carol: no certificate was shown"
    carol.types("PRV dave it is really me")
    dave.sees("[private] carol: it is really me")
    assert not [line for line in dave.lines if "mallory" in line and not line.startswith("* ")]


def test_a_certificate_of_another_community_opens_no_door(stage: Stage, tmp_path: Path) -> None:
    stage.directory()
    stage.peer("dave")
    elsewhere = Stage(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    try:
        elsewhere.directory()

        async def attack() -> tuple[ParleyError, ParleyError]:
            foreign, _ = await registered(elsewhere, "carol")
            _, there = await registered(stage)
            directory = Address(HOST, stage.port)
            return await says_to_be("carol", foreign, there), await introduces(foreign, directory)

        at_dave, at_directory = trio.run(attack)
    finally:
        elsewhere.closes()
    assert at_dave
    assert at_directory


async def introduces(credentials: Credentials, directory: Address) -> ParleyError:
    network = TlsNetwork()
    network.present(credentials)
    async with trio.open_nursery() as nursery:
        try:
            await Client.register(nursery, network, directory, "carol", identity=MALLORY)
        except ParleyError as failure:
            nursery.cancel_scope.cancel()
            return failure
    raise AssertionError("a foreign carol was let in")


# --- Directories ---


@pytest.mark.parametrize("who_shows", ["the true authority", "an authority of her own"])
def test_mallory_who_poses_as_the_directory_is_refused(stage: Stage, who_shows: str) -> None:
    directory = stage.directory()
    assert stage.once("carol", "STATUS").ends() == 0
    credentials, _ = trio.run(registered, stage)
    directory.sends(signal.SIGTERM)
    directory.ends()

    authority = credentials.authority
    if who_shows == "an authority of her own":
        own = Authority.found(b"\1" * SEED_BYTES)
        authority, credentials = own.certificate, own.credentials(b"\2" * SEED_BYTES)
    said, code = trio.run(pose_as_directory, stage, credentials, authority)
    assert code == 7
    if who_shows == "the true authority":
        assert "a user poses as the directory" in said
    else:
        assert f"The key of the directory at {HOST}:{stage.port} has changed." in said


async def pose_as_directory(
    stage: Stage, credentials: Credentials, authority: bytes
) -> tuple[str, int]:
    """What carol says, and her exit code."""
    network = TlsNetwork()
    network.present(credentials)

    async def answer(incoming: Incoming) -> None:
        try:
            link = Link[object](await incoming.secure(), ToDirectory)
        except ParleyError:
            return  # she showed her certificate, which this authority does not know

        async def serve() -> None:
            link.post(Who(VERSION, authority, b"n" * 32))
            await link.receive()

        await link.run(serve)

    async with trio.open_nursery() as nursery:
        await nursery.start(network.serve, HOST, stage.port, answer)
        carol = stage.once("carol", "STATUS")
        code = await trio.to_thread.run_sync(carol.ends)
        nursery.cancel_scope.cancel()
    return "\n".join(carol.errors), code


def test_a_directory_with_a_new_key_is_refused_until_the_user_says_so(stage: Stage) -> None:
    directory = stage.directory()
    assert stage.once("carol", "STATUS").ends() == 0
    old_key = key_of(directory)
    directory.dies()
    shutil.rmtree(stage.directory_data)
    new_key = key_of(stage.directory())

    carol = stage.once("carol", "STATUS")
    assert carol.ends() == 7
    (said,) = carol.errors
    assert f"The key of the directory at {HOST}:{stage.port} has changed." in said
    assert f"It was {old_key}, now it is {new_key}." in said
    accepting = stage.starts_peer("carol", "--directory-key", new_key)
    accepting.sees(f"You are carol, connected to the directory at {HOST}:{stage.port}.")
    accepting.types("QUIT")
    assert accepting.ends() == 0
    assert stage.once("carol", "STATUS").ends() == 0


def test_a_directory_without_the_expected_key_is_refused_at_first_sight(stage: Stage) -> None:
    directory = stage.directory()
    carol = stage.starts_peer("carol", "--directory-key", "0" * 32)
    assert carol.ends() == 7
    assert key_of(directory) in carol.errors[0]


def key_of(directory: Program) -> str:
    return directory.lines[0].partition("key ")[2]
