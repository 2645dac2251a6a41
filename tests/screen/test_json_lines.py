"""The objects of `--json`, field by field: within a version none of them changes."""

import json
import os
from datetime import datetime

import pytest
import trio
from msgspec import structs

from peer import events, letter_events, place_results, results
from peer.commands.grammar import Loud
from peer.core.conversation.route import Route
from peer.core.doctor.check import Check, CheckState
from peer.core.history_entry import HistoryEntry, Kind
from peer.core.lateness import Lateness
from peer.core.past.looking_back import Lookback
from peer.core.reach.link_way import LinkWay
from peer.core.reach.watch_list import Watched
from peer.core.targets.place import Place
from peer.core.targets.places import PlaceState, UnreadText
from peer.core.targets.target import Target
from peer.events import Event
from peer.results import Answer
from peer.screen import line
from peer.screen.frontend import Line
from peer.screen.json_lines import Hello, JsonFrontend, name_of, objects
from peer.screen.line import LineFrontend, NotShown
from shared.identity import fingerprint
from shared.messages.common import Status
from shared.messages.directory import Contact, Presence

NOW = 1_700_000_000.5
MORNING = datetime(2026, 11, 20, 14, 2).timestamp()
KEY = bytes(range(32))
DAVE = Contact(
    re=1, name="dave", status=Status.BUSY, since=MORNING, key=KEY, sealing_key=KEY,
    sealing_proof=bytes(64), host="10.0.0.7", port=40_112,
)  # fmt: skip
HI = HistoryEntry(Kind.PRIVATE, MORNING, "dave", "carol", "hi")
DIRECTLY = Route("dave", "", None, 0.25, link_way=LinkWay.DIALLED)
THROUGH_DAVE = Route("erin", "dave", 7.0, None, True)
BY_THEM = Route("frank", link_way=LinkWay.DIALLED_BY_THEM)

LOOKBACK = Lookback(
    "The last 2 texts with dave:",
    (
        HistoryEntry(Kind.SAID, MORNING, "dave", "", "hi"),
        HistoryEntry(Kind.SAID, MORNING, "dave", "", "you?"),
    ),
    unread=1,
    begins=1,
)
FORMS: list[tuple[Event, dict[str, object]]] = [
    (Hello(), {"event": "hello", "version": 1, "said": ""}),
    (events.Notice("Anything."), {"event": "notice", "text": "Anything.", "said": "Anything."}),
    (
        events.NameWanted("The name carol is taken."),
        {
            "event": "name_wanted",
            "why": "The name carol is taken.",
            "said": "The name carol is taken. Choose another name:",
        },
    ),
    (
        events.Registered("carol", "10.0.0.5:5000"),
        {
            "event": "registered",
            "name": "carol",
            "directory": "10.0.0.5:5000",
            "said": "You are carol, connected to the directory at 10.0.0.5:5000.",
        },
    ),
    (
        events.DirectoryKey("485d 0b1c"),
        {
            "event": "directory_key",
            "key": "485d 0b1c",
            "said": "The directory's key is 485d 0b1c: compare it with what dirserver printed.",
        },
    ),
    (
        events.DirectoryAwaited("no route"),
        {
            "event": "directory_awaited",
            "why": "no route",
            "said": "No route: trying again, QUIT gives up. To find out why, type DOCTOR.",
        },
    ),
    (
        events.DirectoryLost(),
        {"event": "directory_lost", "said": "Lost the directory, trying again."},
    ),
    (events.DirectoryBack(), {"event": "directory_back", "said": "The directory is back."}),
    (
        events.DirectorySays("back at five"),
        {
            "event": "directory_says",
            "text": "back at five",
            "said": "The directory says: back at five",
        },
    ),
    (
        events.Came("dave", is_watched=True),
        {"event": "came", "name": "dave", "is_watched": True, "said": "* dave is online."},
    ),
    (events.Went("dave"), {"event": "went", "name": "dave", "said": "* dave is offline."}),
    (
        events.StatusIsNow(Status.INACTIVE),
        {
            "event": "status_is_now",
            "status": "INACTIVE",
            "note": "",
            "said": "Your status is now INACTIVE.",
        },
    ),
    (
        events.Invited("1f", "carol", ("carol", "dave"), ("erin",)),
        {
            "event": "invited",
            "id": "1f",
            "inviter": "carol",
            "members": ["carol", "dave"],
            "leaves": ["erin"],
            "said": "User carol wants to chat with you and dave. Would you like to? (Y/N)"
            " Y leaves your conversation with erin.",
        },
    ),
    (
        events.InvitationOver("1f", "carol", "User carol is gone."),
        {
            "event": "invitation_over",
            "id": "1f",
            "inviter": "carol",
            "text": "User carol is gone.",
            "said": "User carol is gone.",
        },
    ),
    (
        events.Waiting("dave"),
        {"event": "waiting", "callee": "dave", "said": "Waiting for dave's response..."},
    ),
    (
        events.Connected(("carol", "dave")),
        {
            "event": "connected",
            "others": ["carol", "dave"],
            "said": "You are now connected with carol, dave.",
        },
    ),
    (
        events.Said("carol", "hello"),
        {
            "event": "said",
            "sender": "carol",
            "text": "hello",
            "late": None,
            "said": "carol: hello",
        },
    ),
    (
        events.Said("carol", "hello", Lateness(120.0, 300.0)),
        {
            "event": "said",
            "sender": "carol",
            "text": "hello",
            "late": {"written": 120.0, "came": 300.0},
            "said": "[1970-01-01 00:02] carol (came 00:05): hello",
        },
    ),
    (
        events.DiskFilling("dave", 64 * events.MIB),
        {
            "event": "disk_filling",
            "author": "dave",
            "bytes": 67108864,
            "said": "dave has written 32 MiB today; at 64 MiB you are asked for more.",
        },
    ),
    (
        events.KeepMore("dave", 64 * events.MIB),
        {
            "event": "keep_more",
            "author": "dave",
            "bytes": 67108864,
            "said": "dave has written 64 MiB today. Keep more of it? (Y/N)",
        },
    ),
    (
        events.FirstLine("mallory"),
        {
            "event": "first_line",
            "sender": "mallory",
            "said": "mallory writes to you for the first time; IGNORE mallory hears no more.",
        },
    ),
    (
        events.SaidPrivately("carol", "hello"),
        {
            "event": "said_privately",
            "sender": "carol",
            "text": "hello",
            "late": None,
            "said": "[private] carol: hello",
        },
    ),
    (
        events.SaidToAll("carol", "hello"),
        {
            "event": "said_to_all",
            "sender": "carol",
            "text": "hello",
            "late": None,
            "said": "[all] carol: hello",
        },
    ),
    (
        events.OutOfReach(74.0, ("dave", "erin")),
        {
            "event": "out_of_reach",
            "seconds": 74.0,
            "others": ["dave", "erin"],
            "said": "You were out of reach for 74 s; dave and erin went on.",
        },
    ),
    (
        events.Missing(),
        {"event": "missing", "said": "Something that was said before is still missing."},
    ),
    (
        events.SaidDifferently("mallory", "dave"),
        {
            "event": "said_differently",
            "author": "mallory",
            "to": "dave",
            "said": "mallory has said different things to you and dave.",
        },
    ),
    (
        events.BackInConversation(("dave",)),
        {
            "event": "back_in_conversation",
            "others": ["dave"],
            "said": "You are back in the conversation with dave.",
        },
    ),
    (
        events.InRoom("lab", ("dave",)),
        {
            "event": "in_room",
            "room": "lab",
            "others": ["dave"],
            "said": "You are in the room #lab, with dave.",
        },
    ),
    (
        events.BackInRooms(("lab", "ops")),
        {
            "event": "back_in_rooms",
            "rooms": ["lab", "ops"],
            "said": "You are in the rooms #lab, #ops.",
        },
    ),
    (
        events.Said("dave", "hi", room="lab"),
        {
            "event": "said",
            "sender": "dave",
            "text": "hi",
            "late": None,
            "room": "lab",
            "said": "#lab dave: hi",
        },
    ),
    (
        events.TextsCome(10_000, "lab"),
        {
            "event": "texts_come",
            "count": 10_000,
            "room": "lab",
            "said": "#lab: 10,000 texts come that were said meanwhile.",
        },
    ),
    (
        events.MailboxFull("dave", "lab"),
        {
            "event": "mailbox_full",
            "to": "dave",
            "room": "lab",
            "said": "The mailbox of dave takes no more of #lab:"
            " dave gets the rest from any member who is there.",
        },
    ),
    (
        results.RoomList("me", (("lab", ("dave", "erin")), ("ops", ())), (("lab", ("erin",)),)),
        {
            "event": "room_list",
            "me": "me",
            "rooms": [
                {"room": "lab", "others": ["dave", "erin"], "away": ["erin"]},
                {"room": "ops", "others": [], "away": []},
            ],
            "said": "#lab: me (you), dave, erin (away)\n#ops: me (you)",
        },
    ),
    (
        results.MemberList("me", (), "lab"),
        {"event": "member_list", "me": "me", "others": [], "room": "lab", "said": "me (you)"},
    ),
    (
        events.MemberJoined("erin"),
        {
            "event": "member_joined",
            "name": "erin",
            "said": "User erin joined the conversation.",
        },
    ),
    (
        events.NotYetDelivered("dave"),
        {"event": "not_yet_delivered", "to": "dave", "said": "Not yet delivered to dave."},
    ),
    (
        events.NotYetLeft("dave", "it is gone"),
        {
            "event": "not_yet_left",
            "to": "dave",
            "reason": "it is gone",
            "said": "Not yet left for dave, and kept here until it is: it is gone.",
        },
    ),
    (
        events.Delivered("dave"),
        {"event": "delivered", "to": "dave", "said": "Delivered to dave."},
    ),
    (
        events.MemberLost("dave"),
        {
            "event": "member_lost",
            "name": "dave",
            "said": "Lost the connection to dave, trying again.",
        },
    ),
    (
        events.MemberBack("dave"),
        {"event": "member_back", "name": "dave", "said": "dave is back."},
    ),
    (
        events.MemberLeft("dave", "connection lost"),
        {
            "event": "member_left",
            "name": "dave",
            "because": "connection lost",
            "said": "User dave left the conversation (connection lost).",
        },
    ),
    (
        events.ConversationOver(),
        {"event": "conversation_over", "said": "The conversation is over."},
    ),
    (
        events.ConversationLeft(),
        {
            "event": "conversation_left",
            "said": "You have just left your last conversation.",
        },
    ),
    (
        events.LettersWaited(2),
        {"event": "letters_waited", "count": 2, "said": "2 messages were left for you:"},
    ),
    (
        events.LettersWaited(1, is_live=True),
        {
            "event": "letters_waited",
            "count": 1,
            "is_live": True,
            "said": "1 message was left for you:",
        },
    ),
    (
        events.Letter("dave", MORNING, "are you there?"),
        {
            "event": "letter",
            "time": MORNING,
            "sender": "dave",
            "text": "are you there?",
            "is_registered": True,
            "said": "[2026-11-20 14:02] dave: are you there?",
        },
    ),
    (
        events.KeptForLater("dave"),
        {
            "event": "kept_for_later",
            "to": "dave",
            "at_next_start": False,
            "said": "Kept for dave until the directory is back.",
        },
    ),
    (
        events.KeptNotSent("zed", "User zed does not exist!", ("hello",)),
        {
            "event": "kept_not_sent",
            "to": "zed",
            "reason": "User zed does not exist!",
            "texts": ["hello"],
            "said": 'Not sent to zed: User zed does not exist! It was kept: "hello".',
        },
    ),
    (
        events.LetterLeft("dave"),
        {"event": "letter_left", "to": "dave", "said": "Message left for dave."},
    ),
    (
        events.LetterMissing("dave"),
        {
            "event": "letter_missing",
            "sender": "dave",
            "said": "A message that dave left before the next one has not come;"
            " it may have waited too long.",
        },
    ),
    (
        events.LetterRefused("dave", MORNING, "it was damaged on its way"),
        {
            "event": "letter_refused",
            "time": MORNING,
            "by": "dave",
            "reason": "it was damaged on its way",
            "said": "dave did not take your message of 14:02: it was damaged on its way.",
        },
    ),
    (
        events.LetterReceived("dave", MORNING),
        {
            "event": "letter_received",
            "time": MORNING,
            "by": "dave",
            "said": "dave received your message of 14:02.",
        },
    ),
    (
        events.NotDelivered("dave", "he is away"),
        {
            "event": "not_delivered",
            "to": "dave",
            "reason": "he is away",
            "said": "Not delivered to dave: he is away.",
        },
    ),
    (
        NotShown(2),
        {
            "event": "not_shown",
            "count": 2,
            "said": "... 2 lines were not shown: the screen did not keep up.",
        },
    ),
    (
        results.Asked("dave", "User dave is busy.", "Interrupt?"),
        {
            "event": "asked",
            "about": "dave",
            "statement": "User dave is busy.",
            "question": "Interrupt?",
            "choices": ["Y", "N"],
            "said": "User dave is busy. Interrupt? (Y/N)",
        },
    ),
    (
        results.UserList(
            (Presence("carol", Status.ACTIVE, NOW, "lunch"),), "carol", {"dave": 0.25}
        ),
        {
            "event": "user_list",
            "users": [{"name": "carol", "status": "ACTIVE", "since": NOW, "note": "lunch"}],
            "me": "carol",
            "round_trips": {"dave": 0.25},
            "verified": [],
            "contradicted": [],
            "online": 0,
            "beginning": "",
            "more": False,
            "said": "ACTIVE: carol (you)\nBUSY: -\nINACTIVE: -\nOFFLINE: -",
        },
    ),
    (
        results.UserInfo(DAVE, fingerprint(KEY)),
        {
            "event": "user_info",
            "name": "dave",
            "status": "BUSY",
            "note": "",
            "since": MORNING,
            "host": "10.0.0.7",
            "port": 40_112,
            "key": fingerprint(KEY),
            "is_verified": False,
            "rooms": [],
            "way": "",
            "through": "",
            "said": "dave: BUSY since 2026-11-20 14:02, at 10.0.0.7:40112, key " + fingerprint(KEY),
        },
    ),
    (
        results.UserInfo(DAVE, "485d", True, ("lab",), Route("dave", "erin")),
        {
            "event": "user_info",
            "name": "dave",
            "status": "BUSY",
            "note": "",
            "since": MORNING,
            "host": "10.0.0.7",
            "port": 40_112,
            "key": "485d",
            "is_verified": True,
            "rooms": ["lab"],
            "way": "through",
            "through": "erin",
            "said": "dave: BUSY since 2026-11-20 14:02, at 10.0.0.7:40112, key 485d, verified\n"
            "You are both in #lab.\nThe way to dave: through erin.",
        },
    ),
    (
        results.WatchBegun("dave", Status.OFFLINE, is_known=True),
        {
            "event": "watch_begun",
            "name": "dave",
            "status": "OFFLINE",
            "is_known": True,
            "said": "You are told when dave comes.",
        },
    ),
    (
        results.WatchedUsers((Watched("dave", Status.BUSY), Watched("erin"))),
        {
            "event": "watched_users",
            "users": [
                {"name": "dave", "status": "BUSY", "is_known": True},
                {"name": "erin", "status": None, "is_known": True},
            ],
            "said": "You watch dave (BUSY), erin.",
        },
    ),
    (
        results.SentInCrowd(4_211, 23, is_whole=True),
        {
            "event": "sent_in_crowd",
            "online": 4_211,
            "sent": 23,
            "is_whole": True,
            "said": "4,211 users are online; sent to the 23 you talk with.",
        },
    ),
    (
        results.MyStatus(Status.BUSY),
        {"event": "my_status", "status": "BUSY", "note": "", "said": "Your status is BUSY."},
    ),
    (
        results.MemberList("me", (DIRECTLY, THROUGH_DAVE, BY_THEM)),
        {
            "event": "member_list",
            "me": "me",
            "others": [
                {
                    "name": "dave",
                    "is_direct": True,
                    "way": "direct",
                    "through": "",
                    "lost_since": None,
                    "round_trip": 0.25,
                    "is_verified": False,
                },
                {
                    "name": "erin",
                    "is_direct": False,
                    "way": "through",
                    "through": "dave",
                    "lost_since": 7.0,
                    "round_trip": None,
                    "is_verified": True,
                },
                {
                    "name": "frank",
                    "is_direct": True,
                    "way": "they_dialled",
                    "through": "",
                    "lost_since": None,
                    "round_trip": None,
                    "is_verified": False,
                },
            ],
            "said": "me (you)\ndave: direct, 250.0 ms\nerin: through dave, verified\n"
            "frank: direct (frank dialled)",
        },
    ),
    (
        results.WhoHas((("dave", "waiting"),), "hello", "lab"),
        {
            "event": "who_has",
            "states": [{"name": "dave", "state": "waiting"}],
            "text": "hello",
            "room": "lab",
            "said": "Your last text in #lab: hello\ndave: waiting",
        },
    ),
    (
        results.Doctor(
            (Check("ports", CheckState.UNKNOWN, "Not known.", {"keeps_port": None}),),
            "Nothing to do.",
            "V3",
        ),
        {
            "event": "doctor",
            "checks": [
                {"name": "ports", "state": "??", "text": "Not known.", "data": {"keeps_port": None}}
            ],
            "verdict": "Nothing to do.",
            "code": "V3",
            "said": "??  Not known.\n=>  Nothing to do.",
        },
    ),
    (
        results.WhatWasSaid((HI,), "carol", "All."),
        {
            "event": "what_was_said",
            "entries": [
                {
                    "kind": "private",
                    "time": MORNING,
                    "author": "dave",
                    "receiver": "carol",
                    "text": "hi",
                    "is_late": False,
                }
            ],
            "me": "carol",
            "note": "All.",
            "heading": "",
            "around": [],
            "said": "[2026-11-20 14:02] [private] dave: hi\nAll.",
        },
    ),
    (
        results.Words("dave", ("apple", "pear"), change="The key of dave has changed."),
        {
            "event": "words",
            "name": "dave",
            "words": ["apple", "pear"],
            "accepted": False,
            "change": "The key of dave has changed.",
            "said": "You and dave must both see these words: apple pear\n"
            "The key of dave has changed.",
        },
    ),
    (
        results.DirectoryList(
            (
                results.ListedDirectory("lab", "10.0.0.5:5000", "3f2a 99c1", "remembered"),
                results.ListedDirectory("x", "10.0.0.6:5000", "", "unproven"),
            )
        ),
        {
            "event": "directory_list",
            "directories": [
                {
                    "name": "lab",
                    "address": "10.0.0.5:5000",
                    "key": "3f2a 99c1",
                    "state": "remembered",
                },
                {"name": "x", "address": "10.0.0.6:5000", "key": "", "state": "unproven"},
            ],
            "said": '"lab" at 10.0.0.5:5000, key 3f2a 99c1 (remembered)\n'
            '"x" at 10.0.0.6:5000, key unknown (unproven)',
        },
    ),
    (
        results.DirectoryList(()),
        {
            "event": "directory_list",
            "directories": [],
            "said": "No directory was found on this network.",
        },
    ),
    (
        results.Manual("QUIT"),
        {"event": "manual", "topic": "QUIT", "said": "\n".join(results.Manual("QUIT").lines())},
    ),
    (
        results.Sent("hello", to="dave", is_left=True),
        {
            "event": "sent",
            "text": "hello",
            "to": "dave",
            "to_all": False,
            "is_left": True,
            "said": "",
        },
    ),
    (
        results.NotSent("hi", "it was for erin", "a text for dave", Target(("dave",))),
        {
            "event": "not_sent",
            "line": "hi",
            "why": "it was for erin",
            "would": "a text for dave",
            "target": {
                "others": ["dave"],
                "writing_to": "",
                "place": {"person": "", "room": ""},
                "members": [],
            },
            "said": "Not sent: it was for erin. Enter again: a text for dave.",
        },
    ),
    (
        results.LookedBack((LOOKBACK,), "carol", 2),
        {
            "event": "looked_back",
            "places": [
                {
                    "heading": "The last 2 texts with dave:",
                    "entries": [structs.asdict(one) | {"kind": "said"} for one in LOOKBACK.entries],
                    "unread": 1,
                    "begins": 1,
                    "more": "",
                }
            ],
            "me": "carol",
            "further": 2,
            "said": "The last 2 texts with dave:\n[2026-11-20 14:02] dave: hi\n--- 1 unread ---\n"
            "[2026-11-20 14:02] dave: you?\n2 more have unread texts; HISTORY name shows them.",
        },
    ),
    (
        place_results.GoneTo(Target(place=Place("dave"))),
        {
            "event": "gone_to",
            "target": {
                "others": [],
                "writing_to": "",
                "place": {"person": "dave", "room": ""},
                "members": [],
            },
            "said": "Each line is a private line to dave now; GO leads back.",
        },
    ),
    (
        place_results.WhatIsUnread(2, (UnreadText(events.SaidPrivately("dave", "hi"), 4.0),)),
        {
            "event": "what_is_unread",
            "count": 2,
            "texts": [
                {
                    "event": "said_privately",
                    "time": 4.0,
                    "sender": "dave",
                    "text": "hi",
                    "late": None,
                }
            ],
            "said": "--- 2 unread ---\nThe first 1 of them: see HISTORY.\n[private] dave: hi",
        },
    ),
    (
        place_results.Dimmed(events.SaidPrivately("dave", "hi")),
        {
            "event": "said_privately",
            "sender": "dave",
            "text": "hi",
            "late": None,
            "said": "[private] dave: hi",
        },
    ),
    (
        place_results.PlaceList((PlaceState(Place("dave"), 2, 3, 5, 1, Loud.HELD),), Target(), 7),
        {
            "event": "place_list",
            "states": [
                {
                    "place": {"person": "dave", "room": ""},
                    "number": 2,
                    "unread": 3,
                    "heard": 5,
                    "since": 1,
                    "loud": "MUTE",
                }
            ],
            "target": {
                "others": [],
                "writing_to": "",
                "place": {"person": "", "room": ""},
                "members": [],
            },
            "others": 7,
            "said": "2 dave: 3 unread, muted\n- others: 7 unread",
        },
    ),
    (
        place_results.MutedList(True, ("dave",), ("#lab",)),
        {
            "event": "muted_list",
            "is_bell_off": True,
            "held": ["dave"],
            "dimmed": ["#lab"],
            "said": "The bell is off until UNMUTE.\nMuted: dave.\nDim: #lab.",
        },
    ),
    (results.Typed("LIST USERS"), {"event": "typed", "line": "LIST USERS", "said": ""}),
    (
        results.Done("CHAT dave", 4, "REFUSED", "declined"),
        {
            "event": "done",
            "line": "CHAT dave",
            "code": 4,
            "code_name": "REFUSED",
            "outcome": "declined",
            "said": "",
        },
    ),
]


def only(event: Event) -> str:
    [text] = objects(event, NOW)
    return text


@pytest.mark.parametrize(("event", "form"), FORMS, ids=lambda one: type(one).__name__)
def test_the_form_of_version_1(event: Event, form: dict[str, object]) -> None:
    assert json.loads(only(event)) == {"time": NOW, **form}


def test_everything_that_can_be_shown_has_a_form() -> None:
    modules = {one.__name__ for one in (events, letter_events, results, place_results, line)}
    kinds = {*Event.__subclasses__(), *Answer.__subclasses__()} - {Answer, results.Handed}
    ours = {kind for kind in kinds if kind.__module__ in modules}
    assert {type(event) for event, _ in FORMS} == ours | {Hello}
    assert len({name_of(kind) for kind in ours}) == len(ours)


def test_no_field_of_an_event_is_covered_by_the_common_ones() -> None:
    for event, _ in FORMS:
        assert not {"event", "said"} & set(event.__struct_fields__)


# --- Hostile texts ---


@pytest.mark.parametrize(
    "text",
    [
        'a "quoted" \\ text',
        "two\nlines\r\nand \x85 \u2028 more",
        "\x00\x1b[2J\x7f\x9b31m",
        "grüße ☺ \U0001f600",
        "right \u202e left",
    ],
)
def test_any_text_comes_whole_on_one_line_of_printable_ascii(text: str) -> None:
    written = only(events.Said("dave", text))
    assert json.loads(written)["text"] == text
    assert written.isascii()
    assert written.isprintable()


def test_half_a_character_is_replaced() -> None:
    found = json.loads(only(events.Said("dave", "a\ud800b\udc00")))
    assert found["text"] == "a�b�"


def test_what_was_said_is_as_harmless_as_in_line_mode() -> None:
    found = json.loads(only(events.Said("dave", "\x1b[2J\ncarol: hi")))
    assert found["said"] == "dave: ␛[2J\n    carol: hi"


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_a_time_that_json_cannot_write_is_null(seconds: float) -> None:
    assert json.loads(only(events.Letter("dave", seconds, "x")))["time"] is None


def test_bytes_are_base64_and_anything_unknown_is_our_mistake() -> None:
    class Strange(Event, frozen=True):
        what: object

        def said(self) -> tuple[str, str]:
            return "", ""

    assert json.loads(only(Strange({"key": b"\xff"})))["what"] == {"key": "/w=="}
    with pytest.raises(TypeError, match="there is no JSON"):
        objects(Strange(object()), NOW)


def test_what_another_program_has_spelled_stays_as_it_is() -> None:
    assert objects(results.Handed('{"event": "x"}'), NOW) == ['{"event": "x"}']


# --- The faces ---


async def shown_by(face: LineFrontend, reading: int, *shown: Event) -> list[str]:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(face.run)
            face.show(*shown)
            await face.flushed()
            nursery.cancel_scope.cancel()
    return os.read(reading, 65_536).decode().splitlines()


async def test_the_first_object_says_the_version() -> None:
    theirs, ours = os.pipe()
    lines = await shown_by(JsonFrontend(writing=ours), theirs, events.Came("dave"))
    os.close(theirs)
    os.close(ours)
    first, second = map(json.loads, lines)
    assert (first["event"], first["version"]) == ("hello", 1)
    assert second["name"] == "dave"
    assert second["time"] >= first["time"] > NOW


async def test_what_a_slow_bot_missed_is_told_in_an_object(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line, "WAITING_BYTES", 150)
    theirs, ours = os.pipe()
    face = JsonFrontend(writing=ours)
    lines = await shown_by(face, theirs, *[events.Came("dave")] * 4)
    os.close(theirs)
    os.close(ours)
    found = [json.loads(text) for text in lines]
    assert [one["event"] for one in found] == ["not_shown", "came"]
    assert found[0]["count"] == 4


async def test_plain_lines_show_nothing_of_what_only_programs_need() -> None:
    theirs, ours = os.pipe()
    called: list[str] = []
    face = LineFrontend(writing=ours)
    face.show(results.Done("LIST", 0, "DONE"), then=lambda: called.append("then"))
    lines = await shown_by(face, theirs, events.Came("dave"))
    os.close(theirs)
    os.close(ours)
    assert lines == ["* dave is online."]
    assert called == ["then"]


async def test_of_a_line_that_was_read_nobody_knows_when_it_was_begun() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"CHAT dave\n")
    os.close(theirs)
    face = LineFrontend(reading=ours)
    assert await face.read_line() == Line("CHAT dave")
    assert await face.read_line() is None
    os.close(ours)
