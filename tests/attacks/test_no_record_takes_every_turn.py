"""Nobody holds a program up with records of TLS that hold no data: others get their turns.

OpenSSL reads on by itself behind such a record, so one call lasted as long as the other side
sent them.  A program takes a few records a turn, and few of these in the life of a wire.
"""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

import shared.wire
from shared.records import Records
from shared.wire import (
    DATALESS,
    EMPTY_BYTES,
    HANDSHAKE_BYTES,
    RECORD_BYTES,
    RECORDS_AT_ONCE,
    TlsWire,
    cause_of,
)
from shared.world import Address
from tests.kit.attackers.tls_records import (
    ALERT,
    DATA,
    HANDSHAKE,
    TICKET,
    Speaker,
    accepted,
    dialled,
    key_update,
)
from tests.kit.wires import LOCAL, directory, presenting, serving

UPDATE = (HANDSHAKE, key_update())
ASKING_UPDATE = (HANDSHAKE, key_update(is_answered=True))
UPDATE_BYTES = 27  # of a record with one
FLOOD = 5_000  # records: far more than anybody may send

Sizes = list[int]


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Sizes:
    """How many records each turn took, of all wires."""
    taken: Sizes = []

    class Counted(Records):
        __slots__ = ()

        def take(self, most: int) -> list[bytes]:
            records = super().take(most)
            taken.append(len(records))
            return records

    monkeypatch.setattr(shared.wire, "Records", Counted)
    return taken


@asynccontextmanager
async def strangers(folder: Path) -> AsyncIterator[tuple[Speaker, TlsWire]]:
    """A stranger, and the wire to them."""
    async with serving() as (server, address):
        speaker = await dialled(address, folder)
        wire = await server.wires.receive()
        yield speaker, wire
        wire.abort()
        await trio.aclose_forcefully(speaker.stream)


@asynccontextmanager
async def servers(folder: Path) -> AsyncIterator[tuple[Speaker, TlsWire]]:
    """A server that was dialled, and the wire to it."""
    speaking, speakers = trio.open_memory_channel[Speaker](1)

    async def answer(stream: trio.SocketStream) -> None:
        speaking.send_nowait(await accepted(stream, directory, folder))
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, host=LOCAL), answer, 0)
        where = Address(LOCAL, listener.socket.getsockname()[1])
        wire = await presenting(None).dial([where])
        yield await speakers.receive(), wire
        wire.abort()
        nursery.cancel_scope.cancel()


async def flood(speaker: Speaker, *records: tuple[int, bytes]) -> None:
    """Send them, until nobody wants them any more."""
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await speaker.send(*records)


async def until_cut(wire: TlsWire) -> tuple[list[bytes], str]:
    """Return all data that the wire hands on, and why it ends."""
    heard = []
    try:
        while True:
            heard.append(await wire.receive_some())
    except trio.BrokenResourceError as error:
        return heard, cause_of(error)


# --- Who sends nothing else -----------------------------------------------------------


@pytest.mark.parametrize("kind", [UPDATE, ASKING_UPDATE], ids=["no answer", "answered"])
async def test_a_stranger_who_renews_keys_without_end_is_cut(
    kind: tuple[int, bytes], tmp_path: Path, turns: Sizes
) -> None:
    others = 0

    async def somebody_else() -> None:
        nonlocal others
        while True:
            others += 1
            await trio.lowlevel.checkpoint()

    async with strangers(tmp_path) as (mallory, wire), trio.open_nursery() as nursery:
        nursery.start_soon(flood, mallory, *[kind] * FLOOD)
        await wait_all_tasks_blocked()  # all of it is here
        nursery.start_soon(somebody_else)
        before = others
        assert await until_cut(wire) == ([], DATALESS)
        assert others - before >= EMPTY_BYTES // UPDATE_BYTES // RECORDS_AT_ONCE
        assert max(turns) == RECORDS_AT_ONCE
        assert sum(turns) <= EMPTY_BYTES // UPDATE_BYTES + RECORDS_AT_ONCE
        assert await until_cut(wire) == ([], DATALESS)
        assert sum(turns) <= EMPTY_BYTES // UPDATE_BYTES + RECORDS_AT_ONCE, "it is not read again"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "records",
    [
        [UPDATE] * FLOOD,
        [(HANDSHAKE, TICKET * (RECORD_BYTES // len(TICKET)))] * 20,
        [(HANDSHAKE, TICKET)] * FLOOD,
    ],
    ids=["keys", "tickets in long records", "tickets"],
)
async def test_so_is_a_server_that_was_dialled(
    records: list[tuple[int, bytes]], tmp_path: Path, turns: Sizes
) -> None:
    async with servers(tmp_path) as (server, wire), trio.open_nursery() as nursery:
        nursery.start_soon(flood, server, *records)
        assert await until_cut(wire) == ([], DATALESS)
        assert max(turns) <= RECORDS_AT_ONCE
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "record",
    [(DATA, b""), (ALERT, b"\x01\x5a"), (HANDSHAKE, key_update()[:1])],
    ids=["empty", "warnings", "in pieces"],
)
async def test_so_is_who_sends_other_things_without_data(
    record: tuple[int, bytes], tmp_path: Path, turns: Sizes
) -> None:
    """OpenSSL itself has enough of most of them, sooner than we."""
    async with strangers(tmp_path) as (mallory, wire), trio.open_nursery() as nursery:
        nursery.start_soon(flood, mallory, *[record] * FLOOD)
        heard, why = await until_cut(wire)
        assert not heard
        assert why
        assert max(turns) <= RECORDS_AT_ONCE
        nursery.cancel_scope.cancel()


async def test_data_between_them_buys_nothing(tmp_path: Path, turns: Sizes) -> None:
    async with strangers(tmp_path) as (mallory, wire), trio.open_nursery() as nursery:
        nursery.start_soon(flood, mallory, *[(DATA, b"x"), UPDATE] * FLOOD)
        heard, why = await until_cut(wire)
        assert why == DATALESS
        assert len(b"".join(heard)) == EMPTY_BYTES // UPDATE_BYTES + 1, "all before it arrives"
        assert max(turns) <= RECORDS_AT_ONCE
        nursery.cancel_scope.cancel()


async def test_nor_does_a_wire_that_is_closed_read_them(tmp_path: Path, turns: Sizes) -> None:
    async with strangers(tmp_path) as (mallory, wire), trio.open_nursery() as nursery:
        nursery.start_soon(flood, mallory, *[UPDATE] * FLOOD)
        await wait_all_tasks_blocked()
        await wire.aclose()
        assert not turns
        nursery.cancel_scope.cancel()


# --- Small records, and a long handshake ------------------------------------------------


async def test_single_bytes_leave_others_their_turns(tmp_path: Path, turns: Sizes) -> None:
    async with strangers(tmp_path) as (mallory, wire), trio.open_nursery() as nursery:
        nursery.start_soon(flood, mallory, *[(DATA, b"x")] * FLOOD)
        heard = 0
        while heard < FLOOD:
            heard += len(await wire.receive_some())
        assert heard == FLOOD
        assert max(turns) == RECORDS_AT_ONCE


async def test_a_handshake_has_an_end() -> None:
    hello = b"\x01\0\xff\xff" + bytes(0xFFFF)
    pieces = [b"\x16\x03\x01\0\x01" + bytes([byte]) for byte in hello]
    assert len(b"".join(pieces)) > HANDSHAKE_BYTES
    async with serving() as (server, address):
        stream = await trio.open_tcp_stream(*address)
        with contextlib.suppress(trio.BrokenResourceError):
            await stream.send_all(b"".join(pieces))
        assert await server.reason() == "no TLS connection: its handshake is too long"
        await trio.aclose_forcefully(stream)


# --- What stays -----------------------------------------------------------------------


async def test_who_renews_keys_now_and_then_talks_on(tmp_path: Path) -> None:
    async with strangers(tmp_path) as (carol, wire):
        for number in range(10):
            said = b"%d" % number
            await carol.send(UPDATE, ASKING_UPDATE, (DATA, said))
            assert await wire.receive_some() == said
            await wire.send_all(said)
            assert await carol.receive() == UPDATE
            assert await carol.receive() == (DATA, said)


async def test_a_server_may_send_a_few_tickets(tmp_path: Path) -> None:
    async with servers(tmp_path) as (server, wire):
        await server.send((HANDSHAKE, TICKET), (HANDSHAKE, TICKET), (DATA, b"hello"))
        assert await wire.receive_some() == b"hello"


async def test_what_comes_before_a_broken_record_arrives(tmp_path: Path) -> None:
    async with strangers(tmp_path) as (carol, wire):
        whole = carol.own.seal(DATA, b"last")
        broken = carol.own.seal(DATA, b"never")[:-1] + b"?"
        await carol.stream.send_all(whole + broken)
        heard, why = await until_cut(wire)
        assert (b"".join(heard), why) == (b"last", "decryption failed or bad record mac")
        kind, alert = await carol.receive()
        assert (kind, alert[:1]) == (ALERT, b"\x02"), "and the other side is told"


async def test_no_record_is_longer_than_tls_allows(tmp_path: Path) -> None:
    async with strangers(tmp_path) as (mallory, wire):
        await mallory.stream.send_all(b"\x17\x03\x03\xff\xff")
        assert "length too long" in (await until_cut(wire))[1]
