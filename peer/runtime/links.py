"""Dial and answer links to other peers, and keep one link per pair.

Both may dial at once.  Then the link dialled by the smaller name stays, unless
the other one is fresh and this one is not: old, silent, or of a program that has
been started again meanwhile.  The side that dialled the later one retires the loser,
and a link that loses is still read to its end, so nothing on it is lost.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

import trio

from peer.core.myself import Myself
from peer.runtime.dialler import Dialler
from peer.runtime.directory.directory_client import DirectoryGone
from peer.runtime.directory.lookup import Lookup
from peer.runtime.known_keys import KnownKeys
from peer.runtime.tasks import Tasks
from shared.border import Bugs, border
from shared.codec import encode
from shared.errors import KeyChanged, ParleyError, ProtocolError, Refused, Unreachable
from shared.heartbeat import PING_AFTER
from shared.link import HANDSHAKE_SECONDS, Link, within
from shared.messages.common import VERSION, Bye, Err, Message, Status
from shared.messages.directory import Contact
from shared.messages.peers import BetweenPeers, PeerIam
from shared.names import fold
from shared.strangers import Strangers
from shared.world import Clock, Incoming, Network, Wire

GLARE_SECONDS: Final = 10.0  # links younger than this may have been dialled at the same time
MEASURE_SECONDS: Final = 1.0  # for the answers to PINGs sent at the user's request
BRIEF_SECONDS: Final = 0.1  # a link that ended sooner is redialled after this: no busy loop
PAUSE_SECONDS: Final = 1.0  # between two looks whether a fast sender must still wait
IDLE_SECONDS: Final = 30.0  # a link that nobody needs is closed after this
SWEEP_SECONDS: Final = 5.0
STRANGERS_AT_ONCE: Final = 64  # in all: links that are not identified yet
STRANGERS_PER_ADDRESS: Final = 52  # a group of 50 behind one router dials at once
LINKS_PER_USER: Final = 4  # open at once; a cross dial makes two
LINKS_IN_ALL: Final = 256  # a group of 50, a line to 100, and room; a process has 1,024 files
LINKS_OF_UNKNOWN: Final = 64  # of users whom I have never answered, and do not need

log = logging.getLogger("peer")


class Listener(Protocol):
    """The receiver of news about links; called in the loop, never blocks."""

    def linked(self, name: str) -> None:
        """Note that there is a link to this user now, or another one than before."""

    def link_lost(self, name: str) -> None:
        """Note that there is no link to this user any more."""

    def unreachable(self, name: str, failure: ParleyError) -> None:
        """Note that a dial failed."""

    def received(self, name: str, message: Message) -> None:
        """Handle a message.  May raise ProtocolError: the link is then cut."""

    def knows(self, name: str) -> bool:
        """Whether I have ever answered this user."""

    def pause(self, name: str) -> float:
        """Return for how many seconds nothing more of them is to be read."""

    def suspicious(self, failure: KeyChanged) -> None:
        """Note that somebody showed a key that is not the remembered one."""

    def needs(self, name: str) -> bool:
        """Whether the link to this user is still wanted."""


@dataclass(eq=False)
class _Entry:
    """An open link to an identified peer."""

    name: str
    key: bytes  # the same for all open links of one name
    run: str
    link: Link[Message]
    dialled_by: str
    is_closed: bool = field(default=False, init=False)  # by us, as idle
    behind: float = 0.0  # seconds by which their clock was behind ours
    since: float = field(default_factory=trio.current_time)
    used: float = field(default_factory=trio.current_time)


class Links:
    """All links of one peer."""

    def __init__(
        self,
        network: Network,
        known_keys: KnownKeys,
        myself: Myself,
        tasks: Tasks,
        *,
        run: str,
        lookup: Lookup,
        listener: Listener,
        bugs: Bugs,
        clock: Clock,
    ) -> None:
        self._known_keys, self._lookup = known_keys, lookup
        self._myself, self._tasks = myself, tasks
        self._run, self._listener = run, listener
        self._bugs, self._clock = bugs, clock
        self._open: dict[str, list[_Entry]] = {}  # the last one is the one we write to
        self._dialling: dict[str, _Dial] = {}
        self._dialler = Dialler(network)
        self._found: dict[str, Contact] = {}  # where users were dialled last
        self._brief: dict[str, float] = {}  # folded name -> when a very short link ended
        self._none = trio.Event()
        self._none.set()
        self._is_open = trio.Event()
        self._strangers = Strangers(STRANGERS_AT_ONCE, STRANGERS_PER_ADDRESS)

    # --- For the peer ---

    def let_in(self) -> None:
        """Answer dials from now on; until then they wait."""
        self._is_open.set()

    def to(self, name: str) -> Link[Message] | None:
        current = self._current(name)
        return current.link if current else None

    def key(self, name: str) -> bytes | None:
        """Return the key at the other end of the link to this user."""
        entries = self._open.get(fold(name))
        return entries[-1].key if entries else None

    def spelled(self, name: str) -> str:
        """Return the name as registered, if its user is linked."""
        entries = self._open.get(fold(name))
        return entries[-1].name if entries else name

    @property
    def names(self) -> tuple[str, ...]:
        """The users to whom there are links."""
        return tuple(entries[-1].name for entries in self._open.values())

    def believe(self, contact: Contact) -> None:
        """Cut the links under this name that show another key than the one that is believed."""
        self.keep_only(contact.name, self._known_keys.believed(contact.name) or contact.key)

    def keep_only(self, name: str, key: bytes) -> None:
        """Cut the links under this name that show another key than its own."""
        for entry in self._open.get(fold(name), ()):
            if entry.key != key:
                entry.link.cut(f"the name {name} belongs to another key")

    def post(self, name: str, message: Message) -> None:
        """Post a message, or drop it without a link: cores repeat what matters on the next one."""
        current = self._current(name)
        if current is not None:
            current.used = trio.current_time()
            current.link.post(message)

    def post_all(self, names: Iterable[str], message: Message) -> None:
        """Post one message to several users, encoded once."""
        self.post_bytes(names, encode(message))

    def post_bytes(self, names: Iterable[str], lines: bytes) -> None:
        for name in names:
            if (current := self._current(name)) is not None:
                current.used = trio.current_time()
                current.link.post_bytes(lines)

    def _current(self, name: str) -> _Entry | None:
        """Return the link to write to; not an ending one, which is read but takes nothing more."""
        entries = self._open.get(fold(name))
        return entries[-1] if entries and not entries[-1].link.is_over else None

    def dial(self, name: str) -> None:
        """Dial a user unless a dial is under way; `linked` or `unreachable` tells the outcome."""
        if fold(name) not in self._dialling and self.to(name) is None:
            self._dialling[fold(name)] = _Dial()
            self._tasks.linger(self._dial, name)

    async def reach(self, name: str) -> Link[Message]:
        """Return the link to this user, dialled if need be.

        Raises Unreachable, KeyChanged, or Refused when there is no such user.
        """
        while (link := self.to(name)) is None:
            self.dial(name)
            dial = self._dialling[fold(name)]
            await dial.over.wait()
            if dial.failure is not None and self.to(name) is None:
                raise dial.failure
        return link

    async def measure(self, names: Iterable[str]) -> None:
        """Refresh `round_trip`; return when all have answered, or after MEASURE_SECONDS."""
        links = [entry.link for name in names if (entry := self._current(name)) is not None]
        with trio.move_on_after(MEASURE_SECONDS):
            async with trio.open_nursery() as nursery:
                for link in links:
                    nursery.start_soon(link.measure)

    def round_trip(self, name: str) -> float | None:
        """Return the seconds to them and back, as measured last."""
        current = self._current(name)
        return current.link.round_trip if current else None

    def behind(self, name: str) -> float:
        """Return by how many seconds their clock is behind ours; 0 when that is not known."""
        current = self._current(name)
        return current.behind if current else 0.0

    def hang_up_all(self) -> None:
        for entries in self._open.values():
            for entry in entries:
                entry.link.hang_up(Bye("good bye"))

    async def wait_none(self) -> None:
        """Return when the last link is closed by the other side."""
        await self._none.wait()

    async def answer(self, incoming: Incoming) -> None:
        """Serve somebody who dialled us."""
        with border(f"link from {incoming.remote}", self._bugs):
            await self._answer(incoming)

    async def _answer(self, incoming: Incoming) -> None:
        """Serve a link; a fault border: what a remote machine can cause ends here, in one line."""
        stranger = self._strangers.enter(incoming.remote.host, incoming.abort)
        try:
            with within(HANDSHAKE_SECONDS, "no handshake"):
                await self._is_open.wait()
                wire = await incoming.secure()
            link = await self._carry(wire, None, lambda: self._strangers.leave(stranger))
            if link.failure is not None:
                log.info("link from %s: %s", incoming.remote, link.failure)
        except (ParleyError, OSError, trio.ClosedResourceError) as fault:
            log.info("link from %s: %s", incoming.remote, fault)
        finally:
            self._strangers.leave(stranger)

    async def sweep(self) -> None:
        """Close links that nobody needs, and losers that nobody has closed; until cancelled."""
        while True:
            await trio.sleep(SWEEP_SECONDS)
            now = trio.current_time()
            for entries in list(self._open.values()):
                for entry in entries[:-1]:
                    if now - entry.since > GLARE_SECONDS:
                        entry.link.retire()
                last = entries[-1]
                if now - last.used > IDLE_SECONDS and not self._listener.needs(last.name):
                    last.is_closed = True
                    last.link.hang_up(Bye("idle"))

    # --- One link ---

    async def _dial(self, name: str) -> None:
        """Dial and serve a link; a fault border: remote faults are reported as unreachable."""
        dial = self._dialling[fold(name)]
        await trio.sleep_until(self._brief.pop(fold(name), 0.0) + BRIEF_SECONDS)
        failure: ParleyError = Unreachable("the connection met a bug in this program")
        with border(f"link to {name}", self._bugs):
            failure = await self._dial_and_carry(name)
        if not dial.over.is_set():
            self._dialled(name, failure)
            if isinstance(failure, KeyChanged):
                self._listener.suspicious(failure)
            if self.to(name) is None:
                if dial.outlived_a_link:
                    self._listener.link_lost(name)
                self._listener.unreachable(name, failure)

    async def _dial_and_carry(self, name: str) -> ParleyError:
        """Dial and serve one link to its end; return why it ended, or never began."""
        try:
            contact = await self._find(name)
            wire, attempt = await self._dialler.dial(contact)
        except ParleyError as error:
            return error

        def identified() -> None:
            attempt.proved()
            self._dialled(name, None)

        try:
            link = await self._carry(wire, contact, identified)
        except ParleyError as error:
            return error
        finally:
            attempt.failed()  # no effect once it has proved
        return link.failure or Unreachable(link.reason)

    async def _find(self, name: str) -> Contact:
        """Return where to dial; without the directory where the user was last, so talk goes on."""
        try:
            contact = await self._ask_where(name)
        except DirectoryGone:
            known = self._found.get(fold(name)) or self._lookup.last(name)
            if known is None:
                raise
            contact = known
        if contact.status is Status.OFFLINE or not contact.port:
            raise Unreachable(f"{contact.name} is offline at this moment")
        self._found[fold(name)] = contact
        return contact

    async def _ask_where(self, name: str) -> Contact:
        """Ask the directory.  Raises DirectoryGone, Refused or KeyChanged."""
        contact = await self._lookup.ask(name)
        self.believe(contact)
        self._known_keys.check(contact.name, contact.key)
        return contact

    def _dialled(self, name: str, failure: ParleyError | None) -> None:
        dial = self._dialling.pop(fold(name), None)
        if dial is not None:
            dial.failure = failure
            dial.over.set()

    async def _carry(
        self, wire: Wire, contact: Contact | None, identified: Callable[[], None]
    ) -> Link[Message]:
        """Serve one link to its end.  `contact`: the user whom we dialled, None when they did."""
        link: Link[Message] = Link(wire, BetweenPeers, ping_after=PING_AFTER)

        async def serve() -> None:
            with within(HANDSHAKE_SECONDS, "it did not say who it is"):
                entry = await self._identify(link, contact)
            link.identified()
            try:
                self._enter(entry, by_me=contact is not None)
                identified()
                await self._receive(entry)
            finally:
                self._leave(entry)

        await link.run(serve)
        return link

    async def _receive(self, entry: _Entry) -> None:
        while batch := await entry.link.receive():
            entry.used = trio.current_time()
            for message in batch:
                if entry.is_closed:
                    pass  # it could not be answered here: they repeat it on a new link
                elif isinstance(message, Err):
                    log.info("%s says: %s", entry.name, message.text)
                else:
                    self._listener.received(entry.name, message)
                    if self._listener.pause(entry.name) > 0.0:
                        await self._slow_down(entry)

    async def _slow_down(self, entry: _Entry) -> None:
        """Read no more of them for a while; their silence is then not their fault."""
        while (pause := self._listener.pause(entry.name)) > 0.0:
            await trio.sleep(min(pause, PAUSE_SECONDS))
            entry.link.excuse()

    async def _identify(self, link: Link[Message], contact: Contact | None) -> _Entry:
        """Exchange identities, and compare theirs.  Raises Refused, KeyChanged..."""
        if contact is not None:
            self._compare_with(contact, link.wire.certificate)
            link.post(self._iam())
        them = await link.expect(PeerIam)
        behind = self._clock.time() - them.time
        key = await self._judge(them, link.wire.certificate)
        self._refuse_second_key(them.name, key)
        if contact is None:
            link.post(self._iam())
        elif fold(them.name) != fold(contact.name):
            raise Refused(f"you are {them.name}, not {contact.name}", "KEY")
        dialled_by = self._myself.name if contact else them.name
        return _Entry(them.name, key, them.run, link, dialled_by, behind)

    def _iam(self) -> PeerIam:
        return PeerIam(VERSION, self._myself.name, self._run, self._clock.time())

    def _compare_with(self, contact: Contact, certificate: bytes | None) -> None:
        """Check, before we say a word, that it is the user whom the directory named."""
        name, key = self._known_keys.name_and_key(certificate)
        if fold(name) != fold(contact.name) or key != contact.key:
            raise Unreachable(f"somebody else answers there, who says to be {name}")

    async def _judge(self, them: PeerIam, certificate: bytes | None) -> bytes:
        """Check that they are who they say they are, and return their key.

        The other side reads the texts of Refused and ProtocolError.
        """
        if them.version != VERSION:
            raise Refused(f"this program speaks version {VERSION} of the protocol", "VERSION")
        try:
            name, key = self._known_keys.name_and_key(certificate)
        except ProtocolError as error:
            raise Refused(f"you are not {them.name}: {error}", "KEY") from None
        if name != them.name:
            raise Refused(f"you are not {them.name}: your certificate says {name}", "KEY")
        if self._myself.is_called(name):
            raise Refused("that is my own name", "KEY")
        try:
            await self._known_keys.meet(name, key, self._ask_where)
        except KeyChanged as failure:
            self._listener.suspicious(failure)
            raise Refused(f"the key of {name} is not the one known here", "KEY") from None
        return key

    def _refuse_second_key(self, name: str, key: bytes) -> None:
        """Keep one key for all links of a name; a key that is not believed any more gives way."""
        others = [entry for entry in self._open.get(fold(name), ()) if entry.key != key]
        if any(not entry.link.is_over and self._is_believed(entry) for entry in others):
            raise Refused(f"somebody else is linked here as {name}", "KEY")
        for entry in others:
            entry.link.cut("its key was replaced by another one")

    def _is_believed(self, entry: _Entry) -> bool:
        try:
            self._known_keys.check(entry.name, entry.key)
        except KeyChanged:
            return False
        return True

    # --- One link per pair ---

    def _enter(self, entry: _Entry, *, by_me: bool) -> None:
        entries = self._open.setdefault(fold(entry.name), [])
        self._none = trio.Event()
        if len(entries) >= LINKS_PER_USER:
            entries[0].link.cut("too many links of one user")
        current = entries[-1] if entries else None
        if current is None or self._replaces(current, entry):
            entries.append(entry)
            if current is not None and by_me:
                current.link.retire()
            self._listener.linked(entry.name)
        else:
            entries.insert(0, entry)
            if by_me:
                entry.link.retire()
        self._make_room()

    def _make_room(self) -> None:
        """Cut a link if there are too many; users whom I do not know make room first."""
        entries = [one for all in self._open.values() for one in all if not one.link.is_over]
        unknown = [one for one in entries if self._rank(one.name) == 0]
        if len(unknown) > LINKS_OF_UNKNOWN or len(entries) > LINKS_IN_ALL:
            first = min(entries, key=lambda one: (self._rank(one.name), one.used))
            first.link.cut("too many links")

    def _rank(self, name: str) -> int:
        """Return how wanted a link is: 0 makes room for all others, 2 stays the longest."""
        return 2 if self._listener.needs(name) else int(self._listener.knows(name))

    def _replaces(self, old: _Entry, new: _Entry) -> bool:
        if old.link.is_over or old.link.is_silent or old.run != new.run:
            return True
        if new.since - old.since > GLARE_SECONDS or old.dialled_by == new.dialled_by:
            return True
        return fold(new.dialled_by) < fold(old.dialled_by)

    def _leave(self, entry: _Entry) -> None:
        entries = self._open[fold(entry.name)]
        was_current = entries[-1] is entry
        entries.remove(entry)
        if was_current and self._current(entry.name) is not None:
            self._listener.linked(entry.name)
        if not entries:
            del self._open[fold(entry.name)]
            if trio.current_time() - entry.since < BRIEF_SECONDS:
                self._brief[fold(entry.name)] = trio.current_time()
            if (dial := self._dialling.get(fold(entry.name))) is not None:
                # They may have retired this one for ours, which is about to be identified.
                dial.outlived_a_link = True
            else:
                self._listener.link_lost(entry.name)
        if not self._open:
            self._none.set()


class _Dial:
    """A dial under way, and its outcome."""

    def __init__(self) -> None:
        self.over = trio.Event()
        self.failure: ParleyError | None = None
        self.outlived_a_link = False  # that they had dialled
