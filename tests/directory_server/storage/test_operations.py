"""Bans, invites and the message of the day in the database."""

import pytest
import trio

from directory_server.core.operating.bans import ADDRESS, USER, Ban
from directory_server.core.operating.invites import USED_UP, Invite, digest_of
from directory_server.core.tombstones import Validity
from directory_server.storage.store import Newcomer, Store
from shared.errors import Refused

KEY = bytes(32)
BAN = Ban(USER, KEY.hex(), "carol", 1.0, 2.0, "being rude")
OTHER = Ban(ADDRESS, "10.0.0.0/24", "", 1.0, None, "")
INVITE = Invite(digest_of("welcome"), 1, 1.0, None, "for dave")


async def test_bans_are_kept_replaced_and_taken_back(store: Store) -> None:
    for ban in (BAN, OTHER, BAN._replace(until=None)):
        await store.ban(ban)
    assert sorted(await store.bans()) == [OTHER, BAN._replace(until=None)]
    await store.unban([BAN])
    assert await store.bans() == [OTHER]


async def test_an_invite_is_used_with_the_name_or_not_at_all(store: Store) -> None:
    await store.invite(INVITE)
    assert await store.invites() == [INVITE]

    async def register(name: str, key: bytes = KEY) -> None:
        new = Newcomer(name, key, KEY, bytes(64), b"", Validity(), INVITE.digest)
        await store.register(new, 1.0, 1.0)

    await register("carol")
    assert await store.uses_left(INVITE.digest) == 0
    with pytest.raises(Refused, match=USED_UP) as no:
        await register("dave")
    assert no.value.code == "TOKEN"
    assert [user.name for user in await store.users()] == ["carol"]
    await register("carol")  # who has the name already uses nothing
    await store.uninvite([INVITE.digest])
    assert await store.invites() == []
    assert await store.uses_left(INVITE.digest) == 0


async def test_two_in_one_commit_use_one_invite_once(store: Store) -> None:
    await store.invite(INVITE._replace(uses=2))
    refused = []

    async def register(name: str) -> None:
        new = Newcomer(name, KEY, KEY, bytes(64), b"", Validity(), INVITE.digest)
        try:
            await store.register(new, 1.0, 1.0)
        except Refused:
            refused.append(name)

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(register, f"user{number}")
    assert len(refused) == 8
    assert len(await store.users()) == 2


async def test_the_message_of_the_day_is_kept(store: Store) -> None:
    assert await store.motd() == ""
    await store.set_motd("be kind")
    assert await store.motd() == "be kind"
    assert await store.mail_waiting() == (0, 0)


async def test_each_commit_is_told(store: Store) -> None:
    told: list[tuple[float, int]] = []
    store.observe(lambda seconds, batch: told.append((seconds, batch)))
    await store.set_motd("be kind")
    assert [batch for _, batch in told] == [1]
