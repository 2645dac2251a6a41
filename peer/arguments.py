"""The command line of `peer`.  Imports little: `--help` must be there at once."""

import argparse
import re
from typing import Final

from shared.arguments import Parser, port, readable, token, version

WITH_VALUE: Final = ("--data", "--listen", "--advertise", "--token", "--directory-key")
EXAMPLES: Final = """\
examples:
  peer carol 10.0.0.5 5000                         talk; HELP lists the commands
  peer carol 10.0.0.5 5000 --data ~/chat           keep the key and the journal there
  peer carol 10.0.0.5 5000 --listen 6000           others reach me on port 6000
  peer carol 10.0.0.5 5000 --advertise me.lan:6000 tell others this address instead
  peer carol 10.0.0.5 5000 --token secret          for a closed community
  peer carol 10.0.0.5 5000 --directory-key "3f2a 99c1 ..."   accept this directory only
  peer carol 10.0.0.5 5000 --no-history            keep nothing of what is said
  peer carol 10.0.0.5 5000 --plain                 plain lines on a terminal too
  peer bot 10.0.0.5 5000 --json                    objects for a program; same commands
  peer carol 10.0.0.5 5000 --notify                a desktop notification, where the terminal can
  peer carol 10.0.0.5 5000 --notify-text           the same, with what was said
  peer carol 10.0.0.5 5000 --verbose               log refused links, on stderr
  peer ci 10.0.0.5 5000 PRV dave build is green    one command, then exit
  peer --version

exit codes: 0 done (a message: delivered), 2 wrong usage, 3 stored for later,
4 refused or declined, 5 no such user, 6 not reachable, 7 directory not available
or its key changed
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """`command` holds the words after PORT, as they are: they are no options."""
    ours, command = _split(arguments)
    parser = Parser(
        prog="peer",
        usage="%(prog)s [options] NAME HOST PORT [COMMAND ...]",
        description="Chat directly with others whom a directory knows.\n"
        "With a COMMAND: perform it, print what came of it, exit.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("name", metavar="NAME", help="your name: 1 to 32 letters, digits, '.', '_' or '-'")
    add("host", metavar="HOST", type=_host, help="where the directory runs")
    add("port", metavar="PORT", type=_port, help="the directory's port")
    add("--data", metavar="DIR", type=readable, help="the folder for your key and journal")
    add("--listen", metavar="PORT", type=_port, default=0, help="listen here, not on a random port")
    add(
        "--advertise",
        metavar="HOST[:PORT]",
        type=_advertised,
        default=("", 0),
        help="tell others this address, not the one that the directory sees",
    )
    add("--token", metavar="TOKEN", type=token, help="lets a new name register")
    add(
        "--directory-key",
        metavar="KEY",
        type=_fingerprint,
        help="the directory's key, as it prints it at its start; also accepts a changed one",
    )
    add(
        "--no-history",
        action="store_true",
        help="keep a text only until it is delivered; also forgets what was kept so far",
    )
    add("--plain", action="store_true", help="plain lines, also on a terminal")
    add("--json", action="store_true", help="what happens as JSON objects, one on a line")
    add("--notify", action="store_true", help="tell the terminal, so that it notifies you")
    add("--notify-text", action="store_true", help="the same, with what was said")
    add("--verbose", action="store_true", help="log what is refused, on stderr")
    add("--version", action="version", version=f"%(prog)s {version(ours)}")
    parsed = parser.parse_args(ours)
    parsed.command = command
    return parsed


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Ours, and the command: it begins with the first word after NAME HOST PORT."""
    words, position = 0, 0
    while position < len(arguments):
        argument = arguments[position]
        if argument in WITH_VALUE:
            position += 1
        elif not argument.startswith("-"):
            words += 1
            if words > 3:
                return arguments[:position], arguments[position:]
        position += 1
    return arguments, []


def _host(text: str) -> str:
    """Also an IPv6 address in brackets, as it is shown everywhere."""
    return readable(text.removeprefix("[").removesuffix("]"))


def _port(text: str) -> int:
    number = port(text)
    if number == 0:
        raise argparse.ArgumentTypeError("'0' is not a port: a number from 1 to 65535")
    return number


def _advertised(text: str) -> tuple[str, int]:
    """HOST, HOST:PORT, or [IPv6]:PORT."""
    found = re.fullmatch(r"\[([^\[\]]+)\](?::(\d+))?|([^:\[\]]+)(?::(\d+))?|([0-9a-fA-F:]+)", text)
    if found is None or len(text) > 255:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST or HOST:PORT")
    host = found[1] or found[3] or found[5]
    number = found[2] or found[4]
    return readable(host), _port(number) if number else 0


def _fingerprint(text: str) -> str:
    digits = text.replace(" ", "").lower()
    if not re.fullmatch(r"[0-9a-f]{32}", digits):
        raise argparse.ArgumentTypeError(f"{text!r} is not a key: 32 hex digits")
    return digits
