"""A port is asked for by UPnP; whoever answers on the network takes neither memory nor time."""

from collections.abc import Callable
from importlib.util import find_spec

import pytest
import trio

from shared import upnp, upnp_helper
from shared.upnp import Upnp, is_installed
from shared.world import UpnpGrant
from tests.kit.upnp_devices import HOST, UpnpRouterProgram, device

PORT, WANTED, LIFETIME = 40_112, 40_200, 3_600
MIB = 1024 * 1024

needs_it = pytest.mark.skipif(find_spec("miniupnpc") is None, reason="miniupnpc is not installed")


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(30):
        while not holds():  # noqa: ASYNC110  # whatever brings it about
            await trio.sleep(0.01)


@needs_it
async def test_a_port_is_given_and_given_back() -> None:
    router, mine = UpnpRouterProgram(), Upnp(HOST)
    assert is_installed()
    async with device(router.answer):
        assert await mine.map(PORT, WANTED, LIFETIME) == UpnpGrant(WANTED, "8.8.8.8")
        assert router.mapped == {WANTED}
        await mine.give_back(WANTED)
        assert not router.mapped


@needs_it
async def test_what_is_given_to_nobody_any_more_is_taken_back() -> None:
    router = UpnpRouterProgram()
    router.goes_on = trio.Event()
    async with device(router.answer):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Upnp(HOST).map, PORT, WANTED, LIFETIME)
            with trio.fail_after(30):
                await router.is_asked.wait()
            nursery.cancel_scope.cancel()
        router.goes_on.set()
        await until(lambda: "DeletePortMapping" in router.done)
        assert "AddPortMapping" in router.done
        assert not router.mapped


@needs_it
@pytest.mark.parametrize("head", [b"", b"Content-Length: 2000000000\r\n"])
async def test_a_rogue_that_says_endless_things_fills_no_memory(head: bytes) -> None:
    sent, asked = 0, trio.Event()

    async def flood(stream: trio.SocketStream) -> None:
        nonlocal sent
        asked.set()
        try:
            await stream.send_all(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
            while sent < 1024 * MIB:
                await stream.send_all(b"x" * MIB)
                sent += MIB
        except trio.BrokenResourceError:
            pass  # who asked has ended

    async with device(flood):
        assert await Upnp(HOST).map(PORT, WANTED, LIFETIME) is None
    assert asked.is_set()
    assert sent < 2 * upnp_helper.MEMORY_BYTES


@needs_it
async def test_a_rogue_that_never_ends_its_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upnp, "WAIT_SECONDS", 3.0)
    over = trio.Event()

    async def drip(stream: trio.SocketStream) -> None:
        try:
            await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                await stream.send_all(b"x")
                await trio.sleep(0.1)
        except trio.BrokenResourceError:
            over.set()

    async with device(drip):
        assert await Upnp(HOST).map(PORT, WANTED, LIFETIME) is None
        with trio.fail_after(30):
            await over.wait()


async def test_without_a_helper_there_is_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert await Upnp(HOST).map(PORT, WANTED, LIFETIME) is None
    await Upnp(HOST).give_back(WANTED)


@pytest.mark.parametrize(
    "said", ["", "deleted", "mapped", "mapped x 8.8.8.8", "mapped 22 8.8.8.8", "mapped 40203 a"]
)
def test_a_port_that_was_not_asked_for_is_none(said: str) -> None:
    assert upnp._granted(said, WANTED) is None
    assert upnp._granted(f"mapped {WANTED + 1} 8.8.8.8", WANTED) == UpnpGrant(40_201, "8.8.8.8")
