"""Nobody ends a program: whatever comes over a connection ends that connection at most."""

import errno
import logging
import socket
from typing import NoReturn

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

import shared.wire
from directory_server.answers import Answers
from peer.runtime.conversation.news import News
from peer.runtime.directory.session import DirectorySession
from peer.runtime.link.dials import Dials
from shared.accepting import serve_all
from shared.border import LoggedBugs
from shared.log import SPARE_SECONDS
from shared.messages.directory import List
from tests.kit.attackers.common import FORGERY, logged_at
from tests.kit.community import Community, Person, open_community
from tests.kit.raw_peer import raw
from tests.kit.wires import two_wires

# --- The race of those who close and those who read --------------------------------


async def test_a_wire_that_is_cut_when_data_is_there_is_just_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the moment in which its data has come and that in which it is read."""
    async with two_wires() as (here, there):

        async def readable_and_cut(sock: socket.socket) -> None:
            await trio.lowlevel.wait_readable(sock)
            here.abort()

        monkeypatch.setattr(shared.wire, "wait_readable", readable_and_cut)
        await there.send_all(b"just now")
        with pytest.raises(trio.ClosedResourceError):
            await here.receive_some()


# --- The border around each connection ----------------------------------------------


async def with_border(community: Community, *names: str) -> list[Person]:
    """Started, and their bugs are treated as at a user's."""
    people = [community.person(name) for name in names or ("carol", "dave")]
    for person in people:
        person.machine.bugs = LoggedBugs()
        await person.starts()
    return people


def _bug(*_: object, **__: object) -> NoReturn:
    raise ZeroDivisionError(FORGERY)


async def test_a_bug_ends_the_link_that_met_it_and_no_peer(
    community: Community, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await with_border(community)
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        with monkeypatch.context() as broken:
            broken.setattr(News, "hear", _bug)
            link.says(mallory.text(1, "hello"))
            await link.ends()
    (line,) = logged_at(caplog, logging.ERROR)
    assert line.startswith("link from 10.0.2.7:")
    assert "the connection met a bug: ZeroDivisionError in attacks/test_nobody" in line
    await dave.connects_with(carol)


async def test_a_bug_on_a_link_that_i_have_dialled_ends_that_link(
    community: Community, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await with_border(community)
    with monkeypatch.context() as broken:
        broken.setattr(Dials, "_dial_and_carry", _bug)
        await carol.types("PRV dave are you there?")
        await carol.sees("Not delivered to dave: the connection met a bug in this program.")
    assert logged_at(caplog, logging.ERROR)[0].startswith("link to dave: the connection met a bug:")
    await carol.types("PRV dave and now?")
    await dave.sees("[private] carol: and now?")


async def test_a_bug_on_the_link_to_the_directory_is_a_loss_of_that_link(
    community: Community, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (carol,) = await with_border(community, "carol")
    with monkeypatch.context() as broken:
        broken.setattr(DirectorySession, "_hear", _bug)
        await community.person("dave").starts()
        await carol.sees_part("directory")
    await carol.sees_part("directory", within=30)
    (line,) = logged_at(caplog, logging.ERROR)
    assert line.startswith("the directory at 10.0.0.1:5000: the connection met a bug:")
    assert carol.is_running


async def test_a_bug_ends_the_user_that_met_it_and_no_directory(
    community: Community, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await community.directory.stops()
    community.directory.machine.bugs = LoggedBugs()
    await community.directory.starts()
    carol, dave = await community.start("carol", "dave")
    async with raw(community, "mallory") as mallory:
        with monkeypatch.context() as broken:
            broken.setattr(Answers, "list", _bug)
            mallory.client.say(List(1))
            await mallory.client.ends()
    (line,) = logged_at(caplog, logging.ERROR)
    assert line.startswith("10.0.2.7:")
    assert "ZeroDivisionError" in line
    await carol.types("PRV dave still here")
    await dave.sees("[private] carol: still here")


async def test_in_a_test_a_bug_is_a_failure_all_the_same(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(News, "hear", _bug)

    async def play() -> None:
        async with open_community() as community:
            (carol,) = await community.start("carol")
            async with raw(community, "mallory") as mallory:
                (await mallory.dials(carol)).says(mallory.text(1, "hello"))
                await trio.sleep(1)

    with pytest.raises(ExceptionGroup) as raised:
        await play()
    assert raised.group_contains(ZeroDivisionError)


# --- Listening -----------------------------------------------------------------------


class Overloaded(trio.abc.Listener[trio.abc.Stream]):
    """The system has no file left, again and again; then somebody gets in."""

    left = 100

    async def accept(self) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.left -= 1
        if self.left > 0:
            raise OSError(errno.EMFILE if self.left % 2 else errno.EPERM, "too many open files")
        if self.left < 0:
            await trio.sleep_forever()
        return memory_stream_pair()[0]

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def test_a_system_without_files_fills_no_log_and_ends_no_listener(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    somebody = trio.Event()

    async def answer(_: trio.abc.Stream) -> None:
        somebody.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_all, [Overloaded()], answer)
        await somebody.wait()
        nursery.cancel_scope.cancel()
    assert 1 < len(caplog.records) <= trio.current_time() / SPARE_SECONDS + 1
    assert caplog.messages[0] == "nobody can connect at this moment: too many open files"
    assert all(record.exc_info is None for record in caplog.records)
