"""HELP: the commands of the first day, the topics, everything, or one command."""

from enum import Enum

from msgspec import Struct

from peer.commands.grammar import Context, Unknown
from peer.commands.parsing import begun, nearest, unknown_text
from peer.commands.table import TABLE, Entry

COLUMN = 27  # the longest usage; the meanings end before column 80
EVERYTHING = "ALL"
FIRST_DAY = (
    "LIST USERS", "CHAT", "Y", "PRV", "LEAVE", "ADD", "HISTORY", "QUIT CONVERSATION", "QUIT",
    "HELP",
)  # fmt: skip


class Topic(Enum):
    """The topics of HELP; each lists commands by their first words."""

    PEOPLE = ("LIST USERS", "INFO", "STATUS", "WATCH", "UNWATCH", "WATCHED")
    TALK = (
        "CHAT", "Y", "ADD", "MEMBERS", "WHO GOT", "QUIT CONVERSATION",
        "ROOM", "ROOMS", "TO", "PART",
    )  # fmt: skip
    MESSAGES = ("PRV", "MSG", "LEAVE")
    TARGETS = ("GO", "MUTE", "DIM", "UNMUTE", "MUTED")
    PAST = ("HISTORY", "SEARCH")
    SAFETY = ("IGNORE", "UNIGNORE", "IGNORED", "VERIFY", "UNREGISTER")
    PROGRAM = ("DOCTOR", "HELP", "QUIT")


class Page(Struct, frozen=True):
    """Some commands, and the notes below them."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return lines of less than 80 columns."""
        listed = [f"{entry.usage:<{COLUMN}}  {entry.meaning}" for entry in self.entries]
        return [*listed, *self.notes]


_GOING = (
    "At a terminal Alt-1 to Alt-9 go where GO ? says, Alt-A where something is",
    "unread, Ctrl-N and Ctrl-P to the next place and the one before; Alt-G types GO.",
    "Where lines are texts, GO is a command in capitals only, or as /go.",
)
_WITHOUT_DIRECTORY = ("Where no directory answers, type in a shell: peer NAME DOCTOR",)
_NOTES = (
    "Inside a conversation a line is text for it, unless it begins with /, @ or #.",
    "HELP command says more about one of them.",
)


_MORE = {Topic.TARGETS: _GOING, Topic.PROGRAM: _WITHOUT_DIRECTORY}


def page(topic: str | None) -> Page | None:
    """Return the page of a topic; None if it is a single command, or unknown."""
    if topic is None:
        topics = ", ".join(each.name for each in Topic)
        notes = (
            f"HELP and a topic: {topics}.",
            f"HELP {EVERYTHING} lists every command.",
            *_NOTES,
        )
        return Page(tuple(map(_named, FIRST_DAY)), notes)
    words = topic.strip().upper()
    if words == EVERYTHING:
        return Page(TABLE, _NOTES)
    if words in Topic.__members__:
        more = _MORE.get(Topic[words], ())
        return Page(tuple(map(_named, Topic[words].value)), (*more, *_NOTES[1:]))
    return None


def is_topic(text: str | None) -> bool:
    """Return whether HELP knows this topic or command; None is the first page."""
    return page(text) is not None or (text is not None and begun(text, Context()) is not None)


def help_lines(topic: str | None = None) -> list[str]:
    """Return the page of a topic, or up to three lines about a command, below 80 columns."""
    if found := page(topic):
        return found.lines()
    assert topic is not None, "without a topic there is a page"
    start = begun(topic, Context())
    if start is None:
        return [unknown_text(Unknown(topic, nearest(topic)))]
    entry = start.entry
    return [
        f"{entry.usage}: {entry.meaning}.",
        *([f"Also: {', '.join(entry.words[1:])}."] if entry.words[1:] else []),
        f"Example: {entry.example}",
    ]


def _named(word: str) -> Entry:
    return next(entry for entry in TABLE if entry.words[0] == word)
