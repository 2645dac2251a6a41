"""What must hold: at each moment, at the end of each program, and when all is quiet.

Rules have letters as the invariants do: D for delivery, G for groups.
"""

import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from peer import events
from peer.core.conversation import texts
from peer.core.conversation.conversation import Conversation
from peer.core.conversation.outbox import RECENT_TEXTS
from peer.core.keys.name_marks import bare
from peer.storage import schema
from shared.messages.common import Message
from shared.messages.peers import Text
from shared.sealing import About, copy_id
from tests.simulation.manners import UNSIGNED
from tests.simulation.player import Player, Said, Session

if TYPE_CHECKING:
    from tests.simulation.scenario import Scenario

Place = tuple[str, str, str, int]  # conversation, author, epoch and seq


_OVER = "The conversation is over."
_LAST_LINES = 10  # lines that the disk may not have followed
_MOVED = ("You have just left", "You are now connected", "The conversation is over")
_NOT_HONEST = (
    "The directory says that",
    "A message that was left for you",
    "Messages that",
)


class Broken(AssertionError):
    """An error for an invariant that does not hold; `rule` is its name."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule


class _Head(msgspec.Struct):
    """The fields of every frame that matter here."""

    t: str
    conversation: str = ""


_head = msgspec.json.Decoder(_Head)
_text = msgspec.json.Decoder(Text)


class Checks:
    def __init__(self, scenario: "Scenario") -> None:
        self._scenario = scenario
        self._said: dict[str, Said] = {}  # by text
        self._content: dict[Place, str] = {}  # of every text that ever travelled
        self._questions: dict[str, list[Place]] = {}  # for each text, what it was written after
        self._found: set[tuple[str, str]] = set()  # names, each with a text that they have
        self._readers: dict[str, sqlite3.Connection] = {}
        self.frames: dict[str, int] = defaultdict(int)

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()

    # --- The disks ---

    def _rows(self, player: Player, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        disk = player.machine.disk
        if player.name not in self._readers:
            if schema.FILE not in disk._keepers:
                return []
            self._readers[player.name] = disk.database(schema.FILE, readonly=True)
        try:
            return self._readers[player.name].execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise

    def journal(self, player: Player, conversation: str | None = None) -> list[Text]:
        """Return the texts of the journal, in the order in which they were written to it."""
        where = "" if conversation is None else " WHERE conversation = ?"
        values = () if conversation is None else (conversation,)
        rows = self._rows(player, f"SELECT line FROM texts{where} ORDER BY number", *values)
        return [_text.decode(line) for (line,) in rows]

    def texts_on_disk(self, player: Player) -> set[str]:
        """Return what must not be shown again: texts of others, and letters that were read."""
        known = {
            said
            for text in self.journal(player)
            if text.author != player.member
            for said in text.texts
        }
        read = {id for (id,) in self._rows(player, "SELECT id FROM letters WHERE text IS NULL")}
        if read:
            known |= {one.text for one in self._said.values() if self._copy(one, player) in read}
        return known

    def _copy(self, said: Said, player: Player) -> str:
        about = About(said.conversation, said.handle.conversation.outgoing.epoch, said.handle.seq)
        return copy_id(about, said.member, player.member)

    def _has(self, player: Player, said: Said) -> bool:
        """Return whether it is on their disk, as a text or as a letter."""
        if (player.name, said.text) in self._found:
            return True  # texts are never deleted
        epoch, seq = said.handle.conversation.outgoing.epoch, said.handle.seq
        found = self._rows(
            player,
            "SELECT 1 FROM texts WHERE conversation = ? AND author = ? AND epoch = ?"
            " AND seq <= ? AND last >= ?",
            said.conversation, said.member, epoch, seq, seq,
        ) or self._rows(
            player,
            "SELECT 1 FROM since WHERE conversation = ? AND author = ? AND epoch = ? AND seq >= ?",
            said.conversation, said.member, epoch, seq,
        )  # fmt: skip
        copy = self._copy(said, player)
        if found or self._rows(player, "SELECT 1 FROM letters WHERE id = ?", copy):
            self._found.add((player.name, said.text))
            return True
        return False

    # --- At each moment ---

    def said(self, said: Said) -> None:
        self._said[said.text] = said

    def shown(self, player: Player, event: events.Event) -> None:
        session = player.session
        assert session is not None
        text = session.shown[-1]
        if isinstance(event, events.Said):
            self._allow_for_unsigned(session, text)
        elif isinstance(event, events.Letter):
            self._allow_for_copies_of_the_unsigned(session, text)
        if session.shown.count(text) > 1 + (text in session.again):
            raise Broken("D2", f"{player.name} has read {text!r} twice")
        if text in session.known:
            raise Broken("D2", f"{player.name} has read {text!r} again after a new start")
        said = self._said.get(text)
        if isinstance(event, events.Said) and said is not None:
            last = session.last_of.get(said.handle.conversation, 0)
            if said.handle.seq < last:
                raise Broken("D4", f"{player.name} has read {text!r} after what was written later")
            session.last_of[said.handle.conversation] = said.handle.seq

    def _allow_for_unsigned(self, session: Session, text: str) -> None:
        """Allow a second showing of texts that were taken back with an unsigned one.

        Texts over their author's own link may be shown before they are checked.  If one of them
        is unsigned, it is taken back with all that its author wrote after it.  Then, and only
        there, the author's texts begin again, with the signed one.
        """
        said = self._said.get(text.removeprefix(UNSIGNED))
        if said is None:
            return
        stay, seq = said.handle.conversation, said.handle.seq
        self._allow_after_tampered(session, said)
        if text != said.text:
            session.unsigned.setdefault(stay, seq)
            session.last_of[stay] = max(seq, session.last_of.get(stay, 0))
        elif seq == session.unsigned.get(stay):
            self._begin_again(session, said)

    def _note_unsigned(self, player: Player, text: Text) -> None:
        """Note an unsigned text on its way: it is not shown where the signed one came as a letter.

        The later texts of its author are taken back all the same, and may be shown once more.
        """
        for said in (self._said.get(one.removeprefix(UNSIGNED)) for one in text.texts):
            if said is not None and said.text not in text.texts and player.session is not None:
                player.session.tampered.setdefault(said.handle.conversation, said.handle.seq)

    def _allow_after_tampered(self, session: Session, said: Said) -> None:
        if said.handle.seq > session.tampered.get(said.handle.conversation, said.handle.seq):
            session.again.add(said.text)

    def _begin_again(self, session: Session, said: Said) -> None:
        """Note that the signed text has come in place of the unsigned one."""
        stay, seq = said.handle.conversation, said.handle.seq
        del session.unsigned[stay]
        session.last_of[stay] = seq - 1
        earlier = [self._said.get(one) for one in session.shown[:-1]]
        session.again |= {
            one.text
            for one in earlier
            if one and one.handle.conversation is stay and one.handle.seq > seq
        }

    def _allow_for_copies_of_the_unsigned(self, session: Session, text: str) -> None:
        """Allow that texts which were taken back arrive through the mailbox."""
        said = self._said.get(text)
        if said is not None:
            self._allow_after_tampered(session, said)
            unsigned = session.unsigned.get(said.handle.conversation)
            if unsigned is not None and said.handle.seq > unsigned:
                session.again.add(text)
            elif said.handle.seq == unsigned:
                self._begin_again(session, said)

    def left(self, player: Player, event: events.MemberLeft) -> None:
        """G13: nobody reads that somebody has left a room who has not.

        A program that was killed before its full disk could keep the room does not know of it.
        """
        other = self._scenario.named(bare(event.name))
        forgot = len(other.sessions) > 1 and not other.rooms_on_disk
        if event.room and not (other.has_parted or forgot):
            raise Broken("G13", f"{player.name} reads that {event.name} has left #{event.room}")

    def warned(self, player: Player, event: events.Event) -> None:
        """D7: if everybody is honest, no letter is missed, refused, or without a receipt."""
        if not isinstance(event, events.Notice) or str(event).startswith(_NOT_HONEST):
            raise Broken("D7", f"{player.name} has read {str(event)!r}")

    def sent(self, host: str, to: str, line: bytes) -> None:
        """Check a frame between any two programs."""
        head = _head.decode(line)
        self.frames[head.t] += 1
        self._scenario.frame(host, to, head.t)
        if head.t == "TEXT":
            text = _text.decode(line)
            self._check_content(text)
            self._check_entrance(self._at(to), text)
            self._note_unsigned(self._at(to), text)

    def _at(self, host: str) -> Player:
        return next(one for one in self._scenario.players if one.machine.host == host)

    def _check_entrance(self, to: Player, text: Text) -> None:
        """G10: nobody is sent texts from before they came in.

        If somebody came in twice, others may not know yet that they were out.
        """
        ours = [one for one in (to.conversation, *to.rooms) if one is not None]
        current = next((one for one in ours if one.id == text.conversation), None)
        if current is None:
            return
        entry = current._rolls._entrances.entry_of(to.member)
        if entry is None or entry.counter != 1:
            return
        since = {one.origin: one.seq for one in entry.since}
        if text.last_seq <= since.get(text.origin, 0):
            raise Broken("G10", f"{to.name} gets {text.texts}, which was said before they came")

    def _is_honest(self, member: str) -> bool:
        return all(one.manners.are_good for one in self._scenario.players if one.member == member)

    def _check_content(self, text: Text) -> None:
        """G8: a number belongs to one content, for ever."""
        after = [(one.author, one.epoch, one.seq) for one in text.after]
        for seq, said in enumerate(text.texts, start=text.seq):
            place = (text.conversation, text.author, text.epoch, seq)
            self._questions[said] = [(text.conversation, *asked) for asked in after]
            first = self._content.setdefault(place, said)
            if first != said and self._is_honest(text.author):
                raise Broken("G8", f"{text.author} has used {text.epoch}/{seq} twice")

    def watch_links(self, player: Player) -> None:
        """Check G6 where frames are posted: later changes are not the sender's fault."""
        peer = player.peer
        assert peer is not None
        links = peer._reach.links
        post_all, post_bytes = links.post_all, links.post_bytes

        def watched(names: Iterable[str], message: Message) -> None:
            names = tuple(names)
            if isinstance(message, Text):
                self._check_window(player, names, message)
            post_all(names, message)

        def watched_bytes(names: Iterable[str], lines: bytes) -> None:
            names = tuple(names)
            if lines:
                head = _head.decode(lines.split(b"\n", 1)[0])
                for name in names:
                    self._check_addressee(player, name, head)
            post_bytes(names, lines)

        links.post_all = watched  # type: ignore[method-assign]
        links.post_bytes = watched_bytes  # type: ignore[method-assign]

    def _check_window(self, player: Player, to: tuple[str, ...], text: Text) -> None:
        """D5: nobody must keep more for an author than the window allows."""
        assert player.peer is not None
        for current in player.peer._exchange.conversations._stays.cores:
            if current.id == text.conversation and current.outgoing.epoch == text.epoch:
                for name in to:
                    has = current.outgoing._outbox.has(self._scenario.named(name).member)
                    if text.last_seq > has + texts.WINDOW_TEXTS:
                        raise Broken("D5", f"{player.name} sends {name} more than the window")

    def _check_addressee(self, player: Player, to: str, head: _Head) -> None:
        if head.t not in {"TEXT", "HELLO"}:
            return  # a member who has just left may get a last ACK
        assert player.peer is not None
        stays = [
            one
            for one in player.peer._exchange.conversations._stays.cores
            if one.id == head.conversation
        ]
        # An earlier stay only knows the state at its end.
        for current in stays[-1:]:
            if not current.roll.is_in(self._scenario.named(to).member):
                raise Broken("G6", f"{player.name} sends {head.t} to {to}, who is not in")

    # --- When a program ends ---

    def ended(self, player: Player) -> None:
        """D1: the disk, now all that is left, has every text that others believe to be on it."""
        for other in self._scenario.players:
            for said in other.session.said if other.session else ():
                self._check_told(said, player)
        session = player.session
        assert session is not None
        for said in session.said:  # and what others have, according to this program
            for other in self._scenario.players:
                self._check_told(said, other)
        self._check_questions(player)
        if session.run.is_dead:
            session.kept = {said.text for said in session.said if self._has(player, said)}
            rows = self._rows(
                player,
                "SELECT id FROM conversations WHERE is_in = 1"
                " AND id NOT IN (SELECT conversation FROM rooms) ORDER BY begun DESC LIMIT 1",
            )
            session.interrupted = rows[0][0] if rows else ""
        player.rooms_on_disk |= {
            id
            for (id,) in self._rows(
                player,
                "SELECT id FROM conversations WHERE is_in = 1"
                " AND id IN (SELECT conversation FROM rooms)",
            )
        }

    def _check_questions(self, player: Player) -> None:
        """G5: no screen shows an answer above its question, unless it is marked."""
        session = player.session
        assert session is not None
        row: dict[str, int] = {}
        for number, text in enumerate(session.shown):
            row.setdefault(text.removeprefix(UNSIGNED), number)  # where they could read it first
        # Texts that were signed together answer the same, and have one mark.
        marked = [self._questions.get(text) for text in session.marked]
        for text, number in row.items():
            for place in self._questions.get(text, ()):
                question = self._content.get(place, "").removeprefix(UNSIGNED)
                excused = {text, question} & session.letters or self._questions[text] in marked
                if row.get(question, -1) > number and not excused:
                    raise Broken("G5", f"{player.name} has read {text!r} above its question")

    def _check_told(self, said: Said, player: Player) -> None:
        if player.name not in said.to or said.handle.state(player.name) != "delivered":
            return
        if self._has(player, said):
            return
        raise Broken("D1", f"{said.author} was told that {player.name} has {said.text!r}")

    # --- When all is quiet ---

    def quiet(self) -> Iterator[Broken]:
        """Yield everything that is not (yet) as it must be."""
        players = self._scenario.players
        groups: dict[str, list[tuple[Player, Conversation]]] = defaultdict(list)
        for player in players:
            if player.peer is None or player.is_quitting:  # who has quit can type nothing
                yield Broken("D3", f"{player.name} is not there")
                continue
            if player.peer.invitations.waits_for or player.peer.invitations.questions:
                yield Broken("V2", f"an invitation of {player.name} is not over")
            if player.sleeping is not None:
                yield Broken("G1", f"{player.name} sleeps in {player.sleeping.id[:6]}")
            for current in (player.conversation, *player.rooms):
                if current is not None:
                    groups[current.id].append((player, current))
            if player.session_now.entered_room and not (player.has_parted or player.rooms):
                yield Broken("G13", f"{player.name} is in no room, and has left none")
            for id in player.rooms_on_disk - player.parted:
                if all(one.id != id for one in player.rooms):
                    yield Broken("G8", f"{player.name} is not back in the room {id[:6]}")
        for id, group in groups.items():
            yield from self._unequal(id, group)
            yield from self._unlinked(id, [player for player, _ in group])
            yield from self._undelivered(group)
            yield from self._deceived(id, group)
            for player, current in group:
                yield from self._gaps(player, current)
        yield from self._lost()
        for player in players:
            yield from self._not_back(player, groups)

    def _deceived(self, id: str, group: list[tuple[Player, Conversation]]) -> Iterator[Broken]:
        """G11: honest members with different words know it; G12: nobody keeps unsigned words.

        Words of an earlier stay do not count: nobody hands on texts from below an entrance, so
        nobody can show them to a member who has come back.
        """
        words: dict[Place, set[tuple[str, ...]]] = defaultdict(set)
        honest = [player for player, _ in group if player.manners.are_good]
        floors = {player: current._rolls._entrances.floor for player, current in group}
        for player in honest:
            for text in self.journal(player, id):
                if text.seq > floors[player](player.member, text.origin):
                    words[id, text.author, text.epoch, text.seq].add(text.texts)
                if any(said.startswith(UNSIGNED) for said in text.texts):
                    yield Broken("G12", f"{player.name} has kept {text.texts}")
        for (_, author, epoch, seq), said in words.items():
            for player in honest if len(said) > 1 else ():
                if seq <= floors[player](player.member, (author, epoch)):
                    continue  # they have read none of these words
                told = {name for session in player.sessions for name in session.two_faced}
                if all(one.member != author or one.name not in told for one in self._players):
                    yield Broken("G11", f"{player.name} does not know of {sorted(said)}")

    @property
    def _players(self) -> list[Player]:
        return self._scenario.players

    def _not_back(
        self, player: Player, groups: dict[str, list[tuple[Player, Conversation]]]
    ) -> Iterator[Broken]:
        """G8 of memberships: somebody killed in a conversation is in it again, unless they left."""
        for number, session in enumerate(player.sessions):
            group = [one for one, _ in groups.get(session.interrupted, ())]
            said = [line for later in player.sessions[number + 1 :] for line in later.told]
            moved = any(line.startswith(_MOVED) for line in said)
            moved |= _OVER in session.told[-_LAST_LINES:]
            moved |= session.was_in not in ("", session.interrupted)  # the disk did not follow
            moved |= any(
                earlier.is_leaving and earlier.interrupted == session.interrupted
                for earlier in player.sessions[: number + 1]
            )
            later_ones = player.sessions[number + 1 :]
            moved |= any(later.is_leaving for later in later_ones)  # and told the others
            moved |= any(not later.run.is_dead for later in later_ones[:-1])
            if group and player not in group and not moved:
                yield Broken("G8", f"{player.name} is not back in {session.interrupted[:6]}")

    def _lost(self) -> Iterator[Broken]:
        """D3: every text is delivered, waits, or was reported as lost.  Of the texts of a killed
        program, this holds for those that were on its disk.
        """
        for player in self._scenario.players:
            for number, session in enumerate(player.sessions):
                told = [line for one in player.sessions[number:] for line in one.told]
                for said in session.said:
                    if not session.run.is_dead or said.text in session.kept:
                        yield from self._lost_to(said, told)
        everything = {one.name: self._ever_shown(one) for one in self._scenario.players}
        for player in self._scenario.players:
            for to, text in player.promised:
                if text not in everything[to]:
                    yield Broken("D3", f"{to} has never read {text!r}, which was delivered")

    def _lost_to(self, said: Said, told: list[str]) -> Iterator[Broken]:
        for name in said.to:
            other = self._scenario.named(bare(name))
            if said.handle.conversation.room and other.has_parted:
                continue  # members hand it to who is in, and to nobody else
            if self._has(other, said) or name not in said.handle.states():
                continue
            if not any(line.startswith(f"Not delivered to {name}") for line in told):
                state = said.handle.state(name)
                yield Broken("D3", f"{name} does not have {said.text!r}, which is {state}")

    def _ever_shown(self, player: Player) -> set[str]:
        return {text for session in player.sessions for text in session.shown}

    def _unequal(self, id: str, group: list[tuple[Player, Conversation]]) -> Iterator[Broken]:
        there = {player.member for player, _ in group}
        for player, current in group:
            members = set(current.roll.members())
            if members - there:
                yield Broken("G3", f"{player.name} counts {members - there} in, in {id[:6]}")
            if there - members:
                yield Broken("G1", f"{player.name} counts {there - members} out, in {id[:6]}")
            if set(current.others) != there - {player.member}:
                yield Broken("G1", f"{player.name} talks with {current.others} in {id[:6]}")
        if len({current.roll.digest() for _, current in group}) > 1:
            yield Broken("G9", f"rolls differ in {id[:6]}")
        yield from self._behind(group)

    def _behind(self, group: list[tuple[Player, Conversation]]) -> Iterator[Broken]:
        """G1: all have the same texts, except those that no member can hand on.

        An author who has left may have written those before the others came; they were left in
        the mailbox.
        """
        have = [
            (player, {one.origin: one.seq for one in current.incoming.have()})
            for player, current in group
        ]
        for of in {of for _, positions in have for of in positions}:
            most = max(positions.get(of, 0) for _, positions in have)
            for player, positions in have:
                mine = positions.get(of, 0)
                if mine < most and any(self._can_hand_on(one, of, mine) for one, _ in group):
                    yield Broken("G1", f"{player.name} has {mine} of {most} texts of {of}")

    def _can_hand_on(self, player: Player, of: tuple[str, str], seq: int) -> bool:
        wanted = "SELECT 1 FROM texts WHERE author = ? AND epoch = ? AND seq <= ? AND last > ?"
        return bool(self._rows(player, wanted, *of, seq + 1, seq))

    def _unlinked(self, id: str, group: list[Player]) -> Iterator[Broken]:
        for one, other in itertools.permutations(group, 2):
            assert one.peer is not None
            links = one.peer._reach.links._table._open.get(other.name, [])
            if len(links) != 1:
                yield Broken("G7", f"{one.name} has {len(links)} links to {other.name}")

    def _undelivered(self, group: list[tuple[Player, Conversation]]) -> Iterator[Broken]:
        for player, current in group:
            assert player.session is not None
            if not current.outgoing.is_delivered:
                yield Broken("D3", f"{player.name} has texts that are not delivered")
            for said in player.session.said:
                for other, _ in group if said.handle.conversation is current else ():
                    if (
                        other.name in said.handle.states()
                        and said.handle.state(other.name) != "delivered"
                    ):
                        yield Broken("D3", f"{other.name} does not have {said.text!r}")

    def _gaps(self, player: Player, current: Conversation) -> Iterator[Broken]:
        """G4: no journal has gaps."""
        since = {
            (author, epoch): seq
            for author, epoch, seq in self._rows(
                player, "SELECT author, epoch, seq FROM since WHERE conversation = ?", current.id
            )
        }
        had: dict[tuple[str, str], int] = {}
        for text in self.journal(player, current.id):
            of = text.origin
            if (
                text.seq != had.get(of, 0) + 1
                and not had.get(of, 0) < text.seq <= since.get(of, 0) + 1
            ):
                yield Broken("G4", f"{player.name} has {text.seq} after {had.get(of, 0)} of {of}")
            had[of] = text.last_seq

    # --- At the very end ---

    def final(self) -> None:
        """Check what must hold at the end, as it cannot become true later."""
        for player in self._scenario.players:
            for said in self._said.values():
                self._check_told(said, player)
            self._check_memory(player)
        self._check_lamport()

    def _check_memory(self, player: Player) -> None:
        """D5: no text waits once everybody has it."""
        current = player.conversation
        if current is not None:
            outbox = current.outgoing._outbox
            if len(outbox._recent) > RECENT_TEXTS or outbox._written:
                raise Broken("D5", f"{player.name} keeps {len(outbox._written)} texts for nobody")

    def _check_lamport(self) -> None:
        """G5: in every journal, an answer is below what it answers."""
        lamports: dict[Place, int] = {}
        texts = [text for one in self._scenario.players for text in self.journal(one)]
        for text in texts:
            self._check_content(text)
            for seq in range(text.seq, text.last_seq + 1):
                lamports[text.conversation, text.author, text.epoch, seq] = text.lamport
        for text in texts:
            for one in text.after:
                before = lamports.get((text.conversation, one.author, one.epoch, one.seq), 0)
                if before >= text.lamport:
                    raise Broken("G5", f"{text.texts} of {text.author} stands above its question")
