"""Many users, in a process of their own: python -m tests.bench.crowd COUNT FOLDER.

Each command on stdin makes all of them do something, and is answered with the
seconds that it took: `greet PORT` (of a bare server), `register PORT`, `leave`.
Keys and contexts are made before the clock starts.
"""

import os
import select
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.bench.bare import client_context, pem
from tests.bench.child import allow_many_files, say
from tests.bench.lean import LeanUser, context, for_all, make

DRAIN_PAUSE: Final = 0.25  # so that we do not take the processor from the directory


class Drain(threading.Thread):
    """Reads what the directory tells to users who wait, and does not even decrypt it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._epoll = select.epoll()
        self._stopped = False
        self.start()

    def add(self, user: LeanUser) -> None:
        self._epoll.register(user.tls.fileno(), select.EPOLLIN)

    def stop(self) -> None:
        self._stopped = True
        self.join()

    def run(self) -> None:
        while not self._stopped:
            time.sleep(DRAIN_PAUSE)
            for descriptor, _ in self._epoll.poll(0):
                if not os.read(descriptor, 65_536):
                    self._epoll.unregister(descriptor)
        self._epoll.close()


class Crowd:
    def __init__(self, count: int, folder: Path) -> None:
        self._folder = folder
        self._users = make("user", count)
        self._drain = Drain()

    def greet(self, port: int) -> float:
        bare = client_context(self._folder)

        def connect(user: LeanUser) -> None:
            user.connect(port, bare)
            user.read_line()

        return self._timed(connect)

    def register(self, port: int) -> float:
        """As new names the first time, with certificates after that."""
        contexts = {user: _context_of(user) for user in self._users}
        return self._timed(lambda user: user.register(port, contexts[user]))

    def leave(self) -> None:
        self._drain.stop()
        for user in self._users:
            user.close()
        self._drain = Drain()

    def _timed(self, enter: Callable[[LeanUser], None]) -> float:
        def come(user: LeanUser) -> None:
            enter(user)
            self._drain.add(user)

        start = time.perf_counter()
        for_all(self._users, come)
        return time.perf_counter() - start


def _context_of(user: LeanUser) -> ssl.SSLContext:
    made = context()
    if user.certificate:
        key = user.identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with tempfile.NamedTemporaryFile() as file:
            file.write(key + pem(user.certificate))
            file.flush()
            made.load_cert_chain(file.name)
    return made


def main(count: int, folder: Path) -> None:
    allow_many_files()
    crowd = Crowd(count, folder)
    say("ready")
    for line in sys.stdin:
        match line.split():
            case ["greet", port]:
                say(crowd.greet(int(port)))
            case ["register", port]:
                say(crowd.register(int(port)))
            case ["leave"]:
                crowd.leave()
                say("gone")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
