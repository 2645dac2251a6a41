"""Show letters that are in the journal, and note there that they were shown."""

from peer import events
from peer.core.myself import Myself
from peer.runtime.mailbox.announcer import Announcer
from peer.runtime.mailbox.letter_arrivals import LetterArrivals
from peer.runtime.mailbox.sender_check import StrangerLetters
from peer.storage.letters import LetterStore, WaitingLetter
from shared.sealing import About


class LetterDisplay:
    def __init__(
        self, announcer: Announcer, arrivals: LetterArrivals, strangers: StrangerLetters,
        kept: LetterStore, myself: Myself,
    ) -> None:  # fmt: skip
        self._announcer, self._arrivals, self._strangers = announcer, arrivals, strangers
        self._kept, self._myself = kept, myself
        self._shown: set[int] = set()  # numbers of letters shown, until the disk has that

    async def show(self, fresh: list[WaitingLetter], abouts: dict[str, tuple[str, About]]) -> None:
        """Show letters, except copies whose text came directly while they went to the disk.

        `abouts`: of copies, by id, the author and the place of their texts.
        """
        direct = {
            one.id: abouts[one.id]
            for one in fresh
            if one.id in abouts and self._arrivals.has_come(*abouts[one.id])
        }
        letters = [one for one in fresh if one.id not in direct and one.number not in self._shown]
        if letters:
            await self._announcer.show(self._events(letters))
            self._shown |= {one.number for one in letters}
        for place in direct.values():
            await self._arrivals.wait_on_disk(*place)
        await self._kept.shown([one.number for one in fresh], self._myself.name)
        self._shown.clear()

    def _events(self, letters: list[WaitingLetter]) -> list[events.Event]:
        shown: list[events.Event] = [events.LettersWaited(len(letters))]
        for one in letters:
            if self._strangers.announces(one.sender):
                shown.append(events.FirstLine(one.sender))
            if one.follows_gap:
                shown.append(events.LetterMissing(one.sender))
            shown.append(events.Letter(one.sender, one.time, one.text, one.is_registered))
        return shown
