"""Texts of mine that members lack for too long: the user is told, and the mailbox takes them.

A member without any path to them for a while finds them in the mailbox at the directory.  So
do members who left while texts of mine were on their way to them.  In a room members are
away for days: nobody is told of that, and a mailbox that is full is told once.
"""

from msgspec import Struct, field

from peer import events
from peer.core.conversation.actions import Action, LeaveFor, Show
from peer.core.conversation.incoming.inbox import Inbox
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.members.reach import Reach
from peer.core.conversation.outbox import Outbox
from peer.core.conversation.own_stay import OwnStay
from shared.messages.peers import Position

LATE_SECONDS = 5.0  # until we tell the author that somebody lacks a text
PATHLESS_SECONDS = 30.0  # out of reach, until the directory's mailbox is the better way

_NEVER = float("inf")
_DISK = "your disk did not take what you wrote last"


class _Mail(Struct):
    """The texts that one member finds in their mailbox, by epoch, up to a seq."""

    queued: dict[str, int] = field(default_factory=dict)  # waits there, or will soon
    done: dict[str, int] = field(default_factory=dict)  # waits there, or need not any more
    last_seq: float = _NEVER  # they left: of my last text that is for them


class MailboxFallback:
    def __init__(
        self, stay: OwnStay, mesh: Mesh, reach: Reach, outbox: Outbox, inbox: Inbox
    ) -> None:
        self._stay, self._mesh, self._reach = stay, mesh, reach
        self._outbox, self._inbox = outbox, inbox
        self.look_at = _NEVER  #: when to judge who lacks a text
        self._late: set[str] = set()  # the user was told that these members lack a text,
        self._untold: set[str] = set()  # but not of these: they are away, and everybody knows it
        self._full: set[str] = set()  # members of a room whose mailbox took no more
        self._mail: dict[str, _Mail] = {}  # of members
        self._parted: dict[str, _Mail] = {}  # of who left, and may lack what is not on disk yet

    # --- What the shell may look at ---

    def is_late(self, member: str) -> bool:
        """Whether they have lacked a text of mine for longer than LATE_SECONDS."""
        return member in self._late

    def has(self, member: str, epoch: str, seq: int) -> bool:
        """Whether this text of mine waits for a member in their mailbox, or will soon."""
        mail = self._mail.get(member)
        return mail is not None and mail.queued.get(epoch, 0) >= seq

    def owed(self) -> list[LeaveFor]:
        """Return what its readers would lose if we forgot the conversation now."""
        mine = self._outbox
        owed: list[LeaveFor] = []
        for member, mail in self._readers():
            for lacking in mine.lacking(member):
                upto = self._on_disk(lacking.epoch)
                if lacking.epoch == mine.epoch:
                    upto = int(min(mine.last, mail.last_seq))
                start = max(lacking.seq, mail.done.get(lacking.epoch, 0))
                if upto > start:
                    after = Position(self._stay.me.id, lacking.epoch, start)
                    owed.append(LeaveFor(member, after, upto))
        return owed

    def _readers(self) -> list[tuple[str, _Mail]]:
        """Return the members, and after them who left."""
        return [*((member, self._of(member)) for member in self._mesh), *self._parted.items()]

    def _of(self, member: str) -> _Mail:
        return self._mail.setdefault(member, _Mail())

    # --- What the mailbox does ---

    def not_left(self, to: str, after: Position) -> None:
        """Note that the mailbox did not take what follows this position; try again later."""
        if to in self._mesh:
            queued = self._of(to).queued
            queued[after.epoch] = min(queued.get(after.epoch, 0), after.seq)

    def was_left(self, to: str, epoch: str, seq: int) -> None:
        """Note that the mailbox has this text of mine, or never will; do not try it again."""
        mail = self._of(to) if to in self._mesh else self._parted.get(to)
        if mail is not None:
            mail.done[epoch] = max(mail.done.get(epoch, 0), seq)
            mail.queued[epoch] = max(mail.queued.get(epoch, 0), seq)

    def was_full(self, to: str) -> bool:
        """Note that the mailbox of a member is full; return whether that is news for the user.

        In a room they get the rest from any member; nothing more is left for them until they
        are in reach, and have emptied it.
        """
        is_news = self._stay.lasts and to not in self._full
        if is_news:
            self._full.add(to)
        return is_news

    def is_full(self, to: str) -> bool:
        """Whether nothing more is left for this member of a room."""
        return to in self._full

    # --- Who lacks a text ---

    def wrote(self, now: float) -> None:
        """Note that I wrote something, which may come late."""
        self.look_at = min(self.look_at, now + LATE_SECONDS)

    def begin_look(self) -> None:
        """Forget when to look next: each member is judged anew now."""
        self.look_at = _NEVER

    def judge(self, member: str, now: float) -> list[Action]:
        """Tell the user once that a member lacks a text; use the mailbox if it takes too long."""
        if self._reach.lost_at(member) is None:
            self._full.discard(member)
        written = self._outbox.oldest_lacking(member)
        if written is None:
            return []
        actions = [] if self._stay.is_asleep else self._act_for(member, written, now)
        if member not in self._late:
            self.look_at = min(self.look_at, written + LATE_SECONDS)
        # Once a second from then on, for texts written since or not taken by the mailbox.
        self.look_at = min(self.look_at, self._mailbox_at(member, written))
        return actions

    def rest(self, until: float) -> None:
        """Look no more before this time."""
        self.look_at = max(self.look_at, until)

    def _act_for(self, member: str, written: float, now: float) -> list[Action]:
        actions: list[Action] = []
        if now >= written + LATE_SECONDS and member not in self._late:
            self._late.add(member)
            if self._stay.lasts and self._reach.lost_at(member) is not None:
                self._untold.add(member)
            else:
                actions.append(Show(events.NotYetDelivered(self._stay.names.spelled(member))))
        if now >= self._mailbox_at(member, written):
            actions += self._leave_for(member, self._of(member))
        return actions

    def _mailbox_at(self, member: str, written: float) -> float:
        """Return when to use the mailbox: too long out of reach, or others cannot hand these on."""
        if self._mesh.is_greeted(member) or member in self._full:
            return _NEVER
        lost_at = self._reach.lost_at(member)
        since = written if lost_at is None else max(lost_at, written)
        return since + PATHLESS_SECONDS

    def has_come(self, to: str) -> list[Action]:
        """Note that a member has more of my texts; tell the user once none is late any more."""
        is_news = to in self._late and self._outbox.oldest_lacking(to) is None
        is_told = to not in self._untold
        if is_news:
            self._late.discard(to)
            self._untold.discard(to)
        self._forget()
        said = Show(events.Delivered(self._stay.names.spelled(to)))
        return [said] if is_news and is_told else []

    def _forget(self) -> None:
        """Forget of my texts what all readers have."""
        self._outbox.forget([*self._mesh, *self._parted])

    # --- Leaving texts there ---

    def part(self, member: str) -> list[Action]:
        """Note that a member has left; texts that crossed that go into their mailbox."""
        mail = self._parted[member] = self._mail.pop(member, _Mail())
        mail.last_seq = self._outbox.last
        for marks in (self._late, self._untold, self._full):
            marks.discard(member)
        return self.leave_for_parted()

    def leave_for_parted(self) -> list[Action]:
        """Leave texts that crossed a member's leaving in their mailbox at the directory."""
        left = [
            one for member, mail in self._parted.items() for one in self._leave_for(member, mail)
        ]
        on_disk = self._on_disk(self._outbox.epoch)
        self._parted = {
            member: mail for member, mail in self._parted.items() if on_disk < mail.last_seq
        }
        self._forget()
        return left

    def leave_all(self) -> list[Action]:
        """Leave for every member what they lack."""
        return [one for member in self._mesh for one in self._leave_for(member, self._of(member))]

    def leave_fresh(self) -> list[Action]:
        """Leave for those who are away what I wrote since my program began.

        My earlier texts were left then.
        """
        mine = self._outbox
        fresh = Position(self._stay.me.id, mine.epoch, mine.begun_after)
        away = [member for member in self._mesh if self._reach.lost_at(member) is not None]
        return [one for member in away for one in self._leave_for(member, self._of(member), fresh)]

    def _leave_for(self, member: str, mail: _Mail, fresh: Position | None = None) -> list[Action]:
        """Leave everything that they lack and that does not wait for them already.

        `fresh`: only what follows this position.
        """
        actions: list[Action] = []
        for lacking in self._outbox.lacking(member) if member not in self._full else ():
            if fresh is not None and lacking.epoch != fresh.epoch:
                continue
            start = max(lacking.seq, mail.queued.get(lacking.epoch, 0), fresh.seq if fresh else 0)
            upto = self._on_disk(lacking.epoch)
            if lacking.epoch == self._outbox.epoch:
                upto = int(min(upto, mail.last_seq))
            if upto > start:
                mail.queued[lacking.epoch] = upto
                after = Position(self._stay.me.id, lacking.epoch, start)
                actions.append(LeaveFor(member, after, upto))
        return actions

    def _on_disk(self, epoch: str) -> int:
        """Return up to which seq my texts of an epoch are on disk."""
        return self._inbox.position((self._stay.me.id, epoch)).seq

    def tell_lost(self) -> list[Action]:
        """Tell the user who lacks for good a text that my disk has not taken."""
        return [
            Show(events.NotDelivered(self._stay.names.spelled(member), _DISK))
            for member, mail in self._readers()
            if self._lacks_for_good(member, mail)
        ]

    def _lacks_for_good(self, member: str, mail: _Mail) -> bool:
        """Whether a text of mine is neither on their disk nor on mine."""
        mine = self._outbox
        return max(mine.has(member), self._on_disk(mine.epoch)) < min(mine.last, mail.last_seq)
