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
from shared.messages.directory import Drop, Fetch, Stored
from shared.tls import TlsNetwork
from shared.world import Address
from tests.kit.full_disk import no_file_larger_than
from tests.kit.raw_client import Client, identity_of

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


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as one:
            one.bind(("::", 0))
    except OSError:
        return False
    return True


def test_every_address_that_it_listens_on_is_said(start: Start, tmp_path: Path) -> None:
    process = start("0", "--data", str(tmp_path / "data"))
    assert process.stdout is not None
    said = process.stdout.readline()
    port = re.findall(r":(\d+), key", said)[0]
    both = f"0.0.0.0:{port} and [::]:{port}" if has_ipv6() else f"0.0.0.0:{port}"
    assert said.startswith(f"Directory listening on {both}, key ")


def bound(process: "subprocess.Popen[str]") -> tuple[Address, str]:
    """Where it listens, and with what key."""
    assert process.stdout is not None
    said = LISTENING.fullmatch(process.stdout.readline())
    assert said is not None
    return Address("127.0.0.1", int(said[1])), said[2]


def address_of(process: "subprocess.Popen[str]") -> Address:
    return bound(process)[0]


def one_line(process: "subprocess.Popen[str]", code: int = 2) -> str:
    """What a program that could not start said of it."""
    said, complaint = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (code, "")
    assert complaint.startswith("dirserver: ")
    assert complaint.count("\n") == 1
    return complaint


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    data = tmp_path / "data"
    for founded in (f"Founded a new community in {data}.\n", ""):
        process = start("0", "--host", "127.0.0.1", "--data", str(data))
        address, key = bound(process)
        join = f'peer NAME 127.0.0.1 {address.port} --directory-key "{key}"'
        said = f"{founded}Give to your users: {join}\n"
        process.send_signal(number)
        assert process.wait(SECONDS) == 0
        assert process.stdout is not None
        assert process.stderr is not None
        assert (process.stdout.read(), process.stderr.read()) == (said, "")


def test_two_signals_at_once_end_it_cleanly_too(start: Start, tmp_path: Path) -> None:
    process = start("0", "--host", "127.0.0.1", "--data", str(tmp_path / "data"))
    address_of(process)
    for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
        process.send_signal(number)
    _, complaint = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert "Traceback" not in complaint  # the log may tell what did not end politely


def test_everything_it_keeps_is_for_its_owner_only(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    address_of(start("0", "--host", "127.0.0.1", "--data", str(folder)))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert {"authority", "directory.sqlite", "lock", "admin"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(("words", "is_open"), [((), True), (("--token-file", "token"), False)])
def test_whoever_listens_to_all_without_a_token_is_told_so(
    start: Start, tmp_path: Path, words: tuple[str, ...], is_open: bool
) -> None:
    (tmp_path / "token").write_text("sesame\n")
    words = tuple(str(tmp_path / word) if word == "token" else word for word in words)
    process = start("0", "--data", str(tmp_path / "data"), *words)
    assert process.stdout is not None
    assert "Directory listening on" in process.stdout.readline()
    process.terminate()
    said = process.stdout.read()
    assert ("Everybody who reaches this machine may register" in said) == is_open


async def test_an_operator_lists_names_and_takes_them_away(start: Start, tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))

    def operate(*words: str) -> list[str]:
        said, complaint = start(*words, *data).communicate(timeout=SECONDS)
        assert not (said and complaint)
        return (said or complaint).splitlines()

    nothing = f"dirserver: there is no directory in the data folder {data[1]}"
    for task in (
        ("--list",),
        ("--forget", "carol"),
        ("--store", "postgresql://localhost/parley", "--fill-store"),
    ):
        assert operate(*task) == [f"{nothing}: name another one with --data"]
    assert not (tmp_path / "data").exists()
    directory = start("0", "--host", "127.0.0.1", *data)
    async with trio.open_nursery() as nursery:
        address = address_of(directory)
        for name in ("carol", "dave"):
            await Client.register(nursery, TlsNetwork(), address, name)
        listed = operate("--list")
        assert [line.split()[0] for line in listed] == ["NAME", "carol", "dave"]
        assert "0 messages" in listed[1]
        assert operate("--forget", "nobody") == ["dirserver: User nobody does not exist!"]
        assert operate("--forget", "DAVE") == ["dave will be forgotten within 30 seconds."]
        directory.terminate()
        directory.wait(SECONDS)
    (tmp_path / "data" / "reserve").unlink()
    with no_file_larger_than(1024 * 1024):
        *_, last = operate("--forget", "carol")
    assert last == "dirserver: the disk did not take it: it is full"
    assert operate("--forget", "carol", "--free") == ["carol is forgotten."]
    assert len(operate("--list")) == 1, "dave went with the next one"


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
    complaint = one_line(start("0", "--data", str(tmp_path)))
    assert file in complaint
    assert " back from a backup, or " in complaint
    assert complaint.endswith(" and start with --found-anew to lose all names\n")


def test_a_disk_that_is_full_at_the_first_start_is_said_without_a_traceback(
    start: Start, tmp_path: Path
) -> None:
    words = ("--data", str(tmp_path / "data"))
    with no_file_larger_than(1024 * 1024):
        process = start("0", "--host", "127.0.0.1", *words)
    said, complaint = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (2, "")
    assert complaint.splitlines()[-1] == "dirserver: the disk did not take it: it is full"
    assert "Traceback" not in complaint
    address_of(start("0", "--host", "127.0.0.1", *words))


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
        ("port", 'PORT: "port" is not a port: a number from 1 to 65535'),
        ("65536", 'PORT: "65536" is not a port'),
        ("-1", 'PORT: "-1" is not a port'),
        ("5000 5001", "unrecognized arguments: 5001"),
        ("5000 --idle-after -1", '--idle-after: "-1" is not a number of seconds'),
        ("5000 --idle-after soon", '--idle-after: "soon" is not a number of seconds'),
        ("5000 --idle-after nan", '--idle-after: "nan" is not a number of seconds'),
        ("5000 --register-only-with=", "--register-only-with: a token has 1 to 256 characters"),
        ("5000 --data=", "--data: it is empty"),
        ("5000 --names-per-address -1", '--names-per-address: "-1" is not a number, 0 or more'),
        ("5000 --names-per-address x", '--names-per-address: "x" is not a number, 0 or more'),
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
        "address": "",
        "workers": 1,
        "data": "d",
        "idle_after": 1.5,
        "one_per_address": True,
        "register_only_with": "sesame",
        "token_file": None,
        "closed": False,
        "names_per_address": 64,
        "store": None,
        "store_sync": False,
        "mail_mib": 1_024,
        "name": None,
        "no_announce": False,
        "metrics": None,
        "log_format": "plain",
        "config": None,
        "found_anew": False,
        "fill_store": False,
        "list": False,
        "forget": None,
        "free": False,
        "verbose": True,
    }


def test_a_token_need_not_stand_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, environment = tmp_path / "token", {"PARLEY_TOKEN": "of the environment"}
    file.write_text("of the file\n")

    def told(*words: str) -> str | None:
        token: str | None = arguments.parse(["5000", *words], environment).register_only_with
        return token

    assert told() == "of the environment"
    assert told("--token-file", str(file)) == "of the file"
    assert told("--token-file", str(file), "--register-only-with", "typed") == "typed"
    assert arguments.parse(["5000"], {"PARLEY_TOKEN": ""}).register_only_with is None
    file.write_text("")
    for words in (["--token-file", str(file)], ["--token-file", str(tmp_path / "none")]):
        with pytest.raises(SystemExit):
            arguments.parse(["5000", *words])
        assert capsys.readouterr().err.startswith(f"dirserver: --token-file {words[1]}: ")


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
