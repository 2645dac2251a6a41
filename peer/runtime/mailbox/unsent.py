"""Keep on disk what could not be sent, and retry it: the shell of `peer.core.backlog`.

A line or letter is in the journal as pending from the moment in which it was written.  It
is sent again under the same id until the journal notes that, and its receiver knows the
id: so it arrives once, whenever a program is killed or an answer is lost.
"""

import itertools
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio
from msgspec import Struct

from peer import events
from peer.core.backlog import Backlog, End, Late, Verdict, verdict
from peer.core.history_entry import Kind
from peer.core.myself import Myself
from peer.events import Tell
from peer.runtime.directory.directory_client import DirectoryClient, DirectoryGone
from peer.runtime.linked_names import LinkedNames
from peer.runtime.private_lines import PrivateLines
from peer.runtime.recorder import Recorder
from peer.runtime.tasks import Tasks
from peer.storage.known_users import KnownUsers
from peer.storage.lines import Fate, KeptLine
from shared.errors import ParleyError, Refused, StorageError
from shared.messages.peers import Private
from shared.names import fold
from shared.wording import clause, sentence

AT_ONCE: Final = 20  # receivers that are tried side by side
AGAIN_SECONDS: Final = 1.0  # between two tries while the directory is there
KEPT_SECONDS: Final = 5.0  # for the disk to take it; after that its user is told that it did not


def late_of(kept: KeptLine, order: int) -> Late:
    """Return a line or letter of the journal as one that waits."""
    is_letter = kept.kind is Kind.LEFT
    return Late(order, kept.receiver, kept.id, kept.time, kept.text, is_letter)


class Ended(Struct, frozen=True):
    """The outcome of a line or letter.  `why`: the reason why it was not delivered directly."""

    end: End
    to: str
    why: str = ""


class Posted:
    """A line or letter that waits, with its outcome for a caller who wants to know it."""

    def __init__(self, late: Late, forget: Callable[[], object], *, is_awaited: bool) -> None:
        self.stored = trio.Event()  #: on disk
        self.is_awaited = is_awaited  #: a caller waits, and tells the user the outcome
        self._late, self._forget = late, forget
        self._ended: Ended | ParleyError | None = None
        self._over = trio.Event()

    def resolve(self, ended: Ended | ParleyError) -> None:
        self._ended = ended
        self._over.set()

    async def outcome(self) -> Ended:
        """Return the outcome, or that it is kept; later news is told to the user directly.

        Raises a failure that is final, and StorageError when the disk did not take it.
        """
        with trio.move_on_after(KEPT_SECONDS):
            await self.stored.wait()
        if not self.stored.is_set() and not self._is_decided:
            self._forget()
            raise StorageError("the disk did not take it, so it is not kept")
        await self._over.wait()
        self.is_awaited = False
        assert self._ended is not None
        if isinstance(self._ended, ParleyError):
            raise self._ended
        return self._ended

    @property
    def _is_decided(self) -> bool:
        ended = self._ended
        return ended is not None and not (isinstance(ended, Ended) and ended.end is End.KEPT)


class Unsent:
    def __init__(
        self, lines: PrivateLines, recorder: Recorder, directory: DirectoryClient, tell: Tell, *,
        myself: Myself, known_users: KnownUsers, tasks: Tasks,
        leave: Callable[[Late], Awaitable[str]], linked_names: LinkedNames,
    ) -> None:  # fmt: skip
        """`leave` leaves a letter at the directory, and returns its receiver's name."""
        self._lines, self._recorder, self._directory, self._tell = lines, recorder, directory, tell
        self._myself, self._known_users, self._tasks = myself, known_users, tasks
        self._leave, self._linked_names = leave, linked_names
        self._backlog = Backlog()
        self._orders = itertools.count()
        self._posted: dict[str, Posted] = {}  # by id
        self._news: dict[str, trio.Event] = {}  # by folded name, for each that `_work` runs for
        self._busy: set[str] = set()  # receivers for whom something is tried just now
        self._idle = trio.Event()
        self._places = trio.CapacityLimiter(AT_ONCE)
        self._told = ""  # the last complaint about my own disk

    def next_order(self) -> int:
        """Return the place of a text written just now, among all that waits."""
        return next(self._orders)

    def blocks(self, to: str, *, is_letter: bool) -> bool:
        """Whether something earlier must go first."""
        return self._backlog.blocks(to, is_letter=is_letter)

    def put(self, late: Late, *, is_tried: bool = False) -> Posted:
        """Let it wait.  Raises Refused when too much waits.

        `is_tried`: it has just failed, and is tried again when something has changed.
        """
        try:
            self._backlog.add(late)
        except Refused:
            self.note(late, Fate.FAILED)
            raise
        self._known_users.answer(
            late.to
        )  # from now on the key that the directory gave for them counts
        posted = Posted(late, partial(self._forget, late), is_awaited=True)
        self._posted[late.id] = posted
        self.note(late, Fate.PENDING, posted.stored.set)
        if is_tried:
            posted.resolve(Ended(End.KEPT, late.to))
        self._work_for(late.to)
        if not is_tried or self._directory.is_there:
            self._wake(late.to)
        return posted

    def note(self, late: Late, fate: Fate, then: Callable[[], None] = events.nothing) -> None:
        """Note this fate in the journal soon, then call `then`."""
        kind = Kind.LEFT if late.is_letter else Kind.PRIVATE
        row = (self._myself.name, late.to, late.id, late.time, late.text)
        self._recorder.keep(KeptLine(kind, *row, fate), then)

    # --- Taking up the texts of an earlier program ---

    def restore(self, kept: list[KeptLine]) -> None:
        for one in kept:
            late = late_of(one, self.next_order())
            self._backlog.restore(late)
            self._posted[one.id] = Posted(late, events.nothing, is_awaited=False)

    # --- When to try ---

    def wake_all(self) -> None:
        """Try everything that waits: the directory is there."""
        for to in self._backlog.receivers:
            self._work_for(to)
            self._wake(to)

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
        while self._backlog.waiting_for(to):
            await self._news[to].wait()
            while (late := self._next(to)) is not None and await self._try(late):
                pass
            self._news[to] = trio.Event()  # news during a failed try were part of it
            for one in self._backlog.waiting_for(to):
                self._posted[one.id].resolve(Ended(End.KEPT, one.to))
            self._busy.discard(to)
            self._idle.set()
            if self._directory.is_there and self._backlog.waiting_for(to):
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
        return self._backlog.next(to, directory=is_there)

    # --- One try ---

    async def _try(self, late: Late) -> bool:
        """Send or leave one; return False when it must stay."""
        try:
            async with self._places:
                if late.is_letter:
                    ended = Ended(End.LEFT, await self._leave(late))
                else:
                    ended = await self._deliver_or_leave(late)
        except DirectoryGone:
            return False
        except ParleyError as failure:
            return not self._backlog.has(late.id) or self._failed(late, failure)
        if self._backlog.has(late.id):  # else its user was told that the disk does not take it
            self._settle(late, ended)
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
            return Ended(End.LEFT, await self._leave(late), clause(failure))
        return Ended(End.DELIVERED, late.to)

    def _failed(self, late: Late, failure: ParleyError) -> bool:
        match verdict(failure, late, directory=self._directory.is_there):
            case Verdict.ALL_FAIL:
                self._fail(self._backlog.waiting_for(late.to), failure)
                return True
            case Verdict.FAILS:
                self._fail((late,), failure)
                return True
        if isinstance(failure, StorageError) and str(failure) != self._told:
            self._told = str(failure)
            self._tell(events.Notice(sentence(failure)), events.nothing)
        return False

    def _fail(self, lates: tuple[Late, ...], failure: ParleyError) -> None:
        """Give these up: a caller who waits for one tells the user, one notice lists the others."""
        untold = []
        for late in lates:
            posted = self._forget(late)
            if posted.is_awaited:
                posted.resolve(failure)
            else:
                untold.append(late)
        if untold:
            texts = tuple(late.text for late in untold)
            self._tell(events.KeptNotSent(untold[0].to, str(failure), texts), events.nothing)

    def _forget(self, late: Late) -> Posted:
        self._backlog.remove(late)
        self.note(late, Fate.FAILED)
        return self._posted.pop(late.id)

    def _settle(self, late: Late, ended: Ended) -> None:
        """Note the outcome and tell the user; the sending code has told the journal."""
        self._backlog.remove(late)
        posted = self._posted.pop(late.id)
        if posted.is_awaited:
            posted.resolve(ended)
            return
        if ended.end is End.LEFT:
            self._tell(events.LetterLeft(ended.to), events.nothing)
        else:
            self._tell(events.Delivered(ended.to), events.nothing)
