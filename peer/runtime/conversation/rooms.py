"""The rooms that I am in: under which names, and how they go on when my program starts again."""

import logging
from collections.abc import Iterator

import trio

from peer import events
from peer.core.conversation.charter import ROOMS, label
from peer.core.conversation.conversation import Conversation
from peer.core.membership import Roll
from peer.events import Tell
from peer.runtime.conversation.builder import ConversationBuilder
from peer.runtime.conversation.shell import ConversationShell, Parts
from peer.runtime.conversation.stays import Stays
from peer.storage.journal import Journal
from peer.storage.rooms import KeptRoom
from shared.errors import Refused, StorageError
from shared.messages.peers import Charter
from shared.names import fold

log = logging.getLogger("peer")


class Rooms:
    """Each is a conversation that stands until its last member has left it."""

    def __init__(
        self, stays: Stays, builder: ConversationBuilder, journal: Journal, parts: Parts, tell: Tell
    ) -> None:
        self._stays, self._builder, self._journal = stays, builder, journal
        self._parts, self._tell = parts, tell
        self._known: dict[str, KeptRoom] = {}  # by id; also those that I have left
        self._epochs: dict[str, str] = {}  # by id: in which my texts go on
        self.is_restored = False  #: whether they go on in this program
        self._is_resting = False  # the program ends

    # --- Which there are ---

    def __iter__(self) -> Iterator[ConversationShell]:
        return iter(tuple(self._stays.rooms.values()))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all, which the user reads, in alphabetical order."""
        return tuple(sorted((one.core.room for one in self), key=fold))

    def find(self, called: str) -> ConversationShell | None:
        """Return the room that the user calls so; None when I am in no such room."""
        return next((one for one in self if fold(one.core.room) == fold(called)), None)

    def of(self, called: str) -> ConversationShell:
        """Return the room that the user calls so.  Raises Refused when I am in no such room."""
        if (found := self.find(called)) is None:
            raise Refused(f"You are in no room #{called}.", "ROOM")
        return found

    def label(self, id: str) -> str:
        """Return what the user calls the room with this id; "" when I am in no such room."""
        room = self._stays.rooms.get(id)
        return room.core.room if room is not None else ""

    def is_namesake(self, charter: Charter) -> bool:
        """Whether I am in another room of this name."""
        return fold(charter.name) in map(fold, self.labels)

    def charter(self, id: str) -> Charter | None:
        """Return the name of the conversation with this id; None: it is no room of mine."""
        known = self._known.get(id)
        return known.charter if known is not None and id in self._stays.rooms else None

    def check_number(self) -> None:
        """Raise Refused when I am in as many rooms as one user may be."""
        if len(self._stays.rooms) >= ROOMS:
            raise Refused(f"You are in {ROOMS} rooms, the most: PART one of them first.", "FULL")

    # --- Coming in ---

    def name(self, charter: Charter, roll: Roll) -> KeptRoom:
        """Choose what the user calls a room that I enter now."""
        keys = {roll.key(one): roll.name(one) for one in roll.everybody()}
        taken = {fold(one.core.room) for one in self}
        called = label(charter, keys.get(charter.founder, ""), taken)
        named = self._known[roll.conversation] = KeptRoom(roll.conversation, charter, called)
        return named

    async def take_epochs(self) -> None:
        """Take up where my texts go on; before `restore`."""
        self._epochs = await self._journal.rooms.take_epochs()

    def restore(self) -> None:
        """Take up the rooms that I was in when my last program ended."""
        if self.is_restored:
            return
        self.is_restored = True
        for kept in self._journal.rooms.all():
            core = self._builder.room(kept.id, kept.label, self._epochs.get(kept.id, ""))
            if core is None:
                self._parts.commits.end(kept.id)
                continue
            self._known[kept.id] = kept
            self._stays.rooms[kept.id] = ConversationShell(core, self._parts, self._stays)
            self._parts.screen.judge(core, core.roll.members(), pins=False)
        if self._stays.rooms:
            self._stays.changed()
            self._tell(events.BackInRooms(self.labels), events.nothing)
        for room in self:
            room.begin()

    # --- Going ---

    async def leave(self, called: str) -> None:
        """Leave a room for good, once my texts have arrived, if they can."""
        room = self.of(called)
        await room.deliver()
        await room.keep_shown()
        if not room.core.is_over:
            self._parts.display.note_shown()
            room.flush()
            room.leave()

    def to_say_in(self, called: str) -> ConversationShell:
        """Return the room that the user calls so.

        Raises Refused as `of` does, and when the program ends: a text that comes while it
        does might be with nobody.
        """
        if self._is_resting:
            raise Refused("The program ends: nothing more is said in rooms.")
        return self.of(called)

    async def rest(self) -> None:
        """Deliver or leave what I wrote, because my program ends; I stay in all rooms."""
        self._is_resting = True
        async with trio.open_nursery() as nursery:
            for room in self:
                nursery.start_soon(room.rest)

    async def note_epochs(self) -> None:
        """Note where my texts go on; call this when nothing more is written or sent."""
        epochs = {one.core.id: one.core.outgoing.epoch for one in self if _is_complete(one.core)}
        if epochs:
            try:
                await self._journal.rooms.note_epochs(epochs)
            except StorageError as no:  # then the next program begins new ones
                log.info("where my texts go on is not noted: %s", no)


def _is_complete(core: Conversation) -> bool:
    """Whether all that I wrote in this epoch, and something, is on disk."""
    outgoing = core.outgoing
    return outgoing.is_on_disk and not outgoing.has_draft and outgoing.last > 0
