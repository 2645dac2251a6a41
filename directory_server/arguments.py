"""The command line of `dirserver`.  Imports little: `--help` must be there at once."""

import argparse
import math
import sys
from typing import Final

from directory_server.settings import IDLE_AFTER
from shared.arguments import Parser, port, readable, token
from shared.version import VERSION

EXAMPLES: Final = """\
examples:
  dirserver 5000                               everybody may register
  dirserver 5000 --host 10.0.0.5               listen on one address only
  dirserver 5000 --data /var/lib/parley        keep names, keys and mail there
  dirserver 5000 --idle-after 600              INACTIVE after ten minutes (0: never)
  dirserver 5000 --one-per-address             one user from each IP address
  dirserver 5000 --register-only-with secret   new names only for who knows the token
  dirserver 5000 --verbose                     log who comes and goes
  dirserver --version
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Ends the program with code 2 and one line when an argument is wrong."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = Parser(
        prog="dirserver",
        description="The directory of a Parley community: it knows who is there and where,\n"
        "and keeps messages for those who are away.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("port", metavar="PORT", type=port, help="the TCP port to listen on; 0: a free one")
    add("--host", type=readable, help="the address to listen on (default: all of them)")
    add("--data", metavar="DIR", type=readable, help="the folder for keys, names and mail")
    add(
        "--idle-after",
        metavar="SECONDS",
        type=_seconds,
        default=IDLE_AFTER,
        help=f"of quiet until a user is shown as INACTIVE (default: {IDLE_AFTER:.0f}; 0: never)",
    )
    add("--one-per-address", action="store_true", help="refuse a second user from one IP address")
    add(
        "--register-only-with",
        metavar="TOKEN",
        type=token,
        help="a closed community: a new name must show this token",
    )
    add("--verbose", action="store_true", help="log who comes and goes, on stderr")
    add("--version", action="version", version=f"%(prog)s {VERSION}")
    return parser.parse_args(words)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return seconds
