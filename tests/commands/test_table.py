import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from peer.commands import parsing, table
from peer.commands.grammar import (
    Add,
    Answer,
    Chat,
    Choose,
    Command,
    Context,
    Diagnose,
    EndWriting,
    FoundRoom,
    Go,
    Help,
    History,
    Ignore,
    Info,
    LeaveMessage,
    ListIgnored,
    ListMuted,
    ListPlaces,
    ListRooms,
    ListUsers,
    ListWatched,
    Loud,
    Mute,
    Nothing,
    PartRoom,
    Private,
    Quit,
    QuitConversation,
    Say,
    SayIn,
    Search,
    SetLoudness,
    SetStatus,
    ShowMembers,
    ToAll,
    Unignore,
    Unknown,
    Unregister,
    Unwatch,
    Verify,
    Watch,
    WhoGot,
    WriteLine,
    Wrong,
)
from peer.commands.parsing import parse, unknown_text, wrong_text
from peer.commands.table import TABLE
from shared.messages.common import TEXT_CHARACTERS, Status

ALONE = Context()
TALKING = Context(in_conversation=True)
ASKED = Context(question_open=True)
TALKING_AND_ASKED = Context(in_conversation=True, question_open=True)
WRITING = Context(writing=True)
WRITING_AND_ASKED = Context(writing=True, question_open=True)
WAITING = Context(waiting=True)
MANY = " ".join(f"u{number}" for number in range(21))
ADD_USAGE = "ADD name [TO room] [WITH n]"
BEHIND_NAMES = "Behind the names come TO and a room, or WITH and a number of texts."
TOO_LONG = "x" * (TEXT_CHARACTERS + 1)

MEANINGS: list[tuple[str, Command]] = [
    ("LIST USERS", ListUsers()),
    ("list   users", ListUsers()),
    ("USERS", ListUsers()),
    ("List", ListUsers()),
    ("WHO", ListUsers()),
    ("LIST USERS jo", ListUsers("jo")),
    ("who (Jo)", ListUsers("Jo")),
    ("WATCH dave", Watch("dave")),
    ("unwatch (dave)", Unwatch("dave")),
    ("WATCHED", ListWatched()),
    ("ADD erin", Add(("erin",))),
    ("GO dave", Go("dave")),
    ("go (dave)", Go("dave")),
    ("GO #lab", Go("lab", "#")),
    ("GO @lab", Go("lab", "@")),
    ("GO", Go()),
    ("GO ?", ListPlaces()),
    ("MUTE dave", SetLoudness("dave", "", Loud.HELD)),
    ("MUTE #lab", SetLoudness("lab", "#", Loud.HELD)),
    ("DIM dave", SetLoudness("dave", "", Loud.DIMMED)),
    ("UNMUTE dave", SetLoudness("dave", "", Loud.SHOWN)),
    ("MUTED", ListMuted()),
    ("MEMBERS", ShowMembers()),
    ("MEMBERS lab", ShowMembers("lab")),
    ("ADD erin frank erin", Add(("erin", "frank"))),
    ("ADD (to)", Add(("to",))),
    ("ADD erin frank TO #lab", Add(("erin", "frank"), "lab")),
    ("ADD erin WITH 20", Add(("erin",), last=20)),
    ("ADD erin with 100 to lab~carol", Add(("erin",), "lab~carol", 100)),
    ("ROOM lab", FoundRoom("lab")),
    ("room #lab", FoundRoom("lab")),
    ("ROOMS", ListRooms()),
    ("PART lab", PartRoom("lab")),
    ("PART #lab~carol~2", PartRoom("lab~carol~2")),
    ("TO lab build is green", SayIn("lab", "build is green")),
    ("TO (lab) build", SayIn("lab", "build")),
    ("#lab hello there", SayIn("lab", "hello there")),
    ("#lab~carol  hello", SayIn("lab~carol", "hello")),
    ("HISTORY #lab", History(room="lab")),
    ("HISTORY #lab 7", History(last=7, room="lab")),
    ("who got", WhoGot()),
    ("HISTORY", History()),
    ("history 5", History(last=5)),
    ("HISTORY dave", History("dave")),
    ("HISTORY dave 1000", History("dave", 1000)),
    ("HISTORY (dave) 7", History("dave", 7)),
    ("HISTORY @dave 7", History("dave", 7, is_user=True)),
    ("SEARCH tea IN @dave", Search("tea", "dave", is_user=True)),
    ("HISTORY (20)", History("20")),
    ("HISTORY all", History(to_all=True)),
    ("HISTORY ALL 3", History(last=3, to_all=True)),
    ("HISTORY (ALL)", History("ALL")),
    ("SEARCH the report", Search("the report")),
    ("search the report IN dave", Search("the report", "dave")),
    ("SEARCH report  IN (Dave) ", Search("report", "Dave")),
    ("SEARCH report in dave", Search("report in dave", perhaps=Search("report", "dave"))),
    ("SEARCH report IN #lab", Search("report", room="lab")),
    ("search report in #lab", Search("report in #lab", perhaps=Search("report", room="lab"))),
    ("SEARCH a IN b IN dave", Search("a IN b", "dave")),
    ("SEARCH IN dave", Search("IN dave")),
    ("SEARCH all in one!", Search("all in one!")),
    ("SEARCH report IN", Search("report IN")),
    ("SEARCH report IN d@ve", Search("report IN d@ve")),
    ("INFO dave", Info("dave")),
    ("whois dave", Info("dave")),
    ("STATUS", SetStatus(None)),
    ("STATUS ACTIVE", SetStatus(Status.ACTIVE)),
    ("status busy", SetStatus(Status.BUSY)),
    ("STATUS busy  back at five ", SetStatus(Status.BUSY, "back at five")),
    ("STATUS BUSY " + "x" * 80, SetStatus(Status.BUSY, "x" * 80)),
    ("STATUS BUSY \x1b[2J\u202e\tevil", SetStatus(Status.BUSY, "\N{SYMBOL FOR ESCAPE}[2J� evil")),
    ("MUTED", ListMuted()),
    ("STATUS inactive", SetStatus(Status.INACTIVE)),
    ("STATUS ACTIVO", SetStatus(Status.ACTIVE)),
    ("STATUS OCUPADO", SetStatus(Status.BUSY)),
    ("STATUS INACTIVO", SetStatus(Status.INACTIVE)),
    ("STATUS ONLINE", SetStatus(Status.ACTIVE)),
    ("STATUS AWAY", SetStatus(Status.INACTIVE)),
    ("ACTIVE", SetStatus(Status.ACTIVE)),
    ("BUSY", SetStatus(Status.BUSY)),
    ("INACTIVE", SetStatus(Status.INACTIVE)),
    ("activo", SetStatus(Status.ACTIVE)),
    ("OCUPADO", SetStatus(Status.BUSY)),
    ("INACTIVO", SetStatus(Status.INACTIVE)),
    ("ONLINE", SetStatus(Status.ACTIVE)),
    ("AWAY", SetStatus(Status.INACTIVE)),
    ("ADD erin", Add(("erin",))),
    ("add (erin)", Add(("erin",))),
    ("\\u erin", Add(("erin",))),
    ("MEMBERS", ShowMembers()),
    ("DOCTOR", Diagnose()),
    ("WHO GOT", WhoGot()),
    ("who  got", WhoGot()),
    ("WHO GOT #lab", WhoGot("lab")),
    ("CHAT dave", Chat("dave")),
    ("chat Dave", Chat("Dave")),
    ("CHAT (dave)", Chat("dave")),
    ("CHAT(dave)", Chat("dave")),
    ("CHAT ( dave )", Chat("dave")),
    ("CONNECT dave", Chat("dave")),
    ("INVITE dave", Chat("dave")),
    ("PRV dave hello you", Private("dave", "hello you")),
    ("PRV (dave) hello", Private("dave", "hello")),
    ("TELL dave hello", Private("dave", "hello")),
    ("@dave hello", Private("dave", "hello")),
    ("@ dave hello", Private("dave", "hello")),
    ("@(dave) hello", Private("dave", "hello")),
    ("ALL hello all", ToAll("hello all", Private("hello", "all"))),
    ("MSG hello", ToAll("hello")),
    ("MSG 1, 2, 3", ToAll("1, 2, 3")),
    ("LEAVE dave back at five?", LeaveMessage("dave", "back at five?")),
    ("LEAVE (dave) back at five?", LeaveMessage("dave", "back at five?")),
    ("IGNORE dave", Ignore("dave")),
    ("UNIGNORE dave", Unignore("dave")),
    ("IGNORED", ListIgnored()),
    ("VERIFY dave", Verify("dave")),
    ("VERIFY dave apple  pear", Verify("dave", ("apple", "pear"))),
    ("MUTE", Mute(True)),
    ("unmute", Mute(False)),
    ("UNREGISTER", Unregister()),
    ("QUIT CONVERSATION", QuitConversation()),
    ("quit  conversation", QuitConversation()),
    ("\\q", QuitConversation()),
    ("\\Q", QuitConversation()),
    ("QUIT", Quit()),
    ("HELP", Help()),
    ("HELP chat", Help("chat")),
    ("?", Help()),
    ("? chat", Help("chat")),
]


def test_a_line_outside_a_conversation_is_a_command() -> None:
    for line, command in MEANINGS:
        assert parse(line, ALONE) == command, line
        assert parse(f"  {line}  ", ALONE) == command, line
        assert parse(line, WAITING) == command, line


def test_every_command_is_accepted_with_a_slash_everywhere() -> None:
    for line, command in MEANINGS:
        assert parse(f"/{line}", ALONE) == command, line
        assert parse(f"/{line}", TALKING) == command, line


@pytest.mark.parametrize("context", [ALONE, TALKING, WRITING])
def test_a_status_word_takes_a_note_behind_a_slash(context: Context) -> None:
    assert parse("/away back at five", context) == SetStatus(Status.INACTIVE, "back at five")


def test_where_a_command_is_expected_a_status_word_takes_a_note_without_one() -> None:
    assert parse("AWAY lunch", ALONE) == SetStatus(Status.INACTIVE, "lunch")
    assert parse("AWAY lunch", TALKING) == Say("AWAY lunch")


@pytest.mark.parametrize("context", [TALKING, WRITING])
def test_a_status_with_a_note_is_a_command_in_capitals_where_lines_are_texts(
    context: Context,
) -> None:
    assert parse("STATUS BUSY back at five", context) == SetStatus(Status.BUSY, "back at five")
    for text in ("status busy back at five", "STATUS QUO", "STATUS busy x"):
        assert parse(text, context) in (Say(text), WriteLine(text))


def test_the_table_is_tested_completely() -> None:
    tested = {type(command) for _, command in MEANINGS}
    # MUTE and UNMUTE are one Command, as MUTE name, DIM and UNMUTE name are; GO is two.
    assert len(TABLE) == len((tested | {Answer}) - {SetLoudness, ListPlaces}) + 2


@pytest.mark.parametrize(
    ("line", "inside", "outside"),
    [
        ("QUIT CONVERSATION", QuitConversation(), QuitConversation()),
        ("quit conversation ", QuitConversation(), QuitConversation()),
        ("\\q", QuitConversation(), QuitConversation()),
        ("/q", QuitConversation(), QuitConversation()),
        ("EXIT", QuitConversation(), Quit()),
        ("/exit", QuitConversation(), Quit()),
        ("QUIT", Quit(), Quit()),
        ("BYE", Say("BYE"), Quit()),
        ("/bye", Quit(), Quit()),
    ],
)
def test_the_words_that_end_something(line: str, inside: Command, outside: Command) -> None:
    assert parse(line, TALKING) == inside
    assert parse(line, ALONE) == outside
    assert parse(line, WAITING) == outside


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        "who is there?",
        "LIST",
        "USERS",
        "list users please",
        "quit smoking",
        "exit through the door",
        "chat with dave",
        "INVITE dave",
        "status of the project",
        "help me",
        "BUSY",
        "dave hello",
        "add salt and pepper",
        "Y",
        "no",
        "mail me: dave@example.org",
        "1/2 \\ @",
        "two\nlines",
        "blanks at the end  ",
    ],
)
def test_a_line_in_a_conversation_is_text(line: str) -> None:
    assert parse(line, TALKING) == Say(line)


@pytest.mark.parametrize("line", ["QUIT", "/quit", "\\q", "@dave hi", "Y", "  indented"])
def test_a_leading_space_makes_any_line_text_and_is_dropped(line: str) -> None:
    assert parse(f" {line}", TALKING_AND_ASKED) == Say(line)
    assert parse(f" {line}", WRITING_AND_ASKED) == WriteLine(line)


def test_users_are_listed_and_private_lines_sent_from_within_a_conversation() -> None:
    assert parse("List Users", TALKING) == ListUsers()
    assert parse("@erin psst", TALKING) == Private("erin", "psst")


@pytest.mark.parametrize("line", ["ADD erin", "add (erin)", "ADD(erin)", "/ADD erin", "\\u erin"])
def test_a_user_is_added_from_within_a_conversation(line: str) -> None:
    assert parse(line, TALKING) == Add(("erin",))


def test_several_are_added_by_a_command_in_capitals_where_lines_are_texts() -> None:
    assert parse("ADD erin frank", TALKING) == Add(("erin", "frank"))
    assert parse("ADD erin TO #lab WITH 20", TALKING) == Add(("erin",), "lab", 20)
    assert isinstance(parse("ADD erin TO", TALKING), Wrong)
    for text in ("add erin frank", "Add erin frank", "ADD erin, frank", "ADD a~1 a~1 !"):
        assert parse(text, TALKING) == Say(text)
    assert parse(" ADD erin frank", TALKING) == Say("ADD erin frank")


@pytest.mark.parametrize("line", ["MEMBERS", "HISTORY", "HISTORY dave", "SEARCH hello you"])
def test_these_are_texts_in_a_conversation_unless_a_slash_says_otherwise(line: str) -> None:
    assert parse(line, TALKING) == Say(line)
    assert parse(f"/{line}", TALKING) == parse(line, ALONE)


@pytest.mark.parametrize("context", [ASKED, TALKING_AND_ASKED, WRITING_AND_ASKED])
@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("Y", Answer(True)),
        ("y ", Answer(True)),
        ("YES", Answer(True)),
        ("si", Answer(True)),
        ("Oui", Answer(True)),
        ("/y", Answer(True)),
        ("N", Answer(False)),
        ("no", Answer(False)),
        ("Y carol", Answer(True, "carol")),
        ("yes (carol)", Answer(True, "carol")),
        ("N(carol)", Answer(False, "carol")),
    ],
)
def test_an_open_question_is_answered_from_everywhere(
    line: str, answer: Answer, context: Context
) -> None:
    assert parse(line, context) == answer


def test_what_only_begins_like_an_answer_is_text() -> None:
    assert parse("yes, of course", TALKING_AND_ASKED) == Say("yes, of course")
    assert parse("no it is not", TALKING_AND_ASKED) == Say("no it is not")
    assert parse("yes we do", WRITING_AND_ASKED) == WriteLine("yes we do")
    assert parse("hello", TALKING_AND_ASKED) == Say("hello")


def test_what_only_begins_like_an_answer_is_sent_to_nobody() -> None:
    assert isinstance(parse("yes we do", ASKED), Wrong)


def test_a_line_of_another_kind_means_what_it_always_means_while_a_question_is_open() -> None:
    assert parse("LIST USERS", ASKED) == ListUsers()
    assert parse("QUIT", TALKING_AND_ASKED) == Quit()


def test_y_is_no_command_while_no_question_is_open() -> None:
    assert parse("Y", ALONE) == Unknown("Y")
    assert parse("/y", TALKING) == Unknown("/y")
    assert parse("Y", WRITING) == WriteLine("Y")


@pytest.mark.parametrize("line", ["\\q", "/q", "/\\q", "QUIT CONVERSATION", "/quit conversation "])
def test_writing_ends_with_backslash_q(line: str) -> None:
    assert parse(line, WRITING) == EndWriting()
    assert parse(line, Context(writing=True, in_conversation=True)) == EndWriting()


@pytest.mark.parametrize("line", ["hello", "BYE", "USERS", "help me", "dave hi", "MEMBERS"])
def test_every_other_line_while_writing_is_written(line: str) -> None:
    assert parse(line, WRITING) == WriteLine(line)


@pytest.mark.parametrize("context", [TALKING, WRITING])
@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("LIST USERS", ListUsers()),
        ("who", ListUsers()),
        ("HELP", Help()),
        ("?", Help()),
        ("CHAT dave", Chat("dave")),
        ("connect (dave)", Chat("dave")),
        ("STATUS", SetStatus(None)),
        ("status busy", SetStatus(Status.BUSY)),
        ("ADD erin", Add(("erin",))),
        ("QUIT", Quit()),
        ("/help", Help()),
        ("@dave hi", Private("dave", "hi")),
    ],
)
def test_these_are_commands_in_a_conversation_and_in_a_message(
    line: str, command: Command, context: Context
) -> None:
    assert parse(line, context) == command
    assert parse(f" {line}", context) in (Say(line), WriteLine(line))


def test_where_lines_are_texts_only_a_room_of_mine_is_meant() -> None:
    talking = Context(in_conversation=True, rooms=("Lab", "ops~carol"))
    assert parse("#lab hello", talking) == SayIn("lab", "hello")
    assert parse("#ops~carol hello", talking) == SayIn("ops~carol", "hello")
    for line, room in (("#lba secret", "lba"), ("#lba", "lba"), ("#1 is the best", "1")):
        why = f"You are in no room #{room}. A space before the line makes it a text."
        assert parse(line, talking) == Wrong(why)
        assert not parsing.is_text(line, talking)
        assert parse(f" {line}", talking) == Say(line)
    assert parse("#lab", talking) == Wrong("There is no text.", "#room text")
    for text in ("# heading", "#!/bin/sh", "##", "#lab: done"):
        assert parse(text, talking) == Say(text)
    assert parse(" #lab hello", talking) == Say("#lab hello")
    assert parse("TO lab hello", talking) == Say("TO lab hello")
    assert parse("/to lab hello", talking) == SayIn("lab", "hello")
    writing = Context(writing=True, rooms=("lab",))
    assert parse("#lab hello", writing) == SayIn("lab", "hello")


def test_exit_ends_a_message() -> None:
    assert parse("EXIT", WRITING) == EndWriting()


def test_a_bare_yes_is_a_text_when_the_conversation_went_on_since_the_question() -> None:
    went_on = Context(in_conversation=True, question_open=True, talk_went_on=True)
    for word in ("y", "yes", "si", "oui", "n", "no"):
        assert parse(word, went_on) == Say(word)
    assert parse("/y", went_on) == Answer(True)
    assert parse("Y erin", went_on) == Answer(True, "erin")


def test_msg_with_a_slash_and_a_name_is_private_if_there_is_such_a_user() -> None:
    perhaps = Private("dave", "hello you")
    assert parse("/msg dave hello you", ALONE) == ToAll("dave hello you", perhaps, True)
    assert parse("MSG dave hello you", ALONE) == ToAll("dave hello you", perhaps)
    assert parse("/all dave hello you", ALONE) == ToAll("dave hello you", perhaps)


def test_a_choice_is_one_of_its_words_and_nothing_else() -> None:
    asked = Context(question_open=True, choices=("ALL", "DAVE"))
    assert parse("all", asked) == Choose("ALL")
    assert parse("/dave", asked) == Choose("DAVE")
    assert parse("ALL hello", asked) == ToAll("hello")
    assert parse("N", asked) == Answer(False)
    assert parse(" ALL", replace(asked, in_conversation=True)) == Choose("ALL")


def test_a_bare_u_asks_whom_to_add() -> None:
    assert parsing.asks_whom_to_add("\\u ")
    assert parsing.asks_whom_to_add("/U")
    assert not parsing.asks_whom_to_add("\\u erin")


@pytest.mark.parametrize("context", [ALONE, TALKING_AND_ASKED, WRITING])
@pytest.mark.parametrize("line", ["", " ", "\t ", "\u3000"])
def test_an_empty_line_means_nothing(line: str, context: Context) -> None:
    assert parse(line, context) == Nothing()


def test_a_name_and_a_text_may_be_a_private_line() -> None:
    assert parse("dave hello you", ALONE) == Unknown(
        "dave hello you", perhaps=Private("dave", "hello you")
    )
    assert parse("(dave) hello", ALONE) == Unknown("(dave) hello", perhaps=Private("dave", "hello"))
    assert parse("Y hello", ALONE) == Unknown("Y hello", perhaps=Private("Y", "hello"))


@pytest.mark.parametrize("line", ["/dave hello", "dave", "d@ve hello", "(dave)", "/", "\\"])
def test_a_slash_or_a_word_alone_is_sent_to_nobody(line: str) -> None:
    assert parse(line, ALONE) == Unknown(line)


def test_a_private_line_of_that_form_that_is_too_long_is_refused() -> None:
    assert parse(f"dave {TOO_LONG}", ALONE) == Wrong(
        "The text is too long: 8,001 characters, at most 8,000 are possible.", "name text"
    )


@pytest.mark.parametrize("line", ["/frobnicate", "\\x", "/etc/passwd", "/dave hello", "//"])
def test_an_unknown_command_in_a_conversation_is_not_said(line: str) -> None:
    assert parse(line, TALKING) == Unknown(line)


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        ("LSIT", "LIST USERS"),
        ("LSIT USERS", "LIST USERS"),
        ("/CHTA dave", "CHAT"),
        ("qiut", "QUIT"),
        ("qiut conversation", "QUIT CONVERSATION"),
        ("hlep", "HELP"),
        ("ocpado", "STATUS"),
        ("frobnicate", None),
        ("hello", None),
        ("yess", None),
        ("x" * 100_000, None),
    ],
)
def test_the_nearest_command_is_found(line: str, nearest: str | None) -> None:
    unknown = parse(line, ALONE)
    assert isinstance(unknown, Unknown)
    assert unknown.nearest == nearest


def test_the_answer_to_an_unknown_command_is_one_short_line() -> None:
    assert unknown_text(Unknown("frobnicate")) == "Unknown command: frobnicate"
    assert (
        unknown_text(Unknown("LSIT", "LIST USERS"))
        == "Unknown command: LSIT. Did you mean LIST USERS?"
    )
    assert len(unknown_text(Unknown("x" * 10_000))) < 80


@pytest.mark.parametrize(
    ("line", "reason", "usage"),
    [
        ("CHAT ()", '"" is not a valid name: it is empty.', "CHAT name"),
        ("CHAT ca rol", '"ca rol" is not a valid name: only the letters a to z', "CHAT name"),
        ("INFO (dave) now", '"(dave) now" is not a valid name: it must', "INFO name"),
        ("INFO " + "x" * 5_000, '"' + "x" * 59 + '…" is not a valid name: it is', "INFO name"),
        ("PRV dave", "There is no text.", "PRV name text"),
        ("PRV d@ve hello", '"d@ve" is not a valid name', "PRV name text"),
        ("@dave", "There is no text.", "PRV name text"),
        ("LEAVE dave", "There is no text.", "LEAVE name text"),
        ("MSG", "There is no text.", "MSG text"),
        ("SEARCH", "There is no text.", "SEARCH words [IN name]"),
        ("HISTORY 0", '"0" is not a number from 1 to 1,000.', "HISTORY [name|room|ALL] [n]"),
        ("HISTORY dave x", '"x" is not a number', "HISTORY [name|room|ALL] [n]"),
        ("HISTORY dave 1001", '"1001" is not a number', "HISTORY [name|room|ALL] [n]"),
        ("HISTORY d@ve", '"d@ve" is not a valid name', "HISTORY [name|room|ALL] [n]"),
        ("STATUS happy", '"happy" is not a status', "STATUS [status [note]]"),
        ("STATUS OFFLINE", '"OFFLINE" is not a status', "STATUS [status [note]]"),
        ("STATUS off to bed", '"off" is not a status', "STATUS [status [note]]"),
        (
            "STATUS BUSY " + "x" * 81,
            "The note is too long: 81 characters, at most 80",
            "STATUS [status [note]]",
        ),
        ("WHO is there", "WHO takes the beginning of one name.", "LIST USERS [beginning]"),
        ("LIST j@", '"j@" is not a valid name', "LIST USERS [beginning]"),
        ("WATCH ca rol", '"ca rol" is not a valid name', "WATCH name"),
        ("WATCHED dave", "WATCHED takes nothing after it.", "WATCHED"),
        ("ROOM", "ROOM which room?", "ROOM name"),
        ("ROOM l@b", '"l@b" is not a valid name', "ROOM name"),
        ("ROOMS now", "ROOMS takes nothing after it.", "ROOMS"),
        ("TO", "TO which room?", "TO room text"),
        ("TO lab", "There is no text.", "TO room text"),
        ("#lab " + TOO_LONG, "The text is too long: 8,001", "#room text"),
        ("ADD erin WITH 101", '"101" is not a number from 1 to 100.', ADD_USAGE),
        ("ADD erin WITH x", '"x" is not a number from 1 to 100.', ADD_USAGE),
        ("ADD erin TO", BEHIND_NAMES, ADD_USAGE),
        ("ADD with", BEHIND_NAMES, ADD_USAGE),
        ("ADD erin to lab with", BEHIND_NAMES, ADD_USAGE),
        ("ADD erin TO lab frank", BEHIND_NAMES, ADD_USAGE),
        (f"ADD {MANY}", "At most 20 users", ADD_USAGE),
        ("QUIT now", "QUIT takes nothing after it.", "QUIT"),
        (f"PRV dave {TOO_LONG}", "The text is too long: 8,001", "PRV name text"),
        (f"MSG {TOO_LONG}", "The text is too long: 8,001", "MSG text"),
        (f"LEAVE dave {TOO_LONG}", "The text is too long: 8,001", "LEAVE name text"),
    ],
)
def test_wrong_arguments_are_explained(line: str, reason: str, usage: str) -> None:
    wrong = parse(line, ALONE)
    assert isinstance(wrong, Wrong)
    assert wrong.reason.startswith(reason)
    assert wrong.usage == usage
    assert wrong_text(wrong) == f"{wrong.reason} Usage: {usage}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("CHAT", "CHAT whom? For example: CHAT dave"),
        ("connect", "CONNECT whom? For example: CONNECT dave"),
        ("ADD", "ADD whom? For example: ADD erin"),
        ("PRV", "PRV whom? For example: PRV dave hello"),
        ("@", "PRV whom? For example: PRV dave hello"),
        ("\\u", "ADD whom? For example: ADD erin"),
        ("LEAVE", "LEAVE whom? For example: LEAVE dave are you there?"),
        ("/verify", "VERIFY whom? For example: VERIFY dave"),
    ],
)
def test_a_command_without_a_name_says_what_to_type(line: str, said: str) -> None:
    wrong = parse(line, ALONE)
    assert isinstance(wrong, Wrong)
    assert wrong_text(wrong) == said


def test_a_text_of_a_conversation_may_have_8000_characters_and_no_more() -> None:
    longest = TOO_LONG[:-1]
    assert parse(longest, TALKING) == Say(longest)
    assert parse(f" {longest}", WRITING) == WriteLine(longest)
    for context in (TALKING, WRITING):
        wrong = parse(TOO_LONG, context)
        assert isinstance(wrong, Wrong)
        assert (
            wrong_text(wrong)
            == "The text is too long: 8,001 characters, at most 8,000 are possible."
        )


def test_what_could_not_be_decoded_does_not_reach_a_text() -> None:
    assert parse("a\udc80b", TALKING) == Say("a�b")
    assert parse("@dave \ud83d", ALONE) == Private("dave", "�")


def test_a_line_begins_with_a_command_before_it_is_finished() -> None:
    begun = parsing.begun("  /chat da", ALONE)
    assert begun is not None
    assert (begun.words, begun.rest, begun.entry.takes) == ("CHAT", "da", table.Takes.ONLINE)
    assert parsing.begun("cha", ALONE) is None


def test_exit_is_explained_as_what_it_does_here() -> None:
    for context, usage in ((ALONE, "QUIT"), (TALKING, "QUIT CONVERSATION")):
        begun = parsing.begun("exit", context)
        assert begun is not None
        assert begun.entry.usage == usage


@pytest.mark.parametrize(
    ("line", "context", "words"),
    [
        ("ch", ALONE, ["CHAT"]),
        ("/ch", TALKING, ["CHAT"]),
        ("ch", TALKING, ["CHAT"]),
        ("/ch", WRITING, ["CHAT"]),
        ("inv", TALKING, []),
        ("  list  u", ALONE, ["LIST USERS"]),
        ("who ", ALONE, ["WHO GOT"]),
        ("ac", ALONE, ["ACTIVE"]),
        ("y", ALONE, []),
        ("y", ASKED, ["Y"]),
        ("n", TALKING_AND_ASKED, ["N"]),
        ("u", ALONE, ["USERS", "UNIGNORE", "UNWATCH", "UNMUTE", "UNREGISTER"]),
        ("/u", ALONE, ["USERS", "u", "UNIGNORE", "UNWATCH", "UNMUTE", "UNREGISTER"]),
        ("\\", TALKING, ["\\u", "\\q"]),
        ("@", ALONE, []),
        (
            "",
            TALKING,
            ["LIST USERS", "STATUS", "CHAT", "ADD", "GO", "QUIT CONVERSATION", "QUIT", "HELP"],
        ),
    ],
)
def test_the_commands_that_a_line_may_become(line: str, context: Context, words: list[str]) -> None:
    assert [each for each, _ in parsing.offered(line, context)] == words


def test_exit_is_offered_as_what_it_does_here() -> None:
    for context, usage in ((ALONE, "QUIT"), (TALKING, "QUIT CONVERSATION")):
        assert [entry.usage for _, entry in parsing.offered("exit", context)] == [usage]


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.usage)
def test_what_a_command_takes_is_in_its_usage(entry: table.Entry) -> None:
    takes = table.Takes
    if entry.takes not in (takes.NOTHING, takes.STATUS, takes.COMMAND):
        assert "name" in entry.usage


CONTEXTS = st.builds(Context, st.booleans(), st.booleans(), st.booleans(), st.booleans())
WORDS = st.sampled_from([words for entry in TABLE for words in entry.words])


@settings(derandomize=True, deadline=None)
@given(st.text() | st.builds("{}{}".format, WORDS, st.text()), CONTEXTS)
def test_no_line_makes_the_parser_fail(line: str, context: Context) -> None:
    command = parse(line, context)
    if isinstance(command, Unknown):
        assert unknown_text(command).startswith("Unknown command: ")
    if isinstance(command, Say | WriteLine | ToAll | Private | LeaveMessage):
        command.text.encode()
        assert command.text.strip()


# --- At a person ------------------------------------------------------------------

AT_DAVE = Context(person="dave")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("hello", Private("dave", "hello")),
        (" /who", Private("dave", "/who")),
        ("go on", Private("dave", "go on")),
        ("Go home", Private("dave", "Go home")),
        ("go", Private("dave", "go")),
        ("GO on my way", Private("dave", "GO on my way")),
        (" #lab hello", Private("dave", "#lab hello")),
        ("GO", Go()),
        ("\\q", Go()),
        ("EXIT", Go()),
        ("GO erin", Go("erin")),
        ("GO #lab", Go("lab", "#")),
        ("GO ?", ListPlaces()),
        ("/go erin", Go("erin")),
        ("@erin hi", Private("erin", "hi")),
        ("/prv erin hi", Private("erin", "hi")),
        ("LIST USERS", ListUsers()),
        ("QUIT CONVERSATION", QuitConversation()),
        ("QUIT", Quit()),
        ("CHAT erin", Chat("erin")),
    ],
)
def test_at_a_person_a_line_is_private(line: str, command: Command) -> None:
    assert parse(line, AT_DAVE) == command
    both = Context(person="dave", in_conversation=True)
    assert parse(line, both) == command


def test_people_say_go_on_to_each_other() -> None:
    assert parse("go on", TALKING) == Say("go on")
    assert parse("GO dave", TALKING) == Go("dave")


def test_a_line_is_a_text_or_not() -> None:
    assert parsing.is_text("hello", AT_DAVE)
    assert not parsing.is_text("hello", ALONE)
    assert not parsing.is_text(" ", AT_DAVE)
    assert not parsing.is_text("all", Context(person="dave", choices=("ALL", "DAVE")))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("hello", SayIn("lab", "hello")),
        ("go on", SayIn("lab", "go on")),
        ("#ops hello", SayIn("ops", "hello")),
        (" #who knows", SayIn("lab", "#who knows")),
        ("GO #lab~carol", Go("lab~carol", "#")),
        ("GO lab~carol", Go("lab~carol", "#")),
        ("\\q", Go()),
        ("/members", ShowMembers("lab")),
        ("/history", History(room="lab")),
        ("/history 5", History(last=5, room="lab")),
        ("ADD erin", Add(("erin",), "lab")),
        ("/add erin frank", Add(("erin", "frank"), "lab")),
        ("/add erin frank to ops", Add(("erin", "frank"), "ops")),
        ("/part", PartRoom("lab")),
        ("/part ops", PartRoom("ops")),
    ],
)
def test_in_a_room_a_line_is_for_it(line: str, command: Command) -> None:
    assert parse(line, Context(room="lab", rooms=("lab", "ops"))) == command


def test_history_at_a_person_is_with_them() -> None:
    assert parse("/history 5", AT_DAVE) == History("dave", 5, is_user=True)
