"""The events about letters: what was left for somebody, by me or for me."""

from peer.core.local_time import local_time
from peer.event import Event


class LettersWaited(Event, frozen=True):
    """`count` messages were left for me; each follows as a `Letter`.

    `is_live`: they came while my program ran, after those that had waited for its start.
    """

    count: int
    is_live: bool = False

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
    room: str = ""  #: of mine, of which it is a text that came by the mailbox

    @property
    def writer(self) -> str:
        """The sender as a screen shows them."""
        return self.sender if self.is_registered else f"{self.sender} (no longer registered)"

    def said(self) -> tuple[str, str]:
        place = f"#{self.room} " if self.room else ""
        return f"[{local_time(self.time):%Y-%m-%d %H:%M}] {place}{self.writer}: ", self.text


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
    at_next_start: bool = False  #: it waits for that, as this program is no longer registered

    def said(self) -> tuple[str, str]:
        if self.at_next_start:
            return f"Kept for {self.to}: it goes out at the next start.", ""
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
