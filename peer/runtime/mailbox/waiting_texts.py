"""Keep on disk what waits to be sent, and tell its user what came of it.

A line or letter is in the journal as pending from the moment in which it was written.  It
is sent again under the same id until the journal notes that, and its receiver knows the
id: so it arrives once, whenever a program is killed or an answer is lost.
"""

import itertools
from collections.abc import Callable
from typing import Final

import trio
from msgspec import Struct

from peer import events
from peer.core.backlog import Backlog, End, Late, Verdict, verdict
from peer.core.history_entry import Kind
from peer.core.myself import Myself
from peer.events import Tell
from peer.runtime.keys.known_users import KnownUsers
from peer.runtime.recorder import Recorder
from peer.storage.lines import Fate, KeptLine
from shared.errors import ParleyError, Refused, StorageError
from shared.wording import sentence
from shared.world import World

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

    def __init__(self, late: Late, *, is_awaited: bool) -> None:
        self.late = late
        self.stored = trio.Event()  #: on disk
        self.is_awaited = is_awaited  #: a caller waits, and tells the user the outcome
        self._ended: Ended | ParleyError | None = None
        self._over = trio.Event()

    def resolve(self, ended: Ended | ParleyError) -> None:
        self._ended = ended
        self._over.set()

    async def is_kept(self) -> bool:
        """Wait a little until it is on disk or over; return False if it is neither."""
        with trio.move_on_after(KEPT_SECONDS):
            await self.stored.wait()
        return self.stored.is_set() or self._is_decided

    async def outcome(self) -> Ended:
        """Return the outcome, or that it is kept.  Raises a failure that is final."""
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


class WaitingTexts:
    """The lines and letters that wait: the shell of `peer.core.backlog`."""

    def __init__(
        self, world: World, recorder: Recorder, myself: Myself, known_users: KnownUsers, tell: Tell
    ) -> None:
        self._world, self._recorder, self._myself, self._tell = world, recorder, myself, tell
        self._known_users = known_users
        self.backlog = Backlog()
        self._orders = itertools.count()
        self._posted: dict[str, Posted] = {}  # by id
        self._told = ""  # the last complaint about a disk

    def next_order(self) -> int:
        """Return the place of a text written just now, among all that waits."""
        return next(self._orders)

    def new(self, to: str, text: str, *, is_letter: bool) -> Late:
        """Return a line or letter written just now; `add` lets it wait."""
        id, time = self._world.new_id(), self._world.clock.time()
        return Late(self.next_order(), to, id, time, text, is_letter)

    def blocks(self, to: str, *, is_letter: bool) -> bool:
        """Whether something earlier must go first."""
        return self.backlog.blocks(to, is_letter=is_letter)

    def add(self, late: Late) -> Posted:
        """Let it wait.  Raises Refused when too much waits."""
        try:
            self.backlog.add(late)
        except Refused:
            self.note(late, Fate.FAILED)
            raise
        # From now on the key that the directory gave for them counts.
        self._known_users.answer(late.to)
        posted = self._posted[late.id] = Posted(late, is_awaited=True)
        self.note(late, Fate.PENDING, posted.stored.set)
        return posted

    def restore(self, kept: list[KeptLine]) -> None:
        """Let wait what an earlier program kept."""
        for one in kept:
            late = late_of(one, self.next_order())
            self.backlog.restore(late)
            self._posted[one.id] = Posted(late, is_awaited=False)

    def note(self, late: Late, fate: Fate, then: Callable[[], None] = events.nothing) -> None:
        """Note this fate in the journal soon, then call `then`."""
        kind = Kind.LEFT if late.is_letter else Kind.PRIVATE
        row = (self._myself.name, late.to, late.id, late.time, late.text)
        self._recorder.keep(KeptLine(kind, *row, fate), then)

    async def outcome(self, posted: Posted) -> Ended:
        """Return the outcome, or that it is kept; later news is told to the user directly.

        Raises a failure that is final, and StorageError when the disk did not take it.
        """
        if not await posted.is_kept():
            self._forget(posted.late)
            raise StorageError("the disk did not take it, so it is not kept")
        return await posted.outcome()

    # --- What came of a try ---

    def stay(self, to: str) -> None:
        """Tell those who wait for it that what waits for this user is kept."""
        for one in self.backlog.waiting_for(to):
            self._posted[one.id].resolve(Ended(End.KEPT, one.to))

    def fail(self, late: Late, failure: ParleyError, *, directory: bool) -> bool:
        """Give up what can never be sent after this failure; return False when it must stay.

        `directory`: whether the directory is there.
        """
        match verdict(failure, late, directory=directory):
            case Verdict.ALL_FAIL:
                self._give_up(self.backlog.waiting_for(late.to), failure)
                return True
            case Verdict.FAILS:
                self._give_up((late,), failure)
                return True
        if isinstance(failure, StorageError):
            self.complain(failure)
        return False

    def complain(self, failure: ParleyError) -> None:
        """Tell why a disk, mine or the directory's, does not take it; the same once in a row."""
        if str(failure) != self._told:
            self._told = str(failure)
            self._tell(events.Notice(sentence(failure)), events.nothing)

    def _give_up(self, lates: tuple[Late, ...], failure: ParleyError) -> None:
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
        self.backlog.remove(late)
        self.note(late, Fate.FAILED)
        return self._posted.pop(late.id)

    def settle(self, late: Late, ended: Ended) -> None:
        """Note the outcome and tell the user; the sending code has told the journal."""
        self.backlog.remove(late)
        posted = self._posted.pop(late.id)
        if posted.is_awaited:
            posted.resolve(ended)
            return
        if ended.end is End.LEFT:
            self._tell(events.LetterLeft(ended.to), events.nothing)
        else:
            self._tell(events.Delivered(ended.to), events.nothing)
