"""A conversation of two to fifty, from being connected to its end, seen by one member.

A core: it decides what is shown, kept and sent, and its shell does it.  It knows
members by their ids (peer.core.membership), never by name.  Everybody has a link to
everybody.  Authors send their texts directly to each member.  A member who still lacks
one asks another member, whose copy bears the author's signature.  So one member whom all
can reach is enough for everybody to get everything.

Its parts own what they decide on; here their decisions are put together, in order.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from peer.core.conversation.acknowledgements import Acknowledgements
from peer.core.conversation.actions import Action
from peer.core.conversation.ending import Ending
from peer.core.conversation.hello import Hellos
from peer.core.conversation.incoming.inbox import Inbox
from peer.core.conversation.incoming.incoming_texts import IncomingTexts
from peer.core.conversation.incoming.screen_queue import ScreenQueue
from peer.core.conversation.mailbox_fallback import MailboxFallback
from peer.core.conversation.members.entrances import Entrance, Entrances
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.members.reach import Reach
from peer.core.conversation.members.roll_exchange import RollExchange
from peer.core.conversation.outbox import Outbox
from peer.core.conversation.outgoing_texts import OutgoingTexts
from peer.core.conversation.own_stay import MemberNames, OwnStay
from peer.core.conversation.proof.blame import Blame
from peer.core.conversation.proof.contradictions import Contradictions
from peer.core.conversation.proof.digests import Digests, Said
from peer.core.conversation.proof.signatures import Signatures
from peer.core.membership import Me, Roll
from shared.messages.common import Message
from shared.messages.peers import (
    Acknowledge,
    Entry,
    Hello,
    Leave,
    Members,
    Membership,
    Position,
    Text,
    Want,
)

LOOK_SECONDS = 1.0  # between two looks at who is in reach and who lacks texts
LOOK_AROUND_ROOM_SECONDS = 5.0  # the same in a room, where members are away for days

_NEVER = float("inf")


class Kept(Struct, frozen=True):
    """The records on disk of a conversation that goes on after a restart."""

    members: tuple[Membership, ...]
    have: tuple[Position, ...]
    written: tuple[tuple[str, int, float], ...]  # epoch, last seq and age of my texts
    acknowledged: tuple[tuple[str, str, int], ...]  # by whom, epoch, seq
    lamport: int = 0  # the highest number
    entrances: tuple[Entrance, ...] = ()
    said: tuple[Said, ...] = ()  # in the order in which it came
    passed: tuple[Position, ...] = ()  # ends of what others say was before me


class Conversation:
    """One conversation.  In seconds, `now` is monotonic and `time` the time of day."""

    def __init__(
        self, id: str, me: Me, roll: Roll, epoch: str, *, first_number: int,
        jitter: Callable[[], float], have: tuple[Position, ...] = (), lamport: int = 0,
        kept: Kept | None = None, entrances: Iterable[Entrance] = (),
        names: MemberNames | None = None, room: str = "", earlier_epoch: str = "",
    ) -> None:  # fmt: skip
        """`first_number`: higher than that of any HELLO of an earlier start.
        `jitter` returns a number between 0.8 and 1.2.  `have`: what was said before we
        came, and `lamport` its highest number.  `entrances`: known from an earlier stay or
        start of mine.  `names`: how members are named; by default as in their certificates.
        `room`: what its user calls the room that it is; empty: it is no room.
        `earlier_epoch`: the one of my last program, all of whose texts are on my disk.
        """
        stay = OwnStay(id, me, roll, is_asleep=kept is not None, names=names, room=room)
        self.id, self.me, self.roll, self._stay = id, me, roll, stay
        inbox = Inbox(kept.have, kept.lamport, kept.passed) if kept else Inbox(have, lamport, have)
        outbox = Outbox(epoch, kept.written if kept else ())
        known = Entrances(roll, inbox.first_heard)
        known.restore(entrances)
        digests, queue, blame = Digests(), ScreenQueue(me.id), Blame()
        self._mesh = mesh = Mesh(stay)
        self.reach = Reach(stay, mesh, jitter)
        self.mailbox = MailboxFallback(stay, mesh, self.reach, outbox, inbox)
        self.outgoing = OutgoingTexts(stay, mesh, known, digests, inbox, outbox, self.mailbox)
        self.outgoing.restore(kept.acknowledged if kept else (), earlier_epoch)
        self._rolls = RollExchange(stay, mesh, known, inbox, self.outgoing.misled)
        self._rolls.restore(kept.passed if kept else ())
        self._hellos = Hellos(
            stay, mesh, self.reach, self._rolls, self.outgoing, inbox, digests, blame,
            first_number=first_number, jitter=jitter,
        )  # fmt: skip
        self._acknowledgements = Acknowledgements(stay, mesh, inbox, self._hellos)
        self._contradictions = Contradictions(stay, mesh, known, digests, inbox)
        self._contradictions.restore(kept.said if kept else ())
        signatures = Signatures(roll, mesh, inbox, queue, self._contradictions)
        self.incoming = IncomingTexts(
            stay, mesh, known, inbox, queue, signatures, self._contradictions,
            self._acknowledgements, blame,
        )  # fmt: skip
        self._ending = Ending(
            stay, mesh, self.reach, self._rolls, self.outgoing, queue, self._acknowledgements,
            self.mailbox,
        )  # fmt: skip

    # --- What the shell may look at ---

    @property
    def room(self) -> str:
        """The name that the user reads for the room that it is; empty: it is no room."""
        return self._stay.room

    @property
    def has_met(self) -> bool:
        """Whether a member is in reach, or there is no other one."""
        return bool(self._mesh.greeted) or not self._mesh

    @property
    def has_kept_shown(self) -> bool:
        """Whether all that was given to the screen is on disk: then `leave` says so first."""
        return self._ending.has_kept_shown

    @property
    def is_over(self) -> bool:
        """Whether it is over for the user."""
        return self._stay.is_over

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens in it."""
        return self._stay.is_settled

    @property
    def is_asleep(self) -> bool:
        """Whether it is interrupted; the user does not see it."""
        return self._stay.is_asleep

    @property
    def called(self) -> Callable[[str], str]:
        """The name that the user reads for a member."""
        return self._stay.names.called

    @property
    def others(self) -> tuple[str, ...]:
        """The other members, without those who were out of reach for too long."""
        return self.reach.others

    def concerns(self, member: str) -> bool:
        """Whether a link to this member is wanted."""
        return member in self._mesh

    def entry_for(self, newcomer: str, since: tuple[Position, ...]) -> Entry:
        """Sign what was said before a newcomer whom I have let in."""
        return self._rolls.sign_entry(newcomer, since)

    def keep_entry(self, newcomer: str) -> list[Action]:
        """Put on disk what I have signed for a newcomer."""
        return self._rolls.keep_entrance(newcomer)

    # --- What the user does ---

    def say(self, text: str) -> int:
        """Write a text, which the next `flush` sends; return its seq."""
        return self.outgoing.write(text)

    def flush(self, time: float, now: float) -> list[Action]:
        """Sign what I said since the last time; send it and put it on disk at the same time."""
        checked = self.incoming.check_for_others()
        kept = self.outgoing.sign_draft(time, now)
        return [*self.outgoing.send(self._mesh.greeted), *checked, *kept]

    def rest(self) -> list[Action]:
        """Leave what only I have for those who are away, because my program ends."""
        return self.mailbox.leave_fresh()

    def leave(self, now: float) -> list[Action]:
        """End the conversation for the user; texts on their way are still acknowledged."""
        return self._ending.leave(now)

    # --- What the links do ---

    def begin(self, now: float) -> list[Action]:
        """Link with everybody who is in."""
        self._hellos.begin(now)
        return [*self._rolls.begin(), *self.reach.begin(now)]

    def linked(self, member: str, now: float) -> list[Action]:
        """Note that a link to this member is up, for the first time or again."""
        return self._hellos.linked(member, now)

    def link_lost(self, member: str, now: float) -> list[Action]:
        """Note that the link to this member is lost; what its end has swallowed is sent again."""
        if member not in self._mesh:
            return []
        self._mesh.lose_link(member)
        dial = self.reach.link_lost(member, now)
        self.outgoing.unlink(member)
        self.incoming.link_lost(member, now)
        self._contradictions.link_lost(member)
        if self.is_over:
            return self._ending.settle_if_quiet()
        self._hellos.soon(now)
        return [*self._look_around(now), *dial]

    # --- What the others send ---

    def receive(self, sender: str, message: Message, now: float) -> list[Action]:
        """Take a message for this conversation.  Raise ProtocolError when it breaks the rules."""
        match message:
            case Members(members=members):
                return self._merge(members, sender, now)
            case Leave() if self.roll.is_in(sender) and not self.is_over:
                # They do not know that they have signed a membership: show it, so that they end it.
                return self._rolls.tell_all(sender)
            case Hello():
                return self._hear_hello(sender, message, now)
            case Text() if not self.is_over and self.roll.is_in(sender):
                return self.incoming.hear(sender, message, now)
            case Acknowledge(have=have) if sender in self._mesh:
                return self._hear_positions(sender, have, now, announced=True)
            case Entry():
                return self._rolls.hear_entry(sender, message)
            case Want(after=after) if self.roll.is_in(sender):
                return self.incoming.hand(sender, after)
        return []

    def _hear_hello(self, sender: str, hello: Hello, now: float) -> list[Action]:
        actions, counts = self._hellos.hear(sender, hello, now)
        if not counts:
            return actions
        actions += self._hear_positions(hello.by, hello.have, now, announced=False)
        if self._mesh.is_greeted(hello.by):
            actions += self._contradictions.compare_digests(hello.by, hello)
        return [*actions, *self.incoming.announce(), *self._look_around(now)]

    def _hear_positions(
        self, sender: str, have: Iterable[Position], now: float, *, announced: bool
    ) -> list[Action]:
        """Note how far a member is.  `announced`: they tell it because others may lack texts."""
        actions: list[Action] = []
        for there in have:
            self._contradictions.has(sender, there)
            if there.author == self.me.id:
                actions += self.outgoing.acknowledged(sender, there)
            if there.origin != self.outgoing.origin:
                self.incoming.claim(sender, there, now, announced=announced)
        actions += self.outgoing.send((sender,))
        actions += self.incoming.ask_if_due(now)
        return [*actions, *self._ending.settle_if_quiet()]

    def _merge(self, members: Iterable[Membership], sender: str, now: float) -> list[Action]:
        """Take in who is a member, as another member says."""
        changed = self.roll.merge(members)
        if not changed:
            return []
        actions = self._rolls.pass_on(changed, sender)
        if self.is_over:
            for member in set(changed) - set(self.roll.members()):
                self.outgoing.unlink(member)  # they read no more texts
            return actions
        parted = [one for one in changed if one in self._mesh and not self.roll.is_in(one)]
        went_on = self.reach.all_parted(parted, now)
        actions += went_on
        for member in changed:
            if not self.roll.is_in(member):
                actions += self._part(member, is_news=not went_on)
            elif member != self.me.id and member not in self._mesh:
                self._mesh.add(member)
                actions += [*self.outgoing.newcomer(member), *self.reach.meet(member, now)]
        if not self.roll.is_in(self.me.id):
            return [*actions, *self._ending.finish(now)]  # another program of mine has left
        return [*actions, *self._look_around(now)]

    def _part(self, member: str, *, is_news: bool) -> list[Action]:
        """Note that a member has left, and will write no more."""
        if member not in self._mesh:
            return []
        self._mesh.remove(member)
        left = self.reach.part(member, is_news=is_news)
        self._hellos.part(member)
        self.outgoing.unlink(member)
        return [*left, *self.mailbox.part(member)]

    def _look_around(self, now: float) -> list[Action]:
        """Judge who came into reach, who was lost, and who lacks texts."""
        if self.is_over:
            return []
        reached = self._mesh.reached()
        actions = self.reach.begin_look(reached, now)
        self.mailbox.begin_look()
        for member in self._mesh:
            actions += self.reach.judge(member, reached, now)
            actions += self.mailbox.judge(member, now)
        return [*actions, *self._ending.finish_if_alone(now)]

    # --- What screen and disk do ---

    def shown(self, text: Text) -> list[Action]:
        """Note that a text is on the screen: now it may be kept."""
        return self.incoming.shown(text)

    def kept(self, text: Text, now: float) -> list[Action]:
        """Note that a text is on disk: now it may be acknowledged."""
        if text.origin == self.outgoing.origin:
            left = self.outgoing.kept(text)
            more = self.mailbox.leave_all() if self.is_settled else self._ending.settle_if_quiet()
            return [*left, *more]
        self.incoming.kept(text, now)
        if self._contradictions.is_unseen(text.author):
            self._hellos.soon(now)  # I may be gone before the next one is due
        is_time = self._acknowledgements.are_many or self.is_over
        acknowledged = self._acknowledgements.send(now) if is_time else []
        return [*acknowledged, *self._ending.settle_if_quiet()]

    # --- What the clock does ---

    def next_deadline(self) -> float | None:
        """Return when to call `tick` next; None: never."""
        if self.is_settled:
            return None
        due = min(self._acknowledgements.due, self._hellos.due, self._ending.due)
        if not self.is_over:
            look, redial = min(self.reach.look_at, self.mailbox.look_at), self.reach.next_redial()
            due = min(due, look, redial, self.incoming.next_deadline())
        return None if due == _NEVER else due

    def tick(self, now: float) -> list[Action]:
        """Do what is due."""
        if self.is_settled:
            return []
        actions: list[Action] = []
        if now >= self._acknowledgements.due:
            actions += self._acknowledgements.send(now)
        if now >= self._ending.due:
            return [*actions, *self._ending.settle()]
        if hello := self._hellos.tick(now):
            actions += [*hello, *self._contradictions.show()]
        if self.is_over:
            return actions
        actions += [*self.incoming.tick(now), *self.reach.redial(now)]
        if now >= min(self.reach.look_at, self.mailbox.look_at):
            actions += self._look_around(now)
            pause = LOOK_AROUND_ROOM_SECONDS if self.room else LOOK_SECONDS
            self.reach.rest(now + pause)
            self.mailbox.rest(now + pause)
        return actions
