"""`dirserver admin` at the screen: tables, objects, codes, and a reader who has gone."""

import os
import subprocess
from pathlib import Path

import msgspec
import pytest
import trio
from trio.testing import MockClock

from directory_server.admin import requests as ask
from directory_server.admin.client import SILENCE_SECONDS, Screen, perform
from directory_server.admin.requests import Answer, AnyAnswer
from directory_server.admin.service import FILE
from shared.errors import Refused, StorageError
from shared.local_socket import listen
from tests.kit.programs import HOST, Stage, tool

STATE = ask.State(
    version="1", key="3f2a", addresses=("10.0.0.5:5000",), up_seconds=7_200.0,
    users={"ACTIVE": 1, "BUSY": 0, "INACTIVE": 0, "OFFLINE": 2}, names=3, connections=100,
    strangers=1, messages_waiting=5, mail_bytes=2 * 2**20, mail_most_bytes=2**30,
    registering="invites", bans=1, invites=2, motd="be\nkind", log="info", draining=True,
    store_failing=True, registrations={"new": 3}, left={"stored": 9}, taken=4, cut={"slow": 1},
)  # fmt: skip
BAN = ask.Banned("mallory", "user", 1.0, None, "being \x1b[31mrude")


async def shown(*answers: Answer, as_json: bool = False) -> None:
    screen = Screen(as_json=as_json)
    for answer in answers:
        await screen.show(answer)


async def test_rows_stand_below_one_head(capsys: pytest.CaptureFixture[str]) -> None:
    user = ask.User("carol", "ACTIVE", 0.0, "10.0.0.9", "3f2a", 1.5, 2)
    await shown(user, msgspec.structs.replace(user, name="dave", address=""), BAN)
    head, carol, dave, bans, mallory = capsys.readouterr().out.splitlines()
    assert head.split() == "NAME STATUS SINCE (UTC) FROM USED WAITING".split()
    assert carol.split() == "carol ACTIVE 1970-01-01 00:00 10.0.0.9 1.5 h 2".split()
    assert dave.split()[4] == "-"
    assert bans.split() == "WHOM UNTIL (UTC) REASON".split()
    assert mallory.split(maxsplit=3) == ["mallory", "for", "ever", "being \u241b[31mrude"]


async def test_the_state_is_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    await shown(STATE)
    said = capsys.readouterr().out
    for line in (
        "Runs for:    2 hours",
        "Users:       1 online of 3 (1 ACTIVE, 0 BUSY, 0 INACTIVE, 2 OFFLINE)",
        "Mail:        5 messages, 2.0 MiB of 1,024",
        "Registering: invites; 1 bans, 2 invites",
        "Told:        be kind",
        "It is being emptied: nobody comes in.",
        "NOTHING CAN BE STORED: new names and messages are refused.",
    ):
        assert line in said.splitlines()


async def test_objects_are_the_answers_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    await shown(STATE, BAN, as_json=True)
    lines = capsys.readouterr().out.splitlines()
    assert [msgspec.json.decode(line, type=AnyAnswer) for line in lines] == [STATE, BAN]
    assert "\x1b" not in lines[1]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("x", "NOBODY"), 5),
        (Refused("x", "DIRECTORY"), 7),
        (Refused("x", "USAGE"), 2),
        (Refused("x"), 4),
        (StorageError("x"), 2),
    ],
)
def test_each_refusal_has_its_code(
    error: Refused | StorageError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Screen(as_json=False).complain(error) == code
    assert capsys.readouterr().err == "dirserver admin: x\n"
    assert Screen(as_json=True).complain(error) == code
    assert '"t":"no"' in capsys.readouterr().out


async def test_without_a_directory_there_is_nothing_to_ask(tmp_path: Path) -> None:
    async def show(_: Answer) -> None: ...

    with pytest.raises(Refused, match=r"no directory in the data folder .*none: name an"):
        await perform(tmp_path / "none", ask.Bans(), show)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the folder of another user")
async def test_root_works_on_no_data_of_another_user(tmp_path: Path) -> None:
    async def show(_: Answer) -> None: ...

    os.chown(tmp_path, 65_533, 65_533)
    with pytest.raises(Refused, match=r"ask as that user \(runuser -u #65533 -- ") as no:
        await perform(tmp_path, ask.Bans(), show)
    assert no.value.code == "DIRECTORY"
    assert os.listdir(tmp_path) == []


def test_a_file_in_the_place_of_the_socket_is_none(tmp_path: Path) -> None:
    (tmp_path / "admin").write_text("no socket")
    done = subprocess.run(
        [tool("dirserver"), "admin", "--data", str(tmp_path), "bans"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("is_accepted", [False, True])
async def test_a_directory_that_is_stopped_is_not_waited_for_without_end(
    tmp_path: Path, autojump_clock: MockClock, is_accepted: bool
) -> None:
    """It is silent from the start, or after its first answer."""
    shown_: list[Answer] = []

    async def show(answer: Answer) -> None:
        shown_.append(answer)

    listener = listen(tmp_path / FILE)
    async with trio.open_nursery() as nursery, listener:
        if is_accepted:

            async def answers_once() -> None:
                stream = await listener.accept()
                await stream.send_all(msgspec.json.encode(ask.Said("one")) + b"\n")
                with stream.socket:
                    await trio.sleep_forever()

            nursery.start_soon(answers_once)
        begun = trio.current_time()
        with pytest.raises(Refused, match="the directory does not answer") as no:
            await perform(tmp_path, ask.Users(), show)
        assert no.value.code == "DIRECTORY"
        assert trio.current_time() == begun + SILENCE_SECONDS
        assert shown_ == [ask.Said("one")] * is_accepted
        nursery.cancel_scope.cancel()


async def test_a_backup_may_take_as_long_as_it_does(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    shown_: list[Answer] = []

    async def show(answer: Answer) -> None:
        shown_.append(answer)

    async def answers_late() -> None:
        async with await listener.accept() as stream:
            await trio.sleep(10 * SILENCE_SECONDS)
            for answer in (ask.Said("it is written"), ask.Done()):
                await stream.send_all(msgspec.json.encode(answer) + b"\n")

    listener = listen(tmp_path / FILE)
    async with trio.open_nursery() as nursery, listener:
        nursery.start_soon(answers_late)
        await perform(tmp_path, ask.Backup(str(tmp_path / "backup")), show)
    assert shown_ == [ask.Said("it is written")]


async def test_a_directory_that_is_emptied_is_waited_for_until_it_has_ended(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Else a script would copy a folder that still changes."""
    shown_: list[Answer] = []

    async def show(answer: Answer) -> None:
        shown_.append(answer)

    async def ends_late() -> None:
        async with await listener.accept() as stream:
            for answer in (ask.Said("the directory ends"), ask.Done(), ask.Done()):
                await stream.send_all(msgspec.json.encode(answer) + b"\n")
            await trio.sleep(10 * SILENCE_SECONDS)

    listener = listen(tmp_path / FILE)
    async with trio.open_nursery() as nursery, listener:
        nursery.start_soon(ends_late)
        begun = trio.current_time()
        await perform(tmp_path, ask.Drain(), show)
        assert trio.current_time() == begun + 10 * SILENCE_SECONDS
    assert shown_ == [ask.Said("the directory ends")]


def test_a_reader_who_has_gone_causes_no_traceback(stage: Stage) -> None:
    stage.directory("--host", HOST)
    data = str(stage.directory_data)
    for words in (("status",), ("status", "--json"), ("users",)):
        asking = subprocess.Popen(
            [tool("dirserver"), "admin", "--data", data, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert asking.stdout is not None
        asking.stdout.close()
        assert asking.wait(60) == (0 if words == ("users",) else 1)
        assert asking.stderr is not None
        assert asking.stderr.read() == b""
        asking.stderr.close()
