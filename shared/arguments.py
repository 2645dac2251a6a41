"""Parse what both command lines share.  Imports little, so that `--help` appears at once."""

import argparse
import sys
from typing import Any, Final, NoReturn

from shared.clean import on_one_line
from shared.process import write_out
from shared.version import VERSION

USAGE_ERROR: Final = 2
TOKEN_CHARACTERS: Final = 256  # as in shared.messages.directory.Iam


class Parser(argparse.ArgumentParser):
    """A parser that ends the program with code 2 and one line when an argument is wrong."""

    def error(self, message: str) -> NoReturn:
        """Print one line only, which the whole usage would bury."""
        message = message.removeprefix("argument ")
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def commands(self) -> list[tuple[str, str]]:
        """Return the commands that a user of the program may type, with their meanings."""
        return []

    def add_papers(self) -> None:
        """Add the options that print completion for shells, the page for `man`, the version."""
        self.add_argument(
            "--completion",
            metavar="SHELL",
            choices=("bash", "zsh", "fish"),
            action=_PrintCompletion,
            help="print what completes the words of this program in bash, zsh or fish",
        )
        self.add_argument(
            "--man-page", nargs=0, action=_PrintManPage, help="print this as a page for man"
        )
        self.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Raise the same error as argparse, with our own quotation marks."""
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(
                action, f"{quoted(str(value))} is none of {', '.join(action.choices)}"
            )

    def _print_message(self, message: str, file: Any = None) -> None:
        """Report a full disk or a closed pipe also for --help and --version."""
        if file is sys.stdout:
            write_out(message)
        else:
            super()._print_message(message, file)


class _Print(argparse.Action):
    """Print something made from the parser, and end the program, as --version does."""

    def __init__(self, **named: Any) -> None:
        super().__init__(default=argparse.SUPPRESS, **named)

    def __call__(self, parser: argparse.ArgumentParser, _: object, value: Any, *__: object) -> None:
        assert isinstance(parser, Parser)
        write_out(self.made(parser, str(value)))
        parser.exit()

    def made(self, parser: Parser, value: str) -> str:
        raise NotImplementedError


class _PrintCompletion(_Print):
    def made(self, parser: Parser, value: str) -> str:
        from shared.completion import script  # noqa: PLC0415  # seldom asked for

        words = {usage.split()[0].rstrip(","): None for usage, _ in parser.commands()}
        return script(value, parser, words)


class _PrintManPage(_Print):
    def made(self, parser: Parser, value: str) -> str:  # noqa: ARG002 - it has no value
        from shared.man_page import man_page  # noqa: PLC0415  # seldom asked for

        return man_page(parser, parser.commands())


def quoted(text: str) -> str:
    """Return the text in quotation marks, without characters that act on a terminal."""
    return f'"{on_one_line(text)}"'


def port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a port: a number from 1 to 65535")
    return int(text)


def readable(text: str) -> str:
    if not text or not text.isprintable():
        raise argparse.ArgumentTypeError("it is empty, or has characters that cannot be shown")
    return text


def token(text: str) -> str:
    if not text or len(text) > TOKEN_CHARACTERS:
        raise argparse.ArgumentTypeError(
            f"a token has 1 to {TOKEN_CHARACTERS} characters, this one {len(text)}"
        )
    return text
