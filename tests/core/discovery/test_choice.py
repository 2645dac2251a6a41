"""Which directory a start uses, by all that is known at one moment."""

import pytest

from peer.core.discovery.choice import (
    ANOTHER_KEY,
    AskAddress,
    AskWhich,
    Choice,
    FoundDirectory,
    NoAnswer,
    Picture,
    Remembered,
    ShownKey,
    UseFound,
    UseRemembered,
    choose,
)

MINE, WORK, STRANGE = "a" * 32, "b" * 32, "c" * 32
KNOWN = frozenset({MINE, WORK})
HOME = Remembered("10.0.0.5:5000", MINE)
BY_HAND = Remembered("10.0.0.5:5000")  # written into the settings; nobody has met it
DOWN = NoAnswer("nothing answers (connection refused)")
LAB = FoundDirectory("lab", "10.0.0.9", 5000, MINE)
OFFICE = FoundDirectory("office", "10.0.0.8", 5000, WORK)
ROGUE = FoundDirectory("lab", "10.0.0.66", 5000, STRANGE)
OTHER = FoundDirectory("school", "10.0.0.77", 5000, "d" * 32)
NOBODY: frozenset[str] = frozenset()


def first(*found: FoundDirectory, **news: object) -> Picture:
    """The picture of a first start: nothing is remembered."""
    return Picture(None, NOBODY, found=found, **news)  # type: ignore[arg-type]


def later(*found: FoundDirectory, **news: object) -> Picture:
    return Picture(HOME, KNOWN, found=found, **news)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("picture", "choice"),
    [
        # 1. The remembered one answers with its key: nobody is asked, whatever else is found.
        (later(answer=ShownKey(MINE)), UseRemembered(MINE)),
        (later(ROGUE, LAB, answer=ShownKey(MINE), is_looking=False), UseRemembered(MINE)),
        (Picture(BY_HAND, KNOWN, ShownKey(WORK)), UseRemembered(WORK)),
        # It has its time, in which nothing else is used.
        (later(), None),
        (later(LAB), None),
        (later(LAB, is_looking=False), None),
        # 2. Another address proves its key.
        (later(LAB, answer=DOWN), UseFound(LAB)),
        (later(ROGUE, LAB, answer=ShownKey(STRANGE)), UseFound(LAB)),
        (later(LAB, is_late=True), UseFound(LAB)),
        # Another community of mine only when nothing better can come.
        (later(OFFICE, answer=DOWN), None),
        (later(OFFICE, answer=DOWN, is_looking=False), UseFound(OFFICE)),
        (later(OFFICE, is_late=True, is_looking=False), UseFound(OFFICE)),
        (later(OFFICE, LAB, answer=DOWN, is_looking=False), UseFound(LAB)),
        (Picture(None, KNOWN, found=(OFFICE, ROGUE), is_looking=False), UseFound(OFFICE)),
        (Picture(None, KNOWN, found=(OFFICE, LAB), is_looking=False), AskWhich((OFFICE, LAB))),
        (
            Picture(BY_HAND, KNOWN, DOWN, (OFFICE, LAB), is_looking=False),
            AskAddress(DOWN.cause, (OFFICE, LAB)),
        ),
        # 3. Nothing is remembered: the user says which, once all are found.
        (first(ROGUE), None),
        (first(ROGUE, is_looking=False), AskWhich((ROGUE,))),
        (first(ROGUE, OTHER, is_looking=False, is_late=True), AskWhich((ROGUE, OTHER))),
        # 4. Strange ones are told, and are never the default.
        (later(ROGUE, answer=DOWN, is_looking=False), AskAddress(DOWN.cause, (ROGUE,))),
        (
            later(ROGUE, answer=ShownKey(STRANGE), is_looking=False),
            AskAddress(ANOTHER_KEY, (ROGUE,)),
        ),
        (Picture(None, KNOWN, found=(ROGUE,), is_looking=False), AskAddress("", (ROGUE,))),
        (later(ROGUE, is_late=True, is_looking=False), None),
        # 5. Nothing is found.
        (first(), None),
        (first(is_looking=False), AskAddress()),
        (later(answer=DOWN), None),
        (later(answer=DOWN, is_looking=False), AskAddress(DOWN.cause)),
        (later(is_late=True, is_looking=False), None),
        # An address that the user has only written down is offered, as ever.
        (Picture(BY_HAND, KNOWN, ShownKey(STRANGE)), AskAddress(is_offered=True)),
        (Picture(BY_HAND, NOBODY, ShownKey(STRANGE), (LAB,)), AskAddress(is_offered=True)),
        (Picture(BY_HAND, NOBODY, DOWN, (LAB,), is_looking=False), AskAddress(DOWN.cause, (LAB,))),
    ],
)
def test_what_is_chosen(picture: Picture, choice: Choice | None) -> None:
    assert choose(picture) == choice
