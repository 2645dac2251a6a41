"""The command line of `dirserver`.  Imports little, so that `--help` appears at once.

An option may also stand in the environment (DIRSERVER_IDLE_AFTER) or in dirserver.toml, so
that no list of processes shows a token; what comes first counts.
"""

import argparse
import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from directory_server.core.limits import MAIL_MIB, NEW_NAME_SECONDS, NEW_NAMES_AT_ONCE
from directory_server.settings import IDLE_AFTER
from shared.announced_name import clean_name
from shared.arguments import Parser, port, quoted, readable, token
from shared.options import MISSING, Option, read_options

EXAMPLES: Final = """\
examples:
  dirserver 5000                               everybody may register
  dirserver 5000 --host 10.0.0.5               listen on one address only
  dirserver 5000 --data /var/lib/parley        keep names, keys and mail there
  dirserver 5000 --idle-after 600              INACTIVE after ten minutes (0: never)
  dirserver 5000 --one-per-address             one user from each IP address
  dirserver 5000 --register-only-with secret   new names only for who knows the token
  dirserver 5000 --token-file /etc/parley      the same, from a file (or PARLEY_TOKEN)
  dirserver 5000 --closed                      new names only with an invite
  dirserver 5000 --names-per-address 500       a school behind one address (0: no limit)
  dirserver 5000 --mail-mib 4096               room for 4 GiB of messages
  dirserver 5000 --store postgresql://db1,db2/parley   names and mail in PostgreSQL
  dirserver 5000 --store URL --store-sync      promise nothing that lies on one machine
  dirserver --store URL --fill-store           move names and mail there, before the first start
  dirserver 5000 --store URL --address dir1:5000   one directory of several
  dirserver 5000 --store URL --workers 4       four of them on this machine, on one port
  dirserver 5000 --name lab                    announce it as "lab" on this network
  dirserver 5000 --no-announce                 tell this network nothing
  dirserver 5000 --metrics 9464                figures for Prometheus, on this machine
  dirserver 5000 --log-format json             the log as one object a line
  dirserver 5000 --found-anew                  go on without names that were lost
  dirserver 5000 --verbose                     log who comes and goes
  dirserver --config /etc/parley.toml          read the options there
  dirserver admin status                       ask a running directory; see dirserver admin --help
  dirserver --list                             who is registered
  dirserver --forget mallory                   take a name away
  dirserver --forget carol --free              who lost the key may register anew
  dirserver --completion bash > ~/.local/share/bash-completion/completions/dirserver
  dirserver --man-page | man -l -              (also --completion zsh, fish)
  dirserver --version

PORT and each option up to --verbose, but --found-anew, may also stand in the environment
(DIRSERVER_IDLE_AFTER=600, DIRSERVER_CLOSED=yes) or in dirserver.toml in the folder for
settings, on Linux ~/.config/parley (idle_after = 600, closed = true); what comes first
counts: command line, environment, file.  SIGHUP reads them again, unless a terminal sent it
"""
PREFIX: Final = "DIRSERVER"  # of the variables in the environment
TOKEN_VARIABLE: Final = "PARLEY_TOKEN"  # as for the peer # nosec B105
LOG_FORMATS: Final = ("plain", "json")
LOOPBACK: Final = "127.0.0.1"
WORKERS: Final = 64  # more than a machine has cores that they could use
HOST_PORT_CHARACTERS: Final = 263  # as in shared.messages.directory.HostPort


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


def _metrics(text: str) -> tuple[str, int]:
    """Read PORT, HOST:PORT or [IPv6]:PORT."""
    host, _, number = text.rpartition(":")
    return readable(host.removeprefix("[").removesuffix("]")) if host else LOOPBACK, port(number)


def _workers(text: str) -> int:
    if not 1 <= _count(text) <= WORKERS:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number from 1 to {WORKERS}")
    return int(text)


def _address(text: str) -> str:
    """Read HOST:PORT or [IPv6]:PORT."""
    host, _, number = readable(text).rpartition(":")
    if not host or len(text) > HOST_PORT_CHARACTERS or (":" in host and host[0] != "["):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not HOST:PORT")
    if not port(number):
        raise argparse.ArgumentTypeError("the port of --address is the one that users dial, not 0")
    return text


def _name(text: str) -> str:
    return clean_name(readable(text.strip()))


def _store(text: str) -> str:
    if not readable(text).startswith(("postgresql://", "postgres://")):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not postgresql://...")
    return text


def _log_format(text: str) -> str:
    if text not in LOG_FORMATS:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is none of {', '.join(LOG_FORMATS)}")
    return text


PORT: Final = Option(
    "port", "the TCP port to listen on; 0: a free one", "PORT", port, None, is_word=True
)
TOKEN: Final = Option(
    "register_only_with",
    "a closed community: a new name must show this token",
    "TOKEN",
    token,
    None,
)
TOKEN_FILE: Final = Option(
    "token_file",
    "the file that the token stands in, so that no list of processes shows it;"
    " else PARLEY_TOKEN in the environment",
    "FILE",
    readable,
    None,
)
OPTIONS: Final = (
    Option("host", "the address to listen on (default: all of them)", "HOST", readable, None),
    Option("data", "the folder for keys, names and mail", "DIR", readable, None),
    Option(
        "idle_after",
        f"of quiet until a user is shown as INACTIVE (default: {IDLE_AFTER:.0f}; 0: never)",
        "SECONDS",
        _seconds,
        IDLE_AFTER,
    ),
    Option("one_per_address", "refuse a second user from one IP address"),
    TOKEN,
    TOKEN_FILE,
    Option("closed", "a new name must show the token, or an invite (dirserver admin invite)"),
    Option(
        "names_per_address",
        f"new names from one address at once, then one in {NEW_NAME_SECONDS:.0f} seconds"
        f" (default: {NEW_NAMES_AT_ONCE}; 0: no limit)",
        "N",
        _count,
        NEW_NAMES_AT_ONCE,
    ),
    Option(
        "store",
        "keep names and mail in this PostgreSQL; several hosts: whichever writes just now",
        "URL",
        _store,
        None,
    ),
    Option(
        "address",
        "the address at which users reach this directory; others of the same store tell it",
        "HOST:PORT",
        _address,
        "",
    ),
    Option(
        "workers",
        f"directories on this machine, behind one port, each on a core (default: 1; at most"
        f" {WORKERS})",
        "N",
        _workers,
        1,
    ),
    Option(
        "store_sync",
        "promise nothing that lies on one machine only; at the start, several hosts mean that",
    ),
    Option(
        "mail_mib",
        f"how much room all messages together may take (default: {MAIL_MIB:,})",
        "MIB",
        _count,
        MAIL_MIB,
    ),
    Option(
        "name",
        "announce it under this name on the local network (default: that of the machine)",
        "NAME",
        _name,
        None,
    ),
    Option("no_announce", "do not announce it on the local network"),
    Option(
        "metrics",
        f"serve /metrics, /healthz and /readyz there (HOST: {LOOPBACK} unless named)",
        "[HOST:]PORT",
        _metrics,
        None,
    ),
    Option(
        "log_format", "plain, or json: one object a line", "FORMAT", _log_format, LOG_FORMATS[0]
    ),
    Option("verbose", "log who comes and goes, on stderr"),
)


def parse(
    arguments: list[str] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> argparse.Namespace:
    """Parse the options; a wrong one ends the program with code 2 and one line.

    `file`: where they may stand, unless --config says so; None: nowhere.
    """
    words = sys.argv[1:] if arguments is None else arguments
    parser = Parser(
        prog="dirserver",
        description="The directory of a Parley community: it knows who is there and where,\n"
        "and keeps messages for those who are away.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option in (PORT, *OPTIONS):
        option.add_to(parser)
    _add_tasks(parser)
    parser.add_papers()
    parsed = parser.parse_args(words)
    try:
        _complete(parsed, environment or {}, file)
    except argparse.ArgumentTypeError as wrong:
        parser.error(str(wrong))
    wrong_together = _wrong_together(parsed)
    if wrong_together:
        parser.error(wrong_together)
    return parsed


def _wrong_together(parsed: argparse.Namespace) -> str:
    """Return what keeps these options from having an effect together, or nothing."""
    if parsed.fill_store and parsed.store is None:
        return "--fill-store needs --store"
    if parsed.free and not parsed.forget:
        return "--free goes with --forget"
    if parsed.list or parsed.forget or parsed.fill_store:
        return ""  # what the file or the environment says of serving is for another time
    if parsed.port is None:
        return "the following arguments are required: PORT"
    if parsed.workers > 1 and (parsed.store is None or not parsed.port):
        return "--workers needs --store, as only PostgreSQL takes several, and a PORT, not 0"
    if parsed.store_sync and parsed.store is None:
        return "--store-sync needs --store"
    return ""


def _add_tasks(parser: Parser) -> None:
    """Add what only the command line says: what is to be done besides serving, or instead."""
    add = parser.add_argument
    add(
        "--config",
        metavar="FILE",
        type=readable,
        help="the file with options (default: dirserver.toml in the folder for settings)",
    )
    add(
        "--found-anew",
        action="store_true",
        help="start although the key or the names are missing, and lose all names",
    )
    add(
        "--fill-store",
        action="store_true",
        help="move names and mail from the data folder to the empty PostgreSQL of --store, and end",
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


def _complete(
    parsed: argparse.Namespace, environment: Mapping[str, str], file: Path | None
) -> None:
    """Fill in what the command line leaves out.  Raises ArgumentTypeError."""
    chosen = parsed.config or environment.get(f"{PREFIX}_CONFIG")
    if chosen is not None:
        file = Path(chosen)
        with suppress(OSError):  # which is reported when it is read
            if not file.is_file():
                raise argparse.ArgumentTypeError(f"there is no file {quoted(chosen)}")
    kept = {}
    if file is not None:  # which must be read: without its token the directory would be open
        kept = read_options(file, (PORT, *OPTIONS), "dirserver", must_be_read=True)
    file = file or Path()
    secret = _token(parsed, environment, kept, file)
    for option in (PORT, *OPTIONS):
        if getattr(parsed, option.name) is not None:
            continue
        value = option.in_environment(environment, PREFIX)
        if value is MISSING:
            value = option.in_file(kept, file)
        setattr(parsed, option.name, option.default if value is MISSING else value)
    parsed.register_only_with = secret


def _token(
    parsed: argparse.Namespace,
    environment: Mapping[str, str],
    kept: Mapping[str, object],
    file: Path,
) -> str | None:
    """Return the token from the first place that has one, itself or in a file of its own."""
    named: list[tuple[Any, Any]] = [
        (_or_missing(parsed.register_only_with), _or_missing(parsed.token_file)),
        (
            TOKEN.in_environment(environment, PREFIX),
            TOKEN_FILE.in_environment(environment, PREFIX),
        ),
        (_peers_token(environment), MISSING),
        (TOKEN.in_file(kept, file), TOKEN_FILE.in_file(kept, file)),
    ]
    for secret, place in named:
        if secret is not MISSING:
            return str(secret)
        if place is not MISSING:
            return _read_token(str(place))
    return None


def _or_missing(value: object) -> object:
    return MISSING if value is None else value


def _peers_token(environment: Mapping[str, str]) -> object:
    text = environment.get(TOKEN_VARIABLE)
    return TOKEN.value(text, TOKEN_VARIABLE) if text else MISSING


def _read_token(file: str) -> str:
    """Read the token from a file, which no other user of the machine can read."""
    place = f"--token-file {file}"
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not readable"
        raise argparse.ArgumentTypeError(f"{place}: {reason}") from None
    return str(TOKEN.value(text, place))
