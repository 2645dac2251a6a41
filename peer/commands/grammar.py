"""The commands, one struct each, and the context in which a line is typed."""

from enum import Enum

from msgspec import Struct

from shared.messages.common import Status

HISTORY_TEXTS = 20  # by default: as many as a screen shows
HISTORY_MOST = 1_000  # at once


class Context(Struct, frozen=True):
    """The situation in which a line is typed."""

    in_conversation: bool = False
    question_open: bool = False
    writing: bool = False  #: the user is writing a message for somebody who is away
    waiting: bool = False  #: my invitation is open; this does not change QUIT CONVERSATION
    talk_went_on: bool = False  #: texts came since the question was shown
    choices: tuple[str, ...] = ()  #: the words that answer an open question other than Y or N
    rooms: tuple[str, ...] = ()  #: what the user calls the rooms that they are in
    person: str = ""  #: the user to whom each line goes alone
    room: str = ""  #: the room for whose members each line is

    @property
    def is_elsewhere(self) -> bool:
        """Whether lines go to a place that is not home."""
        return bool(self.person or self.room)

    @property
    def takes_texts(self) -> bool:
        """Whether a line that is no command is a text for somebody."""
        return self.in_conversation or self.writing or self.is_elsewhere


class ListUsers(Struct, frozen=True):
    """Show users: those whose names begin so, or all of whom the directory tells."""

    beginning: str = ""


class Info(Struct, frozen=True):
    name: str


class SetStatus(Struct, frozen=True):
    """Set my status, and a note on it for others; without a status, show both."""

    status: Status | None
    note: str = ""


class Chat(Struct, frozen=True):
    name: str


class Add(Struct, frozen=True):
    """Bring users in: to my conversation, or to a room, with its `last` texts."""

    names: tuple[str, ...]
    room: str = ""
    last: int = 0


class FoundRoom(Struct, frozen=True):
    name: str


class ListRooms(Struct, frozen=True):
    pass


class PartRoom(Struct, frozen=True):
    """Leave a room for good."""

    room: str


class SayIn(Struct, frozen=True):
    """A text for a room."""

    room: str
    text: str


class ShowMembers(Struct, frozen=True):
    """Show who is in my conversation, or in a room."""

    room: str = ""


class WhoGot(Struct, frozen=True):
    """Show who has my last text: where I am, or in a room."""

    room: str = ""


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
    """The last texts of my conversation, those with `name`, of a room, or of the general chat.

    `name` may be that of a room, too, unless `is_user`.
    """

    name: str | None = None
    last: int = HISTORY_TEXTS
    to_all: bool = False
    room: str = ""
    is_user: bool = False


class Search(Struct, frozen=True):
    """Find what was said; with a user or a room, only in what was said there.

    `user` may be the name of a room, too, unless `is_user`.  `perhaps`: what it means if its
    last words, "in name", name a user or a room.
    """

    words: str
    user: str = ""
    room: str = ""
    perhaps: "Search | None" = None
    is_user: bool = False


class Ignore(Struct, frozen=True):
    name: str


class Unignore(Struct, frozen=True):
    name: str


class ListIgnored(Struct, frozen=True):
    pass


class Watch(Struct, frozen=True):
    name: str


class Unwatch(Struct, frozen=True):
    name: str


class ListWatched(Struct, frozen=True):
    pass


class Verify(Struct, frozen=True):
    """Verify a key.  `words`: as the other user read them out; without any, show them and ask."""

    name: str
    words: tuple[str, ...] = ()


class Mute(Struct, frozen=True):
    on: bool


class Loud(Enum):
    """The loudness of what comes for a place where I am not."""

    SHOWN = "UNMUTE"
    DIMMED = "DIM"
    HELD = "MUTE"


class SetLoudness(Struct, frozen=True):
    """Choose how loud a place is.  `sign`: as in `Go`."""

    name: str
    sign: str
    loud: Loud


class ListMuted(Struct, frozen=True):
    pass


class Go(Struct, frozen=True):
    """Go to the person or room of this name; without one, back.

    `sign`: `#` for a room, `@` for a person; "": whichever there is.
    """

    name: str = ""
    sign: str = ""


class ListPlaces(Struct, frozen=True):
    """Show where I can go."""


class Diagnose(Struct, frozen=True):
    """Find out what keeps others from reaching me."""


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
    ListUsers | Info | SetStatus | Chat | Add | FoundRoom | ListRooms | PartRoom | SayIn
    | ShowMembers | WhoGot | Answer | Choose | Private
    | ToAll
    | LeaveMessage | History | Search | Ignore | Unignore | ListIgnored
    | Watch | Unwatch | ListWatched
    | Verify | Mute | SetLoudness | ListMuted | Go | ListPlaces | Diagnose | Unregister
    | QuitConversation | Quit | Help | Say | WriteLine | EndWriting | Unknown | Wrong | Nothing
)  # fmt: skip
