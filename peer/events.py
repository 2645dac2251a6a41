"""The events that a peer tells its user: one small class for each thing that can happen.

A program matches on the classes; a screen shows `said()`, which is the text of
line mode.  Texts of other users are returned as they were written: the code that shows
them makes them harmless first (`shared.clean`).
"""

from collections.abc import Callable

from msgspec import Struct

from peer.core.keys.name_marks import bare
from peer.core.lateness import Lateness
from peer.core.local_time import lasting, local_time
from shared.messages.common import Status
from shared.notes import with_note

MIB = 1024 * 1024


class Event(Struct, frozen=True):
    """Something happened.  `said()` returns a beginning of ours and a text that may be theirs."""

    def said(self) -> tuple[str, str]:
        raise NotImplementedError

    def __str__(self) -> str:
        return "".join(self.said())

    def lines(self) -> list[str]:
        """Return the parts that begin a new line on the screen."""
        return [str(self)]


Tell = Callable[[Event, Callable[[], None]], None]
"""Shows the event, then calls the function, to acknowledge what was shown.  Never blocks."""


def nothing() -> None:
    """Do nothing, after an event that nobody acknowledges."""


class Notice(Event, frozen=True):
    """A sentence for the user, without anything that a program needs."""

    text: str

    def said(self) -> tuple[str, str]:
        return "", self.text


class NameWanted(Event, frozen=True):
    """The user must type a name: the next line is taken as it."""

    why: str  #: why the former name cannot be used

    def said(self) -> tuple[str, str]:
        return f"{self.why} Choose another name:", ""


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

    def said(self) -> tuple[str, str]:
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


def _head(tag: str, sender: str, late: Lateness | None) -> str:
    """Return what is shown before a text."""
    if late is None:
        return f"{tag}{sender}: "
    return f"[{local_time(late.written):%Y-%m-%d %H:%M}] {tag}{sender} {late}: "


class Said(Event, frozen=True):
    """A text in the conversation."""

    sender: str
    text: str
    late: Lateness | None = None

    def said(self) -> tuple[str, str]:
        return _head("", self.sender, self.late), self.text


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

    def said(self) -> tuple[str, str]:
        return "Something that was said before is still missing.", ""


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

    def said(self) -> tuple[str, str]:
        return f"{self.author} has said different things to you and {self.to or 'others'}.", ""


class BackInConversation(Event, frozen=True):
    """A conversation that was interrupted goes on."""

    others: tuple[str, ...]

    def said(self) -> tuple[str, str]:
        return f"You are back in the conversation with {', '.join(self.others)}.", ""


class MemberJoined(Event, frozen=True):
    name: str

    def said(self) -> tuple[str, str]:
        return f"User {self.name} joined the conversation.", ""


class NotYetDelivered(Event, frozen=True):
    """A member has lacked a text of mine for some seconds; reported once until `Delivered`."""

    to: str

    def said(self) -> tuple[str, str]:
        return f"Not yet delivered to {self.to}.", ""


class Delivered(Event, frozen=True):
    """All that I wrote, or a line that was kept, is on their disk at last, after a delay."""

    to: str

    def said(self) -> tuple[str, str]:
        return f"Delivered to {self.to}.", ""


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

    def said(self) -> tuple[str, str]:
        because = f" ({self.because})" if self.because else ""
        return f"User {self.name} left the conversation{because}.", ""


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
    """I left the conversation."""

    def said(self) -> tuple[str, str]:
        return "You have just left your last conversation.", ""


class LettersWaited(Event, frozen=True):
    """`count` messages were left for me; each follows as a `Letter`."""

    count: int

    def said(self) -> tuple[str, str]:
        if self.count == 1:
            return "1 message was left for you:", ""
        return f"{self.count} messages were left for you:", ""


class Letter(Event, frozen=True):
    """A message that was left for me, written at `time`, in seconds since 1970.

    `is_registered`: False when its sender has given the name back since.
    """

    sender: str
    time: float
    text: str
    is_registered: bool = True

    @property
    def writer(self) -> str:
        """The sender as a screen shows them."""
        return self.sender if self.is_registered else f"{self.sender} (no longer registered)"

    def said(self) -> tuple[str, str]:
        return f"[{local_time(self.time):%Y-%m-%d %H:%M}] {self.writer}: ", self.text


class LetterMissing(Event, frozen=True):
    """A letter of this sender has not come, between the last one and the one that follows."""

    sender: str

    def said(self) -> tuple[str, str]:
        sender = self.sender
        return (
            f"A message that {sender} left before the next one has not come;"
            " it may have waited too long."
        ), ""


class LetterLeft(Event, frozen=True):
    """The directory has my message safely on disk."""

    to: str

    def said(self) -> tuple[str, str]:
        return f"Message left for {self.to}.", ""


class KeptForLater(Event, frozen=True):
    """Something that I wrote waits on my disk until the directory is back."""

    to: str

    def said(self) -> tuple[str, str]:
        return f"Kept for {self.to} until the directory is back.", ""


class KeptNotSent(Event, frozen=True):
    """Texts kept for a user can never be sent, and are dropped."""

    to: str
    reason: str  #: a sentence
    texts: tuple[str, ...]

    def said(self) -> tuple[str, str]:
        texts = ", ".join(f'"{text}"' for text in self.texts)
        return f"Not sent to {self.to}: ", f"{self.reason} It was kept: {texts}."


class LetterReceived(Event, frozen=True):
    """A message that I wrote at `time` is on its receiver's disk."""

    by: str
    time: float

    def said(self) -> tuple[str, str]:
        return f"{self.by} received your message of {local_time(self.time):%H:%M}.", ""


class LetterRefused(Event, frozen=True):
    """A message of mine was refused by its receiver's program: it will not be shown."""

    by: str
    time: float
    reason: str

    def said(self) -> tuple[str, str]:
        at = f"{local_time(self.time):%H:%M}"
        return f"{self.by} did not take your message of {at}: ", f"{self.reason}."


class NotYetLeft(Event, frozen=True):
    """Texts of mine that a member lacks wait on my disk for the directory's mailbox."""

    to: str
    reason: str

    def said(self) -> tuple[str, str]:
        return f"Not yet left for {self.to}, and kept here until it is: ", f"{self.reason}."


class NotDelivered(Event, frozen=True):
    to: str
    reason: str

    def said(self) -> tuple[str, str]:
        return f"Not delivered to {self.to}: ", f"{self.reason}."
