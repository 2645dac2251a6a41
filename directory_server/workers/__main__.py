"""Start as one of several workers: take the parent's sockets for those of a service manager.

`python -m directory_server.workers 64,65 5000 --store URL` serves on its descriptors 64 and 65.
"""

import os
import sys

from directory_server.inherited_sockets import FIRST


def main() -> None:
    numbers = [int(number) for number in sys.argv.pop(1).split(",")]
    for place, number in enumerate(numbers, start=FIRST):
        os.dup2(number, place)
        os.close(number)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(numbers))}
    from directory_server.__main__ import main as serve  # noqa: PLC0415  # as the program does

    serve()


if __name__ == "__main__":
    main()
