"""`dirserver PORT`."""

import os
import sys

from shared.process import end_when_interrupted, forbid_core_dumps


def main() -> None:
    end_when_interrupted()
    from directory_server.arguments import parse  # noqa: PLC0415

    arguments = parse(environment=os.environ)
    forbid_core_dumps()
    # Imports take half a second; a wrong argument is reported before them.
    from directory_server.program import run  # noqa: PLC0415

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
