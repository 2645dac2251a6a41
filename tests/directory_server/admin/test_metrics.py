"""What /metrics, /healthz and /readyz tell, and to whom."""

import contextlib

import pytest
import trio
from trio.testing import MockClock

from directory_server.admin import http
from directory_server.admin import requests as ask
from directory_server.admin.http import REQUEST_BYTES, Pages
from directory_server.admin.metrics import Metrics
from shared.errors import Refused
from shared.messages.directory import Drop
from tests.kit.directory import Town
from tests.kit.operating import Asking
from tests.kit.world import RaisedBugs


def metrics_of(town: Town) -> Metrics:
    return Metrics(town.directory.community, lambda: town.directory.strangers)


async def figures(metrics: Metrics) -> dict[str, float]:
    lines = (await metrics.page()).decode().splitlines()
    told = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in told}


async def test_the_figures_are_those_of_the_directory(town: Town) -> None:
    metrics = metrics_of(town)
    carol = await town.enters("carol", watch=("dave", "erin"))
    await (await town.enters("dave")).leaves()
    await carol.ask(Drop(1, "dave", "ab" * 16, b"sealed"))
    await carol.ask(Drop(2, "nobody", "cd" * 16, b"sealed"))
    await Asking(town).asks(ask.Ban("dave"))
    with pytest.raises(Refused):
        await town.enters("dave")
    found = await figures(metrics)
    assert found['parley_users{status="ACTIVE"}'] == 1
    assert found['parley_users{status="OFFLINE"}'] == 1
    assert found["parley_names"] == 2
    assert found['parley_registrations_total{outcome="new"}'] == 2
    assert found['parley_registrations_total{outcome="banned"}'] == 1
    assert found['parley_left_total{outcome="stored"}'] == 1
    assert found['parley_left_total{outcome="nobody"}'] == 1
    assert found["parley_envelopes_waiting"] == 1
    assert found["parley_mailbox_bytes"] > 6
    assert found["parley_watched"] == 2
    assert (found["parley_crowd"], found["parley_links_behind"]) == (0, 0)
    assert found["parley_commit_seconds_count"] > 2
    assert found['parley_commit_batch_bucket{le="+Inf"}'] == found["parley_commit_seconds_count"]


async def test_no_figure_names_anybody(town: Town) -> None:
    for name in ("carol", "mallory"):
        await town.enters(name, at="192.0.2.77")
    await Asking(town).asks(ask.Ban("mallory", None, "being rude"))
    page = (await metrics_of(town).page()).decode()
    for secret in ("carol", "mallory", "192.0.2.77", "rude"):
        assert secret not in page


async def test_the_database_is_asked_seldom(town: Town, autojump_clock: MockClock) -> None:
    metrics = metrics_of(town)
    carol = await town.enters("carol")
    await (await town.enters("dave")).leaves()
    assert (await figures(metrics))["parley_envelopes_waiting"] == 0
    await carol.ask(Drop(1, "dave", "ab" * 16, b"sealed"))
    assert (await figures(metrics))["parley_envelopes_waiting"] == 0
    await trio.sleep(31)
    assert (await figures(metrics))["parley_envelopes_waiting"] == 1


# --- The pages ---


async def visit(port: int, request: bytes) -> bytes:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        answer = b""
        with contextlib.suppress(trio.BrokenResourceError):  # it hung up on us
            await stream.send_all(request)
            async for chunk in stream:
                answer += chunk
        return answer


async def served(town: Town) -> tuple[Pages, int]:
    pages = Pages(town.directory.community, metrics_of(town).page, RaisedBugs())
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    await town.nursery.start(pages.run, listeners)
    return pages, listeners[0].socket.getsockname()[1]


async def test_each_page_is_served(town: Town) -> None:
    _, port = await served(town)
    answer = await visit(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, page = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4")
    assert f"Content-Length: {len(page)}".encode() in head
    assert b"parley_build_info" in page
    for path in (b"/healthz", b"/readyz?verbose"):
        assert (await visit(port, b"GET " + path + b" HTTP/1.0\r\n\r\n")).endswith(b"\r\n\r\nok\n")
    assert (await visit(port, b"HEAD /healthz HTTP/1.0\r\n\r\n")).endswith(b"\r\n\r\n")
    assert b" 404 " in await visit(port, b"GET /names HTTP/1.0\r\n\r\n")
    assert b" 405 " in await visit(port, b"POST /metrics HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize(
    "nonsense",
    [b"", b"\r\n\r\n", b"\x16\x03\x01\x00", b"GET\r\n\r\n", b"x" * (REQUEST_BYTES + 1)],
    ids=["nothing", "empty", "TLS", "half", "too long"],
)
async def test_nonsense_ends_only_itself(
    town: Town, nonsense: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "REQUEST_SECONDS", 0.2)
    _, port = await served(town)
    answer = await visit(port, nonsense)
    assert b"200 OK" not in answer
    assert b"200 OK" in await visit(port, b"GET /healthz HTTP/1.0\r\n\r\n")


async def test_silent_visitors_keep_no_others_out_for_long(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "REQUEST_SECONDS", 0.2)
    _, port = await served(town)
    silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(http.ASKING_AT_ONCE + 4)]
    for one in silent:
        async with one:
            with contextlib.suppress(trio.BrokenResourceError):
                assert await one.receive_some() == b""
    assert b"200 OK" in await visit(port, b"GET /healthz HTTP/1.0\r\n\r\n")


async def test_a_directory_that_is_emptied_is_alive_and_not_ready(town: Town) -> None:
    pages, port = await served(town)
    town.directory.community.orders.is_draining = True
    assert (pages.why_not_alive(), pages.why_not_ready()[:16]) == ("", "nobody is let in")
    assert b" 503 " in await visit(port, b"GET /readyz HTTP/1.0\r\n\r\n")
    assert b" 200 " in await visit(port, b"GET /healthz HTTP/1.0\r\n\r\n")


async def test_a_disk_that_refuses_for_long_is_not_ready(
    town: Town, autojump_clock: MockClock
) -> None:
    community = town.directory.community
    pages = Pages(community, metrics_of(town).page, RaisedBugs())
    town.machine.disk.is_full = True
    with pytest.raises(Refused, match="disk"):
        await town.enters("carol")
    assert pages.why_not_ready() == ""
    await trio.sleep(6)
    assert pages.why_not_ready() == "the disk takes no writes"
    assert pages.why_not_alive() == ""
    town.machine.disk.is_full = False
    await town.enters("carol")
    assert pages.why_not_ready() == ""


async def test_a_loop_that_stands_still_is_not_alive(town: Town) -> None:
    pages = Pages(town.directory.community, metrics_of(town).page, RaisedBugs())
    town.directory.community.counts.ticked = trio.current_time() - 4
    assert pages.why_not_alive() == "the loop last ran 4 seconds ago"
