"""The events that a peer tells its user: one small class for each thing that can happen.

A program matches on the classes; a screen shows `said()`, which is the text of
line mode.  Texts of other users are returned as they were written: the code that shows
them makes them harmless first (`shared.clean`).  `room` in an event names the room in which
it happened, without its `#`; empty: in my conversation.
"""

from peer.core.keys.name_marks import bare
from peer.core.lateness import Lateness
from peer.core.local_time import lasting, local_time
from peer.event import MIB, Event, Tell, nothing
from peer.letter_events import (
    KeptForLater,
    KeptNotSent,
    Letter,
    LetterLeft,
    LetterMissing,
    LetterReceived,
    LetterRefused,
    LettersWaited,
    NotYetLeft,
)
from shared.messages.common import Status
from shared.notes import with_note
from shared.wording import clause, sentence

__all__ = [  # besides the classes below
    "MIB", "Event", "KeptForLater", "KeptNotSent", "Letter", "LetterLeft", "LetterMissing",
    "LetterReceived", "LetterRefused", "LettersWaited", "NotYetLeft", "Tell", "nothing",
]  # fmt: skip


class Notice(Event, frozen=True):
    """A sentence for the user, without anything that a program needs."""

    text: str

    def said(self) -> tuple[str, str]:
        return "", self.text


class NameWanted(Event, frozen=True):
    """The user must type a name: the next line is taken as it."""

    why: str  #: why the former name cannot be used

    def said(self) -> tuple[str, str]:
        why = self.why.replace("; choose another name.", ".")  # once is enough
        return f"{why} Choose another name:", ""


class Registered(Event, frozen=True):
    name: str
    directory: str

    def said(self) -> tuple[str, str]:
        return f"You are {self.name}, connected to the directory at {self.directory}.", ""


class DirectoryKey(Event, frozen=True):
    """The key of a directory that we meet for the first time; reported once."""

    key: str  #: its fingerprint

    def said(self) -> tuple[str, str]:
        key = f"The directory's key is {self.key}"
        return f"{key}: compare it with what dirserver printed.", ""


class DirectoryAwaited(Event, frozen=True):
    """No directory answers at the start; it is tried until one does."""

    why: str

    def said(self) -> tuple[str, str]:
        trying = f"{clause(self.why)}: trying again, QUIT gives up"
        return f"{sentence(trying)} To find out why, type DOCTOR.", ""


class DirectoryLost(Event, frozen=True):
    def said(self) -> tuple[str, str]:
        return "Lost the directory, trying again.", ""


class DirectoryBack(Event, frozen=True):
    def said(self) -> tuple[str, str]:
        return "The directory is back.", ""


class DirectorySays(Event, frozen=True):
    """The directory's operator tells something to everybody."""

    text: str

    def said(self) -> tuple[str, str]:
        return "The directory says: ", self.text


class Came(Event, frozen=True):
    name: str
    is_watched: bool = False  #: my user asked to be told (WATCH)

    def said(self) -> tuple[str, str]:
        return f"* {self.name} is online.", ""


class Went(Event, frozen=True):
    name: str

    def said(self) -> tuple[str, str]:
        return f"* {self.name} is offline.", ""


class StatusIsNow(Event, frozen=True):
    """My status changed, set by the directory or by me."""

    status: Status
    note: str = ""  #: for others

    def said(self) -> tuple[str, str]:
        return f"Your status is now {with_note(self.status, self.note)}.", ""


class Invited(Event, frozen=True):
    """An invitation came; `Chat.answer(id, True)` accepts and leaves the talk with `leaves`."""

    id: str
    inviter: str
    members: tuple[str, ...]
    leaves: tuple[str, ...] = ()
    room: str = ""  #: into which they ask me; a yes leaves nothing
    is_namesake: bool = False  #: I am in another room of that name
    is_users_name: bool = False  #: a user whom I know is called like the room

    def said(self) -> tuple[str, str]:
        if self.room:
            count = "1 member" if len(self.members) == 1 else f"{len(self.members)} members"
            the = "another" if self.is_namesake else "the"
            asks = f"User {self.inviter} asks you into {the} room #{self.room} ({count})."
            also = f" {self.room} is the name of a user, too." if self.is_users_name else ""
            return f"{asks}{also} Would you like to join? (Y/N)", ""
        *rest, last = ["you", *(name for name in self.members if name != self.inviter)]
        talkers = f"{', '.join(rest)} and {last}" if rest else last
        leaves = f" Y leaves your conversation with {', '.join(self.leaves)}."
        question = f"User {self.inviter} wants to chat with {talkers}. Would you like to? (Y/N)"
        return question + (leaves if self.leaves else ""), ""


class InvitationOver(Event, frozen=True):
    """A question that I did not answer is closed."""

    id: str
    inviter: str
    text: str

    def said(self) -> tuple[str, str]:
        return self.text, ""


class Waiting(Event, frozen=True):
    """My question is on the callee's screen."""

    callee: str

    def said(self) -> tuple[str, str]:
        return f"Waiting for {self.callee}'s response...", ""


class Connected(Event, frozen=True):
    """A conversation begins."""

    others: tuple[str, ...]

    def said(self) -> tuple[str, str]:
        return f"You are now connected with {', '.join(self.others)}.", ""


class InRoom(Event, frozen=True):
    """I am in a room now; it stands until its last member has left it."""

    room: str
    others: tuple[str, ...]

    def said(self) -> tuple[str, str]:
        others = ", ".join(self.others)
        alone = f"alone: ADD name TO {self.room} asks somebody in"
        return f"You are in the room #{self.room}, {f'with {others}' if others else alone}.", ""


class BackInRooms(Event, frozen=True):
    """My program has started, and I am in these rooms as before."""

    rooms: tuple[str, ...]

    def said(self) -> tuple[str, str]:
        rooms = ", ".join(f"#{room}" for room in self.rooms)
        return f"You are in the room{'s' if len(self.rooms) > 1 else ''} {rooms}.", ""


def _where(room: str) -> str:
    return f"the room #{room}" if room else "the conversation"


def _before(room: str) -> str:
    """Return what is shown before a sentence about something in a room."""
    return f"#{room}: " if room else ""


def _head(tag: str, sender: str, late: Lateness | None) -> str:
    """Return what is shown before a text."""
    if late is None:
        return f"{tag}{sender}: "
    return f"[{local_time(late.written):%Y-%m-%d %H:%M}] {tag}{sender} {late}: "


class Said(Event, frozen=True):
    """A text in the conversation, or in a room."""

    sender: str
    text: str
    late: Lateness | None = None
    room: str = ""

    def said(self) -> tuple[str, str]:
        return _head(f"#{self.room} " if self.room else "", self.sender, self.late), self.text


class SaidPrivately(Event, frozen=True):
    sender: str
    text: str
    late: Lateness | None = None

    def said(self) -> tuple[str, str]:
        return _head("[private] ", self.sender, self.late), self.text


class FirstLine(Event, frozen=True):
    """A user whom I have never answered writes to me for the first time; the text follows."""

    sender: str

    def said(self) -> tuple[str, str]:
        who = self.sender
        ignore = f"IGNORE {bare(who)} hears no more."
        return f"{who} writes to you for the first time; {ignore}", ""


class SaidToAll(Event, frozen=True):
    sender: str
    text: str
    late: Lateness | None = None

    def said(self) -> tuple[str, str]:
        return _head("[all] ", self.sender, self.late), self.text


class Missing(Event, frozen=True):
    """The next text answers one that has not come yet."""

    room: str = ""

    def said(self) -> tuple[str, str]:
        return f"{_before(self.room)}Something that was said before is still missing.", ""


class TextsCome(Event, frozen=True):
    """Many texts come that were said while I was away."""

    count: int
    room: str = ""

    def said(self) -> tuple[str, str]:
        return f"{_before(self.room)}{self.count:,} texts come that were said meanwhile.", ""


class DiskFilling(Event, frozen=True):
    """An author has filled half of the bytes that we keep of them in a day."""

    author: str
    bytes: int  #: the whole amount

    def said(self) -> tuple[str, str]:
        half, whole = self.bytes // 2 // MIB, self.bytes // MIB
        who = self.author
        return f"{who} has written {half} MiB today; at {whole} MiB you are asked for more.", ""


class KeepMore(Event, frozen=True):
    """An author has filled the whole amount; the rest waits until `Chat.keep_more`."""

    author: str
    bytes: int

    def said(self) -> tuple[str, str]:
        whole = self.bytes // MIB
        return f"{self.author} has written {whole} MiB today. Keep more of it? (Y/N)", ""


class SaidDifferently(Event, frozen=True):
    """A member has signed different texts for me and for somebody else in the same place."""

    author: str
    to: str = ""  #: the member who showed it; "" when nobody knows who has the other texts
    room: str = ""

    def said(self) -> tuple[str, str]:
        who = f"{_before(self.room)}{self.author}"
        return f"{who} has said different things to you and {self.to or 'others'}.", ""


class BackInConversation(Event, frozen=True):
    """A conversation that was interrupted goes on."""

    others: tuple[str, ...]

    def said(self) -> tuple[str, str]:
        return f"You are back in the conversation with {', '.join(self.others)}.", ""


class MemberJoined(Event, frozen=True):
    name: str
    room: str = ""

    def said(self) -> tuple[str, str]:
        return f"User {self.name} joined {_where(self.room)}.", ""


class NotYetDelivered(Event, frozen=True):
    """A member has lacked a text of mine for some seconds; reported once until `Delivered`."""

    to: str
    room: str = ""

    def said(self) -> tuple[str, str]:
        return f"{_before(self.room)}Not yet delivered to {self.to}.", ""


class Delivered(Event, frozen=True):
    """All that I wrote, or a line that was kept, is on their disk at last, after a delay."""

    to: str
    room: str = ""

    def said(self) -> tuple[str, str]:
        return f"{_before(self.room)}Delivered to {self.to}.", ""


class MailboxFull(Event, frozen=True):
    """The directory takes no more texts of a room for a member who is away; told once."""

    to: str
    room: str

    def said(self) -> tuple[str, str]:
        full = f"The mailbox of {self.to} takes no more of #{self.room}"
        return f"{full}: {self.to} gets the rest from any member who is there.", ""


class MemberLost(Event, frozen=True):
    name: str

    def said(self) -> tuple[str, str]:
        return f"Lost the connection to {self.name}, trying again.", ""


class MemberBack(Event, frozen=True):
    name: str

    def said(self) -> tuple[str, str]:
        return f"{self.name} is back.", ""


class MemberLeft(Event, frozen=True):
    name: str
    because: str = ""
    room: str = ""

    def said(self) -> tuple[str, str]:
        because = f" ({self.because})" if self.because else ""
        return f"User {self.name} left {_where(self.room)}{because}.", ""


class OutOfReach(Event, frozen=True):
    """I was out of reach for `seconds`, and the others went on."""

    seconds: float
    others: tuple[str, ...]

    def said(self) -> tuple[str, str]:
        *rest, last = self.others
        others = f"{', '.join(rest)} and {last}" if rest else last
        return f"You were out of reach for {lasting(self.seconds)}; {others} went on.", ""


class ConversationOver(Event, frozen=True):
    """The conversation is over, because I am alone in it."""

    def said(self) -> tuple[str, str]:
        return "The conversation is over.", ""


class ConversationLeft(Event, frozen=True):
    """I left the conversation, or a room."""

    room: str = ""

    def said(self) -> tuple[str, str]:
        if self.room:
            return f"You have left the room #{self.room}.", ""
        return "You have just left your last conversation.", ""


class NotDelivered(Event, frozen=True):
    to: str
    reason: str
    room: str = ""

    def said(self) -> tuple[str, str]:
        return f"{_before(self.room)}Not delivered to {self.to}: ", f"{self.reason}."
