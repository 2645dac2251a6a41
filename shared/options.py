"""Options that may stand on the command line, in the environment, and in a file.

What comes first counts.  Imports little, so that `--help` appears at once.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from shared.arguments import quoted
from shared.errors import Refused
from shared.wording import clause, system_reason

MISSING: Final = object()  # an option that stands nowhere


def yes_or_no(text: str) -> bool:
    match text.lower():
        case "1" | "true" | "yes" | "on":
            return True
        case "0" | "false" | "no" | "off":
            return False
    raise argparse.ArgumentTypeError(f"{quoted(text)} is not yes or no")


class Option(NamedTuple):
    """An option that can be set in several places."""

    name: str  #: as in the file; elsewhere it looks a little different
    help: str
    metavar: str = ""
    read: Callable[[str], Any] = yes_or_no  #: raises ArgumentTypeError or Refused, with a sentence
    default: Any = False
    is_word: bool = False  #: given on the command line without its name
    read_elsewhere: Callable[[str], Any] | None = None  #: if it is stricter there

    @property
    def is_switch(self) -> bool:
        return self.read is yes_or_no

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    def variable(self, prefix: str) -> str:
        """Return its name in the environment of a program whose variables begin so."""
        return f"{prefix}_{self.name.upper()}"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Let the command line have it; None when it is left out."""
        if self.is_word:
            parser.add_argument(
                self.name, metavar=self.metavar, type=self.read, nargs="?", help=self.help
            )
        elif self.is_switch:
            parser.add_argument(self.flag, action="store_true", default=None, help=self.help)
        else:
            parser.add_argument(self.flag, metavar=self.metavar, type=self.read, help=self.help)

    def in_environment(self, environment: Mapping[str, str], prefix: str) -> Any:
        """Return its value, or MISSING.  Raises ArgumentTypeError."""
        text = environment.get(self.variable(prefix))
        return self.value(text, self.variable(prefix)) if text else MISSING

    def in_file(self, kept: Mapping[str, object], file: Path) -> Any:
        """Return its value, or MISSING.  Raises ArgumentTypeError."""
        if self.name not in kept:
            return MISSING
        source = f"{file}: {self.name}"
        return self.value(_text(self, kept[self.name], source), source)

    def value(self, text: str, source: str) -> Any:
        """Read a text from this source.  Raises ArgumentTypeError."""
        try:
            return (self.read_elsewhere or self.read)(text)
        except (argparse.ArgumentTypeError, Refused) as wrong:
            raise argparse.ArgumentTypeError(f"{source}: {clause(wrong)}") from None


def _text(option: Option, value: object, source: str) -> str:
    """Return the value as it would be written on the command line."""
    if isinstance(value, bool) == option.is_switch and isinstance(value, str | int):
        return str(value)
    wanted = "true or false" if option.is_switch else "a text or a number"
    shown = str(value).lower() if isinstance(value, bool) else "this"
    raise argparse.ArgumentTypeError(f"{source}: {shown} is not {wanted}")


def read_options(
    file: Path, options: Iterable[Option], program: str, *, must_be_read: bool = False
) -> dict[str, object]:
    """Return the options in the file; none if it does not exist or we may not read it.

    Raises ArgumentTypeError when it is damaged, or names an option that there is not; with
    `must_be_read` also when we may not read it.
    """
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        unread = f"cannot read {file}: {system_reason(error)}"
        if must_be_read:
            raise argparse.ArgumentTypeError(unread) from None
        print(f"{program}: {unread}.", file=sys.stderr)
        return {}
    import tomllib  # noqa: PLC0415  # 10 ms, which most starts need not spend

    try:
        kept = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{file}: it is damaged: {error}") from None
    known = {option.name for option in options}
    for name in kept:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{file}: there is no option {quoted(name)}")
    return kept
