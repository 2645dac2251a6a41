"""The command line of `dirserver`.  Imports little, so that `--help` appears at once."""

import argparse
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from directory_server.core.limits import MAIL_MIB, NEW_NAME_SECONDS, NEW_NAMES_AT_ONCE
from directory_server.settings import IDLE_AFTER
from shared.arguments import Parser, port, quoted, readable, token

EXAMPLES: Final = """\
examples:
  dirserver 5000                               everybody may register
  dirserver 5000 --host 10.0.0.5               listen on one address only
  dirserver 5000 --data /var/lib/parley        keep names, keys and mail there
  dirserver 5000 --idle-after 600              INACTIVE after ten minutes (0: never)
  dirserver 5000 --one-per-address             one user from each IP address
  dirserver 5000 --register-only-with secret   new names only for who knows the token
  dirserver 5000 --token-file /etc/parley      the same, from a file (or PARLEY_TOKEN)
  dirserver 5000 --names-per-address 500       a school behind one address (0: no limit)
  dirserver 5000 --mail-mib 4096               room for 4 GiB of messages
  dirserver 5000 --found-anew                  go on without names that were lost
  dirserver 5000 --verbose                     log who comes and goes
  dirserver --list                             who is registered
  dirserver --forget mallory                   take a name away
  dirserver --forget carol --free              who lost the key may register anew
  dirserver --completion bash > ~/.local/share/bash-completion/completions/dirserver
  dirserver --man-page | man -l -              (also --completion zsh, fish)
  dirserver --version
"""


def parse(
    arguments: list[str] | None = None, environment: Mapping[str, str] | None = None
) -> argparse.Namespace:
    """Parse the command line; a wrong argument ends the program with code 2 and one line."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = Parser(
        prog="dirserver",
        description="The directory of a Parley community: it knows who is there and where,\n"
        "and keeps messages for those who are away.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_place(parser)
    _add_rules(parser)
    _add_limits(parser)
    _add_tasks(parser)
    parser.add_papers()
    parsed = parser.parse_args(words)
    if parsed.port is None and not (parsed.list or parsed.forget):
        parser.error("the following arguments are required: PORT")
    if parsed.register_only_with is None:
        parsed.register_only_with = _token(parser, parsed.token_file, environment or {})
    return parsed


def _add_place(parser: Parser) -> None:
    """Add what says where the directory listens, and where it keeps its data."""
    add = parser.add_argument
    add(
        "port",
        metavar="PORT",
        type=port,
        nargs="?",
        help="the TCP port to listen on; 0: a free one",
    )
    add("--host", type=readable, help="the address to listen on (default: all of them)")
    add("--data", metavar="DIR", type=readable, help="the folder for keys, names and mail")


def _add_rules(parser: Parser) -> None:
    """Add what says who may register, and how long a user is ACTIVE."""
    add = parser.add_argument
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
    add(
        "--token-file",
        metavar="FILE",
        type=readable,
        help="the file that the token stands in, so that no list of processes shows it;"
        " else PARLEY_TOKEN in the environment",
    )


def _add_limits(parser: Parser) -> None:
    add = parser.add_argument
    add(
        "--names-per-address",
        metavar="N",
        type=_count,
        default=NEW_NAMES_AT_ONCE,
        help=f"new names from one address at once, then one in {NEW_NAME_SECONDS:.0f} seconds"
        f" (default: {NEW_NAMES_AT_ONCE}; 0: no limit)",
    )
    add(
        "--mail-mib",
        metavar="MIB",
        type=_count,
        default=MAIL_MIB,
        help=f"how much room all messages together may take (default: {MAIL_MIB:,})",
    )


def _add_tasks(parser: Parser) -> None:
    """Add what the directory is to do besides serving, or instead of it."""
    add = parser.add_argument
    add(
        "--found-anew",
        action="store_true",
        help="start although the key or the names are missing, and lose all names",
    )
    add("--list", action="store_true", help="show who is registered, and end")
    add(
        "--forget",
        metavar="NAME",
        action="append",
        type=readable,
        help="take this name away, with its mailbox, and end; nobody can have it while a"
        " certificate speaks for it",
    )
    add("--free", action="store_true", help="with --forget: anybody may have it at once")
    add("--verbose", action="store_true", help="log who comes and goes, on stderr")


def _token(parser: Parser, file: str | None, environment: Mapping[str, str]) -> str | None:
    """Read the token from a place that no other user of the machine can read."""
    place, text = "PARLEY_TOKEN", environment.get("PARLEY_TOKEN") or None
    if file is not None:
        place = f"--token-file {file}"
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            parser.error(f"{place}: {getattr(error, 'strerror', None) or 'it is not readable'}")
    try:
        return None if text is None else token(text)
    except argparse.ArgumentTypeError as wrong:
        parser.error(f"{place}: {wrong}")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number, 0 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number of seconds, 0 or more")
    return seconds
