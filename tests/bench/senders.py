"""Users who leave messages: python -m tests.bench.senders FOLDER PORT BARE_PORT SENDERS RECEIVERS.

`leave N M` on stdin: N of them leave M messages each, the next one as soon as the
last one is promised; answered with the seconds that it took.  The receivers are
away.  Envelopes hold random bytes: the directory cannot tell.  `echo N M`: the
same lines, sent to a bare server that sends them back.
"""

import os
import select
import ssl
import sys
import time
from pathlib import Path
from typing import Final

from shared.codec import encode
from shared.messages.directory import Drop
from tests.bench.bare import client_context
from tests.bench.child import allow_many_files, say
from tests.bench.lean import LeanUser, context, for_all, make

SEALED_BYTES: Final = 600  # of a real envelope with a text of 100 characters
PATIENCE_SECONDS: Final = 60.0


class Sender:
    """One user, with one message on its way at a time."""

    def __init__(self, user: LeanUser, lines: list[bytes]) -> None:
        self._tls, self._lines = user.tls, iter(lines)
        self._rest = b""
        self.is_done = False

    def send_next(self) -> None:
        line = next(self._lines, None)
        if line is None:
            self.is_done = True
        else:
            self._tls.send(line)

    def receive(self) -> None:
        *lines, self._rest = (self._rest + self._read()).split(b"\n")
        for line in lines:
            if line.startswith(b'{"t":"STORED"'):
                self.send_next()
            elif line.startswith((b'{"t":"ERR"', b'{"t":"BYE"')):
                raise ConnectionError(line.decode())

    def _read(self) -> bytes:
        read = b""
        try:
            while chunk := self._tls.recv(65_536):
                read += chunk
        except ssl.SSLWantReadError:
            return read
        raise ConnectionError("the directory cut the link")


def leave(users: list[LeanUser], lines: list[list[bytes]]) -> float:
    """The seconds until all is promised."""
    senders = {user.tls.fileno(): Sender(user, own) for user, own in zip(users, lines, strict=True)}
    with select.epoll() as epoll:
        for descriptor in senders:
            epoll.register(descriptor, select.EPOLLIN)
        start = time.perf_counter()
        for sender in senders.values():
            sender.send_next()
        waiting = len(senders)
        while waiting:
            events = epoll.poll(PATIENCE_SECONDS)
            if not events:
                raise ConnectionError("the directory does not answer")
            for descriptor, _ in events:
                sender = senders[descriptor]
                was_done = sender.is_done
                sender.receive()
                waiting -= sender.is_done and not was_done
        return time.perf_counter() - start


def lines_of(sender: int, count: int, receivers: int) -> list[bytes]:
    """Each sender begins with another receiver."""
    start = sender * count
    return [
        encode(Drop(n, f"away{(start + n) % receivers}", os.urandom(16).hex(),
                    os.urandom(SEALED_BYTES)))
        for n in range(count)
    ]  # fmt: skip


def register(port: int, prefix: str, count: int) -> list[LeanUser]:
    users, shared = make(prefix, count), context()
    for_all(users, lambda user: user.register(port, shared))
    return users


def connect(port: int, count: int, folder: Path) -> list[LeanUser]:
    """To a server that only sends everything back."""
    users, bare = make("bare", count), client_context(folder)
    for user in users:
        user.connect(port, bare)
        user.read_line()
    return users


def main(folder: Path, port: int, bare_port: int, senders: int, receivers: int) -> None:
    allow_many_files()
    for user in register(port, "away", receivers):
        user.close()
    users = {
        "leave": register(port, "sender", senders),
        "echo": connect(bare_port, senders, folder),
    }
    for user in (*users["leave"], *users["echo"]):
        user.tls.setblocking(False)
    say("ready")
    for command in sys.stdin:
        what, *numbers = command.split()
        several, each = map(int, numbers)
        lines = [lines_of(number, each, receivers) for number in range(several)]
        if what == "echo":
            lines = [[line.replace(b"DROP", b"STORED") for line in own] for own in lines]
        say(leave(users[what][:several], lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:6]))
