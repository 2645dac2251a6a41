"""Each event, with the exact text that a user reads."""

from datetime import datetime

from peer import events
from peer.core.lateness import Lateness
from shared.messages.common import Status

TEXTS = [
    (
        events.NameWanted("The name carol is taken."),
        "The name carol is taken. Choose another name:",
    ),
    (
        events.NameWanted('"chat" is a word of the program; choose another name.'),
        '"chat" is a word of the program. Choose another name:',
    ),
    (
        events.Registered("carol", "10.0.0.5:5000"),
        "You are carol, connected to the directory at 10.0.0.5:5000.",
    ),
    (
        events.DirectoryKey("485d 0b1c"),
        "The directory's key is 485d 0b1c: compare it with what dirserver printed.",
    ),
    (
        events.DirectoryAwaited("nothing answers at 10.0.0.5:5000 (connection refused)."),
        "Nothing answers at 10.0.0.5:5000 (connection refused): trying again, QUIT gives up."
        " To find out why, type DOCTOR.",
    ),
    (events.DirectoryLost(), "Lost the directory, trying again."),
    (events.DirectoryBack(), "The directory is back."),
    (events.DirectorySays("back at five"), "The directory says: back at five"),
    (events.Came("dave"), "* dave is online."),
    (events.Went("dave"), "* dave is offline."),
    (events.StatusIsNow(Status.INACTIVE), "Your status is now INACTIVE."),
    (
        events.StatusIsNow(Status.BUSY, "back at five"),
        "Your status is now BUSY (back at five).",
    ),
    (
        events.Invited("1", "carol", ("carol",)),
        "User carol wants to chat with you. Would you like to? (Y/N)",
    ),
    (
        events.Invited("1", "carol", ("carol",), ("erin",)),
        "User carol wants to chat with you. Would you like to? (Y/N)"
        " Y leaves your conversation with erin.",
    ),
    (
        events.Invited("1", "carol", ("carol", "dave")),
        "User carol wants to chat with you and dave. Would you like to? (Y/N)",
    ),
    (
        events.Invited("1", "carol", ("carol", "dave", "erin")),
        "User carol wants to chat with you, dave and erin. Would you like to? (Y/N)",
    ),
    (
        events.Invited("1", "carol", ("carol", "dave"), room="lab"),
        "User carol asks you into the room #lab (2 members). Would you like to join? (Y/N)",
    ),
    (
        events.Invited("1", "carol", ("carol",), room="lab"),
        "User carol asks you into the room #lab (1 member). Would you like to join? (Y/N)",
    ),
    (
        events.Invited("1", "carol", ("carol",), room="lab", is_namesake=True),
        "User carol asks you into another room #lab (1 member). Would you like to join? (Y/N)",
    ),
    (
        events.Invited("1", "carol", ("carol",), room="dave", is_users_name=True),
        "User carol asks you into the room #dave (1 member). dave is the name of a user, too."
        " Would you like to join? (Y/N)",
    ),
    (events.InvitationOver("1", "carol", "User carol is gone."), "User carol is gone."),
    (events.InRoom("lab", ("carol", "dave")), "You are in the room #lab, with carol, dave."),
    (
        events.InRoom("lab", ()),
        "You are in the room #lab, alone: ADD name TO lab asks somebody in.",
    ),
    (events.BackInRooms(("lab",)), "You are in the room #lab."),
    (events.BackInRooms(("lab", "ops")), "You are in the rooms #lab, #ops."),
    (events.Waiting("dave"), "Waiting for dave's response..."),
    (events.Connected(("dave",)), "You are now connected with dave."),
    (events.Connected(("carol", "dave")), "You are now connected with carol, dave."),
    (events.Said("carol", "hello"), "carol: hello"),
    (events.Said("carol", "hello", room="lab"), "#lab carol: hello"),
    (
        events.Said("carol", "hello", Lateness(120.0, 300.0), room="lab"),
        "[1970-01-01 00:02] #lab carol (came 00:05): hello",
    ),
    (
        events.Said("carol", "hello", Lateness(120.0, 86_700.0)),
        "[1970-01-01 00:02] carol (came 00:05): hello",
    ),
    (
        events.SaidPrivately("carol", "hello", Lateness(120.0, 300.0)),
        "[1970-01-01 00:02] [private] carol (came 00:05): hello",
    ),
    (
        events.SaidToAll("carol", "hello", Lateness(120.0, 300.0)),
        "[1970-01-01 00:02] [all] carol (came 00:05): hello",
    ),
    (
        events.FirstLine("mallory"),
        "mallory writes to you for the first time; IGNORE mallory hears no more.",
    ),
    (
        events.DiskFilling("dave", 64 * events.MIB),
        "dave has written 32 MiB today; at 64 MiB you are asked for more.",
    ),
    (
        events.KeepMore("dave", 64 * events.MIB),
        "dave has written 64 MiB today. Keep more of it? (Y/N)",
    ),
    (events.SaidPrivately("carol", "hello"), "[private] carol: hello"),
    (events.SaidToAll("carol", "hello all"), "[all] carol: hello all"),
    (
        events.OutOfReach(74.4, ("dave", "erin")),
        "You were out of reach for 74 s; dave and erin went on.",
    ),
    (
        events.OutOfReach(121.0, ("dave",)),
        "You were out of reach for 2 min; dave went on.",
    ),
    (
        events.OutOfReach(30_000.0, ("dave", "erin", "frank")),
        "You were out of reach for 8 h; dave, erin and frank went on.",
    ),
    (events.Missing(), "Something that was said before is still missing."),
    (
        events.TextsCome(10_000, "lab"),
        "#lab: 10,000 texts come that were said meanwhile.",
    ),
    (events.Missing("lab"), "#lab: Something that was said before is still missing."),
    (
        events.SaidDifferently("mallory", "dave"),
        "mallory has said different things to you and dave.",
    ),
    (events.SaidDifferently("mallory"), "mallory has said different things to you and others."),
    (
        events.BackInConversation(("carol", "dave")),
        "You are back in the conversation with carol, dave.",
    ),
    (
        events.SaidDifferently("mallory", room="lab"),
        "#lab: mallory has said different things to you and others.",
    ),
    (events.MemberJoined("erin"), "User erin joined the conversation."),
    (events.MemberJoined("erin", "lab"), "User erin joined the room #lab."),
    (events.MemberLeft("erin", room="lab"), "User erin left the room #lab."),
    (events.NotYetDelivered("dave", "lab"), "#lab: Not yet delivered to dave."),
    (events.Delivered("dave", "lab"), "#lab: Delivered to dave."),
    (events.NotDelivered("dave", "why", "lab"), "#lab: Not delivered to dave: why."),
    (
        events.MailboxFull("dave", "lab"),
        "The mailbox of dave takes no more of #lab:"
        " dave gets the rest from any member who is there.",
    ),
    (events.ConversationLeft("lab"), "You have left the room #lab."),
    (events.NotYetDelivered("dave"), "Not yet delivered to dave."),
    (events.Delivered("dave"), "Delivered to dave."),
    (events.MemberLost("dave"), "Lost the connection to dave, trying again."),
    (events.MemberBack("dave"), "dave is back."),
    (events.MemberLeft("erin"), "User erin left the conversation."),
    (
        events.MemberLeft("dave", "connection lost"),
        "User dave left the conversation (connection lost).",
    ),
    (events.ConversationOver(), "The conversation is over."),
    (events.ConversationLeft(), "You have just left your last conversation."),
    (events.LettersWaited(1), "1 message was left for you:"),
    (events.LettersWaited(2), "2 messages were left for you:"),
    (
        events.Letter("dave", datetime(2026, 11, 20, 14, 2, 59).timestamp(), "are you there?"),
        "[2026-11-20 14:02] dave: are you there?",
    ),
    (
        events.Letter("dave", datetime(2026, 11, 20, 14, 2).timestamp(), "hi", room="lab"),
        "[2026-11-20 14:02] #lab dave: hi",
    ),
    (events.LetterLeft("dave"), "Message left for dave."),
    (events.KeptForLater("dave"), "Kept for dave until the directory is back."),
    (
        events.KeptForLater("dave", at_next_start=True),
        "Kept for dave: it goes out at the next start.",
    ),
    (
        events.KeptNotSent("zed", "User zed does not exist!", ("hello", "are you there?")),
        'Not sent to zed: User zed does not exist! It was kept: "hello", "are you there?".',
    ),
    (
        events.LetterReceived("dave", datetime(2026, 11, 20, 14, 2).timestamp()),
        "dave received your message of 14:02.",
    ),
    (
        events.LetterMissing("dave"),
        "A message that dave left before the next one has not come; it may have waited too long.",
    ),
    (
        events.LetterRefused("dave", datetime(2026, 11, 20, 14, 2).timestamp(), "it was damaged"),
        "dave did not take your message of 14:02: it was damaged.",
    ),
    (
        events.Letter("dave", datetime(2026, 11, 20, 14, 2).timestamp(), "hi", is_registered=False),
        "[2026-11-20 14:02] dave (no longer registered): hi",
    ),
    (events.NotDelivered("dave", "he is away"), "Not delivered to dave: he is away."),
    (events.NotYetLeft("dave", "why"), "Not yet left for dave, and kept here until it is: why."),
    (events.Notice("Anything."), "Anything."),
]
