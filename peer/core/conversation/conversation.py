"""A conversation of two to fifty, from being connected to its end, seen by one member.

A core: it decides what is shown, kept and sent, and its shell does it.  It knows
members by their ids (peer.core.membership), never by name.  Everybody has a link to
everybody.  Authors send their texts directly to each member.  A member who still lacks
one asks another member, whose copy bears the author's signature.  So one member whom all
can reach is enough for everybody to get everything.

Being a member and being reachable are two things.  A broken link ends nothing: both
sides try to link again, what was written meanwhile waits, and a member who cannot be
reached for a minute only looks as if they had left.

For its user a conversation is over at once.  It is settled a little later: when
what was on its way has arrived, or must be taken for undelivered.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from peer import events
from peer.core import membership
from peer.core.conversation.actions import (
    Action,
    Dial,
    Discard,
    Finished,
    Hand,
    Keep,
    KeepAcknowledged,
    KeepEntrance,
    KeepMembers,
    LeaveFor,
    Read,
    Refuse,
    Send,
    Settled,
    Show,
)
from peer.core.conversation.entrances import NOTHING, Entrance, Entrances, Heard, sign_entry
from peer.core.conversation.incoming.gaps import Gaps, Request
from peer.core.conversation.incoming.held_answers import HeldAnswers
from peer.core.conversation.incoming.inbox import Inbox, Ready
from peer.core.conversation.mailbox_fallback import MailboxFallback
from peer.core.conversation.outbox import Outbox
from peer.core.conversation.own_stay import OwnStay
from peer.core.conversation.proof.digests import Digests
from peer.core.conversation.proof.evidence import Evidence
from peer.core.conversation.proof.unchecked_texts import UncheckedTexts, is_genuine
from peer.core.conversation.reach import Reach
from peer.core.conversation.texts import Stream, last, sign, stream
from peer.core.membership import Me, Roll
from shared.errors import ProtocolError
from shared.identity import check_signature
from shared.messages.common import Message
from shared.messages.peers import (
    MEMBERS,
    POSITIONS,
    SINCE,
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

SETTLE_SECONDS = 5.0  # after leaving: for the last acknowledgements to arrive
ACKNOWLEDGE_TEXTS = 16  # one ACK for this many texts,
ACKNOWLEDGE_SECONDS = 0.05  # or for all texts kept within this time
HELLO_SECONDS = 30.0  # between two HELLOs when nothing happens
HELLO_SOON_SECONDS = 0.5  # for members who hear of us only through others
WANT_SECONDS = 1.0  # for a text to come by itself before we ask for it
BAD_MOST = 20  # unsigned texts or HELLOs handed on by one member; then the link is cut
BACKLOG_TEXTS = 1_000  # that every member lacks: then the keyboard waits

PROOFS = 4  # texts that one HELLO makes me ask for, if its sender has others than I

_NEVER = float("inf")
_UNSIGNED = "a text is not signed by its author"


class Kept(Struct, frozen=True):
    """The records on disk of a conversation that goes on after a restart."""

    members: tuple[Membership, ...]
    have: tuple[Position, ...]
    written: tuple[tuple[str, int, float], ...]  # epoch, last seq and age of my texts
    acknowledged: tuple[tuple[str, str, int], ...]  # by whom, epoch, seq
    lamport: int = 0  # the highest number
    entrances: tuple[Entrance, ...] = ()
    said: tuple[tuple[str, str, int, bytes], ...] = ()  # author, epoch, last seq and digest


class Conversation:
    """One conversation.  In seconds, `now` is monotonic and `time` the time of day."""

    def __init__(
        self, id: str, me: Me, roll: Roll, epoch: str, *, first_number: int,
        jitter: Callable[[], float], have: Iterable[Position] = (), lamport: int = 0,
        kept: Kept | None = None, entrances: Iterable[Entrance] = (),
        called: Callable[[str], str] | None = None,
        spell: Callable[[str], str] | None = None,
    ) -> None:  # fmt: skip
        """`first_number`: higher than that of any HELLO of an earlier start.
        `jitter` returns a number between 0.8 and 1.2.  `have`: what was said before we
        came, and `lamport` its highest number.  `entrances`: known from an earlier stay or
        start of mine.  `called`: what the user reads for a member; by default the name.
        `spell`: how events name a member; by default as `called`.
        """
        self._stay = OwnStay(id, me, roll, is_asleep=kept is not None, called=called, spell=spell)
        self.id, self.me, self.roll = id, me, roll
        self.called, self._spell = self._stay.called, self._stay.spell
        self.reach = Reach(self._stay, jitter)
        self._jitter = jitter
        self._number = first_number
        self._numbers: dict[str, int] = {}  # of the last HELLO of each member
        self._know_us: set[str] = set()  # were sent our roll, on this link
        self._inbox = Inbox(kept.have, kept.lamport) if kept else Inbox(have, lamport)
        self._outbox = Outbox(epoch, kept.written if kept else ())
        self.mailbox = MailboxFallback(self._stay, self.reach, self._outbox, self._inbox)
        self._gaps = Gaps(self._inbox.came)
        self._held_answers = HeldAnswers(self._inbox)
        self._entrances = Entrances(roll, self._inbox.first_heard)
        self._entrances.restore(entrances)
        self._digests = Digests()
        for author, its_epoch, seq, said in kept.said if kept else ():
            self._digests.restore((author, its_epoch), seq, said)
        self._unchecked = UncheckedTexts(roll.key, self._prove)
        self._forgers: set[str] = set()  # sent what they had not signed: now checked at once
        self._contradicted: list[str] = []  # authors who told me something else before
        #: the text after each position proves to others that its author said different things
        self._evidence = Evidence(lambda of: self._inbox.position(of).seq, self._entrances.floor)
        self._two_faced: set[str] = set()  # authors of whom the user was told so
        self._uncommitted = 0  # texts of mine that are on their way to the disk
        self._showing = 0  # Texts that were given to the screen, and are not on disk yet
        self._reading: deque[Text] = deque()  # given to the screen, in this order
        self._stood: set[tuple[Stream, int]] = set()  # which of these were shown
        self._owed: dict[Stream, None] = {}  # streams that have grown on disk since the last ACK
        self._owed_texts = 0
        self._blamed: Counter[str] = Counter()
        self._acknowledge_at = _NEVER
        self._hello_at = _NEVER
        self._settle_at = _NEVER
        for by, of, seq in kept.acknowledged if kept else ():
            self._outbox.acknowledged(by, of, seq)
        self._outbox.forget(self.reach)
        self._learned = self._learn_entrances()  # not on disk yet

    # --- What the shell may look at ---

    @property
    def is_over(self) -> bool:
        """Whether it is over for the user."""
        return self._stay.is_over

    @property
    def is_settled(self) -> bool:
        return self._stay.is_settled

    @property
    def is_asleep(self) -> bool:
        """Whether it is interrupted; the user does not see it."""
        return self._stay.is_asleep

    @property
    def others(self) -> tuple[str, ...]:
        return self.reach.others

    def concerns(self, member: str) -> bool:
        """Whether a link to this member is wanted."""
        return member in self.reach

    @property
    def has_room(self) -> bool:
        """Whether the keyboard may go on: the member who keeps up best decides."""
        if self._uncommitted >= BACKLOG_TEXTS:
            return False
        lags = map(self._outbox.lag, self.reach.greeted)
        return min(lags, default=0) < BACKLOG_TEXTS

    @property
    def is_delivered(self) -> bool:
        """Whether everybody has all that I wrote."""
        return not self._uncommitted and all(
            self._outbox.oldest_lacking(member) is None for member in self.reach
        )

    @property
    def can_deliver(self) -> bool:
        """Whether texts of mine are on their way to a member who lacks them."""
        return any(self._outbox.oldest_lacking(member) is not None for member in self.reach.greeted)

    def who(self) -> list[tuple[str, str, float | None]]:
        return self.reach.who()

    def has(self, member: str, epoch: str, seq: int) -> bool:
        """Whether this text of mine is on their disk."""
        return self._outbox.has(member, epoch) >= seq and self.is_for(member, epoch, seq)

    def lacks(self, member: str) -> int:
        """Return how many texts of mine are not known to be on their disk."""
        return self._outbox.lag(member)

    def is_late(self, member: str) -> bool:
        """Whether they have lacked a text of mine for longer than LATE_SECONDS."""
        return self.mailbox.is_late(member)

    @property
    def to_come(self) -> int:
        """The number of texts of others that we lack, and that some member may have for us."""
        return self._gaps.to_come

    def is_for(self, member: str, epoch: str, seq: int) -> bool:
        """Whether they were in when I wrote this text."""
        return self._outbox.is_for(member, epoch, seq)

    def has_come(self, author: str, epoch: str, seq: int) -> bool:
        """Whether this text of another member was shown, or is about to be."""
        return self._inbox.came((author, epoch)) >= seq

    def waits_at_directory(self, member: str, epoch: str, seq: int) -> bool:
        return self.mailbox.has(member, epoch, seq)

    @property
    def epoch(self) -> str:
        return self._outbox.epoch

    def memberships(self) -> tuple[Membership, ...]:
        return self.roll.all()

    def have(self) -> tuple[Position, ...]:
        """Return what is on disk."""
        return self._inbox.have()

    def before(self) -> tuple[Position, ...]:
        """Return what was said so far, which is not for a user who comes in now."""
        return self._inbox.seen(SINCE)

    def entry_for(self, newcomer: str, since: tuple[Position, ...]) -> Entry:
        """Sign what was said before a newcomer whom I have let in."""
        counter, epochs = self.roll.counter(newcomer), self._inbox.epochs_told(SINCE)
        return sign_entry(self.me, Entry(self.id, newcomer, counter, since, epochs))

    @property
    def lamport(self) -> int:
        """The number from which a newcomer goes on: their texts sort after what was said before."""
        return self._inbox.clock.now

    # --- What the user does ---

    def say(self, text: str) -> int:
        """Write a text, which the next `flush` sends; return its seq."""
        return self._outbox.write(text)

    @property
    def must_flush(self) -> bool:
        return self._outbox.draft_is_full

    def flush(self, time: float, now: float) -> list[Action]:
        """Sign what I said since the last time; send it and put it on disk at the same time."""
        actions = self._check_for_others()
        for text in self._outbox.sign_draft(lambda seq, said: self._sign(seq, said, time), now):
            self._inbox.wrote(text)
            self._uncommitted += len(text.texts)
            actions.append(Keep(text))
        self.mailbox.wrote(now)
        return [*self._send_texts(self._greeted()), *actions]

    def _sign(self, seq: int, texts: tuple[str, ...], time: float) -> Text:
        mine = (self.me.id, self._outbox.epoch)
        after = self._inbox.heads(mine)
        chain = self._digests.at(mine, seq - 1)
        text = Text(self.id, *mine, seq, self._inbox.clock.next, time, texts, after, chain=chain)
        signed = sign(self.me, text)
        self._digests.note(signed)
        return signed

    def leave(self, now: float) -> list[Action]:
        """End the conversation for the user; texts on their way are still acknowledged."""
        mine = self.roll.of(self.me.id)
        assert mine is not None
        gone = self._sign_out(mine)
        told = Send(self._linked(), Members(self.id, (gone,)))
        actions: list[Action] = [*self._acknowledge(now), told, KeepMembers((self.me.id,))]
        if not self.is_asleep and not self.is_over:
            actions += [Show(events.ConversationLeft()), Finished()]
        self._stay.is_over = True
        self._settle_at = now + SETTLE_SECONDS
        return [*actions, *self._settle_if_quiet()]

    def _sign_out(self, mine: Membership) -> Membership:
        """Sign that I am out, and put that on the roll."""
        gone = membership.leave(self.me, self.id, mine)
        self.roll.merge([gone])
        return gone

    def slept(self, seconds: float, now: float) -> None:
        self.reach.slept(seconds, now)

    def directory(self, now: float, *, is_there: bool) -> None:
        self.reach.directory(now, is_there=is_there)

    # --- What the links do ---

    def begin(self, now: float) -> list[Action]:
        """Link with everybody who is in."""
        self._hello_at = now + HELLO_SECONDS * self._jitter()
        return [*self._keep_entrances(self._learned), *self.reach.begin(now)]

    def linked(self, member: str, now: float) -> list[Action]:
        """Note that a link to this member is up, for the first time or again."""
        if member not in self.reach or not self.roll.is_in(member):
            return []  # a member who left after us is not told
        self.reach.link(member)
        self._outbox.unlink(member)
        actions: list[Action] = []
        if member not in self._know_us:
            self._know_us.add(member)
            actions += self._introduce(member)
        self._hello_soon(now)
        return [*actions, Send((member,), self._hello())]

    def _hello_soon(self, now: float) -> None:
        """Send a HELLO soon, for others cannot see my links."""
        if len(self.reach) > 1:
            self._hello_at = min(self._hello_at, now + HELLO_SOON_SECONDS)

    def link_lost(self, member: str, now: float) -> list[Action]:
        if member not in self.reach:
            return []
        self.reach.lose_link(member, now)
        self._know_us.discard(member)
        del self._blamed[member]
        self._outbox.unlink(member)
        self._gaps.forget(member, now)
        self._evidence.link_lost(member)
        if self.is_over:
            return self._settle_if_quiet()
        self._hello_soon(now)
        # Dial at once, for a link may break for no reason.
        return [*self._look_around(now), Dial(member)]

    def unreachable(self, member: str, now: float) -> list[Action]:
        """Note that dialling failed."""
        self.reach.unreachable(member, now)
        return []

    def may_be_back(self, member: str, now: float) -> list[Action]:
        return self.reach.may_be_back(member, now)

    # --- What the others send ---

    def receive(self, sender: str, message: Message, now: float) -> list[Action]:
        """Take a message for this conversation.  Raise ProtocolError when it breaks the rules."""
        match message:
            case Members(members=members):
                return self._merge(members, sender, now)
            case Leave() if self.roll.is_in(sender) and not self.is_over:
                # They do not know that they have signed a membership: show it, so that they end it.
                return self._tell_members((sender,), self.roll.all())
            case Hello():
                return self._hear_hello(sender, message, now)
            case Text() if not self.is_over and self.roll.is_in(sender):
                return self._hear_text(sender, message, now)
            case Acknowledge(have=have) if sender in self.reach:
                return self._hear_positions(sender, have, now, announced=True)
            case Entry():
                return self._hear_entry(message)
            case Want(after=after) if self.roll.is_in(sender):
                return self._hand(sender, after)
        return []

    def _hand(self, to: str, after: Position) -> list[Action]:
        """Hand on what they ask for, but nothing that was said before they came in."""
        floor = self._entrances.floor(to, (after.author, after.epoch))
        start = Position(after.author, after.epoch, max(after.seq, floor))
        return [] if floor == NOTHING else [Hand(to, start)]

    def handed(self, to: str, after: Position) -> list[Action]:
        """Tell a member who was sent texts how many there are, so that they go on asking."""
        there = self._inbox.position((after.author, after.epoch))
        return [Send((to,), Acknowledge(self.id, (there,)))] if there.seq else []

    def _hear_hello(self, sender: str, hello: Hello, now: float) -> list[Action]:
        if hello.by not in self.reach or not self.roll.is_in(hello.by):
            is_lost = hello.by == sender and self.roll.counter(sender) and not self.is_over
            # They believe that they are in: show them the roll.
            return self._tell_members((sender,), self.roll.all()) if is_lost else []
        if hello.by == sender:
            if not self._is_genuine(hello, self.roll.key(sender) or b""):
                raise ProtocolError("a HELLO is not signed by its author")
            return self._hear_own(hello, now)
        key = self.roll.key(hello.by)
        is_old = hello.number <= self._numbers.get(hello.by, 0)
        if is_old or key is None or sender not in self.reach:
            return []
        if not self._is_genuine(hello, key):
            return self._blame(sender)
        if any(map(self._was_never_written, hello.have)):
            return []  # not the fault of the member who hands it on
        return [*self._pass_on(hello, sender), *self._note_hello(hello, now)]

    def _is_genuine(self, hello: Hello, key: bytes) -> bool:
        self.roll.checks += 1
        try:
            check_signature(key, hello.signature, _hello_statement(hello))
        except ProtocolError:
            return False
        return True

    def _blame(self, sender: str) -> list[Action]:
        """Count an unsigned thing that a member hands on: honest members check before."""
        self._blamed[sender] += 1
        if self._blamed[sender] > BAD_MOST:
            raise ProtocolError("too much was handed on that is not signed by its author")
        return []

    def _was_never_written(self, there: Position) -> bool:
        mine = (self.me.id, self._outbox.epoch)
        return (there.author, there.epoch) == mine and there.seq > self._outbox.last

    def _hear_own(self, hello: Hello, now: float) -> list[Action]:
        """Take a HELLO from its author, over our link."""
        by = hello.by
        actions: list[Action] = [] if self.reach.is_linked(by) else self.linked(by, now)
        if hello.members != self.roll.digest():
            actions += self._introduce(by)
        actions += self._pass_on(hello, by)
        if self.reach.greet(by):
            mine = (self.me.id, self._outbox.epoch)
            has = {(there.author, there.epoch): there.seq for there in hello.have}
            floor = self._entrances.floor(by, mine)
            self._outbox.greeted(by, max(has.get(mine, 0), floor))
        elif self.me.id not in hello.linked:
            # They took another link for ours, and wait there for our HELLO.
            actions.append(Send((by,), self._hello()))
        return [*actions, *self._note_hello(hello, now)]

    def _note_hello(self, hello: Hello, now: float) -> list[Action]:
        by = hello.by
        self._numbers[by] = max(self._numbers.get(by, 0), hello.number)
        self.reach.note_links(by, hello.linked)
        heard = self._hear_positions(by, hello.have, now, announced=False)
        if self.reach.is_greeted(by):
            heard += self._compare_digests(by, hello)
        return [*heard, *self._look_around(now)]

    def _pass_on(self, hello: Hello, sender: str) -> list[Action]:
        """Relay it to members who have no link to its author."""
        to = [
            one
            for one in self.reach.not_linked_with(hello.by)
            if one != sender and self.roll.is_in(one)  # once I have left, they may leave too
        ]
        return [Send(tuple(to), hello)] if to else []

    def _merge(self, members: Iterable[Membership], sender: str, now: float) -> list[Action]:
        changed = self.roll.merge(members)
        if not changed:
            return []
        fresh = self.roll.told(changed)
        to = tuple(member for member in self._linked() if member != sender)
        known = tuple(member for member in changed if self.roll.of(member))  # not dropped
        actions = [*self._tell_members(to, fresh), KeepMembers(known)]
        actions += self._keep_entrances(self._learn_entrances())
        if self.is_over:
            for member in set(changed) - set(self.roll.members()):
                self._outbox.unlink(member)  # they read no more texts
            return actions
        parted = [one for one in changed if one in self.reach and not self.roll.is_in(one)]
        went_on = self._hear_all_went_on(parted, now)
        actions += went_on
        for member in changed:
            if member == self.me.id:
                continue
            if self.roll.is_in(member) and member not in self.reach:
                has = self._outbox.newcomer(member)
                actions += [KeepAcknowledged(member, of, seq) for of, seq in has.items() if seq]
                actions += self.reach.meet(member, now)
            elif not self.roll.is_in(member) and member in self.reach:
                actions += self._part(member, is_news=not went_on)
        if not self.roll.is_in(self.me.id):
            return [*actions, *self._finish(now)]  # another program of mine has left
        return [*actions, *self._look_around(now)]

    def _tell_members(self, to: tuple[str, ...], what: Iterable[Membership]) -> list[Action]:
        return [Send(to, Members(self.id, page)) for page in membership.pages(what)]

    def _introduce(self, to: str) -> list[Action]:
        """Send a member the roll, and my entry: from where on I may read."""
        mine = self._entrances.entry_of(self.me.id)
        told = self._tell_members((to,), self.roll.all())
        return [*told, Send((to,), mine)] if mine else told

    def _learn_entrances(self) -> list[str]:
        """Note new entrances; return whose.  They came in after what is here now."""
        heard = Heard(self._inbox.seen(), self._inbox.origins)
        return [member for member in self.roll.members() if self._entrances.learn(member, heard)]

    def _keep_entrances(self, members: Iterable[str]) -> list[Action]:
        found = map(self._entrances.of, members)
        return [KeepEntrance(one) for one in found if one is not None]

    def _hear_entry(self, entry: Entry) -> list[Action]:
        """Take an entry: from where on its member may read."""
        is_news = entry.conversation == self.id and self._entrances.hear(entry)
        return self._keep_entrances((entry.member,)) if is_news else []

    def _hear_all_went_on(self, parted: list[str], now: float) -> list[Action]:
        """If all others have left at once, because I was away, tell the user so."""
        if self.is_asleep or len(parted) < len(self.reach):
            return []
        return self.reach.say_out_of_reach(now)

    def _part(self, member: str, *, is_news: bool) -> list[Action]:
        """Note that a member has left, and will write no more."""
        left = self.reach.part(member, is_news=is_news)
        self._numbers.pop(member, None)
        self._know_us.discard(member)
        self._outbox.unlink(member)
        return [*left, *self.mailbox.part(member)]

    # --- Texts ---

    def _hear_text(self, sender: str, text: Text, now: float) -> list[Action]:
        if text.seq <= self._inbox.came(stream(text)):
            return [*self._compare_text(sender, text), *self._hear_again(text, now)]
        is_direct = text.author == sender
        is_checked = not is_direct or sender in self._forgers
        if is_checked and not is_genuine(text, self.roll.key(text.author)):
            if is_direct:
                raise ProtocolError(_UNSIGNED)
            return self._blame(sender) if self.roll.key(text.author) is not None else []
        try:
            return self._take_text(sender, text, now, is_checked=is_checked)
        except ProtocolError:
            if is_direct:
                raise
            return []

    def _hear_again(self, text: Text, now: float) -> list[Action]:
        """Acknowledge a duplicate again: our acknowledgement may have been lost."""
        if last(text) <= self._inbox.position(stream(text)).seq:
            self._owe(text, now)
        return []

    def _take_text(
        self, sender: str, text: Text, now: float, *, is_checked: bool
    ) -> list[Action]:  # fmt: skip
        ready = self._inbox.take(text, now)
        if ready is None:
            self._gaps.claim(sender, stream(text), last(text), now + WANT_SECONDS, now)
            return []
        self._unchecked.add(text, now, is_checked=is_checked)
        if not ready:
            self._held_answers.add(sender, text, now)
        return self._show(ready)

    def _show(self, ready: Iterable[Ready]) -> list[Action]:
        actions: list[Action] = []
        for one in ready:
            self._showing += 1
            if one.text.author == self.me.id:
                actions.append(Keep(one.text))  # which our disk had lost
                continue
            if one.gap:
                actions.append(Show(events.Missing()))
            self._reading.append(one.text)
            actions.append(Read(one.text))
        return actions

    def shown(self, text: Text) -> list[Action]:
        """Keep a text that was shown on the screen, but not before an earlier one.

        A text of which nothing is to be shown overtakes those on their way to the screen.
        On disk, and so in our acknowledgements, it would count for these too.
        """
        if text not in self._reading:
            return []  # it has been discarded
        self._stood.add((stream(text), text.seq))
        return [*self._check(stream(text)), *self._keep_what_stood()]

    def _keep_what_stood(self) -> list[Action]:
        actions: list[Action] = []
        while self._reading:
            place = (stream(self._reading[0]), self._reading[0].seq)
            if place not in self._stood:
                break
            self._stood.remove(place)
            actions.append(Keep(self._reading.popleft()))
        return actions

    # --- Who has signed it ---

    def check_all(self) -> list[Action]:
        """Check now all that waits to be checked."""
        return [action for of in self._unchecked.origins() for action in self._check(of)]

    def _check_for_others(self) -> list[Action]:
        """Check the texts that my next text names to members other than their authors.

        In a conversation of two my text is sent first: it names nothing to others.
        """
        named = [of for of in self._unchecked.origins() if set(self.reach) - {of[0]}]
        return [action for of in named for action in self._check(of)]

    def _check(self, of: Stream) -> list[Action]:
        return self._judge(self._unchecked.check(of))

    def _judge(self, forged: list[Text]) -> list[Action]:
        """Act on a check: reject `forged`, an unsigned text and those that came after it."""
        actions = self._reject(forged) if forged else []
        contradicted, self._contradicted = self._contradicted, []
        for author in contradicted:
            actions += self._tell_two_faced(author, "")
        return actions

    def _prove(self, text: Text) -> None:
        """Note a text that its author has signed; note a contradiction too."""
        if self._digests.note(text):
            return
        self._evidence.add(Position(*stream(text), max(0, text.seq - 2)))
        if text.author not in self._two_faced and text.author not in self._contradicted:
            self._contradicted.append(text.author)

    def _reject(self, forged: list[Text]) -> list[Action]:
        """Discard forged texts and end the author's link, over which they came."""
        author = forged[0].author
        self._inbox.reject(forged)
        self._forgers.add(author)
        discarded = [one for one in self._reading if one in forged]
        for one in discarded:
            self._reading.remove(one)
            self._stood.discard((stream(one), one.seq))
        self._showing -= len(discarded)
        left = self._keep_what_stood()
        return [*map(Discard, discarded), Refuse(author, _UNSIGNED), *left]

    def _compare_text(self, sender: str, text: Text) -> list[Action]:
        """Compare a text that came before with the one that is here."""
        author = text.author
        if author in self._two_faced or author == self.me.id:
            return []
        if not self._digests.contradicts(text) or not is_genuine(text, self.roll.key(author)):
            return []
        told = self._tell_two_faced(author, sender if sender != author else "")
        self._evidence.add(Position(*stream(text), text.seq - 1), text)
        others = [name for name in self._greeted() if name not in (author, sender)]
        return [*told, *self._send_evidence(others, text)]

    def _send_evidence(self, to: Iterable[str], text: Text) -> list[Action]:
        """Send the other text to those who may read it: they may have the same as I."""
        able = [name for name in to if self._entrances.floor(name, stream(text)) < text.seq]
        return [Send(tuple(able), text)] if able else []

    def _compare_digests(self, sender: str, hello: Hello) -> list[Action]:
        """Ask for texts of authors who have told this member other things."""
        differing = [
            there
            for there, said in zip(hello.have, hello.said, strict=False)
            if there.author not in self._two_faced and there.author != self.me.id
            and self._digests.differs((there.author, there.epoch), there.seq, said)
        ]  # fmt: skip
        return [
            Send((sender,), Want(self.id, Position(there.author, there.epoch, there.seq - 1)))
            for there in differing[:PROOFS]
        ]

    def _show_evidence(self) -> list[Action]:
        """Send the evidence to members who may read it and have not seen it yet."""
        actions: list[Action] = []
        for where, member in self._evidence.unseen(self._greeted()):
            other = self._evidence.mark_sent(where, member)
            actions += self._hand(member, where)
            if other is not None:
                actions += self._send_evidence((member,), other)
        return actions

    def _tell_two_faced(self, author: str, to: str) -> list[Action]:
        self._two_faced.add(author)
        name, other = self._spell(author), self._spell(to) if to else ""
        return [Show(events.SaidDifferently(name, other))]

    def kept(self, text: Text, now: float) -> list[Action]:
        """Note that a text is on disk: now it may be acknowledged."""
        self._inbox.kept(text)
        if stream(text) == (self.me.id, self._outbox.epoch):
            self._uncommitted -= len(text.texts)
            left = self.mailbox.leave_for_parted()
            return [
                *left,
                *(self.mailbox.leave_all() if self.is_settled else self._settle_if_quiet()),
            ]
        self._showing -= 1
        self._owe(text, now)
        if self._evidence and self._evidence.unseen(self._greeted()):
            self._hello_soon(now)  # I may be gone before the next one is due
        if self._owed_texts >= ACKNOWLEDGE_TEXTS or self.is_over:
            return [*self._acknowledge(now), *self._settle_if_quiet()]
        return self._settle_if_quiet()

    def _owe(self, text: Text, now: float) -> None:
        self._owed[stream(text)] = None
        self._owed_texts += len(text.texts)
        self._acknowledge_at = min(self._acknowledge_at, now + ACKNOWLEDGE_SECONDS)

    def _acknowledge(self, now: float) -> list[Action]:
        """Acknowledge to the author, and to members whom the author does not reach."""
        owed, self._owed = self._owed, {}
        self._owed_texts, self._acknowledge_at = 0, _NEVER
        wanted: dict[str, list[Position]] = defaultdict(list)
        for of in owed:
            there, author = self._inbox.position(of), of[0]
            wanted[author].append(there)  # also when they have left: it lets them settle
            for member in self.reach.not_linked_with(author):
                wanted[member].append(there)
            if not self.reach.is_linked(author):
                self._hello_soon(now)
        wanted.pop(self.me.id, None)
        return [
            Send((to,), Acknowledge(self.id, tuple(have[start : start + POSITIONS])))
            for to, have in wanted.items()
            for start in range(0, len(have), POSITIONS)
        ]

    def _send_texts(self, to: Iterable[str]) -> list[Action]:
        """Send each member what they may have now; members who get the same share one message."""
        actions: list[Action] = []
        alike: dict[tuple[int, int], tuple[list[Text], list[str]]] = {}
        for member in to:
            if texts := self._outbox.take(member):
                alike.setdefault((texts[0].seq, texts[-1].seq), (texts, []))[1].append(member)
        for texts, members in alike.values():
            actions += [Send(tuple(members), text) for text in texts]
        return actions

    def _hear_positions(
        self, sender: str, have: Iterable[Position], now: float, *, announced: bool
    ) -> list[Action]:
        """Note how far a member is.  `announced`: they tell it because others may lack texts."""
        actions: list[Action] = []
        for one in have:
            of = (one.author, one.epoch)
            self._evidence.has(sender, one)
            if one.author == self.me.id:
                if self._outbox.acknowledged(sender, one.epoch, one.seq):
                    actions += self._note_acknowledged(sender, one)
                if one.epoch == self._outbox.epoch:
                    continue
            if self.roll.key(one.author) is not None and not self.is_over:
                comes = self.reach.is_greeted(one.author)
                pause = 0.0 if announced and (not comes or one.author == sender) else WANT_SECONDS
                self._gaps.claim(sender, of, one.seq, now + pause, now)
        actions += self._send_texts((sender,))
        if self._gaps.next_deadline() <= now:
            actions += self._ask(now)
        return [*actions, *self._settle_if_quiet()]

    def _note_acknowledged(self, by: str, there: Position) -> list[Action]:
        actions: list[Action] = [KeepAcknowledged(by, there.epoch, there.seq)]
        actions += self.mailbox.has_come(by)
        if self.reach.is_greeted(by) and self._outbox.is_behind(by):
            # They are so far behind that they have to ask: tell them how far.
            mine = self._inbox.position((self.me.id, self._outbox.epoch))
            actions.append(Send((by,), Acknowledge(self.id, (mine,))))
        return actions

    def taken_from_mailbox(self, by: str, epoch: str, seq: int) -> list[Action]:
        """Note a receipt: the text that waited in the mailbox is on their disk."""
        if self._outbox.has(by, epoch) == seq - 1 and self._outbox.acknowledged(by, epoch, seq):
            return self._note_acknowledged(by, Position(self.me.id, epoch, seq))
        return []

    # --- Asking for what is lacking ---

    def _ask(self, now: float) -> list[Action]:
        """Ask linked members for what is due."""
        return self._want(self._gaps.ask(self._greeted(), now, self._pause_for_disk))

    def _ask_for_held(self, now: float) -> list[Action]:
        """Ask whoever answered a text that is missing here for it."""
        return self._want(self._held_answers.ask(self._greeted(), now, self._may_ask))

    def _want(self, requests: Iterable[Request]) -> list[Action]:
        return [Send((one.to,), Want(self.id, Position(*one.of, one.came))) for one in requests]

    def _may_ask(self, of: Stream) -> bool:
        return self.roll.key(of[0]) is not None and not self._pause_for_disk(of)

    def _pause_for_disk(self, of: Stream) -> float:
        """Return the seconds to wait until my own disk has kept up; 0.0 when it has."""
        return 0.0 if self._inbox.has_room(of[0]) else ACKNOWLEDGE_SECONDS

    # --- Who is in reach ---

    def _linked(self) -> tuple[str, ...]:
        return self.reach.linked

    def _greeted(self) -> tuple[str, ...]:
        return self.reach.greeted

    def _look_around(self, now: float) -> list[Action]:
        """Judge who came into reach, who was lost, and who lacks texts."""
        if self.is_over:
            return []
        reached = self.reach.reached()
        actions = self.reach.begin_look(reached, now)
        self.mailbox.begin_look()
        for member in self.reach:
            actions += self.reach.judge(member, reached, now)
            actions += self.mailbox.judge(member, now)
        return [*actions, *self._finish_if_alone(now)]

    def not_left(self, to: str, after: Position) -> None:
        self.mailbox.not_left(to, after)

    def was_left(self, to: str, epoch: str, seq: int) -> None:
        self.mailbox.was_left(to, epoch, seq)

    def owed(self) -> list[LeaveFor]:
        return self.mailbox.owed()

    def _finish_if_alone(self, now: float) -> list[Action]:
        """Finish when nobody else is there any more: for good, unless several may come back."""
        if self.is_over or self.others:
            return []
        if not self.reach:
            silent = self.is_asleep
            over = [] if silent else [Show(events.ConversationOver())]
            return [*over, *self._finish(now)]
        if len(self.reach) == 1:
            return [] if self.is_asleep else [Show(events.ConversationOver()), *self._finish(now)]
        if self.is_asleep:
            return []
        self._stay.is_asleep = True
        return [Show(events.ConversationOver()), Finished()]

    def _finish(self, now: float) -> list[Action]:
        """End the conversation, because nobody else is left."""
        was_asleep, self._stay.is_over = self.is_asleep, True
        mine = self.roll.of(self.me.id)
        actions: list[Action] = [*self._acknowledge(now)]
        if mine is not None and mine.counter % 2:
            gone = self._sign_out(mine)
            actions.append(KeepMembers((self.me.id,)))
            if to := self._linked():
                actions.append(Send(to, Members(self.id, (gone,))))
        self._settle_at = now + SETTLE_SECONDS
        finished: list[Action] = [] if was_asleep else [Finished()]
        return [*actions, *finished, *self._settle_if_quiet()]

    # --- HELLO ---

    def _hello(self) -> Hello:
        self._number += 1
        have = self._inbox.have()
        said = tuple(self._digests.at((one.author, one.epoch), one.seq) for one in have)
        hello = Hello(
            self.id, self.me.id, self._number, self.roll.digest(),
            self._greeted()[:MEMBERS], have, said=said,
        )  # fmt: skip
        signature = self.me.identity.sign(_hello_statement(hello))
        return msgspec.structs.replace(hello, signature=signature)

    # --- The end ---

    def _settle_if_quiet(self) -> list[Action]:
        """Settle when nothing is on its way any more."""
        if not self.is_over or self.is_settled:
            return []
        if self._uncommitted or self._showing or self.can_deliver:
            return []
        return self._settle()

    def _settle(self) -> list[Action]:
        self._stay.is_settled, self._settle_at = True, _NEVER
        left = self.mailbox.leave_all()
        if self._uncommitted:  # not on disk yet, so it cannot be left in a mailbox
            left += self.mailbox.tell_lost()
        return [*left, Settled()]

    # --- What the clock does ---

    def next_deadline(self) -> float | None:
        if self.is_settled:
            return None
        due = min(self._acknowledge_at, self._hello_at, self._settle_at)
        if not self.is_over:
            if held := self._inbox.next_deadline():
                due = min(due, held)
            look, redial = min(self.reach.look_at, self.mailbox.look_at), self.reach.next_redial()
            lacks, unproven = self._gaps.next_deadline(), self._unchecked.due
            due = min(due, look, redial, lacks, unproven, self._held_answers.due)
        return None if due == _NEVER else due

    def tick(self, now: float) -> list[Action]:
        if self.is_settled:
            return []
        actions: list[Action] = []
        if now >= self._acknowledge_at:
            actions += self._acknowledge(now)
        if now >= self._settle_at:
            return [*actions, *self._settle()]
        if now >= self._hello_at:
            self._hello_at = now + HELLO_SECONDS * self._jitter()
            if not self.is_over and (to := self._linked()):
                actions += [Send(to, self._hello()), *self._show_evidence()]
        if self.is_over:
            return actions
        actions += self._show(self._inbox.overdue(now))
        actions += self._ask(now)
        if now >= self._held_answers.due:
            actions += self._ask_for_held(now)
        if now >= self._unchecked.due:
            actions += self._judge(self._unchecked.check_some(now))
        actions += self.reach.redial(now)
        if now >= min(self.reach.look_at, self.mailbox.look_at):
            actions += self._look_around(now)
            self.reach.look_at = max(self.reach.look_at, now + 1.0)
            self.mailbox.look_at = max(self.mailbox.look_at, now + 1.0)
        return actions


def _hello_statement(hello: Hello) -> bytes:
    said = (
        hello.conversation, hello.by, hello.number, hello.members, hello.linked,
        [(one.author, one.epoch, one.seq) for one in hello.have], hello.said,
    )  # fmt: skip
    return b"parley hello 2\0" + msgspec.msgpack.encode(said)
