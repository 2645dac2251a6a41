"""Tell each part what the directory said, and take up what waited for it."""

import logging
from typing import Final

import trio

from peer import events
from peer.assembly import Connections, Exchange, Memory, Outside
from peer.runtime.tasks import Tasks
from shared.bucket import TokenBucket
from shared.errors import StorageError
from shared.messages.common import Err, Message
from shared.messages.directory import (
    Arr,
    Chg,
    Crowd,
    Lft,
    Notice,
    Receipts,
    StatusNow,
    Users,
    Waiting,
    Welcome,
)
from shared.messages.punching import Punches
from shared.messages.spots import Knocks
from shared.wording import sentence
from shared.world import Address

NOTICES_A_SECOND: Final = 0.1  # of the directory, and some at once: it must not fill a screen
NOTICES_AT_ONCE: Final = 5.0

log = logging.getLogger("peer")


class DirectoryNews:
    """The receiver of the directory's news (`DirectoryListener`)."""

    def __init__(
        self, outside: Outside, memory: Memory, reach: Connections, exchange: Exchange, tasks: Tasks
    ) -> None:
        self._outside, self._memory, self._reach, self._exchange = outside, memory, reach, exchange
        self._tasks = tasks
        self._was_registered = False
        self._told_motd = ""  # of the directory, by which everybody is greeted
        self._notices = TokenBucket(NOTICES_A_SECOND, NOTICES_AT_ONCE, trio.current_time())

    # --- Registrations ---

    def registered(self, welcome: Welcome, address: Address) -> None:
        self._exchange.conversations.news.directory(is_there=True)
        self._learn(welcome)
        self._reach.mapping.registered(welcome)
        self._reach.roster.registered(welcome.online, is_crowd=welcome.crowd)
        first, self._was_registered = not self._was_registered, True
        if first:
            self._greet(address)
        else:
            self._tell(events.DirectoryBack())
            self._tasks.linger(self._judge_again)
            self._tasks.linger(self._reach.roster.call)
        self._tell_motd(welcome.motd)
        self._exchange.letters.fetch()
        if first:
            self._take_up()
        if not self._outside.options.is_passing:
            self._exchange.unsent.wake_all()
        # Not sooner: peers who hear of us would be told that we have left the conversation
        # in which we were interrupted.
        self._reach.switchboard.reception.open()

    def moved(self, welcome: Welcome) -> None:
        """Take up what another directory may know better; for the user nothing has changed."""
        self._learn(welcome)
        self._reach.own_presence.repeat()
        self._reach.mapping.registered(welcome)
        self._reach.presences.moved()
        self._reach.roster.registered(welcome.online, is_crowd=welcome.crowd)
        self._tasks.linger(self._reach.roster.call)
        self._tell_motd(welcome.motd)
        self._exchange.letters.fetch()

    def _learn(self, welcome: Welcome) -> None:
        """Note what this directory says of itself, and of me."""
        self._reach.own_presence.idle_after = welcome.idle_after
        self._reach.directory.knows_punch = welcome.punch
        self._reach.sight.registered(welcome)

    def _tell_motd(self, motd: str) -> None:
        if motd and motd != self._told_motd:
            self._directory_says(motd)
        self._told_motd = motd

    def _greet(self, address: Address) -> None:
        self._tell(events.Registered(self._memory.myself.name, str(address)))
        if first_seen := self._reach.certificates.first_seen:
            self._tell(events.DirectoryKey(first_seen))
        self._memory.reading.show(self._memory.myself.name)

    def _take_up(self) -> None:
        """Take up what an earlier program did not finish.

        The end of this program does not wait for lines and letters: they are on disk.
        """
        try:
            self._exchange.waiting.restore(self._memory.journal.lines.pending())
        except StorageError as failure:
            self._tell(events.Notice(sentence(failure)))
        if not self._outside.options.is_passing:
            self._exchange.conversations.restore()
            self._exchange.copies.take_up()

    async def _judge_again(self) -> None:
        """Ask about the names that nobody could confirm while the directory was away."""
        await self._reach.judge.judge(self._reach.links.names)
        await self._reach.judge.judge_wondered()

    def lost(self) -> None:
        self._reach.own_presence.put()  # the keys may have been touched before it could tell us
        self._reach.presences.lost()
        self._exchange.conversations.news.directory(is_there=False)
        self._tell(events.DirectoryLost())

    def unanswered(self, why: str) -> None:
        self._tell(events.DirectoryAwaited(why))

    def refused(self, why: str) -> None:
        self._reach.sight.refusal = why
        self._tell(events.Notice(why))

    # --- Messages ---

    def heard(self, message: Message) -> None:
        match message:
            case Arr(users=users):
                for user in users:
                    self._reach.roster.came(user)
                    self._may_be_dialled(user.name)
            case Lft(names=names):
                for name in names:
                    self._reach.contacts.forget(name)
                    self._reach.roster.went(name)
            case StatusNow(status=status):
                self._reach.own_presence.changed(status)
            case Notice(text=text):
                self._directory_says(text)
            case Knocks():
                self._reach.knock_answers.hear(message)
            case Punches():
                self._reach.punch_answers.hear(message)
            case Waiting():
                self._exchange.letters.fetch()
            case Receipts(receipts=receipts):
                self._exchange.letters.receipts(receipts)
            case Err(code="NOTE", text=text):
                self._directory_says(text)
            case Crowd(crowd=is_crowd, online=online):
                self._reach.roster.crowded(online, is_crowd=is_crowd)
            case Err(code="UNKNOWN"):
                self._reach.roster.not_understood()
            case Err(text=text):
                log.info("the directory says: %s", text)
            case Users(users=users) | Chg(users=users):
                for name in self._reach.presences.tell(users):
                    self._may_be_dialled(name)

    def _may_be_dialled(self, name: str) -> None:
        """Note that a user is here, perhaps at another address than before."""
        self._reach.contacts.forget(name)
        if not self._memory.myself.is_called(name):
            self._exchange.conversations.news.came(name)

    def _directory_says(self, text: str) -> None:
        if not self._notices.take(1, trio.current_time()):
            self._tell(events.DirectorySays(text))

    def _tell(self, event: events.Event) -> None:
        self._outside.tell(event, events.nothing)
