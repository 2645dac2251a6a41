"""TABLE: the only place where commands are defined.

Each entry says how the words behind a command become one.  HELP is written from the same
table (`peer.commands.manual`).
"""

import re
from enum import Enum, auto

from msgspec import Struct

from peer.commands.grammar import (
    HISTORY_MOST,
    HISTORY_TEXTS,
    Answer,
    Chat,
    Command,
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
    ListUsers,
    ListWatched,
    Loud,
    Mute,
    PartRoom,
    Private,
    Quit,
    QuitConversation,
    Search,
    SetStatus,
    ToAll,
    Unignore,
    Unregister,
    Unwatch,
    Verify,
    Watch,
)
from peer.commands.reading import (
    Reader,
    TypedCommand,
    _add,
    _addressed,
    _alone,
    _check_somebody,
    _go,
    _loud,
    _members,
    _name,
    _named,
    _of_room,
    _room,
    _rooms,
    _say_in,
    _shortened,
    _split,
    _text,
    _who_got,
)
from shared.errors import Refused
from shared.messages.common import NOTE_CHARACTERS, Status
from shared.names import check_name, is_name
from shared.notes import harmless_note

# --- From the rest of a line to a Command ----------------------------------------


_NUMBER = re.compile(r"[0-9]{1,9}")
_IN_A_PLACE = re.compile(r"(.*\S)\s+(in)\s+(\S+)\s*", re.DOTALL | re.IGNORECASE)


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


def _list_users(said: TypedCommand) -> Command:
    beginning, more = _split(said.rest)
    if more:
        raise Refused(f"{said.words} takes the beginning of one name.")
    return ListUsers(check_name(_shortened(beginning)) if said.rest else "")


def _to_all(said: TypedCommand) -> Command:
    text = _text(said.rest)
    name, more = _split(said.rest)
    perhaps = Private(name, more) if is_name(name) and more.strip() else None
    is_private = perhaps is not None and said.has_slash and said.words == "MSG"
    return ToAll(text, perhaps, is_private)


def _history(said: TypedCommand) -> Command:
    """Read HISTORY: a word in parentheses is a name, even ALL or a number."""
    if not said.rest or _NUMBER.fullmatch(said.rest):
        here = said.context
        person, count = here.person, _how_many(said.rest)
        return History(person or None, count, room=here.room, is_user=bool(person))
    who, more = _split(said.rest)
    if who.startswith("#"):
        return History(last=_how_many(more), room=_room(who))
    if who.upper() == "ALL" and not said.rest.startswith("("):
        return History(last=_how_many(more), to_all=True)
    name = check_name(_shortened(who.removeprefix("@")))
    return History(name, _how_many(more), is_user=who.startswith("@"))


def _how_many(text: str) -> int:
    if not text:
        return HISTORY_TEXTS
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= HISTORY_MOST:
        raise Refused(f'"{_shortened(text)}" is not a number from 1 to {HISTORY_MOST:,}.')
    return int(text)


def _verify(said: TypedCommand) -> Command:
    _check_somebody(said)
    name, words = _split(said.rest)
    return Verify(check_name(_shortened(name)), tuple(words.split()))


def _search(said: TypedCommand) -> Command:
    words = _text(said.rest)
    found = _IN_A_PLACE.fullmatch(words)
    place = _split(found[3])[0] if found else ""
    sign = place[:1] if place.startswith(("#", "@")) else ""
    name = place.removeprefix(sign)
    if found is None or not is_name(name):
        return Search(words)
    within = Search(found[1], name, is_user=sign == "@")
    if sign == "#":
        within = Search(found[1], room=name)
    return within if found[2] == "IN" else Search(words, perhaps=within)


def _status(said: TypedCommand) -> Command:
    if said.words != "STATUS":
        return SetStatus(_STATUSES[said.words], _note(said.rest))
    word, *note = said.rest.split(None, 1) or [""]
    if not word:
        return SetStatus(None)
    status = _STATUSES.get(word.upper())
    if status is None:
        raise Refused(f'"{_shortened(word)}" is not a status: ACTIVE, BUSY or INACTIVE.')
    return SetStatus(status, _note("".join(note)))


def _note(text: str) -> str:
    if len(text) > NOTE_CHARACTERS:
        raise Refused(
            f"The note is too long: {len(text):,} characters, at most {NOTE_CHARACTERS} are"
            " possible."
        )
    return harmless_note(text)


def _answer(said: TypedCommand) -> Command:
    return Answer(said.words in _YES, _name(said.rest) if said.rest else None)


def _quit_conversation(said: TypedCommand) -> Command:
    if said.context.is_elsewhere and said.words != "QUIT CONVERSATION":
        return _alone(Go())(said)
    return _alone(EndWriting() if said.context.writing else QuitConversation())(said)


# --- The table -------------------------------------------------------------------


class Takes(Enum):
    """The kind of argument that a command takes, for a screen that offers completions."""

    NOTHING = auto()  #: or something that cannot be known
    ONLINE = auto()  #: a user who is online
    NEWCOMER = auto()  #: a user who is online and not in the conversation
    ANYBODY = auto()  #: a user
    PLACE = auto()  #: a room of mine, or a user
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
        "LIST USERS [beginning]",
        "everybody by status, or whose names begin so",
        "LIST USERS jo",
        _list_users,
    ),
    Entry(
        ("INFO", "WHOIS"),
        "INFO name",
        "status, since when, IP:port, way, key fingerprint",
        "INFO dave",
        _named(Info),
        Takes.ANYBODY,
    ),
    Entry(
        ("STATUS", *_STATUSES),
        "STATUS [status [note]]",
        "show or set my status: ACTIVE, BUSY, INACTIVE",
        "STATUS BUSY back at five",
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
        "ADD name [TO room] [WITH n]",
        "bring a user into the conversation or a room",
        "ADD erin",
        _add,
        Takes.NEWCOMER,
    ),
    Entry(
        ("ROOM",),
        "ROOM name",
        "found a room; it stands until the last has left",
        "ROOM lab",
        _of_room(FoundRoom),
    ),
    Entry(("ROOMS",), "ROOMS", "the rooms that I am in", "ROOMS", _rooms),
    Entry(
        ("TO",),
        "TO room text",
        "one line in a room, from anywhere; also #room text",
        "TO lab hello",
        _say_in,
        has_text=True,
    ),
    Entry(("PART",), "PART room", "leave a room for good", "PART lab", _of_room(PartRoom)),
    Entry(
        ("MEMBERS",),
        "MEMBERS [room]",
        "who is in, and the way to each, or away",
        "MEMBERS",
        _members,
    ),
    Entry(("WHO GOT",), "WHO GOT [room]", "who has my last text", "WHO GOT", _who_got),
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
        "HISTORY [name|room|ALL] [n]",
        "what was said here, with a user, or to all",
        "HISTORY dave 50",
        _history,
        Takes.ANYBODY,
    ),
    Entry(
        ("SEARCH",),
        "SEARCH words [IN name]",
        "find what was said: everywhere, or in a place",
        "SEARCH report friday IN dave",
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
    Entry(("IGNORED",), "IGNORED", "whom I ignore", "IGNORED", _alone(ListIgnored())),
    Entry(
        ("WATCH",),
        "WATCH name",
        "tell me, with a bell, when a user comes",
        "WATCH dave",
        _named(Watch),
        Takes.ABSENT,
    ),
    Entry(
        ("UNWATCH",),
        "UNWATCH name",
        "no bell any more when a user comes",
        "UNWATCH dave",
        _named(Unwatch),
        Takes.ANYBODY,
    ),
    Entry(("WATCHED",), "WATCHED", "whom I watch", "WATCHED", _alone(ListWatched())),
    Entry(
        ("VERIFY",),
        "VERIFY name [words]",
        "compare words with a user, then believe the key",
        "VERIFY dave",
        _verify,
        Takes.ANYBODY,
    ),
    Entry(
        ("GO",),
        "GO [name|?]",
        "let each line go there; back; ?: where I can go",
        "GO dave",
        _go,
        Takes.PLACE,
    ),
    Entry(
        ("MUTE",),
        "MUTE [name]",
        "no bell until UNMUTE; of name: only count",
        "MUTE dave",
        _loud(Loud.HELD, Mute(True)),
        Takes.PLACE,
    ),
    Entry(
        ("DIM",),
        "DIM name",
        "show in grey what comes from there",
        "DIM dave",
        _loud(Loud.DIMMED),
        Takes.PLACE,
    ),
    Entry(
        ("UNMUTE",),
        "UNMUTE [name]",
        "the bell again; of name: show what comes",
        "UNMUTE dave",
        _loud(Loud.SHOWN, Mute(False)),
        Takes.PLACE,
    ),
    Entry(("MUTED",), "MUTED", "what is muted or dim", "MUTED", _alone(ListMuted())),
    Entry(
        ("DOCTOR",),
        "DOCTOR",
        "what keeps others from reaching me, and what to do",
        "DOCTOR",
        _alone(Diagnose()),
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
        "the first commands, a topic, all, or one of them",
        "HELP CHAT",
        lambda said: Help(said.rest or None),
        Takes.COMMAND,
    ),
)
