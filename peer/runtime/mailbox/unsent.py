"""Try again what could not be sent, when something has changed.

Each receiver has a task of its own while something waits for them.
"""

from typing import Final

import trio

from peer.core.backlog import End, Late, Verdict, verdict
from peer.runtime.directory.directory_client import DirectoryClient, DirectoryGone
from peer.runtime.keys.known_users import KnownUsers
from peer.runtime.keys.linked_names import LinkedNames
from peer.runtime.lines.private_lines import PrivateLines
from peer.runtime.mailbox.letter_drop import NotStored
from peer.runtime.mailbox.letter_sender import LetterSender
from peer.runtime.mailbox.waiting_texts import Ended, Posted, WaitingTexts
from peer.runtime.tasks import Tasks
from shared.errors import ParleyError
from shared.messages.peers import Private
from shared.names import fold
from shared.wording import clause

AT_ONCE: Final = 20  # receivers that are tried side by side
AGAIN_SECONDS: Final = 1.0  # between two tries while the directory is there


class Unsent:
    def __init__(
        self, waiting: WaitingTexts, lines: PrivateLines, sender: LetterSender,
        directory: DirectoryClient, linked_names: LinkedNames, known_users: KnownUsers,
        tasks: Tasks, *, is_passing: bool,
    ) -> None:  # fmt: skip
        """`is_passing`: here for one command only, which tries nothing of its own accord."""
        self._waiting, self._lines, self._sender = waiting, lines, sender
        self._directory, self._linked_names = directory, linked_names
        self._known_users, self._tasks, self._is_passing = known_users, tasks, is_passing
        self._news: dict[str, trio.Event] = {}  # by folded name, for each that `_work` runs for
        self._busy: set[str] = set()  # receivers for whom something is tried just now
        self._idle = trio.Event()
        self._places = trio.CapacityLimiter(AT_ONCE)

    def put(self, late: Late, *, is_tried: bool = False) -> Posted:
        """Let it wait.  Raises Refused when too much waits.

        `is_tried`: it has just failed, and is tried again when something has changed.
        """
        posted = self._waiting.add(late)
        if is_tried:
            posted.resolve(Ended(End.KEPT, late.to))
        self._work_for(late.to)
        if not is_tried or self._directory.is_there:
            self._wake(late.to)
        return posted

    # --- When to try ---

    def wake_all(self) -> None:
        """Try everything that waits: the directory is there."""
        for to in self._waiting.backlog.receivers:
            self._work_for(to)
            self._wake(to)

    def take_up_in_passing(self) -> None:
        """Send also what earlier scripts have kept, when a script writes."""
        if self._is_passing:
            self.wake_all()

    def linked(self, to: str) -> None:
        """Try what waits for this user: with a link it may need no directory."""
        self._wake(to)

    async def wait_idle(self) -> None:
        """Return when all that can be sent was sent."""
        while self._busy:
            self._idle = trio.Event()
            await self._idle.wait()

    def _wake(self, to: str) -> None:
        if (news := self._news.get(fold(to))) is not None:
            self._busy.add(fold(to))
            news.set()

    def _work_for(self, to: str) -> None:
        if fold(to) not in self._news:
            self._news[fold(to)] = trio.Event()
            self._tasks.linger(self._work, fold(to))

    async def _work(self, to: str) -> None:
        """Try what waits for this user, until nothing does any more."""
        while self._waiting.backlog.waiting_for(to):
            await self._news[to].wait()
            while (late := self._next(to)) is not None and await self._try(late):
                pass
            self._news[to] = trio.Event()  # news during a failed try were part of it
            self._waiting.stay(to)
            self._busy.discard(to)
            self._idle.set()
            if self._directory.is_there and self._waiting.backlog.waiting_for(to):
                await trio.sleep(AGAIN_SECONDS)
                self._wake(to)
        del self._news[to]

    def _next(self, to: str) -> Late | None:
        """Return what to try next, or None.

        Without the directory, a link counts only if its key is surely the name's own: an old
        certificate of the name gets nothing.
        """
        is_there = self._directory.is_there
        if not (is_there or self._linked_names.is_sure_of(to)):
            return None
        return self._waiting.backlog.next(to, directory=is_there)

    # --- One try ---

    async def _try(self, late: Late) -> bool:
        """Send or leave one; return False when it must stay."""
        try:
            async with self._places:
                if late.is_letter:
                    ended = Ended(End.LEFT, await self._sender.leave_late(late))
                else:
                    ended = await self._deliver_or_leave(late)
        except NotStored as no:
            self._waiting.complain(no)
            return False
        except DirectoryGone:
            return False
        except ParleyError as failure:
            return not self._waiting.backlog.has(late.id) or self._fail(late, failure)
        if self._waiting.backlog.has(
            late.id
        ):  # else its user was told that the disk does not take it
            self._waiting.settle(late, ended)
        return True

    async def _deliver_or_leave(self, late: Late) -> Ended:
        self._known_users.answer(late.to)
        line = Private(late.id, late.time, late.text)
        delivery = self._lines.send(late.to, line, is_lasting=True)
        try:
            await delivery.wait()
        except DirectoryGone:
            raise
        except ParleyError as failure:
            if verdict(failure, late, directory=self._directory.is_there) is not Verdict.LEAVE:
                raise
            return Ended(End.LEFT, await self._sender.leave_late(late), clause(failure))
        return Ended(End.DELIVERED, late.to)

    def _fail(self, late: Late, failure: ParleyError) -> bool:
        return self._waiting.fail(late, failure, directory=self._directory.is_there)
