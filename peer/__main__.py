"""`peer [NAME HOST PORT [COMMAND...]]`."""

import gc
import os
import sys

from peer.arguments import parse


def main() -> None:
    arguments = parse(sys.argv[1:])
    gc.disable()  # nothing of what is imported goes away again; a tenth of the time
    try:
        # Half a second of imports; a wrong argument is told before.
        from peer.settings import complete, config_file  # noqa: PLC0415

        at_terminal = os.isatty(0) and os.isatty(1)
        complete(arguments, os.environ, config_file(), at_terminal=at_terminal)
        from peer.program import run  # noqa: PLC0415

        gc.freeze()
        gc.enable()
        code = run(arguments)
    except KeyboardInterrupt:  # while nobody listens to signals yet
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
