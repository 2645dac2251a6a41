"""Texts of others: asked for, taken in, checked, shown, kept and handed on."""

from collections.abc import Iterable, Mapping

from peer import events
from peer.core.conversation.acknowledgements import ACKNOWLEDGE_SECONDS, Acknowledgements
from peer.core.conversation.actions import Action, Hand, KeepReturn, Send, Show
from peer.core.conversation.incoming.gaps import Gaps, Request
from peer.core.conversation.incoming.held_answers import HeldAnswers
from peer.core.conversation.incoming.inbox import Inbox
from peer.core.conversation.incoming.screen_queue import ScreenQueue
from peer.core.conversation.members.entrances import NOTHING, Entrances
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.own_stay import OwnStay
from peer.core.conversation.proof.blame import Blame
from peer.core.conversation.proof.contradictions import Contradictions
from peer.core.conversation.proof.signatures import UNSIGNED, Signatures
from shared.errors import ProtocolError
from shared.messages.peers import SINCE, Acknowledge, Origin, Position, Text, Want

MANY_TEXTS = 1_000  # to come at once: it takes about a second, and the user is told
WANT_SECONDS = 1.0  # for a text to come by itself before we ask for it

_NEVER = float("inf")


class IncomingTexts:
    def __init__(
        self, stay: OwnStay, mesh: Mesh, entrances: Entrances, inbox: Inbox,
        queue: ScreenQueue, signatures: Signatures, contradictions: Contradictions,
        acknowledgements: Acknowledgements, blame: Blame,
    ) -> None:  # fmt: skip
        self._stay, self._mesh, self._entrances = stay, mesh, entrances
        self._inbox, self._queue = inbox, queue
        self._signatures, self._contradictions = signatures, contradictions
        self._acknowledgements, self._blame = acknowledgements, blame
        self._gaps = Gaps(inbox.came)
        self._is_announced = False  # the user was told that many texts come
        self._held_answers = HeldAnswers(inbox)

    # --- What the shell may look at ---

    @property
    def to_come(self) -> int:
        """The number of texts of others that we lack, and that some member may have for us."""
        return self._gaps.to_come

    def has_come(self, author: str, epoch: str, seq: int) -> bool:
        """Whether this text of another member was shown, or is about to be."""
        return self._inbox.was_heard((author, epoch), seq)

    def have(self) -> tuple[Position, ...]:
        """Return what is on disk."""
        return self._inbox.have()

    @property
    def history_mark(self) -> tuple[Position, ...]:
        """The ends of what was said so far, which is not for a user who comes in now."""
        return self._inbox.seen(SINCE)

    def mark_before(self, begins: Mapping[Origin, int]) -> tuple[Position, ...]:
        """Return the mark for a user who comes in now and gets some of what was said.

        `begins`: where that begins.  They get nothing that I may not read myself.
        """
        me, found = self._stay.me.id, []
        for one in self.history_mark:
            seq = begins.get(one.origin, one.seq)
            floor = max(seq, self._entrances.floor(me, one.origin)) if seq < one.seq else seq
            found.append(Position(*one.origin, min(one.seq, floor)))
        return tuple(found)

    @property
    def lamport(self) -> int:
        """The number from which a newcomer goes on: their texts sort after what was said before."""
        return self._inbox.clock.now

    # --- Taking in ---

    def hear(self, sender: str, text: Text, now: float) -> list[Action]:
        """Take a text from its author, or from a member who hands it on.

        Raise ProtocolError when its sender breaks the rules.
        """
        if text.author == sender and self._inbox.go_back(text):
            return [*self._gone_back(sender, text), *self.hear(sender, text, now)]
        if text.seq <= self._inbox.came(text.origin):
            return [*self._compare(sender, text), *self._hear_again(text, now)]
        is_direct = text.author == sender
        is_checked = not self._signatures.is_trusted(sender, text.author)
        if is_checked and not self._signatures.is_genuine(text):
            if is_direct:
                raise ProtocolError(UNSIGNED)
            if self._stay.roll.key(text.author) is not None:
                self._blame.count(sender)
            return []
        try:
            return self._take(sender, text, now, is_checked=is_checked)
        except ProtocolError:
            if is_direct:
                raise
            return []

    def _gone_back(self, author: str, text: Text) -> list[Action]:
        """Tell an author that I have not what others said was before me."""
        before = Position(*text.origin, text.seq - 1)
        return [KeepReturn(before), *self.handed(author, before)]

    def _compare(self, sender: str, text: Text) -> list[Action]:
        """Compare a text that came before with the one that is here.

        Raise ProtocolError when its sender has shown too many that no author has signed.
        """
        if not self._contradictions.contradicts(text):
            return []
        if not self._signatures.is_genuine(text):
            self._blame.count(sender)
            return []
        return self._contradictions.accuse(sender, text)

    def _hear_again(self, text: Text, now: float) -> list[Action]:
        """Acknowledge a duplicate again: our acknowledgement may have been lost."""
        if text.last_seq <= self._inbox.position(text.origin).seq:
            self._acknowledgements.owe(text, now)
        return []

    def _take(self, sender: str, text: Text, now: float, *, is_checked: bool) -> list[Action]:
        ready = self._inbox.take(text, now)
        if ready is None:
            self._gaps.claim(sender, text.origin, text.last_seq, now + WANT_SECONDS, now)
            return []
        self._signatures.add(text, now, is_checked=is_checked)
        if not ready:
            self._held_answers.add(sender, text, now)
        return self._queue.show(ready)

    def shown(self, text: Text) -> list[Action]:
        """Check a text that was shown on the screen, and keep it."""
        if not self._queue.note_shown(text):
            return []
        return [*self._signatures.check(text.origin), *self._queue.keep_shown()]

    def copy_differs(self, author: str) -> list[Action]:
        """Note that an author left me another text in the mailbox than the one that came."""
        return self._contradictions.accuse_of_copy(author)

    def check_all(self) -> list[Action]:
        """Check now all that waits to be checked."""
        return self._signatures.check_all()

    def check_for_others(self) -> list[Action]:
        """Check what my next text names to members other than its author."""
        return self._signatures.check_for_others()

    def kept(self, text: Text, now: float) -> None:
        """Note that a text is on disk: now it may be acknowledged."""
        self._inbox.kept(text)
        self._queue.kept()
        self._acknowledgements.owe(text, now)

    # --- Asking for what is lacking ---

    def announce(self) -> list[Action]:
        """Tell the user once that many texts come, which were said while I was away."""
        count = self.to_come
        is_news = count >= MANY_TEXTS and not self._is_announced
        self._is_announced = is_news or (self._is_announced and count > 0)
        return [Show(events.TextsCome(count))] if is_news else []

    def claim(self, source: str, there: Position, now: float, *, announced: bool) -> None:
        """Note what a member has.  `announced`: they tell it because others may lack texts."""
        self._held_answers.deny(source, there, now)
        if self._stay.roll.key(there.author) is None or self._stay.is_over:
            return
        comes = self._mesh.is_greeted(there.author)
        pause = 0.0 if announced and (not comes or there.author == source) else WANT_SECONDS
        self._gaps.claim(source, there.origin, there.seq, now + pause, now)

    def link_lost(self, member: str, now: float) -> None:
        self._gaps.forget(member, now)
        self._blame.forget(member)

    def ask_if_due(self, now: float) -> list[Action]:
        """Ask for what is lacking, as soon as others say that they have it."""
        return self._ask(now) if self._gaps.next_deadline() <= now else []

    def _ask(self, now: float) -> list[Action]:
        """Ask linked members for what is due."""
        return self._want(self._gaps.ask(self._mesh.greeted, now, self._pause_for_disk))

    def _ask_for_held(self, now: float) -> list[Action]:
        """Ask whoever answered a text that is missing here for it."""
        return self._want(self._held_answers.ask(self._mesh.greeted, now, self._may_ask))

    def _want(self, requests: Iterable[Request]) -> list[Action]:
        id = self._stay.id
        return [Send((one.to,), Want(id, Position(*one.of, one.came))) for one in requests]

    def _may_ask(self, of: Origin) -> bool:
        return not self._pause_for_disk(of)

    def _pause_for_disk(self, of: Origin) -> float:
        """Return the seconds to wait until my own disk has kept up; 0.0 when it has."""
        return 0.0 if self._inbox.has_room(of[0]) else ACKNOWLEDGE_SECONDS

    # --- Handing on ---

    def hand(self, to: str, after: Position) -> list[Action]:
        """Hand on what they ask for, but nothing that was said before they came in."""
        floor = self._entrances.floor(to, after.origin)
        start = Position(after.author, after.epoch, max(after.seq, floor))
        return [] if floor == NOTHING else [Hand(to, start)]

    def handed(self, to: str, after: Position) -> list[Action]:
        """Tell a member who was sent texts how many there are: they go on asking, or give up."""
        there = self._inbox.position(after.origin)
        return [Send((to,), Acknowledge(self._stay.id, (there,)))]

    # --- What the clock does ---

    def next_deadline(self) -> float:
        held = self._inbox.next_deadline() or _NEVER
        return min(held, self._gaps.next_deadline(), self._held_answers.due, self._signatures.due)

    def tick(self, now: float) -> list[Action]:
        actions = self._queue.show(self._inbox.overdue(now))
        actions += self._ask(now)
        if now >= self._held_answers.due:
            actions += self._ask_for_held(now)
        if now >= self._signatures.due:
            actions += self._signatures.check_some(now)
        return actions
