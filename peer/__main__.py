"""`peer [NAME HOST PORT [COMMAND...]]`."""

import argparse
import gc
import os
import sys
from typing import TYPE_CHECKING

from peer.arguments import parse

if TYPE_CHECKING:
    from peer.stage import Stage


def main() -> None:
    arguments = parse(sys.argv[1:])
    gc.disable()  # nothing of what is imported goes away again; a tenth of the time
    try:
        # Half a second of imports; a wrong argument is told before.
        from peer.settings import complete, config_file  # noqa: PLC0415

        at_terminal = os.isatty(0) and os.isatty(1)
        complete(arguments, os.environ, config_file(), at_terminal=at_terminal)
        from peer.stage import run  # noqa: PLC0415

        code = run(arguments, _perform)
    except KeyboardInterrupt:  # while nobody listens to signals yet
        code = 130
    sys.exit(code)


async def _perform(arguments: argparse.Namespace, stage: "Stage") -> int:
    from peer.program import Program  # noqa: PLC0415  # long, and the prompt stands meanwhile

    gc.freeze()
    gc.enable()
    return await Program(arguments, stage).perform()


if __name__ == "__main__":
    main()
