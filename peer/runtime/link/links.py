"""The links of one kind to other users: look them up, write to them, dial."""

from collections.abc import Iterable
from typing import Final

import trio

from peer.core.reach.link_way import LinkWay
from peer.runtime.link.dials import Dials
from peer.runtime.link.locator import Locator
from peer.runtime.link.table import LinkTable
from shared.codec import encode
from shared.link import Link
from shared.messages.common import Message
from shared.messages.directory import Contact
from shared.messages.punching import Punches
from shared.messages.spots import Knocks

MEASURE_SECONDS: Final = 1.0  # for the answers to PINGs sent at the user's request


class Links:
    """The links, by the names of their users."""

    def __init__(self, table: LinkTable, dials: Dials, locator: Locator) -> None:
        self._table, self._dials, self._locator = table, dials, locator

    # --- Who is linked ---

    def to(self, name: str) -> Link[Message] | None:
        """Return the link to this user that can be written to."""
        current = self._table.current(name)
        return current.link if current else None

    def key(self, name: str) -> bytes | None:
        """Return the key at the other end of the link to this user."""
        last = self._table.last(name)
        return last.key if last else None

    def way(self, name: str, key: bytes) -> LinkWay | None:
        """Return how the link to the user with this key came about; None if there is none."""
        current = self._table.current(name)
        return current.way if current and current.key == key else None

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
        """Cut the links under this name, of all kinds, that show another key than its own."""
        self._locator.keep_only(name, key)

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

    def dial(self, name: str, *, whole: bool = False) -> None:
        """Dial a user unless a dial is under way; the listener is told the outcome.

        `whole`: that of a dial of its own, if the one that is under way fails.
        """
        self._dials.begin(name, whole=whole)

    def answer(self, knock: Knocks, *, is_wanted: bool) -> None:
        """Dial a user who knocks, unless they are linked, or a dial is under way.

        Nobody is told the outcome.  Users who see a link do not knock, so a link to this one
        must prove that it lives.  If it does not, they are dialled beside it: a new link shows
        their key, and takes its place.  The old one is not cut, because it may only be slow, and
        a directory can invent a knock.

        A user who is not wanted is not dialled; the same PING goes out, which they can see.
        """
        self._dials.answer(knock, is_wanted=is_wanted)

    def meet(self, call: Punches, *, is_wanted: bool) -> None:
        """Open a way to a user who calls, from both sides; the same holds for their link.

        If that is not wanted, only do as if.
        """
        self._dials.meet(call, is_wanted=is_wanted)

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
