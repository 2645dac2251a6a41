"""Where the options come from: the command line, the environment, the file; in this order."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from platformdirs import user_config_path

from peer.program.arguments import OPTIONS, WORDS, Option
from shared.arguments import Parser, quoted
from shared.errors import Refused, StorageError
from shared.names import check_name

FILE: Final = "config.toml"


def config_file() -> Path:
    return user_config_path("parley") / FILE


def complete(
    arguments: argparse.Namespace,
    environment: Mapping[str, str],
    file: Path,
    *,
    at_terminal: bool,
) -> None:
    """Fill in what the command line does not say; a wrong value ends the program with code 2.

    Adds `by_hand`: somebody sits before us, who can be asked what nobody said; and what
    is then `offered`: what the file says of NAME, HOST and PORT.
    """
    arguments.offered = {}
    try:
        kept = _read(file)
        for option in (*WORDS, *OPTIONS):
            if getattr(arguments, option.name) is None:
                _fill(arguments, option, environment, file, kept)
    except argparse.ArgumentTypeError as wrong:
        Parser("peer").error(str(wrong))
    arguments.by_hand = at_terminal and not arguments.json
    if not arguments.by_hand:
        vars(arguments).update(arguments.offered)
        missing = [word.metavar for word in WORDS if getattr(arguments, word.name) is None]
        if missing and not (arguments.passphrase and arguments.data):  # the folder is enough
            Parser("peer").error(f"the following arguments are required: {', '.join(missing)}")


def _fill(
    arguments: argparse.Namespace,
    option: Option,
    environment: Mapping[str, str],
    file: Path,
    kept: Mapping[str, object],
) -> None:
    value = option.default
    if text := environment.get(option.variable):
        value = _value(option, text, option.variable)
    elif option.name in kept:
        source = f"{file}: {option.name}"
        value = _value(option, _text(option, kept[option.name], source), source)
        if option.is_word:
            arguments.offered[option.name] = value
            return
    setattr(arguments, option.name, value)


def _value(option: Option, text: str, source: str) -> Any:
    try:
        return check_name(text) if option.name == "name" else option.read(text)
    except (argparse.ArgumentTypeError, Refused) as wrong:
        raise argparse.ArgumentTypeError(f"{source}: {str(wrong).removesuffix('.')}") from None


def _text(option: Option, value: object, source: str) -> str:
    """As it would stand on the command line."""
    if isinstance(value, bool) == option.is_switch and isinstance(value, str | int):
        return str(value)
    wanted = "true or false" if option.is_switch else "a text or a number"
    shown = str(value).lower() if isinstance(value, bool) else "this"
    raise argparse.ArgumentTypeError(f"{source}: {shown} is not {wanted}")


# --- The file ---


def _read(file: Path) -> dict[str, object]:
    """What it says; a file that is not there, or that we may not read, says nothing."""
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        print(f"peer: cannot read {file}: {error.strerror or error}.", file=sys.stderr)
        return {}
    import tomllib  # noqa: PLC0415  # 10 ms, which most starts need not take

    try:
        kept = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{file}: it is damaged: {error}") from None
    known = {option.name for option in (*WORDS, *OPTIONS)}
    for name in kept:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{file}: there is no option {quoted(name)}")
    return kept


def remember(file: Path, name: str, host: str, port: int) -> None:
    """For the next start.  What else the user wrote there stays.  Raises StorageError."""
    from shared.disk import FolderDisk  # noqa: PLC0415  # trio, which a wrong option need not load

    try:
        if not file.is_absolute():
            raise StorageError("there is no folder for settings")
        file = file.resolve()  # a link stays one
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = file.read_text(encoding="utf-8") if file.exists() else ""
    except (OSError, RuntimeError) as error:  # the latter for a link that leads to itself
        why = str(getattr(error, "strerror", None) or error).lower()
        raise StorageError(f"cannot use {file}: {why}") from error
    after = with_words(before, name, host, port)
    if after != before:
        FolderDisk(file.parent).write(file.name, after.encode())


def with_words(before: str, name: str, host: str, port: int) -> str:
    """The text of the file with these words; all its other lines stay as they are."""
    words = {"name": _quoted(name), "host": _quoted(host), "port": str(port)}
    lines = []
    for line in before.split("\n"):
        key = line.partition("=")[0].strip().strip("\"'")
        lines.append(f"{key} = {words.pop(key)}" if key in words else line)
    return "\n".join([f"{key} = {value}" for key, value in words.items()] + lines)


def _quoted(printable: str) -> str:
    escaped = printable.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
