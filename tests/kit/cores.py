"""Several cores of one conversation, wired together without a network, a disk or a clock.

A `Town` does what the shells do, in the same order, and nothing by itself: a test decides
what arrives, what is shown, what the disk has taken and how much time passes.  All the
while it checks the invariants (PROTOCOLS, 3 and 4).
"""

import itertools
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

from peer import events
from peer.core import membership
from peer.core.conversation import actions as talk
from peer.core.conversation.conversation import Conversation, Kept
from peer.core.conversation.members.entrances import Entrance
from peer.core.conversation.outbox import RECENT_TEXTS
from peer.core.conversation.proof.digests import said_in
from peer.core.conversation.texts import WINDOW_TEXTS
from peer.core.departure import DepartureClaim
from peer.core.membership import Me, Roll
from shared.messages.common import Message
from shared.messages.peers import (
    SALT_BYTES,
    TEXTS,
    Acknowledge,
    Entry,
    Hello,
    Leave,
    Members,
    Membership,
    Position,
    Text,
)
from tests.kit.world import Authority

AUTHORITY = Authority()
SALT = b"s" * SALT_BYTES
Key = tuple[str, str, int]  # of one text: author, epoch, seq
ToKeep = Text | Membership | Entrance | tuple[str, str, int]
_people: dict[str, Me] = {}  # by name, and by id


def me(who: str) -> Me:
    """Return a user with key and certificate, the same in every test; by name or id."""
    if who not in _people:
        identity, credentials = AUTHORITY.user(who)
        made = Me(who, identity, credentials.certificate)
        _people[who] = _people[made.id] = made
    return _people[who]


CAROL, DAVE, ERIN, FRANK, GRACE, MALLORY, TRUDY = (
    me(name).id for name in ("carol", "dave", "erin", "frank", "grace", "mallory", "trudy")
)


def conversation_of(founder: str) -> str:
    return membership.conversation_id(me(founder).identity.public, SALT)


def together(founder: str, *others: str) -> tuple[Membership, ...]:
    """Return the memberships of a conversation to which the founder has added everybody."""
    id, made = conversation_of(founder), [membership.found(me(founder), SALT)]
    for name in others:
        adding = membership.add(me(founder), id, made[0], me(name).id, 1)
        made.append(membership.join(me(name), id, 1, adding))
    return tuple(made)


def texts_in(text: Text) -> list[tuple[Key, str]]:
    numbered = enumerate(text.texts, start=text.seq)
    return [((text.author, text.epoch, seq), said) for seq, said in numbered]


class Ids:
    """Names members by their ids, which tell two of one name apart."""

    def called(self, member: str) -> str:
        return member

    def spelled(self, member: str) -> str:
        return member


@dataclass
class Disk:
    """What the journal keeps across crashes."""

    members: dict[str, Membership] = field(default_factory=dict)
    since: dict[tuple[str, str], int] = field(default_factory=dict)
    texts: dict[Key, Text] = field(default_factory=dict)  # by the key of their first text
    written: list[tuple[str, int]] = field(default_factory=list)
    acknowledged: dict[tuple[str, str], int] = field(default_factory=dict)
    entrances: dict[tuple[str, int], Entrance] = field(default_factory=dict)
    copies: set[Key] = field(default_factory=set)  # of texts that arrived through the mailbox
    lamport: int = 0  # of the texts that are not for them
    is_in: bool = False

    def keep(self, text: Text, by: str) -> None:
        key = (text.author, text.epoch, text.seq)
        if key not in self.texts:
            self.texts[key] = text
            if text.author == by:
                self.written.append((text.epoch, text.last_seq))

    def have(self) -> dict[tuple[str, str], int]:
        found = dict(self.since)
        for text in self.texts.values():
            found[text.origin] = max(found.get(text.origin, 0), text.last_seq)
        return found

    def after(self, position: Position) -> list[Text]:
        found = [
            text
            for (author, epoch, seq), text in self.texts.items()
            if (author, epoch) == position.origin
            and text.last_seq > position.seq
            and seq <= position.seq + WINDOW_TEXTS
        ]
        return sorted(found, key=lambda text: text.seq)

    def kept(self, now: float) -> Kept:
        have = tuple(Position(*of, seq) for of, seq in self.have().items())
        written = tuple((epoch, seq, now) for epoch, seq in self.written)
        acknowledged = tuple((by, of, seq) for (by, of), seq in self.acknowledged.items())
        lamport = max([self.lamport, *(text.lamport for text in self.texts.values())])
        entrances = tuple(self.entrances.values())
        said = tuple(map(said_in, self.texts.values()))
        passed = tuple(Position(*of, seq) for of, seq in self.since.items())
        return Kept(
            tuple(self.members.values()), have, written, acknowledged, lamport, entrances, said,
            passed,
        )  # fmt: skip


@dataclass
class Program:
    """One run of a program, in the one conversation."""

    core: Conversation
    to_show: deque[Text] = field(default_factory=deque)
    to_keep: deque[Text | Membership | Entrance | tuple[str, str, int]] = field(
        default_factory=deque
    )
    names: deque[str] = field(default_factory=deque)  # of the memberships in `to_keep`
    shown: dict[tuple[str, str], int] = field(default_factory=dict)
    wants: set[str] = field(default_factory=set)  # members to be dialled
    late: set[str] = field(default_factory=set)  # members known to the user to lack a text


@dataclass
class Person:
    """A user's machine: disk and screen survive the programs on it."""

    name: str
    disk: Disk = field(default_factory=Disk)
    program: Program | None = None
    told: list[events.Event] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # by this person
    seen: Counter[Key] = field(default_factory=Counter)
    may_see_again: Counter[Key] = field(default_factory=Counter)  # shown, and lost in a crash
    mailbox: dict[Key, str] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    since: dict[tuple[str, str], int] = field(default_factory=dict)  # texts not for them

    @property
    def sits_there(self) -> bool:
        """Whether they may write."""
        program = self.program
        return program is not None and not program.core.is_over and not program.core.is_asleep

    @property
    def core(self) -> Conversation:
        assert self.program is not None
        return self.program.core


class Town:
    """The people, and the links between them."""

    def __init__(self, *names: str, room: str = "") -> None:
        """`room`: what everybody calls the room that it is; empty: it is no room."""
        self.now, self.room = 0.0, room
        self.id = conversation_of(names[0])
        self.people = {name: Person(name) for name in names}
        self.links: dict[tuple[str, str], deque[Message]] = {}  # one entry for each direction
        self.apart: set[frozenset[str]] = set()  # pairs that cannot link
        self.refused: list[tuple[str, str]] = []  # who has cut whose link
        self.muted: set[str] = set()  # whose programs send nothing: a test speaks for them
        self.content: dict[Key, str] = {}  # of all texts that were ever written
        self.sent: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        self.earlier_epochs: dict[str, str] = {}  # by person: in which they may write on
        self._numbers = itertools.count(1)

    # --- Programs ---

    def begins(self, *names: str) -> None:
        """Put all of these into the conversation that the first one has founded."""
        for name in names:
            self._enters(self.people[name], together(*names), ())

    def _enters(
        self, person: Person, members: tuple[Membership, ...], since: tuple[Position, ...],
        lamport: int = 0, entry: Entry | None = None,
    ) -> None:  # fmt: skip
        roll = Roll(self.id, AUTHORITY.certificate)
        roll.merge(members)
        assert roll.is_in(person.name)
        person.disk.is_in, person.disk.lamport = True, lamport
        person.counters = {}  # a returning member knows only what they are told, until more arrives
        person.since = {one.origin: one.seq for one in since}
        person.disk.since = person.disk.since | person.since
        person.disk.members |= {name: one for name in roll.everybody() if (one := roll.of(name))}
        person.program = Program(self._core(person, roll, since, None, lamport))
        if entry is not None:
            self.perform(person, person.core.receive(person.name, entry, self.now))
        self.perform(person, person.core.begin(self.now))

    def _core(
        self, person: Person, roll: Roll, since: tuple[Position, ...], kept: Kept | None,
        lamport: int = 0,
    ) -> Conversation:  # fmt: skip
        number = next(self._numbers)
        return Conversation(
            self.id, me(person.name), roll, f"{number:016x}", first_number=number * 1_000_000,
            jitter=lambda: 1.0, have=since, lamport=lamport, kept=kept,
            entrances=person.disk.entrances.values(), room=self.room,
            earlier_epoch=self.earlier_epochs.pop(person.name, ""),
        )  # fmt: skip

    def adds(
        self, adder: str, newcomer: str, begins: dict[tuple[str, str], int] | None = None
    ) -> None:
        """Let one add another, who says yes.  `begins`: where what they get of before begins."""
        one, new = self.people[adder], self.people.setdefault(newcomer, Person(newcomer))
        mine, theirs = one.core.roll.of(adder), one.core.roll.counter(newcomer) + 1
        assert mine is not None
        adding = membership.add(me(adder), self.id, mine, me(newcomer).id, theirs)
        joined = membership.join(me(newcomer), self.id, theirs, adding)
        since = one.core.incoming.mark_before(begins or {})
        lamport = one.core.incoming.lamport
        self.perform(one, one.core.receive(newcomer, Members(self.id, (joined,)), self.now))
        told = membership.pages(one.core.roll.essential(first=newcomer))[0]
        entry = one.core.entry_for(newcomer, since)
        self.perform(one, one.core.keep_entry(newcomer))
        self._enters(new, (*told, joined), since, lamport, entry)

    def crashes(self, name: str) -> None:
        person = self.people[name]
        assert person.program is not None
        kept = {key for text in person.disk.texts.values() for key, _ in texts_in(text)}
        for key in person.seen:
            if key not in kept and key not in person.disk.copies:
                person.may_see_again[key] = person.seen[key]
        person.program = None
        person.counters = {one: kept.counter for one, kept in person.disk.members.items()}
        for other in list(self.people):
            self.breaks(name, other)

    def restarts(self, name: str) -> None:
        person = self.people[name]
        assert person.program is None
        kept = person.disk.kept(self.now)
        roll = Roll(self.id, AUTHORITY.certificate)
        roll.merge(kept.members)
        person.program = Program(self._core(person, roll, (), kept))
        person.program.shown = person.disk.have()
        is_alone = len(roll.members()) < 2 and not self.room
        if not person.disk.is_in or not roll.is_in(name) or is_alone:
            person.disk.is_in = False
            person.core._stay.end()
            person.core._stay.settle()
            return
        self.perform(person, person.core.begin(self.now))

    @property
    def running(self) -> list[Person]:
        return [one for one in self.people.values() if one.program is not None]

    # --- Links ---

    def is_linked(self, one: str, other: str) -> bool:
        return (one, other) in self.links

    def link(self, one: str, other: str) -> None:
        """Finish a dial of the first one, successfully if possible."""
        dialler, answerer = self.people[one], self.people.get(other)
        assert dialler.program is not None
        dialler.program.wants.discard(other)
        if self.is_linked(one, other):
            self.perform(dialler, dialler.core.linked(other, self.now))
        elif answerer is None or not answerer.program or frozenset((one, other)) in self.apart:
            self.perform(dialler, dialler.core.reach.unreachable(other, self.now))
        else:
            self.links[one, other], self.links[other, one] = deque(), deque()
            self.takes_over(other, one)
            self.takes_over(one, other)

    def takes_over(self, one: str, other: str) -> None:
        """Tell the first one of a new link to the other, or of a replaced one."""
        person = self.people[one]
        if self.is_linked(one, other) and not person.core.is_settled:
            self.perform(person, person.core.linked(other, self.now))

    def breaks(self, one: str, other: str) -> None:
        """Break a link; the messages on it are lost."""
        if not self.is_linked(one, other):
            return
        del self.links[one, other], self.links[other, one]
        for name, lost in ((one, other), (other, one)):
            person = self.people[name]
            if person.program is not None and not person.core.is_settled:
                self.perform(person, person.core.link_lost(lost, self.now))

    def arrives(self, sender: str, receiver: str, count: int = 1_000_000) -> bool:
        """Deliver up to `count` of the messages on their way; return whether there were any."""
        moved = False
        for _ in range(count):
            way = self.links.get((sender, receiver))
            if not way:
                break
            moved = True
            self._hears(self.people[receiver], sender, way.popleft())
        return moved

    def _hears(self, person: Person, sender: str, message: Message) -> None:
        assert person.program is not None
        core = person.core
        if not core.is_settled:
            self.perform(person, core.receive(sender, message, self.now))
        elif isinstance(message, Members):
            self._proves_departure(person, sender, message)
        elif isinstance(message, Text | Hello):
            self._post(person.name, sender, Leave(self.id))

    def _proves_departure(self, person: Person, sender: str, message: Members) -> None:
        claim = DepartureClaim(me(person.name), self.id, AUTHORITY.certificate)
        if claim.hear(message.members):
            kept = person.disk.members.values() if claim.is_by_member(sender) else ()
            for proof in claim.prove(kept):
                self._post(person.name, sender, proof)

    # --- What the user, the screen, the disk and the directory do ---

    def says(self, name: str, *texts: str) -> None:
        person = self.people[name]
        for text in texts:
            person.core.say(text)
            person.said.append(text)
        self.perform(person, person.core.flush(self.now, self.now))

    def leaves(self, name: str) -> None:
        person = self.people[name]
        self.perform(person, person.core.flush(self.now, self.now))
        self.perform(person, person.core.leave(self.now))

    def shows(self, name: str, count: int = 1_000_000) -> bool:
        person, moved = self.people[name], False
        program = person.program
        while program is not None and program.to_show and count:
            count, moved, text = count - 1, True, program.to_show.popleft()
            self._stands(person, text)
            self.perform(person, program.core.shown(text))
        return moved

    def _stands(self, person: Person, text: Text) -> None:
        for key, _ in texts_in(text):
            if key not in person.disk.copies:
                person.seen[key] += 1
                assert person.seen[key] <= 1 + person.may_see_again[key], f"D2: {key} comes twice"

    def commits(self, name: str, count: int = 1_000_000) -> bool:
        """Let the disk take up to `count` of the waiting things; return whether there were any."""
        person, moved = self.people[name], False
        program = person.program
        kept: list[Text] = []
        while program is not None and program.to_keep and count:
            count, moved = count - 1, True
            match program.to_keep.popleft():
                case Text() as text:
                    person.disk.keep(text, name)
                    kept.append(text)
                case Membership() as one:
                    person.disk.members[program.names.popleft()] = one
                case Entrance() as one:
                    person.disk.entrances[one.member, one.counter] = one
                case (by, epoch, seq):
                    person.disk.acknowledged[by, epoch] = seq
        for text in kept:
            self.perform(person, person.core.kept(text, self.now))
        return moved

    def fetches_mail(self, name: str) -> bool:
        """Show the letters in the mailbox that did not arrive directly; tell their senders."""
        person = self.people[name]
        if person.program is None:
            return False
        letters, person.mailbox = person.mailbox, {}
        here = {key for text in person.disk.texts.values() for key, _ in texts_in(text)}
        for key in letters:
            if key not in here and key not in person.disk.copies:
                person.disk.copies.add(key)
                person.seen[key] += 1
            author, epoch, seq = key
            sender = self.people[author]
            if sender.program is not None and not sender.core.is_settled:
                self.perform(sender, sender.core.outgoing.taken_from_mailbox(name, epoch, seq))
        return bool(letters)

    # --- Time ---

    def passes(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(10_000):
            due = min((self._deadline(one) for one in self.running), default=float("inf"))
            if due > until:
                break
            self.now = max(self.now, due)
            for person in self.running:
                if self._deadline(person) <= self.now:
                    self.perform(person, person.core.tick(self.now))
        else:
            raise AssertionError("a deadline that does not move")
        self.now = until

    def _deadline(self, person: Person) -> float:
        due = person.core.next_deadline()
        return float("inf") if due is None else due

    def settles(self, seconds: float = 100.0, step: float = 0.05) -> None:
        """Deliver, show and keep everything, for this time."""
        until = self.now + seconds
        while self.now < until:
            self.is_busy()
            self.passes(step)
            step = min(step * 1.2, 1.0)
        self.is_busy()

    def is_busy(self) -> None:
        """Run until nothing moves any more without the clock."""
        for _ in range(100_000):
            moved = sum(self.arrives(*way) for way in list(self.links)) > 0
            for person in self.running:
                moved |= self.shows(person.name) | self.commits(person.name)
                moved |= self.fetches_mail(person.name)
                for other in sorted(person.program.wants if person.program else ()):
                    self.link(person.name, other)
                    moved = True
            if not moved:
                return
        raise AssertionError("they never stop talking")

    # --- Doing what the cores decide, and watching it ---

    def perform(self, person: Person, actions: list[talk.Action]) -> None:
        program = person.program
        assert program is not None
        gap = False
        for action in actions:
            match action:
                case talk.Send(to, message):
                    for name in to:
                        self._post(person.name, name, message)
                case talk.Show(event):
                    person.told.append(event)
                    self._watch_late(program, event)
                    gap = isinstance(event, events.Missing)
                case talk.Read(text):
                    self._watch_order(person, program, text, gap)
                    gap = False
                    self._reads(person, program, text)
                case talk.Keep(text):
                    self._watch_content(text)
                    program.to_keep.append(text)
                    if text.author == person.name:
                        program.shown[text.origin] = text.last_seq
                case talk.KeepMembers(names):
                    self._keeps_members(program, names)
                case talk.KeepEntrance(entrance):
                    program.to_keep.append(entrance)
                case talk.KeepPlaces(places):
                    self._passes_over(person, program, places)
                case talk.KeepReturn(place):
                    self._returns(person, program, place)
                case talk.KeepAcknowledged(by, epoch, seq):
                    program.to_keep.append((by, epoch, seq))
                case talk.Discard(text):
                    program.shown[text.origin] = min(program.shown[text.origin], text.seq - 1)
                    program.to_show = deque(one for one in program.to_show if one is not text)
                    for key, _ in texts_in(text):
                        person.may_see_again[key] = person.seen[key]
                case talk.Refuse(to, _):
                    self.refused.append((person.name, to))
                    self.breaks(person.name, to)
                case talk.Hand(to, after):
                    assert program.core.roll.is_in(to), "G6"
                    for text in person.disk.after(after):
                        self._post(person.name, to, text)
                    self.perform(person, program.core.incoming.handed(to, after))
                case talk.Dial(to):
                    program.wants.add(to)
                case talk.LeaveFor(to, after, upto):
                    self._leaves_for(person, to, after, upto)
                case talk.Finished():
                    person.disk.is_in = program.core.is_asleep
                case talk.Settled():
                    assert program.core.is_settled
        self._watch(person, program)

    def _passes_over(
        self, person: Person, program: Program, places: tuple[Position, ...]
    ) -> None:  # fmt: skip
        person.disk.since |= {one.origin: one.seq for one in places}
        person.disk.lamport = max(person.disk.lamport, program.core.incoming.lamport)
        program.shown |= {one.origin: one.seq for one in places}

    def _keeps_members(self, program: Program, names: tuple[str, ...]) -> None:
        for name in names:
            one = program.core.roll.of(name)
            assert one is not None
            program.names.append(name)
            program.to_keep.append(one)

    def _returns(self, person: Person, program: Program, place: Position) -> None:
        for since in (person.since, person.disk.since):
            since[place.origin] = min(since.get(place.origin, 0), place.seq)
        program.shown[place.origin] = place.seq

    def _reads(self, person: Person, program: Program, text: Text) -> None:
        if all(key in person.disk.copies for key, _ in texts_in(text)):
            self.perform(person, program.core.shown(text))
        else:
            program.to_show.append(text)

    def _leaves_for(self, person: Person, to: str, after: Position, upto: int) -> None:
        """Leave the receiver all texts on disk after this position, up to `upto`."""
        assert after.author == person.name
        for text in person.disk.texts.values():
            for key, said in texts_in(text):
                if text.origin == after.origin and after.seq < key[2] <= upto:
                    self.people[to].mailbox[key] = said

    def _post(self, sender: str, receiver: str, message: Message) -> None:
        person = self.people[sender]
        match message:
            case Text():
                assert person.core.roll.is_in(receiver), f"G6: {sender} to {receiver}"
                self._watch_content(message)
            case Acknowledge(have=have):
                self._watch_promise(person, have)
            case Hello(have=have, by=by) if by == sender:
                self._watch_promise(person, have)
        way = self.links.get((sender, receiver))
        if way is not None and sender not in self.muted:
            way.append(message)
            self.sent[sender, receiver].append(message)

    def _watch_promise(self, person: Person, have: tuple[Position, ...]) -> None:
        on_disk = person.disk.have()
        for one in have:
            assert on_disk.get(one.origin, 0) >= one.seq, "D1: promised before it was kept"

    def _watch_late(self, program: Program, event: events.Event) -> None:
        match event:
            case events.NotYetDelivered(to):
                assert to not in program.late, "told twice"
                program.late.add(to)
            case events.Delivered(to):
                program.late.remove(to)

    def _watch_content(self, text: Text) -> None:
        for key, said in texts_in(text):
            first = self.content.setdefault(key, said)
            assert first == said or text.author in self.muted, "G8: a number was used twice"

    def _watch_order(self, person: Person, program: Program, text: Text, gap: bool) -> None:
        before = program.shown.get(text.origin, person.disk.since.get(text.origin, 0))
        assert text.seq == before + 1, "G4, D4: in the order of writing, without a gap"
        program.shown[text.origin] = text.last_seq
        if not gap:
            for one in text.after:
                of = one.origin
                shown = max(program.shown.get(of, 0), person.disk.since.get(of, 0))
                assert shown >= one.seq, "G5: an answer above its question"

    def _watch(self, person: Person, program: Program) -> None:
        core = program.core
        counters = {name: core.roll.counter(name) for name in core.roll.everybody()}
        assert all(counters[name] >= old for name, old in person.counters.items()
                   if name in counters), "G2"  # fmt: skip
        person.counters = {name: counters[name] for name in counters if name in person.disk.members}
        assert len(core.outgoing._outbox._recent) <= RECENT_TEXTS + 1, "D5"
        waiting = sum(len(text.texts) for text in program.to_show)
        authors = len(program.shown) + 1
        assert waiting <= authors * (2 * WINDOW_TEXTS + 2 * TEXTS), "D5"
