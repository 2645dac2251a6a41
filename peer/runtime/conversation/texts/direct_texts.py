"""The texts of my conversations that came over links, for the letters that copy them."""

from peer.core.arrivals import TextPlace
from peer.runtime.conversation.progress import Progress
from peer.runtime.conversation.stays import Stays
from peer.runtime.conversation.texts.text_display import TextDisplay
from peer.storage.rooms import RoomStore
from shared.sealing import About


class DirectTexts:
    """`progress` wakes whoever waits until a text has come, or is on disk."""

    def __init__(
        self, stays: Stays, display: TextDisplay, progress: Progress, rooms: RoomStore
    ) -> None:
        self._stays, self._display, self.progress = stays, display, progress
        self._rooms = rooms

    def has_come(self, place: TextPlace) -> bool:
        """Whether this text came directly, not as a letter, and was shown or is about to be."""
        origin = (place.conversation, place.author, place.epoch)
        return any(
            one.core.incoming.has_come(place.author, place.epoch, place.seq)
            for one in self._stays.of(place.conversation)
        ) or any(
            origin == (text.conversation, *text.origin) and text.seq <= place.seq <= text.last_seq
            for text in self._display.unkept
        )

    def received_from_mailbox(self, by: str, about: About) -> bool:
        """Note a receipt for the copy of a text; return whether it is news for the user.

        `by` is a member id.  In a room it is not: the user read of no copy that was left.
        """
        is_told = not self._rooms.has(about.conversation)
        for one in self._stays.of(about.conversation):
            was_there = one.core.outgoing.has(by, about.epoch, about.seq)
            one.perform(one.core.outgoing.taken_from_mailbox(by, about.epoch, about.seq))
            return is_told and not was_there
        return is_told  # the conversation is over: nothing else says that they have it
