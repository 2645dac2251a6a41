"""Take options from the command line, the environment, and the file, in this order."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from platformdirs import user_config_path

from peer.program.arguments import OPTIONS, WORDS
from shared.arguments import Parser
from shared.errors import StorageError
from shared.options import MISSING, Option, read_options
from shared.wording import system_reason

FILE: Final = "config.toml"
PREFIX: Final = "PARLEY"  # of the variables in the environment


def config_file() -> Path:
    return user_config_path("parley") / FILE


def complete(
    arguments: argparse.Namespace,
    environment: Mapping[str, str],
    file: Path,
    *,
    at_terminal: bool,
) -> None:
    """Fill in what the command line leaves out; end the program with code 2 at a wrong value.

    Add `by_hand`: whether there is a person who can be asked for missing values; and
    `offered`: the values of NAME, HOST and PORT in the file, to offer to that person; and
    `proven`: the key that the directory has proved, which nobody knows yet.
    """
    arguments.offered = {}
    try:
        kept = read_options(file, (*WORDS, *OPTIONS), "peer")
        for option in (*WORDS, *OPTIONS):
            if getattr(arguments, option.name) is None:
                _fill(arguments, option, environment, file, kept)
    except argparse.ArgumentTypeError as wrong:
        Parser("peer").error(str(wrong))
    arguments.by_hand = at_terminal and not arguments.json
    arguments.proven = ""
    if not arguments.by_hand and not arguments.find:
        if arguments.name is None:
            arguments.name = arguments.offered.get("name")
        if arguments.name is not None and is_sought(arguments):
            return
        vars(arguments).update(arguments.offered)
        needed = WORDS[:1] if arguments.command else WORDS  # what DOCTOR lacks, it looks for
        missing = [word.metavar for word in needed if getattr(arguments, word.name) is None]
        if missing and not (arguments.passphrase and arguments.data):  # the folder is enough
            Parser("peer").error(f"the following arguments are required: {', '.join(missing)}")


def is_sought(arguments: argparse.Namespace) -> bool:
    """Whether the directory is to be found, as nobody says where it is."""
    is_said = arguments.host is not None or arguments.port is not None
    return not (is_said or arguments.no_find or arguments.passphrase)


def _fill(
    arguments: argparse.Namespace,
    option: Option,
    environment: Mapping[str, str],
    file: Path,
    kept: Mapping[str, object],
) -> None:
    value = option.in_environment(environment, PREFIX)
    if value is MISSING and option.is_word:
        offered = option.in_file(kept, file)
        if offered is not MISSING:
            arguments.offered[option.name] = offered
            return
    elif value is MISSING:
        value = option.in_file(kept, file)
    setattr(arguments, option.name, option.default if value is MISSING else value)


# --- The file ---


def remember(file: Path, name: str, host: str, port: int) -> None:
    """Save these for the next start; keep what else the user wrote.  Raise StorageError."""
    from shared.disk import FolderDisk  # noqa: PLC0415  # loads trio; a wrong option need not

    try:
        if not file.is_absolute():
            raise StorageError("there is no folder for settings")
        file = file.resolve()  # keep a symbolic link
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = file.read_text(encoding="utf-8") if file.exists() else ""
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself
        raise StorageError(f"cannot use {file}: {system_reason(error)}") from error
    after = with_words(before, name, host, port)
    if after != before:
        FolderDisk(file.parent).write(file.name, after.encode())


def with_words(before: str, name: str, host: str, port: int) -> str:
    """Return the text of the file with these words; all its other lines stay as they are."""
    words = {"name": _quoted(name), "host": _quoted(host), "port": str(port)}
    lines = []
    for line in before.split("\n"):
        key = line.partition("=")[0].strip().strip("\"'")
        lines.append(f"{key} = {words.pop(key)}" if key in words else line)
    return "\n".join([f"{key} = {value}" for key, value in words.items()] + lines)


def _quoted(printable: str) -> str:
    escaped = printable.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
