"""Keep my status: the one that I chose, or else what I am doing."""

from typing import Final

import trio

from peer import events
from peer.core.invitation.questions import Situation
from peer.core.myself import Registration
from peer.events import Tell
from peer.runtime.directory.directory_client import DirectoryClient
from shared.messages.common import Status
from shared.messages.directory import SetStatus, Stir

STIR_SECONDS: Final = 30.0  # between two STIRs, at most
STIR_SHARE: Final = 4.0  # nor is that more than a quarter of the time until INACTIVE


class OwnPresence:
    """My status: BUSY in a conversation, ACTIVE outside, unless one was chosen by hand."""

    def __init__(
        self, registration: Registration, directory: DirectoryClient, situation: Situation,
        tell: Tell,
    ) -> None:  # fmt: skip
        self._registration, self._directory = registration, directory
        self._situation, self._tell = situation, tell
        self.idle_after = 300.0  #: seconds; the directory tells its own value
        self._chosen: Status | None = None
        self._is_idle = False  # so INACTIVE, unless we talk or chose another status
        self._talks = False
        self._last_stir = float("-inf")

    @property
    def status(self) -> Status:
        return self._registration.status

    @property
    def note(self) -> str:
        """My note on it, for others."""
        return self._registration.note

    def choose(self, status: Status, note: str = "") -> None:
        """Choose a status by hand: neither a conversation nor the directory changes it any more.

        ACTIVE outside of a conversation makes it automatic again; within
        one it holds as long as the conversation.  The note stays until the next choice.

        Raises Displaced, since nobody would ever be told.
        """
        self._directory.check_not_displaced()
        self._is_idle = False
        is_noted, self._registration.note = note != self.note, note
        self._chosen = status if status is not Status.ACTIVE or self._talks else None
        self.put(is_noted=is_noted)
        if self._directory.is_there:
            self._tell(events.StatusIsNow(status, note), events.nothing)
        else:
            words = f"Your status will be {status.value} when the directory is back."
            self._tell(events.Notice(words), events.nothing)

    def talks(self, talks: bool) -> None:
        """Note that a conversation began, or ended."""
        self._talks = talks
        if not talks and self._chosen is Status.ACTIVE:
            self._chosen = None
        self.put()

    def put(self, *, is_noted: bool = False) -> None:
        """Tell the directory, now or when we come back to it, and those who invite me.

        `is_noted`: the note is another one.
        """
        status, by_hand = self._chosen or self._automatic, self._chosen is not None
        registered = (self._registration.status, self._registration.by_hand)
        if is_noted or (status, by_hand) != registered:
            self._registration.status, self._registration.by_hand = status, by_hand
            self._directory.tell(SetStatus(0, status, by_hand, self.note))
        self._situation.busy = self._talks or status is Status.BUSY

    def repeat(self) -> None:
        """Tell a directory that we have moved to: the status may have changed on the way."""
        mine = self._registration
        self._directory.tell(SetStatus(0, mine.status, mine.by_hand, mine.note))

    @property
    def _automatic(self) -> Status:
        if self._talks:
            return Status.BUSY
        return Status.INACTIVE if self._is_idle else Status.ACTIVE

    def changed(self, status: Status) -> None:
        """Take a status from the directory: nobody touched the keys, or somebody did again.

        Ignore one that does not hold: what we set meanwhile is newer.
        """
        if self._talks or self._chosen is not None:
            return
        self._is_idle = status is Status.INACTIVE
        self._registration.status = status
        self._tell(events.StatusIsNow(status), events.nothing)

    def stir(self) -> None:
        """Note that somebody touched the keys."""
        self._is_idle = False
        if not self._directory.is_there:
            self.put()  # for when we come back to it
        now = trio.current_time()
        pause = min(STIR_SECONDS, self.idle_after / STIR_SHARE)
        pause = 0.0 if self.status is Status.INACTIVE else pause
        if now - self._last_stir >= pause and self._directory.is_there:
            self._last_stir = now
            self._directory.tell(Stir())
