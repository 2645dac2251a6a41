"""Several directories on one store: each answers for all of them."""

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from directory_server.admin import requests as ask
from directory_server.admin.operator import MOVE_SECONDS
from directory_server.core.cluster.bulletins import Arrival, Bulletin, Call
from directory_server.core.cluster.lease import LEASE_SECONDS, RENEW_SECONDS
from directory_server.core.operating.bans import Ban
from directory_server.storage.cluster import Found
from shared.errors import Refused, StorageError
from shared.messages.common import Err, Status
from shared.messages.directory import (
    Arr,
    Chg,
    Contact,
    Done,
    Drop,
    Fetch,
    Lft,
    List,
    Lookup,
    Move,
    Notice,
    Receipts,
    SetStatus,
    Stored,
    Taken,
    Unregister,
    Verdict,
    Waiting,
)
from shared.messages.punching import Go, Punch, Punches
from shared.messages.spots import Knock, Knocks, Spot
from tests.kit.cluster import AWAY, SharedTown, Towns
from tests.kit.meetings import coming, next_of
from tests.kit.operating import Asking
from tests.kit.raw_client import PORT, Client, identity_of

QUIET = 30.0  # until all is told, and told again


@pytest.fixture
async def two(nursery: trio.Nursery, autojump_clock: MockClock) -> list[SharedTown]:
    towns = await Towns(nursery).open(2)
    await trio.sleep(2 * RENEW_SECONDS)  # until each knows that the other lives
    return towns


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(60):
        while not holds():  # noqa: ASYNC110  # whatever brings it about
            await trio.sleep(0.05)


async def look_up(client: Client, name: str) -> Any:
    return await client.ask(Lookup(client.next_id(), name))


async def statuses(client: Client) -> dict[str, Status]:
    answer = await client.ask(List(client.next_id()))
    return {one.name: one.status for one in answer.users}


async def hears_of(client: Client, name: str) -> None:
    while not any(one.name == name for one in (await client.hears(Arr)).users):
        pass


async def leave(client: Client, to: str, number: int) -> Any:
    return await client.ask(Drop(client.next_id(), to, f"{number:032x}", b"sealed"))


async def test_a_user_of_another_directory_is_told_listed_and_found(two: list[SharedTown]) -> None:
    here, there = two
    carol = await here.enters("carol")
    dave = await there.enters("dave", at="10.0.1.7")
    await hears_of(carol, "dave")
    contact = await look_up(carol, "dave")
    assert (contact.status, contact.host) == (Status.ACTIVE, "10.0.1.7")
    assert await statuses(carol) == await statuses(dave)
    await dave.ask(SetStatus(dave.next_id(), Status.BUSY, True, "till five"))
    (change,) = (await carol.hears(Chg)).users
    assert (change.name, change.status, change.note) == ("dave", Status.BUSY, "till five")
    await dave.leaves()
    assert (await carol.hears(Lft)).names == ("dave",)
    assert (await look_up(carol, "dave")).status is Status.OFFLINE


async def test_a_no_is_asked_of_the_database(two: list[SharedTown]) -> None:
    here, there = two
    carol = await here.enters("carol")
    there.cluster.losses = 1  # it can tell nobody, and has said all that it has to say
    erin = await there.enters("erin")
    assert isinstance(await look_up(carol, "erin"), Contact)
    assert (await look_up(carol, "nobody")).code == "NOBODY"
    assert isinstance(await leave(carol, "erin", 1), Stored)
    assert erin.name == "erin"


class LateAnswer:
    """The answer of the database to where somebody is, read now, and heard much later."""

    def __init__(self, town: SharedTown) -> None:
        self._find, self._ask = town.cluster.find, town.directory.community.others.ask
        self._nursery, self._is_read, self._may_come = town.nursery, trio.Event(), trio.Event()
        town.cluster.find = self._late  # type: ignore[method-assign]

    async def _late(self, name: str) -> Found:
        found = await self._find(name)
        self._is_read.set()
        await self._may_come.wait()
        return found

    async def is_read(self, name: str) -> None:
        self._nursery.start_soon(self._ask, name)
        await self._is_read.wait()

    async def comes(self) -> None:
        self._may_come.set()
        await trio.sleep(1)


async def test_a_late_answer_brings_nobody_back_who_has_left(two: list[SharedTown]) -> None:
    here, there = two
    carol, dave = await here.enters("carol"), await there.enters("dave")
    await hears_of(carol, "dave")
    answer = LateAnswer(here)
    await answer.is_read("dave")
    await dave.leaves()
    await carol.hears(Lft)
    await answer.comes()
    assert (await statuses(carol))["dave"] is Status.OFFLINE


@pytest.mark.parametrize("at", [0, 1])
async def test_a_late_answer_brings_no_name_back(two: list[SharedTown], at: int) -> None:
    carol, dave = await two[0].enters("carol"), await two[at].enters("dave")
    await hears_of(carol, "dave")
    answer = LateAnswer(two[0])
    await answer.is_read("dave")
    assert isinstance(await dave.ask(Unregister(dave.next_id())), Done)
    await carol.hears(Lft)
    await answer.comes()
    assert "dave" not in await statuses(carol)


async def test_a_knock_is_heard_at_another_directory(two: list[SharedTown]) -> None:
    here, there = two
    carol = await here.enters("carol", at="198.51.100.1", spots=(Spot("10.0.0.5", PORT, "LAN"),))
    dave = await there.enters("dave", at="198.51.100.2")
    await hears_of(carol, "dave")
    assert isinstance(await carol.ask(Knock(carol.next_id(), "dave")), Done)
    assert await dave.hears(Knocks) == Knocks("carol", (Spot("198.51.100.1", PORT, "SEEN"),))
    await trio.sleep(5.0)
    assert isinstance(await dave.ask(Knock(dave.next_id(), "carol")), Done)
    assert (await carol.hears(Knocks)).name == "dave"


async def test_a_knock_at_or_of_somebody_who_is_unknown_is_lost(two: list[SharedTown]) -> None:
    here, there = two
    await here.enters("carol")
    dave = await there.enters("dave")
    community = there.directory.community
    hear, id_of = community.others._elsewhere.hear, community.registry.look_up("dave").id  # type: ignore[union-attr]
    hear(Bulletin(1, knocks=((10**9, id_of), (id_of, 10**9))))
    await trio.sleep(1.0)
    assert not [one for one in dave.heard if isinstance(one, Knocks)]


async def test_who_moves_is_taken_over_at_once(two: list[SharedTown]) -> None:
    here, there = two
    carol = await here.enters("carol")
    old = await here.enters("dave")
    new = await there.enters("dave", at="10.0.1.8")
    assert (await old.hears(Err)).code == "TAKEOVER"
    assert await old.ends()
    assert (await look_up(carol, "dave")).host == "10.0.1.8"
    assert not new.is_over
    assert not [one for one in carol.heard if isinstance(one, Lft)], "dave was never away"


async def test_a_name_has_one_owner_at_all_directories(two: list[SharedTown]) -> None:
    here, there = two
    await here.enters("carol")
    with pytest.raises(Refused) as refusal:
        await there.enters("Carol", identity=identity_of("mallory"))
    assert refusal.value.code == "TKN"


async def test_a_name_that_was_given_back_is_kept_for_its_key_everywhere(
    two: list[SharedTown],
) -> None:
    here, there = two
    dave = await there.enters("dave")
    carol = await here.enters("carol")
    await hears_of(dave, "carol")
    assert isinstance(await carol.ask(Unregister(carol.next_id())), Done)
    await dave.hears(Lft)
    assert (await look_up(dave, "carol")).code == "NOBODY"
    with pytest.raises(Refused) as refusal:
        await there.enters("carol", identity=identity_of("mallory"))
    assert refusal.value.code == "TKN"
    assert await there.enters("carol")


async def test_mail_and_its_receipt_cross(two: list[SharedTown]) -> None:
    here, there = two
    carol, dave = await here.enters("carol"), await there.enters("dave")
    assert isinstance(await leave(carol, "dave", 1), Stored)
    assert (await dave.hears(Waiting)).count == 1
    (one,) = (await dave.ask(Fetch(dave.next_id(), 0))).envelopes
    await dave.ask(Taken(dave.next_id(), (Verdict(one.number, one.id, bytes(64)),)))
    assert (await carol.hears(Receipts)).receipts[0].envelope == one.id


async def test_no_directory_hears_more_knocks_than_its_user_may(two: list[SharedTown]) -> None:
    here, there = two
    carol, dave = await here.enters("carol", at="10.0.1.7"), await there.enters("dave")
    await hears_of(dave, "carol")
    sent = there.directory.community.registry
    (one, other) = (user.id for user in (sent.look_up("carol"), sent.look_up("dave")))
    many = Bulletin(99, knocks=((one, other),) * 10 + ((one, 12345), (12345, other)))
    await here.cluster.tell([many])
    await trio.sleep(QUIET)
    assert len([message for message in dave.heard if isinstance(message, Knocks)]) == 1
    assert not carol.is_over


async def test_a_directory_that_dies_is_swept(two: list[SharedTown]) -> None:
    here, there = two
    carol, _dave = await here.enters("carol"), await there.enters("dave")
    await hears_of(carol, "dave")
    await there.crashes()
    begun = trio.current_time()
    assert (await statuses(carol))["dave"] is Status.ACTIVE, "nobody knows yet"
    await until(lambda: any(isinstance(one, Lft) for one in carol.heard))
    assert trio.current_time() - begun >= LEASE_SECONDS - 2


async def test_welcome_names_the_others_that_live(two: list[SharedTown]) -> None:
    here, there = two
    assert (await there.enters("dave")).welcome.others == (here.address,)
    await there.crashes()
    await trio.sleep(QUIET)
    assert (await here.enters("erin")).welcome.others == ()


# --- The operator of one of them ---


async def test_a_ban_a_kick_and_a_notice_reach_users_of_other_directories(
    two: list[SharedTown],
) -> None:
    here, there = two
    carol, mallory = await here.enters("carol"), await there.enters("mallory")
    await hears_of(carol, "mallory")
    operator = Asking(here)
    assert await operator.said(ask.Notice("Back at five")) == "Told to 2 users."
    for client in (carol, mallory):
        assert (await client.hears(Notice)).text == "Back at five"
    assert "is ended" in await operator.said(ask.Kick("mallory", "too loud"))
    assert (await mallory.hears(Notice)).text == "Your connection is ended: too loud"
    mallory = await there.enters("mallory")
    await operator.asks(ask.Ban("mallory", reason="still too loud"))
    assert "still too loud" in await mallory.ends()
    with pytest.raises(Refused) as refusal:
        await there.enters("mallory")
    assert refusal.value.code == "BANNED"
    await operator.asks(ask.Motd("be kind"))
    await operator.asks(ask.Unban("mallory"))
    await trio.sleep(QUIET)
    assert (await there.enters("mallory")).welcome.motd == "be kind"
    await operator.asks(ask.Forget("mallory", is_certain=True))
    mallory = await there.enters("mallory", identity=identity_of("her new key"))
    await trio.sleep(QUIET)
    assert not mallory.is_over
    assert (await look_up(carol, "mallory")).key == mallory.identity.public


async def test_a_ban_is_kept_that_was_said_while_others_were_read(two: list[SharedTown]) -> None:
    here, there = two
    mallory = await here.enters("mallory")
    read, is_read, may_come = here.store.bans, trio.Event(), trio.Event()

    async def late() -> list[Ban]:
        found = await read()
        is_read.set()
        await may_come.wait()
        return found

    here.store.bans = late  # type: ignore[method-assign]
    await Asking(there).asks(ask.Motd("be kind"))
    await is_read.wait()
    await Asking(here).asks(ask.Ban("mallory", reason="too loud"))
    may_come.set()
    assert "too loud" in await mallory.ends()
    await trio.sleep(1)
    with pytest.raises(Refused) as refusal:
        await here.enters("mallory")
    assert refusal.value.code == "BANNED"
    assert (await here.enters("carol")).welcome.motd == "be kind"


async def test_a_drained_directory_sends_its_users_to_the_others(two: list[SharedTown]) -> None:
    here, there = two
    moves, old = await here.enters("carol"), await here.enters("dave")
    erin = await there.enters("erin")
    here.nursery.start_soon(Asking(here).asks, ask.Drain())
    for client in (moves, old):
        assert (await client.hears(Move)).to == there.address
    begun = trio.current_time()
    carol = await there.enters("carol")
    assert (await moves.hears(Err)).code == "TAKEOVER", "which its program expects"
    assert await old.ends(), "an old program ignores MOVE"
    assert trio.current_time() - begun >= MOVE_SECONDS - 1
    await until(lambda: not here.is_open)
    assert not carol.is_over
    assert "carol" not in [name for one in erin.heard if isinstance(one, Lft) for name in one.names]
    await trio.sleep(2 * RENEW_SECONDS)
    (state,) = await Asking(there).asks(ask.Status())
    assert (state.directories, state.others) == (1, ())


async def test_a_draining_directory_is_named_to_nobody(two: list[SharedTown]) -> None:
    here, there = two
    await here.enters("carol")
    (state,) = await Asking(there).asks(ask.Status())
    assert (state.directories, state.others) == (2, (here.address,))
    here.nursery.start_soon(Asking(here).asks, ask.Drain())
    await trio.sleep(MOVE_SECONDS / 2)
    assert here.is_open
    assert (await there.enters("erin")).welcome.others == ()


# --- Without the database ---


async def test_without_the_database_all_goes_on_that_needs_none(two: list[SharedTown]) -> None:
    here, there = two
    carol, dave = await here.enters("carol"), await there.enters("dave")
    await (await here.enters("erin")).leaves()
    await hears_of(carol, "dave")
    await trio.sleep(1)  # until the other one knows that erin has left
    for town in two:
        town.breaks(away=True)
    await trio.sleep(2 * LEASE_SECONDS)
    assert isinstance(await look_up(carol, "dave"), Contact)
    assert (await look_up(carol, "erin")).status is Status.OFFLINE
    assert (await look_up(carol, "nobody")).code == "NOBODY"
    assert await statuses(carol) == await statuses(dave)
    assert (await leave(carol, "dave", 1)).code == "DISK"
    erin = await here.enters("erin")  # who is known needs nothing written
    with pytest.raises(Refused) as refusal:
        await there.enters("frank")
    assert refusal.value.code == "DISK"
    for town in two:
        town.breaks(away=False)
    await hears_of(dave, "erin")
    await trio.sleep(QUIET)
    assert not any(client.is_over for client in (carol, dave, erin))
    assert not [one for one in carol.heard if isinstance(one, Lft) and "dave" in one.names]
    assert isinstance(await leave(carol, "dave", 2), Stored)


async def test_what_an_operator_is_told_to_be_done_elsewhere_has_been_told_there(
    two: list[SharedTown],
) -> None:
    here, there = two
    carol, mallory = await here.enters("carol"), await there.enters("mallory")
    await hears_of(carol, "mallory")
    operator = Asking(here)
    here.breaks(away=True)
    with pytest.raises(StorageError, match=f"^{AWAY}$"):
        await operator.asks(ask.Kick("mallory", "too loud"))
    with pytest.raises(StorageError) as error:
        await operator.asks(ask.Notice("Back at five"))
    assert str(error.value) == f"told to 1 users here, but not to 1 elsewhere: {AWAY}"
    assert (await carol.hears(Notice)).text == "Back at five"
    with pytest.raises(Refused, match="User nobody does not exist!"):
        await operator.asks(ask.Kick("nobody"))
    here.breaks(away=False)
    await trio.sleep(QUIET)
    assert not mallory.is_over, "what was refused is not done later"
    assert not [one for one in mallory.heard if isinstance(one, Notice)]
    assert "is ended" in await operator.said(ask.Kick("mallory", "too loud"))
    assert (await mallory.hears(Notice)).text == "Your connection is ended: too loud"


async def test_a_notice_is_refused_where_somebody_may_have_come_in_elsewhere_unseen(
    two: list[SharedTown],
) -> None:
    here, there = two
    carol = await here.enters("carol")
    here.breaks(away=True)
    await there.enters("mallory")
    with pytest.raises(StorageError) as error:
        await Asking(here).asks(ask.Notice("Back at five"))
    assert str(error.value) == f"told to 1 users here, but not at other directories: {AWAY}"
    assert (await carol.hears(Notice)).text == "Back at five"


async def test_who_is_alone_on_the_store_tells_everybody_also_without_it(
    two: list[SharedTown],
) -> None:
    here, there = two
    await there.closes()
    await trio.sleep(2 * RENEW_SECONDS)  # until this one knows that it is alone
    carol = await here.enters("carol")
    here.breaks(away=True)
    assert await Asking(here).said(ask.Notice("Back at five")) == "Told to 1 users."
    assert (await carol.hears(Notice)).text == "Back at five"


async def test_who_moved_while_a_directory_had_no_database_stays_where_they_went(
    two: list[SharedTown],
) -> None:
    here, there = two
    carol = await here.enters("carol")
    await (await there.enters("dave")).leaves()
    await trio.sleep(1)
    here.breaks(away=True)
    old = await here.enters("dave", at="10.0.1.7")  # it can tell nobody
    await trio.sleep(2 * LEASE_SECONDS)
    new = await there.enters("dave", at="10.0.1.8")
    await trio.sleep(1)
    here.breaks(away=False)
    await until(lambda: old.is_over)
    assert (await old.hears(Err)).code == "TAKEOVER"
    await trio.sleep(QUIET)
    assert not new.is_over, "the later registration has the user, although it was told first"
    assert (await look_up(carol, "dave")).host == "10.0.1.8"
    assert not carol.is_over, "whose directory was thought dead, and is not"


async def test_a_directory_that_heard_nothing_for_a_while_catches_up(
    two: list[SharedTown],
) -> None:
    here, there = two
    carol, erin = await here.enters("carol"), await here.enters("erin")
    dave, mallory = await there.enters("dave"), await there.enters("mallory")
    await hears_of(carol, "dave")
    assert isinstance(await leave(dave, "erin", 1), Stored)
    there.breaks(away=True)
    await trio.sleep(1)
    await Asking(here).asks(ask.Ban("mallory", reason="too loud"))
    assert isinstance(await leave(carol, "dave", 2), Stored)
    (one,) = (await erin.ask(Fetch(erin.next_id(), 0))).envelopes
    await erin.ask(Taken(erin.next_id(), (Verdict(one.number, one.id, bytes(64)),)))
    await trio.sleep(1)  # until all has been told, which nobody there has heard
    there.breaks(away=False)
    assert "too loud" in await mallory.ends()
    assert (await dave.hears(Waiting)).count == 1
    assert (await dave.hears(Receipts)).receipts[0].envelope == one.id


def come(town: SharedTown, who: Client, at: str, token: bytes) -> Any:
    address = town.bound.address._replace(host=town.host)
    return coming(town._towns.hub.network(at), address, who.credentials(), token)


@pytest.mark.parametrize("meets_at", [0, 1])
async def test_two_users_meet_though_they_are_at_two_directories(
    two: list[SharedTown], meets_at: int
) -> None:
    here, there = two
    request = {name: identity_of(name).request(name) for name in ("carol", "dave")}
    carol = await here.enters("carol", at="198.51.100.1", request=request["carol"])
    dave = await there.enters("dave", at="198.51.100.2", request=request["dave"])
    await hears_of(carol, "dave")
    said = await carol.ask(Punch(carol.next_id(), "dave"))
    async with come(two[meets_at], carol, "198.51.100.1", said.token) as one:  # without waiting
        assert await dave.hears(Punches) == Punches(said.token, "carol", "carol")
        async with come(there, dave, "198.51.100.2", said.token) as other:
            for link, host in ((one, "198.51.100.2"), (other, "198.51.100.1")):
                go = await next_of(link)
                assert isinstance(go, Go)
                assert [(spot.host, spot.kind) for spot in go.spots] == [(host, "SEEN")]


async def test_what_is_told_of_no_meeting_is_ignored(two: list[SharedTown]) -> None:
    _, there = two
    dave = await there.enters("dave")
    community = there.directory.community
    hear, id_of = community.others._elsewhere.hear, community.registry.look_up("dave").id  # type: ignore[union-attr]
    token = b"x" * 16
    hear(Bulletin(1, calls=(Call(token, 10**9, id_of), Call(token, id_of, 10**9))))
    hear(Bulletin(1, arrivals=(Arrival(token, id_of, "198.51.100.1", 7),)))
    await trio.sleep(1.0)
    assert not [one for one in dave.heard if isinstance(one, Punches)]
