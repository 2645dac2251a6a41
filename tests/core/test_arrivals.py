"""What comes, comes once: over a link, as a letter, as a copy, in any order."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.core.arrivals import Arrival, Arrivals, TextPlace, place_of
from peer.core.keys.name_marks import variants
from peer.core.membership import member_id
from shared.sealing import About, Letter

CONVERSATION, EPOCH = "1" * 32, "e" * 16
KEY = b"k" * 32
DAVE = member_id("dave", KEY)
PLACE = TextPlace(CONVERSATION, DAVE, EPOCH, 3)
COPY = Letter("dave", KEY, "c" * 32, 7.0, "hello", About(CONVERSATION, EPOCH, 3))


class Disk:
    def __init__(self) -> None:
        self.lines: set[tuple[str, str]] = set()
        self.texts: set[TextPlace] = set()

    def has_line(self, sender: str, id: str) -> bool:
        return (sender, id) in self.lines

    def has_text(self, place: TextPlace) -> bool:
        return place in self.texts


class Links:
    def __init__(self) -> None:
        self.come: set[TextPlace] = set()

    def has_come(self, place: TextPlace) -> bool:
        return place in self.come


class Here:
    def __init__(self) -> None:
        self.disk, self.links = Disk(), Links()
        self.arrivals = Arrivals(self.disk, self.links)


@pytest.fixture
def here() -> Here:
    return Here()


def letter(id: str, *, after: str = "", sender: str = "dave") -> Letter:
    return Letter(sender, KEY, id, 7.0, "hello", None, math.inf, after)


def test_a_line_is_new_then_coming_then_here(here: Here) -> None:
    assert here.arrivals.of_line("dave", "1") is Arrival.NEW
    here.arrivals.begin("dave", "1")
    assert here.arrivals.of_line("Dave", "1") is Arrival.COMING
    assert here.arrivals.of_line("erin", "1") is Arrival.NEW
    here.disk.lines.add(("dave", "1"))
    assert here.arrivals.of_line("dave", "1") is Arrival.COMING
    here.arrivals.end("DAVE", "1")
    assert here.arrivals.of_line("dave", "1") is Arrival.HERE


def test_a_line_that_the_disk_did_not_take_is_new_again(here: Here) -> None:
    here.arrivals.begin("dave", "1")
    here.arrivals.end("dave", "1")
    assert here.arrivals.of_line("dave", "1") is Arrival.NEW


def test_nobody_ends_what_has_not_begun(here: Here) -> None:
    with pytest.raises(KeyError):
        here.arrivals.end("dave", "1")


def test_a_line_is_here_under_any_mark_of_its_senders_name(here: Here) -> None:
    for number, called in enumerate(variants("dave")):
        here.disk.lines.add((called, str(number)))
        assert here.arrivals.of_line("dave", str(number)) is Arrival.HERE


def test_a_letter_is_the_line_that_it_brings(here: Here) -> None:
    one = letter("1")
    assert here.arrivals.of_letter(one) is Arrival.NEW
    here.arrivals.begin("dave", "1")  # it comes over a link
    assert here.arrivals.of_letter(one) is Arrival.COMING
    assert not here.arrivals.came_directly(one)
    here.arrivals.end("dave", "1")
    here.disk.lines.add(("dave", "1"))
    assert here.arrivals.of_letter(one) is Arrival.HERE


def test_a_copy_is_the_text_that_it_brings(here: Here) -> None:
    assert place_of(COPY) == PLACE
    assert here.arrivals.of_letter(COPY) is Arrival.NEW
    here.links.come.add(PLACE)
    assert here.arrivals.of_letter(COPY) is Arrival.COMING
    assert here.arrivals.came_directly(COPY)
    here.disk.texts.add(PLACE)
    assert here.arrivals.of_letter(COPY) is Arrival.HERE


def test_a_copy_that_was_kept_as_a_letter_is_here(here: Here) -> None:
    here.disk.lines.add(("dave", COPY.id))
    assert here.arrivals.of_letter(COPY) is Arrival.HERE


def test_nobody_passes_their_copy_off_as_the_text_of_another(here: Here) -> None:
    """Mallory's copy of dave's place is a text of mallory's: it hides nothing of dave."""
    here.links.come.add(PLACE)
    here.disk.texts.add(PLACE)
    forged = Letter("mallory", b"m" * 32, "f" * 32, 7.0, "hello", COPY.about)
    assert here.arrivals.of_letter(forged) is Arrival.NEW
    assert not here.arrivals.came_directly(forged)


def test_a_letter_follows_a_gap_when_the_one_before_it_never_came(here: Here) -> None:
    second = letter("2", after="1")
    assert here.arrivals.follows_gap(second, set())
    assert not here.arrivals.follows_gap(second, {("dave", "1")})
    assert here.arrivals.follows_gap(second, {("mallory", "1")})
    assert not here.arrivals.follows_gap(letter("1"), set())
    here.arrivals.begin("dave", "1")
    assert not here.arrivals.follows_gap(second, set())
    here.arrivals.end("dave", "1")
    here.disk.lines.add(("dave", "1"))
    assert not here.arrivals.follows_gap(second, set())


@given(st.permutations(["line", "letter", "line", "letter"]), st.lists(st.booleans(), min_size=4))
def test_one_of_all_ways_shows_it(ways: list[str], kept: list[bool]) -> None:
    """Whoever finds it NEW shows it; a disk that fails lets the next one show it, nobody else."""
    here = Here()
    shown = 0
    for way, is_kept in zip(ways, itertools.chain(kept, itertools.repeat(True)), strict=False):
        found = here.arrivals
        state = found.of_line("dave", "1") if way == "line" else found.of_letter(letter("1"))
        if state is Arrival.NEW:
            shown += 1
            found.begin("dave", "1")
            assert found.of_letter(letter("1")) is found.of_line("dave", "1") is Arrival.COMING
            if is_kept:
                here.disk.lines.add(("dave", "1"))
            found.end("dave", "1")
    failures = [*itertools.takewhile(lambda one: not one, kept[:4])]
    assert shown == min(len(failures) + 1, 4)
