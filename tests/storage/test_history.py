"""What was said: HISTORY and SEARCH (PRODUCT.md)."""

from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from peer import events
from peer.console.codes import Code
from peer.core.conversation.texts import sign
from peer.core.history_entry import HistoryEntry, Kind, lines_of
from peer.core.local_time import local_time
from peer.core.membership import Me
from peer.options import Options
from peer.storage.history import HISTORY_CHARACTERS, Found
from peer.storage.journal import Batch, Journal
from peer.storage.lines import Fate, KeptLine
from peer.storage.past import index, search
from shared.errors import Refused
from shared.messages.peers import Position, Text
from tests.kit.community import Community, Person
from tests.kit.gathering import adds, group
from tests.kit.journals import history_of
from tests.kit.world import EPOCH, Authority, MemoryDisk

NOTHING = "No history here: nothing was said, or history is off."


def stamp(person: Person) -> str:
    return f"{local_time(person.now):%Y-%m-%d %H:%M}"


async def reads(person: Person, command: str) -> list[str]:
    """What this command shows, while nothing else happens."""
    await trio.sleep(1)
    before = len(person.lines)
    await person.types(command)
    await trio.sleep(1)
    return [line for line in person.lines[before:] if not line.startswith("* ")]


# --- The conversation -------------------------------------------------------------


async def test_history_shows_the_conversation_to_both_alike(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    now = stamp(carol)
    await carol.types("hello dave")
    await dave.sees("carol: hello dave")
    await dave.types("HISTORY", " hi!")
    await carol.sees("dave: hi!")
    said = [f"[{now}] carol: hello dave", f"[{now}] dave: HISTORY", f"[{now}] dave: hi!"]
    assert await reads(carol, "/history") == said
    assert await reads(dave, "/HISTORY 1000") == said
    assert await reads(dave, "/history 1") == said[2:]


async def test_the_last_conversation_is_still_there_after_a_restart(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    now = stamp(carol)
    await carol.types("first")
    await dave.sees("carol: first")
    await carol.types("\\q")
    await dave.sees("The conversation is over.")
    await trio.sleep(10)
    await dave.connects_with(carol)
    await dave.types("second")
    await carol.sees("dave: second")
    await carol.types("\\q")
    await trio.sleep(10)
    await carol.starts_again()
    assert await reads(carol, "HISTORY") == [f"[{now}] dave: second"]
    assert await reads(carol, "HISTORY dave") == [f"[{now}] carol: first", f"[{now}] dave: second"]


async def test_all_members_read_the_same_whatever_the_network_did(community: Community) -> None:
    carol, dave, erin, frank = people = await group(community, "carol", "dave", "erin", "frank")
    await trio.sleep(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(community.delays_everything, 2.0)
        for number in range(25):
            for person in people:
                person.types_ahead(f"{person.name} {number}")
            if number == 10:
                community.cuts(carol, dave)
                community.cuts(erin, frank)
            await trio.sleep(0.3)
        await trio.sleep(20)
        nursery.cancel_scope.cancel()
    await trio.sleep(70)
    shown = [await reads(person, "/history 1000") for person in people]
    assert len(shown[0]) == 100
    assert all(one == shown[0] for one in shown)
    assert [line for line in shown[0] if " carol: " in line] == [
        line
        for number in range(25)
        for line in shown[0]
        if line.endswith(f" carol: carol {number}")
    ]


async def test_a_newcomer_reads_what_was_said_since(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    erin = community.person("erin")
    await erin.starts()
    await carol.types("before")
    await dave.sees("carol: before")
    await trio.sleep(1)
    await adds(carol, erin)
    await trio.sleep(1)
    await dave.types("after")
    await erin.sees("dave: after")
    now = stamp(erin)
    assert await reads(erin, "/history") == [f"[{now}] dave: after"]
    assert len(await reads(carol, "/history")) == 2


async def test_history_is_harmless_on_the_screen(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.peer.conversation.say("a\x1b[2Jb\ndave: I owe you")
    await dave.sees("carol: a␛[2Jb")
    shown = await reads(dave, "/history")
    assert shown == [f"[{stamp(dave)}] carol: a␛[2Jb", "    dave: I owe you"]


async def test_who_has_said_nothing_reads_so(community: Community) -> None:
    (carol,) = await community.start("carol")
    for command in ("HISTORY", "HISTORY dave", "HISTORY ALL"):
        assert await reads(carol, command) == [NOTHING]
    assert await reads(carol, "SEARCH hello") == ["Nothing was found."]


# --- With one user, and with all ----------------------------------------------------


async def test_history_with_a_user_has_all_kinds_in_their_order(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    moments = []

    async def later() -> None:
        moments.append(stamp(carol))
        await trio.sleep(60)

    await carol.types("PRV dave one")
    await dave.sees("[private] carol: one")
    await carol.types("PRV erin not for dave")
    await later()
    await dave.types("@carol two")
    await carol.sees("[private] dave: two")
    await later()
    await carol.connects_with(dave)
    await carol.types("three")
    await dave.sees("carol: three")
    await later()
    await dave.types("/MSG to all", "\\q")
    await erin.sees("[all] dave: to all")
    await dave.quits()
    await carol.types("LEAVE dave four")
    await carol.sees("Message left for dave.")
    await later()
    await dave.starts()
    await dave.sees_part("carol: four")
    one, two, three, four = moments
    assert await reads(carol, "HISTORY DAVE") == [
        f"[{one}] [private] carol -> dave: one",
        f"[{two}] [private] dave: two",
        f"[{three}] carol: three",
        f"[{four}] [left] carol -> dave: four",
    ]
    assert await reads(dave, "HISTORY carol 3") == [
        f"[{two}] [private] dave -> carol: two",
        f"[{three}] carol: three",
        f"[{four}] [left] carol: four",
    ]
    assert await reads(erin, "HISTORY carol") == [f"[{one}] [private] carol: not for dave"]
    for person in (carol, dave, erin):
        assert await reads(person, "HISTORY ALL") == [f"[{four}] [all] dave: to all"]


async def test_a_text_that_waited_in_the_mailbox_stands_there_once(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("one")
    await dave.sees("carol: one")
    await trio.sleep(1)
    community.separates(carol, dave)
    now = stamp(carol)
    await carol.types("two")
    await carol.sees("Message left for dave.", within=120)
    await dave.sees_part("carol: two")
    await trio.sleep(60)
    assert await reads(dave, "HISTORY carol") == [
        f"[{now}] carol: one",
        f"[{now}] [left] carol: two",
    ]
    assert await reads(dave, "HISTORY") == await reads(dave, "HISTORY carol")


async def test_what_was_shown_before_an_ignore_is_not_hidden(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("@carol one")
    await carol.sees("[private] dave: one")
    await carol.types("IGNORE dave")
    await dave.types("@carol two")
    await carol.starts_again()
    await dave.types("@carol three")
    await trio.sleep(1)
    carol.never_saw("three")
    assert await reads(carol, "HISTORY dave") == [f"[{stamp(carol)}] [private] dave: one"]
    await carol.types("UNIGNORE dave")
    await carol.starts_again()
    await dave.types("@carol four")
    await carol.sees("[private] dave: four")
    dave.never_saw("Not delivered")


# --- Search -------------------------------------------------------------------------


async def test_search_finds_words_in_everything(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await dave.types("the Report is ready")
    await carol.sees("dave: the Report is ready")
    await carol.types("@dave where is the réport?", "/MSG reports for all", "/LEAVE dave report")
    await dave.sees_part("carol: report")
    now = stamp(carol)
    found = await reads(carol, "/search report")
    assert sorted(found) == sorted(
        [
            f"[{now}] dave: the Report is ready",
            f"[{now}] [private] carol -> dave: where is the réport?",
            f"[{now}] [all] carol: reports for all",
            f"[{now}] [left] carol -> dave: report",
        ]
    )
    assert await reads(carol, "/search ready the") == [f"[{now}] dave: the Report is ready"]
    await dave.types("one more report")
    await carol.sees("dave: one more report")
    assert await reads(carol, "/search more") == [f"[{now}] dave: one more report"]
    assert len(await reads(carol, "/search report")) == 5


async def test_search_shows_the_last_ones_in_order_and_says_that_there_are_more(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types(*(f"text {number}" for number in range(25)))
    await dave.sees("carol: text 24")
    *found, more = await reads(dave, "/search text")
    assert [line.rsplit(" ", 1)[1] for line in found] == [str(number) for number in range(5, 25)]
    assert more == "There are more; these are the last 20."


async def test_search_in_a_user_finds_what_was_said_with_them_alone(community: Community) -> None:
    carol, _, erin = await community.start("carol", "dave", "erin")
    await carol.types("@erin the report", "@dave my report", "MSG reports for all")
    await erin.types("@carol which report?")
    await erin.connects_with(carol)
    await erin.types("this report")
    await carol.sees("erin: this report")
    await carol.types(r"\q")
    now = stamp(carol)
    with_erin = [
        f"[{now}] [private] carol -> erin: the report",
        f"[{now}] [private] erin: which report?",
        f"[{now}] erin: this report",
    ]
    assert sorted(await reads(carol, "SEARCH report IN erin")) == sorted(with_erin)
    assert sorted(await reads(carol, "search report in Erin")) == sorted(with_erin)
    assert await reads(carol, "SEARCH report IN dave") == [
        f"[{now}] [private] carol -> dave: my report"
    ]
    assert await reads(carol, "SEARCH report IN frank") == ["Nothing was found."]
    assert await reads(carol, "SEARCH report in frank") == ["Nothing was found."]
    await carol.types("@dave report in frankfurt")
    assert await reads(carol, "SEARCH report in frank") == [
        f"[{now}] [private] carol -> dave: report in frankfurt"
    ]


async def test_search_takes_nothing_and_too_much(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("SEARCH " + "word " * 21)
    await carol.sees("At most 20 words can be searched for at once.")
    with pytest.raises(Refused):
        await carol.peer.history.search(" \0 ")


# --- Without history ------------------------------------------------------------------


def rows(person: Person, table: str) -> int:
    ((count,),) = person.machine.disk.ask("journal.db", f"SELECT count(*) FROM {table}")
    return int(count)


async def test_without_history_a_conversation_is_forgotten_when_it_is_settled(
    community: Community,
) -> None:
    carol = community.person("carol", Options(keeps_history=False))
    dave = community.person("dave")
    await carol.starts()
    await dave.starts()
    await carol.connects_with(dave)
    await carol.types("hello")
    await dave.sees("carol: hello")
    assert len(await reads(carol, "/history")) == len(await reads(carol, "/search hello")) == 1
    await dave.types("\\q")
    await carol.sees("The conversation is over.")
    await trio.sleep(30)
    for table in ("texts", "memberships", "conversations", "acknowledged", "since", "indexed"):
        assert not rows(carol, table), table
    assert await reads(carol, "HISTORY dave") == [NOTHING]
    assert len(await reads(dave, "HISTORY carol")) == 1


async def test_without_history_a_line_is_still_shown_once(community: Community) -> None:
    carol = community.person("carol", Options(keeps_history=False))
    dave = community.person("dave")
    await carol.starts()
    await dave.starts()
    await carol.types("@dave hello", "MSG to all", "LEAVE dave a letter")
    await dave.sees_part("a letter")
    await dave.types("@carol hi", "LEAVE carol another")
    await carol.sees_part("another")
    await trio.sleep(1)
    assert await reads(carol, "HISTORY dave") == [NOTHING]
    assert rows(carol, "lines") == 1  # that the private line came
    await carol.starts_again()
    carol.never_saw("hi")


async def test_a_start_without_history_forgets_what_was_kept(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("hello", "@dave psst")
    await dave.sees("carol: hello")
    await carol.types("/search hello", "\\q")
    await carol.sees("You have just left your last conversation.")
    carol.options = Options(keeps_history=False)
    await carol.starts_again()
    await trio.sleep(1)
    assert not rows(carol, "texts")
    assert await reads(carol, "HISTORY dave") == [NOTHING]
    assert await reads(carol, "SEARCH hello") == ["Nothing was found."]


async def test_a_command_without_history_forgets_what_was_kept(community: Community) -> None:
    carol, dave, erin = (community.person(name) for name in ("carol", "dave", "erin"))
    for person in (carol, dave, erin):
        await person.starts()
    await carol.connects_with(erin)
    await carol.types("hello", "\\q", "@dave psst")
    await dave.types("LEAVE carol a letter")
    await carol.sees_part("a letter")
    await carol.connects_with(dave)
    await carol.types("stays")
    await dave.sees("carol: stays")
    await trio.sleep(1)
    await carol.is_killed()
    carol.options = Options(keeps_history=False)
    assert await carol.runs("LIST USERS") is Code.DONE
    assert rows(carol, "texts") == 1  # of the interrupted conversation, which goes on
    assert not rows(carol, "lines WHERE text IS NOT NULL")
    assert await carol.runs("HISTORY erin") is Code.DONE
    await carol.sees(NOTHING)
    await carol.starts()
    await carol.sees("You are back in the conversation with dave.")
    await dave.types("welcome")
    await carol.sees("dave: welcome")


async def test_without_history_an_interrupted_conversation_goes_on(community: Community) -> None:
    carol = community.person("carol", Options(keeps_history=False))
    dave, erin = community.person("dave"), community.person("erin")
    for person in (carol, dave, erin):
        await person.starts()
    await carol.connects_with(dave)
    await adds(carol, erin)
    await trio.sleep(1)
    await carol.types("one")
    await erin.sees("carol: one")
    await carol.is_killed()
    await carol.starts()
    await carol.sees("You are back in the conversation with dave, erin.")
    await dave.types("two")
    await carol.sees("dave: two")
    assert len(await reads(carol, "/history")) == 2


# --- The journal ----------------------------------------------------------------------


class Shelf:
    """A journal with a conversation of carol in it, to be filled with texts."""

    ID = "c0" * 16

    def __init__(self, journal: Journal) -> None:
        identity, credentials = Authority().user("carol")
        self.me = Me("carol", identity, credentials.certificate)
        self.journal = journal
        self.history = history_of(journal)

    def text(self, seq: int, *texts: str, after: tuple[Position, ...] = (), **more: Any) -> Text:
        said = Text(self.ID, "carol", "e" * 16, seq, seq, EPOCH - 60, texts, after)
        return sign(self.me, said)

    async def keeps(self, *texts: Text, since: tuple[Position, ...] = ()) -> None:
        await self.journal.keep(Batch([(self.ID, since, 0)], list(texts)), EPOCH)

    async def reads(self, last: int = 20) -> Found:
        return await self.history.conversation(None, last)


@pytest.fixture
async def shelf(autojump_clock: Any, nursery: trio.Nursery) -> Any:
    journal = Journal(MemoryDisk())
    await nursery.start(journal.run)
    yield Shelf(journal)
    nursery.cancel_scope.cancel()


async def test_the_mark_of_a_missing_text_vanishes_when_it_has_come(shelf: Shelf) -> None:
    unread = Position("dave", "f" * 16, 2)
    old = Position("erin", "f" * 16, 9)
    await shelf.keeps(shelf.text(1, "yes", "indeed", after=(unread, old)), since=(old,))
    missing, *lines = lines_of((await shelf.reads()).entries, "carol")
    assert missing == str(events.Missing())
    assert len(lines) == 2
    await shelf.keeps(
        Text(shelf.ID, "dave", "f" * 16, 1, 1, EPOCH - 60, ("is it", "true?")), since=(old,)
    )
    assert [one.text for one in (await shelf.reads()).entries] == [
        "yes",
        "indeed",
        "is it",
        "true?",
    ]
    assert not any(one.is_late for one in (await shelf.reads()).entries)


async def test_many_pages_come_in_order(shelf: Shelf) -> None:
    await shelf.keeps(*(shelf.text(2 * n + 1, f"{n}a", f"{n}b") for n in range(300)))
    found = await shelf.reads(501)
    assert found.more
    wanted = [f"{n}{half}" for n in range(300) for half in "ab"][-501:]
    assert [one.text for one in found.entries] == wanted
    assert not (await shelf.reads(600)).more


async def test_what_is_very_long_is_cut_at_its_beginning(shelf: Shelf) -> None:
    await shelf.keeps(*(shelf.text(n, "x" * 8_000) for n in range(1, 300)))
    found = await shelf.reads(1_000)
    assert found.more
    assert len(found.entries) == HISTORY_CHARACTERS // 8_000


async def test_a_clock_that_is_wrong_does_not_stand_last_for_ever(shelf: Shelf) -> None:
    future = shelf.text(1, "from the future")
    future = sign(shelf.me, Text(shelf.ID, "carol", "e" * 16, 1, 1, 2e11, ("from the future",)))
    await shelf.keeps(future, shelf.text(2, "now"))
    assert [one.text for one in (await shelf.reads()).entries] == ["from the future", "now"]


async def test_more_texts_than_fit_into_one_commit_are_indexed(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "INDEX_TEXTS", 10)
    monkeypatch.setattr(index, "INDEX_ROWS", 7)
    await shelf.keeps(*(shelf.text(2 * n + 1, f"even {n}", f"odd {n}") for n in range(40)))
    lines = [
        KeptLine(Kind.PRIVATE, "dave", "carol", str(n), EPOCH, f"even private {n}", Fate.CAME)
        for n in range(40)
    ]
    await shelf.journal.lines.keep(lines)
    assert len((await shelf.history.search("even", 100)).entries) == 80
    assert [one.text for one in (await shelf.history.search("odd 39", 100)).entries] == ["odd 39"]
    failed = [replace(one, fate=Fate.FAILED) for one in lines[:5]]
    await shelf.journal.lines.keep(failed)
    assert len((await shelf.history.search("even", 100)).entries) == 75


@given(words=st.lists(st.text(max_size=3), max_size=4))
def test_no_words_are_syntax(words: list[str]) -> None:
    async def search() -> None:
        journal = Journal(MemoryDisk())
        async with trio.open_nursery() as nursery:
            await nursery.start(journal.run)
            found = history_of(journal)
            text = " ".join(["x", *words, 'AND OR NOT NEAR( text: ^ - "'])
            assert (await found.search(text, 20)).entries == []
            nursery.cancel_scope.cancel()

    trio.run(search)


def _text(entry: HistoryEntry | None) -> str | None:
    return None if entry is None else entry.text


def beside(found: Found) -> list[tuple[str | None, str, str | None]]:
    return [
        (_text(one.before), entry.text, _text(one.after))
        for entry, one in zip(found.entries, found.around, strict=True)
    ]


async def test_what_is_found_comes_with_the_texts_beside_it(shelf: Shelf) -> None:
    await shelf.keeps(shelf.text(1, "one"), shelf.text(2, "two", "three"), shelf.text(4, "four"))
    assert beside(await shelf.history.search("one", 20)) == [(None, "one", "two")]
    assert beside(await shelf.history.search("two", 20)) == [("one", "two", "three")]
    assert beside(await shelf.history.search("three", 20)) == [("two", "three", "four")]
    assert beside(await shelf.history.search("four", 20)) == [("three", "four", None)]


async def test_a_line_that_is_found_comes_with_those_of_the_same_two(shelf: Shelf) -> None:
    def line(number: int, author: str, receiver: str, text: str) -> KeptLine:
        kind = Kind.PRIVATE if receiver else Kind.ALL
        return KeptLine(kind, author, receiver, f"{number}", EPOCH + number, text, Fate.CAME)

    await shelf.journal.lines.keep(
        [
            line(1, "dave", "carol", "hello"),
            line(2, "erin", "carol", "psst"),
            line(3, "dave", "", "hello all"),
            line(4, "Carol", "Dave", "report?"),
            line(5, "erin", "", "reporting"),
            line(6, "dave", "carol", "here"),
        ]
    )
    assert beside(await shelf.history.search("report", 20)) == [
        ("hello", "report?", "here"), ("hello all", "reporting", None)
    ]  # fmt: skip
    assert beside(await shelf.history.search("report", 20, "dave")) == [
        ("hello", "report?", "here")
    ]
    assert beside(await shelf.history.search("report", 20, "erin")) == []


@pytest.mark.parametrize("last", [1, 3, 20])
async def test_a_word_that_is_everywhere_is_looked_for_page_by_page(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    monkeypatch.setattr(search, "HITS_AT_ONCE", 4)
    await shelf.keeps(*(shelf.text(seq, f"word {seq}") for seq in range(1, 18)))
    await shelf.journal.lines.keep(
        [
            KeptLine(Kind.ALL, "dave", "", f"{number}", EPOCH + number, "word", Fate.CAME)
            for number in range(9)
        ]
    )
    found = await shelf.history.search("word", last)
    assert len(found.entries) == last
    assert found.more
    assert (await shelf.history.search("word", last, "dave")).entries == []


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (HistoryEntry(Kind.SAID, EPOCH, "Carol", "", "hi"), "Carol: hi"),
        (HistoryEntry(Kind.ALL, EPOCH, "carol", "", "hi"), "[all] carol: hi"),
        (HistoryEntry(Kind.PRIVATE, EPOCH, "dave", "carol", "hi"), "[private] dave: hi"),
        (HistoryEntry(Kind.PRIVATE, EPOCH, "carol", "dave", "hi"), "[private] carol -> dave: hi"),
        (HistoryEntry(Kind.LEFT, EPOCH, "dave", "carol", "hi"), "[left] dave: hi"),
        (HistoryEntry(Kind.LEFT, EPOCH, "carol", "dave", "hi"), "[left] carol -> dave: hi"),
    ],
)
def test_the_line_of_an_entry(entry: HistoryEntry, line: str) -> None:
    assert lines_of([entry], "carol") == [f"[{local_time(EPOCH):%Y-%m-%d %H:%M}] {line}"]
