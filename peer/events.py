"""What a peer tells its user: one small class for each thing that can happen.

A program matches on the classes; a screen shows `said()`, which is the text of
line mode.  Texts of other users come out as they were written: whoever shows
them makes them harmless first (`peer.screen.clean`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.messages import Status


class Event:
    """Something happened.  `said()` is a beginning that is ours and a text that may be theirs."""

    def said(self) -> tuple[str, str]:
        raise NotImplementedError

    def __str__(self) -> str:
        return "".join(self.said())


Tell = Callable[[Event, Callable[[], None]], None]
"""Show this, then call the function: only what was shown is acknowledged.  Never blocks."""


def nothing() -> None:
    """To call after what nobody waits for."""


@dataclass(frozen=True)
class Notice(Event):
    """A sentence for the user, with nothing in it that a program would need."""

    text: str

    def said(self) -> tuple[str, str]:
        return "", self.text


@dataclass(frozen=True)
class Registered(Event):
    name: str
    directory: str

    def said(self) -> tuple[str, str]:
        return f"You are {self.name}, connected to the directory at {self.directory}.", ""


@dataclass(frozen=True)
class DirectoryLost(Event):
    def said(self) -> tuple[str, str]:
        return "Lost the directory, trying again.", ""


@dataclass(frozen=True)
class DirectoryBack(Event):
    def said(self) -> tuple[str, str]:
        return "The directory is back.", ""


@dataclass(frozen=True)
class Came(Event):
    name: str

    def said(self) -> tuple[str, str]:
        return f"* {self.name} is online.", ""


@dataclass(frozen=True)
class Went(Event):
    name: str

    def said(self) -> tuple[str, str]:
        return f"* {self.name} is offline.", ""


@dataclass(frozen=True)
class StatusIsNow(Event):
    """My status changed, by the directory's hand or by mine."""

    status: Status

    def said(self) -> tuple[str, str]:
        return f"Your status is now {self.status.value}.", ""


@dataclass(frozen=True)
class Invited(Event):
    """Somebody asks; `Peer.answer(id, True)` says yes.  `leaves`: whom a yes would leave."""

    id: str
    inviter: str
    members: tuple[str, ...]
    leaves: tuple[str, ...] = ()

    def said(self) -> tuple[str, str]:
        others = [name for name in self.members if name != self.inviter]
        talkers = " and ".join(["you", ", ".join(others)]) if others else "you"
        leaves = f" Y leaves your conversation with {', '.join(self.leaves)}."
        question = f"User {self.inviter} wants to chat with {talkers}. Would you like to? (Y/N)"
        return question + (leaves if self.leaves else ""), ""


@dataclass(frozen=True)
class InvitationOver(Event):
    """A question that I had not answered is closed."""

    id: str
    inviter: str
    text: str

    def said(self) -> tuple[str, str]:
        return self.text, ""


@dataclass(frozen=True)
class Waiting(Event):
    """My question stands on the other's screen."""

    callee: str

    def said(self) -> tuple[str, str]:
        return f"Waiting for {self.callee}'s response...", ""


@dataclass(frozen=True)
class Connected(Event):
    """A conversation begins."""

    others: tuple[str, ...]

    def said(self) -> tuple[str, str]:
        return f"You are now connected with {', '.join(self.others)}.", ""


@dataclass(frozen=True)
class Said(Event):
    """A text in the conversation."""

    sender: str
    text: str

    def said(self) -> tuple[str, str]:
        return f"{self.sender}: ", self.text


@dataclass(frozen=True)
class SaidPrivately(Event):
    sender: str
    text: str

    def said(self) -> tuple[str, str]:
        return f"[private] {self.sender}: ", self.text


@dataclass(frozen=True)
class SaidToAll(Event):
    sender: str
    text: str

    def said(self) -> tuple[str, str]:
        return f"[all] {self.sender}: ", self.text


@dataclass(frozen=True)
class Missing(Event):
    """The text that follows answers one that has not come yet."""

    def said(self) -> tuple[str, str]:
        return "Something that was said before is still missing.", ""


@dataclass(frozen=True)
class BackInConversation(Event):
    """A conversation that was interrupted goes on."""

    others: tuple[str, ...]

    def said(self) -> tuple[str, str]:
        return f"You are back in the conversation with {', '.join(self.others)}.", ""


@dataclass(frozen=True)
class MemberJoined(Event):
    name: str

    def said(self) -> tuple[str, str]:
        return f"User {self.name} joined the conversation.", ""


@dataclass(frozen=True)
class NotYetDelivered(Event):
    """For some seconds now a member lacks a text of mine; said once, until `Delivered`."""

    to: str

    def said(self) -> tuple[str, str]:
        return f"Not yet delivered to {self.to}.", ""


@dataclass(frozen=True)
class Delivered(Event):
    """All that I wrote is on their disk, after it had taken long."""

    to: str

    def said(self) -> tuple[str, str]:
        return f"Delivered to {self.to}.", ""


@dataclass(frozen=True)
class MemberLost(Event):
    name: str

    def said(self) -> tuple[str, str]:
        return f"Lost the connection to {self.name}, trying again.", ""


@dataclass(frozen=True)
class MemberBack(Event):
    name: str

    def said(self) -> tuple[str, str]:
        return f"{self.name} is back.", ""


@dataclass(frozen=True)
class MemberLeft(Event):
    name: str
    because: str = ""

    def said(self) -> tuple[str, str]:
        because = f" ({self.because})" if self.because else ""
        return f"User {self.name} left the conversation{because}.", ""


@dataclass(frozen=True)
class ConversationOver(Event):
    """The last one left alone."""

    def said(self) -> tuple[str, str]:
        return "The conversation is over.", ""


@dataclass(frozen=True)
class ConversationLeft(Event):
    """I left it."""

    def said(self) -> tuple[str, str]:
        return "You have just left your last conversation.", ""


@dataclass(frozen=True)
class LettersWaited(Event):
    """So many messages were left for me; each follows as a `Letter`."""

    count: int

    def said(self) -> tuple[str, str]:
        if self.count == 1:
            return "1 message was left for you:", ""
        return f"{self.count} messages were left for you:", ""


@dataclass(frozen=True)
class Letter(Event):
    """A message that was left for me.  `time`: when it was written, seconds since 1970."""

    sender: str
    time: float
    text: str

    def said(self) -> tuple[str, str]:
        return f"[{local_time(self.time):%Y-%m-%d %H:%M}] {self.sender}: ", self.text


@dataclass(frozen=True)
class LetterLeft(Event):
    """The directory has my message safely on disk."""

    to: str

    def said(self) -> tuple[str, str]:
        return f"Message left for {self.to}.", ""


@dataclass(frozen=True)
class LetterReceived(Event):
    """A message of mine is on its receiver's disk.  `time`: when I wrote it."""

    by: str
    time: float

    def said(self) -> tuple[str, str]:
        return f"{self.by} received your message of {local_time(self.time):%H:%M}.", ""


@dataclass(frozen=True)
class NotDelivered(Event):
    to: str
    reason: str

    def said(self) -> tuple[str, str]:
        return f"Not delivered to {self.to}: ", f"{self.reason}."


def local_time(seconds: float) -> datetime:
    """The time of day here.  Any time that the wire lets pass can be shown."""
    try:
        return datetime.fromtimestamp(seconds).astimezone()
    except (ValueError, OverflowError, OSError):
        return datetime(1970, 1, 1)
