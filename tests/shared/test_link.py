"""One link over a wire in memory: what it delivers, how it ends, and what it says then."""

import contextlib
import math
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from shared.codec import LINE_BYTES, STRANGER_LINE_BYTES, Codec, encode
from shared.errors import ParleyError, ProtocolError, Refused, StorageError, TurnedAway, Unreachable
from shared.heartbeat import DEAD_AFTER, DOUBT_SECONDS, PING_AFTER
from shared.link import (
    LINGER_SECONDS,
    OUTBOX_BYTES,
    WRITE_BYTES,
    WRITE_SECONDS,
    Link,
    within,
)
from shared.messages.common import Bye, Err, Ping, Pong
from shared.messages.peers import BetweenPeers, Decline, PeerIam, Text
from shared.outbox import GATHER_SECONDS
from tests.kit.world import PIPE_BYTES, Cable, MemoryWire, cable

ID = "0123456789abcdef" * 2
IAM = PeerIam(1, "carol", ID, 7.0)


def say(number: int, text: str = "x") -> Text:
    return Text(ID, "carol", ID[:16], number, number, 0.0, (text,))


def says(count: int, text: str = "x") -> list[Text]:
    return [say(number, text) for number in range(1, count + 1)]


class End:
    """A link, what it has received, and when it was over."""

    def __init__(self, wire: MemoryWire, **options: Any) -> None:
        self.wire = wire
        self.link: Link[Any] = Link(wire, BetweenPeers, **options)
        self.received: list[Any] = []
        self.ended_at = math.nan

    async def run(self, serve: Callable[[], Awaitable[None]] | None = None) -> None:
        await self.link.run(serve or self.collect)
        self.ended_at = trio.current_time()

    async def collect(self) -> None:
        while batch := await self.link.receive():
            self.received += batch

    async def fails(self, error: Exception) -> None:
        await self.run(lambda: _raise(error))


async def _raise(error: Exception) -> None:
    await trio.lowlevel.checkpoint()
    raise error


def two(joint: Cable | None = None, **options: Any) -> tuple[End, End]:
    joint = joint or cable()
    return End(joint.dialler, **options), End(joint.answerer, **options)


def one_and_a_wire(**options: Any) -> tuple[End, MemoryWire]:
    """A link, and the bare wire of an other side that keeps no rules."""
    joint = cable()
    return End(joint.dialler, **options), joint.answerer


async def everything(wire: MemoryWire) -> list[Any]:
    """All messages until the end of the wire."""
    codec, messages = Codec[Any](BetweenPeers, LINE_BYTES), list[Any]()
    try:
        while chunk := await wire.receive_some():
            messages += codec.feed(chunk)
    except trio.BrokenResourceError:
        messages.append("reset")
    return messages


# --- What is posted arrives --------------------------------------------------------------


async def test_all_that_waits_goes_out_in_one_write(autojump_clock: MockClock) -> None:
    here, there = two()
    messages = says(200)
    assert sum(len(encode(one)) for one in messages) < WRITE_BYTES * 2
    for one in messages:
        here.link.post(one)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
        await trio.testing.wait_all_tasks_blocked()
        assert there.received == messages
        assert here.wire.writes == math.ceil(sum(map(len, map(encode, messages))) / WRITE_BYTES)
        here.link.post(say(201))
        here.link.post(say(202))
        await trio.testing.wait_all_tasks_blocked()
        assert here.wire.writes == 3
        here.link.hang_up()
    assert there.received == [*messages, say(201), say(202)]


async def test_a_line_that_is_the_same_for_many_is_encoded_once(autojump_clock: MockClock) -> None:
    here, there = two()
    here.link.post_bytes(encode(say(1)) + encode(say(2)))
    here.link.hang_up(say(3))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
    assert there.received == says(3)


async def test_megabytes_arrive_in_order_through_a_narrow_pipe(autojump_clock: MockClock) -> None:
    here, there = two(cable(room=700))
    there.link.identified()
    messages = says(200, "y" * 8_000)
    for one in messages:
        here.link.post(one)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
        await here.link.flush()
        here.link.post(say(201))
        await here.link.flush()
        here.link.hang_up()
    assert there.received == [*messages, say(201)]


async def test_flush_waits_for_room_and_for_nothing_when_it_is_over(
    autojump_clock: MockClock,
) -> None:
    for ending in ("cut", "cancelled", "hung up"):
        here, there = one_and_a_wire()
        flushed = trio.Event()

        async def flush(here: End = here, flushed: trio.Event = flushed) -> None:
            await here.link.flush()
            flushed.set()

        async with trio.open_nursery() as nursery:
            await here.link.flush()
            scope = trio.CancelScope()

            async def run(here: End = here, scope: trio.CancelScope = scope) -> None:
                with scope:
                    await here.run()

            nursery.start_soon(run)
            here.link.post_bytes(b"x" * (PIPE_BYTES + 3 * WRITE_BYTES))
            nursery.start_soon(flush)
            nursery.start_soon(flush)
            await trio.testing.wait_all_tasks_blocked()
            assert not flushed.is_set()
            match ending:
                case "cut":
                    here.link.cut("enough")
                case "cancelled":
                    scope.cancel()
                case _:
                    here.link.hang_up()
                    nursery.start_soon(everything_raw, there)
        assert flushed.is_set()


async def everything_raw(wire: MemoryWire) -> int:
    total = 0
    while chunk := await wire.receive_some():
        total += len(chunk)
    await wire.aclose()
    return total


# --- Limits ------------------------------------------------------------------------------


async def test_who_does_not_keep_up_is_cut(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire()
    line = encode(say(1, "z" * 7_000))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        await trio.testing.wait_all_tasks_blocked()
        posted = 0
        while not here.link.is_over:
            here.link.post_bytes(line)
            posted += len(line)
            assert posted < PIPE_BYTES + OUTBOX_BYTES + 2 * WRITE_BYTES
            await trio.lowlevel.checkpoint()
        here.link.post(say(2))  # neither blocks nor raises, ever
    assert here.link.reason == "the other side does not keep up"
    assert here.link.failure is None
    assert (await everything(there))[-1] == "reset"


async def test_a_flood_of_pings_that_never_reads_costs_bounded_memory(
    autojump_clock: MockClock,
) -> None:
    here, there = one_and_a_wire()
    flood, sent = encode(Ping()) * 1_000, 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        with contextlib.suppress(trio.BrokenResourceError):
            while sent < 100_000_000:
                await there.send_all(flood)
                sent += len(flood)
    assert sent < 2 * (OUTBOX_BYTES + 2 * PIPE_BYTES)
    assert here.link.reason == "the other side does not keep up"


@pytest.mark.parametrize("line", [b"\n", b'{"t":"PONG"}\n'])
async def test_nor_does_a_flood_of_nothing_stop_others(
    line: bytes, autojump_clock: MockClock
) -> None:
    here, there = one_and_a_wire()
    turns = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)

        async def flood() -> None:
            for _ in range(50):
                await there.send_all(line * 1_000)
            await there.aclose()

        nursery.start_soon(flood)
        while math.isnan(here.ended_at):
            turns += 1
            await trio.lowlevel.checkpoint()
    assert turns > 50
    assert here.received == []


async def test_a_stranger_says_little_and_a_friend_more(autojump_clock: MockClock) -> None:
    long = say(1, "w" * 8_000)
    worst = say(1, "\x01" * 8_000)
    assert len(encode(long)) < STRANGER_LINE_BYTES < len(encode(worst)) < LINE_BYTES
    for known in (False, True):
        here, there = two()
        if known:
            there.link.identified()
        here.link.post(long)
        here.link.post(worst)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(here.run)
            nursery.start_soon(there.run)
            await trio.testing.wait_all_tasks_blocked()
            here.link.hang_up()
        if known:
            assert there.received == [long, worst]
        else:
            assert isinstance(there.link.failure, ProtocolError)
            assert here.received == [Err("PROTOCOL", "a line is longer than 16384 bytes")]


async def test_what_follows_the_first_message_at_once_may_be_long(
    autojump_clock: MockClock,
) -> None:
    """Both go out in one write, before the other side has called `identified`."""
    here, there = two()
    long = say(1, "\x01" * 8_000)

    async def serve() -> None:
        assert await there.link.expect(PeerIam) == IAM
        await trio.sleep(1)
        there.link.identified()
        await there.collect()

    here.link.post(IAM)
    here.link.hang_up(long)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run, serve)
    assert there.received == [long]


# --- Alive or dead -----------------------------------------------------------------------


@pytest.mark.parametrize("start", [0.0, 1.318, 5.761, 7.999, 63.219])
async def test_a_dead_link_is_pinged_twice_and_cut_after_nine_seconds(
    start: float, autojump_clock: MockClock
) -> None:
    # The sums of such a time and 3 are rounded, and may seem to come too early.
    autojump_clock.jump(start)
    begun = trio.current_time()
    here, there = one_and_a_wire(ping_after=PING_AFTER)
    heard: list[tuple[Any, float]] = []

    async def listen() -> None:
        codec = Codec[Any](BetweenPeers)
        with contextlib.suppress(trio.BrokenResourceError):
            while True:
                for one in codec.feed(await there.receive_some()):
                    heard.append((one, round(trio.current_time() - begun, 6)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(listen)
        await trio.sleep(7)
        assert here.link.is_silent
        assert here.link.silence == pytest.approx(7)
    assert heard == [(Ping(), 3.0), (Ping(), 6.0)]
    assert here.ended_at - begun == pytest.approx(DEAD_AFTER)
    assert here.link.reason == "no sign of life for 9 seconds"
    assert here.link.is_over


async def test_a_link_proves_that_it_lives(autojump_clock: MockClock) -> None:
    here, there = two(ping_after=PING_AFTER)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
        for _ in range(3):
            assert await here.link.proves_life()
        assert not here.link.is_silent
        assert not here.link.is_over
        here.link.hang_up()


async def test_a_dead_link_proves_nothing_and_is_pinged_once_for_all_who_doubt(
    autojump_clock: MockClock,
) -> None:
    here, there = one_and_a_wire(ping_after=None)
    found: list[tuple[bool, float]] = []

    async def doubt() -> None:
        found.append((await here.link.proves_life(), trio.current_time() - begun))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        begun = trio.current_time()
        async with trio.open_nursery() as doubters:
            for _ in range(3):
                doubters.start_soon(doubt)
                await trio.sleep(DOUBT_SECONDS / 4)
            assert not here.link.is_silent
        assert [lives for lives, _ in found] == [False] * 3
        assert [after for _, after in found] == pytest.approx([DOUBT_SECONDS] * 3)
        assert here.link.is_silent
        assert not here.link.is_over
        await trio.sleep(DOUBT_SECONDS)
        await doubt()
        lives, after = found[-1]
        assert not lives
        assert after == pytest.approx(2 * DOUBT_SECONDS), "at once: nothing has come"
        await there.send_all(b"\n")
        await trio.testing.wait_all_tasks_blocked()
        assert not here.link.is_silent
        assert Codec[Any](BetweenPeers).feed(await there.receive_some()) == [Ping()]
        here.link.cut("enough")


async def test_a_link_that_is_cut_meanwhile_lives_no_more(autojump_clock: MockClock) -> None:
    here, there = two(ping_after=PING_AFTER)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
        nursery.start_soon(cut_later, here.link)
        assert not await here.link.proves_life()


async def cut_later(link: Link[Any]) -> None:
    await trio.sleep(DOUBT_SECONDS / 2)
    link.cut("enough")


async def test_two_idle_links_keep_each_other_alive(autojump_clock: MockClock) -> None:
    here, there = two(ping_after=PING_AFTER)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
        await trio.sleep(900)
        assert not here.link.is_over
        assert not here.link.is_silent
        assert (here.received, there.received) == ([], [])
        here.link.hang_up()


async def test_whoever_sends_a_byte_is_alive_although_it_reads_nothing(
    autojump_clock: MockClock,
) -> None:
    here, there = one_and_a_wire(ping_after=PING_AFTER)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        for _ in range(20):
            await trio.sleep(8.5)
            assert not here.link.is_over
            await there.send_all(b"\n")
        here.link.cut("enough")


async def test_a_pulled_cable_is_noticed_on_both_sides(autojump_clock: MockClock) -> None:
    joint = cable()
    here, there = two(joint, ping_after=PING_AFTER)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
        await trio.sleep(10)
        joint.silence()
        here.link.post(say(1))
    assert here.ended_at == pytest.approx(18, abs=1)
    assert there.ended_at == pytest.approx(18, abs=1)


async def test_who_was_stopped_and_goes_on_does_not_cut_the_others(
    autojump_clock: MockClock,
) -> None:
    here, there = one_and_a_wire(ping_after=PING_AFTER)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        await trio.sleep(1)
        autojump_clock.jump(60)  # nobody ran meanwhile
        await trio.sleep(8)
        assert not here.link.is_over
        await trio.sleep(2)
        assert here.link.is_over  # but silence after that counts
    assert here.ended_at == pytest.approx(61 + DEAD_AFTER)
    assert await everything(there) == ["reset"]


async def test_a_link_without_pings_waits_for_ever(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        await trio.sleep(80_000)
        assert not here.link.is_over
        assert not here.link.is_silent
        await there.aclose()
    assert here.link.reason == "the connection was lost"


async def test_a_ping_is_answered(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire()
    await there.send_all(encode(Ping()) + encode(Pong()) + encode(Ping()))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        await trio.testing.wait_all_tasks_blocked()
        here.link.hang_up()
        assert await everything(there) == [Pong(), Pong()]
        await there.aclose()
    assert here.received == []


async def test_who_is_asked_for_a_sign_of_life_is_asked_once_in_each_silence(
    autojump_clock: MockClock,
) -> None:
    here, there = one_and_a_wire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        here.link.ask()
        here.link.ask()
        await there.send_all(encode(Pong()))
        await trio.testing.wait_all_tasks_blocked()
        here.link.ask()
        here.link.hang_up()
        assert await everything(there) == [Ping(), Ping()]
        await there.aclose()


async def test_a_write_that_takes_too_long_means_a_dead_link(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire()
    here.link.post_bytes(b"\n" * (PIPE_BYTES + 3 * WRITE_BYTES))
    await here.run()
    assert here.ended_at == pytest.approx(WRITE_SECONDS)
    assert here.link.reason == "the other side has stopped reading"
    assert await everything(there) == ["reset"]


async def test_a_slow_reader_gets_everything(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire(ping_after=PING_AFTER)
    there.chunk_bytes = 16_000
    here.link.post_bytes(b"\n" * OUTBOX_BYTES)
    here.link.hang_up()
    total = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        while chunk := await there.receive_some():
            total += len(chunk)
            if total < OUTBOX_BYTES:
                await there.send_all(b"\n")
                await trio.sleep(5 if total < OUTBOX_BYTES - PIPE_BYTES else 0)
        await there.aclose()
    assert total >= OUTBOX_BYTES
    assert here.ended_at > 300


# --- The end -----------------------------------------------------------------------------


async def test_the_last_words_arrive_although_the_other_side_talks_on(
    autojump_clock: MockClock,
) -> None:
    here, there = one_and_a_wire()
    for one in says(100):
        here.link.post(one)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        await there.send_all(encode(say(7)) * 50)
        here.link.hang_up(Bye("so long"))
        here.link.post(say(101))  # too late
        await trio.sleep(LINGER_SECONDS - 0.5)
        await there.send_all(encode(say(8)))
        assert await _read_until(there, Bye("so long")) == [*says(100), Bye("so long")]
        await there.aclose()
    assert here.received == [say(7)] * 50 + [say(8)]
    assert here.ended_at == pytest.approx(LINGER_SECONDS - 0.5)


async def _read_until(wire: MemoryWire, last: msgspec.Struct) -> list[Any]:
    codec, messages = Codec[Any](BetweenPeers, LINE_BYTES), list[Any]()
    while last not in messages:
        messages += codec.feed(await wire.receive_some())
    return messages


async def test_nobody_waits_longer_than_a_moment_for_who_does_not_end(
    autojump_clock: MockClock,
) -> None:
    here, there = one_and_a_wire()
    here.link.hang_up(Bye())
    await here.run()
    assert here.ended_at == pytest.approx(LINGER_SECONDS)
    assert await everything(there) == [Bye()]


async def test_bye_ends_both_sides_at_once(autojump_clock: MockClock) -> None:
    here, there = two(ping_after=PING_AFTER)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
        await trio.sleep(1)
        here.link.hang_up(say(1), Bye("idle"))
    assert there.received == [say(1)]
    assert there.link.reason == "idle"
    assert (here.ended_at, there.ended_at) == (1, 1)
    assert here.link.failure is there.link.failure is None


async def test_nothing_counts_after_bye(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire()
    await there.send_all(encode(say(1)) + encode(Bye()) + encode(say(2)) + encode(Ping()))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        assert await everything(there) == []
    assert here.received == [say(1)]
    assert here.link.reason == "it said good bye"


async def test_both_may_say_bye_at_once(autojump_clock: MockClock) -> None:
    here, there = two()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
        await trio.testing.wait_all_tasks_blocked()
        here.link.hang_up(Bye())
        there.link.hang_up(Bye())
    assert (here.ended_at, there.ended_at) == (0, 0)


async def test_two_who_have_both_served_linger_and_part(autojump_clock: MockClock) -> None:
    here, there = two()

    async def leave(end: End) -> None:
        end.link.hang_up(Bye())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run, lambda: leave(here))
        nursery.start_soon(there.run, lambda: leave(there))
    assert here.ended_at == there.ended_at <= LINGER_SECONDS


async def test_who_retires_still_hears_what_is_on_its_way(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire()
    await there.send_all(encode(say(1)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        here.link.retire()
        here.link.retire()
        await trio.sleep(1)
        await there.send_all(encode(say(2)))
        assert await _read_until(there, Bye("another link took over"))
        await there.send_all(encode(say(3)) + encode(Bye()))
        await there.aclose()
    assert here.received == says(3)


async def test_when_serve_returns_the_link_ends(autojump_clock: MockClock) -> None:
    here, there = two()

    async def serve() -> None:
        here.received += await here.link.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(there.run)
        nursery.start_soon(here.run, serve)
        there.link.post(say(1))
    assert here.received == [say(1)]
    # Without BYE its end is as sudden as any other.
    assert there.link.reason == "the connection was lost"


# --- Who breaks the rules hears why ------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ProtocolError("nonsense"), Err("PROTOCOL", "nonsense")),
        (ProtocolError("n" * 5_000), Err("PROTOCOL", "n" * 1_000)),
        (Refused("you are not dave", "KEY"), Err("KEY", "you are not dave")),
        (Refused("r" * 5_000), Err("REFUSED", "r" * 1_000)),
        # Our own trouble is none of their business.
        (StorageError("the disk is full"), Err("REFUSED", "not possible here at this moment")),
    ],
)
async def test_an_error_is_told_and_ends_the_link(
    error: ParleyError, told: Err, autojump_clock: MockClock
) -> None:
    here, there = two()
    here.link.post(say(1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(there.run)
        nursery.start_soon(here.fails, error)
    assert there.received == [say(1), told]
    assert there.link.reason == "it said good bye"
    assert here.link.failure is error
    assert here.link.reason == str(error)


@pytest.mark.parametrize("error", [TurnedAway("no", "KEY"), Unreachable("it did not answer")])
async def test_their_own_no_is_not_told_back(error: ParleyError, autojump_clock: MockClock) -> None:
    here, there = two()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(there.run)
        nursery.start_soon(here.fails, error)
    assert there.received == []
    assert here.link.failure is error


async def test_a_bad_line_is_told_and_ends_the_link(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire()
    await there.send_all(encode(say(1)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        await trio.testing.wait_all_tasks_blocked()
        await there.send_all(b"nonsense\n")
        first, *rest = await everything(there)
        await there.aclose()
    assert isinstance(first, Err)
    assert first.code == "PROTOCOL"
    assert rest == [Bye()]
    assert here.received == [say(1)]


async def test_a_word_of_a_newer_version_is_answered_and_the_link_goes_on(
    autojump_clock: MockClock,
) -> None:
    here, there = one_and_a_wire()
    await there.send_all(b'{"t":"NEW"}\n' + encode(say(1)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        await trio.testing.wait_all_tasks_blocked()
        here.link.hang_up()
        assert await everything(there) == [Err("UNKNOWN", "NEW is not known here")]
        await there.aclose()
    assert here.received == [say(1)]


async def test_a_bug_is_not_hidden(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire()
    with pytest.raises(ExceptionGroup) as caught:
        await here.fails(KeyError("a bug"))
    assert caught.group_contains(KeyError)
    assert await everything(there) == []


# --- Expecting ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "outcome"),
    [
        (encode(IAM) + encode(say(1)), IAM),
        (encode(Err("KEY", "you are not dave")), TurnedAway("you are not dave")),
        (encode(Bye("full")), Unreachable("full")),
        (b"", Unreachable("the connection was lost")),
        (encode(say(1)), ProtocolError("TEXT does not belong here")),
        (encode(Ping()) + b"\n" + encode(IAM), IAM),
        (b"HTTP/1.1 400 Bad Request\r\n", ProtocolError("a line is not a message")),
    ],
)
async def test_what_the_first_message_may_be(
    first: bytes, outcome: PeerIam | ParleyError, autojump_clock: MockClock
) -> None:
    here, there = one_and_a_wire()

    async def serve() -> None:
        here.received.append(await here.link.expect(PeerIam))
        await here.collect()

    if first:
        await there.send_all(first)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run, serve)
        await trio.testing.wait_all_tasks_blocked()
        await there.aclose()
    if isinstance(outcome, PeerIam):
        assert here.received[0] == outcome
        assert here.link.failure is None
    else:
        assert here.received == []
        assert type(here.link.failure) is type(outcome)
        assert str(here.link.failure).startswith(str(outcome))
    if isinstance(outcome, TurnedAway):
        assert isinstance(here.link.failure, TurnedAway)
        assert here.link.failure.code == "KEY"


async def test_what_came_with_the_expected_is_not_lost(autojump_clock: MockClock) -> None:
    here, there = two()

    async def serve() -> None:
        here.received.append(await here.link.expect(PeerIam))
        here.received.append(await here.link.expect(Text))
        here.received += await here.link.receive()

    there.link.post(IAM)
    there.link.hang_up(say(1), Decline(ID), Bye())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(there.run)
        nursery.start_soon(here.run, serve)
    assert here.received == [IAM, say(1), Decline(ID)]


# --- Sudden ends -------------------------------------------------------------------------


async def test_a_reset_ends_the_link_with_a_reason(autojump_clock: MockClock) -> None:
    joint = cable()
    here, there = two(joint)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        nursery.start_soon(there.run)
        await trio.testing.wait_all_tasks_blocked()
        joint.cut()
    assert here.link.reason == there.link.reason == "the connection was lost"


async def test_a_reset_that_meets_the_writer_ends_the_link_too(autojump_clock: MockClock) -> None:
    joint = cable()
    here, _ = two(joint)
    async with trio.open_nursery() as nursery:
        here.link.post_bytes(b"\n" * (PIPE_BYTES + 2 * WRITE_BYTES))

        async def serve() -> None:
            await trio.sleep(5)

        nursery.start_soon(here.run, serve)
        await trio.testing.wait_all_tasks_blocked()
        joint.cut()
    # The reader may still find their last words, for as long as we would linger.
    assert here.ended_at == pytest.approx(LINGER_SECONDS)
    assert here.link.reason == "the connection was lost"


async def test_why_they_left_is_not_forgotten_when_our_writes_fail(
    autojump_clock: MockClock,
) -> None:
    here, there = one_and_a_wire()

    async def serve() -> None:
        await here.collect()
        for number in range(3):
            here.link.post(say(number + 1))
            await trio.testing.wait_all_tasks_blocked()

    await there.send_all(encode(Bye("closing down")))
    await there.aclose()
    await here.run(serve)
    assert here.link.reason == "closing down"


@pytest.mark.parametrize("who", ["reader", "writer", "both"])
async def test_the_reason_of_a_cut_is_the_one_given(who: str, autojump_clock: MockClock) -> None:
    here, _ = one_and_a_wire()
    if who != "reader":
        here.link.post_bytes(b"\n" * (PIPE_BYTES + 2 * WRITE_BYTES))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run, trio.sleep_forever if who == "writer" else None)
        await trio.testing.wait_all_tasks_blocked()
        here.link.cut("too many links of one user")
        here.link.cut("again")
    assert here.link.reason == "too many links of one user"
    assert here.ended_at == 0
    assert here.wire.is_closed


async def test_a_link_that_is_cut_before_it_runs(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire()
    here.link.post(say(1))
    here.link.cut("not you")
    await here.run()
    assert here.link.is_over
    assert here.link.reason == "not you"
    assert await everything(there) == ["reset"]


async def test_when_the_program_ends_the_wire_is_closed(autojump_clock: MockClock) -> None:
    here, there = one_and_a_wire()
    here.link.post(say(1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(here.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert here.link.is_over
    assert await everything(there) == [say(1)]


async def test_within_turns_a_deadline_into_a_sentence(autojump_clock: MockClock) -> None:
    with (
        pytest.raises(Unreachable, match="answered within 10 seconds"),
        within(10, "nobody answered"),
    ):
        await trio.sleep(11)
    with within(10, "nobody answered"):
        await trio.sleep(9)


# --- Sending at once on an idle link ---


class Direct(MemoryWire):
    """A wire that takes some bytes at once."""

    takes = 1_000_000
    tries = 0

    def try_send(self, data: bytes) -> int:
        self.tries += 1
        self._sent.bytes += data[: self.takes]
        self._sent.news.unpark_all()
        return min(len(data), self.takes)


@pytest.mark.parametrize("takes", [0, 1, 30, 1_000_000])
async def test_what_an_idle_link_does_not_take_at_once_follows_in_order(
    takes: int, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    carol, dave = two(cable(wire=Direct))
    assert isinstance(carol.wire, Direct)
    carol.wire.takes = takes
    for end in (carol, dave):
        nursery.start_soon(end.run)
    for message in says(20):
        carol.link.post(message)
        await trio.sleep(0.01)
    await trio.testing.wait_all_tasks_blocked()
    assert dave.received == says(20)
    assert carol.wire.tries == 20
    assert carol.wire.writes == (20 if takes < 1_000 else 0), "the writer has the rest"


async def test_what_is_posted_in_a_row_goes_in_one_write(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    carol, dave = two(cable(wire=Direct))
    assert isinstance(carol.wire, Direct)
    for end in (carol, dave):
        nursery.start_soon(end.run)
    for message in says(20):
        carol.link.post(message)
    await trio.testing.wait_all_tasks_blocked()
    assert (carol.wire.tries, carol.wire.writes) == (1, 1)
    await trio.sleep(GATHER_SECONDS)
    carol.link.post(say(21))
    await trio.testing.wait_all_tasks_blocked()
    assert (carol.wire.tries, carol.wire.writes) == (2, 1)
    assert dave.received == says(21)


async def test_nothing_overtakes_a_write_that_is_stuck(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    carol, dave = two(cable(room=100, wire=Direct))
    assert isinstance(carol.wire, Direct)
    carol.wire.takes = 0
    nursery.start_soon(carol.run)
    carol.link.post(say(1, "x" * 200))
    await trio.testing.wait_all_tasks_blocked()
    carol.wire.takes = 1_000_000
    carol.link.post(say(2))
    assert carol.wire.tries == 1
    nursery.start_soon(dave.run)
    await trio.testing.wait_all_tasks_blocked()
    assert dave.received == [say(1, "x" * 200), say(2)]


async def test_a_long_line_and_a_link_that_is_over_are_not_tried(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    carol, dave = two(cable(wire=Direct), write_bytes=200)
    assert isinstance(carol.wire, Direct)
    for end in (carol, dave):
        nursery.start_soon(end.run)
    carol.link.post(say(1, "x" * 200))
    await trio.testing.wait_all_tasks_blocked()
    carol.link.hang_up()
    carol.link.post(say(2))
    await trio.testing.wait_all_tasks_blocked()
    assert carol.wire.tries == 0
    assert dave.received == [say(1, "x" * 200)]
