"""How far the user has read (`peer.core.past.read_marks`)."""

from hypothesis import given
from hypothesis import strategies as st

from peer.core.past.read_marks import TO_ALL, Mark, ReadMarks, with_user

DAVE = with_user("Dave")


def test_what_was_shown_is_read_except_where_the_user_has_not_been() -> None:
    marks = ReadMarks(Mark(1, 1)).read(Mark(5, 7), [DAVE])
    assert marks.of(DAVE) == Mark(1, 1)
    assert marks.of(TO_ALL) == marks.of("c0" * 16) == Mark(5, 7)
    assert marks.lowest == Mark(5, 1)  # there are no texts of conversations at a user's place
    later = marks.read(Mark(9, 9), [DAVE, TO_ALL])
    assert (later.of(DAVE), later.of(TO_ALL)) == (Mark(1, 1), Mark(5, 7))
    assert later.lowest == Mark(9, 1)
    assert later.read(Mark(10, 10), ["c0" * 16]).lowest == Mark(9, 9)
    assert later.read(Mark(9, 9)) == ReadMarks(Mark(9, 9))


def test_a_user_is_one_place_in_any_spelling() -> None:
    assert with_user("dAVE") == DAVE != with_user("dav")


def test_marks_beyond_what_is_there_are_cut() -> None:
    """The texts were forgotten, and their numbers come again."""
    marks = ReadMarks(Mark(9, 9), {DAVE: Mark(3, 1)})
    assert marks.within(Mark(2, 4)) == ReadMarks(Mark(2, 4), {DAVE: Mark(2, 1)})


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sets(st.sampled_from(["a", "b", "c"])), st.booleans()))
)
def test_nothing_is_read_that_was_not_and_nothing_unread_that_was(
    steps: list[tuple[int, set[str], bool]],
) -> None:
    """Against a model that knows each text by its number."""
    marks, last, unread = ReadMarks(), 0, dict[str, set[int]](a=set(), b=set(), c=set())
    for came, behind, elsewhere in steps:
        for number in range(last + 1, last + came + 1):
            for place in unread:
                unread[place].add(number)
        last += came
        stays = {place for place in behind if unread[place]} if elsewhere else set()
        marks = marks.read(Mark(last, last), stays)
        for place in unread:
            unread[place] = unread[place] if place in stays else set()
            assert unread[place] == set(range(marks.of(place).texts + 1, last + 1))
        assert len(marks.behind) <= len(unread)
