"""Nobody forges a line of a log, or acts on the terminal in which one stands."""

import logging

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.authority import SEED_BYTES, Authority
from shared.border import KINDS, LoggedBugs
from shared.errors import ParleyError
from shared.link import Link
from shared.log import LINE_CHARACTERS, SPARE_SECONDS, HarmlessFormatter, described
from shared.messages.common import VERSION, Err
from shared.messages.directory import ToDirectory, Who
from shared.tls import TlsNetwork
from shared.world import Address, Incoming
from tests.kit.attackers.common import FORGERY, logged_at
from tests.kit.programs import HOST, Program, Stage
from tests.kit.raw_client import Client


def bug() -> None:
    raise ZeroDivisionError(FORGERY)


async def test_a_bug_that_somebody_causes_at_will_fills_no_log(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    bugs = LoggedBugs()
    for _ in range(1_000):
        bugs.met("link from mallory", ZeroDivisionError(FORGERY))
    await trio.sleep(SPARE_SECONDS)
    bugs.met("link from mallory", ZeroDivisionError(FORGERY))
    first, second = logged_at(caplog, logging.ERROR)
    assert second == f"{first} (and 999 more like it)"
    for number in range(2 * KINDS):
        bugs.met("link", type(f"Bug{number}", (Exception,), {})())
    assert len(bugs._kinds) <= KINDS


def test_no_record_is_more_than_one_harmless_line() -> None:
    form = HarmlessFormatter("%(asctime)s %(levelname)s %(message)s")
    try:
        bug()
    except ZeroDivisionError as met:
        record = logging.makeLogRecord(
            {
                "msg": "%s: refused",
                "args": (FORGERY,),
                "exc_info": (type(met), met, met.__traceback__),
            }
        )
    line = form.format(record)
    assert line.isprintable()
    assert "boom\N{SYMBOL FOR ESCAPE}[31m 2026-01-01 INFO forged" in line
    endless = form.format(logging.makeLogRecord({"msg": "x" * 10 * LINE_CHARACTERS}))
    assert len(endless) == LINE_CHARACTERS


def test_a_group_of_bugs_is_told_one_by_one() -> None:
    group = ExceptionGroup("", [ValueError("one"), ExceptionGroup("", [KeyError("two")])])
    assert described(group) == "ValueError: one; KeyError: 'two'"


# --- Both programs -------------------------------------------------------------------


def test_a_name_forges_no_line_in_the_log_of_the_directory(stage: Stage) -> None:
    directory = stage.directory("--verbose")

    async def attack() -> None:
        async with trio.open_nursery() as nursery:
            with pytest.raises(ParleyError):
                await Client.register(nursery, TlsNetwork(), Address(HOST, stage.port), FORGERY)
            nursery.cancel_scope.cancel()

    trio.run(attack)
    directory.says_like(r".*boom.*is not a valid name.*")
    stage.closes()
    assert_harmless(directory)


def test_a_false_directory_forges_no_line_on_stderr(stage: Stage) -> None:
    """Neither by what it says while the peer registers, nor by what that logs."""
    authority = Authority.found(b"\1" * SEED_BYTES)
    network = TlsNetwork()
    network.present(authority.credentials(b"\2" * SEED_BYTES))

    async def answer(incoming: Incoming) -> None:
        link = Link[object](await incoming.secure(), ToDirectory)

        async def serve() -> None:
            link.hang_up(Who(VERSION, authority.certificate, b"n" * 32), Err("REFUSED", FORGERY))
            await link.receive()

        await link.run(serve)

    async def attack() -> Program:
        async with trio.open_nursery() as nursery:
            bound = await nursery.start(network.serve, HOST, 0, answer)
            stage.port = bound.port
            carol = stage.once("carol", "STATUS")
            await trio.to_thread.run_sync(carol.ends)
            nursery.cancel_scope.cancel()
        return carol

    carol = trio.run(attack)
    (line,) = carol.errors
    assert line.startswith("peer: boom")
    assert_harmless(carol)


def assert_harmless(program: Program) -> None:
    assert not [line for line in program.errors if not line.isprintable()]
    assert not [line for line in program.errors if line.startswith("2026-01-01 INFO forged")]
