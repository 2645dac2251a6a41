"""The marks after a name when the bare name would promise too much.

One text for each case, the same on every screen and in `--json`.
"""

from typing import Final

ANOTHER_KEY: Final = " (ANOTHER KEY)"  # not the user I know by that name
NOT_CONFIRMED: Final = " (NOT CONFIRMED)"  # the directory was away, or knows no such name


def bare(called: str) -> str:
    """Return the name alone, as it was registered."""
    return called.removesuffix(ANOTHER_KEY).removesuffix(NOT_CONFIRMED)


def variants(name: str) -> tuple[str, ...]:
    """Return all forms in which this name may be shown, with a mark or without."""
    return (name, name + ANOTHER_KEY, name + NOT_CONFIRMED)
