"""Nobody makes somebody else's program dial addresses of their choice, but a few a minute.

Finding 10: a user's host is whatever they say, and every member of a roll was dialled at
once and once a second for a minute, wherever that was.
"""

from bisect import bisect_left
from collections import defaultdict

import msgspec
import pytest
import trio

from directory_server.answers import Answers
from peer.core import membership
from peer.core.reach.dial_policy import CLAIMED_MOST
from peer.options import Options
from shared.messages import directory as wire
from shared.messages import peers
from shared.messages.directory import Iam
from shared.messages.peers import MEMBERS, Accept, Membership, Ringing
from shared.messages.spots import Spot
from tests.kit.community import DIRECTORY, Community, Person
from tests.kit.raw_client import Client, identity_of
from tests.kit.raw_peer import Raw, raw

VICTIM = "192.0.2.1"
PHANTOMS = MEMBERS - 2  # with mallory and the one she tricks: a full conversation


async def phantom(mallory: Raw, number: int, host: str) -> tuple[str, bytes]:
    """A user of mallory's who says to be at the victim's; name and certificate."""
    name = f"phantom{number}"
    client = await Client.register(
        mallory.nursery, mallory.network.hub.network(mallory.host), DIRECTORY, name,
        request=identity_of(name).request(name), change=lambda iam: _at(iam, host, 1_000 + number),
    )  # fmt: skip
    return name, client.welcome.certificate


def _at(iam: Iam, host: str, port: int) -> Iam:
    return msgspec.structs.replace(iam, host=host, port=port)


def membership_of(mallory: Raw, name: str, certificate: bytes) -> Membership:
    me = membership.Me(name, identity_of(name), certificate)
    adding = membership.add(mallory.me, mallory.conversation, mallory.founded, me.id, 1)
    return membership.join(me, mallory.conversation, 1, adding)


async def tricks(mallory: Raw, whom: Person, phantoms: list[Membership]) -> None:
    """One Y to mallory, whose conversation is full of phantoms."""
    link = await mallory.dials(whom)
    await mallory.invites(whom, link)
    await whom.sees(f"User {mallory.name} wants to chat with you. Would you like to? (Y/N)")
    await link.hears(Ringing)
    await whom.types("Y")
    accept = await link.hears(Accept)
    assert accept.membership is not None
    first, *more = membership.pages([mallory.founded, accept.membership, *phantoms])
    link.says(mallory.confirm(whom, first))
    link.says(*(peers.Members(mallory.conversation, page) for page in more))


async def test_a_victim_is_dialled_by_one_peer_at_most_sixty_times_a_minute(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        users = [await phantom(mallory, number, VICTIM) for number in range(PHANTOMS)]
        await tricks(mallory, carol, [membership_of(mallory, *user) for user in users])
        begun = trio.current_time()
        await trio.sleep(150)
        times: dict[int, list[float]] = defaultdict(list)
        for when, (host, port) in community.hub.dialled:
            if host == VICTIM:
                times[port].append(when - begun)
    dials = sorted(time for some in times.values() for time in some)
    assert len(times) == PHANTOMS, "each was tried: they might have been there"
    in_a_minute = max(bisect_left(dials, start + 60) - n for n, start in enumerate(dials))
    assert in_a_minute <= CLAIMED_MOST
    assert max(map(len, times.values())) <= 8, "1 + 2 + 4 + ... seconds between two tries"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1",
     "224.0.0.1", "0.0.0.0", "::", "rebound.example"],
)  # fmt: skip
async def test_nobody_is_sent_to_their_own_machine_or_cable(
    community: Community, host: str
) -> None:
    (carol,) = await community.start("carol")
    community.hub.names["rebound.example"] = ("127.0.0.1", "169.254.0.7")
    async with raw(community, "mallory") as mallory:
        await phantom(mallory, 1, host)
        await carol.types("PRV phantom1 hello")
        await carol.sees(
            f"Not delivered to phantom1: the directory does not see phantom1 at {host}.", within=8
        )
        await carol.sees("Message left for phantom1.")
    dialled = {address.host for _, address in community.hub.dialled}
    assert dialled <= {DIRECTORY.host}


@pytest.mark.parametrize("spots", [(), (Spot("127.0.0.1", 22, "SEEN"),)])
async def test_a_dishonest_directory_cannot_send_anybody_to_their_own_machine(
    community: Community, monkeypatch: pytest.MonkeyPatch, spots: tuple[Spot, ...]
) -> None:
    carol, _ = await community.start("carol", "dave")
    honest = Answers._contact

    def lie(self: Answers, re: int, user: object) -> wire.Contact:
        found = honest(self, re, user)  # type: ignore[arg-type]
        return msgspec.structs.replace(
            found, host="127.0.0.1", seen="127.0.0.1", port=22, spots=spots
        )

    monkeypatch.setattr(Answers, "_contact", lie)
    carol.knows_no_punch()
    await carol.types("PRV dave hello")
    await carol.sees("Not delivered to dave: the directory does not see dave at 127.0.0.1.")


async def test_a_name_server_is_asked_no_more_often_than_an_address_is_dialled(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    community.hub.names["tell-tale.example"] = (VICTIM,)
    async with raw(community, "mallory") as mallory:
        user = await phantom(mallory, 1, "tell-tale.example")
        await tricks(mallory, carol, [membership_of(mallory, *user)])
        await trio.sleep(60)
    assert 5 <= community.hub.asked_for.count("tell-tale.example") <= 7


# --- What the honest do not feel --------------------------------------------------


async def test_who_says_the_address_that_the_directory_sees_is_reached_there(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    community.hub.names["daves-laptop"] = ("10.9.9.9", "10.0.1.2")  # the first is an old one
    dave = community.person("dave", Options(advertise_host="daves-laptop"))
    await dave.starts()
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")


async def test_a_neighbour_who_starts_again_is_found_at_once(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    for _ in range(3):
        await dave.is_killed()
        await trio.sleep(3)
        await dave.starts()
        await dave.sees("You are back in the conversation with carol.")
    await carol.types("welcome back")
    await dave.sees("carol: welcome back")
