"""Names belong to keys: registering, coming back, and those who try to be somebody else."""

import random
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from directory_server.community.sessions import CLOSING, TAKEN_OVER
from directory_server.core.admission import NO_TOKEN
from shared.codec import encode
from shared.errors import Refused
from shared.identity import Identity, read_certificate
from shared.messages.common import VERSION, Ping, Status
from shared.messages.directory import (
    Arr,
    Done,
    Iam,
    Lft,
    List,
    Lookup,
    Renew,
    SetSpots,
    SetStatus,
    Stir,
    ToDirectory,
    Unregister,
)
from shared.world import Address
from tests.kit.directory import ELSEWHERE, Town
from tests.kit.raw_client import Client, identity_of
from tests.kit.world import Authority

BAD = bytes(64)  # a signature of nothing


async def everybody(client: Client) -> dict[str, Status]:
    users = await client.ask(List(client.next_id()))
    return {user.name: user.status for user in users.users}


async def test_a_newcomer_is_welcomed_with_a_certificate(town: Town) -> None:
    identity = identity_of("carol")

    carol = await town.enters("carol", request=identity.request("carol"))

    assert carol.welcome.name == "carol"
    assert carol.welcome.host == ELSEWHERE
    assert carol.welcome.waiting == 0
    assert carol.welcome.idle_after == 300
    subject = read_certificate(
        carol.welcome.certificate, carol.who.authority, town.machine.clock.time()
    )
    assert (subject.name, subject.key) == ("carol", identity.public)


async def test_a_certificate_is_given_only_to_those_who_ask(town: Town) -> None:
    carol = await town.enters("carol")
    assert carol.welcome.certificate == b""


async def test_a_name_keeps_the_spelling_that_was_registered_first(town: Town) -> None:
    identity = identity_of("carol")
    await (await town.enters("Carol")).leaves()

    carol = await town.enters("cAROL", request=identity.request("cAROL"))

    assert carol.welcome.name == "Carol"
    subject = read_certificate(carol.welcome.certificate, carol.who.authority, 0)
    assert subject.name == "Carol"


async def test_another_key_is_told_that_the_name_is_taken(town: Town) -> None:
    carol = await town.enters("carol")

    with pytest.raises(Refused, match="the name carol is taken") as no:
        await town.enters("CAROL", identity=identity_of("mallory"))

    assert no.value.code == "TKN"
    assert await everybody(carol) == {"carol": Status.ACTIVE}


async def test_a_name_stays_taken_while_its_owner_is_away(town: Town) -> None:
    await (await town.enters("carol")).leaves()
    with pytest.raises(Refused, match="taken"):
        await town.enters("carol", identity=identity_of("mallory"))


async def test_who_comes_back_takes_over_from_their_own_ghost_and_nobody_notices(
    town: Town, autojump_clock: MockClock
) -> None:
    dave = await town.enters("dave")
    ghost = await town.enters("carol")
    while (await dave.hears(Arr)).users[-1].name != "carol":
        pass
    town.hub.cables(ELSEWHERE)[1].silence()

    carol = await town.enters("carol", at="10.0.0.8")
    await town.enters("erin")

    news = await dave.hears(Arr)
    assert [user.name for user in news.users] == ["erin"]
    assert not [message for message in dave.heard if isinstance(message, Lft)]
    town.hub.cables(ELSEWHERE)[1].heal()
    assert await ghost.ends() == TAKEN_OVER
    assert (await everybody(carol))["carol"] is Status.ACTIVE


async def test_a_ghost_has_no_say_any_more(town: Town, autojump_clock: MockClock) -> None:
    ghost = await town.enters("carol")
    cable = town.hub.cables(ELSEWHERE)[0]
    cable.silence()
    ghost.say(SetStatus(1, Status.BUSY))
    carol = await town.enters("carol", at="10.0.0.8")

    cable.heal()
    await ghost.ends()

    assert await everybody(carol) == {"carol": Status.ACTIVE}


async def test_names_survive_the_directory(town: Town) -> None:
    carol = await town.enters("carol")
    key = town.bound.fingerprint

    await town.crashes()
    await carol.ends()
    await town.opens()

    assert town.bound.fingerprint == key
    with pytest.raises(Refused, match="taken"):
        await town.enters("carol", identity=identity_of("mallory"))
    assert (await town.enters("carol")).who.authority == carol.who.authority


async def test_who_was_here_when_the_directory_died_was_seen_shortly_before(
    town: Town, autojump_clock: MockClock
) -> None:
    dave = await town.enters("dave")
    await trio.sleep(1_000)  # a longer silence than the lease allows: PING
    dave = await town.enters("dave")
    died = town.machine.clock.time()
    await trio.sleep(35)
    await town.crashes()
    await town.opens()

    carol = await town.enters("carol")
    seen = await carol.ask(Lookup(1, dave.name))

    assert seen.status is Status.OFFLINE
    assert died - 1 <= seen.since <= died + 36


async def test_who_left_was_last_seen_then_also_after_a_restart(
    town: Town, autojump_clock: MockClock
) -> None:
    dave = await town.enters("dave")
    await trio.sleep(40)
    await dave.leaves()
    left = town.machine.clock.time()
    await trio.sleep(1_000)
    await town.closes()
    await town.opens()

    carol = await town.enters("carol")
    assert abs((await carol.ask(Lookup(1, "dave"))).since - left) < 3


async def test_a_name_that_was_given_back_has_no_owner(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await town.enters("carol")
    dave = await town.enters("dave")

    await dave.hears(Arr)
    assert isinstance(await carol.ask(Unregister(1)), Done)

    assert "given back" in await carol.ends()
    assert (await dave.hears(Lft)).names == ("carol",)
    assert await everybody(dave) == {"dave": Status.ACTIVE}
    again = await town.enters("Carol")
    assert again.welcome.name == "Carol"


@pytest.mark.parametrize(
    "last", [SetStatus(2, Status.BUSY, True), Stir(), SetSpots(2, ()), Renew(2, b"")]
)
async def test_nothing_counts_that_was_asked_behind_giving_a_name_back(
    town: Town, autojump_clock: MockClock, last: ToDirectory
) -> None:
    """Sent in one write: a status of a name that nobody has stopped each LIST from then on."""
    mallory = await town.enters("mallory")
    carol = await town.enters("carol")
    mallory.link.post_bytes(encode(Unregister(1)) + encode(last))
    assert "given back" in await mallory.ends()
    found = await carol.ask(List(carol.next_id(), here=True))
    assert [user.name for user in found.users] == ["carol"]
    assert (await town.enters("mallory")).welcome.name == "mallory"


async def test_two_who_want_a_new_name_at_the_same_moment_do_not_both_get_it(
    town: Town, autojump_clock: MockClock
) -> None:
    got, refused = [], []

    async def want(identity: Identity) -> None:
        try:
            got.append(await town.enters("carol", identity=identity))
        except Refused as no:
            refused.append(no.code)

    town.machine.disk.seconds = 1
    async with trio.open_nursery() as nursery:
        for name in ("carol", "mallory", "trudy"):
            nursery.start_soon(want, identity_of(name))

    assert len(got) == 1
    assert refused == ["TKN", "TKN"]


async def test_one_program_that_registers_twice_at_once_is_one_user(
    town: Town, autojump_clock: MockClock
) -> None:
    town.machine.disk.seconds = 1
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(town.enters, "carol")

    assert await everybody(await town.enters("dave")) == {
        "carol": Status.ACTIVE,
        "dave": Status.ACTIVE,
    }


async def test_a_new_sealing_key_is_kept(town: Town) -> None:
    old = identity_of("carol")
    new = Identity(old.seed()[:32] + random.Random(1).randbytes(32))
    await town.enters("carol", identity=old)
    await (await town.enters("carol", identity=new)).leaves()
    await town.crashes()
    await town.opens()

    dave = await town.enters("dave")
    contact = await dave.ask(Lookup(1, "carol"))

    assert contact.sealing_key == new.sealing_public
    assert contact.sealing_proof == new.sealing_proof()


# --- Impostors ------------------------------------------------------------------


def certified(town: Town, user: Client) -> Any:
    return user.credentials()


async def refusal(town: Town, name: str = "carol", **how: Any) -> Refused:
    """What is said to this attempt; a user who is here keeps getting answers."""
    witness = await town.enters("witness")
    with pytest.raises(Refused) as no:
        await town.enters(name, **how)
    assert isinstance(await witness.ask(Lookup(1, "nobody")), msgspec.Struct)
    assert (await everybody(witness)).get(name, Status.OFFLINE) is Status.OFFLINE
    return no.value


async def test_who_cannot_prove_to_own_the_key_is_refused(town: Town) -> None:
    no = await refusal(town, proof=BAD)
    assert (no.code, str(no)) == ("KEY", "the proof that you own your key does not fit")


async def test_a_proof_that_was_overheard_is_worthless_later(town: Town) -> None:
    overheard: list[Iam] = []

    def listen(honest: Iam) -> Iam:
        overheard.append(honest)
        return honest

    await (await town.enters("carol", change=listen)).leaves()
    no = await refusal(town, identity=identity_of("mallory"), change=lambda _: overheard[0])
    assert no.code == "KEY"


async def test_a_proof_for_another_community_is_worthless_here(town: Town) -> None:
    def elsewhere(honest: Iam) -> Iam:
        proof = identity_of("carol").registration_proof(
            authority=Authority().certificate, nonce=bytes(32), name="carol"
        )
        return msgspec.structs.replace(honest, proof=proof)

    assert (await refusal(town, change=elsewhere)).code == "KEY"


async def test_a_sealing_key_must_be_the_users_own(town: Town) -> None:
    no = await refusal(town, sealing_proof=BAD)
    assert (no.code, str(no)) == ("KEY", "the proof that you own your sealing key does not fit")


async def test_a_known_user_cannot_be_given_a_false_sealing_key(town: Town) -> None:
    await (await town.enters("carol")).leaves()
    assert (await refusal(town, sealing_key=identity_of("mallory").sealing_public)).code == "KEY"


async def test_the_certificate_of_one_user_does_not_open_the_name_of_another(town: Town) -> None:
    mallory = await town.enters("mallory", request=identity_of("mallory").request("mallory"))
    no = await refusal(town, identity=identity_of("mallory"), credentials=mallory.credentials())
    assert (no.code, str(no)) == ("KEY", "your certificate is for mallory, not for carol")


async def test_a_certificate_for_another_key_does_not_fit(town: Town) -> None:
    carol = await town.enters("carol", request=identity_of("carol").request("carol"))
    shown = carol.credentials()
    await carol.leaves()
    no = await refusal(town, identity=identity_of("mallory"), credentials=shown)
    assert (no.code, str(no)) == ("KEY", "your certificate for carol is for another key")


async def test_ones_own_certificate_fits_in_any_spelling(town: Town) -> None:
    carol = await town.enters("carol", request=identity_of("carol").request("carol"))
    again = await town.enters("CAROL", credentials=carol.credentials())
    assert again.welcome.name == "carol"


@pytest.mark.parametrize("request_", [identity_of("dave").request("dave"), b"rubbish"])
async def test_a_certificate_is_for_the_name_and_key_that_iam_has_proved(
    town: Town, request_: bytes
) -> None:
    carol = await town.enters("carol", request=request_)
    subject = read_certificate(carol.welcome.certificate, carol.who.authority, 0)
    assert (subject.name, subject.key) == ("carol", carol.identity.public)


# --- Who may come in ------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "ca rol", "-carol", "c" * 33, "carol\n", "carol\x1b[2J"])
async def test_what_is_no_name_is_refused_with_the_reason(town: Town, name: str) -> None:
    no = await refusal(town, name)
    assert no.code == "NAME"
    assert "is not a valid name" in str(no)


async def test_another_version_of_the_protocol_is_refused_with_both_numbers(town: Town) -> None:
    no = await refusal(town, version=VERSION + 1)
    assert no.code == "VERSION"
    assert f"version {VERSION} of the protocol, your program version {VERSION + 1}" in str(no)


async def test_nobody_arrives_offline(town: Town) -> None:
    assert (await refusal(town, status=Status.OFFLINE)).code == "REFUSED"


async def test_an_advertised_host_must_be_one(town: Town) -> None:
    assert "neither a name nor an address" in str(await refusal(town, host="10.0.0.5; rm"))


async def test_a_closed_community_takes_new_names_only_with_the_token(
    town: Town, autojump_clock: MockClock
) -> None:
    await town.enters("carol")
    await town.closes()
    await town.opens(token="sesame")

    await town.enters("carol")  # she is known
    await town.enters("witness", token="sesame")
    for token in ("", "SESAME", "sésame"):
        no = await refusal(town, "dave", token=token)
        why = "the token is not the one of this directory"
        assert (no.code, str(no)) == ("TOKEN", why if token else NO_TOKEN)
    await town.enters("dave", token="sesame")


async def test_one_address_is_one_user_where_that_is_wanted(town: Town) -> None:
    await town.closes()
    await town.opens(one_per_address=True)
    carol = await town.enters("carol", at="10.0.0.5")

    with pytest.raises(Refused, match=r"from 10\.0\.0\.5 carol has done so") as no:
        await town.enters("dave", at="10.0.0.5")
    assert no.value.code == "ADDRESS"

    carol = await town.enters("carol", at="10.0.0.5")  # herself again
    await town.enters("dave", at="10.0.0.6")
    await carol.leaves()
    erin = await town.enters("erin", at="10.0.0.5")
    assert (await everybody(erin))["carol"] is Status.OFFLINE


async def test_a_full_directory_says_so_and_keeps_those_who_are_here(town: Town) -> None:
    await town.closes()
    await town.opens(connections=4)  # one stranger, three users
    users = [await town.enters(name) for name in ("carol", "dave", "erin")]

    with pytest.raises(Refused, match="full: 3 users are here") as no:
        await town.enters("frank")

    assert no.value.code == "LIMIT"
    assert len(await everybody(users[0])) == 4  # frank has the name, for another time
    await users[2].leaves()
    await town.enters("frank")
    await town.enters("carol")


async def test_who_does_not_say_who_they_are_is_told_so_and_cut(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await town.enters("carol")
    wire = await town.hub.network("10.0.0.66").dial([Address("10.0.0.1", 5000)])
    said = b""
    while chunk := await wire.receive_some():
        said += chunk
    assert b"you did not say who you are within 10 seconds" in said
    carol.say(Ping())
    await everybody(carol)


async def test_at_the_end_everybody_reads_good_bye(town: Town, autojump_clock: MockClock) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    town.hub.cables()[1].stall(reader=ELSEWHERE)  # dave's program is stopped: nobody waits long

    await town.closes()

    assert await carol.ends() == CLOSING
    town.hub.cables()[0].heal()
    await dave.ends()
