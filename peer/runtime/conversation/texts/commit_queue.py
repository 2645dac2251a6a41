"""Gather what my conversations have for the disk, so that all of it shares one commit."""

from collections.abc import Iterable
from typing import Final

import trio
from msgspec import Struct, field
from msgspec.structs import astuple

from peer.core.conversation.conversation import Conversation
from peer.core.conversation.members.entrances import Entrance
from peer.runtime.conversation.performer import Performer
from peer.runtime.conversation.progress import Progress
from peer.runtime.conversation.screen import ConversationScreen
from peer.storage.journal import Batch, Journal
from peer.storage.rooms import KeptRoom
from shared.messages.peers import Membership, Position, Text
from shared.world import Clock

KEEP_PAUSE: Final = 0.02  # texts within it share a commit; an ACK waits longer anyway,
KEEP_AT_ONCE: Final = 64  # unless this many wait: the window must not run dry

Written = tuple[Performer, Text]


class Uncommitted(Struct):
    """The records that share a commit."""

    begun: list[tuple[str, tuple[Position, ...], int]] = field(default_factory=list)
    texts: list[Written] = field(default_factory=list)
    passed: list[Written] = field(default_factory=list)  # of which only the place is kept
    places: list[tuple[str, Position]] = field(default_factory=list)  # of texts not for me
    returns: list[tuple[str, Position]] = field(default_factory=list)  # after which they are
    lamports: dict[str, int] = field(default_factory=dict)  # the clocks, as those have moved them
    members: list[tuple[str, str, str, Membership]] = field(default_factory=list)
    acknowledged: dict[tuple[str, str, str], int] = field(default_factory=dict)
    received: dict[tuple[str, str, str], int] = field(default_factory=dict)  # after the end
    entrances: dict[tuple[str, str, int], Entrance] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    left: list[Conversation] = field(default_factory=list)  # by me, since the last commit
    rooms: list[KeptRoom] = field(default_factory=list)  # of those begun

    def __bool__(self) -> bool:
        return any(astuple(self))

    def written(self) -> Batch:
        """Return what the journal keeps of it."""
        return Batch(
            self.begun, [text for _, text in self.texts], self.members,
            [(*of, seq) for of, seq in self.acknowledged.items()], self.ended,
            owed=[
                (current.id, current.roll.name(owed.to), owed)
                for current in self.left
                for owed in current.mailbox.owed()
            ],
            received=[(*of, seq) for of, seq in self.received.items()],
            passed=[
                *((one.conversation, *one.origin, one.last_seq) for _, one in self.passed),
                *((id, *one.origin, one.seq) for id, one in self.places),
            ],
            returns=[(id, *one.origin, one.seq) for id, one in self.returns],
            lamports=list(self.lamports.items()),
            entrances=[(id, one) for (id, _, _), one in self.entrances.items()],
            rooms=self.rooms,
        )  # fmt: skip

    def followed_by(self, newer: "Uncommitted") -> "Uncommitted":
        """Return both in one."""
        return Uncommitted(
            self.begun + newer.begun,
            self.texts + newer.texts,
            self.passed + newer.passed,
            self.places + newer.places,
            self.returns + newer.returns,
            self.lamports | newer.lamports,
            self.members + newer.members,
            self.acknowledged | newer.acknowledged,
            self.received | newer.received,
            self.entrances | newer.entrances,
            self.ended + newer.ended,
            self.left + newer.left,
            self.rooms + newer.rooms,
        )


class CommitQueue:
    """The queue for the disk of all my conversations; see `peer.runtime.recorder`."""

    def __init__(
        self, journal: Journal, clock: Clock, screen: ConversationScreen, progress: Progress
    ) -> None:
        self._journal, self._clock, self._screen = journal, clock, screen
        self._progress = progress
        self._waiting = Uncommitted()
        self._something = trio.Event()
        self._much = trio.Event()  # so much waits that the next commit begins at once
        self._is_committing = False

    @property
    def is_busy(self) -> bool:
        """Whether something is not on disk yet."""
        return self._is_committing or bool(self._waiting)

    # --- What waits for the disk ---

    def begin(
        self, id: str, since: tuple[Position, ...], lamport: int, room: KeptRoom | None = None
    ) -> None:
        """Note that I am in this conversation: nothing of it is shown before that is on disk."""
        self._waiting.begun.append((id, since, lamport))
        self._waiting.ended = [one for one in self._waiting.ended if one != id]  # I am back
        self._waiting.rooms += [] if room is None else [room]
        self._screen.close_until_kept(id)
        self._something.set()
        self._much.set()

    def add_text(self, conversation: Performer, text: Text, *, only_place: bool = False) -> None:
        waiting = self._waiting
        (waiting.passed if only_place else waiting.texts).append((conversation, text))
        if only_place:
            self._keep_lamport(conversation.core)
        self._something.set()
        if len(text.texts) + len(waiting.texts) + len(waiting.passed) > KEEP_AT_ONCE:
            self._much.set()

    def add_members(self, current: Conversation, members: Iterable[str]) -> None:
        """Keep the memberships of these members."""
        found = ((member, current.roll.of(member)) for member in members)
        self._waiting.members += [
            (current.id, member, current.roll.name(member), one)
            for member, one in found
            if one is not None
        ]
        self._something.set()

    def add_places(self, current: Conversation, places: Iterable[Position]) -> None:
        """Note up to where the texts of a conversation are not for me."""
        self._waiting.places += [(current.id, place) for place in places]
        self._keep_lamport(current)
        self._something.set()

    def add_return(self, current: Conversation, place: Position) -> None:
        """Note that the texts after this position are for me, whatever was noted before."""
        self._waiting.returns.append((current.id, place))
        self._something.set()

    def _keep_lamport(self, current: Conversation) -> None:
        """Keep the number of the clock: no text on disk shows what has moved it."""
        self._waiting.lamports[current.id] = current.incoming.lamport

    def add_entrance(self, id: str, entrance: Entrance) -> None:
        self._waiting.entrances[id, entrance.member, entrance.counter] = entrance
        self._something.set()

    def add_acknowledged(self, current: Conversation, by: str, epoch: str, seq: int) -> None:
        """Note that this member has my texts of an epoch up to `seq`."""
        self._waiting.acknowledged[current.id, by, epoch] = seq
        if current.is_over:
            self._waiting.received[current.id, by, epoch] = seq
        self._something.set()

    def leave(self, current: Conversation) -> None:
        """Keep what I owe when I leave: the next program does not resume that."""
        self._waiting.left.append(current)
        self._something.set()

    def end(self, id: str) -> None:
        """Note that I am not in this conversation any more."""
        self._waiting.ended.append(id)
        self._something.set()

    # --- For the commit loop ---

    async def gather(self) -> Uncommitted:
        await self._something.wait()
        with trio.move_on_after(KEEP_PAUSE):
            await self._much.wait()
        self._something, self._much = trio.Event(), trio.Event()
        batch, self._waiting = self._waiting, Uncommitted()
        self._is_committing = True
        return batch

    async def commit(self, batch: Uncommitted) -> None:
        await self._journal.keep(batch.written(), self._clock.time())

    def committed(self, batch: Uncommitted) -> None:
        self._is_committing = False
        self._screen.kept(id for id, *_ in batch.begun)
        for conversation, text in [*batch.texts, *batch.passed]:
            conversation.kept(text)
        self._progress.made()

    def put_back(self, batch: Uncommitted) -> None:
        self._waiting = batch.followed_by(self._waiting)
        self._something.set()
        self._screen.kept(id for id, *_ in batch.begun)  # the user was told that it is not
        self._is_committing = False
