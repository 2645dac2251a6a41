"""A service manager listens for the directory, so that a restart refuses nobody."""

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from directory_server import inherited_sockets
from directory_server.inherited_sockets import inherited_listeners
from shared.errors import Refused
from tests.kit.handed_sockets import listening, with_sockets
from tests.kit.programs import Stage, tool

FIRST = 300  # stands for descriptor 3, which a test needs itself

Hand = Callable[..., None]


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hand]:
    """Hand sockets to this process, as a service manager does."""
    handed: list[int] = []

    def hand_over(*sockets: socket.socket, process: int | None = None) -> None:
        for i, one in enumerate(sockets):
            handed.append(os.dup2(one.fileno(), FIRST + i))
        monkeypatch.setattr(inherited_sockets, "FIRST", FIRST)
        monkeypatch.setenv("LISTEN_PID", str(process or os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", str(len(sockets)))

    yield hand_over
    for number in handed:
        try:
            os.close(number)
        except OSError:
            continue  # whoever took it over has closed it


def port_of(one: socket.socket) -> int:
    return int(one.getsockname()[1])


def test_without_a_manager_there_is_nothing() -> None:
    assert inherited_listeners(5000) == []


async def test_each_socket_becomes_a_listener(hand: Hand) -> None:
    with listening("127.0.0.1") as one:
        hand(one)
        (found,) = inherited_listeners(port_of(one))
        assert found.socket.getsockname() == one.getsockname()
        assert not os.get_inheritable(found.socket.fileno())
        assert "LISTEN_FDS" not in os.environ  # a child must not take them for its own
        await found.aclose()


def test_sockets_for_another_process_are_not_ours(hand: Hand) -> None:
    with listening("127.0.0.1") as one:
        hand(one, process=os.getppid())
        assert inherited_listeners(port_of(one)) == []


def test_another_port_than_ours_is_refused(hand: Hand) -> None:
    with listening("127.0.0.1") as one:
        hand(one)
        with pytest.raises(Refused, match=rf"listens on port {port_of(one)}, and not on port 7"):
            inherited_listeners(7)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_that_does_not_listen_is_refused(hand: Hand, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        hand(one)
        with pytest.raises(Refused, match="does not listen on a TCP port"):
            inherited_listeners(port_of(one))


def test_a_descriptor_that_is_closed_is_refused(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand()
    monkeypatch.setenv("LISTEN_FDS", "1")
    with pytest.raises(Refused, match=f"socket {FIRST} of the service manager: "):
        inherited_listeners(5000)


@pytest.mark.parametrize("count", ["", "many", "-1", "17", "999999999999", "\u0663"])
def test_a_number_of_sockets_that_is_none_is_refused(
    hand: Hand, monkeypatch: pytest.MonkeyPatch, count: str
) -> None:
    hand()
    monkeypatch.setenv("LISTEN_FDS", count)
    with pytest.raises(Refused, match="LISTEN_FDS says "):
        inherited_listeners(5000)


def test_who_comes_during_a_restart_waits_and_is_not_refused(stage: Stage) -> None:
    with listening("127.0.0.1") as held, listening("::1", port_of(held)) as also:
        port = port_of(held)
        words = [tool("dirserver"), str(port), "--data", str(stage.folder / "directory")]

        def starts() -> None:
            program = with_sockets([held, also], words, name="dirserver")
            stage.programs.append(program)
            program.sees_like(rf"Directory listening on 127.0.0.1:{port} and \[::1\]:{port}, .*")

        starts()
        first = stage.programs[-1]
        first.dies()
        with socket.create_connection(("127.0.0.1", port)) as early:
            starts()
            early.settimeout(40)
            early.sendall(b"no TLS")  # it is heard: the directory ends what is no handshake
            while early.recv(1_000):
                pass


def test_a_port_of_the_manager_that_is_not_ours_ends_the_start(stage: Stage) -> None:
    with listening("127.0.0.1") as held:
        words = [tool("dirserver"), "7", "--data", str(stage.folder / "directory")]
        program = with_sockets([held], words, name="dirserver")
        stage.programs.append(program)
        assert program.ends() == 2
        assert program.errors == [
            "dirserver: socket 3 of the service manager "
            f"listens on port {port_of(held)}, and not on port 7"
        ]
