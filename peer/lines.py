"""Single lines to one user: private ones, and those of the general chat.

Each recipient has a queue of its own, so lines arrive in the order in which they
were written and nobody waits for somebody else's slow network.  A line counts as
delivered when the other program has answered that it was shown; until then it is
sent again on each new link, and the other side shows it once.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Final

import trio

from peer import events
from peer.events import Tell
from peer.network import Links
from shared.errors import ParleyError, ProtocolError, Unreachable
from shared.link import Link, within
from shared.messages import Message, Private, Shown, ToAll
from shared.names import fold

DELIVER_SECONDS: Final = 15.0  # from first try to SHOWN; then the sender is told
UNSHOWN_LINES: Final = 64  # of one sender; more come only from one that ignores SHOWN
SEEN_IDS: Final = 4_096  # of lines that were shown; a repeated one comes within seconds

Line = Private | ToAll


class Delivery:
    """One line on its way to one user."""

    def __init__(self, to: str, line: Line) -> None:
        self.to, self.line = to, line
        self.failure: ParleyError | None = None  #: why it was not delivered
        self._over = trio.Event()

    async def wait(self) -> None:
        """Return when it was shown.  Raises what stood in the way."""
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


class Lines:
    """All lines that this peer sends."""

    def __init__(self, links: Links, spawn: Callable[..., None], places: trio.CapacityLimiter):
        self._links, self._spawn, self._places = links, spawn, places
        self._queues: dict[str, deque[Delivery]] = {}
        self._changed: dict[str, trio.Event] = {}  # something happened on the link to them
        self._empty = trio.Event()
        self._empty.set()

    def send(self, to: str, line: Line) -> Delivery:
        delivery = Delivery(to, line)
        queue = self._queues.get(fold(to))
        if queue is None:
            queue = self._queues[fold(to)] = deque()
            self._empty = trio.Event()
            self._spawn(self._work, fold(to), queue)
        queue.append(delivery)
        return delivery

    def shown(self, by: str, id: str) -> None:
        """SHOWN came."""
        queue = self._queues.get(fold(by))
        if queue and queue[0].line.id == id:
            queue[0].end(None)
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
            delivery.end(failure)

    async def _try(self, delivery: Delivery, link: Link[Message]) -> None:
        """Send it, and wait until it was shown or the link is another one."""
        self._links.post(delivery.to, delivery.line)
        while not delivery.is_over and self._links.to(delivery.to) is link:
            changed = self._changed[fold(delivery.to)] = trio.Event()
            await changed.wait()


class Heard:
    """The lines that others send us: each is shown once, then answered by SHOWN.

    A sender repeats on a new link what was not answered on the old one.
    """

    def __init__(self, links: Links, tell: Tell, ignored: set[str]) -> None:
        self._links, self._tell, self._ignored = links, tell, ignored
        self._shown: OrderedDict[tuple[str, str], bool] = OrderedDict()  # or waits for it
        self._waiting: Counter[str] = Counter()  # lines of each sender that wait for the screen

    def hear(self, sender: str, line: Line) -> None:
        """Raises ProtocolError when the sender waits for no SHOWN."""
        key = (fold(sender), line.id)
        if key in self._shown:
            if self._shown[key]:
                self._links.post(sender, Shown(line.id))
            return
        if self._waiting[fold(sender)] >= UNSHOWN_LINES:
            raise ProtocolError("more lines came than can be shown")
        self._waiting[fold(sender)] += 1
        self._shown[key] = False
        if len(self._shown) > SEEN_IDS:
            self._shown.popitem(last=False)
        self._show(sender, line)

    def _show(self, sender: str, line: Line) -> None:
        def shown() -> None:
            self._waiting[fold(sender)] -= 1
            if not self._waiting[fold(sender)]:
                del self._waiting[fold(sender)]
            if (fold(sender), line.id) in self._shown:
                self._shown[fold(sender), line.id] = True
            self._links.post(sender, Shown(line.id))

        if fold(sender) in self._ignored:
            shown()  # he learns nothing of it
        elif isinstance(line, Private):
            self._tell(events.SaidPrivately(sender, line.text), shown)
        else:
            self._tell(events.SaidToAll(sender, line.text), shown)
