"""Whatever lies in a mailbox, its owner's program takes the letters of the honest."""

from typing import Any

import pytest
import trio

from peer.runtime.mailbox import letter_taker
from shared.errors import Refused
from tests.kit.attackers.letters import drop, envelopes_at, gives_again, leave
from tests.kit.community import Community
from tests.kit.raw_peer import raw


async def test_rubbish_delays_nobody(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    async with raw(community, "mallory") as mallory:
        for number in range(100):
            await drop(mallory, "dave", f"{number:032x}", bytes([number]) * (1 + 50 * number))
        await carol.types("LEAVE dave back at five?")
        await dave.starts()
        await dave.sees_part("carol: back at five?")
    await trio.sleep(5)
    assert dave.saw("cannot be opened") == 1
    assert not envelopes_at(community)


async def test_a_mailbox_without_end_is_read_bit_by_bit(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a dishonest directory can fill it: what was read is shown before more is asked for."""
    monkeypatch.setattr(letter_taker, "ENVELOPES_AT_ONCE", 50)
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.types("LEAVE dave back at five?")
    await carol.sees("Message left for dave.")
    ((_, sender, *rest),) = envelopes_at(community)
    more: list[tuple[Any, ...]] = [(bytes([number]) * 16, sender, *rest) for number in range(200)]
    gives_again(community, more)
    await dave.starts()
    await dave.sees_part("carol: back at five?")
    await trio.sleep(5)
    assert len(envelopes_at(community)) > 100
    await trio.sleep(120)
    assert not envelopes_at(community)


async def test_a_sender_whose_name_cannot_be_looked_up_delays_nobody_else(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await community.start("carol", "dave")
    lookup = dave.peer._reach.finder.lookup

    async def broken_for_mallory(name: str) -> Any:
        if name == "mallory":
            raise Refused("not now", "LIMIT")
        return await lookup(name)

    monkeypatch.setattr(dave.peer._reach.finder, "lookup", broken_for_mallory)
    async with raw(community, "mallory") as mallory:
        await leave(mallory, "dave", "hello")
        await carol.types("LEAVE dave back at five?")
        await dave.sees_part("carol: back at five?")
        dave.never_saw("mallory: hello")
        monkeypatch.undo()
        dave.peer._exchange.letters.fetch()
        await dave.sees_part("mallory: hello")
