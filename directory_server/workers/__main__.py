"""Start as one of several workers: take the parent's sockets for those of a service manager.

`python -m directory_server.workers 64,65 5000 --store URL` serves on its descriptors 64 and 65,
with the options that stand in its environment; it reads the words only at a SIGHUP.
The worker ends when its parent dies: else it would hold the port, and nobody could start anew.
"""

import argparse
import os
import select
import signal
import sys
from threading import Thread

from directory_server.inherited_sockets import FIRST
from directory_server.reread import as_at_start
from directory_server.workers.options import VARIABLE, of_parent
from shared.process import end_when_interrupted


def main() -> None:
    end_when_interrupted()
    numbers = [int(number) for number in sys.argv.pop(1).split(",")]
    for place, number in enumerate(numbers, start=FIRST):
        os.dup2(number, place)
        os.close(number)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(numbers))}
    Thread(target=_end_with_the_parent, daemon=True).start()
    options = of_parent(os.environ.pop(VARIABLE))
    from directory_server.__main__ import read, serve  # noqa: PLC0415  # as the program does

    def read_what_may_change() -> argparse.Namespace:
        return as_at_start(options, read())

    serve(options, read_what_may_change)


def _end_with_the_parent() -> None:
    """Wait until nobody can read our output, which the parent does while it lives; then stop."""
    output = select.poll()
    output.register(1, 0)  # an error is told in any case
    output.poll()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
