"""What a database must say of itself before anything is promised in it."""

from dataclasses import replace

import pytest

from directory_server.core.database_facts import Facts, Tables, check_facts, migrations_to_do
from shared.errors import Refused

GOOD = Facts(
    version=150_018,
    settings={
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "synchronous_standby_names": "standby",
    },
    has_standby=True,
    is_local=False,
    is_verified=True,
)
ON_ONE = "what is promised lies on one machine"
UNSAFE = "the way to the database is not verified: set sslmode=verify-full"


def facts(**settings: str) -> Facts:
    return replace(GOOD, settings=GOOD.settings | settings)


@pytest.mark.parametrize(
    ("given", "warnings"),
    [
        (GOOD, []),
        (facts(synchronous_commit="remote_apply"), []),
        (replace(GOOD, has_standby=None), []),
        (replace(GOOD, is_local=True, is_verified=False), []),
        (replace(GOOD, is_verified=False), [UNSAFE]),
        (facts(synchronous_commit="local"), [f"synchronous_commit is local: {ON_ONE}"]),
        (facts(synchronous_standby_names=""),
         [f"the database has no synchronous standby: {ON_ONE}"]),
        (replace(GOOD, has_standby=False, is_verified=False),
         [f"the database has no synchronous standby: {ON_ONE}", UNSAFE]),
    ],
)  # fmt: skip
def test_what_an_operator_is_told(given: Facts, warnings: list[str]) -> None:
    assert list(check_facts(given, must_be_two=False)) == warnings


@pytest.mark.parametrize(
    ("given", "code", "reason"),
    [
        (replace(GOOD, version=129_999), "VERSION", "older than PostgreSQL 13"),
        (facts(fsync="off"), "DISK", "fsync is off"),
        (facts(full_page_writes="off"), "DISK", "full_page_writes is off"),
        (facts(synchronous_commit="off"), "DISK", "synchronous_commit is off: a promise would"),
        (replace(GOOD, has_standby=False), "DISK", "a promise would lie on one machine"),
    ],
)
def test_where_nothing_is_promised(given: Facts, code: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as no:
        list(check_facts(given, must_be_two=True))
    assert no.value.code == code


@pytest.mark.parametrize(
    ("tables", "to_do"),
    [(Tables(0, 0), [0, 1]), (Tables(1, 1), [1]), (Tables(2, 1), []), (Tables(9, 2), [])],
)
def test_which_migrations_are_to_be_done(tables: Tables, to_do: list[int]) -> None:
    assert list(migrations_to_do(tables, 2)) == to_do


def test_a_program_that_is_too_old_leaves_the_tables_alone() -> None:
    with pytest.raises(Refused, match="newer version"):
        migrations_to_do(Tables(9, 3), 2)
