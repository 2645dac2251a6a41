"""What SEARCH found, with the texts around it (`peer.core.history_entry`)."""

from peer.core.history_entry import Around, Excerpt, HistoryEntry, Kind, excerpts


def entry(number: int) -> HistoryEntry:
    return HistoryEntry(Kind.SAID, float(number), "dave", "", f"text {number}")


def around(number: int) -> Around:
    return Around(entry(number - 1), entry(number + 1))


def found(*numbers: int) -> list[tuple[str, bool, bool]]:
    hits = [entry(number) for number in numbers]
    shown = excerpts(hits, [around(number) for number in numbers])
    return [(one.entry.text, one.is_hit, one.follows_gap) for one in shown]


def test_a_hit_stands_between_its_neighbours() -> None:
    assert found(5) == [
        ("text 4", False, False), ("text 5", True, False), ("text 6", False, False)
    ]  # fmt: skip


def test_hits_side_by_side_stand_there_once() -> None:
    assert found(5, 6) == [
        ("text 4", False, False), ("text 5", True, False), ("text 6", True, False),
        ("text 7", False, False),
    ]  # fmt: skip


def test_what_stands_between_two_hits_stands_there_once() -> None:
    assert found(5, 7) == [
        ("text 4", False, False), ("text 5", True, False), ("text 6", False, False),
        ("text 7", True, False), ("text 8", False, False),
    ]  # fmt: skip


def test_a_gap_is_marked_once_before_what_follows_it() -> None:
    assert [follows for _, _, follows in found(5, 8)] == [False, False, False, True, False, False]


def test_hits_without_neighbours_are_apart() -> None:
    hits = [entry(1), entry(2)]
    assert excerpts(hits, [Around(), Around()]) == [
        Excerpt(hits[0], True, False), Excerpt(hits[1], True, True)
    ]  # fmt: skip


def test_nothing_was_found() -> None:
    assert excerpts([], []) == []
