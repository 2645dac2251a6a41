"""Ask a user for the arguments they left out, and tell a new user what to type first."""

import argparse
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final

from peer.commands.grammar import Context, Quit
from peer.commands.parsing import parse
from peer.events import Notice
from peer.program.arguments import WORDS
from shared.arguments import quoted
from shared.errors import Refused
from shared.names import FLEETING_DAYS, UNUSED_DAYS, check_name
from shared.reserved import is_reserved
from shared.wording import sentence

QUESTIONS: Final = {
    "name": "Your name",
    "host": "The host where the directory runs",
    "port": "Its port",
}
USUAL_PORT: Final = 5000
_HOST: Final = next(word for word in WORDS if word.name == "host")
FIRST_STEPS: Final = (
    Notice("LIST USERS shows who is there."),
    Notice("CHAT name invites somebody; they answer Y or N."),
    Notice("HELP lists the first commands, HELP ALL all of them; QUIT leaves."),
    Notice(
        f"Your name is kept for {FLEETING_DAYS} days without use, and for {UNUSED_DAYS} once you"
        " have used it for an hour."
    ),
)

Show = Callable[[Notice], None]
ReadLine = Callable[[], Awaitable[str | None]]


async def ask_for_words(
    arguments: argparse.Namespace, show: Show, read_line: ReadLine, only: Collection[str] = ()
) -> bool:
    """Ask for those of NAME, HOST and PORT that are not given; of these `only`, unless empty.

    An empty line takes the value in `offered`.  Return False when nobody answers.

    Raise GivenUp when the answer is QUIT.
    """
    offers = {"port": USUAL_PORT, **arguments.offered}
    for word in WORDS:
        if only and word.name not in only:
            continue
        offered = offers.get(word.name)
        while getattr(arguments, word.name) is None:
            show(Notice(question(word.name, offered)))
            line = await read_line()
            if line is None:
                return False
            check_not_quit(line)
            try:
                read = read_host if word.name == "host" else word.read
                value = _value(word.name, read, line.strip(), offered)
            except (argparse.ArgumentTypeError, Refused) as wrong:
                show(Notice(sentence(wrong)))
            else:
                setattr(arguments, word.name, value)
    return True


def question(word: str, offered: object) -> str:
    """Return the question for NAME, HOST or PORT; `offered`: what an empty line takes, or None."""
    return QUESTIONS[word] + ("" if offered is None else f" [{offered}]") + ":"


def read_host(text: str) -> object:
    """Return the host that is typed as an answer.  Raises ArgumentTypeError, Refused.

    A user who types Y or DOCTOR there means no machine of that name.
    """
    if is_reserved(text):
        raise Refused(f"{quoted(text)} is a word of this program, not a host.")
    return _HOST.read(text)


class GivenUp(Exception):
    """The user wants to leave instead of answering."""


def check_not_quit(line: str) -> None:
    """Raise GivenUp when the line is the command QUIT."""
    if parse(line, Context()) == Quit():
        raise GivenUp


def _value(name: str, read: Callable[[str], Any], text: str, offered: object) -> object:
    if not text and offered is not None:
        return offered
    if not text:
        raise Refused(f"No {name} was given.")
    return check_name(text) if name == "name" else read(text)
