"""Turns a typed line into a Command.  TABLE is the only place where commands are defined.

A line is split into the words of a command and the rest; each entry of the table defines
how its rest becomes a Command.  HELP is made from the same table (`peer.commands.manual`).
"""

import re
from collections.abc import Callable
from difflib import get_close_matches
from enum import Enum, auto

from msgspec import Struct

from shared.errors import Refused
from shared.messages import TEXT_CHARACTERS, Status
from shared.names import PATTERN, check_name, is_name

HISTORY_TEXTS = 20  # by default: as many as a screen shows
HISTORY_MOST = 1_000  # at once
ECHO_CHARACTERS = 60  # of a wrong line, quoted in the answer
LIKENESS = 0.7  # finds CHTA and LSIT, and does not take "hello" for TELL


class Context(Struct, frozen=True):
    """The situation in which a line is typed."""

    in_conversation: bool = False
    question_open: bool = False
    writing: bool = False  #: the user is writing a message for somebody who is away
    waiting: bool = False  #: my invitation is open; this does not change QUIT CONVERSATION
    talk_went_on: bool = False  #: texts came since the question was shown
    choices: tuple[str, ...] = ()  #: the words that answer an open question other than Y or N


class ListUsers(Struct, frozen=True):
    pass


class Info(Struct, frozen=True):
    name: str


class SetStatus(Struct, frozen=True):
    """Set my status; without one, show it."""

    status: Status | None


class Chat(Struct, frozen=True):
    name: str


class Add(Struct, frozen=True):
    name: str


class ShowMembers(Struct, frozen=True):
    pass


class WhoGot(Struct, frozen=True):
    """Show who has my last text."""


class Answer(Struct, frozen=True):
    """An answer to the question of `name`; without a name, to the one shown last.

    When `name` has asked nothing, parse the line again with `question_open=False`:
    "yes please" was then meant as a text.
    """

    yes: bool
    name: str | None = None


class Choose(Struct, frozen=True):
    """One of the words that answer an open question."""

    word: str


class Private(Struct, frozen=True):
    name: str
    text: str


class ToAll(Struct, frozen=True):
    """A line to everybody.

    `perhaps`: what it means if its first word is the name of a user.  `is_private`: then it
    surely means that, because `/msg name text` is private in other programs.
    """

    text: str
    perhaps: Private | None = None
    is_private: bool = False


class LeaveMessage(Struct, frozen=True):
    name: str
    text: str


class History(Struct, frozen=True):
    """The last texts of my conversation, those with `name`, or of the general chat."""

    name: str | None = None
    last: int = HISTORY_TEXTS
    to_all: bool = False


class Search(Struct, frozen=True):
    words: str


class Ignore(Struct, frozen=True):
    name: str


class Unignore(Struct, frozen=True):
    name: str


class ListIgnored(Struct, frozen=True):
    pass


class Verify(Struct, frozen=True):
    """Verify a key.  `words`: as the other user read them out; without any, show them and ask."""

    name: str
    words: tuple[str, ...] = ()


class Mute(Struct, frozen=True):
    on: bool


class Unregister(Struct, frozen=True):
    pass


class QuitConversation(Struct, frozen=True):
    """Leave the conversation, or stop waiting for an answer."""


class Quit(Struct, frozen=True):
    pass


class Help(Struct, frozen=True):
    topic: str | None = None


class Say(Struct, frozen=True):
    """A text for the conversation."""

    text: str


class WriteLine(Struct, frozen=True):
    """One line of a message to leave."""

    text: str


class EndWriting(Struct, frozen=True):
    pass


class Unknown(Struct, frozen=True):
    """Not a command.  `perhaps`: what the line means if a user of that name exists."""

    line: str
    nearest: str | None = None
    perhaps: Private | None = None


class Wrong(Struct, frozen=True):
    """A command with wrong arguments, or a text that is too long."""

    reason: str
    usage: str = ""
    example: str = ""  #: of a right line, when that says more than the usage


class Nothing(Struct, frozen=True):
    """An empty line."""


Command = (
    ListUsers | Info | SetStatus | Chat | Add | ShowMembers | WhoGot | Answer | Choose | Private
    | ToAll
    | LeaveMessage | History | Search | Ignore | Unignore | ListIgnored
    | Verify | Mute | Unregister
    | QuitConversation | Quit | Help | Say | WriteLine | EndWriting | Unknown | Wrong | Nothing
)  # fmt: skip


# --- From the rest of a line to a Command ----------------------------------------


class Said(Struct, frozen=True):
    """A line, split into its parts."""

    words: str  #: of the command, in upper case
    rest: str
    context: Context
    has_slash: bool = False  #: the line begins with one
    example: str = ""  #: of the command


Reader = Callable[[Said], Command]  # raises Refused when the rest is wrong

_NUMBER = re.compile(r"[0-9]{1,9}")
_IN_PARENTHESES = re.compile(r"\(([^()]*)\)\s*(.*)", re.DOTALL)

_STATUSES = {
    "ACTIVE": Status.ACTIVE,
    "ACTIVO": Status.ACTIVE,
    "ONLINE": Status.ACTIVE,
    "BUSY": Status.BUSY,
    "OCUPADO": Status.BUSY,
    "INACTIVE": Status.INACTIVE,
    "INACTIVO": Status.INACTIVE,
    "AWAY": Status.INACTIVE,
}
_YES = ("Y", "YES", "SI", "OUI")
_NO = ("N", "NO")


def _split(text: str) -> tuple[str, str]:
    """Return the first word, without its parentheses, and the rest."""
    if found := _IN_PARENTHESES.fullmatch(text):
        return found[1].strip(), found[2]
    first, *rest = text.split(None, 1) or [""]
    return first, "".join(rest)


def _shortened(text: str) -> str:
    return text if len(text) <= ECHO_CHARACTERS else text[: ECHO_CHARACTERS - 1] + "…"


def _name(rest: str) -> str:
    name, more = _split(rest)
    return check_name(_shortened(rest if more else name))


def _text(text: str) -> str:
    if not text.strip():
        raise Refused("There is no text.")
    if len(text) > TEXT_CHARACTERS:
        raise Refused(
            f"The text is too long: {len(text):,} characters, "
            f"at most {TEXT_CHARACTERS:,} are possible."
        )
    return text


def _alone(command: Command) -> Reader:
    def read(said: Said) -> Command:
        if said.rest:
            raise Refused(f"{said.words} takes nothing after it.")
        return command

    return read


class _Unnamed(Refused):
    """The name is missing.  `example`: a right line."""

    def __init__(self, said: Said) -> None:
        word, *rest = said.example.split()
        if said.words.isalpha():
            word = said.words  # as it was typed, and not a sign
        super().__init__(f"{word} whom?")
        self.example = " ".join([word, *rest])


def _check_somebody(said: Said) -> None:
    if not said.rest and said.words:
        raise _Unnamed(said)


def _named(make: Callable[[str], Command]) -> Reader:
    def read(said: Said) -> Command:
        _check_somebody(said)
        return make(_name(said.rest))

    return read


def _to_all(said: Said) -> Command:
    text = _text(said.rest)
    name, more = _split(said.rest)
    perhaps = Private(name, more) if is_name(name) and more.strip() else None
    is_private = perhaps is not None and said.has_slash and said.words == "MSG"
    return ToAll(text, perhaps, is_private)


def _addressed(make: Callable[[str, str], Command]) -> Reader:
    def read(said: Said) -> Command:
        _check_somebody(said)
        name, text = _split(said.rest)
        return make(check_name(_shortened(name)), _text(text))

    return read


def _history(said: Said) -> Command:
    """Read HISTORY: a word in parentheses is a name, even ALL or a number."""
    if not said.rest or _NUMBER.fullmatch(said.rest):
        return History(last=_how_many(said.rest))
    who, more = _split(said.rest)
    if who.upper() == "ALL" and not said.rest.startswith("("):
        return History(last=_how_many(more), to_all=True)
    return History(check_name(_shortened(who)), _how_many(more))


def _how_many(text: str) -> int:
    if not text:
        return HISTORY_TEXTS
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= HISTORY_MOST:
        raise Refused(f'"{_shortened(text)}" is not a number from 1 to {HISTORY_MOST:,}.')
    return int(text)


def _verify(said: Said) -> Command:
    _check_somebody(said)
    name, words = _split(said.rest)
    return Verify(check_name(_shortened(name)), tuple(words.split()))


def _search(said: Said) -> Command:
    return Search(_text(said.rest))


def _status(said: Said) -> Command:
    if said.words != "STATUS":
        return _alone(SetStatus(_STATUSES[said.words]))(said)
    if not said.rest:
        return SetStatus(None)
    status = _STATUSES.get(said.rest.upper())
    if status is None:
        raise Refused(f'"{_shortened(said.rest)}" is not a status: ACTIVE, BUSY or INACTIVE.')
    return SetStatus(status)


def _answer(said: Said) -> Command:
    return Answer(said.words in _YES, _name(said.rest) if said.rest else None)


def _quit_conversation(said: Said) -> Command:
    return _alone(EndWriting() if said.context.writing else QuitConversation())(said)


# --- The table -------------------------------------------------------------------


class Takes(Enum):
    """What may follow the words of a command, for a screen that offers completions."""

    NOTHING = auto()  #: or something that cannot be known
    ONLINE = auto()  #: a user who is online
    NEWCOMER = auto()  #: a user who is online and not in the conversation
    ANYBODY = auto()  #: a user
    ABSENT = auto()  #: a user, more likely one who is away
    ASKER = auto()  #: a user about whom a question is open
    STATUS = auto()
    COMMAND = auto()


class Entry(Struct, frozen=True):
    words: tuple[str, ...]  #: the first entry is the name of the command
    usage: str
    meaning: str  #: "a user" in it means the named one
    example: str
    read: Reader
    takes: Takes = Takes.NOTHING
    has_text: bool = False  #: the user's own words follow, which may be anything


_ANSWER = Entry(
    (*_YES, *_NO),
    "Y [name], N [name]",
    "answer the question shown last, or that of name",
    "Y carol",
    _answer,
    Takes.ASKER,
)

_QUIT_CONVERSATION = Entry(
    ("QUIT CONVERSATION", r"\q", "/q", "EXIT"),
    "QUIT CONVERSATION",
    "leave the conversation, or stop waiting",
    "QUIT CONVERSATION",
    _quit_conversation,
)

TABLE = (
    Entry(
        ("LIST USERS", "USERS", "LIST", "WHO"),
        "LIST USERS",
        "everybody, grouped by status",
        "LIST USERS",
        _alone(ListUsers()),
    ),
    Entry(
        ("INFO", "WHOIS"),
        "INFO name",
        "status, since when, IP:port, key fingerprint",
        "INFO dave",
        _named(Info),
        Takes.ANYBODY,
    ),
    Entry(
        ("STATUS", *_STATUSES),
        "STATUS [ACTIVE|BUSY|INACTIVE]",
        "show or set my status",
        "STATUS BUSY",
        _status,
        Takes.STATUS,
    ),
    Entry(
        ("CHAT", "CONNECT", "INVITE"),
        "CHAT name",
        "invite a user to a conversation",
        "CHAT dave",
        _named(Chat),
        Takes.ONLINE,
    ),
    _ANSWER,
    Entry(
        ("ADD", r"\u", "/u"),
        "ADD name",
        "bring a user into the running conversation",
        "ADD erin",
        _named(Add),
        Takes.NEWCOMER,
    ),
    Entry(
        ("MEMBERS",),
        "MEMBERS",
        "who is in my conversation, and how linked",
        "MEMBERS",
        _alone(ShowMembers()),
    ),
    Entry(
        ("WHO GOT",),
        "WHO GOT",
        "who has my last text",
        "WHO GOT",
        _alone(WhoGot()),
    ),
    Entry(
        ("PRV", "TELL", "@"),
        "PRV name text",
        "one private line, without a conversation",
        "PRV dave hello",
        _addressed(Private),
        Takes.ANYBODY,
        has_text=True,
    ),
    Entry(
        ("MSG", "ALL"),
        "MSG text",
        "one line to everybody online",
        "MSG hello all",
        _to_all,
        has_text=True,
    ),
    Entry(
        ("LEAVE",),
        "LEAVE name text",
        "leave a message for when a user is back",
        "LEAVE dave are you there?",
        _addressed(LeaveMessage),
        Takes.ABSENT,
        has_text=True,
    ),
    Entry(
        ("HISTORY",),
        "HISTORY [name|ALL] [number]",
        "what was said here, with a user, or to all",
        "HISTORY dave 50",
        _history,
        Takes.ANYBODY,
    ),
    Entry(
        ("SEARCH",),
        "SEARCH words",
        "find what was said",
        "SEARCH report friday",
        _search,
        has_text=True,
    ),
    Entry(
        ("IGNORE",),
        "IGNORE name",
        "hear no more of a user, who learns nothing of it",
        "IGNORE dave",
        _named(Ignore),
        Takes.ANYBODY,
    ),
    Entry(
        ("UNIGNORE",),
        "UNIGNORE name",
        "hear a user again",
        "UNIGNORE dave",
        _named(Unignore),
        Takes.ANYBODY,
    ),
    Entry(
        ("IGNORED",),
        "IGNORED",
        "whom I ignore",
        "IGNORED",
        _alone(ListIgnored()),
    ),
    Entry(
        ("VERIFY",),
        "VERIFY name [words]",
        "compare words with a user, then believe the key",
        "VERIFY dave",
        _verify,
        Takes.ANYBODY,
    ),
    Entry(
        ("MUTE",),
        "MUTE",
        "no bell and no notification until UNMUTE",
        "MUTE",
        _alone(Mute(True)),
    ),
    Entry(
        ("UNMUTE",),
        "UNMUTE",
        "the bell and notifications again",
        "UNMUTE",
        _alone(Mute(False)),
    ),
    Entry(
        ("UNREGISTER",),
        "UNREGISTER",
        "give my name back, with its mailbox",
        "UNREGISTER",
        _alone(Unregister()),
    ),
    _QUIT_CONVERSATION,
    Entry(
        ("QUIT", "BYE", "EXIT"),
        "QUIT",
        "leave the program; refused inside a conversation",
        "QUIT",
        _alone(Quit()),
    ),
    Entry(
        ("HELP", "?"),
        "HELP [command|topic|ALL]",
        "the first commands, one with an example, ...",
        "HELP CHAT",
        lambda said: Help(said.rest or None),
        Takes.COMMAND,
    ),
)

# EXIT is in two entries: with nothing to end it means the later one, QUIT.
_ENTRIES = {words.upper(): entry for entry in TABLE for words in entry.words}

# ASCII: without it, letters such as the Kelvin sign would pass for a K.
_FLAGS = re.IGNORECASE | re.ASCII | re.DOTALL


def _any_of(phrases: tuple[str, ...]) -> str:
    longest_first = sorted(phrases, key=len, reverse=True)
    return "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in longest_first)


_COMMAND = re.compile(rf"/?(@|(?:{_any_of(tuple(_ENTRIES))})(?=[\s(]|\Z))\s*(.*)", _FLAGS)

_NAME = PATTERN.removeprefix(r"\A").removesuffix(r"\Z")
_ONE_NAME = rf"(?:\s+{_NAME}|\s*\(\s*{_NAME}\s*\))"
_IS_ANSWER = re.compile(rf"/?(?:{_any_of(_ANSWER.words)}){_ONE_NAME}?", _FLAGS)
_IS_BARE_ANSWER = re.compile(_any_of(_ANSWER.words), _FLAGS)
_NOT_A_TEXT = re.compile(
    r"[/\\@].*|QUIT\s+CONVERSATION|QUIT|EXIT|LIST\s+USERS|WHO|HELP|\?"
    rf"|STATUS(?:\s+(?:{_any_of(tuple(_STATUSES))}))?|(?:CHAT|CONNECT|ADD){_ONE_NAME}",
    _FLAGS,
)

# What the keyboard could not decode; no UTF-8 exists for it.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


# --- Parsing ---------------------------------------------------------------------


def parse(line: str, context: Context) -> Command:
    """Return what the line means here.  Never raises.

    In a conversation, or while writing a message, one leading space makes a line a text;
    it is not part of the text.
    """
    line = _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", line)
    if not line.strip():
        return Nothing()
    if (word := line.strip().removeprefix("/").upper()) in context.choices:
        return Choose(word)
    if context.writing and not _is_command(line, context):
        return _read(lambda said: WriteLine(_text(said.rest)), _as_text(line, context))
    if context.in_conversation and not _is_command(line, context):
        return _read(lambda said: Say(_text(said.rest)), _as_text(line, context))
    return _command(line.strip(), context)


def _is_command(line: str, context: Context) -> bool:
    """Whether the line is a command, not a text of a conversation or message.

    A leading space makes it a text.  A bare "yes" is for the conversation when texts came
    since the question was shown.
    """
    line = line.rstrip()
    is_ours = context.talk_went_on and _IS_BARE_ANSWER.fullmatch(line)
    if context.question_open and not is_ours and _IS_ANSWER.fullmatch(line):
        return True
    return _NOT_A_TEXT.fullmatch(line) is not None


def _as_text(line: str, context: Context) -> Said:
    return Said("", line.removeprefix(" "), context)


class Begun(Struct, frozen=True):
    """The command that a line begins with, whether the rest is right or not."""

    entry: Entry
    words: str  #: of the command, in upper case
    rest: str


def begun(line: str, context: Context) -> Begun | None:
    """Return the command that begins a line, or None.  Only `parse` knows if it is a text."""
    found = _COMMAND.fullmatch(line.lstrip())
    if found is None:
        return None
    words = " ".join(found[1].upper().split())
    entry = _ENTRIES[words]
    if words == "EXIT" and (context.in_conversation or context.writing):
        entry = _QUIT_CONVERSATION
    return Begun(entry, words, found[2])


def offered(line: str, context: Context) -> list[tuple[str, Entry]]:
    """Return the command words that complete the line, each meaning once.

    Return only those that are commands here, without the `/` that the line may have.
    """
    before, typed = _after_slash(line)
    typed = " ".join(f"{typed}.".upper().split())[:-1]  # a blank at the end counts
    seen: set[tuple[str, Command]] = set()
    found = []
    for entry in TABLE:
        for words in entry.words:
            plain = words.removeprefix("/")
            if not plain.upper().startswith(typed) or plain == "@":
                continue
            meaning = _meaning(before + plain, entry, context)
            if meaning is not None and (entry.usage, meaning) not in seen:
                seen.add((entry.usage, meaning))
                found.append((plain, entry))
    return found


def _after_slash(line: str) -> tuple[str, str]:
    """Split the line after its slash; keep one leading blank, which makes it a text here."""
    typed = line.lstrip()
    before = " " if typed != line else ""
    return (f"{before}/", typed[1:]) if typed.startswith("/") else (before, typed)


def _meaning(line: str, entry: Entry, context: Context) -> Command | None:
    """Return what the words of an entry mean here, alone or with a name; None for a text."""
    start = begun(line, context)
    if start is None or start.entry is not entry:
        return None
    both = [parse(whole, context) for whole in (line, f"{line} name")]
    commands = [one for one in both if not isinstance(one, Say | WriteLine | Unknown)]
    right = [one for one in commands if not isinstance(one, Wrong)]
    return next(iter([*right, *reversed(commands)]), None)


def _command(line: str, context: Context) -> Command:
    found = begun(line, context)
    if found is None or (found.entry is _ANSWER and not context.question_open):
        return _unknown(line, context)
    entry = found.entry
    said = Said(found.words, found.rest, context, line.startswith("/"), entry.example)
    return _read(entry.read, said, entry.usage)


def _read(reader: Reader, said: Said, usage: str = "") -> Command:
    try:
        return reader(said)
    except _Unnamed as no:
        return Wrong(str(no), usage, no.example)
    except Refused as no:
        return Wrong(str(no), usage)


def _unknown(line: str, context: Context) -> Command:
    """Return Unknown, or Wrong for a line to a user (`dave hello`) that is too long."""
    name, text = _split(line)
    if not (is_name(name) and text):
        return Unknown(line, nearest(line))
    perhaps = _read(_addressed(Private), Said("", line, context), "name text")
    return Unknown(line, nearest(line), perhaps) if isinstance(perhaps, Private) else perhaps


def nearest(line: str) -> str | None:
    """Return the command that the first word, or the first two, resemble most; or None."""
    known = [words for words, entry in _ENTRIES.items() if entry is not _ANSWER]
    first, *more = line[:ECHO_CHARACTERS].upper().removeprefix("/").split()[:2] or [""]
    for typed in (" ".join([first, *more]), first):
        if found := get_close_matches(typed, known, 1, LIKENESS):
            return _ENTRIES[found[0]].words[0]
    return None


# --- Sentences about commands ----------------------------------------------------


def unknown_text(unknown: Unknown) -> str:
    text = f"Unknown command: {_shortened(unknown.line)}"
    return f"{text}. Did you mean {unknown.nearest}?" if unknown.nearest else text


def wrong_text(wrong: Wrong) -> str:
    if wrong.example:
        return f"{wrong.reason} For example: {wrong.example}"
    return f"{wrong.reason} Usage: {wrong.usage}" if wrong.usage else wrong.reason


def asks_whom_to_add(line: str) -> bool:
    r"""Whether the line is a bare \u."""
    return line.strip().lower() in (r"\u", "/u")


def has_text(words: list[str]) -> bool:
    """Whether these words contain the user's own: a text, or words to search for."""
    found = begun(" ".join(words), Context())
    return len(words) > 1 if found is None else found.entry.has_text


def is_answer(line: str) -> bool:
    """Whether the line is one of the bare words that answer a question."""
    return _IS_BARE_ANSWER.fullmatch(line.strip().removeprefix("/")) is not None
