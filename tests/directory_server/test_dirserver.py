"""`dirserver` as a program: its start, its end, and what it says when it cannot."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from directory_server import arguments
from shared.messages import Drop, Fetch, Stored
from shared.tls import TlsNetwork
from shared.world import Address
from tests.directory_server.client import Client, identity_of

LISTENING = re.compile(r"Directory listening on 127\.0\.0\.1:(\d+), key ((?:[0-9a-f]{4} ?){8})\n")
SECONDS = 60  # for a program to start or end, on a slow machine

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `dirserver` with these arguments, and kills at the end what is left of it."""
    running = []

    def start(*words: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "directory_server", *words]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"XDG_DATA_HOME": str(tmp_path / "home")},
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def address_of(process: "subprocess.Popen[str]") -> Address:
    assert process.stdout is not None
    said = LISTENING.fullmatch(process.stdout.readline())
    assert said is not None
    return Address("127.0.0.1", int(said[1]))


def one_line(process: "subprocess.Popen[str]", code: int = 2) -> str:
    """What a program that could not start said of it."""
    said, complaint = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (code, "")
    assert complaint.startswith("dirserver: ")
    assert complaint.count("\n") == 1
    return complaint


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    process = start("0", "--host", "127.0.0.1", "--data", str(tmp_path / "data"))
    address_of(process)
    process.send_signal(number)
    assert process.communicate(timeout=SECONDS) == ("", "")
    assert process.returncode == 0


def test_everything_it_keeps_is_for_its_owner_only(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    address_of(start("0", "--host", "127.0.0.1", "--data", str(folder)))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert {"authority", "directory.sqlite", "lock"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_without_a_folder_it_uses_the_users_own(start: Start, tmp_path: Path) -> None:
    address_of(start("0", "--host", "127.0.0.1"))
    assert (tmp_path / "home" / "parley" / "directory" / "authority").exists()


def test_a_port_in_use_is_said_in_one_line(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = start(port, "--host", "127.0.0.1", "--data", str(tmp_path / "data"))
        assert f"port {port} is already in use" in one_line(process)


def test_a_second_directory_on_the_same_data_is_said_in_one_line(
    start: Start, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    address_of(start("0", "--host", "127.0.0.1", "--data", data))
    assert f"already running on {data}" in one_line(start("0", "--data", data))


def test_a_host_that_is_not_ours_is_said_in_one_line(start: Start, tmp_path: Path) -> None:
    process = start("0", "--host", "192.0.2.1", "--data", str(tmp_path / "data"))
    assert "192.0.2.1 is not an address of this machine" in one_line(process)


def test_a_folder_that_cannot_be_used_is_said_in_one_line(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    process = start("0", "--data", str(tmp_path / "file"))
    assert "cannot use the folder" in one_line(process)


@pytest.mark.parametrize("file", ["authority", "directory.sqlite"])
def test_a_damaged_file_is_said_in_one_line(start: Start, tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_bytes(b"rubbish" * 1_000)
    (tmp_path / file).chmod(0o600)
    assert file in one_line(start("0", "--data", str(tmp_path)))


async def test_a_message_survives_a_kill_right_after_it_is_stored(
    start: Start, tmp_path: Path
) -> None:
    words = ("0", "--host", "127.0.0.1", "--data", str(tmp_path / "data"))
    sealed = os.urandom(500)
    async with trio.open_nursery() as nursery:
        process = start(*words)
        address = address_of(process)
        dave = await Client.register(nursery, TlsNetwork(), address, "dave")
        await dave.leaves()
        carol = await Client.register(nursery, TlsNetwork(), address, "carol")
        assert await carol.ask(Drop(1, "dave", "ab" * 16, sealed)) == Stored(1, "ab" * 16)
        process.kill()
        process.wait()
        await carol.ends()

        address = address_of(start(*words))
        dave = await Client.register(nursery, TlsNetwork(), address, "dave")
        assert dave.welcome.waiting == 1
        (envelope,) = (await dave.ask(Fetch(1))).envelopes
        assert (envelope.id, envelope.sealed) == ("ab" * 16, sealed)
        await dave.leaves()


async def test_users_read_good_bye_when_it_is_stopped(start: Start, tmp_path: Path) -> None:
    process = start("0", "--host", "127.0.0.1", "--data", str(tmp_path / "data"))
    async with trio.open_nursery() as nursery:
        address = address_of(process)
        carol = await Client.register(nursery, TlsNetwork(), address, "carol")
        process.terminate()
        assert await carol.ends() == "the directory is closing"
    assert process.wait(SECONDS) == 0


async def test_a_log_does_not_say_who_writes_to_whom(start: Start, tmp_path: Path) -> None:
    words = ("0", "--host", "127.0.0.1", "--data", str(tmp_path / "data"), "--verbose")
    process = start(*words)
    async with trio.open_nursery() as nursery:
        address = address_of(process)
        await (await Client.register(nursery, TlsNetwork(), address, "dave")).leaves()
        carol = await Client.register(nursery, TlsNetwork(), address, "carol")
        await carol.ask(Drop(1, "dave", "ab" * 16, b"sealed"))
        await carol.leaves()
    process.terminate()
    _, log = process.communicate(timeout=SECONDS)
    assert "carol is here, from 127.0.0.1" in log
    assert "dave is gone: it said good bye" in log
    assert not [line for line in log.splitlines() if "carol" in line and "dave" in line]
    assert identity_of("carol").seed().hex() not in log


# --- Arguments ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "the following arguments are required: PORT"),
        ("port", "PORT: 'port' is not a port: a number from 1 to 65535"),
        ("65536", "PORT: '65536' is not a port"),
        ("-1", "PORT: '-1' is not a port"),
        ("5000 5001", "unrecognized arguments: 5001"),
        ("5000 --idle-after -1", "--idle-after: '-1' is not a number of seconds"),
        ("5000 --idle-after soon", "--idle-after: 'soon' is not a number of seconds"),
        ("5000 --idle-after nan", "--idle-after: 'nan' is not a number of seconds"),
        ("5000 --register-only-with=", "--register-only-with: a token has 1 to 256 characters"),
        ("5000 --data=", "--data: it is empty"),
        ("5000 --hos 1", "unrecognized arguments: --hos 1"),
    ],
)
def test_each_wrong_argument_has_its_line(
    words: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        arguments.parse(words.split())
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"dirserver: {complaint}")
    assert said.endswith("(see dirserver --help)\n")
    assert said.count("\n") == 1


def test_all_arguments_together() -> None:
    parsed = arguments.parse(
        "5000 --host ::1 --data d --idle-after 1.5 --one-per-address"
        " --register-only-with sesame --verbose".split()
    )
    assert vars(parsed) == {
        "port": 5000,
        "host": "::1",
        "data": "d",
        "idle_after": 1.5,
        "one_per_address": True,
        "register_only_with": "sesame",
        "verbose": True,
    }


def test_the_help_has_an_example_for_each_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        arguments.parse(["--help"])
    assert end.value.code == 0
    usage, examples = capsys.readouterr().out.split("examples:")
    for option in re.findall(r"^  (--[a-z-]+)", usage, re.MULTILINE):
        assert option in examples


def test_the_version_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        arguments.parse(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("dirserver ")
