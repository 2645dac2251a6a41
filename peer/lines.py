"""Single lines to one user: private ones, and those of the general chat.

Each recipient has a queue of its own, so lines arrive in the order in which they
were written and nobody waits for somebody else's slow network.  A line counts as
delivered when the other program has answered that it was shown and lies on its disk;
until then it is sent again on each new link, and the other side shows it once.  A
private line that its program did not live to deliver is taken up by the next one.
"""

from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio

from peer import events
from peer.entries import Kind
from peer.events import Tell
from peer.filling import Filling
from peer.journal import Fate, Journal, KeptLine
from peer.keeping import Keeping
from peer.marks import variants
from peer.network import Links
from peer.unanswered import LINE_BYTES, Unanswered
from shared.codec import encode
from shared.errors import ParleyError, ProtocolError, Refused, TurnedAway, Unreachable
from shared.link import Link, within
from shared.messages import Message, No, Private, Shown, ToAll
from shared.names import fold
from shared.world import Clock

DELIVER_SECONDS: Final = 15.0  # from first try to SHOWN; then the sender is told
UNSHOWN_LINES: Final = 64  # of one sender; more come only from one that ignores SHOWN

Line = Private | ToAll


class Delivery:
    """One line on its way to one user.

    `is_lasting`: when it fails, whoever sent it leaves it as a letter or gives it up;
    until then it counts as not finished.
    """

    def __init__(self, to: str, line: Line, *, is_lasting: bool = False) -> None:
        self.to, self.line, self.is_lasting = to, line, is_lasting
        self.failure: ParleyError | None = None  #: why it was not delivered
        self._over = trio.Event()

    async def wait(self) -> None:
        """Return when it was shown and is on their disk.  Raises what stood in the way."""
        await self._over.wait()
        if self.failure is not None:
            raise self.failure

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def end(self, failure: ParleyError | None) -> None:
        if not self._over.is_set():
            self.failure = failure
            self._over.set()


class LineFate:
    """What became of a line to one user (`peer.answers.Fate`)."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    async def delivered(self) -> None:
        with suppress(ParleyError):  # whoever sent it tells why
            await self._delivery.wait()

    @property
    def is_everywhere(self) -> bool:
        return self._delivery.is_over and self._delivery.failure is None

    def states(self) -> dict[str, str]:
        """Return {} when it was not delivered: what comes of it then is told elsewhere."""
        delivery = self._delivery
        if delivery.failure is not None:
            return {}
        return {delivery.to: "delivered" if delivery.is_over else "waiting"}


class Lines:
    """All lines that this peer sends."""

    def __init__(
        self, links: Links, spawn: Callable[..., None], places: trio.CapacityLimiter,
        keeping: Keeping, me: Callable[[], str], pin: Callable[[str], None],
    ) -> None:  # fmt: skip
        """`pin` is called when a private line is about to go to a user."""
        self._links, self._spawn, self._places = links, spawn, places
        self._keeping, self._me, self._pin = keeping, me, pin
        self._queues: dict[str, deque[Delivery]] = {}
        self._changed: dict[str, trio.Event] = {}  # something happened on the link to them
        self._empty = trio.Event()
        self._empty.set()

    def send(self, to: str, line: Line, *, is_lasting: bool = False) -> Delivery:
        """Post it and put it on disk, side by side."""
        delivery = Delivery(to, line, is_lasting=is_lasting)
        self._note(delivery, Fate.PENDING)
        queue = self._queues.get(fold(to))
        if queue is None:
            queue = self._queues[fold(to)] = deque()
            self._empty = trio.Event()
            self._spawn(self._work, fold(to), queue)
        queue.append(delivery)
        return delivery

    def sent_to_all(self, line: ToAll) -> None:
        """Keep a line of the general chat, whomever it reaches."""
        row = (self._me(), "", line.id, line.time, line.text)
        self._keeping.keep(KeptLine(Kind.ALL, *row, Fate.SENT))

    def give_up(self, delivery: Delivery) -> None:
        """Its user knows that it was not delivered."""
        self._note(delivery, Fate.FAILED)

    def _note(self, delivery: Delivery, fate: Fate) -> None:
        if isinstance(line := delivery.line, Private):
            row = (self._me(), delivery.to, line.id, line.time, line.text)
            self._keeping.keep(KeptLine(Kind.PRIVATE, *row, fate))

    def shown(self, by: str, id: str) -> None:
        """SHOWN came."""
        queue = self._queues.get(fold(by))
        if queue and queue[0].line.id == id and not queue[0].is_over:
            self._note(queue[0], Fate.SENT)
            queue[0].end(None)
            self.link_changed(by)

    def refused(self, by: str, id: str, reason: str) -> None:
        """NO came: it is not tried again, and not left either."""
        queue = self._queues.get(fold(by))
        if queue and queue[0].line.id == id and not queue[0].is_over:
            if not queue[0].is_lasting:
                self.give_up(queue[0])
            queue[0].end(TurnedAway(reason, "FULL"))
            self.link_changed(by)

    def link_changed(self, name: str) -> None:
        if (changed := self._changed.get(fold(name))) is not None:
            changed.set()

    def is_sending_to(self, name: str) -> bool:
        return fold(name) in self._queues

    async def wait_empty(self) -> None:
        await self._empty.wait()

    async def _work(self, to: str, queue: deque[Delivery]) -> None:
        try:
            while queue:
                await self._deliver(queue[0])
                queue.popleft()
        finally:
            for delivery in queue:
                delivery.end(Unreachable("this program ended"))
            del self._queues[to]
            if not self._queues:
                self._empty.set()

    async def _deliver(self, delivery: Delivery) -> None:
        to = delivery.to
        try:
            async with self._places:  # so many may dial or wait at once
                with within(DELIVER_SECONDS, f"{to}'s program did not answer"):
                    while not delivery.is_over:
                        await self._try(delivery, await self._links.reach(to))
        except ParleyError as failure:
            if not delivery.is_lasting:
                self.give_up(delivery)
            delivery.end(failure)

    async def _try(self, delivery: Delivery, link: Link[Message]) -> None:
        """Send it, and wait until it was shown or the link is another one."""
        if isinstance(delivery.line, Private):
            self._pin(delivery.to)
        self._links.post(delivery.to, delivery.line)
        while not delivery.is_over and self._links.to(delivery.to) is link:
            changed = self._changed[fold(delivery.to)] = trio.Event()
            await changed.wait()


class Came:
    """What others send us and is not on disk yet, known by its sender and id.

    One text may come directly and as a letter, at the same time; it is one text (D6).
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._coming: dict[tuple[str, str], trio.Event] = {}

    def is_coming(self, sender: str, id: str) -> bool:
        return (fold(sender), id) in self._coming

    def is_here(self, sender: str, id: str) -> bool:
        """Under whatever mark it was shown."""
        return any(self._journal.has_line(called, id) for called in variants(sender))

    def begin(self, sender: str, id: str) -> None:
        """Call `end` when it lies on disk, or was given up."""
        self._coming[fold(sender), id] = trio.Event()

    def end(self, sender: str, id: str) -> None:
        self._coming.pop((fold(sender), id)).set()

    async def wait(self, sender: str, id: str) -> None:
        """Return when it is not coming any more."""
        while (over := self._coming.get((fold(sender), id))) is not None:
            await over.wait()


class Heard:
    """The lines that others send us: each is shown once, put on disk, and then answered
    by SHOWN; one too many of somebody whom I have never answered by NO.

    A sender repeats on a new link, or years later, what was not answered.
    """

    def __init__(
        self, links: Links, tell: Tell, ignored: set[str], came: Came, keeping: Keeping,
        clock: Clock, me: Callable[[], str], unanswered: Unanswered,
        called: Callable[[str], str], filling: Filling,
    ) -> None:  # fmt: skip
        """`called` says what the user reads for who is linked under a name."""
        self._unanswered, self._called, self._filling = unanswered, called, filling
        self._links, self._tell, self._ignored = links, tell, ignored
        self._came, self._keeping, self._clock, self._me = came, keeping, clock, me
        self._waiting: Counter[str] = Counter()  # lines of each sender that are not on disk

    def hear(self, sender: str, line: Line) -> None:
        """Raises ProtocolError when the sender waits for no SHOWN."""
        if self._came.is_coming(sender, line.id):
            return
        if fold(sender) in self._ignored or self._came.is_here(sender, line.id):
            self._links.post(sender, Shown(line.id))  # who is ignored learns nothing of it
            return
        if self._waiting[fold(sender)] >= UNSHOWN_LINES:
            raise ProtocolError("more lines came than can be shown")
        now = trio.current_time()
        try:
            self._check_room(sender, line, now)
        except Refused as no:
            self._links.post(sender, No(line.id, str(no)))
            return
        if isinstance(line, Private) and self._unanswered.announces(sender, now):
            self._tell(events.FirstLine(self._called(sender)), events.nothing)
        self._waiting[fold(sender)] += 1
        self._came.begin(sender, line.id)
        self._show(sender, line)

    def _check_room(self, sender: str, line: Line, now: float) -> None:
        """Raises Refused, for its author, when it is one too many."""
        self._unanswered.take(sender, line.text, now)
        if not self._filling.may_keep(self._called(sender), len(encode(line)) + LINE_BYTES):
            raise Refused("they keep no more of you today", "FULL")

    def _show(self, sender: str, line: Line) -> None:
        is_private = isinstance(line, Private)
        said = events.SaidPrivately if is_private else events.SaidToAll
        called = self._called(sender)  # and so it stands in the history for ever

        def shown() -> None:
            kind, receiver = (Kind.PRIVATE, self._me()) if is_private else (Kind.ALL, "")
            # Nobody writes in the future: it would stand last in the history for ever.
            time = min(line.time, self._clock.time())
            row = (called, receiver, line.id, time, line.text)
            self._keeping.keep(KeptLine(kind, *row, Fate.CAME), kept)

        def kept() -> None:
            self._waiting[fold(sender)] -= 1
            if not self._waiting[fold(sender)]:
                del self._waiting[fold(sender)]
            self._came.end(sender, line.id)
            self._links.post(sender, Shown(line.id))

        self._tell(said(called, line.text), shown)
