"""Put the parts of one user's peer together, without a screen, and own their nursery.

`runtime` performs what the cores decide: invitations, conversations, lines, letters.
This module tells each part what concerns it; the parts know nothing of each other.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

import trio
from msgspec import Struct

from peer import events
from peer.commands.grammar import HISTORY_TEXTS
from peer.core.backlog import End, Late
from peer.core.conversation.conversation import Conversation
from peer.core.conversation.route import DIRECT, Way
from peer.core.conversation.sent_text import SentText
from peer.core.invitation.actions import Question
from peer.core.keys.key_alarms import KeyAlarms
from peer.core.keys.key_comparison import Comparison
from peer.core.myself import Myself, Registration
from peer.core.reach.back_off import grace
from peer.core.reach.contacts import Contacts
from peer.core.reach.presence import Presences
from peer.core.stranger_limits import StrangerLimits
from peer.events import Tell
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.conversation.news import TalkMessage
from peer.runtime.directory.certificate_renewal import stay_certified
from peer.runtime.directory.directory_client import DirectoryClient, DirectoryGone, Listener
from peer.runtime.directory.lookup import Lookup
from peer.runtime.directory.own_presence import OwnPresence
from peer.runtime.disk_shares import DiskShares
from peer.runtime.finder import Finder
from peer.runtime.invitation.invitations import Invitations
from peer.runtime.invitation.results import Result
from peer.runtime.known_keys import KnownKeys
from peer.runtime.link.links import Links
from peer.runtime.linked_names import LinkedNames
from peer.runtime.mailbox.copies import MailboxCopies
from peer.runtime.mailbox.letter_drop import LetterDrop
from peer.runtime.mailbox.letters import Letters
from peer.runtime.mailbox.unsent import Ended, Posted, Unsent
from peer.runtime.name_judge import NameJudge
from peer.runtime.private_lines import Came, Delivery, Heard, PrivateLines
from peer.runtime.recorder import Recorder
from peer.runtime.tasks import Tasks
from peer.storage.history import Found, History
from peer.storage.journal import Journal
from peer.storage.known_users import KnownUsers
from peer.storage.lines import Fate
from peer.storage.paths import KEY_FILE
from peer.storage.rows import UNREADABLE
from peer.storage.vault import CLEAR, Vault, open_key, seal_key
from shared.bucket import Brakes, TokenBucket
from shared.codec import encode
from shared.errors import ParleyError, Refused, StorageError
from shared.identity import SEED_BYTES, Identity, verify_words
from shared.messages.common import Err, Message, Status
from shared.messages.directory import (
    Arr,
    Chg,
    Contact,
    Done,
    Lft,
    List,
    Notice,
    Presence,
    Receipts,
    StatusNow,
    Unregister,
    Users,
    Waiting,
    Welcome,
)
from shared.messages.peers import (
    AboutInvitations,
    Acknowledge,
    Entry,
    Hello,
    Leave,
    Members,
    No,
    Position,
    Private,
    Shown,
    Text,
    ToAll,
    Want,
)
from shared.names import fold
from shared.wire import why_not_heard
from shared.wording import sentence
from shared.world import Address, World

GENERAL_CHAT_MOST: Final = 100  # users whom one line to all reaches directly
KEPT_SECONDS: Final = 1.0  # for what was just shown to be on disk, before history is read
IGNORED_BYTES: Final = 1024.0 * 1024  # a second, from an ignored user: a screen takes more
IGNORED_BYTES_AT_ONCE: Final = 4.0 * 1024 * 1024
NOTICES_A_SECOND: Final = 0.1  # of the directory, and some at once: it must not fill a screen
NOTICES_AT_ONCE: Final = 5.0
QUIT_SECONDS: Final = 1.0  # for letters on their way to the screen; then for the last words

log = logging.getLogger("peer")


class Options(Struct, frozen=True):
    listen: int = 0  #: the port to listen on, 0 for a random one
    advertise_host: str = ""  #: told to others instead of what the directory sees
    advertise_port: int = 0
    token: str = ""  #: for a directory with --register-only-with
    directory_key: str | None = None  #: the fingerprint that the user vouches for
    authority: bytes | None = None  #: of the directory, when it has moved to another address
    keeps_history: bool = True  #: else texts are kept until delivered, older ones forgotten
    vault: Vault = CLEAR  #: seals the key and all texts on their way to the disk
    is_passing: bool = False  #: here for one command only: asks nobody, fetches no mail


class LocalPeer:
    """One user, from registering to good bye.

    The methods may be called from `run`'s start until its end.  Those that ask
    the directory raise Refused with its words, or Unreachable while it is gone.
    """

    def __init__(
        self,
        world: World,
        name: str,
        directory: Address,
        tell: Tell,
        options: Options | None = None,
    ) -> None:
        self._world, self._address, self._tell = world, directory, tell
        self._options = options or Options()
        self._registration = Registration(name)
        self._run_id = world.new_id()
        self._was_registered = False
        self._ignored_pace = Brakes(IGNORED_BYTES, IGNORED_BYTES_AT_ONCE)
        self._presences = Presences(self._registration)
        self._returns = 0
        self._told_motd = ""  # of the directory, by which everybody is greeted
        self._contacts = Contacts()
        self._is_new = False
        self._finished = trio.Event()

    # --- Living ---

    async def run(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Register, report the name, and live until `quit`.

        Raises NameTaken, Refused, Unreachable, KeyChanged or StorageError when
        registering fails.
        """
        self._world.disk.lock()
        try:
            await self._live(task_status)
        finally:
            self._world.disk.unlock()

    async def _live(self, task_status: trio.TaskStatus[str]) -> None:
        """Run the nursery of everything, until `quit` or until registering fails."""
        failure: ParleyError | OSError | None = None
        options = self._options
        async with trio.open_nursery() as nursery:
            try:
                self._put_together(nursery)
                await nursery.start(self._journal.run)
                bound = await nursery.start(
                    self._world.network.serve,
                    None,
                    self._options.listen,
                    self._links.reception.answer,
                )
                self._registration.port = self._options.advertise_port or bound.port
                nursery.start_soon(self._recorder.run)
                nursery.start_soon(self._invitations.run)
                nursery.start_soon(self._conversations.run)
                nursery.start_soon(self._links.sweep)
                nursery.start_soon(self._directory.watch)
                nursery.start_soon(stay_certified, self._directory)
                if not self._options.is_passing:
                    nursery.start_soon(self._letters.run)
                    if not options.keeps_history:
                        self._tasks.spawn(self._forget_texts, None)
                await nursery.start(self._directory.stay_registered, self._listener())
            except (ParleyError, OSError) as error:
                failure = error
            else:
                task_status.started(self.name)
                await self._finished.wait()
            nursery.cancel_scope.cancel()
        if isinstance(failure, OSError):
            why = why_not_heard(failure, None, self._options.listen, "peer")
            raise Refused(why, "LISTEN")
        if failure is not None:
            raise failure

    def _put_together(self, nursery: trio.Nursery) -> None:
        world, options, tasks = self._world, self._options, Tasks(nursery)
        self._tasks = tasks
        self._notices = TokenBucket(NOTICES_A_SECOND, NOTICES_AT_ONCE, trio.current_time())
        myself = self._myself = Myself(self._registration, self._load_identity())
        self._journal = Journal(
            world.disk, keeps_history=options.keeps_history, vault=options.vault,
            unreadable=partial(self._tell, events.Notice(UNREADABLE), events.nothing),
        )  # fmt: skip
        contacts = self._journal.contacts
        self._recorder = Recorder(self._journal.lines, self._tell)
        self._alarms = KeyAlarms(self._tell)
        self._known_keys = KnownKeys(
            contacts, world.clock, self._alarms, myself, tasks
        )  # fmt: skip
        self._history = History(
            self._journal.database, self._journal.rows, lambda: self.name, world.clock.time,
            self._known_keys.called,
        )  # fmt: skip
        self._known_users = KnownUsers(contacts, world.clock, tasks.spawn, self._known_keys.pin)
        self._registration.host = options.advertise_host
        self._registration.token = options.token
        self._directory = DirectoryClient(
            world, self._address, myself, self._known_keys, self._journal.communities,
            self._presences,
            expected_key=options.directory_key, authority=options.authority,
        )  # fmt: skip
        self._own_presence = OwnPresence(self._registration, self._directory)
        lookup = Lookup(self._directory, self._known_keys, self._contacts)
        self._links = Links(
            world, self._known_keys, myself, tasks, lookup, self._alarms, self,
            run=self._run_id,
        )  # fmt: skip
        linked_names = LinkedNames(self._links, self._known_keys)
        self._finder = Finder(lookup, self._links, self._known_keys, linked_names)
        self._name_judge = NameJudge(self._known_keys, self._finder)
        ignored = contacts.ignored
        self._lines = PrivateLines(
            self._links, self._recorder, self._known_keys, myself, tasks
        )  # fmt: skip
        came = Came(self._journal.lines)
        self._disk_shares = DiskShares(contacts, world.clock, self._tell, tasks)
        self._unanswered = StrangerLimits(self._known_users.knows, self._journal.lines.written_by)
        self._heard_lines = Heard(
            self._links, self._tell, ignored, came, self._recorder, world.clock, myself,
            self._unanswered, linked_names, self._disk_shares,
        )  # fmt: skip
        self._conversations = Conversations(
            world, self._links, self._journal, self._tell, myself, tasks,
            known_keys=self._known_keys, name_judge=self._name_judge,
            known_users=self._known_users, disk_shares=self._disk_shares, listener=self,
        )  # fmt: skip
        self._letter_drop = LetterDrop(
            world, self._journal, self._directory, self._recorder, myself
        )
        self._letters = Letters(
            world, myself, self._known_keys, self._journal, self._directory, self._tell,
            came=came, finder=self._finder, unanswered=self._unanswered,
            texts=self._conversations.arrivals,
        )  # fmt: skip
        self._copies = MailboxCopies(
            self._journal, self._letter_drop, self._directory, self._tell, myself=myself,
            known_keys=self._known_keys, tasks=tasks, finder=self._finder,
        )  # fmt: skip
        self._later = Unsent(
            self._lines, self._recorder, self._directory, self._tell, myself=myself,
            known_users=self._known_users, tasks=tasks, leave=self._leave_late,
            linked_names=linked_names,
        )  # fmt: skip
        self._invitations = Invitations(
            world, self._links, self._conversations, self._tell, myself, tasks,
            finder=self._finder, linked_names=linked_names, name_judge=self._name_judge,
            known_keys=self._known_keys,
            ignored=ignored,
            answers=not options.is_passing,
            known_users=self._known_users,
        )  # fmt: skip

    def _load_identity(self) -> Identity:
        vault, content = self._options.vault, self._world.disk.read(KEY_FILE)
        if content is not None:
            seed = open_key(content, vault)
        else:
            seed = self._world.chance.randbytes(SEED_BYTES)
            self._world.disk.write(KEY_FILE, seal_key(seed, vault))
            self._is_new = True
        try:
            return Identity(seed)
        except ValueError as error:
            raise StorageError(
                f'the file "{KEY_FILE}" in the data folder is damaged ({error}): bring it back'
                " from a backup; without it the name is lost"
            ) from None

    def spawn(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Start a task that `quit` waits for."""
        self._tasks.spawn(work, *arguments)

    async def quit(self) -> None:
        """Leave the conversation, deliver or store what is on its way, say good bye."""
        if self._finished.is_set():
            return
        self._invitations.close()
        await self._conversations.leave()
        await self._conversations.settle()
        await self._tasks.wait_none()
        if not self._options.is_passing:
            with trio.move_on_after(QUIT_SECONDS):
                await self._letters.close()
        with trio.move_on_after(QUIT_SECONDS):
            await self._later.wait_idle()
        with trio.move_on_after(QUIT_SECONDS):
            await self._recorder.wait_kept()
            await self._conversations.settle()  # what we were let into while quitting
        self._links.hang_up_all()
        self._directory.leave()
        with trio.move_on_after(QUIT_SECONDS):
            await self._links.wait_none()
            await self._directory.wait_gone()
        self.end()

    def end(self) -> None:
        """End at once, whatever is on its way."""
        self._finished.set()

    @property
    def is_over(self) -> bool:
        return self._finished.is_set()

    # --- Who I am, who is there ---

    @property
    def name(self) -> str:
        return self._registration.name

    @property
    def is_new(self) -> bool:
        """Whether our key was made at this start: nobody has been here before."""
        return self._is_new

    @property
    def status(self) -> Status:
        return self._own_presence.status

    @property
    def talks_with(self) -> tuple[str, ...]:
        """The others in my conversation."""
        return self._conversations.others

    async def members(self) -> list[Way]:
        """Return the others in my conversation, and how each is reached; measuring takes time."""
        current = self._conversations.conversation
        if current is None:
            raise Refused("You are in no conversation.")
        name, called = current.roll.name, current.called
        await self._links.measure(name(one) for one, way, _ in current.who() if way == DIRECT)
        now, time = trio.current_time(), self._world.clock.time()
        return [
            Way(
                called(one), way if way in ("", DIRECT) else called(way),
                None if since is None else time - (now - since),
                self._links.round_trip(name(one)) if way == DIRECT else None,
                self._known_keys.is_verified(name(one))
                and self._known_keys.remembers(name(one), current.roll.key(one) or b""),
            )
            for one, way, since in current.who()
        ]  # fmt: skip

    @property
    def to_come(self) -> int:
        """The number of texts on their way to me, which others in my conversation have."""
        current = self._conversations.conversation
        return 0 if current is None else current.to_come

    @property
    def ways(self) -> list[tuple[str, str, int]]:
        """Like `members`, at once: each name, through whom, and how many texts of mine it lacks."""
        current = self._conversations.conversation
        if current is None:
            return []
        called = current.called
        return [
            (called(one), way if way in ("", DIRECT) else called(way), current.lacks(one))
            for one, way, _ in current.who()
        ]

    @property
    def undelivered(self) -> int:
        """The number of my texts that the member furthest behind lacks; 0 when nobody is late."""
        current = self._conversations.conversation
        if current is None:
            return 0
        late = (current.lacks(one) for one, *_ in current.who() if current.is_late(one))
        return max(late, default=0)

    @property
    def is_registered(self) -> bool:
        """Whether the directory is there."""
        return self._directory.is_there

    @property
    def last_said(self) -> SentText | None:
        """My last text in a conversation; it tells who has it."""
        return self._conversations.last

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The users whom I have invited and who have not decided."""
        return self._invitations.waits_for

    @property
    def questions(self) -> tuple[Question, ...]:
        """The invitations that wait for my answer, in the order of arrival."""
        return self._invitations.questions

    async def users(self) -> list[Presence]:
        """Return everybody registered, in alphabetical order."""
        before = self._presences.all
        pages = await self._directory.ask_pages(List)  # each of which was heard
        self._presences.listed((user for page in pages for user in page.users), before)
        return list(self.known_users)

    @property
    def known_users(self) -> tuple[Presence, ...]:
        """Like `users`, from the last list plus the changes announced since; asks nobody."""
        return self._presences.all

    @property
    def round_trips(self) -> dict[str, float]:
        """Round trips in seconds, by name, as measured last, to users to whom there is a link."""
        trips = {user.name: self._links.round_trip(user.name) for user in self.known_users}
        return {name: trip for name, trip in trips.items() if trip is not None}

    async def contact(self, name: str, *, own: bool = False) -> Contact:
        """Return where this user is.  Raises KeyChanged when the key is not the remembered one.

        `own`: whether my user wants something of them.
        """
        return await self._finder.contact(name, own=own)

    async def words(self, name: str) -> Comparison:
        """Return the words that both must see, for the key that the directory has of this user.

        This accepts nothing.  Raises Refused or Unreachable.
        """
        if fold(name) == fold(self.name):
            raise Refused("That is you.", "SELF")
        contact = await self._finder.lookup(name)
        known = self._journal.contacts.key_of(contact.name)
        words = verify_words(self._myself.key, contact.key)
        return Comparison(contact.name, contact.key, tuple(words), known)

    async def accept(self, compared: Comparison) -> None:
        """Accept a key whose words the user has compared, and found the same at the other's.

        It is the key of that name from now on, whatever it was before, and verified.
        """
        await self._known_keys.accept(compared.name, compared.key)
        self._links.keep_only(compared.name, compared.key)
        self._known_users.answer(compared.name)
        self._letters.fetch()

    def is_verified(self, name: str) -> bool:
        """Whether the words of the remembered key were compared."""
        return self._known_keys.is_verified(name)

    def is_contradicted(self, name: str) -> bool:
        """Whether the directory gives another key for this name than the remembered one."""
        return self._known_keys.is_contradicted(name)

    async def ignore(self, name: str) -> None:
        await self._journal.contacts.ignore(name)
        self._conversations.release(name)

    async def unignore(self, name: str) -> None:
        await self._journal.contacts.unignore(name)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The users whom I ignore, in alphabetical order, in their own spelling if it is known."""
        spelled = {fold(user.name): user.name for user in self.known_users}
        return tuple(spelled.get(name, name) for name in sorted(self._journal.contacts.ignored))

    def keep_more(self, author: str) -> None:
        """Answer yes to `events.KeepMore`: this author may fill as much of the disk again."""
        self._disk_shares.allow_more(author)
        self._conversations.release(author)

    async def unregister(self) -> None:
        """Give the name back, with its mailbox; then `quit`."""
        await self._directory.ask(Unregister, Done)
        self._directory.leave()

    async def _judge_again(self) -> None:
        """Ask about the names that nobody could confirm while the directory was away."""
        await self._name_judge.judge(self._links.names)
        await self._name_judge.judge_wondered()

    # --- My status ---

    async def set_status(self, status: Status) -> None:
        """Set my status by hand: neither a conversation nor the directory changes it any more.

        ACTIVE outside of a conversation makes it automatic again.
        """
        self._own_presence.choose(status)
        self._invitations.situation(busy=self._own_presence.is_busy)
        if self.is_registered:
            self.tell(events.StatusIsNow(status))
        else:
            words = f"Your status will be {status.value} when the directory is back."
            self.tell(events.Notice(words))

    def touched(self) -> None:
        """A key was pressed."""
        self._own_presence.stir()

    def stir(self) -> None:
        """Note that somebody touched the keys."""
        self.touched()
        self._directory.hurry()

    def conversation_changed(self) -> None:
        self._own_presence.talks(self._conversations.conversation is not None)
        self._invitations.situation(busy=self._own_presence.is_busy)

    # --- What was said ---

    async def history(
        self, name: str | None = None, *, to_all: bool = False, last: int = HISTORY_TEXTS
    ) -> Found:
        """Return the last texts of the conversation that I am in, else of the last one.

        With `name`: what was said with that user; with `to_all`: in the general chat.
        """
        await self._all_kept()
        found = await self._find(name, to_all=to_all, last=last)
        if await self._name_judge.judge_wondered():
            found = await self._find(name, to_all=to_all, last=last)
        return found

    async def _find(self, name: str | None, *, to_all: bool, last: int) -> Found:
        if to_all:
            return self._history.to_all(last)
        if name is not None:
            return await self._history.with_user(name, last)
        current = self._conversations.conversation
        return await self._history.conversation(current.id if current else None, last)

    async def search(self, words: str, *, last: int = HISTORY_TEXTS) -> Found:
        """Return the last texts that contain a word beginning with each of these.

        Raises Refused when there are no words, or too many.
        """
        await self._all_kept()
        found = await self._history.search(words, last)
        if await self._name_judge.judge_wondered():
            found = await self._history.search(words, last)
        return found

    async def _all_kept(self) -> None:
        """Wait, KEPT_SECONDS at most, until what was just shown is history too."""
        with trio.move_on_after(KEPT_SECONDS), suppress(StorageError):
            await self._conversations.wait_kept()
            await self._recorder.wait_kept()
            await self._history.wait_written()

    # --- Inviting ---

    async def invite(self, name: str, *, urgent: bool = False) -> Result:
        """Ask somebody into a conversation; return when it is decided, and was told.

        Raises Refused for myself, an unknown user, or when I am in a
        conversation already or wait for somebody else.
        """
        result = await self._invitations.invite(name, urgent=urgent)
        await self._conversations.wait_shown()
        return result

    async def add(self, name: str, *, urgent: bool = False) -> Result:
        """Ask somebody into the conversation that I am in; return as `invite` does.

        Raises Refused for myself, an unknown user, a member, or outside of a conversation.
        """
        result = await self._invitations.add(name, urgent=urgent)
        await self._conversations.wait_shown()
        return result

    def take_back(self) -> bool:
        """Stop waiting for an answer; return False when none was awaited."""
        return self._invitations.take_back()

    def answer(self, id: str, yes: bool) -> bool:
        """Answer an invitation; return False when it is over already.

        A yes leaves the conversation that I am in.
        """
        return self._invitations.answer(id, yes=yes)

    # --- Talking ---

    async def say(self, text: str) -> SentText:
        """Say a text in the conversation; wait while too many are undelivered.

        The handle tells its fate.  Raises Refused when there is no conversation.
        """
        return await self._conversations.say(text)

    async def leave_conversation(self) -> bool:
        """Leave the conversation once my texts have arrived; return False when there is none."""
        return await self._conversations.leave()

    def private(self, name: str, text: str, *, is_lasting: bool = False) -> Delivery:
        """Send one private line; `wait` on the delivery to know its outcome.

        If this program ends before it is delivered, the next one delivers it.  With
        `is_lasting` also after it has failed, until `leave_instead`, `keep` or `give_up`.
        """
        self._known_users.answer(name)
        line = Private(self._world.new_id(), self._world.clock.time(), text)
        order = self._later.next_order()
        return self._lines.send(name, line, is_lasting=is_lasting, order=order)

    def write(self, name: str, text: str) -> Delivery | Posted:
        """Send one lasting private line; it waits behind what is kept for the same user.

        Raises Refused when too much waits.
        """
        self._take_up_in_passing()
        if not self._later.blocks(name, is_letter=False):
            return self.private(name, text, is_lasting=True)
        return self._later.put(self._new_late(name, text, is_letter=False))

    def _take_up_in_passing(self) -> None:
        """Send also what earlier scripts have kept, when a script writes."""
        if self._options.is_passing:
            self._later.wake_all()

    def _new_late(self, to: str, text: str, *, is_letter: bool) -> Late:
        id, time = self._world.new_id(), self._world.clock.time()
        return Late(self._later.next_order(), to, id, time, text, is_letter)

    async def leave_instead(self, delivery: Delivery) -> str:
        """Leave a line that was not delivered; for its receiver it is the same text.

        Returns and raises as `leave_message` does.
        """
        return await self._leave_late(_late(delivery))

    def keep(self, delivery: Delivery) -> Posted:
        """Let a line that was not delivered wait for the directory.

        Raises Refused when too much waits.
        """
        return self._later.put(_late(delivery), is_tried=True)

    def give_up(self, delivery: Delivery) -> None:
        """Give up a line that was not delivered: it is not tried again."""
        self._lines.give_up(delivery)

    async def to_all(self, text: str) -> list[Delivery]:
        """Send one line to everybody online, to GENERAL_CHAT_MOST users at most."""
        users = await self.users()
        online = [user.name for user in users if user.status is not Status.OFFLINE]
        others = [name for name in online if fold(name) != fold(self.name)]
        line = ToAll(self._world.new_id(), self._world.clock.time(), text)
        if len(others) > GENERAL_CHAT_MOST:
            left_out = len(others) - GENERAL_CHAT_MOST
            reason = f"one line reaches {GENERAL_CHAT_MOST} users at most"
            self.tell(events.NotDelivered(f"{left_out} others", reason))
        if others:
            self._lines.sent_to_all(line)
        return [self._lines.send(name, line) for name in others[:GENERAL_CHAT_MOST]]

    async def leave_message(self, name: str, text: str) -> str:
        """Leave a message; return the receiver's name when the directory has it on disk.

        Raises Refused (no such user, a full mailbox, a full disk), KeyChanged or
        Unreachable.
        """
        self._refuse_myself(name)
        return await self._leave(name, text, self._world.clock.time())

    async def leave_or_keep(self, name: str, text: str) -> Ended:
        """Leave a message as `leave_message` does; while the directory is gone, keep it.

        Raises Refused also when too much waits.
        """
        self._refuse_myself(name)
        self._take_up_in_passing()
        late = self._new_late(name, text, is_letter=True)
        if self._later.blocks(name, is_letter=True):
            return await self._later.put(late).outcome()
        self._later.note(late, Fate.PENDING)
        try:
            return Ended(End.LEFT, await self._leave_late(late))
        except DirectoryGone:
            return await self._later.put(late, is_tried=True).outcome()
        except ParleyError:
            self._later.note(late, Fate.FAILED)
            raise

    def _refuse_myself(self, name: str) -> None:
        if fold(name) == fold(self.name):
            raise Refused("You can't leave a message for yourself.", "SELF")

    async def _leave_late(self, late: Late) -> str:
        """Leave a late letter; do not wait for a directory lost meanwhile: it is tried again."""
        return await self._leave(late.to, late.text, late.time, late.id, waits=False)

    async def _leave(
        self, name: str, text: str, time: float, id: str = "", *, waits: bool = True
    ) -> str:
        async with self._letter_drop.turn(name):
            contact = await self.contact(name)
            await self._known_keys.remember(contact)
            self._known_users.answer(contact.name)
            await self._letter_drop.leave(contact, text, time, id=id, waits=waits)
        return contact.name

    def is_known(self, name: str) -> bool:
        """Whether somebody has this name, as far as that is known without asking."""
        is_user = any(fold(user.name) == fold(name) for user in self.known_users)
        return is_user or self._journal.contacts.key_of(name) is not None

    def _take_up_lines(self) -> None:
        """Deliver or leave, in the background, what an earlier program of mine did not.

        The end of this program does not wait for that: it is on disk.
        """
        try:
            self._later.restore(self._journal.lines.pending())
        except StorageError as failure:
            self.tell(events.Notice(sentence(failure)))

    # --- News of the links (peer.runtime.link.links.Listener) ---

    def linked(self, name: str) -> None:
        self._lines.link_changed(name)
        self._later.linked(name)
        self._invitations.linked(name)
        self._conversations.news.linked(name)

    def link_lost(self, name: str) -> None:
        self._lines.link_changed(name)
        self._invitations.link_lost(name)
        self._conversations.news.link_lost(name)

    def unreachable(self, name: str, failure: ParleyError) -> None:
        self._invitations.unreachable(name, str(failure))
        self._conversations.news.unreachable(name)

    def needs(self, name: str) -> bool:
        """Whether the link to this user is still wanted."""
        return (
            self._conversations.news.needs(name)
            or self._invitations.is_live_with(name)
            or self._lines.is_sending_to(name)
        )

    def knows(self, name: str) -> bool:
        return self._known_users.knows(name)

    def pause(self, name: str) -> float:
        now = trio.current_time()
        return max(self._unanswered.pause(name, now), self._ignored_pace.pause(fold(name), now))

    def received(self, name: str, message: Message) -> None:
        if fold(name) in self._journal.contacts.ignored:
            # Nothing of them waits for the screen or the disk: nothing else slows them down.
            self._ignored_pace.take(fold(name), len(encode(message)), trio.current_time())
        match message:
            case Private() | ToAll():
                self._heard_lines.hear(name, message)
            case Shown(id=id):
                self._lines.shown(name, id)
            case No(id=id, reason=reason):
                self._lines.refused(name, id, reason)
            case Text() | Acknowledge() | Hello() | Members() | Entry() | Want() | Leave():
                self._hear_talk(name, message)
            case Err():
                pass  # their version does not know something; to log each would fill a log
            case _ if isinstance(message, AboutInvitations):
                self._invitations.hear(name, message)
            case _:
                tag = message.__struct_config__.tag
                self._links.post(name, Err("UNKNOWN", f"{tag} does not belong here"))

    def _hear_talk(self, name: str, message: TalkMessage) -> None:
        if self._conversations.news.hear(name, message) or self._invitations.will_open(
            message.conversation
        ):
            return
        if self._options.is_passing:
            return  # the next start may still take it up
        match message:
            case Members():
                self._conversations.departures.prove(name, message)
            case Text() | Hello():
                # They believe in a conversation that is over here, or never was.
                self._links.post(name, Leave(message.conversation))

    # --- News of the directory ---

    def _listener(self) -> Listener:
        return Listener(
            registered=self._registered,
            heard=self._heard,
            lost=self._directory_lost,
            refused=lambda why: self.tell(events.Notice(why)),
        )

    def _registered(self, welcome: Welcome) -> None:
        self._conversations.news.directory(is_there=True)
        self._own_presence.idle_after = welcome.idle_after
        self._presences.registered(welcome.online)
        first, self._was_registered = not self._was_registered, True
        if first:
            self.tell(events.Registered(self.name, str(self._address)))
            if self._directory.first_seen:
                self.tell(events.DirectoryKey(self._directory.first_seen))
        else:
            self.tell(events.DirectoryBack())
            self._tasks.linger(self._judge_again)
            self._tasks.linger(self._call_the_roll)
        if welcome.motd and welcome.motd != self._told_motd:
            self._directory_says(welcome.motd)
        self._told_motd = welcome.motd
        self._letters.fetch()
        if first:
            self._take_up_lines()
        if first and not self._options.is_passing:
            self._conversations.restore()
            self._copies.take_up()
        if not self._options.is_passing:
            self._later.wake_all()
        # Not sooner: peers who hear of us would be told that we have left the conversation
        # in which we were interrupted.
        self._links.reception.open()

    def _directory_lost(self) -> None:
        self._own_presence.put()  # somebody may have touched the keys before it could tell us
        self._presences.lost()
        self._conversations.news.directory(is_there=False)
        self.tell(events.DirectoryLost())

    async def _call_the_roll(self) -> None:
        """Report users who have not come back to the directory, once all have had time to."""
        self._returns += 1
        current = self._returns
        await trio.sleep(grace(self._presences.online))
        if current != self._returns or not self.is_registered:
            return  # that is done after the next return
        if not self._presences.is_complete:
            try:
                await self.users()
            except ParleyError as failure:
                log.info("who has come back is not known yet: %s", failure)
                return
        for name in self._presences.settle():
            self._tell_presence(events.Went(name))

    def _heard(self, message: Message) -> None:
        match message:
            case Arr(users=users):
                for user in users:
                    self._contacts.forget(user.name)
                    if self._presences.came(user):
                        self._tell_presence(events.Came(user.name))
                    if fold(user.name) != fold(self.name):
                        self._conversations.news.came(user.name)
            case Lft(names=names):
                for name in names:
                    self._contacts.forget(name)
                    if self._presences.went(name, self._world.clock.time()):
                        self._tell_presence(events.Went(name))
            case StatusNow(status=status):
                if self._own_presence.changed(status):
                    self.tell(events.StatusIsNow(status))
            case Notice(text=text):
                self._directory_says(text)
            case Waiting():
                self._letters.fetch()
            case Receipts(receipts=receipts):
                self._letters.receipts(receipts)
            case Err(text=text):
                log.info("the directory says: %s", text)
            case Users(users=users) | Chg(users=users):
                self._presences.tell(users)

    def _directory_says(self, text: str) -> None:
        if not self._notices.take(1, trio.current_time()):
            self.tell(events.DirectorySays(text))

    def _tell_presence(self, event: events.Came | events.Went) -> None:
        """Report that a user came or went, unless I ignore them."""
        if fold(event.name) not in self._journal.contacts.ignored:
            self.tell(event)

    def tell(self, event: events.Event) -> None:
        self._tell(event, events.nothing)

    def conversation_settled(self, current: Conversation) -> None:
        if not self._options.keeps_history:
            self._tasks.spawn(self._forget_texts, current.id)

    async def _forget_texts(self, conversation: str | None) -> None:
        try:
            await self._conversations.wait_kept()
            await self._journal.forget_texts(conversation, self._world.clock.time())
        except StorageError as failure:
            self.tell(events.Notice(f"What was said cannot be forgotten: {failure}."))

    def leave_for(self, current: Conversation, to: str, after: Position, upto: int) -> None:
        self._copies.leave_for(current, to, after, upto)


def _late(delivery: Delivery) -> Late:
    line = delivery.line
    return Late(delivery.order, delivery.to, line.id, line.time, line.text, is_letter=False)
