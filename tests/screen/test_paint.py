"""What stands in the scrollback of the full terminal, and what never can."""

import re
import string
import unicodedata
from datetime import datetime, timedelta

import pyte
import pytest
import wcwidth
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.text import Text

from peer import events, letter_events, place_results, results
from peer.core.conversation.route import Route
from peer.core.doctor.check import Check, CheckState
from peer.core.history_entry import Around, HistoryEntry, Kind
from peer.core.lateness import Lateness
from peer.core.past.looking_back import Lookback, only_counted
from peer.core.reach.link_way import LinkWay
from peer.core.reach.watch_list import Watched
from peer.core.targets.place import HOME, Place
from peer.core.targets.places import PlaceState, UnreadText
from peer.core.targets.target import Target
from peer.events import Event
from peer.screen.catching_up import WhileAway
from peer.screen.paint.colours import HUES, SAFE, Colours, name_style
from peer.screen.paint.hanging_row import cells, wrapped
from peer.screen.paint.paint import LEAST_WIDTH, Painter, ansi, mark
from peer.screen.shown_names import harmless, mentions
from shared.clean import clean
from shared.identity import fingerprint
from shared.messages.common import Status
from shared.messages.directory import Contact, Presence
from tests.kit.event_texts import TEXTS

BY_THEM = LinkWay.DIALLED_BY_THEM
NOON = datetime(2026, 11, 20, 12, 0)
SGR = re.compile(r"\x1b\[[0-9;]*m")
FAMILY = "👨\u200d👩\u200d👧\u200d👦"
ANY_TEXT = st.text(
    st.characters()
    | st.characters(categories=["Cc", "Cf", "Cs", "Mn", "Mc", "So"])
    | st.sampled_from("\r\n\u2028\u202e\x1b\x9b\u200d\ufe0f 日👍🏽❤carol"),
    max_size=100,
) | st.lists(st.sampled_from([FAMILY, "❤\ufe0f", "🇪🇸", "日", "x", " "]), max_size=60).map("".join)
WIDTHS = st.integers(LEAST_WIDTH, 100)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def time(self) -> float:
        return self.now.timestamp()


def painter(clock: Clock | None = None) -> Painter:
    return Painter(clock or Clock(), "carol")


def painted(*batch: Event, width: int = 80, colours: Colours | None = None) -> str:
    return ansi(painter().paint_all(batch), width=width, colours=colours)


def lines(*batch: Event, width: int = 80) -> list[str]:
    """Without what makes them bold, dim or underlined."""
    return SGR.sub("", painted(*batch, width=width)).splitlines()


def seconds(*date: int) -> float:
    return datetime(*date).timestamp()  # type: ignore[arg-type]


def info(host: str = "10.0.0.9") -> results.UserInfo:
    key = bytes(32)
    dave = Contact(
        1, "dave", Status.BUSY, seconds(2026, 11, 19, 9, 30), key, key, bytes(64), host, 5
    )
    return results.UserInfo(dave, fingerprint(key))


# One of each class, and more where they differ in kind.
ANSWERS: list[Event] = [
    results.Asked("dave", "User dave is busy at this moment.", "Interrupt?"),
    results.UserList((Presence("dave", Status.BUSY, 0.0),), "carol"),
    info(),
    results.WatchBegun("dave", Status.BUSY, is_known=True),
    results.WatchedUsers((Watched("dave"),)),
    results.SentInCrowd(4_211, 23, is_whole=True),
    results.MyStatus(Status.BUSY),
    results.MemberList(
        "carol",
        (
            Route("dave", "", None, 0.0012, link_way=LinkWay.DIALLED),
            Route("erin", "dave", None, None),
            Route("frank", "", NOON.timestamp(), None),
        ),
    ),
    results.WhoHas((("dave", "delivered at 12:00:00"), ("erin", "waiting")), "hello"),
    results.WhoHas((), "hello"),
    results.WhatWasSaid(
        (HistoryEntry(Kind.SAID, 0.0, "dave", "", "hello", True),), "carol", "A note."
    ),
    results.LookedBack(
        (
            Lookback(
                "The last text with dave:",
                (HistoryEntry(Kind.SAID, 0.0, "dave", "", "hello"),),
                unread=30,
                more="HISTORY dave 30",
            ),
        ),
        "carol",
        7,
    ),
    results.Words("dave", ("apple", "banana"), True),
    results.DirectoryList((results.ListedDirectory("lab", "10.0.0.5:5000", "3f2a", "unknown"),)),
    results.Doctor((Check("me", CheckState.FINE, "Me: carol."),), "Nothing to do.", "V1"),
    results.Manual(),
    results.Manual("chat"),
    results.Manual("nonsense"),
    results.Sent("hello"),
    results.RoomList("carol", (("lab", ("dave",)),)),
    results.Sent("hello", room="lab"),
    results.Typed("LIST USERS"),
    results.Done("LIST USERS", 0, "DONE"),
    results.Handed("ACTIVE: carol"),
    results.NotSent("hi", "it was for erin", "a text for dave", Target(("dave",))),
    place_results.GoneTo(Target(place=Place("dave"))),
    place_results.WhatIsUnread(
        3,
        (
            UnreadText(events.SaidPrivately("dave", "hello there"), 0.0),
            UnreadText(events.Letter("dave", 0.0, "hello"), 0.0),
        ),
    ),
    place_results.Dimmed(events.Letter("dave", 0.0, "hello")),
    place_results.PlaceList((PlaceState(HOME, 1), PlaceState(Place("dave"), 2, 3)), Target()),
    place_results.MutedList(False, (), ()),
]
EVERYTHING = [event for event, _ in TEXTS] + ANSWERS


def test_there_is_one_of_each_class_below() -> None:
    def leaves(kind: type[Event]) -> set[type[Event]]:
        below = kind.__subclasses__()
        return {kind} if not below else set().union(*map(leaves, below))

    modules = {one.__name__ for one in (events, letter_events, results, place_results)}
    ours = {one for one in leaves(Event) if one.__module__ in modules}
    assert ours == {type(event) for event in EVERYTHING}


@pytest.mark.parametrize("width", [1, LEAST_WIDTH, 25, 40, 80, 200])
def test_everything_is_painted_in_every_width(width: int) -> None:
    for event in EVERYTHING:
        shown = lines(event, width=width)

        # for programs, and what the prompt shows
        assert shown or isinstance(event, results.Done | place_results.GoneTo), event
        assert all(len(line) <= max(width, LEAST_WIDTH) for line in shown), event


@pytest.mark.parametrize("width", [20, 40, 200])
def test_no_letter_or_digit_of_line_mode_is_lost(width: int) -> None:
    reworded = events.LettersWaited | results.UserList | results.UserInfo | results.Manual
    for event in EVERYTHING:
        if isinstance(event, reworded | place_results.GoneTo):
            continue
        told = "".join(event.lines()).replace("[1970-01-01", "").replace("[2026-11-20", "")
        wanted = [one for one in told if one.isalnum()]
        shown = iter("".join(lines(event, width=width)))

        assert all(one in shown for one in wanted), f"not in this order: {event}"


# --- Texts ---


def test_a_text_has_its_time_and_its_user() -> None:
    assert lines(events.Said("dave", "hello")) == ["12:00 dave  hello"]


def test_a_text_that_came_late_has_the_time_when_it_was_written() -> None:
    late = Lateness(seconds(2026, 11, 20, 11, 38), seconds(2026, 11, 20, 11, 41))
    later = Lateness(seconds(2026, 11, 19, 23, 58), seconds(2026, 11, 20, 11, 41))
    assert lines(
        events.Said("dave", "hello", late),
        events.SaidPrivately("dave", "psst", late),
        events.Said("dave", "good night", later),
    ) == [
        "11:38 dave (came 11:41)  hello",
        "11:38 [private] dave (came 11:41)  psst",
        "2026-11-19 23:58 dave (came 11:41)  good night",
    ]


def test_what_is_not_for_the_conversation_says_so_in_a_word() -> None:
    assert lines(
        events.SaidPrivately("dave", "psst"),
        events.SaidToAll("erin", "hi all"),
        events.Letter("dave", seconds(2026, 11, 19, 9, 30), "are you there?"),
    ) == [
        "12:00 [private] dave  psst",
        "12:00 [all] erin  hi all",
        "2026-11-19 09:30 [left] dave  are you there?",
    ]


def test_what_i_wrote_stands_there_too() -> None:
    assert lines(
        results.Sent("hello"),
        results.Sent("psst", to="dave"),
        results.Sent("hi all", to_all=True),
        results.Sent("later", to="frank", is_left=True),
    ) == [
        "12:00 carol  hello",
        "12:00 [private] carol -> dave: psst",
        "12:00 [all] carol  hi all",
        "12:00 [left] carol -> frank: later",
    ]


def test_a_text_keeps_its_left_edge_when_it_wraps_and_in_its_further_lines() -> None:
    assert lines(events.Said("dave", "one two three four\n  five\n\nsix"), width=26) == [
        "12:00 dave  one two three",
        "            four",
        "              five",
        "            ",
        "            six",
    ]


def test_on_a_very_narrow_screen_a_small_edge_is_kept() -> None:
    assert lines(events.Said("dave", "one two three"), width=16) == [
        "12:00 dave  one",
        "  two three",
    ]


def test_wide_characters_count_as_wide() -> None:
    assert lines(events.Said("dave", "日本語日本語"), width=24) == [
        "12:00 dave  日本語日本語",
    ]
    assert lines(events.Said("dave", "日本語日本語日本語"), width=25) == [
        "12:00 dave  日本語日本語",
        "            日本語",
    ]


def test_a_word_that_fits_in_no_line_is_cut() -> None:
    assert lines(events.Said("dave", "ab " + "x" * 20), width=24) == [
        "12:00 dave  ab",
        "            " + "x" * 12,
        "            " + "x" * 8,
    ]


def test_links_are_underlined_and_nothing_else_is_done_with_them() -> None:
    shown = painted(events.Said("dave", "see https://example.org/a?b=c, or (HTTP://x.y/z)."))

    assert "\x1b[4mhttps://example.org/a?b=c\x1b[0m, or (\x1b[4mHTTP://x.y/z\x1b[0m)." in shown
    assert "\x1b]" not in shown


@pytest.mark.parametrize(
    "text", ["carol", "hi Carol!", "Thanks, CAROL.", "@carol: x", "a carol's b"]
)
def test_a_text_with_my_name_stands_out(text: str) -> None:
    assert mentions(text, "carol")
    shown = painted(events.Said("dave", text))
    assert shown.startswith("\x1b[1;7m12:00")
    assert shown.lower().count("\x1b[1;7mcarol\x1b[0m") == 1


@pytest.mark.parametrize(
    "text", ["", "caroline", "xcarol", "carol2", "carol_", "carol-ann", "x.carol"]
)
def test_a_longer_name_is_not_mine(text: str) -> None:
    assert not mentions(text, "carol")
    assert "\x1b[1;7m" not in painted(events.Said("dave", text))


def test_what_i_say_about_myself_does_not_stand_out() -> None:
    assert "\x1b[1;7m" not in painted(
        results.Sent("I am carol"), events.Said("Carol", "I am carol")
    )


def test_before_there_is_a_name_nobody_mentions_it() -> None:
    assert not mentions("anything", "")


# --- What became of a text ---


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ([], ""),
        (["delivered"], "✓"),
        (["delivered", "delivered"], "✓"),
        (["delivered", "delivered", "delivered", "waiting"], "3/4"),
        (["waiting", "waiting"], "…"),
        (["left"], "left"),
        (["delivered", "left"], "1/2, 1 left"),
        (["waiting", "left"], "0/2, 1 left"),
    ],
)
def test_the_mark_says_who_has_it(states: list[str], shown: str) -> None:
    assert mark({f"user{number}": state for number, state in enumerate(states)}) == shown


def test_a_mark_stands_at_the_end_of_a_text() -> None:
    sent = results.Sent("hello")
    clock = Clock()
    screen = painter(clock)
    clock.now += timedelta(minutes=5)

    live = screen.paint_sent(sent, "…", at=NOON.timestamp(), is_live=True)
    done = screen.paint_sent(sent, "✓", at=NOON.timestamp())

    assert SGR.sub("", ansi(live, width=80)) == "12:00 carol  hello  …\n"
    assert SGR.sub("", ansi(done, width=80)) == "12:00 carol  hello  ✓\n"


# --- Days and dividers ---


def test_a_new_day_has_a_line_before_its_first_thing() -> None:
    clock = Clock()
    screen = painter(clock)
    shown = screen.paint(events.Came("dave"))
    clock.now += timedelta(days=1)
    shown += screen.paint_sent(results.Sent("live"), "…", is_live=True)
    shown += screen.paint(events.Came("erin"))
    shown += screen.paint_sent(results.Sent("hello"))

    assert SGR.sub("", ansi(shown, width=80)).splitlines() == [
        "12:00 * dave is online.",
        "12:00 carol  live  …",
        "── Saturday, 21 November 2026 ──",
        "12:00 * erin is online.",
        "12:00 carol  hello",
    ]


def test_what_was_left_for_me_stands_between_two_rules() -> None:
    shown = lines(
        events.LettersWaited(2),
        events.Letter("dave", 0.0, "one"),
        events.Letter("erin", 0.0, "two"),
        events.Letter("erin", 0.0, "three"),
    )

    assert shown[0] == "── while you were away (2) ──"
    assert shown[3] == "─" * 30
    assert shown[4].endswith("three")
    assert len(shown) == 5


def test_a_letter_that_comes_while_i_am_here_is_one_line() -> None:
    assert lines(
        events.LettersWaited(1, is_live=True),
        events.Letter("dave", seconds(2026, 11, 20, 11, 58), "one"),
        events.LettersWaited(2, is_live=True),
        events.Letter("erin", seconds(2026, 11, 19, 23, 59), "two"),
        events.Letter("erin", seconds(2026, 11, 20, 12, 0), "three"),
    ) == [
        "11:58 [left] dave  one",
        "2026-11-19 23:59 [left] erin  two",
        "12:00 [left] erin  three",
    ]


# --- Coming and going ---


def test_those_who_come_together_share_a_line() -> None:
    came = [events.Came(name) for name in ("dave", "erin", "frank", "grace", "heidi")]

    assert lines(*came[:1]) == ["12:00 * dave is online."]
    assert lines(*came[:2]) == ["12:00 * dave and erin are online."]
    assert lines(*came[:3]) == ["12:00 * dave, erin and frank are online."]
    assert lines(*came) == ["12:00 * dave, erin and 3 more are online."]


def test_what_happens_between_keeps_its_place() -> None:
    assert lines(
        events.Came("dave"),
        events.Came("erin"),
        events.Went("dave"),
        events.Went("frank"),
        events.Said("erin", "hello"),
        events.Said("erin", "again"),
        events.Came("dave"),
    ) == [
        "12:00 * dave and erin are online.",
        "12:00 * dave and frank are offline.",
        "12:00 erin  hello",
        "12:00 erin  again",
        "12:00 * dave is online.",
    ]


# --- Sentences ---


def test_a_sentence_has_a_sign_and_the_words_of_line_mode() -> None:
    assert lines(
        events.DirectoryBack(),
        events.DirectoryLost(),
        events.NotDelivered("dave", "he is away"),
        events.Invited("1", "dave", ("dave",)),
        results.Typed("y"),
    ) == [
        "12:00 -- The directory is back.",
        "12:00 ! Lost the directory, trying again.",
        "12:00 ! Not delivered to dave: he is away.",
        "12:00 ? User dave wants to chat with you. Would you like to? (Y/N)",
        "12:00 > y",
    ]


def test_what_needs_an_answer_and_what_went_wrong_is_loud() -> None:
    def colour_of(event: Event) -> list[str]:
        return sorted(set(SGR.findall(painted(event, colours="standard"))))

    assert "\x1b[1;33m" in colour_of(events.Invited("1", "dave", ("dave",)))
    assert "\x1b[1;33m" in colour_of(results.Asked("dave", "He is busy.", "Interrupt?"))
    assert "\x1b[1;31m" in colour_of(events.DirectoryLost())
    assert "\x1b[1;31m" in colour_of(events.NotDelivered("dave", "he is away"))
    assert colour_of(events.DirectoryBack()) == ["\x1b[0m", "\x1b[2m"]


# --- Colours ---


def test_a_name_has_always_the_same_colour_and_mine_is_bold() -> None:
    assert name_style("Dave", "carol") == name_style("dave", "erin") == "name.1"
    assert name_style("Carol", "carol") == "me"
    assert len({name_style(letter, "carol") for letter in string.ascii_lowercase}) > 6


@pytest.mark.parametrize("hue", HUES)
def test_every_colour_can_be_read_on_black_and_on_white(hue: int) -> None:
    def linear(level: int) -> float:
        return ((level / 255 + 0.055) / 1.055) ** 2.4 if level else 0.0

    levels = (0, 95, 135, 175, 215, 255)
    red, green, blue = (linear(levels[(hue - 16) // step % 6]) for step in (36, 6, 1))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert min((luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05)) > 3.5


def test_few_colours_are_the_safe_ones_and_none_are_none() -> None:
    def parameters(colours: Colours | None) -> set[str]:
        said = [events.Said(name, "x carol https://a.b") for name in string.ascii_lowercase]
        codes = SGR.findall(painted(*said, *EVERYTHING, colours=colours))
        return {one for code in codes for one in code[2:-1].split(";")}

    assert parameters("standard") <= {"0", "1", "2", "4", "7", "31", "32", "33", "35", "36"}
    assert parameters(None) == {"0", "1", "2", "4", "7"}
    assert {"38", "5"} < parameters("256")
    assert len(SAFE) == 4


def test_the_surroundings_of_the_program_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = painted(*EVERYTHING, colours="256")
    for name, value in {
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": "20",
        "FORCE_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)

    assert painted(*EVERYTHING, colours="256") == before


# --- Answers ---


def test_all_four_groups_are_named_and_their_users_in_order() -> None:
    users = (
        Presence("erin", Status.ACTIVE, seconds(2026, 11, 18, 9, 0)),
        Presence("Carol", Status.ACTIVE, seconds(2026, 11, 20, 11, 58)),
        Presence("dave", Status.BUSY, seconds(2026, 11, 20, 9, 0)),
    )
    wanted = [
        " ACTIVE    Carol (you)  11:58",
        "           erin         2026-11-18",
        " BUSY      dave         09:00",
        " INACTIVE  -",
        " OFFLINE   -",
    ]

    assert lines(results.UserList(users, "carol")) == wanted
    assert lines(results.UserList(users, "carol"), width=40) == wanted


def test_where_names_do_not_fit_beside_their_group_they_stand_below_it() -> None:
    since = seconds(2026, 11, 20, 9, 0)
    users = tuple(Presence(name, Status.ACTIVE, since) for name in ("Carol", "dave"))
    assert lines(results.UserList(users, "carol"), width=20)[:3] == [
        " ACTIVE",
        "  Carol (you)  09:00",
        "  dave         09:00",
    ]
    assert lines(results.UserList(users, "carol"), width=21)[:5] == [
        " ACTIVE",
        "    Carol (you)",
        "    09:00",
        "    dave",
        "    09:00",
    ]


def test_a_list_in_a_crowd_begins_with_how_many_there_are_and_ends_with_how_to_find_them() -> None:
    users = (Presence("dave", Status.ACTIVE, seconds(2026, 11, 20, 9, 0)),)
    first, *shown, last = lines(results.UserList(users, "carol", online=4_211))
    assert first == "12:00 -- 4,211 users are online."
    assert shown[0] == " ACTIVE    dave  09:00"
    assert last == "12:00 -- LIST USERS jo shows those who begin with jo."
    told = results.UserList(users, "carol", online=4_211).lines()
    assert told == [
        "4,211 users are online.",
        "ACTIVE: dave", "BUSY: -", "INACTIVE: -", "OFFLINE: -",
        "LIST USERS jo shows those who begin with jo.",
    ]  # fmt: skip


def test_a_part_of_the_list_says_when_it_is_not_all() -> None:
    users = (Presence("joe", Status.ACTIVE, 0.0),)
    told = results.UserList(users, "carol", beginning="jo", more=True).lines()
    assert told[-1] == "More names begin with jo: another letter shows fewer."
    assert results.UserList(users, "carol", beginning="jo").lines()[-1] == "OFFLINE: -"


@pytest.mark.parametrize(
    ("status", "is_known", "said"),
    [
        (Status.BUSY, True, "dave is online (BUSY); you are told when dave comes again."),
        (Status.OFFLINE, True, "You are told when dave comes."),
        (None, True, "There is no user dave yet; you are told when somebody of that name comes."),
        (None, False, "You are told when dave comes, once the directory is back."),
    ],
)
def test_who_is_watched_is_told_as_they_stand(
    status: Status | None, is_known: bool, said: str
) -> None:
    assert results.WatchBegun("dave", status, is_known).lines() == [said]


def test_nobody_may_be_watched_and_a_line_may_go_to_a_part() -> None:
    assert results.WatchedUsers(()).lines() == ["You watch nobody."]
    [said] = results.SentInCrowd(4_211, 100, is_whole=False).lines()
    assert said == "4,211 users are online; sent to 100 of those you talk with."


def test_a_note_stands_behind_the_times_and_acts_on_nothing() -> None:
    since = seconds(2026, 11, 20, 9, 0)
    users = (
        Presence("carol", Status.ACTIVE, since, "\x1b[2J), dave (you"),
        Presence("dave", Status.BUSY, since, "back at five"),
    )
    shown = lines(results.UserList(users, "erin"))
    assert shown[:2] == [
        " ACTIVE    carol  09:00  (\N{SYMBOL FOR ESCAPE}[2J), dave (you)",
        " BUSY      dave   09:00  (back at five)",
    ]
    told = results.UserList(users, "erin").lines()
    assert told == ["ACTIVE: carol", "BUSY: dave", "INACTIVE: -", "OFFLINE: -"]


def test_info_tells_a_note_in_a_line_of_its_own() -> None:
    contact = replace(info().contact, note="x, verified")
    told = results.UserInfo(contact, "485d", rooms=("lab", "ops"))
    assert lines(told)[2] == " note     x, verified"
    assert lines(told)[4] == " rooms    #lab, #ops"
    assert told.lines()[1:] == ["The note of dave: x, verified", "You are both in #lab, #ops."]


def test_how_far_away_they_are_stands_beside_those_who_are_linked() -> None:
    users = (
        Presence("carol", Status.ACTIVE, seconds(2026, 11, 20, 11, 58)),
        Presence("dave", Status.ACTIVE, seconds(2026, 11, 18, 9, 0)),
        Presence("erin", Status.ACTIVE, seconds(2026, 11, 20, 9, 0)),
    )
    trips = {"dave": 0.0123, "erin": 0.0004}
    assert lines(results.UserList(users, "carol", trips))[:3] == [
        " ACTIVE    carol (you)  11:58",
        "           dave         2026-11-18  12.3 ms",
        "           erin         09:00       0.4 ms",
    ]


def test_nobody_is_shown_as_four_empty_groups() -> None:
    assert [line.split() for line in lines(results.UserList((), "carol"))] == [
        ["ACTIVE", "-"],
        ["BUSY", "-"],
        ["INACTIVE", "-"],
        ["OFFLINE", "-"],
    ]


def test_a_user_is_described_line_by_line() -> None:
    key = info().fingerprint
    described = [
        " user     dave",
        " status   BUSY since 2026-11-19 09:30",
        " address  10.0.0.9:5",
        f" key      {key}",
    ]

    assert lines(info()) == described
    assert not any("address" in line for line in lines(info(host="")))


def test_members_and_how_they_are_reached() -> None:
    ways = (
        Route("dave", round_trip=0.0012, link_way=LinkWay.DIALLED),
        Route("erin", "dave"),
        Route("frank", link_way=BY_THEM),
        Route("gina", round_trip=0.02, is_verified=True, link_way=LinkWay.MAPPED),
    )

    assert lines(results.MemberList("carol", ways)) == [
        " carol (you)",
        " dave         direct, 1.2 ms",
        " erin         through dave",
        " frank        direct (frank dialled)",
        " gina         direct (router's mapping), 20.0 ms, verified",
    ]


WAYS = [
    (Route("dave", link_way=LinkWay.DIALLED), "direct"),
    (Route("dave", link_way=BY_THEM), "direct (dave dialled)"),
    (Route("dave", link_way=LinkWay.MAPPED), "direct (router's mapping)"),
    (Route("dave", "direct"), "through direct"),
]


@pytest.mark.parametrize(("route", "way"), WAYS)
def test_info_tells_the_way_to_whom_there_is_one(route: Route, way: str) -> None:
    told = results.UserInfo(info().contact, "485d", route=route)
    assert lines(told)[3:] == [f" way      {way}", " key      485d"]
    assert told.lines()[1:] == [f"The way to dave: {way}."]


def test_who_has_my_last_text() -> None:
    states = (("dave", "delivered at 12:00:00"), ("al", "waiting"))
    assert lines(results.WhoHas(states, "one\ntwo")) == [
        "12:00 -- Your last text: one two",
        " dave  delivered at 12:00:00",
        " al    waiting",
    ]


def test_who_has_a_long_text_names_its_beginning() -> None:
    told = results.WhoHas((), "x" * 61, "lab").lines()
    assert told[0] == f"Your last text in #lab: {'x' * 59}…"


def test_what_was_said_stands_below_its_days() -> None:
    time = seconds(2026, 11, 19, 9, 30)
    entries = (
        HistoryEntry(Kind.SAID, time, "dave", "", "hello"),
        HistoryEntry(Kind.SAID, time, "carol", "", "hi", is_late=True),
        HistoryEntry(Kind.PRIVATE, time, "Carol", "dave", "psst"),
        HistoryEntry(Kind.LEFT, time, "dave", "carol", "later"),
        HistoryEntry(Kind.ALL, time + 24 * 3_600, "erin", "", "hi all"),
    )

    assert lines(results.WhatWasSaid(entries, "carol", "There is more.", "The last 5:")) == [
        "12:00 -- The last 5:",
        "── Thursday, 19 November 2026 ──",
        "09:30 dave  hello",
        "-- Something that was said before is still missing.",
        "09:30 carol  hi",
        "09:30 [private] Carol -> dave: psst",
        "09:30 [left] dave  later",
        "── Friday, 20 November 2026 ──",
        "09:30 [all] erin  hi all",
        "──" * 15,
        "12:00 -- There is more.",
    ]
    nothing = results.WhatWasSaid((), "carol", "No history here.", "The last 0:")
    assert lines(nothing) == ["12:00 -- No history here."]


def test_of_a_muted_place_the_number_and_no_rule_is_shown() -> None:
    muted = only_counted("of the room #lab", "HISTORY #lab", 2)
    assert muted is not None
    assert lines(results.LookedBack((muted,), "carol", 0)) == [
        "12:00 -- The texts of the room #lab are muted:",
        "--- 2 unread; HISTORY #lab 2 shows them ---",
    ]


def test_a_start_shows_where_the_unread_texts_begin() -> None:
    time = seconds(2026, 11, 19, 23, 59)
    entries = tuple(
        HistoryEntry(Kind.SAID, time + 60 * number, "dave", "", f"text\x1b{number}")
        for number in range(2)
    )
    dave = Lookback("The last 2 texts with dave:", entries, unread=1, begins=1)
    read = Lookback("The last text with erin:", entries[:1])
    assert lines(results.LookedBack((dave, read), "carol", 7)) == [
        "12:00 -- The last 2 texts with dave:",
        "── Thursday, 19 November 2026 ──",
        "23:59 dave  text\N{SYMBOL FOR ESCAPE}0",
        "── Friday, 20 November 2026 ──",
        "--- 1 unread ---",
        "00:00 dave  text\N{SYMBOL FOR ESCAPE}1",
        "──" * 15,
        "12:00 -- The last text with erin:",
        "── Thursday, 19 November 2026 ──",
        "23:59 dave  text\N{SYMBOL FOR ESCAPE}0",
        "──" * 15,
        "12:00 -- 7 more have unread texts; HISTORY name shows them.",
    ]
    flood = HistoryEntry(Kind.SAID, time, "mallory", "", "\n" * 7_999)
    wall = HistoryEntry(Kind.SAID, time, "mallory", "", "x" * 8_000)
    filled = lines(results.LookedBack((Lookback("The last 2:", (flood, wall)),), "carol"))
    assert len(filled) < 20
    assert lines(WhileAway()) == ["── while you were away ──"]


def test_what_was_found_stands_between_its_neighbours_on_one_line_each() -> None:
    time = seconds(2026, 11, 19, 9, 30)

    def said(text: str, minutes: int) -> HistoryEntry:
        return HistoryEntry(Kind.SAID, time + 60 * minutes, "dave", "", text)

    hits = (said("the report", 1), said("report two", 9))
    around = (
        Around(said("before\n\x1b[2Jbefore", 0), said("x" * 200, 2)),
        Around(None, said("after", 10)),
    )
    assert lines(results.WhatWasSaid(hits, "carol", "", "Found:", around)) == [
        "12:00 -- Found:",
        "── Thursday, 19 November 2026 ──",
        "09:30 dave  before \N{SYMBOL FOR ESCAPE}[2Jbefore",
        "09:31 dave  the report",
        "09:32 dave  " + "x" * 59 + "…",
        "...",
        "09:39 dave  report two",
        "09:40 dave  after",
        "──" * 15,
    ]


def test_the_words_to_compare_stand_alone() -> None:
    compared = results.Words("dave", ("apple", "banana"), change="The key of dave has changed.")
    assert lines(compared) == [
        "12:00 -- You and dave must both see these words:",
        " apple banana",
        "12:00 -- The key of dave has changed.",
    ]


def test_the_manual_fits_in_80_columns_and_is_stacked_in_40() -> None:
    wide, narrow = lines(results.Manual("ALL")), lines(results.Manual("ALL"), width=40)

    assert " LIST USERS [beginning]       everybody by status, or whose names begin so" in wide
    assert narrow[:2] == [" LIST USERS [beginning]", "    everybody by status, or whose names"]
    assert not any(line.startswith("  ") for line in wide), "nothing wraps"


def test_one_command_is_explained_with_its_example() -> None:
    assert lines(results.Manual("chat")) == [
        " CHAT name  invite a user to a conversation.",
        " Also       CONNECT, INVITE.",
        " Example    CHAT dave",
    ]


# --- What never can stand there ---


def hostile(name: str, text: str) -> list[Event]:
    """All that can carry something from elsewhere."""
    return [
        events.Said(name, text),
        events.SaidPrivately(name, text),
        events.SaidToAll(name, text),
        events.LettersWaited(1),
        events.Letter(name, 0.0, text),
        events.Notice(text),
        events.NotDelivered(name, text),
        events.Came(name),
        events.Came(text),
        events.Connected((name, text)),
        events.Invited("1", name, (name, text), (text,)),
        results.Asked(name, text, "Really?"),
        results.Typed(text),
        results.Sent(text, to=name),
        results.UserList(
            (Presence(name, Status.BUSY, 0.0), Presence(text, Status.BUSY, 0.0)), name
        ),
        info(host=text),
        results.UserInfo(info().contact, "485d", route=Route(text, link_way=BY_THEM)),
        results.UserInfo(info().contact, "485d", route=Route(name, text)),
        results.MemberList(name, (Route(name, text), Route(text, link_way=BY_THEM))),
        results.WhoHas(((name, text),), text),
        results.WhatWasSaid((HistoryEntry(Kind.PRIVATE, 0.0, name, name, text),), name, text),
        results.Words(name, (text, text), True),
        results.Manual(text),
    ]


REAL = re.compile(r"[0-9]{2}:[0-9]{2}\b|[0-9]{4}-[0-9]{2}-[0-9]{2}|-- |──")


@given(ANY_TEXT, ANY_TEXT, WIDTHS)
def test_nothing_but_text_and_colours_comes_out(name: str, text: str, width: int) -> None:
    for event in hostile(name, text):
        shown = SGR.sub("", painted(event, width=width, colours="256"))
        assert shown.endswith("\n")
        for line in shown.split("\n"):
            assert clean(line) == line
            assert cells(line) <= width
            assert cell_len(line) <= width
            assert sum(max(wcwidth.wcwidth(one), 0) for one in line) <= width


@given(ANY_TEXT, ANY_TEXT, WIDTHS)
def test_one_event_begins_one_line(name: str, text: str, width: int) -> None:
    """Only as many lines begin at the left edge as this kind of event has of its own."""
    harmless_ones = hostile("dave", "hello")
    for event, other in zip(hostile(name, text), harmless_ones, strict=True):
        beginnings = [line for line in lines(event, width=width) if line[:1].strip()]
        own = len([line for line in lines(other, width=200) if line[:1].strip()])
        if not isinstance(event, results.WhatWasSaid):  # whose note may be empty
            assert len(beginnings) <= own
        assert all(REAL.match(line) for line in beginnings)


@given(ANY_TEXT, ANY_TEXT, WIDTHS)
def test_a_terminal_shows_the_rows_as_they_were_painted(name: str, text: str, width: int) -> None:
    """It neither wraps a line by itself nor does anything else than showing text."""
    for event in hostile(name, text)[:6]:
        shown = painted(event, width=width, colours="256")
        rows = SGR.sub("", shown).splitlines()
        screen = pyte.Screen(width, len(rows) + 5)
        screen.set_title("mine")
        screen.set_icon_name("mine")
        modes = set(screen.mode)
        pyte.Stream(screen).feed(shown.replace("\n", "\r\n"))

        assert (screen.title, screen.icon_name, screen.mode) == ("mine", "mine", modes)
        assert (screen.cursor.y, screen.cursor.x) == (len(rows), 0)
        assert screen.margins is None
        for row, line in zip(rows, screen.display, strict=False):
            assert row[:1].strip() == "" or line[:1] == row[:1]
            assert row[:1].strip() != "" or line[:1] == " "


def test_a_forged_line_is_indented_however_it_is_made() -> None:
    forged = "12:01 dave  I owe you 100"
    for text in (f"x\n{forged}", f"x\r\n{forged}", f"{FAMILY * 8} {forged}", "x" * 68 + forged):
        first, *more = rows_of_terminal(events.Said("erin", text))
        assert first.startswith("12:00 erin  ")
        assert all(line.startswith(" " * 12) for line in more)
        assert any(line.strip().endswith("I owe you 100") for line in more)


def rows_of_terminal(event: Event, width: int = 80) -> list[str]:
    """Of one that draws joined emoji one by one, as many do."""
    screen = pyte.Screen(width, 20)
    pyte.Stream(screen).feed(painted(event, width=width).replace("\n", "\r\n"))
    return [row for row in screen.display if row.strip()]


def test_what_is_no_name_is_one_cell_per_character() -> None:
    assert harmless("dave") == "dave"
    assert harmless("da ve\n\x1b日") == "da?ve???"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_cells_are_never_too_few(text: str) -> None:
    shown = clean(text)
    assert cells(shown) >= cell_len(shown)
    assert cells(shown) >= wcwidth.wcswidth(shown)
    assert cells(shown) >= sum(unicodedata.east_asian_width(one) in "WF" for one in shown)


def test_no_row_ends_or_begins_with_a_joiner_that_was_cut_off() -> None:
    rows = wrapped(Text("👩\u200d" * 20), 9)
    assert len(rows) > 1
    assert not [row for row in rows if row.plain.strip("\u200d") != row.plain]
