"""Real sockets, real TLS: who is seen, who is refused, and who cannot hold up the others."""

import contextlib
import errno
import os
import resource
import socket
import ssl
import struct
import sys
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from shared.errors import ProtocolError, Unreachable
from shared.identity import Credentials, read_certificate
from shared.link import OUTBOX_BYTES, Link
from shared.messages.common import Bye
from shared.messages.peers import BetweenPeers, Decline
from shared.tls import HANDSHAKES_AT_ONCE, PORT_TRIES, TlsNetwork
from shared.wire import RECEIVE_BYTES, TlsWire, cause_of
from shared.world import Address, Incoming, Network, Wire
from tests.kit.attackers.careless_tls import careless
from tests.kit.wires import (
    LOCAL,
    NOW,
    Server,
    authority,
    dave,
    directory,
    presenting,
    serving,
    two_wires,
)
from tests.kit.world import EPOCH, Authority

ID = "0123456789abcdef" * 2


def test_it_has_the_shape_that_the_programs_expect() -> None:
    network: Network = TlsNetwork()
    assert network


# --- Who is seen -------------------------------------------------------------------------


async def test_both_sides_see_what_the_other_has_proved() -> None:
    async with two_wires() as (here, there):
        wires: list[Wire] = [here, there]
        assert [wire.certificate for wire in wires] == [directory.certificate, dave.certificate]
        assert (here.remote, here.local) == (there.local, there.remote)
        await here.send_all(b"hello")
        assert await there.receive_some() == b"hello"
        await there.send_all(bytearray(b"hello yourself"))
        assert await here.receive_some() == b"hello yourself"


async def test_who_has_no_certificate_yet_is_let_in_without() -> None:
    async with serving() as (server, address):
        wire = await TlsNetwork().dial([address])
        there = await server.wires.receive()
        assert there.certificate is None
        await wire.aclose()


async def test_what_is_presented_last_counts_from_then_on() -> None:
    network = presenting(dave)
    async with serving() as (server, address):
        first = await network.dial([address])
        assert (await server.wires.receive()).certificate == dave.certificate
        _, renamed = authority.user("carol", NOW)
        network.present(renamed)
        second = await network.dial([address])
        assert (await server.wires.receive()).certificate == renamed.certificate
        await first.aclose()
        await second.aclose()


async def test_a_server_that_knows_not_yet_who_it_is_lets_them_wait() -> None:
    network, client = TlsNetwork(), presenting(dave)
    wires: list[TlsWire] = []

    async def answer(incoming: Incoming) -> None:
        await incoming.secure()

    async def dial(address: Address) -> None:
        wires.append(await client.dial([address]))

    async with trio.open_nursery() as nursery:
        address = await nursery.start(network.serve, LOCAL, 0, answer)
        async with trio.open_nursery() as dials:
            dials.start_soon(dial, address)
            await wait_all_tasks_blocked()
            assert wires == []
            network.present(directory)
        assert wires[0].certificate == directory.certificate
        await wires[0].aclose()
        nursery.cancel_scope.cancel()


# --- Who is refused ----------------------------------------------------------------------


async def test_a_certificate_of_another_community_breaks_the_handshake() -> None:
    async with serving() as (server, address):
        wire = await careless(Authority(1).user("dave", NOW)[1]).dial([address])
        assert await server.reason() == "no TLS connection: certificate verify failed"
        # TLS 1.3: the dialler believed in the link before it was judged.
        with pytest.raises((trio.BrokenResourceError, OSError)) as caught:
            await wire.receive_some()
        assert cause_of(caught.value)
        await wire.aclose()


async def test_a_key_that_does_not_fit_the_certificate_is_no_credential() -> None:
    with pytest.raises(ssl.SSLError):
        presenting(Credentials(directory.key, dave.certificate, authority.certificate))


async def test_a_certificate_out_of_date_is_refused_in_words_and_not_in_the_handshake() -> None:
    long_ago = 1e9
    _, old = authority.user("dave", long_ago)
    async with serving() as (server, address):
        wire = await presenting(old).dial([address])
        there = await server.wires.receive()
        assert there.certificate == old.certificate
        with pytest.raises(ProtocolError, match="out of date"):
            read_certificate(old.certificate, authority.certificate, EPOCH)
        await wire.aclose()


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "http request"),
        (b'{"t":"IAM"}\n' * 100, ""),
        (b"\0" * 1_000, ""),
        (b"\x16\x03\x01\xff\xff" + b"\xff" * 70_000, ""),
        (b"", "the other side ended it"),
    ],
)
async def test_who_speaks_no_tls_is_refused(first: bytes, reason: str) -> None:
    async with serving() as (server, address):
        stream = await trio.open_tcp_stream(*address)
        with contextlib.suppress(trio.BrokenResourceError):
            await stream.send_all(first)
            await stream.send_eof()
        assert (await server.reason()).startswith("no TLS connection: " + reason)
        await stream.aclose()


async def test_an_older_tls_is_refused() -> None:
    context = _plain_client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving() as (server, address):
        stream = trio.SSLStream(await trio.open_tcp_stream(*address), context)
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()
        assert await server.reason() == "no TLS connection: unsupported protocol"
        await trio.aclose_forcefully(stream)


def _plain_client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def test_no_session_is_resumed() -> None:
    async with serving() as (server, address):
        stream = trio.SSLStream(await trio.open_tcp_stream(*address), _plain_client())
        await stream.do_handshake()
        wire = await server.wires.receive()
        await wire.send_all(b"x")
        assert await stream.receive_some() == b"x"
        assert not stream.session.has_ticket
        await trio.aclose_forcefully(stream)


# --- Crowds ------------------------------------------------------------------------------


def _hello() -> bytes:
    """The first bytes of a client."""
    outgoing = ssl.MemoryBIO()
    client = _plain_client().wrap_bio(ssl.MemoryBIO(), outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("said", ["nothing", "half a hello", "a hello", "a hello, bit by bit"])
async def test_who_connects_and_falls_silent_holds_no_place(said: str) -> None:
    hello = _hello()
    pieces = {
        "nothing": [],
        "half a hello": [hello[: len(hello) // 2]],
        "a hello": [hello],
        "a hello, bit by bit": [hello[at : at + 1] for at in range(20)],
    }[said]
    async with serving() as (server, address):
        crowd = [await trio.open_tcp_stream(*address) for _ in range(HANDSHAKES_AT_ONCE + 4)]
        for stream in crowd:
            for piece in pieces:
                await stream.send_all(piece)
        while server.connected < len(crowd):
            await trio.lowlevel.checkpoint()
        wire = await presenting(dave).dial([address])
        assert (await server.wires.receive()).certificate == dave.certificate
        assert server.network.limiter.borrowed_tokens == 0
        await wire.aclose()
        for stream in crowd:
            await stream.aclose()
        for _ in crowd:
            await server.reason()
        assert server.network.limiter.borrowed_tokens == 0


async def test_a_deadline_ends_a_silent_handshake_wherever_it_stands() -> None:
    network, hello = presenting(directory), _hello()
    deadlines: list[trio.CancelScope] = []
    ended = 0

    async def answer(incoming: Incoming) -> None:
        nonlocal ended
        with trio.CancelScope() as deadline:
            deadlines.append(deadline)
            await incoming.secure()
        ended += deadline.cancelled_caught

    async with trio.open_nursery() as nursery:
        address = await nursery.start(network.serve, LOCAL, 0, answer)
        crowd = [await trio.open_tcp_stream(*address) for _ in range(8)]
        for number, stream in enumerate(crowd):
            await stream.send_all(hello[: number * len(hello) // 7])
        while len(deadlines) < len(crowd):
            await trio.lowlevel.checkpoint()
        for deadline in deadlines:
            deadline.cancel()
        for stream in crowd:
            with contextlib.suppress(trio.BrokenResourceError):
                while await stream.receive_some():
                    pass
            await stream.aclose()
        assert ended == len(crowd)
        assert network.limiter.borrowed_tokens == 0
        nursery.cancel_scope.cancel()


async def test_a_crowd_of_honest_ones_gets_in() -> None:
    client = presenting(dave)

    async def dial(address: Address) -> None:
        wire = await client.dial([address])
        assert await wire.receive_some() == b"hi"
        await wire.aclose()

    async with serving() as (server, address), trio.open_nursery() as nursery:
        for _ in range(3 * HANDSHAKES_AT_ONCE):
            nursery.start_soon(dial, address)
        for _ in range(3 * HANDSHAKES_AT_ONCE):
            wire = await server.wires.receive()
            await wire.send_all(b"hi")


async def test_a_dial_can_be_given_up_while_the_other_side_is_silent() -> None:
    listeners = await trio.open_tcp_listeners(0, host=LOCAL)
    network = presenting(dave)
    async with trio.open_nursery() as nursery:
        where = Address(LOCAL, listeners[0].socket.getsockname()[1])
        nursery.start_soon(network.dial, [where])
        stream = await listeners[0].accept()
        assert await stream.receive_some()
        nursery.cancel_scope.cancel()
    with contextlib.suppress(trio.BrokenResourceError):
        assert await stream.receive_some() == b""
    assert network.limiter.borrowed_tokens == 0
    await stream.aclose()
    await listeners[0].aclose()


async def test_a_system_without_files_in_memory_and_without_tcp_info(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    async with two_wires() as (here, there):
        assert there.certificate == dave.certificate
        assert here.unheard() == 0


# --- Bytes ---


async def test_much_goes_both_ways_at_once_and_arrives_in_order() -> None:
    much = os.urandom(3_000_000)

    async def hear(wire: TlsWire) -> None:
        heard = bytearray()
        while len(heard) < len(much):
            heard += await wire.receive_some()
        assert heard == much

    async with two_wires() as wires, trio.open_nursery() as nursery:
        for wire in wires:
            nursery.start_soon(wire.send_all, much)
        await wait_all_tasks_blocked()  # both are stuck: nobody reads
        for wire in wires:
            nursery.start_soon(hear, wire)


async def test_what_a_full_wire_does_not_take_at_once_can_follow() -> None:
    async with two_wires() as (here, there), trio.open_nursery() as nursery:
        said, pieces = bytearray(), [os.urandom(20_000) for _ in range(500)]
        rest = b""
        for piece in pieces:
            said += piece
            rest = rest or piece[here.try_send(piece) :]
            if rest:
                break
        assert rest, "it takes all that there is"
        said += b"more"
        nursery.start_soon(here.send_all, rest + b"more")
        heard = bytearray()
        while len(heard) < len(said):
            heard += await there.receive_some()
        assert heard == said
    assert here.try_send(b"x") == 0, "it is closed"


async def test_what_a_system_short_of_memory_did_not_send_at_once_follows_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_wires() as (here, there):
        send, ours = socket.socket.send, here._socket.fileno()
        shortages = [errno.ENOBUFS]

        def short_once(self: socket.socket, data: bytes) -> int:
            if self.fileno() == ours and shortages:
                raise OSError(shortages.pop(), "no buffer space available")
            return send(self, data)

        monkeypatch.setattr(socket.socket, "send", short_once)
        assert here.try_send(b"once\n") == 0
        assert not shortages
        await here.send_all(b"once\ntwice\n")
        await here.aclose()
        received = b""
        while chunk := await there.receive_some():
            received += chunk
        assert received == b"once\ntwice\n"


async def test_what_cannot_be_encrypted_any_more_does_not_count_as_sent() -> None:
    async with two_wires() as (here, there):
        there._socket.send(b"no record of TLS at all")
        with pytest.raises(trio.BrokenResourceError):
            await here.receive_some()
        assert here.try_send(b"x") == 0
        with pytest.raises(trio.BrokenResourceError):
            await here.send_all(b"x")


async def test_who_sends_without_end_leaves_others_their_turns() -> None:
    async with two_wires() as (here, there), trio.open_nursery() as nursery:
        nursery.start_soon(_fill, here)
        for _ in range(100):
            assert 0 < len(await there.receive_some()) <= RECEIVE_BYTES
        nursery.cancel_scope.cancel()


async def test_who_waits_for_bytes_learns_that_the_wire_was_closed() -> None:
    async with two_wires() as (here, _), trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await here.receive_some()

        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        here.abort()


async def test_who_sends_to_somebody_who_has_gone_learns_it() -> None:
    async with two_wires() as (here, there):

        async def talk() -> None:
            while True:
                await here.send_all(b"x")

        there.abort()
        with pytest.raises(trio.BrokenResourceError):
            await talk()


async def test_there_is_no_handshake_with_somebody_who_has_gone() -> None:
    limiter = trio.CapacityLimiter(1)
    with socket.socket() as sock, pytest.raises(Unreachable, match="no TLS connection: "):
        await TlsWire.secure(sock, _plain_client(), limiter)


# --- Ends --------------------------------------------------------------------------------


async def test_a_polite_end_lets_the_last_bytes_out() -> None:
    async with two_wires() as (here, there):
        await here.send_all(b"so long")
        await here.aclose()
        assert await there.receive_some() == b"so long"
        assert await there.receive_some() == b""
        await here.aclose()


async def test_an_abort_is_a_reset() -> None:
    async with two_wires() as (here, there):
        here.abort()
        with pytest.raises(trio.BrokenResourceError) as caught:
            await there.receive_some()
        # As Python's `ssl` has it; that of 3.13 hands on what the kernel says.
        assert cause_of(caught.value) in {"it broke off", "connection reset by peer"}
        with pytest.raises(trio.ClosedResourceError):
            await here.receive_some()
        here.abort()
        assert here.unheard() == 0


async def test_a_closed_connection_before_the_handshake_is_a_reset_too() -> None:
    async def answer(incoming: Incoming) -> None:
        incoming.abort()

    network = presenting(directory)
    async with trio.open_nursery() as nursery:
        address = await nursery.start(network.serve, LOCAL, 0, answer)
        with pytest.raises(Unreachable) as caught:
            await presenting(dave).dial([address])
        assert str(caught.value) == f"no TLS connection to {address}: connection reset by peer"
        nursery.cancel_scope.cancel()


async def test_closing_does_not_wait_for_a_writer_that_is_stuck() -> None:
    async with two_wires() as (here, _), trio.open_nursery() as nursery:
        nursery.start_soon(_fill, here)
        await wait_all_tasks_blocked()
        await here.aclose()


async def _fill(wire: TlsWire) -> None:
    with contextlib.suppress(trio.ClosedResourceError, trio.BrokenResourceError):
        while True:
            await wire.send_all(b"x" * 65_536)


async def test_what_is_on_its_way_counts_as_heard_when_it_was_confirmed() -> None:
    async with two_wires() as (here, there):
        await here.send_all(b"x")
        await there.receive_some()
        assert here.unheard() < 60


async def test_a_link_over_tls_that_does_not_keep_up_says_so() -> None:
    async with two_wires() as (here, there), trio.open_nursery() as nursery:
        link: Link[Any] = Link(here, BetweenPeers)

        async def serve() -> None:
            await link.receive()

        nursery.start_soon(link.run, serve)
        while not link.is_over:
            link.post_bytes(b"\n" * 60_000)
            await wait_all_tasks_blocked()
        with contextlib.suppress(trio.BrokenResourceError):
            while await there.receive_some():
                pass
    assert link.reason == "the other side does not keep up"


async def test_two_links_over_tls_part_politely() -> None:
    async with two_wires() as (here, there), trio.open_nursery() as nursery:
        links: list[Link[Any]] = [Link(here, BetweenPeers), Link(there, BetweenPeers)]
        received: list[Any] = []

        async def serve() -> None:
            while batch := await links[1].receive():
                received.extend(batch)

        async def listen() -> None:
            await links[0].receive()

        nursery.start_soon(links[0].run, listen)
        nursery.start_soon(links[1].run, serve)
        for _ in range(20_000):
            links[0].post(Decline(ID))
        links[0].hang_up(Bye("so long"))
    assert received == [Decline(ID)] * 20_000
    assert links[1].reason == "so long"
    assert OUTBOX_BYTES > 20_000 * 50


# --- Where ------------------------------------------------------------------------------


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
async def test_one_random_port_for_both_kinds_of_addresses() -> None:
    async with serving(None) as (server, address):
        for host in (LOCAL, "::1"):
            wire = await presenting(dave).dial([Address(host, address.port)])
            there = await server.wires.receive()
            assert wire.remote == Address(host, address.port) == there.local
            await wire.aclose()
    assert str(Address("::1", 5)) == "[::1]:5"
    assert str(Address(LOCAL, 5)) == "127.0.0.1:5"


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
async def test_ipv4_within_ipv6_is_shown_as_ipv4() -> None:
    async with serving() as (server, address):
        here = await presenting(dave).dial([address._replace(host=f"::ffff:{LOCAL}")])
        there = await server.wires.receive()
        assert (here.local, here.remote) == (there.remote, address)
        await here.aclose()
        await there.aclose()


async def test_a_port_that_is_taken_is_an_error() -> None:
    async with serving() as (server, address):
        with pytest.raises(OSError, match="in use"):
            await server.network.serve(LOCAL, address.port, server.answer)


async def test_a_fixed_port_is_taken_again_at_once() -> None:
    async with serving() as (server, address):
        wire = await presenting(dave).dial([address])
        await server.wires.receive()
    again = Server()
    async with trio.open_nursery() as nursery:
        assert await nursery.start(again.network.serve, *address, again.answer) == address
        nursery.cancel_scope.cancel()
    await wire.aclose()


@pytest.mark.parametrize("collisions", [1, PORT_TRIES])
async def test_a_random_port_that_the_other_kind_has_not_free_is_tried_again(
    collisions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_listeners, refusals = trio.open_tcp_listeners, iter(range(collisions))

    async def sometimes(port: int, *, host: str | None, backlog: int) -> list[trio.SocketListener]:
        if port and next(refusals, None) is not None:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        return await open_listeners(port, host=host, backlog=backlog)

    monkeypatch.setattr(trio, "open_tcp_listeners", sometimes)
    if collisions < PORT_TRIES:
        async with serving() as (_, address):
            assert address.port
    else:
        with pytest.raises(OSError, match="in use"):
            await TlsNetwork().serve(LOCAL, 0, Server().answer)


async def test_who_is_gone_before_we_look_is_nobody() -> None:
    async with serving() as (server, address):
        with socket.create_connection(address) as hasty:
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire = await presenting(dave).dial([address])
        await server.wires.receive()
        assert server.connected == 1
        await wire.aclose()


class Names(trio.abc.HostnameResolver):
    """No test asks the name servers of the machine it runs on."""

    async def getaddrinfo(
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        (LOCAL, "nothing answers at 127.0.0.1:1 (connection refused)"),
        ("carols-laptop", "the host name carols-laptop is not known"),
        ("", "the host name  is not known"),
        ("a\0b", "the host name a\0b is not known"),
        ("[::1]", "the host name [::1] is not known"),
        ("ä..b", "the host name ä..b is not known"),
        ("a..b", "the host name a..b is not known"),
        ("x" * 255, f"the host name {'x' * 255} is not known"),
        ("\ud800", "the host name \ud800 is not known"),
    ],
)
async def test_why_nobody_is_reached_is_a_sentence(host: str, reason: str) -> None:
    trio.socket.set_custom_hostname_resolver(Names())
    with pytest.raises(Unreachable) as caught:
        await TlsNetwork().dial([Address(host, 1)])
    assert str(caught.value) == reason


async def test_a_host_to_listen_on_that_is_no_name_is_an_error() -> None:
    with pytest.raises(OSError, match="not known"):
        await TlsNetwork().serve("ä..b", 0, Server().answer)


async def test_when_there_are_no_more_descriptors_a_dial_says_so() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with serving() as (_, address):
        network = TlsNetwork()
        free = os.dup(0)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            with pytest.raises(Unreachable, match="too many open files"):
                await network.dial([address])
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- Words for errors --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(113, "No route to host"), "no route to host"),
        (trio.BrokenResourceError(), "the connection was lost"),
        (trio.ClosedResourceError("this was closed"), "this was closed"),
        (ssl.SSLError(1, ""), "it broke off"),
    ],
)
def test_every_error_has_words(error: Exception, words: str) -> None:
    assert cause_of(error) == words


def test_the_deepest_cause_speaks() -> None:
    outer = trio.BrokenResourceError()
    outer.__cause__ = OSError(104, "Connection reset by peer")
    assert cause_of(outer) == "connection reset by peer"


async def test_who_answers_in_another_language_is_told_apart() -> None:
    async def answer(stream: trio.SocketStream) -> None:
        await stream.send_all(b"SSH-2.0-OpenSSH_9.2\r\n")
        await stream.receive_some()

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, host=LOCAL), answer, 0)
        port = listener.socket.getsockname()[1]
        with pytest.raises(Unreachable) as caught:
            await presenting(dave).dial([Address(LOCAL, port)])
        nursery.cancel_scope.cancel()
    why = "what answers there does not speak TLS"
    assert str(caught.value) == f"no TLS connection to {LOCAL}:{port}: {why}"
