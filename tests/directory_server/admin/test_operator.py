"""What an operator asks of a running directory, as its users see it."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from directory_server.admin import requests as ask
from directory_server.admin.operator import OPEN, RESTARTED, RETURNS, Operator
from directory_server.admin.tables import lines
from directory_server.community.names import FORGOTTEN
from directory_server.core.operating.bans import USER, Ban
from directory_server.core.operating.invites import USED_UP
from shared.errors import Refused, StorageError
from shared.messages.directory import Arr, Drop, Lft, List, Notice, Unregister
from tests.kit.directory import ELSEWHERE, TOWN_HALL, Town
from tests.kit.operating import Asking
from tests.kit.raw_client import identity_of


@pytest.fixture
def log_level() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


async def refusal(town: Town, name: str, **how: object) -> Refused:
    with pytest.raises(Refused) as no:
        await town.enters(name, **how)  # type: ignore[arg-type]
    return no.value


# --- Bans ---


async def test_a_banned_user_is_told_why_and_stays_out(town: Town) -> None:
    mallory, dave = await town.enters("mallory"), await town.enters("dave")
    await dave.hears(Arr)  # who comes and goes at once is no news
    operator = Asking(town)
    said = await operator.said(ask.Ban("MALLORY", 7 * 86_400.0, "being rude"))
    assert said == "mallory is banned for 7 days; 1 connection is ended."

    reason = "You are banned from this directory until 2023-11-21 22:13 UTC: being rude"
    assert await mallory.ends() == reason
    assert (await dave.hears(Lft)).names == ("mallory",)
    no = await refusal(town, "mallory")
    assert (no.code, str(no)) == ("BANNED", reason)


async def test_what_a_banned_user_still_sends_is_not_performed(town: Town) -> None:
    await (await town.enters("dave")).leaves()
    mallory = await town.enters("mallory")
    cable = town.hub.cables(ELSEWHERE)[-1]
    cable.silence()  # the directory's words, and mallory's, are on their way
    mallory.say(Drop(1, "dave", "ab" * 16, b"spam"))
    await Asking(town).asks(ask.Ban("mallory"))
    cable.heal()
    await mallory.ends()
    assert (await town.enters("dave")).welcome.waiting == 0


async def test_no_other_name_and_no_other_address_evades_a_ban(town: Town) -> None:
    await (await town.enters("mallory")).leaves()
    await Asking(town).asks(ask.Ban("mallory"))
    key = identity_of("mallory")
    for name in ("mallory", "mallory2", "innocent"):
        for address in (ELSEWHERE, "10.0.0.77"):
            no = await refusal(town, name, at=address, identity=key)
            assert no.code == "BANNED"
    with pytest.raises(Refused, match="taken"):  # the name stays hers
        await town.enters("mallory", identity=identity_of("another"))


async def test_who_is_coming_in_while_the_ban_is_spoken_does_not_stay(town: Town) -> None:
    """The new name goes to disk first; the ban falls meanwhile."""
    operator = Asking(town)
    ended = []

    async def comes(number: int) -> None:
        try:
            client = await town.enters(f"mallory{number}", at="10.9.9.9")
        except Refused as no:
            ended.append(no.code)
        else:
            await client.ends()
            ended.append("ended")

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(comes, number)
        await trio.sleep(0.01)
        await operator.asks(ask.Ban("10.9.9.0/24"))
    assert len(ended) == 20
    assert set(ended) <= {"BANNED", "ended"}
    assert not town.directory.community.sessions.links


async def test_a_ban_outlives_the_directory_and_ends(town: Town, autojump_clock: MockClock) -> None:
    await (await town.enters("mallory")).leaves()
    await Asking(town).asks(ask.Ban("mallory", 3_600.0))
    await Asking(town).asks(ask.Ban("10.0.0.77", 60.0))
    await town.crashes()
    await town.opens()
    assert (await refusal(town, "mallory")).code == "BANNED"
    assert [ban.whom for ban in await Asking(town).asks(ask.Bans())] == ["mallory", "10.0.0.77"]
    await trio.sleep(3_600)
    town.machine.clock.set(town.machine.clock.time() + 3_600)
    await town.enters("mallory")
    assert await Asking(town).asks(ask.Bans()) == []
    await trio.sleep(700)  # the housekeeping comes by
    await town.closes()
    assert town.machine.disk.ask("directory.sqlite", "SELECT * FROM bans") == []


async def test_what_another_directory_of_the_store_has_said_counts_here_too(town: Town) -> None:
    mallory, dave = await town.enters("mallory"), await town.enters("dave")
    community = town.directory.community
    ban = Ban(USER, mallory.identity.public.hex(), "mallory", reason="being rude")
    await community.store.ban(ban)
    await community.store.set_motd("be kind")
    await community.orders.read()
    assert "being rude" in await mallory.ends()
    assert (await refusal(town, "mallory")).code == "BANNED"
    assert (await town.enters("erin")).welcome.motd == "be kind"
    await community.store.unban([ban])
    await community.orders.read()
    await town.enters("mallory")
    await dave.leaves()


async def test_unban_lets_them_in_again(town: Town) -> None:
    await (await town.enters("mallory")).leaves()
    operator = Asking(town)
    await operator.asks(ask.Ban("mallory"))
    await operator.asks(ask.Ban("10.0.0.77"))
    with pytest.raises(Refused, match="nobody is not banned"):
        await operator.asks(ask.Unban("nobody"))
    assert await operator.said(ask.Unban("Mallory")) == "mallory is not banned any more."
    assert await operator.said(ask.Unban("10.0.0.77")) == "10.0.0.77 is not banned any more."
    await town.enters("mallory", at="10.0.0.77")


async def test_a_name_that_looks_like_an_address_can_be_banned(town: Town) -> None:
    await town.enters("10.0.0.5")
    operator = Asking(town)
    assert (await operator.said(ask.Ban("10.0.0.5"))) == "10.0.0.5 is banned for ever."
    said = await operator.said(ask.Ban("name:10.0.0.5"))
    assert said == "10.0.0.5 is banned for ever; 1 connection is ended."
    for nobody in ("nobody", "127.1"):
        with pytest.raises(Refused, match=f"^User {nobody} does not exist!"):
            await operator.asks(ask.Ban(nobody))


async def test_a_network_that_is_none_is_not_taken_for_a_user(town: Town) -> None:
    for whom in ("10.0.0.300/24", "127.0.0.0/33", "fe80::1::2", "10.0.0.5:5000"):
        with pytest.raises(Refused, match=f"^{whom} is no address, and no network$") as no:
            await Asking(town).asks(ask.Ban(whom))
        assert no.value.code == "USAGE"
    with pytest.raises(Refused, match=r"User 10.0.0.0/8 does not exist!"):
        await Asking(town).asks(ask.Ban("name:10.0.0.0/8"))


# --- Invites ---


async def test_an_invite_lets_in_as_many_as_it_says(town: Town, autojump_clock: MockClock) -> None:
    await town.closes()
    await town.opens(is_closed=True)
    operator = Asking(town)
    (made,) = await operator.asks(ask.Invite(uses=2, note="for the class"))
    assert f"--token {made.token} " in made.join
    assert (await refusal(town, "mallory")).code == "TOKEN"
    for name in ("carol", "dave"):
        await town.enters(name, token=made.token)
    assert (await refusal(town, "erin", token=made.token)).code == "TOKEN"
    await town.enters("carol")  # who is known needs none
    assert await operator.asks(ask.Invites()) == []


async def test_one_invite_used_twice_at_the_same_moment_lets_one_in(
    town: Town, autojump_clock: MockClock
) -> None:
    await town.closes()
    await town.opens(is_closed=True)
    operator = Asking(town)
    for turn in range(20):
        (made,) = await operator.asks(ask.Invite())
        outcomes: list[str] = []

        async def comes(name: str, token: str, outcomes: list[str]) -> None:
            try:
                await town.enters(name, token=token, at=f"10.0.1.{len(name)}")
            except Refused as no:
                outcomes.append(str(no))
            else:
                outcomes.append("in")

        async with trio.open_nursery() as nursery:
            for name in ("carol", "dave", "erin", "frank"):
                nursery.start_soon(comes, f"{name}{turn}", made.token, outcomes)
        assert outcomes.count("in") == 1, outcomes
        assert await operator.asks(ask.Invites()) == []
    assert USED_UP in outcomes or "the token is not the one of this directory" in outcomes


async def test_an_invite_is_not_kept_as_it_is(town: Town) -> None:
    (made, said) = await Asking(town).asks(ask.Invite())
    assert said.text == OPEN
    await town.closes()
    kept = town.machine.disk.ask("directory.sqlite", "SELECT * FROM invites")
    assert made.token not in str(kept)
    assert made.token.encode() not in kept[0][0]


async def test_an_invite_can_be_taken_back_and_outlives_the_directory(
    town: Town, autojump_clock: MockClock
) -> None:
    await town.closes()
    await town.opens(is_closed=True)
    (made,) = await Asking(town).asks(ask.Invite(seconds=3_600.0))
    (other,) = await Asking(town).asks(ask.Invite())
    assert await Asking(town).said(ask.Uninvite(other.id)) == (
        f"The invite {other.id} lets nobody in any more."
    )
    with pytest.raises(Refused, match="there is no invite"):
        await Asking(town).asks(ask.Uninvite(other.id))
    await town.crashes()
    await town.opens(is_closed=True)
    assert (await refusal(town, "dave", token=other.token)).code == "TOKEN"
    await town.enters("carol", token=made.token)
    (late,) = await Asking(town).asks(ask.Invite(seconds=60.0))
    town.machine.clock.set(town.machine.clock.time() + 61)
    assert (await refusal(town, "erin", token=late.token)).code == "TOKEN"
    await trio.sleep(700)
    await town.closes()
    assert town.machine.disk.ask("directory.sqlite", "SELECT * FROM invites") == []


# --- Names ---


async def test_a_name_whose_key_is_lost_is_free_after_forget(town: Town) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    await carol.leaves()
    await dave.ask(Drop(1, "carol", "ab" * 16, b"sealed"))
    operator = Asking(town)
    (loses,) = await operator.asks(ask.Forget("CAROL"))
    assert (loses.name, loses.here, loses.messages_waiting) == ("carol", False, 1)
    assert "1 message that waits for carol will be lost." in loses.text
    with pytest.raises(Refused, match="taken"):
        await town.enters("carol", identity=identity_of("her new key"))
    said = await operator.said(ask.Forget("carol", is_certain=True))
    assert said == "carol is forgotten: anybody may register the name."
    carol = await town.enters("carol", identity=identity_of("her new key"))
    assert carol.welcome.waiting == 0


async def test_forget_frees_a_name_that_was_given_back(town: Town) -> None:
    identity = identity_of("carol")
    carol = await town.enters("carol", request=identity.request("carol"))
    await Asking(town).asks(ask.Forget("carol"))  # asks only
    assert (await carol.ask(List(1))).users
    await carol.ask(Unregister(2))
    with pytest.raises(Refused, match="taken"):
        await town.enters("carol", identity=identity_of("another"))
    (loses,) = await Asking(town).asks(ask.Forget("carol"))
    assert "was given back" in loses.text
    await Asking(town).asks(ask.Forget("carol", is_certain=True))
    await town.enters("carol", identity=identity_of("another"))
    for is_certain in (False, True):
        with pytest.raises(Refused, match="User nobody does not exist!"):
            await Asking(town).asks(ask.Forget("nobody", is_certain=is_certain))


async def test_who_is_here_while_forgotten_is_told(town: Town) -> None:
    carol = await town.enters("carol")
    (loses,) = await Asking(town).asks(ask.Forget("carol"))
    assert loses.here
    said = await Asking(town).said(ask.Forget("carol", is_certain=True))
    assert await carol.ends() == FORGOTTEN
    assert said.endswith(f"anybody may register the name.{RETURNS}")


# --- Telling, looking, ending ---


async def test_a_notice_reaches_all_and_a_motd_who_comes_in(town: Town) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    operator = Asking(town)
    assert await operator.said(ask.Notice("back at five")) == "Told to 2 users."
    for client in (carol, dave):
        assert await client.hears(Notice) == Notice("back at five")
    assert await operator.said(ask.Motd()) == "Nobody is told anything on coming in."
    assert await operator.said(ask.Motd("be kind")) == "Whoever comes in is told: be kind"
    assert (await town.enters("erin")).welcome.motd == "be kind"
    await town.crashes()
    await town.opens()
    assert (await town.enters("erin")).welcome.motd == "be kind"
    await Asking(town).asks(ask.Motd(""))
    assert (await town.enters("frank")).welcome.motd == ""


async def test_the_log_tells_all_that_the_operator_has_changed(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    await town.enters("carol")
    operator = Asking(town)
    made, *_ = await operator.asks(ask.Invite())
    for request in (
        ask.Uninvite(made.id),
        ask.Ban("carol"),
        ask.Unban("carol"),
        ask.Forget("carol", is_certain=True),
        ask.Notice("soon"),
        ask.Motd("be kind"),
        ask.Motd(),
    ):
        await operator.asks(request)
    told = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert told == [
        f"the operator has made the invite {made.id}",
        f"the operator has taken the invite {made.id} back",
        "the operator has banned carol for ever: -",
        "the operator has taken the ban of carol back",
        "the operator has forgotten the name carol",
        "the operator tells everybody: soon",
        "the operator lets newcomers be told: be kind",
    ]


async def test_the_operator_sees_who_is_registered(town: Town) -> None:
    await (await town.enters("Dave")).leaves()
    await town.enters("carol")
    operator = Asking(town)
    users = await operator.asks(ask.Users())
    assert [(user.name, user.status, user.address) for user in users] == [
        ("carol", "ACTIVE", ELSEWHERE),
        ("Dave", "OFFLINE", ""),
    ]
    assert [user.name for user in await operator.asks(ask.Users("dA"))] == ["Dave"]
    (state,) = await operator.asks(ask.Status())
    assert (state.names, state.users["ACTIVE"], state.users["OFFLINE"]) == (2, 1, 1)
    assert state.registrations == {"new": 2}
    assert state.registering == "open"
    assert (state.bans, state.invites, state.draining, state.store_failing) == (0, 0, False, False)


async def test_the_operator_sees_the_most_while_the_store_does_not_answer(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.enters("carol")

    async def is_away(*_: object) -> None:
        raise StorageError("the directory's database does not answer")

    for name in ("mail_waiting", "waiting"):
        monkeypatch.setattr(town.directory.community.store, name, is_away)
    (state,) = await Asking(town).asks(ask.Status())
    assert (state.users["ACTIVE"], state.messages_waiting, state.mail_bytes) == (1, None, None)
    assert state.store_failing
    assert "Mail:        not known: the store does not answer" in lines(state)
    (carol,) = await Asking(town).asks(ask.Users())
    assert next(lines(carol)).endswith(" ?")


async def test_who_is_kicked_is_told_why_and_may_come_back(town: Town) -> None:
    carol = await town.enters("carol")
    operator = Asking(town)
    await operator.asks(ask.Kick("carol", "too many connections"))
    assert await carol.hears(Notice) == Notice("Your connection is ended: too many connections")
    await carol.ends()
    with pytest.raises(Refused, match="User carol is offline"):
        await operator.asks(ask.Kick("carol"))
    await town.enters("carol")


async def test_one_backup_at_a_time_is_written_to_a_folder(
    town: Town, tmp_path: Path, autojump_clock: MockClock
) -> None:
    """The second one would take the unfinished folder of the first for one of a crash."""
    operator, folder = Asking(town), str(tmp_path / "backup")
    town.machine.disk.seconds = 1.0
    refused: list[str] = []

    async def back_up() -> None:
        try:
            await operator.asks(ask.Backup(folder))
        except Refused as no:
            refused.append(str(no))

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(back_up)
    assert refused == [f"a backup to {folder} is being written already"]
    assert "authority" in os.listdir(folder)


async def test_a_drained_directory_takes_nobody_in_and_ends(
    town: Town, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clients = [await town.enters(f"user{number}") for number in range(25)]
    operator = Asking(town)
    answers: list[object] = []

    async def drain() -> None:
        answers.extend(await operator.asks(ask.Drain()))

    town.nursery.start_soon(drain)
    await trio.sleep(0.01)
    no = await refusal(town, "late")
    assert (no.code, "about to be restarted" in str(no)) == ("DRAINING", True)
    with pytest.raises(Refused, match="is being emptied already"):
        await operator.asks(ask.Drain())
    for client in clients:
        await client.ends()
    await town._closed.wait()
    assert [getattr(answer, "text", "done") for answer in answers] == [
        "25 users are sent away; none comes in.",
        "Everybody is gone; the directory ends.",
        "done",
    ]
    assert f"user24 is gone: {RESTARTED}" in caplog.text
    assert "is gone: the connection was lost" not in caplog.text
    await town.opens()
    await town.enters("user0")


@pytest.mark.usefixtures("log_level")
async def test_the_log_can_tell_more_from_now_on(town: Town) -> None:
    await Asking(town).asks(ask.Log("info"))
    assert logging.getLogger().level == logging.INFO
    (state,) = await Asking(town).asks(ask.Status())
    assert state.log == "info"


async def test_what_needs_a_running_directory_is_refused_without_one(town: Town) -> None:
    operator = Operator(town.directory.community)

    async def tell(_: ask.Answer) -> None: ...

    for request in (
        ask.Status(), ask.Kick("carol"), ask.Notice("x"), ask.Drain(), ask.Log("info"),
    ):  # fmt: skip
        with pytest.raises(Refused, match="no directory runs on this data") as no:
            await operator.perform(request, tell)
        assert no.value.code == "DIRECTORY"
    await operator.perform(ask.Ban(TOWN_HALL), tell)
