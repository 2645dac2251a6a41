"""Judge what a PostgreSQL server says of itself: may the directory promise anything there?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.errors import Refused

OLDEST: Final = 130_000  # PostgreSQL 13, as it numbers its versions
WAITS_FOR_STANDBY: Final = ("on", "remote_apply")  # values of synchronous_commit
WRITES_TO_DISK: Final = ("fsync", "full_page_writes")


@dataclass(frozen=True)
class Facts:
    """The facts that a server tells of itself and its tables."""

    version: int  # of the server
    settings: dict[str, str]
    has_standby: bool | None  # that is synchronous, just now; None: we may not see it
    is_local: bool  # on this machine
    is_verified: bool  # by TLS, with its name


def check_facts(facts: Facts, *, must_be_two: bool) -> Iterator[str]:
    """Yield warnings; raise Refused when the directory must not start.

    `must_be_two`: whether a promise needs a second machine.
    """
    if facts.version < OLDEST:
        raise Refused("the database is older than PostgreSQL 13", "VERSION")
    for name in WRITES_TO_DISK:
        if facts.settings[name] != "on":
            raise Refused(f"the database loses what it has promised: {name} is off", "DISK")
    if why := _why_on_one_machine(facts):
        if must_be_two:
            raise Refused(f"{why}: a promise would lie on one machine (--store-sync)", "DISK")
        yield f"{why}: what is promised lies on one machine"
    if not facts.is_local and not facts.is_verified:
        yield "the way to the database is not verified: set sslmode=verify-full"


def _why_on_one_machine(facts: Facts) -> str | None:
    if facts.settings["synchronous_commit"] not in WAITS_FOR_STANDBY:
        return f"synchronous_commit is {facts.settings['synchronous_commit']}"
    if not facts.settings["synchronous_standby_names"] or facts.has_standby is False:
        return "the database has no synchronous standby"
    return None


@dataclass(frozen=True)
class Tables:
    """The state of our tables in a database."""

    version: int  # migrations done; 0: there are no tables
    least: int  # the oldest program, by its number of migrations, that may use them


def migrations_to_do(tables: Tables, ours: int) -> range:
    """Return the numbers of the migrations to be done; raise Refused for a too old program."""
    if tables.least > ours:
        raise Refused("the database was made by a newer version of this program", "VERSION")
    return range(tables.version, ours)
