"""Let programs use Parley: join a community, hear what happens, talk.

    async with join("echo", "localhost", 5000) as chat:
        async for event in chat:
            match event:
                case Invited(id=id):
                    chat.answer(id, True)
                case Said(text=text) if chat.talks_with:
                    await chat.say(text)

`Chat` is a `peer.local_peer.LocalPeer`: its methods ask (`users`, `contact`), invite
(`invite`, `add`, `answer`, `take_back`), talk (`say`, `private`, `to_all`,
`leave_message`), read what was said (`history`, `search`), compare keys (`words`, then
`accept`) and set the status.
They raise `Refused`, `Unreachable` or `KeyChanged`, whose texts are sentences for
a person.  Texts of others are as they were written: pass them through `clean`
before a terminal gets them.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio
from msgspec.structs import replace

from peer.core.conversation.route import Way
from peer.core.conversation.sent_text import SentText
from peer.core.history_entry import HistoryEntry, Kind
from peer.core.keys.key_comparison import Comparison
from peer.events import (
    BackInConversation,
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
    Waiting,
    Went,
)
from peer.lifespan import running
from peer.local_peer import LocalPeer, Options
from peer.program.community_folder import find
from peer.program.passphrase import Source, unlock
from peer.runtime.invitation.results import Outcome, Result
from peer.runtime.private_lines import Delivery
from peer.storage.history import Found
from peer.storage.paths import folder_of, is_set
from shared.clean import clean
from shared.errors import KeyChanged, ParleyError, Refused, StorageError, Unreachable
from shared.messages.common import Status
from shared.messages.directory import Contact, Presence
from shared.real import real_world
from shared.world import Address, World

EVENTS_MOST: Final = 10_000  # that may wait; texts are bounded by their senders' windows anyway

__all__ = [
    "BackInConversation",
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
    "InvitationOver",
    "Invited",
    "KeepMore",
    "KeptForLater",
    "KeptNotSent",
    "KeyChanged",
    "Kind",
    "Letter",
    "LetterLeft",
    "LetterMissing",
    "LetterReceived",
    "LetterRefused",
    "LettersWaited",
    "MemberBack",
    "MemberJoined",
    "MemberLeft",
    "MemberLost",
    "Missing",
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
    "Said",
    "SaidDifferently",
    "SaidPrivately",
    "SaidToAll",
    "SentText",
    "Status",
    "StatusIsNow",
    "StorageError",
    "Unreachable",
    "Waiting",
    "Way",
    "Went",
    "clean",
    "join",
]


class Chat(LocalPeer):
    """A peer whose events are iterated: `async for event in chat`, by one task.

    A text counts as shown, and is acknowledged to its sender, once the iterator has
    returned it.
    """

    def __init__(
        self, world: World, name: str, directory: Address, options: Options | None = None
    ) -> None:
        super().__init__(world, name, directory, self._add, options)
        self._events: deque[tuple[Event, Callable[[], None]]] = deque(maxlen=EVENTS_MOST)
        self._something = trio.Event()

    def _add(self, event: Event, shown: Callable[[], None]) -> None:
        self._events.append((event, shown))
        self._something.set()

    def end(self) -> None:
        super().end()
        self._something.set()

    def __aiter__(self) -> "Chat":
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self.is_over:
                raise StopAsyncIteration
            self._something = trio.Event()
            await self._something.wait()
        event, shown = self._events.popleft()
        shown()
        return event

    async def until(self, kind: type[Event]) -> Event:
        """Return the next event of this kind; pass over the ones before it."""
        async for event in self:
            if isinstance(event, kind):
                return event
        raise Unreachable("this peer has ended")


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

    `data` is the folder for the key and the journal, by default the one that the
    program `peer` uses for this name and directory; `passphrase` opens it, if one is set.
    Raises NameTaken (a Refused), Refused, Unreachable, KeyChanged or StorageError when
    registering fails.
    """
    options, directory = options or Options(), Address(host, port)
    folder = data
    if folder is None:
        folder, authority = await find(folder_of(name, directory), directory)
        options = replace(options, authority=authority)
    if is_set(folder):
        source = Source(lambda _: passphrase, is_person=False)
        vault = await trio.to_thread.run_sync(unlock, folder, source)
        options = replace(options, vault=vault)
    chat = Chat(real_world(folder), name, directory, options)
    async with running(chat):
        yield chat
