"""What stands behind a name of whom the bare name would say too much.

One text for each case, the same on every screen and in `--json`.
"""

from typing import Final

ANOTHER_KEY: Final = " (ANOTHER KEY)"  # somebody else than the one I know by that name
NOT_CONFIRMED: Final = " (NOT CONFIRMED)"  # the directory was not there, or knows no such name


def bare(called: str) -> str:
    """The name alone, as it was registered."""
    return called.removesuffix(ANOTHER_KEY).removesuffix(NOT_CONFIRMED)


def variants(name: str) -> tuple[str, ...]:
    """All that the owner of a name may be called, with another key or without."""
    return (name, name + ANOTHER_KEY, name + NOT_CONFIRMED)
