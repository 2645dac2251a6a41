"""Take options from the command line, the environment, and the file, in this order."""

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
from shared.wording import system_reason

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
    """Fill in what the command line leaves out; end the program with code 2 at a wrong value.

    Add `by_hand`: whether there is a person who can be asked for missing values; and
    `offered`: the values of NAME, HOST and PORT in the file, to offer to that person.
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
    """Return the value as it would be written on the command line."""
    if isinstance(value, bool) == option.is_switch and isinstance(value, str | int):
        return str(value)
    wanted = "true or false" if option.is_switch else "a text or a number"
    shown = str(value).lower() if isinstance(value, bool) else "this"
    raise argparse.ArgumentTypeError(f"{source}: {shown} is not {wanted}")


# --- The file ---


def _read(file: Path) -> dict[str, object]:
    """Return the options in the file; none if it does not exist or we may not read it."""
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        print(f"peer: cannot read {file}: {system_reason(error)}.", file=sys.stderr)
        return {}
    import tomllib  # noqa: PLC0415  # 10 ms, which most starts need not spend

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
