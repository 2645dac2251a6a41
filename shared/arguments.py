"""What both command lines share.  Imports little: `--help` must be there at once."""

import argparse
from typing import Final, NoReturn

USAGE_ERROR: Final = 2
TOKEN_CHARACTERS: Final = 256  # as in shared.messages.Iam


class Parser(argparse.ArgumentParser):
    """Ends the program with code 2 and one line when an argument is wrong."""

    def error(self, message: str) -> NoReturn:
        """One line; the whole usage would bury it."""
        message = message.removeprefix("argument ")
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")


def port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535")
    return int(text)


def readable(text: str) -> str:
    if not text or not text.isprintable():
        raise argparse.ArgumentTypeError("it is empty, or not readable")
    return text


def token(text: str) -> str:
    if not text or len(text) > TOKEN_CHARACTERS:
        raise argparse.ArgumentTypeError(
            f"a token has 1 to {TOKEN_CHARACTERS} characters, this one {len(text)}"
        )
    return text
