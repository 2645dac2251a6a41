"""Decide when the bell rings, and count what has not been read.

The bell rings for what is meant for me: an invitation, a private line, my name, and somebody
whom I watch.
"""

from typing import Final

from peer import events
from peer.core.targets.place import Place, place_of
from peer.events import Event
from peer.screen.catching_up import NotAllShown
from peer.screen.shown_names import mentions
from peer.screen.ui_state import UiState
from shared.clean import clean
from shared.messages.common import Status

BELL_SECONDS: Final = 3.0  # between two bells
CATCH_UP_SECONDS: Final = 2.0  # a text this soon after coming back was said before
NOTICE_CHARACTERS: Final = 200  # of a text in a notification


class Attention:
    """Counts what is unread, and calls for attention.

    `notify`: with a notification of the terminal too (OSC 9); `with_text`: including the text.
    """

    def __init__(self, *, notify: bool = False, with_text: bool = False) -> None:
        self._notify, self._with_text = notify, with_text
        self._rung = -BELL_SECONDS
        self._back_at = -CATCH_UP_SECONDS
        self.letters = 0  #: messages that waited for me when I came
        self.letters_shown = 0  #: how many of these are shown
        self.unread = 0  #: lines of others since the last key
        self.unread_elsewhere = 0  #: of these, those counted at a place where I am not

    def touched(self) -> None:
        """Note that a key was hit: what is on the screen was read."""
        self.unread = self.unread_elsewhere = 0

    def heed(self, event: Event, ui_state: UiState, now: float) -> str:
        """Count the event, and return what makes a terminal call the user: "" or a bell, or more.

        `now`: seconds of any clock.
        """
        before = self.unread
        who = self._calls(event, ui_state, now)
        if _is_for_another_place(event, ui_state):
            self.unread_elsewhere += self.unread - before
        if not who or ui_state.is_muted or now - self._rung < BELL_SECONDS:
            return ""
        self._rung = now
        return "\a" + (_osc_9(self._notice(event, who)) if self._notify else "")

    def _calls(self, event: Event, ui_state: UiState, now: float) -> str:
        """Count the event; return the user who wants my attention, or an empty name."""
        is_busy = ui_state.status is Status.BUSY
        match event:
            case events.LettersWaited(count=count, is_live=False):
                self.letters, self.letters_shown = count, 0
            case events.Letter(sender=sender, room=room):
                self.unread += 1
                if self.letters_shown < self.letters:
                    self.letters_shown += 1
                    return ""
                return "" if is_busy or room else sender
            case events.BackInConversation():
                self._back_at = now
            case events.Invited(inviter=inviter):
                return "" if is_busy else inviter
            case events.Came(name=name, is_watched=True):
                return "" if is_busy else name
            case events.SaidPrivately(sender=sender):
                self.unread += 1
                return "" if is_busy else sender
            case events.Said(sender=sender, text=text):
                self.unread += 1
                is_late = now - self._back_at < CATCH_UP_SECONDS
                return sender if mentions(text, ui_state.me) and not is_late else ""
            case NotAllShown(count=count):
                self.unread += count
            case events.SaidToAll(sender=sender, text=text):
                self.unread += 1
                return sender if mentions(text, ui_state.me) and not is_busy else ""
        return ""

    def _notice(self, event: Event, who: str) -> str:
        if isinstance(event, events.Invited):
            if event.room:
                return f"{who} asks you into #{event.room}"
            return f"{who} wants to chat with you"
        if isinstance(event, events.Came):
            return f"{who} is online"
        _, text = event.said()
        return f"{who}: {text[:NOTICE_CHARACTERS]}" if self._with_text else f"A message from {who}"


def _is_for_another_place(event: Event, ui_state: UiState) -> bool:
    """Whether `peer.core.targets.places` counts it as unread at a place or of others."""
    match event:
        case NotAllShown(room=room):
            return not Place(room=room).is_same(ui_state.here)
        case events.Said() | events.SaidPrivately() | events.Letter():
            place = place_of(event, (room for room, _ in ui_state.rooms))
            return place is None or not place.is_same(ui_state.here)
    return False


def _osc_9(text: str) -> str:
    return f"\x1b]9;{' '.join(clean(text).split())}\a"
