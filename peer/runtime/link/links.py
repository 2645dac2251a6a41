"""All links of one peer to others, one for each pair: dialled, answered, and written to."""

from collections.abc import Iterable
from typing import Final

import trio

from peer.core.keys.key_alarms import KeyAlarms
from peer.core.myself import Myself
from peer.runtime.directory.lookup import Lookup
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.link.carrier import Carrier
from peer.runtime.link.dialler import Dialler
from peer.runtime.link.dials import Dials
from peer.runtime.link.handshake import Handshake
from peer.runtime.link.listener import Listener
from peer.runtime.link.locator import Locator
from peer.runtime.link.pending_dials import PendingDials
from peer.runtime.link.reception import Reception
from peer.runtime.link.table import LinkTable
from peer.runtime.tasks import Tasks
from shared.codec import encode
from shared.link import Link
from shared.messages.common import Message
from shared.messages.directory import Contact
from shared.world import World

MEASURE_SECONDS: Final = 1.0  # for the answers to PINGs sent at the user's request
SWEEP_SECONDS: Final = 5.0


class Links:
    """The links, by the names of their users."""

    def __init__(
        self, world: World, known_keys: KnownKeys, myself: Myself, tasks: Tasks, lookup: Lookup,
        alarms: KeyAlarms, listener: Listener, *, run: str,
    ) -> None:  # fmt: skip
        """`run` is new at each start of a program."""
        self._table = LinkTable(known_keys, listener)
        self._locator = Locator(lookup, known_keys, self._table)
        handshake = Handshake(
            known_keys, myself, self._locator, self._table, alarms, world.clock, run=run
        )
        pending = PendingDials()
        carrier = Carrier(self._table, pending, listener)
        self._dials = Dials(
            self._table, pending, carrier, listener, locator=self._locator,
            dialler=Dialler(world.network), handshake=handshake, tasks=tasks, bugs=world.bugs,
        )  # fmt: skip
        #: answers those who dial us
        self.reception = Reception(handshake, carrier, world.bugs)

    # --- Who is linked ---

    def to(self, name: str) -> Link[Message] | None:
        """Return the link to this user that can be written to."""
        current = self._table.current(name)
        return current.link if current else None

    def key(self, name: str) -> bytes | None:
        """Return the key at the other end of the link to this user."""
        last = self._table.last(name)
        return last.key if last else None

    def spelled(self, name: str) -> str:
        """Return the name as registered, if its user is linked."""
        last = self._table.last(name)
        return last.name if last else name

    @property
    def names(self) -> tuple[str, ...]:
        """The users to whom there are links."""
        return self._table.names

    def believe(self, contact: Contact) -> None:
        """Cut the links under this name that show another key than the one that is believed."""
        self._locator.believe(contact)

    def keep_only(self, name: str, key: bytes) -> None:
        """Cut the links under this name that show another key than its own."""
        self._table.keep_only(name, key)

    # --- Writing ---

    def post(self, name: str, message: Message) -> None:
        """Post a message, or drop it without a link: cores repeat what matters on the next one."""
        current = self._table.current(name)
        if current is not None:
            current.used = trio.current_time()
            current.link.post(message)

    def post_all(self, names: Iterable[str], message: Message) -> None:
        """Post one message to several users, encoded once."""
        self.post_bytes(names, encode(message))

    def post_bytes(self, names: Iterable[str], lines: bytes) -> None:
        for name in names:
            if (current := self._table.current(name)) is not None:
                current.used = trio.current_time()
                current.link.post_bytes(lines)

    # --- Dialling ---

    def dial(self, name: str) -> None:
        """Dial a user unless a dial is under way; the listener is told the outcome."""
        self._dials.begin(name)

    async def reach(self, name: str) -> Link[Message]:
        """Return the link to this user, dialled if need be.

        Raises Unreachable, KeyChanged, or Refused when there is no such user.
        """
        return await self._dials.reach(name)

    # --- Measuring ---

    async def measure(self, names: Iterable[str]) -> None:
        """Refresh `round_trip`; return when all have answered, or after MEASURE_SECONDS."""
        links = [current.link for name in names if (current := self._table.current(name))]
        with trio.move_on_after(MEASURE_SECONDS):
            async with trio.open_nursery() as nursery:
                for link in links:
                    nursery.start_soon(link.measure)

    def round_trip(self, name: str) -> float | None:
        """Return the seconds to them and back, as measured last."""
        current = self._table.current(name)
        return current.link.round_trip if current else None

    def behind(self, name: str) -> float:
        """Return by how many seconds their clock is behind ours; 0 when that is not known."""
        current = self._table.current(name)
        return current.behind if current else 0.0

    # --- Living ---

    async def sweep(self) -> None:
        """Close links that nobody needs, and losers that nobody has closed; until cancelled."""
        while True:
            await trio.sleep(SWEEP_SECONDS)
            self._table.sweep()

    def hang_up_all(self) -> None:
        self._table.hang_up_all()

    async def wait_none(self) -> None:
        """Return when the last link is closed by the other side."""
        await self._table.wait_none()
