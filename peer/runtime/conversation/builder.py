"""Make the core of a conversation, from what its members say and what is on disk."""

from contextlib import suppress

import trio

from peer.core.conversation.conversation import Conversation, Kept
from peer.core.conversation.members.entrances import Entrance
from peer.core.membership import Roll
from peer.core.myself import Myself
from peer.runtime.keys.known_keys import KnownKeys
from peer.storage.journal import Journal
from shared.errors import ProtocolError
from shared.messages.peers import Origin, Position
from shared.world import World

Positions = tuple[Position, ...]


class _ShownNames:
    """Members are called what the user knows them by; events carry their ids."""

    def __init__(self, known_keys: KnownKeys, roll: Roll) -> None:
        self._known_keys, self._roll = known_keys, roll

    def called(self, member: str) -> str:
        return self._known_keys.called(member, self._roll.name(member))

    def spelled(self, member: str) -> str:
        """Return the id, which the screen replaces by the name shown."""
        return member


class ConversationBuilder:
    def __init__(
        self, world: World, myself: Myself, known_keys: KnownKeys, journal: Journal
    ) -> None:
        self._world, self._myself = world, myself
        self._known_keys, self._journal = known_keys, journal

    def entered(self, roll: Roll, since: Positions, lamport: int, room: str = "") -> Conversation:
        """Return a conversation that I enter now.  `room`: what I call the room that it is."""
        id = roll.conversation
        entrances = self._journal.entrances(id)
        return self._build(id, roll, since=since, lamport=lamport, entrances=entrances, room=room)

    def furthest(self, id: str, since: Positions, lamport: int) -> tuple[Positions, int]:
        """Return how far the texts before me reach, here or on disk from an earlier stay.

        The member who brings me back may have fewer of them than I had.
        """
        have, highest = self._journal.reach(id, self._myself.id)
        positions: dict[Origin, int] = {}
        for one in (*since, *have):
            of = one.origin
            positions[of] = max(one.seq, positions.get(of, 0))
        furthest = tuple(Position(*of, seq) for of, seq in positions.items())
        return furthest, max(lamport, highest)

    def interrupted(self, id: str) -> Conversation | None:
        """Return the conversation in which my last program was interrupted.

        None: it is over, as nobody else is in it, or it is damaged or of another community.
        """
        kept = self._journal.kept(id, self._myself.id, trio.current_time())
        roll = self._roll_of(id, kept)
        if not roll.is_in(self._myself.id) or len(roll.members()) < 2:
            return None
        return self._build(id, roll, kept=kept, entrances=kept.entrances)

    def room(self, id: str, called: str, earlier_epoch: str = "") -> Conversation | None:
        """Return a room that I was in when my last program ended; None: it is damaged.

        `earlier_epoch`: of my last program, if all that it wrote is on disk.
        """
        kept = self._journal.kept(id, self._myself.id, trio.current_time())
        roll = self._roll_of(id, kept)
        if not roll.is_in(self._myself.id):
            return None
        return self._build(
            id, roll, kept=kept, entrances=kept.entrances, room=called, earlier_epoch=earlier_epoch
        )

    def _roll_of(self, id: str, kept: Kept) -> Roll:
        roll = Roll(id, self._known_keys.authority)
        with suppress(ProtocolError):
            roll.merge(kept.members)
        return roll

    def _build(
        self, id: str, roll: Roll, *, since: Positions = (), lamport: int = 0,
        kept: Kept | None = None, entrances: tuple[Entrance, ...] = (), room: str = "",
        earlier_epoch: str = "",
    ) -> Conversation:  # fmt: skip
        chance = self._world.chance
        return Conversation(
            id, self._myself.me, roll, chance.randbytes(8).hex(),
            first_number=int(self._world.clock.time() * 1000),
            jitter=lambda: chance.uniform(0.8, 1.2), have=since, lamport=lamport, kept=kept,
            entrances=entrances,
            names=_ShownNames(self._known_keys, roll), room=room, earlier_epoch=earlier_epoch,
        )  # fmt: skip
