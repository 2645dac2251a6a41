"""The limits of what one address, or one user, may take of the directory."""

from typing import Final

STRANGERS: Final = 1_024  # connections that have not said who they are; measured: 130 MiB
STRANGERS_PER_ADDRESS: Final = 256  # so a crowd behind one NAT still registers in a few seconds
STRANGERS_SHARE: Final = 4  # strangers get at most this part of all connections: a quarter
NEW_NAMES_AT_ONCE: Final = 64  # from one address: a class of 40 behind it registers at once
NEW_NAME_SECONDS: Final = 20.0  # for each further one: 4,320 a day, and they expire in seven
MAIL_MIB: Final = 1_024  # of all mail, unless --mail-mib says otherwise
NAMES: Final = 100_000  # also kept in memory, 1 KiB each

# What one link may send.  A person's program stays far below these limits; above them
# the directory reads more slowly, so that nobody else has to wait.
LINES_A_SECOND: Final = 1_000.0
LINES_AT_ONCE: Final = 2_000.0
BYTES_A_SECOND: Final = 2.0 * 1024 * 1024
BYTES_AT_ONCE: Final = 8.0 * 1024 * 1024

# The size of a crowd.  At 100 users, of whom each comes and goes four times a day, a screen
# gets a line a minute: more is no news to anybody, and costs the directory what it has.
CROWD_ABOVE: Final = 100  # users online; above it each is told of those whom they watch
CROWD_BELOW: Final = 80  # and below it of all again: nobody must come and go to turn the rule
WATCHED_FOR_OLD: Final = 200  # names that are watched for a program that does not know how
WATCHED_PER_USER: Final = 100  # on the mean; a watched name that nobody has takes 0.4 KiB
WATCHES_A_SECOND: Final = 400.0  # names in WATCH, over one link: 1 ms of work
WATCHES_AT_ONCE: Final = 2_000.0  # so that a program names all that it may at once, twice

# Notes with a status that one link may give: each is told to all who hear of its user.
NOTES_A_SECOND: Final = 0.1
NOTES_AT_ONCE: Final = 10.0


def strangers_at_most(connections: int) -> int:
    """Return how many of all connections strangers may hold."""
    return min(STRANGERS, connections // STRANGERS_SHARE)


def users_at_most(connections: int) -> int:
    return connections - strangers_at_most(connections)
