"""The command line of `dirserver admin`.  Imports little, so that `--help` appears at once."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from directory_server.core.operating.durations import parse_duration
from shared.arguments import Parser, readable
from shared.errors import Refused

if TYPE_CHECKING:
    from directory_server.admin.requests import AnyRequest

EXAMPLES: Final = """\
examples:
  dirserver admin status                        how it is, in figures
  dirserver admin users                         who is registered
  dirserver admin users jo                      whose name begins so
  dirserver admin kick mallory                  end this connection; it may come back
  dirserver admin ban mallory for 7d being rude keep a user's key out, and say why
  dirserver admin ban 10.0.0.0/24               keep a network out
  dirserver admin unban mallory
  dirserver admin bans
  dirserver admin forget carol                  free a name whose key is lost (asks; --yes)
  dirserver admin invite --uses 30 --for 7d     a token for a class
  dirserver admin invites
  dirserver admin uninvite 3f2a99c1             the id that `invites` shows
  dirserver admin notice restarting at noon     tell everybody who is here
  dirserver admin motd be kind                  tell everybody who comes in (--clear: nothing)
  dirserver admin backup /backups/today         copy names, mail and key into a new folder
  dirserver admin drain                         send everybody away, then end
  dirserver admin log info                      debug, info, warning or error
  dirserver admin --data /var/lib/parley status another data folder
  dirserver admin status --json                 the same for a program

exit codes: 0 done, 1 the answer could not be written to stdout, 2 wrong usage, or the data
cannot be used, 4 refused, 5 no such user, 7 no directory runs
"""
# The words of msgspec for a text that is too long, or empty
_LIMIT: Final = re.compile(r"Expected `str` of length (<=|>=) (\d+) - at `\$\.(\w+)`")
NO_WORDS: Final = ()  # the default of words that may be missing: argparse requires others
LEVELS: Final = ("debug", "info", "warning", "error")


def parse(words: list[str]) -> argparse.Namespace:
    """Parse the words after `admin`; a wrong one ends the program with code 2 and one line."""
    parser = Parser(
        prog="dirserver admin",
        usage="%(prog)s [--data DIR] [--json] COMMAND ...",
        description="Ask a running directory, over a socket in its data folder.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    common = Parser(add_help=False)
    for one, default in ((parser, None), (common, argparse.SUPPRESS)):
        one.add_argument(
            "--data", metavar="DIR", type=readable, default=default, help="the data folder"
        )
        one.add_argument(
            "--json",
            action="store_true",
            default=default or False,
            help="each answer as a JSON object on a line",
        )
    commands = _Commands(parser, common)
    _add_looking(commands)
    _add_letting_in(commands)
    _add_telling(commands)
    parsed = parser.parse_args(words)
    try:
        parsed.request = request_of(parsed)
    except (Refused, ValueError) as wrong:
        parser.error(_spelled(wrong))
    return parsed


def _spelled(wrong: Refused | ValueError) -> str:
    """Return what is wrong in words of our own, where msgspec or Python would use theirs."""
    if isinstance(wrong, UnicodeError):
        return "a word is not in UTF-8"
    limit = _LIMIT.match(str(wrong))
    if limit is None:
        return str(wrong)
    kind, most, what = limit.groups()
    is_short = kind == ">="
    return (
        f"{what}: it is empty" if is_short else f"{what}: it has more than {int(most):,} characters"
    )


class _Commands:
    """The commands of a parser, each with the options that all have in common."""

    def __init__(self, parser: Parser, common: Parser) -> None:
        self._all = parser.add_subparsers(
            prog=parser.prog, dest="command", metavar="COMMAND", required=True
        )
        self._common = common

    def add(self, name: str, help: str) -> argparse.ArgumentParser:
        return self._all.add_parser(name, help=help, parents=[self._common], allow_abbrev=False)


def _add_looking(commands: _Commands) -> None:
    commands.add("status", "how the directory is")
    commands.add("users", "who is registered").add_argument("prefix", nargs="?", default="")
    kick = commands.add("kick", "end a user's connection")
    kick.add_argument("name", metavar="NAME")
    kick.add_argument("reason", nargs="*", default=NO_WORDS)


def _add_letting_in(commands: _Commands) -> None:
    """Add what says who may register."""
    whom = "NAME|ADDRESS|NETWORK"
    ban = commands.add("ban", "keep a user, an address or a network out")
    ban.add_argument("whom", metavar=whom)
    ban.add_argument("words", metavar="[for DURATION] [REASON]", nargs="*", default=NO_WORDS)
    commands.add("unban", "let them in again").add_argument("whom", metavar=whom)
    commands.add("bans", "who is kept out")
    forget = commands.add("forget", "free a name whose key is lost")
    forget.add_argument("name", metavar="NAME")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    invite = commands.add("invite", "make a token that lets new names in")
    invite.add_argument("--uses", type=int, default=1, help="how many names (default: 1)")
    invite.add_argument("--for", dest="lasting", metavar="DURATION", help="30m, 12h, 7d, 2w")
    invite.add_argument("note", nargs="*", help="for whom it is, for yourself")
    commands.add("invites", "the tokens that are not used up")
    commands.add("uninvite", "take a token back").add_argument("id", metavar="ID")


def _add_telling(commands: _Commands) -> None:
    """Add what concerns everybody, or the directory itself."""
    commands.add("notice", "tell everybody who is here").add_argument("text", nargs="+")
    motd = commands.add("motd", "show or set what everybody is told who comes in")
    motd.add_argument("text", nargs="*")
    motd.add_argument("--clear", action="store_true", help="tell nothing more")
    commands.add("backup", "copy names, mail and key").add_argument("folder", metavar="DIR")
    commands.add("drain", "send everybody away, then end")
    commands.add("log", "how much is logged").add_argument("level", choices=LEVELS)


def request_of(parsed: argparse.Namespace) -> "AnyRequest":
    """Return the request.  Raises Refused, or ValueError when a text is too long."""
    import msgspec  # noqa: PLC0415  # which --help need not load

    from directory_server.admin import requests as ask  # noqa: PLC0415

    request: AnyRequest
    match parsed.command:
        case "status":
            request = ask.Status()
        case "users":
            request = ask.Users(parsed.prefix)
        case "kick":
            request = ask.Kick(parsed.name, " ".join(parsed.reason))
        case "ban":
            request = _ban(parsed.whom, parsed.words)
        case "unban":
            request = ask.Unban(parsed.whom)
        case "bans":
            request = ask.Bans()
        case "forget":
            request = ask.Forget(parsed.name, is_certain=parsed.yes)
        case "invite":
            seconds = None if parsed.lasting is None else parse_duration(parsed.lasting)
            request = ask.Invite(parsed.uses, seconds, " ".join(parsed.note))
        case "invites":
            request = ask.Invites()
        case "uninvite":
            request = ask.Uninvite(parsed.id)
        case "notice":
            request = ask.Notice(" ".join(parsed.text))
        case "motd":
            request = _motd(parsed.text, clear=parsed.clear)
        case "backup":
            request = ask.Backup(str(Path(parsed.folder).absolute()))
        case "drain":
            request = ask.Drain()
        case _:
            request = ask.Log(parsed.level)
    msgspec.json.decode(msgspec.json.encode(request), type=type(request))  # the limits
    return request


def _motd(words: Sequence[str], *, clear: bool) -> "AnyRequest":
    from directory_server.admin import requests as ask  # noqa: PLC0415

    if clear and words:
        raise Refused("motd: either a text or --clear")
    return ask.Motd(" ".join(words) if words or clear else None)


def _ban(whom: str, words: Sequence[str]) -> "AnyRequest":
    from directory_server.admin import requests as ask  # noqa: PLC0415

    seconds = None
    if words and words[0] == "for":
        seconds, words = parse_duration(" ".join(words[1:2])), words[2:]
    return ask.Ban(whom, seconds, " ".join(words))
