"""Texts of mine: signed, sent to each member, and acknowledged by them."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from peer.core.conversation.actions import Action, Keep, KeepAcknowledged, Send
from peer.core.conversation.incoming.inbox import Inbox
from peer.core.conversation.mailbox_fallback import MailboxFallback
from peer.core.conversation.members.entrances import Entrances
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.misled import Misled
from peer.core.conversation.outbox import Outbox
from peer.core.conversation.own_stay import OwnStay
from peer.core.conversation.proof.digests import Digests, said_in
from peer.core.conversation.texts import sign
from shared.messages.peers import Acknowledge, Origin, Position, Text

BACKLOG_TEXTS = 1_000  # that every member lacks: then the keyboard waits


class OutgoingTexts:
    def __init__(
        self, stay: OwnStay, mesh: Mesh, entrances: Entrances, digests: Digests, inbox: Inbox,
        outbox: Outbox, mailbox: MailboxFallback,
    ) -> None:  # fmt: skip
        self._stay, self._mesh, self._entrances, self._digests = stay, mesh, entrances, digests
        self._inbox, self._outbox, self._mailbox = inbox, outbox, mailbox
        self._uncommitted = 0  # texts that are on their way to the disk
        self._earlier_epoch = ""  # in which I may write on
        self.misled = Misled(stay.me.id, outbox)

    def restore(self, acknowledged: Iterable[tuple[str, str, int]], earlier_epoch: str) -> None:
        """Take up who has what of mine: by whom, epoch, seq.

        `earlier_epoch`: my texts may go on in it, for my disk has all that I wrote in it.
        """
        self._earlier_epoch = earlier_epoch
        for by, epoch, seq in acknowledged:
            self._outbox.acknowledged(by, epoch, seq)
        self._outbox.forget(self._mesh)

    # --- What the shell may look at ---

    @property
    def epoch(self) -> str:
        return self._outbox.epoch

    @property
    def origin(self) -> Origin:
        return self._stay.me.id, self._outbox.epoch

    @property
    def must_flush(self) -> bool:
        return self._outbox.draft_is_full

    @property
    def has_room(self) -> bool:
        """Whether the keyboard may go on: the member who keeps up best decides."""
        if self._uncommitted >= BACKLOG_TEXTS:
            return False
        return min(map(self._outbox.lag, self._mesh.greeted), default=0) < BACKLOG_TEXTS

    @property
    def last(self) -> int:
        """The seq of the last one that is signed."""
        return self._outbox.last

    @property
    def has_draft(self) -> bool:
        """Whether something is written that is not signed yet."""
        return self._outbox.has_draft

    @property
    def is_on_disk(self) -> bool:
        """Whether all of them are on my disk."""
        return not self._uncommitted

    @property
    def is_delivered(self) -> bool:
        """Whether everybody has all that I wrote."""
        return self.is_on_disk and not any(map(self._is_lacking, self._mesh))

    @property
    def can_deliver(self) -> bool:
        """Whether texts of mine are on their way to a member who lacks them."""
        return any(map(self._is_lacking, self._mesh.greeted))

    def _is_lacking(self, member: str) -> bool:
        return self._outbox.oldest_lacking(member) is not None

    def has(self, member: str, epoch: str, seq: int) -> bool:
        """Whether this text of mine is on their disk."""
        if self.misled.lacks(member, epoch, seq):
            return False
        return self._outbox.has(member, epoch) >= seq and self.is_for(member, epoch, seq)

    def lacks(self, member: str) -> int:
        """Return how many texts of mine are not known to be on their disk."""
        return self._outbox.lag(member)

    def is_for(self, member: str, epoch: str, seq: int) -> bool:
        """Whether they were in when I wrote this text."""
        return self._outbox.is_for(member, epoch, seq)

    # --- Writing ---

    def write(self, text: str) -> int:
        """Write a text, which the next `sign_draft` signs; return its seq."""
        return self._outbox.write(text)

    def sign_draft(self, time: float, now: float) -> list[Action]:
        """Sign what I wrote since the last time, and put it on disk."""
        made = self._outbox.sign_draft(lambda seq, said: self._sign(seq, said, time), now)
        for text in made:
            self._inbox.wrote(text)
            self._uncommitted += len(text.texts)
        self._mailbox.wrote(now)
        return [*map(Keep, made)]

    def _sign(self, seq: int, texts: tuple[str, ...], time: float) -> Text:
        mine, inbox = self.origin, self._inbox
        after, chain = inbox.heads(mine), self._digests.at(mine, seq - 1)
        text = Text(self._stay.id, *mine, seq, inbox.clock.next, time, texts, after, chain=chain)
        signed = sign(self._stay.me, text)
        self._digests.note(said_in(signed))
        return signed

    def kept(self, text: Text) -> list[Action]:
        """Note that one of them is on my disk: now a mailbox can take it."""
        self._inbox.kept(text)
        self._uncommitted -= len(text.texts)
        return self._mailbox.leave_for_parted()

    # --- Sending ---

    def greeted(self, to: str, have: Iterable[Position]) -> None:
        """Note a new link to a member, who has just said what they have."""
        has = {there.origin: there.seq for there in have}
        self._go_on(has)
        mine = self.origin
        floor = self._entrances.floor(to, mine)
        self._outbox.greeted(to, max(has.get(mine, 0), floor))

    def _go_on(self, has: Mapping[Origin, int]) -> None:
        """Write on in the epoch of my last program: a room must not gather thousands of them.

        It is the first member I meet who shows whether my disk still has the last text: it may
        have been brought back from a backup, and no number may be used twice.
        """
        epoch, self._earlier_epoch = self._earlier_epoch, ""
        if not epoch or self._outbox.last or self._outbox.has_draft:
            return
        origin = self._stay.me.id, epoch
        seq = self._inbox.position(origin).seq
        if seq and has.get(origin, 0) <= seq:
            came = [one for one in self._mesh if self._came_during(one, origin)]
            self._outbox.go_on(epoch, seq, newcomers=came)

    def _came_during(self, member: str, origin: Origin) -> bool:
        """Whether they came in after texts of this origin."""
        known = self._entrances.of(member)
        return known is not None and origin in {one.origin for one in known.heard.positions}

    def unlink(self, to: str) -> None:
        self._outbox.unlink(to)

    def newcomer(self, member: str) -> list[Action]:
        """Note a new member; earlier texts are presumed not to be meant for them."""
        has = self._outbox.newcomer(member)
        self.misled.forget(member)
        return [KeepAcknowledged(member, of, seq) for of, seq in has.items() if seq]

    def send(self, to: Iterable[str]) -> list[Action]:
        """Send each member what they may have now; members who get the same share one message."""
        actions: list[Action] = []
        alike: dict[tuple[int, int], tuple[list[Text], list[str]]] = {}
        for member in to:
            if texts := self._outbox.take(member):
                alike.setdefault((texts[0].seq, texts[-1].seq), (texts, []))[1].append(member)
        for texts, members in alike.values():
            actions += [Send(tuple(members), text) for text in texts]
        return actions

    # --- Acknowledged ---

    def acknowledged(self, by: str, there: Position) -> list[Action]:
        """Note how far a member has my texts of an epoch.

        If they only repeat what their entry says, it counts for texts of an earlier run alone:
        I do not know any more which of those they lack.  Raise ProtocolError for a text that I
        never wrote, unless their entry may name it.
        """
        if self.misled.only_repeats(by, there):
            there = replace(there, seq=min(there.seq, self._outbox.begun_after))
        return self._note_acknowledged(by, there)

    def _note_acknowledged(self, by: str, there: Position) -> list[Action]:
        if not self._outbox.acknowledged(by, there.epoch, there.seq):
            return []
        actions = [KeepAcknowledged(by, there.epoch, there.seq), *self._mailbox.has_come(by)]
        if self._mesh.is_greeted(by) and self._outbox.is_behind(by):
            # They are so far behind that they have to ask: tell them how far.
            mine = self._inbox.position(self.origin)
            actions.append(Send((by,), Acknowledge(self._stay.id, (mine,))))
        return actions

    def taken_from_mailbox(self, by: str, epoch: str, seq: int) -> list[Action]:
        """Note a receipt: the text that waited in the mailbox is on their disk."""
        if self._outbox.has(by, epoch) != seq - 1:
            return []
        self.misled.taken_from_mailbox(by, epoch, seq)
        return self._note_acknowledged(by, Position(self._stay.me.id, epoch, seq))
