"""Which of what waits goes next, and how much may wait."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.core.backlog import (
    MIB,
    MOST,
    RECEIVER_BYTES,
    RECEIVER_MOST,
    Backlog,
    Late,
    Verdict,
    verdict,
)
from shared.errors import KeyChanged, ParleyError, ProtocolError, Refused, StorageError, Unreachable


def line(order: int, to: str = "dave", text: str = "hello") -> Late:
    return Late(order, to, f"{order:032x}", 0.0, text, is_letter=False)


def letter(order: int, to: str = "dave", text: str = "hello") -> Late:
    return Late(order, to, f"{order:032x}", 0.0, text, is_letter=True)


def filled(*waiting: Late) -> Backlog:
    backlog = Backlog()
    for late in waiting:
        backlog.add(late)
    return backlog


def drained(backlog: Backlog, to: str, *, directory: bool) -> Iterator[int]:
    while (late := backlog.next(to, directory=directory)) is not None:
        backlog.remove(late)
        yield late.order


# --- What goes next ---


def test_all_goes_in_the_order_of_writing_when_the_directory_is_there() -> None:
    backlog = filled(letter(0), line(2), letter(1), line(3), line(4, "erin"))
    assert list(drained(backlog, "dave", directory=True)) == [0, 1, 2, 3]
    assert backlog.receivers == ("erin",)


def test_without_the_directory_lines_pass_letters_and_nothing_else() -> None:
    backlog = filled(letter(0), line(1), letter(2), line(3))
    assert list(drained(backlog, "DAVE", directory=False)) == [1, 3]
    assert [one.order for one in backlog.waiting_for("dave")] == [0, 2]


def test_a_new_line_waits_for_lines_and_a_new_letter_for_everything() -> None:
    assert not filled().blocks("dave", is_letter=True)
    assert not filled(line(0, "erin")).blocks("dave", is_letter=True)
    assert filled(letter(0)).blocks("Dave", is_letter=True)
    assert not filled(letter(0)).blocks("dave", is_letter=False)
    assert filled(letter(0), line(1)).blocks("dave", is_letter=False)
    assert filled(line(0)).blocks("dave", is_letter=True)


def test_what_waits_already_is_not_taken_twice() -> None:
    backlog = filled(line(0))
    backlog.add(line(0))
    backlog.restore(line(0))
    assert backlog.has(line(0).id)
    backlog.remove(line(0))
    assert not backlog.has(line(0).id)
    assert backlog.next("dave", directory=True) is None
    assert backlog.waiting_for("dave") == ()
    assert backlog.receivers == ()


kinds = st.lists(st.tuples(st.sampled_from(["dave", "erin"]), st.booleans()), max_size=12)


@given(kinds, st.lists(st.booleans(), min_size=40, max_size=40))
def test_whenever_the_directory_comes_and_goes_each_goes_once_and_kinds_keep_their_order(
    written: list[tuple[str, bool]], directory: list[bool]
) -> None:
    lates = [Late(order, to, str(order), 0.0, "", one) for order, (to, one) in enumerate(written)]
    backlog, gone = filled(*lates), []
    for is_there in (*directory, *[True] * len(lates)):
        for to in backlog.receivers:
            if (late := backlog.next(to, directory=is_there)) is not None:
                assert is_there or not late.is_letter
                backlog.remove(late)
                gone.append(late)
    assert sorted(gone, key=lambda one: one.order) == lates
    for to in ("dave", "erin"):
        for is_letter in (True, False):
            orders = [one.order for one in gone if (one.to, one.is_letter) == (to, is_letter)]
            assert orders == sorted(orders)


# --- How much may wait ---


def test_as_many_for_one_receiver_as_the_directory_takes() -> None:
    backlog = filled(*(line(order) for order in range(RECEIVER_MOST)))
    with pytest.raises(Refused, match="Not kept for dave: 100 messages for dave wait for the dir"):
        backlog.add(line(1_000))
    backlog.add(line(1_001, "erin"))
    backlog.restore(line(1_002))  # it lies on disk
    assert len(backlog.waiting_for("dave")) == RECEIVER_MOST + 1


def test_no_more_bytes_for_one_receiver_than_the_directory_takes() -> None:
    backlog = filled(line(0, text="x" * (RECEIVER_BYTES - 3)))
    with pytest.raises(Refused, match="Not kept for dave: 1 MiB for dave wait"):
        backlog.add(line(1, text="éé"))
    backlog.add(line(2, text="é"))


def test_half_a_character_has_a_size_too() -> None:
    assert line(0, text="\ud800").size == 3


def test_no_more_in_all() -> None:
    names = [f"user{number}" for number in range(MOST // RECEIVER_MOST)]
    backlog = Backlog()
    for order in range(MOST):
        backlog.add(line(order, names[order % len(names)]))
    with pytest.raises(Refused, match="Not kept for dave: 1,000 messages wait for the dir"):
        backlog.add(line(MOST))
    backlog.remove(line(0, names[0]))
    backlog.add(line(MOST))


def test_no_more_bytes_in_all() -> None:
    backlog = filled(*(line(order, f"user{order}", "x" * MIB) for order in range(8)))
    with pytest.raises(Refused, match="Not kept for dave: 8 MiB wait"):
        backlog.add(line(8))
    backlog.remove(line(7, "user7", "x" * MIB))
    backlog.add(line(8))


# --- What a failure means ---


@pytest.mark.parametrize("late", [line(0), letter(0)])
@pytest.mark.parametrize("directory", [True, False])
@pytest.mark.parametrize(
    ("failure", "meant"),
    [
        (KeyChanged("another key"), Verdict.ALL_FAIL),
        (Refused("User dave does not exist!", "NOBODY"), Verdict.ALL_FAIL),
        (Refused("the mailbox is full", "FULL"), Verdict.FAILS),
        (ProtocolError("a signature does not fit"), Verdict.FAILS),
    ],
)
def test_a_no_is_for_ever(
    failure: ParleyError, meant: Verdict, late: Late, directory: bool
) -> None:
    assert verdict(failure, late, directory=directory) is meant


def test_a_line_that_reaches_nobody_becomes_a_letter_when_there_is_somebody_to_take_it() -> None:
    assert verdict(Unreachable("no"), line(0), directory=True) is Verdict.LEAVE
    assert verdict(Unreachable("no"), line(0), directory=False) is Verdict.STAYS
    assert verdict(Unreachable("no"), letter(0), directory=True) is Verdict.STAYS
    assert verdict(StorageError("full"), letter(0), directory=True) is Verdict.STAYS
