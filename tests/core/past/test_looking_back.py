"""What a start shows of a place (`peer.core.past.looking_back`)."""

from peer.core.history_entry import HistoryEntry, Kind
from peer.core.local_time import local_time
from peer.core.past.looking_back import SCREEN_TEXTS, Lookback, Told, look_back, only_counted

NOW = 1_795_183_320.0


def told(*unread: bool) -> list[Told]:
    return [Told(entry(number), is_unread) for number, is_unread in enumerate(unread)]


def entry(number: int) -> HistoryEntry:
    return HistoryEntry(Kind.SAID, NOW, "dave", "", f"text {number}")


def shown(found: Lookback | None) -> list[str]:
    assert found is not None
    stamp = f"[{local_time(NOW):%Y-%m-%d %H:%M}] dave: text "
    return [line.replace(stamp, "") for line in found.lines("carol")]


def test_the_divider_stands_before_the_first_unread_text() -> None:
    found = look_back("with dave", "HISTORY dave", told(False, False, True, True), 2, last=3)
    assert shown(found) == ["The last 3 texts with dave:", "1", "--- 2 unread ---", "2", "3"]


def test_without_anything_unread_there_is_no_divider() -> None:
    found = look_back("with dave", "HISTORY dave", told(False), 0, last=10)
    assert shown(found) == ["The last text with dave:", "0"]


def test_more_unread_texts_are_shown_than_others_and_the_rest_is_in_the_history() -> None:
    all_unread = told(*[True] * 30)
    assert len(shown(look_back("with dave", "HISTORY", all_unread[:15], 15, last=10))) == 17
    first, divider, *texts = shown(look_back("with dave", "HISTORY", all_unread, 30, last=10))
    assert first == "The last 20 texts with dave:"
    assert divider == "--- 30 unread; HISTORY 30 shows more ---"
    assert texts == [str(number) for number in range(30 - SCREEN_TEXTS, 30)]


def test_history_shows_a_thousand_at_most() -> None:
    found = look_back("with dave", "HISTORY dave", told(*[True] * 20), 5_000, last=0)
    assert found is not None
    assert found.divider == "--- 5000 unread; HISTORY dave 1000 shows more ---"


def test_unread_texts_that_sort_before_what_is_shown_are_counted() -> None:
    found = look_back("with dave", "HISTORY", told(True, *[False] * 10), 1, last=10)
    assert found is not None
    assert found.divider == "--- 1 unread; HISTORY 11 shows more ---"
    assert found.begins == 10


def test_of_a_place_without_news_nothing_is_shown() -> None:
    assert look_back("with dave", "HISTORY", told(False), 0, last=0) is None
    assert look_back("with dave", "HISTORY", [], 3, last=10) is None


def test_of_a_muted_place_only_the_number_is_shown() -> None:
    assert only_counted("with dave", "HISTORY dave", 0) is None
    found = only_counted("with dave", "HISTORY dave", 5_000)
    assert found is not None
    assert found.lines("carol") == [
        "The texts with dave are muted:",
        "--- 5000 unread; HISTORY dave 1000 shows them ---",
    ]
