"""Send and show single lines: private ones, and those of the general chat.

Each recipient has a window of its own (`peer.core.line_window`), so lines arrive in the
order in which they were written and nobody waits for somebody else's slow network.  A line
counts as delivered when the other program has answered that it was shown and is on disk there;
until then it is sent again on each new link, and the other side shows it once.  If a
program ends before it has delivered a private line, the next one takes the line up.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import trio

from peer import events
from peer.core import line_window
from peer.core.arrivals import Arrival
from peer.core.history_entry import Kind
from peer.core.lateness import late
from peer.core.line_window import LineWindow
from peer.core.myself import Myself
from peer.core.stranger_limits import LINE_BYTES, StrangerLimits
from peer.events import Tell
from peer.runtime.disk_shares import DiskShares
from peer.runtime.incoming import Incoming
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.keys.linked_names import LinkedNames
from peer.runtime.link.links import Links
from peer.runtime.recorder import Recorder
from peer.runtime.tasks import Tasks
from peer.storage.lines import Fate, KeptLine
from shared.codec import encode
from shared.errors import ParleyError, ProtocolError, Refused, TurnedAway, Unreachable
from shared.link import Link
from shared.messages.common import Message
from shared.messages.peers import No, Private, Shown, ToAll
from shared.names import fold
from shared.world import Clock

SENDING_AT_ONCE: Final = 20  # lines that may dial or wait for an answer side by side
UNSHOWN_LINES: Final = 2 * line_window.LINES  # of one sender: its last program's may wait too

Line = Private | ToAll


class Delivery:
    """One line on its way to one user.

    `is_lasting`: when it fails, its sender leaves it as a letter or gives it up;
    until then it counts as unfinished.  `order`: the place of a line that may have to wait.
    """

    def __init__(self, to: str, line: Line, *, is_lasting: bool = False, order: int = 0) -> None:
        self.to, self.line, self.is_lasting, self.order = to, line, is_lasting, order
        self.failure: ParleyError | None = None  #: why it was not delivered
        self._over = trio.Event()

    async def wait(self) -> None:
        """Return when it was shown and is on their disk.  Raises the failure that prevented it."""
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
    """The fate of a line to one user (`peer.results.DeliveryProgress`)."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    async def delivered(self) -> None:
        with suppress(ParleyError):  # its sender reports why
            await self._delivery.wait()

    @property
    def is_everywhere(self) -> bool:
        return self._delivery.is_over and self._delivery.failure is None

    def states(self) -> dict[str, str]:
        """Return {} when it was not delivered: what happens to it then is reported elsewhere."""
        delivery = self._delivery
        if delivery.failure is not None:
            return {}
        return {delivery.to: "delivered" if delivery.is_over else "waiting"}


class _Box:
    """The lines to one user."""

    def __init__(self) -> None:
        self.window = LineWindow()
        self.deliveries: dict[str, Delivery] = {}  # by line id, those not over
        self.changed = trio.Event()  # since `_post` looked at it

    def add(self, delivery: Delivery) -> None:
        self.deliveries[delivery.line.id] = delivery
        self.window.add(delivery.line.id, len(encode(delivery.line)))
        self.changed.set()

    def end(self, delivery: Delivery, failure: ParleyError | None) -> None:
        del self.deliveries[delivery.line.id]
        self.window.end(delivery.line.id)
        delivery.end(failure)
        self.changed.set()


class PrivateLines:
    """All lines that this peer sends."""

    def __init__(
        self, links: Links, recorder: Recorder, known_keys: KnownKeys, myself: Myself, tasks: Tasks
    ) -> None:  # fmt: skip
        self._links, self._recorder, self._known_keys = links, recorder, known_keys
        self._myself, self._tasks = myself, tasks
        self._places = trio.CapacityLimiter(SENDING_AT_ONCE)
        self._boxes: dict[str, _Box] = {}  # by folded name
        self._empty = trio.Event()
        self._empty.set()

    def send(self, to: str, line: Line, *, is_lasting: bool = False, order: int = 0) -> Delivery:
        """Post the line and put it on disk at the same time."""
        delivery = Delivery(to, line, is_lasting=is_lasting, order=order)
        self._note(delivery, Fate.PENDING)
        box = self._boxes.get(fold(to))
        if box is None:
            box = self._boxes[fold(to)] = _Box()
            self._empty = trio.Event()
            self._tasks.spawn(self._work, fold(to), box)
        box.add(delivery)
        return delivery

    def sent_to_all(self, line: ToAll) -> None:
        """Keep a line of the general chat in the journal, whomever it reaches."""
        row = (self._myself.name, "", line.id, line.time, line.text)
        self._recorder.keep(KeptLine(Kind.ALL, *row, Fate.SENT))

    def give_up(self, delivery: Delivery) -> None:
        """Note the line as failed: its user knows that it was not delivered."""
        self._note(delivery, Fate.FAILED)

    def _note(self, delivery: Delivery, fate: Fate) -> None:
        if isinstance(line := delivery.line, Private):
            row = (self._myself.name, delivery.to, line.id, line.time, line.text)
            self._recorder.keep(KeptLine(Kind.PRIVATE, *row, fate))

    def shown(self, by: str, id: str) -> None:
        """Handle SHOWN: the line is delivered."""
        box = self._boxes.get(fold(by))
        if box is not None and box.window.is_on_way(id):
            self._note(box.deliveries[id], Fate.SENT)
            box.end(box.deliveries[id], None)

    def refused(self, by: str, id: str, reason: str) -> None:
        """Handle NO: the line is neither tried again nor left as a letter."""
        box = self._boxes.get(fold(by))
        if box is not None and box.window.is_on_way(id):
            delivery = box.deliveries[id]
            if not delivery.is_lasting:
                self.give_up(delivery)
            box.end(delivery, TurnedAway(reason, "FULL"))

    def link_changed(self, name: str) -> None:
        if (box := self._boxes.get(fold(name))) is not None:
            box.changed.set()

    def is_sending_to(self, name: str) -> bool:
        return fold(name) in self._boxes

    async def wait_empty(self) -> None:
        await self._empty.wait()

    async def _work(self, to: str, box: _Box) -> None:
        try:
            while box.deliveries:
                await self._deliver(next(iter(box.deliveries.values())), box)
        finally:
            for delivery in box.deliveries.values():
                delivery.end(Unreachable("this program ended"))
            del self._boxes[to]
            if not self._boxes:
                self._empty.set()

    async def _deliver(self, first: Delivery, box: _Box) -> None:
        """Send until the first line is over; later lines go with it if the window has room."""
        to = first.to
        try:
            async with self._places:  # limits how many dial or wait at once
                if first.is_over:
                    return  # it ended while we waited for a place
                with _until(box.window.begin(trio.current_time()), to):
                    while not first.is_over:
                        self._post(await self._links.reach(to), box)
                        await box.changed.wait()
        except ParleyError as failure:
            if not first.is_over:
                if not first.is_lasting:
                    self.give_up(first)
                box.end(first, failure)

    def _post(self, link: Link[Message], box: _Box) -> None:
        """Post the lines that wait, and again those that went over another link."""
        box.changed = trio.Event()
        box.window.begin(trio.current_time())
        for id in box.window.to_post(link):
            delivery = box.deliveries[id]
            if isinstance(delivery.line, Private):
                self._known_keys.pin(delivery.to)
            self._links.post(delivery.to, delivery.line)


@contextmanager
def _until(deadline: float, to: str) -> Iterator[None]:
    try:
        with trio.fail_at(deadline):
            yield
    except trio.TooSlowError:
        seconds = f"{line_window.SECONDS:.0f} seconds"
        raise Unreachable(f"{to}'s program did not answer within {seconds}") from None


class IncomingLines:
    """The lines that others send us: each is shown once, put on disk, then answered by SHOWN.

    One line too many of a sender whom I have never answered is answered by NO.  A sender
    repeats an unanswered line on a new link, or years later.
    """

    def __init__(
        self, links: Links, tell: Tell, ignored: set[str], incoming: Incoming, recorder: Recorder,
        clock: Clock, myself: Myself, unanswered: StrangerLimits,
        linked_names: LinkedNames, disk_shares: DiskShares,
    ) -> None:  # fmt: skip
        self._unanswered, self._disk_shares = unanswered, disk_shares
        self._linked_names = linked_names
        self._links, self._tell, self._ignored = links, tell, ignored
        self._incoming, self._recorder, self._clock, self._myself = (
            incoming,
            recorder,
            clock,
            myself,
        )
        self._waiting: Counter[str] = Counter()  # lines of each sender that are not on disk

    def hear(self, sender: str, line: Line) -> None:
        """Show a line once, unless it is refused.

        Raises ProtocolError when the sender does not wait for SHOWN.
        """
        arrival = self._incoming.arrivals.of_line(sender, line.id)
        if arrival is Arrival.COMING:
            return
        if fold(sender) in self._ignored or arrival is Arrival.HERE:
            self._links.post(sender, Shown(line.id))  # an ignored user does not learn of it
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
            self._tell(events.FirstLine(self._linked_names.called(sender)), events.nothing)
        self._waiting[fold(sender)] += 1
        self._incoming.arrivals.begin(sender, line.id)
        self._show(sender, line)

    def _check_room(self, sender: str, line: Line, now: float) -> None:
        """Raise Refused, in words for the author, when the line is one too many."""
        self._unanswered.take(sender, line.text, now)
        if not self._disk_shares.may_keep(
            self._linked_names.called(sender), len(encode(line)) + LINE_BYTES
        ):
            raise Refused("they keep no more of you today", "FULL")

    def _show(self, sender: str, line: Line) -> None:
        is_private = isinstance(line, Private)
        said = events.SaidPrivately if is_private else events.SaidToAll
        called = self._linked_names.called(sender)  # the history keeps this name for ever

        def shown() -> None:
            kind, receiver = (Kind.PRIVATE, self._myself.name) if is_private else (Kind.ALL, "")
            # A line dated in the future would stay last in the history for ever.
            time = min(line.time, self._clock.time())
            row = (called, receiver, line.id, time, line.text)
            self._recorder.keep(KeptLine(kind, *row, Fate.CAME), kept)

        def kept() -> None:
            self._waiting[fold(sender)] -= 1
            if not self._waiting[fold(sender)]:
                del self._waiting[fold(sender)]
            self._incoming.end(sender, line.id)
            self._links.post(sender, Shown(line.id))

        is_late = late(line.time, self._clock.time(), self._links.behind(sender))
        self._tell(said(called, line.text, is_late), shown)
