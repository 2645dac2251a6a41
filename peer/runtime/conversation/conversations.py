"""All my conversations: what I do in them, and their tasks."""

import trio

from peer.core.conversation.conversation import Conversation
from peer.core.conversation.proof.check_budget import CheckBudget
from peer.core.conversation.sent_text import SentText, Times
from peer.core.membership import Roll
from peer.core.myself import Myself
from peer.events import Tell
from peer.runtime.conversation.builder import ConversationBuilder
from peer.runtime.conversation.departures import Departures
from peer.runtime.conversation.member_links import MemberLinks
from peer.runtime.conversation.news import News
from peer.runtime.conversation.progress import Progress
from peer.runtime.conversation.rooms import Rooms
from peer.runtime.conversation.screen import ConversationScreen
from peer.runtime.conversation.shell import ConversationShell, Parts
from peer.runtime.conversation.stays import ConversationListener, Stays
from peer.runtime.conversation.texts.answer_queue import AnswerQueue
from peer.runtime.conversation.texts.commit_queue import CommitQueue
from peer.runtime.conversation.texts.direct_texts import DirectTexts
from peer.runtime.conversation.texts.drafts import Drafts
from peer.runtime.conversation.texts.intake import TextIntake
from peer.runtime.conversation.texts.text_display import TextDisplay
from peer.runtime.disk_shares import DiskShares
from peer.runtime.forgetting import Forgetting
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.keys.known_users import KnownUsers
from peer.runtime.keys.name_judge import NameJudge
from peer.runtime.link.links import Links
from peer.runtime.recorder import keep_committing
from peer.runtime.tasks import Tasks
from peer.runtime.timer import Timer
from peer.storage.journal import Journal
from shared.errors import Refused
from shared.messages.peers import Charter, Entry, Members, Membership, Position
from shared.names import fold
from shared.texts import sendable
from shared.world import World


class Conversations:
    """I am in one at most, and in rooms beside it.

    See `peer.runtime.conversation.stays` for those that I have left.
    """

    def __init__(
        self,
        world: World,
        links: Links,
        journal: Journal,
        tell: Tell,
        myself: Myself,
        tasks: Tasks,
        *,
        known_keys: KnownKeys,
        name_judge: NameJudge,
        known_users: KnownUsers,
        disk_shares: DiskShares,
        listener: ConversationListener,
        keeps_history: bool,
    ) -> None:
        self._journal, self._tell = journal, tell
        clock, progress, members = world.clock, Progress(), MemberLinks(links)
        screen = ConversationScreen(tell, known_keys, name_judge, progress, tasks)
        commits = CommitQueue(journal, clock, screen, progress)
        self._parts = Parts(
            clock, members, AnswerQueue(links, members, journal, tasks), screen,
            TextDisplay(screen, members, journal, clock, progress), commits,
            TextIntake(commits, disk_shares, journal, clock), Drafts(), known_users, progress,
            Times(),
        )  # fmt: skip
        self._timer = Timer()
        #: of what was said, when it is done
        self.forgetting = Forgetting(
            journal, clock, commits, self._parts.display, progress, tasks, tell,
            is_wanted=not keeps_history,
        )  # fmt: skip
        self._stays = Stays(commits, self.forgetting, listener, self._timer)
        self._builder = ConversationBuilder(world, myself, known_keys, journal)
        self.rooms = Rooms(self._stays, self._builder, journal, self._parts, tell)
        self.last: SentText | None = None  #: my last text, wherever that was
        # My last text in the conversation (""), and in each room that I am in, by its id.
        self._last: dict[str, SentText] = {}
        budget = CheckBudget()
        #: what links, members, the directory and the clock bring
        self.news = News(self._stays, members, self._parts.drafts, progress, clock, budget)
        #: texts that came, for the letters that bring copies of them
        self.direct_texts = DirectTexts(self._stays, self._parts.display, progress, journal.rooms)
        #: proofs for those who count me in a conversation that I have left
        self.departures = Departures(myself, members, known_keys, journal, budget)

    @property
    def conversation(self) -> Conversation | None:
        """The one that I am in."""
        current = self._stays.current
        return current.core if current else None

    def of(self, id: str) -> Conversation:
        """Return my conversation, or my room, with this id."""
        current = self._stays.current
        if current is not None and current.core.id == id:
            return current.core
        return self._stays.rooms[id].core

    def is_in(self, id: str) -> bool:
        """Whether my conversation, or a room of mine, has this id."""
        current = self._stays.current
        return id in self._stays.rooms or (current is not None and current.core.id == id)

    @property
    def others(self) -> tuple[str, ...]:
        """The names under which the user reads of the others in my conversation."""
        current = self.conversation
        return tuple(map(current.called, current.others)) if current else ()

    def is_with(self, name: str) -> bool:
        """Whether I talk with the owner of this name: another key of it is somebody else."""
        return any(fold(other) == fold(name) for other in self.others)

    # --- Beginning ---

    def enter(
        self, roll: Roll, since: tuple[Position, ...], lamport: int = 0,
        entry: Entry | None = None, room: Charter | None = None,
    ) -> Conversation:  # fmt: skip
        """Enter the conversation of this roll, in which I am, and leave any other.

        `entry`: of the member who let me in.  `room`: it is a room, beside whatever I am in.
        """
        if room is None:
            self.leave_now()
        named = self.rooms.name(room, roll) if room is not None else None
        since, lamport = self._builder.furthest(roll.conversation, since, lamport)
        called = named.label if named else ""
        begun = self._shell(self._builder.entered(roll, since, lamport, called))
        if named is None:
            self._stays.current = begun
        else:
            self._stays.rooms[named.id] = begun
        if entry is not None:
            begun.perform(begun.core.receive(begun.core.me.id, entry, trio.current_time()))
        self._parts.commits.begin(roll.conversation, since, lamport, named)
        begun.keep_members(roll.everybody(), pins=True)
        self._stays.changed()
        return begun.core

    def _shell(self, core: Conversation) -> ConversationShell:
        return ConversationShell(core, self._parts, self._stays)

    def begin(self, begun: Conversation) -> None:
        """Show the conversation that `enter` made, once it is on disk, and link its members."""
        shell = self._stays.shell(begun)
        shell.show_begun()
        shell.begin()

    def add_member(self, current: Conversation, member: str, membership: Membership) -> None:
        """Make somebody a member who has said yes."""
        self.news.hear_member(member, Members(current.id, (membership,)))

    def keep_entry(self, current: Conversation, member: str) -> None:
        """Put on disk what I have signed for somebody whom I let in."""
        self._stays.shell(current).perform(current.keep_entry(member))

    def history_mark(
        self, current: Conversation, last: int = 0
    ) -> tuple[tuple[Position, ...], int]:
        """Return what was said so far, which a newcomer does not get, and its highest lamport.

        `last`: how many of the latest texts they get all the same.
        """
        self._parts.drafts.flush()
        self._parts.display.note_shown()
        self._stays.shell(current).perform(current.incoming.check_all())
        begins = self._journal.texts.last_begin(current.id, last) if last else {}
        return current.incoming.mark_before(begins), current.incoming.lamport

    def say_handed_on(self, current: Conversation, name: str, last: int) -> None:
        """Tell all members that a newcomer gets the latest texts."""
        what = "last text" if last == 1 else f"last {last} texts"
        self._stays.shell(current).say(f"{name} gets the {what} of before.")

    def restore(self) -> None:
        """Take up my rooms, and the conversation in which my last program was interrupted."""
        self.rooms.restore()
        id = self._journal.interrupted()
        if id is None:
            return
        core = self._builder.interrupted(id)
        if core is None:
            self._parts.commits.end(id)
            return
        self._stays.asleep = asleep = self._shell(core)
        self._parts.screen.judge(core, core.roll.members(), pins=False)
        asleep.begin()

    # --- What I do ---

    async def say(self, text: str, room: str = "") -> SentText:
        """Say a text, in my conversation or in a room; wait while too many are undelivered.

        Raises Refused when I am not in it, for a text that is too long, and in a room when the
        program ends.
        """
        text = sendable(text)
        current = self.rooms.to_say_in(room) if room else self._stays.current
        if current is None:
            raise Refused("You are in no conversation.")
        sent = self.last = current.say(text)
        mine = {"", *self._stays.rooms}
        self._last = {id: one for id, one in self._last.items() if id in mine}
        self._last[current.core.id if room else ""] = sent
        await current.wait_for_room()
        return sent

    def last_said(self, room: str = "") -> SentText | None:
        """Return my last text in a room, or in my conversation; in none, in that before.

        None: I have said nothing there since this program started.
        """
        if room:
            return self._last.get(self.rooms.of(room).core.id)
        last, current = self._last.get(""), self._stays.current
        if last is not None and current is not None and current.core.id != last.conversation.id:
            return None
        return last

    async def leave(self) -> bool:
        """Leave once my texts have arrived, if they can; return False in no conversation."""
        current = self._stays.current
        if current is None:
            return False
        await current.deliver()
        await current.keep_shown()
        if not current.core.is_over and current is self._stays.current:
            self.leave_now()
        return True

    async def keep_shown(self) -> None:
        """Wait a little until what I have read in my conversation is on disk, to leave it then."""
        if (current := self._stays.current) is not None:
            await current.keep_shown()

    def leave_now(self) -> None:
        """Leave the conversation that I am in, and the one that sleeps."""
        self._parts.display.note_shown()
        if (current := self._stays.current) is not None:
            current.flush()
            current.leave()
        if (asleep := self._stays.give_up_asleep()) is not None:
            asleep.leave()

    def release(self, author: str) -> None:
        """Judge anew the texts of this author that wait for room on the disk."""
        self._parts.intake.release(author)

    async def wait_kept(self) -> None:
        """Return when all texts said and shown are at least on their way to the disk."""
        for one in (self._stays.current, *self.rooms):
            if one is not None:
                one.flush()
        self._parts.display.note_shown()
        await self._parts.progress.until(lambda: not self._is_keeping)

    async def wait_shown(self) -> None:
        """Return when all events of my conversation and my rooms so far were told."""
        screen = self._parts.screen
        ours = [one.core.id for one in (self._stays.current, *self.rooms) if one is not None]
        await self._parts.progress.until(lambda: not any(map(screen.is_closed, ours)))

    async def wait_met(self) -> None:
        """Return when somebody is in reach in each room with others."""
        await self._parts.progress.until(lambda: all(one.core.has_met for one in self.rooms))

    async def wait_left(self, id: str) -> None:
        """Return when I am not in this conversation or room any more."""
        await self._parts.progress.until(lambda: not self.is_in(id))

    async def settle(self) -> None:
        """Return when no conversation waits for its last acknowledgements."""
        await self._parts.progress.until(lambda: self._stays.is_settled and not self._is_keeping)

    @property
    def _is_keeping(self) -> bool:
        return self._parts.commits.is_busy or self._parts.display.is_checking

    # --- Time, and the disk ---

    async def run(self) -> None:
        """Run until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._timer.run, self)
            nursery.start_soon(self._parts.drafts.run)
            nursery.start_soon(self._parts.display.run)
            nursery.start_soon(keep_committing, self._parts.commits, self._tell)
            nursery.start_soon(self.news.run)

    def next_deadline(self) -> float | None:
        return self._stays.next_deadline()

    def tick(self) -> None:
        self.news.look_at_clock()
        self._parts.drafts.flush()
        self._parts.intake.release_at_midnight()
        for one in self._stays.all:
            one.perform(one.core.tick(trio.current_time()))
        self._parts.progress.made()
