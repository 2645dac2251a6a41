"""The socket in a folder: for its owner only, whatever the length of the path."""

import stat
from pathlib import Path

import pytest
import trio

from shared import local_socket
from shared.local_socket import accepts, connect, listen, may_ask


async def answer_once(listener: trio.SocketListener) -> None:
    stream = await listener.accept()
    async with stream:
        await stream.send_all(b"yes" if may_ask(stream) else b"no")


@pytest.mark.parametrize("deep", ["", "/".join(["a long name of a folder"] * 6)])
async def test_its_owner_may_ask(tmp_path: Path, deep: str) -> None:
    folder = tmp_path / deep
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "admin"
    assert not accepts(path)
    listener = listen(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(answer_once, listener)
        async with await connect(path) as stream:
            assert await stream.receive_some() == b"yes"


async def test_an_old_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "admin"
    for _ in range(2):  # the first one stays behind, as after kill -9
        async with listen(path):
            assert accepts(path)


async def test_nobody_there_is_told_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        await connect(tmp_path / "none")
    assert missing.value.errno in local_socket.NOBODY_THERE


async def test_another_user_may_not_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in (12_345, None):
        monkeypatch.setattr(local_socket, "user_of", lambda _, other=other: other)
        listener = listen(tmp_path / "admin")
        async with listener, trio.open_nursery() as nursery:
            nursery.start_soon(answer_once, listener)
            async with await connect(tmp_path / "admin") as stream:
                assert await stream.receive_some() == b"no"
