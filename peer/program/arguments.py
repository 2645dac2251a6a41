"""The command line of `peer`.  It imports little, so that `--help` answers at once."""

import argparse
import re
from pathlib import Path
from typing import Final

from peer.core.reach.hosts import check_hosts
from shared.arguments import Parser, port, quoted, readable, token
from shared.errors import Refused
from shared.names import check_name
from shared.options import Option

EXAMPLES: Final = """\
examples:
  peer                                             asks who you are and where to go
  peer carol                                       the directory of last time, or of this network
  peer --find                                      which directories this network announces
  peer carol --no-find                             look for none there: ask me where it is
  peer carol 10.0.0.5 5000                         talk; HELP lists the commands
  peer carol dir1,dir2:5001 5000                   whichever of these directories answers
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
  peer carol 10.0.0.5 5000 --passphrase            seal key and texts; also: change, remove
  peer carol 10.0.0.5 5000 --passphrase-file FILE  the first line of FILE opens them
  peer carol 10.0.0.5 5000 --verbose               log refused links, on stderr
  peer ci 10.0.0.5 5000 PRV dave build is green    one command, then exit
  peer carol 10.0.0.5 5000 DOCTOR                  what keeps others from reaching me
  peer carol DOCTOR                                the same, where the directory is not known
  peer carol 10.0.0.5 5000 --passphrase --new-passphrase-file FILE   change it in a script
  peer --completion bash > ~/.local/share/bash-completion/completions/peer
  peer --man-page | man -l -                       (also --completion zsh, fish)
  peer --version

each option but --passphrase, and NAME, HOST and PORT, may also stand in the environment
(PARLEY_DIRECTORY_KEY=..., PARLEY_NO_HISTORY=yes) or in the file config.toml of the
folder for settings, on Linux ~/.config/parley (directory_key = "...",
no_history = true); what comes first counts: command line, environment, file

exit codes: 0 done (a message: delivered), 1 stdout cannot be written, 2 wrong usage,
3 stored for later, 4 refused or declined, 5 no such user, 6 not reachable, 7 directory
not available or its key changed, 130 ended by a signal before there was a result
"""


def _host(text: str) -> str:
    """Read a host, or several of one community."""
    try:
        return check_hosts(text)
    except Refused as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _port(text: str) -> int:
    number = port(text)
    if number == 0:
        raise argparse.ArgumentTypeError('"0" is not a port: a number from 1 to 65535')
    return number


def _path(text: str) -> str:
    """Read a path, which may begin with the home of a user: ~ or ~carol."""
    try:
        return str(Path(readable(text)).expanduser())
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{quoted(text)}: nobody knows that home") from None


def _advertised(text: str) -> tuple[str, int]:
    """Read HOST, HOST:PORT, or [IPv6]:PORT; the port is 0 if it is left out."""
    found = re.fullmatch(r"\[([^\[\]]+)\](?::(\d+))?|([^:\[\]]+)(?::(\d+))?|([0-9a-fA-F:]+)", text)
    if found is None or len(text) > 255:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not HOST or HOST:PORT")
    host = found[1] or found[3] or found[5]
    number = found[2] or found[4]
    return readable(host), _port(number) if number else 0


def _fingerprint(text: str) -> str:
    digits = text.replace(" ", "").lower()
    if not re.fullmatch(r"[0-9a-f]{32}", digits):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a key: 32 hex digits")
    return digits


WORDS: Final = (
    Option(
        "name",
        'your name: 1 to 32 letters, digits, ".", "_" or "-"',
        "NAME",
        str,
        None,
        True,
        check_name,
    ),  # a wrong name does not end the program: it asks for another one
    Option(
        "host",
        "where the directory runs; several directories of one community: HOST[:PORT],HOST[:PORT]",
        "HOST",
        _host,
        None,
        True,
    ),
    Option("port", "the directory's port", "PORT", _port, None, True),
)
OPTIONS: Final = (
    Option("data", "the folder for your key and journal", "DIR", _path, None),
    Option("listen", "listen here, not on a random port", "PORT", port, 0),
    Option(
        "advertise",
        "tell others this address, not the one that the directory sees",
        "HOST[:PORT]",
        _advertised,
        ("", 0),
    ),
    Option("no_mapping", "do not ask the router for a port that leads to me"),
    Option("no_find", "do not look for a directory on this network"),
    Option("token", "lets a new name register", "TOKEN", token, None),
    Option(
        "directory_key",
        "the directory's key, as it prints it at its start; also accepts a changed one",
        "KEY",
        _fingerprint,
        None,
    ),
    Option(
        "no_history", "keep a text only until it is delivered; also forgets what was kept so far"
    ),
    Option(
        "passphrase_file",
        "read the passphrase from this file, instead of asking",
        "FILE",
        _path,
        None,
    ),
    Option("plain", "plain lines, also on a terminal"),
    Option("json", "what happens as JSON objects, one on a line"),
    Option("notify", "tell the terminal when somebody wants me, so that it notifies me"),
    Option("notify_text", "the same, with what was said"),
    Option("verbose", "log what is refused, on stderr"),
)
WITHOUT_PLACE: Final = "DOCTOR"  # a command that needs no HOST and PORT, and is no host
_WITH_VALUE: Final = {
    "--new-passphrase-file",
    "--completion",
    *(option.flag for option in OPTIONS if not option.is_switch),
}
_ALONE: Final = {
    "--find",
    "--help",
    "--version",
    "--man-page",
    "--passphrase",
    *(option.flag for option in OPTIONS if option.is_switch),
}


class _PeerParser(Parser):
    def commands(self) -> list[tuple[str, str]]:
        from peer.commands.table import TABLE  # noqa: PLC0415  # a wrong option need not load it

        return [(entry.usage, entry.meaning) for entry in TABLE]


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line; what it leaves out is None (`peer.program.settings.complete`).

    `command` holds the words after PORT; for DOCTOR they may be those after NAME.
    """
    words, options, command = _split(arguments)
    if len(words) == len(WORDS) - 1 and words[1].upper() == WITHOUT_PLACE:
        words, command = words[:1], words[1:]
    command, late = _without_options(command)
    parser = _PeerParser(
        prog="peer",
        usage="%(prog)s [options] [NAME HOST PORT [COMMAND ...]]",
        description="Chat directly with others whom a directory knows.\n"
        "With a COMMAND: perform it, print what came of it, exit.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    for option in (*WORDS, *OPTIONS):
        option.add_to(parser)
    add(
        "--passphrase",
        action="store_true",
        help="set, change or remove the passphrase that seals your key and what was said",
    )
    add("--find", action="store_true", help="list the directories on this network, and exit")
    add(
        "--new-passphrase-file",
        metavar="FILE",
        type=_path,
        help="with --passphrase: the new one (of an empty file: none)",
    )
    parser.add_papers()
    if late:
        _refuse_in_a_text(parser, command, late[0])
    # argparse finds optional positional arguments only if they are adjacent
    parsed = parser.parse_args([*words, *options, *late])
    parsed.command = command
    if parsed.find and (words[1:] or command or parsed.no_find):
        parser.error("--find looks at this network only: leave out HOST, PORT and --no-find")
    return parsed


def _split(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Split into NAME HOST PORT, the options, and the command: the words after these three."""
    words: list[str] = []
    options: list[str] = []
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument in _WITH_VALUE:
            options += arguments[position : position + 2]
            position += 1
        elif argument.startswith("-"):
            options.append(argument)
        elif len(words) < len(WORDS):
            words.append(argument)
        else:
            return words, options, arguments[position:]
        position += 1
    return words, options, []


def _without_options(command: list[str]) -> tuple[list[str], list[str]]:
    """Split a command into its words and the options among them."""
    words: list[str] = []
    options: list[str] = []
    values = 0  # words that still belong to an option
    for argument in command:
        flag, has_value, _ = argument.partition("=")
        if values:
            options.append(argument)
            values -= 1
        elif argument in _ALONE or flag in _WITH_VALUE:
            options.append(argument)
            values = 0 if has_value or argument in _ALONE else 1
        else:
            words.append(argument)
    return words, options


def _refuse_in_a_text(parser: Parser, command: list[str], option: str) -> None:
    """Refuse an option in a text: it may be a part of the text, which may contain anything."""
    from peer.commands.parsing import has_text  # noqa: PLC0415  # which most starts need not load yet

    if has_text(command):
        parser.error(f"put {option} before the command, or the text in quotes")
