"""Decide where a command leads its user, from what a line means where it is typed."""

from collections.abc import Sequence

from peer.commands.grammar import Answer, Chat, Command, Go
from peer.core.targets.choice import named
from peer.core.targets.place import HOME, Place
from shared.names import fold

Leads = Sequence[tuple[str, Place | None]]
"""The users whom the open questions are about, the latest last, and where a Y leads."""


def leads_to(
    command: Command, back: Place, rooms: Sequence[str], asked: Leads, users: Sequence[str] = ()
) -> Place | None:
    """Return the place to which the command leads; None: its user stays.

    `users`: those of the rooms' names that are a user's, too.  Raises Refused like `named`.

    A user who invites somebody, or says yes, goes on there: the next line is for the
    conversation that begins, and for nobody else.
    """
    match command:
        case Go(name="", sign=""):
            return back
        case Go(name, sign):
            return named("GO", name, sign, rooms, users)
        case Chat():
            return HOME
        case Answer(yes=True, name=name):
            for about, place in reversed(asked):
                if name is None or fold(name) == fold(about):
                    return place
    return None
