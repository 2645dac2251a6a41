"""Let programs use Parley: join a community, hear what happens, talk.

    async with join("echo", "localhost", 5000) as chat:
        async for event in chat:
            match event:
                case Invited(id=id):
                    chat.answer(id, True)
                case Said(text=text, room="") if chat.talks_with:
                    await chat.say(text)

The methods of `Chat` ask (`users`, `contact`), watch (`watch`, `unwatch`), invite
(`invite`, `add`, `answer`, `take_back`), talk (`say`, `private`, `to_all`,
`leave_message`), read what was said (`history`, `search`), compare keys (`words`, then
`accept`) and set the status.  While the directory is gone, those that need it try it at once.
They raise `Refused`, `Unreachable` or `KeyChanged`, whose texts are sentences for
a person.  A text of more than 8,000 characters is refused where it is said, and what is no
name is nobody's.  Texts of others are as they were written: pass them through `clean`
before a terminal gets them.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import trio
from msgspec.structs import replace

from peer.commands.grammar import HISTORY_TEXTS
from peer.core.conversation.route import Route
from peer.core.conversation.sent_text import SentText
from peer.core.history_entry import Around, HistoryEntry, Kind
from peer.core.keys.key_comparison import Comparison
from peer.core.lateness import Lateness
from peer.core.reach.hosts import places
from peer.core.reach.link_way import LinkWay
from peer.core.reach.watch_list import Watched
from peer.events import (
    BackInConversation,
    BackInRooms,
    Came,
    Connected,
    ConversationLeft,
    ConversationOver,
    Delivered,
    DirectoryBack,
    DirectoryKey,
    DirectoryLost,
    DirectorySays,
    DiskFilling,
    Event,
    FirstLine,
    InRoom,
    InvitationOver,
    Invited,
    KeepMore,
    KeptForLater,
    KeptNotSent,
    Letter,
    LetterLeft,
    LetterMissing,
    LetterReceived,
    LetterRefused,
    LettersWaited,
    MailboxFull,
    MemberBack,
    MemberJoined,
    MemberLeft,
    MemberLost,
    Missing,
    NotDelivered,
    Notice,
    NotYetDelivered,
    NotYetLeft,
    OutOfReach,
    Registered,
    Said,
    SaidDifferently,
    SaidPrivately,
    SaidToAll,
    StatusIsNow,
    TextsCome,
    Waiting,
    Went,
)
from peer.lifespan import running
from peer.local_peer import LocalPeer
from peer.options import Options
from peer.program.community_folder import find
from peer.program.passphrase import Source, unlock
from peer.runtime.directory.introduction import NameTaken
from peer.runtime.invitation.results import Outcome, Result
from peer.runtime.lines.private_lines import Delivery
from peer.storage.history import Found
from peer.storage.paths import is_set, peers_folder
from shared.clean import clean
from shared.errors import KeyChanged, ParleyError, Refused, StorageError, Unreachable
from shared.messages.common import Status
from shared.messages.directory import Contact, Presence
from shared.names import check_name
from shared.notes import harmless_note
from shared.real import real_world
from shared.world import Address

EventKind = TypeVar("EventKind", bound=Event)

EVENTS_MOST: Final = 10_000  # that may wait; texts are bounded by their senders' windows anyway

__all__ = [
    "Around",
    "BackInConversation",
    "BackInRooms",
    "Came",
    "Chat",
    "Comparison",
    "Connected",
    "Contact",
    "ConversationLeft",
    "ConversationOver",
    "Delivered",
    "Delivery",
    "DirectoryBack",
    "DirectoryKey",
    "DirectoryLost",
    "DirectorySays",
    "DiskFilling",
    "Event",
    "FirstLine",
    "Found",
    "HistoryEntry",
    "InRoom",
    "InvitationOver",
    "Invited",
    "KeepMore",
    "KeptForLater",
    "KeptNotSent",
    "KeyChanged",
    "Kind",
    "Lateness",
    "Letter",
    "LetterLeft",
    "LetterMissing",
    "LetterReceived",
    "LetterRefused",
    "LettersWaited",
    "LinkWay",
    "MailboxFull",
    "MemberBack",
    "MemberJoined",
    "MemberLeft",
    "MemberLost",
    "Missing",
    "NameTaken",
    "NotDelivered",
    "NotYetDelivered",
    "NotYetLeft",
    "Notice",
    "Options",
    "OutOfReach",
    "Outcome",
    "ParleyError",
    "Presence",
    "Refused",
    "Registered",
    "Result",
    "Route",
    "Said",
    "SaidDifferently",
    "SaidPrivately",
    "SaidToAll",
    "SentText",
    "Status",
    "StatusIsNow",
    "StorageError",
    "TextsCome",
    "Unreachable",
    "Waiting",
    "Watched",
    "Went",
    "clean",
    "join",
]


class EventQueue:
    """Events on their way from a peer to a program that takes one at a time."""

    def __init__(self) -> None:
        self._events: deque[tuple[Event, Callable[[], None]]] = deque(maxlen=EVENTS_MOST)
        self._something = trio.Event()
        self._is_closed = False

    def add(self, event: Event, shown: Callable[[], None]) -> None:
        """Add an event (`peer.events.Tell`)."""
        self._events.append((event, shown))
        self._something.set()

    def close(self) -> None:
        """Let `next` end when all events were taken."""
        self._is_closed = True
        self._something.set()

    async def next(self) -> Event | None:
        """Return the next event, which counts as shown; None when there are no more."""
        while not self._events:
            if self._is_closed:
                return None
            self._something = trio.Event()
            await self._something.wait()
        event, shown = self._events.popleft()
        shown()
        return event


class Chat:
    """A peer whose events are iterated: `async for event in chat`, by one task.

    A text counts as shown, and is acknowledged to its sender, once the iterator has
    returned it.  At most 10,000 events wait for that; then the oldest are dropped, and their
    texts come again at the next start.  Ask a part of `peer` for all else.
    """

    def __init__(self, peer: LocalPeer, events: EventQueue) -> None:
        self.peer, self._events = peer, events

    @property
    def name(self) -> str:
        return self.peer.name

    # --- Events ---

    def __aiter__(self) -> "Chat":
        return self

    async def __anext__(self) -> Event:
        event = await self._events.next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def until(self, kind: type[EventKind]) -> EventKind:
        """Return the next event of this kind; pass over the ones before it."""
        async for event in self:
            if isinstance(event, kind):
                return event
        raise Unreachable("this peer has ended")

    # --- Users ---

    async def users(self, beginning: str = "") -> list[Presence]:
        """Return everybody registered whose name begins so, in alphabetical order."""
        self.peer.hurry()
        if beginning:
            return list(await self.peer.roster.search.all(beginning))
        return await self.peer.roster.users()

    async def watch(self, name: str) -> Watched:
        """Let `Came` say `is_watched` when this user comes, and after a start if they are here."""
        self.peer.hurry()
        return await self.peer.choices.watched.add(name)

    async def unwatch(self, name: str) -> None:
        """Watch a user no more.  Raises Refused when I do not."""
        await self.peer.choices.watched.remove(name)

    @property
    def watched(self) -> tuple[Watched, ...]:
        """The users whom I watch; it stays so over restarts."""
        return self.peer.choices.watched.all

    async def contact(self, name: str) -> Contact:
        """Return where this user is.  Raises KeyChanged when the key is not the remembered one."""
        self.peer.hurry()
        return await self.peer.finder.contact(name)

    async def set_status(self, status: Status, note: str = "") -> None:
        """Set my status by hand; ACTIVE outside of a conversation makes it automatic again.

        `note`: for others, one line of 80 characters at most; gone at the next status.
        Raises Unreachable once another program of mine has taken over the name.
        """
        self.peer.presence.choose(status, harmless_note(note))

    async def words(self, name: str) -> Comparison:
        """Return the words that both must see; `accept` believes the key that they are about."""
        self.peer.hurry()
        return await self.peer.keys.words(name)

    async def accept(self, compared: Comparison) -> None:
        """Accept a key whose words the user has compared, and found the same at the other's."""
        await self.peer.keys.accept(compared)

    # --- Conversations ---

    @property
    def talks_with(self) -> tuple[str, ...]:
        """The others in my conversation."""
        return self.peer.conversation.others

    async def invite(self, name: str, *, urgent: bool = False) -> Result:
        """Ask somebody into a conversation; return when it is decided.

        Raises Refused for myself, an unknown user, or when I am in a
        conversation already or wait for somebody else.
        """
        self.peer.hurry()
        return await self.peer.invitations.invite(name, urgent=urgent)

    async def add(
        self, name: str, *, urgent: bool = False, room: str = "", last: int = 0
    ) -> Result:
        """Ask somebody into the conversation that I am in, or a room; return as `invite` does.

        `last`: how many of the texts of before they get; all members read that they do.
        """
        self.peer.hurry()
        return await self.peer.invitations.add(name, urgent=urgent, room=room, last=last)

    def answer(self, id: str, yes: bool) -> bool:
        """Answer an invitation; return False when it is over already.

        A yes leaves the conversation that I am in, unless it is to a room.  It does not wait for
        the disk as `leave` does: an author of a text of this moment may leave it in my mailbox
        too.  Raises Refused when I am in too many rooms.
        """
        return self.peer.invitations.answer(id, yes)

    def take_back(self) -> bool:
        """Stop waiting for an answer; return False when none was awaited."""
        return self.peer.invitations.take_back()

    async def say(self, text: str) -> SentText:
        """Say a text in the conversation; wait while too many are undelivered.

        The handle tells its fate.  Raises Refused when there is no conversation.
        """
        return await self.peer.conversation.say(text)

    async def leave_conversation(self) -> bool:
        """Leave the conversation once my texts have arrived; return False when there is none."""
        return await self.peer.conversation.leave()

    # --- Rooms ---

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that I am in, by what I call them, without the `#`."""
        return self.peer.rooms.labels

    async def found_room(self, name: str) -> None:
        """Found a room, which stands until its last member has left it; then `add` others.

        Raises Refused when I am in one that is called so, or in too many.
        """
        await self.peer.invitations.found_room(name)

    async def say_in(self, room: str, text: str) -> SentText:
        """Say a text in a room; wait while too many are undelivered.

        The handle tells its fate.  Raises Refused when I am in no such room.
        """
        return await self.peer.rooms.say(room, text)

    async def leave_room(self, room: str) -> None:
        """Leave a room for good, once my texts have arrived, if they can."""
        await self.peer.rooms.leave(room)

    # --- Lines, messages, history ---

    def private(self, name: str, text: str) -> Delivery:
        """Send one private line; `wait` on the delivery to know its outcome.

        Raises Refused for a text that is too long; all else that fails is raised by `wait`.
        """
        self.peer.hurry()
        return self.peer.lines.private(name, text)

    async def to_all(self, text: str) -> list[Delivery]:
        """Send one line to everybody online; in a crowd to those with whom I have to do."""
        self.peer.hurry()
        return await self.peer.lines.to_all(text)

    def keep_more(self, author: str) -> None:
        """Answer yes to `KeepMore`: this author may fill as much of the disk again."""
        self.peer.keep_more(author)

    async def leave_message(self, name: str, text: str) -> str:
        """Leave a message; return the receiver's name when the directory has it on disk."""
        self.peer.hurry()
        return await self.peer.letters.leave(name, text)

    async def history(
        self, name: str | None = None, *, to_all: bool = False, room: str = "",
        last: int = HISTORY_TEXTS,
    ) -> Found:  # fmt: skip
        """Return the last texts of my conversation, with a user, of a room, or to all."""
        return await self.peer.history.last(name, to_all=to_all, room=room, last=last)

    async def search(
        self, words: str, *, last: int = HISTORY_TEXTS, user: str | None = None
    ) -> Found:
        """Return the last texts that contain a word beginning with each of these."""
        return await self.peer.history.search(words, last=last, user=user)


@asynccontextmanager
async def join(
    name: str,
    host: str,
    port: int,
    *,
    data: Path | None = None,
    options: Options | None = None,
    passphrase: str = "",
) -> AsyncIterator[Chat]:
    """Be a user as long as the block runs; at its end, leave conversations in good order.

    `host` may name several directories of one community: "dir1,dir2:5001".
    `data` is the folder for the key and the journal, by default the one that the
    program `peer` uses for this name and directory; `passphrase` opens it, if one is set.
    Raises NameTaken (a Refused), Refused, Unreachable, KeyChanged or StorageError when
    registering fails.  An error of the block comes out as it is, not in a group.  It, or a
    cancellation, ends the peer at once, as a crash does: its next start is back in the
    conversation, and sends what was not delivered.
    """
    check_name(name)
    options = options or Options()
    directories = [Address(*one) for one in places(host, port)]
    folder = data
    if folder is None:
        folder, authority = await find(peers_folder(), name, directories)
        options = replace(options, authority=authority)
    if is_set(folder):
        source = Source(lambda _: passphrase, is_person=False)
        vault = await trio.to_thread.run_sync(unlock, folder, source)
        options = replace(options, vault=vault)
    events = EventQueue()
    peer = LocalPeer(real_world(folder), name, directories, events.add, options)
    try:
        async with running(peer):
            yield Chat(peer, events)
    finally:
        events.close()
