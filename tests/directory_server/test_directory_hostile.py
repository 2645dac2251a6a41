"""What strangers and users may send to a directory on real sockets, and who notices."""

import contextlib
import random
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import trio

from directory_server.server import Bound, Directory
from directory_server.settings import Settings
from shared.codec import encode
from shared.errors import Refused, Unreachable
from shared.identity import Credentials, issue_for_user
from shared.messages.common import Err
from shared.messages.directory import Iam, List, Lookup, Stir, Users
from shared.real import real_world
from shared.tls import TlsNetwork
from tests.kit.attackers.careless_tls import careless
from tests.kit.raw_client import PATIENCE_SECONDS, Client, identity_of
from tests.kit.world import Authority

HOSTILE_LINES = [
    b"\x00\xff\xfe garbage \x80\n",
    b"GET / HTTP/1.1\r\nHost: directory\r\n\r\n",
    b"[" * 5_000 + b"]" * 5_000 + b"\n",
    b'{"t":' + b"[" * 5_000 + b"]" * 5_000 + b"}\n",
    b'{"t":"IAM","version":"one"}\n',
    b'{"t":"IAM"}\n',
    b'{"t":"PING"}\n{"t":"LIST","id":1}\n',
    b'{"t":7}\n',
    b'"IAM"\n',
    b"{}\n",
    b"null\n",
    b'{"t":"IAM","name":"\xc3\x28"}\n',
    b'{"t":"IAM","name":"\\ud800"}\n',
    random.Random(1).randbytes(10_000),
]


@pytest.fixture
async def bound(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Bound]:
    directory = Directory(real_world(tmp_path / "directory"), Settings(host="127.0.0.1"))
    bound: Bound = await nursery.start(directory.run)
    yield bound
    nursery.cancel_scope.cancel()


@pytest.fixture
async def carol(bound: Bound, nursery: trio.Nursery) -> Client:
    """An honest user, who should notice nothing of all this."""
    return await Client.register(nursery, TlsNetwork(), bound.address, "carol")


async def gets_answers(client: Client) -> bool:
    return isinstance(await client.ask(List(client.next_id())), Users)


async def everything_from(stream: trio.abc.ReceiveStream) -> bytes:
    """Until the other side ends or breaks it."""
    said = b""
    with trio.fail_after(PATIENCE_SECONDS):
        try:
            while chunk := await stream.receive_some():
                said += chunk
        except trio.BrokenResourceError:
            pass
    return said


async def tls(bound: Bound) -> trio.SSLStream[trio.SocketStream]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stream = trio.SSLStream(await trio.open_tcp_stream(*bound.address), context)
    await stream.do_handshake()
    return stream


async def test_strangers_who_break_the_protocol_read_why_and_are_cut(
    bound: Bound, carol: Client
) -> None:
    async def break_it(line: bytes) -> None:
        stream = await tls(bound)
        await stream.send_all(line + b"\n")
        said = await everything_from(stream)
        kinds = [msgspec.json.decode(line)["t"] for line in said.splitlines()]
        assert kinds[0] == "WHO"
        assert kinds[-2:] == ["ERR", "BYE"]
        await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        for line in HOSTILE_LINES:
            nursery.start_soon(break_it, line)
        assert await gets_answers(carol)


async def test_a_line_of_ten_megabytes_is_cut_long_before_its_end(
    bound: Bound, carol: Client
) -> None:
    stream = await tls(bound)
    sent = 0
    with trio.fail_after(PATIENCE_SECONDS):
        try:
            for _ in range(160):
                await stream.send_all(b"x" * 65_536)
                sent += 65_536
        except trio.BrokenResourceError:
            pass
    said = await everything_from(stream)
    assert sent < 160 * 65_536 or b"longer than 16384 bytes" in said
    assert await gets_answers(carol)
    await trio.aclose_forcefully(stream)


async def test_a_user_who_breaks_the_protocol_is_cut_too(
    bound: Bound, carol: Client, nursery: trio.Nursery
) -> None:
    for line, reason in (
        (b'{"t":"LIST"}\n', "not as it should be"),
        (b"x" * 70_000 + b"\n", "longer than 65536 bytes"),
        (b'{"t":"DROP","id":1,"to":"carol","envelope":"../../x","sealed":"eA=="}\n', "envelope"),
        (b'{"t":"FETCH","id":-1}\n', "not as it should be"),
    ):
        mallory = await Client.register(nursery, TlsNetwork(), bound.address, "mallory")
        mallory.link.post_bytes(line)
        error = await mallory.hears(Err)
        assert error.code == "PROTOCOL"
        assert reason in error.text
        await mallory.ends()
    assert await gets_answers(carol)


async def test_nobody_introduces_themselves_twice(
    bound: Bound, carol: Client, nursery: trio.Nursery
) -> None:
    said: list[Iam] = []

    def remember(iam: Iam) -> Iam:
        said.append(iam)
        return iam

    mallory = await Client.register(
        nursery, TlsNetwork(), bound.address, "mallory", change=remember
    )
    mallory.say(said[0])
    assert "IAM does not belong here" in (await mallory.hears(Err)).text
    await mallory.ends()
    assert await gets_answers(carol)


async def test_what_a_newer_program_says_is_answered_and_otherwise_ignored(
    bound: Bound, carol: Client
) -> None:
    carol.link.post_bytes(b'{"t":"DANCE","id":1}\n')
    assert await carol.hears(Err) == Err("UNKNOWN", "DANCE is not known here")
    carol.say(Err("REFUSED", "what is that?"))
    carol.say(Stir())
    assert await gets_answers(carol)


@pytest.mark.parametrize(
    "hello",
    [b"GET / HTTP/1.1\r\nHost: directory\r\n\r\n", random.Random(2).randbytes(4_096), b"\x16\x03"],
)
async def test_who_does_not_speak_tls_is_cut(bound: Bound, carol: Client, hello: bytes) -> None:
    stream = await trio.open_tcp_stream(*bound.address)
    with contextlib.suppress(trio.BrokenResourceError):  # cut already
        await stream.send_all(hello)
        await stream.send_eof()
    assert b"WHO" not in await everything_from(stream)
    assert await gets_answers(carol)
    await stream.aclose()


async def test_half_a_message_and_then_nothing_harms_nobody(bound: Bound, carol: Client) -> None:
    stream = await tls(bound)
    await stream.receive_some()
    await stream.send_all(b'{"t":"IAM","version":1,"na')
    await trio.aclose_forcefully(stream)
    assert await gets_answers(carol)


async def test_a_crowd_that_says_nothing_locks_nobody_out(
    tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directory_server.server.STRANGERS_PER_ADDRESS", 20)
    directory = Directory(real_world(tmp_path / "directory"), Settings(host="127.0.0.1"))
    bound = await nursery.start(directory.run)
    carol = await Client.register(nursery, TlsNetwork(), bound.address, "carol")

    silent = [await trio.open_tcp_stream(*bound.address) for _ in range(50)]
    in_tls = [await tls(bound) for _ in range(50)]

    dave = await Client.register(nursery, TlsNetwork(), bound.address, "dave")
    assert await gets_answers(dave)
    assert await gets_answers(carol)
    assert await everything_from(silent[0]) == b""  # the oldest made room
    for stream in (*silent, *in_tls):
        await trio.aclose_forcefully(stream)
    nursery.cancel_scope.cancel()


async def test_a_certificate_of_another_community_opens_nothing(
    bound: Bound, nursery: trio.Nursery
) -> None:
    elsewhere = Authority()
    identity = identity_of("carol")
    leaf = issue_for_user(elsewhere.certificate, elsewhere.key, "carol", identity.public, 2e9)
    network = careless(Credentials(identity.key, leaf, elsewhere.certificate))
    with pytest.raises(Unreachable):
        await Client.register(nursery, network, bound.address, "carol")


async def test_the_certificate_of_mallory_does_not_open_carols_name(
    bound: Bound, nursery: trio.Nursery
) -> None:
    mallory = await Client.register(
        nursery,
        TlsNetwork(),
        bound.address,
        "mallory",
        request=identity_of("mallory").request("mallory"),
    )
    network = TlsNetwork()
    network.present(mallory.credentials())
    with pytest.raises(Refused, match="your certificate is for mallory, not for carol"):
        await Client.register(nursery, network, bound.address, "carol", identity=mallory.identity)
    again = await Client.register(nursery, network, bound.address, "mallory")
    assert await gets_answers(again)


async def test_requests_in_one_go_are_answered_in_one_go(bound: Bound, carol: Client) -> None:
    requests = [Lookup(carol.next_id(), f"user{number}") for number in range(300)]
    carol.link.post_bytes(b"".join(map(encode, requests)))
    for request in requests:
        assert (await carol.answer_to(request)).code == "NOBODY"
