"""Texts on their way to the screen, and from there to the disk, in one order."""

from collections import deque
from collections.abc import Iterable

from peer import events
from peer.core.conversation.actions import Action, Keep, Read, Show
from peer.core.conversation.incoming.inbox import Ready
from shared.messages.peers import Origin, Text


class ScreenQueue:
    """The texts that were given to the screen, and are not on disk yet."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._reading: deque[Text] = deque()  # given to the screen, in this order
        self._shown: set[tuple[Origin, int]] = set()  # which of these were shown
        self._count = 0  # with those that wait for the disk only

    @property
    def is_empty(self) -> bool:
        """Whether all of them are on disk."""
        return not self._count

    def show(self, ready: Iterable[Ready]) -> list[Action]:
        """Give texts to the screen."""
        actions: list[Action] = []
        for one in ready:
            self._count += 1
            if one.text.author == self._me:
                actions.append(Keep(one.text))  # which our disk had lost
                continue
            if one.gap:
                actions.append(Show(events.Missing()))
            self._reading.append(one.text)
            actions.append(Read(one.text))
        return actions

    def note_shown(self, text: Text) -> bool:
        """Note that a text was shown; return False if it has been discarded."""
        if text not in self._reading:
            return False
        self._shown.add((text.origin, text.seq))
        return True

    def keep_shown(self) -> list[Action]:
        """Keep the texts that were shown, but none before an earlier one.

        A text of which nothing is to be shown overtakes those on their way to the screen.
        On disk, and so in our acknowledgements, it would count for these too.
        """
        actions: list[Action] = []
        while self._reading:
            place = (self._reading[0].origin, self._reading[0].seq)
            if place not in self._shown:
                break
            self._shown.remove(place)
            actions.append(Keep(self._reading.popleft()))
        return actions

    def discard(self, forged: list[Text]) -> list[Text]:
        """Take back those of these texts that are here; return them."""
        discarded = [one for one in self._reading if one in forged]
        for one in discarded:
            self._reading.remove(one)
            self._shown.discard((one.origin, one.seq))
        self._count -= len(discarded)
        return discarded

    def kept(self) -> None:
        """Note that one of them is on disk."""
        self._count -= 1
