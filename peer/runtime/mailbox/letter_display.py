"""Show letters that are in the journal, and note there that they were shown."""

from peer import events
from peer.core.myself import Myself
from peer.runtime.conversation.rooms import Rooms
from peer.runtime.incoming import Incoming
from peer.runtime.mailbox.announcer import Announcer
from peer.runtime.mailbox.sender_check import StrangerLetters
from peer.storage.letters import LetterStore, WaitingLetter
from shared.sealing import Letter


class LetterDisplay:
    def __init__(
        self, announcer: Announcer, incoming: Incoming, strangers: StrangerLetters,
        kept: LetterStore, rooms: Rooms, myself: Myself,
    ) -> None:  # fmt: skip
        self._announcer, self._incoming, self._strangers = announcer, incoming, strangers
        self._kept, self._rooms, self._myself = kept, rooms, myself
        self._shown: set[int] = set()  # numbers of letters shown, until the disk has that
        self._apart: set[int] = set()  # those of them that are of rooms which I have left
        self._is_live = False  # what comes now has not waited for the start

    def caught_up(self) -> None:
        """Note that nothing of what waited for the start is left in the mailbox."""
        self._is_live = True

    async def show(self, fresh: list[WaitingLetter], opened: dict[str, Letter]) -> None:
        """Show letters, except copies whose text came directly while they went to the disk.

        `opened`: the letters of this look, by id.
        """
        arrivals = self._incoming.arrivals
        direct = {
            one.id: opened[one.id]
            for one in fresh
            if one.id in opened and arrivals.came_directly(opened[one.id])
        }
        letters = [one for one in fresh if one.id not in direct and one.number not in self._shown]
        if letters:
            await self._announcer.show(self._events(letters))
            self._shown |= {one.number for one in letters}
        for copy in direct.values():
            await self._incoming.wait_text_kept(copy)
        await self._kept.shown([one.number for one in fresh], self._myself.name, self._apart)
        self._shown.clear()
        self._apart.clear()

    def _events(self, letters: list[WaitingLetter]) -> list[events.Event]:
        shown: list[events.Event] = [events.LettersWaited(len(letters), self._is_live)]
        for one in letters:
            if self._strangers.announces(one.sender):
                shown.append(events.FirstLine(one.sender))
            if one.follows_gap:
                shown.append(events.LetterMissing(one.sender))
            room = self._rooms.label(one.room)
            if one.room and not room:  # I have left it: its label may be that of another one
                self._apart.add(one.number)
            shown.append(events.Letter(one.sender, one.time, one.text, one.is_registered, room))
        return shown
