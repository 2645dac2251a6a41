"""The command line of `dirserver`.  Imports little: `--help` must be there at once."""

import argparse
import math
import sys
from typing import Final, NoReturn

from directory_server.settings import IDLE_AFTER

USAGE_ERROR: Final = 2
TOKEN_CHARACTERS: Final = 256  # as in shared.messages.Iam
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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line; the whole usage would bury it."""
        message = message.removeprefix("argument ")
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Ends the program with code 2 and one line when an argument is wrong."""
    parser = _Parser(
        prog="dirserver",
        description="The directory of a Parley community: it knows who is there and where, and"
        " keeps messages for those who are away.",
        epilog=EXAMPLES,
        formatter_class=_formatter(),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("port", metavar="PORT", type=_port, help="the TCP port to listen on; 0: a free one")
    add("--host", type=_text, help="the address to listen on (default: all of them)")
    add("--data", metavar="DIR", type=_text, help="the folder for keys, names and mail")
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
        type=_token,
        help="a closed community: a new name must show this token",
    )
    add("--verbose", action="store_true", help="log who comes and goes, on stderr")
    add("--version", action="version", version=f"%(prog)s {_version(arguments)}")
    return parser.parse_args(arguments)


def _formatter() -> type[argparse.HelpFormatter]:
    if sys.stdout is None or not sys.stdout.isatty():  # None: it is closed
        return argparse.RawDescriptionHelpFormatter
    from rich_argparse import RawDescriptionRichHelpFormatter  # noqa: PLC0415 - loads rich

    return RawDescriptionRichHelpFormatter


def _version(arguments: list[str] | None) -> str:
    """Looked up only when asked for: it costs 20 ms."""
    if "--version" not in (sys.argv if arguments is None else arguments):
        return ""
    from importlib import metadata  # noqa: PLC0415

    try:
        return metadata.version("parley")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return seconds


def _text(text: str) -> str:
    if not text or not text.isprintable():
        raise argparse.ArgumentTypeError("it is empty, or not readable")
    return text


def _token(text: str) -> str:
    if not text or len(text) > TOKEN_CHARACTERS:
        raise argparse.ArgumentTypeError(
            f"a token has 1 to {TOKEN_CHARACTERS} characters, this one {len(text)}"
        )
    return text
