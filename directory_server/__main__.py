"""`dirserver PORT`."""

import argparse
import os
import sys
from collections.abc import Callable

from shared.process import end_when_interrupted, forbid_core_dumps


def main() -> None:
    end_when_interrupted()
    if sys.argv[1:2] == ["admin"]:
        sys.exit(_ask(sys.argv[2:]))
    serve(read(), read)


def read() -> argparse.Namespace:
    """Read the options; end the program, with a line, when one is wrong."""
    from directory_server.arguments import parse  # noqa: PLC0415
    from directory_server.places import config_file  # noqa: PLC0415

    return parse(environment=os.environ, file=config_file())


def serve(arguments: argparse.Namespace, read_anew: Callable[[], argparse.Namespace]) -> None:
    """Run the directory, and end the program with it."""
    forbid_core_dumps()
    # Imports take half a second; a wrong argument is reported before them.
    from directory_server.program import run  # noqa: PLC0415

    sys.exit(run(arguments, read_anew))


def _ask(words: list[str]) -> int:
    """Ask a running directory something."""
    from directory_server.admin.arguments import parse  # noqa: PLC0415
    from directory_server.places import data_of  # noqa: PLC0415

    arguments = parse(words)
    folder = data_of(arguments.data, os.environ)
    from directory_server.admin.client import run  # noqa: PLC0415

    return run(arguments, folder)


if __name__ == "__main__":
    main()
