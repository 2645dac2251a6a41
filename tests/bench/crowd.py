"""Many users, in a process of their own: python -m tests.bench.crowd COUNT FOLDER [WATCHED].

Each command on stdin makes all of them do something, or with FROM TO those of these numbers,
and is answered with the seconds that it took: `greet PORT` (of a bare server), `register
PORT`, `leave`.  Keys are made before the clock starts.  Each watches WATCHED others.
"""

import contextlib
import os
import random
import select
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from shared.codec import encode
from shared.messages.common import Ping
from tests.bench.bare import client_context
from tests.bench.child import allow_many_files, say
from tests.bench.lean import LeanUser, context, for_all, make

DRAIN_PAUSE: Final = 0.25  # so that we do not take the processor from the directory
PING_TURNS: Final = 120  # each says PING every 30 s, as a peer does; else its lease would end
PING: Final = encode(Ping())
SEED: Final = 14  # of who watches whom


class Drain(threading.Thread):
    """Lives for users who wait: reads what the directory tells, and does not even decrypt it."""

    def __init__(self, users: Iterable[LeanUser] = ()) -> None:
        super().__init__(daemon=True)
        self._epoll = select.epoll()
        self._users: list[LeanUser] = []
        self._stopped = False
        for user in users:
            self.add(user)
        self.start()

    def add(self, user: LeanUser) -> None:
        self._users.append(user)
        self._epoll.register(user.tls.fileno(), select.EPOLLIN)

    def stop(self) -> None:
        self._stopped = True
        self.join()

    def run(self) -> None:
        turn = 0
        while not self._stopped:
            time.sleep(DRAIN_PAUSE)
            turn += 1
            for user in self._users[turn % PING_TURNS :: PING_TURNS]:
                with contextlib.suppress(OSError):
                    user.tls.sendall(PING)
            for descriptor, _ in self._epoll.poll(0):
                with contextlib.suppress(ConnectionResetError):  # the server has ended
                    if os.read(descriptor, 65_536):
                        continue
                self._epoll.unregister(descriptor)
        self._epoll.close()


class Crowd:
    def __init__(self, count: int, folder: Path, watched: int) -> None:
        self._folder = folder
        self._users = make("user", count)
        self._here: set[LeanUser] = set()
        self._drain = Drain()
        chance = random.Random(SEED)  # nosec B311
        for user in self._users:
            user.watch = tuple(one.name for one in chance.sample(self._users, watched))

    def some(self, numbers: list[str]) -> list[LeanUser]:
        start, end = map(int, numbers or (0, len(self._users)))
        return self._users[start:end]

    def greet(self, port: int, users: list[LeanUser]) -> float:
        bare = client_context(self._folder, anonymous=True)

        def connect(user: LeanUser) -> None:
            user.connect(port, bare)
            user.read_line()

        return self._timed(connect, users)

    def register(self, port: int, users: list[LeanUser]) -> float:
        """As new names the first time; like a peer, without showing a certificate."""
        anonymous = context()
        return self._timed(lambda user: user.register(port, anonymous), users)

    def leave(self, users: list[LeanUser]) -> None:
        self._drain.stop()
        gone = self._here & set(users)
        for user in gone:
            user.close()
        self._here -= gone
        self._drain = Drain(self._here)

    def _timed(self, enter: Callable[[LeanUser], None], users: list[LeanUser]) -> float:
        def come(user: LeanUser) -> None:
            enter(user)
            self._drain.add(user)

        start = time.perf_counter()
        for_all(users, come)
        self._here |= set(users)
        return time.perf_counter() - start


def main(count: int, folder: Path, watched: int = 0) -> None:
    allow_many_files()
    crowd = Crowd(count, folder, watched)
    say("ready")
    for line in sys.stdin:
        match line.split():
            case ["greet", port, *numbers]:
                say(crowd.greet(int(port), crowd.some(numbers)))
            case ["register", port, *numbers]:
                say(crowd.register(int(port), crowd.some(numbers)))
            case ["leave", *numbers]:
                crowd.leave(crowd.some(numbers))
                say("gone")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
