"""Stay registered at the directory, and ask it.

While the directory is gone everything else goes on, and we come back by
ourselves under the same name, after a random pause that grows.
"""

import itertools
import math
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec
import trio
from msgspec import Struct

from peer.core.myself import Myself
from peer.core.reach.back_off import pause
from peer.core.reach.dial_policy import is_plausible
from peer.core.reach.presence import Presences
from peer.runtime.known_keys import KnownKeys
from peer.storage.contacts import CommunityStore
from shared.border import border
from shared.errors import KeyChanged, ParleyError, ProtocolError, Refused, TurnedAway, Unreachable
from shared.identity import (
    Credentials,
    authority_key,
    fingerprint,
    is_authority,
    is_half_over,
    read_certificate,
)
from shared.link import HANDSHAKE_SECONDS, Link, within
from shared.messages.common import VERSION, Answer, Bye, Err, Message, Request
from shared.messages.directory import (
    Contact,
    FromDirectory,
    Iam,
    Renew,
    Renewed,
    Tkn,
    Users,
    Welcome,
    Who,
)
from shared.world import Address, Wire, World

DIAL_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 15.0  # for one request
PING_AFTER: Final = 30.0  # the kernel's keepalive finds dead hosts,
DEAD_AFTER: Final = 75.0  # this finds stopped programs
WATCH_SECONDS: Final = 2.0
UNHEARD_SECONDS: Final = 8.0  # with the pause above: 10 s at most
GHOST_SECONDS: Final = 10.0  # a dead program's IAM may arrive so late after the next one's
TRY_PAUSE: Final = 0.5  # after a failed try, even if a script types commands all the time
TRY_ANEW: Final = 3.0  # a typed command replaces a dial that has hung for this long
HURRY_SECONDS: Final = 1.0  # for a command to wait for the outcome of such a try

A = TypeVar("A", bound=Answer)


class NameTaken(TurnedAway):
    """The name belongs to another key."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The name {name} is taken: it belongs to the key that registered it first.", "TKN"
        )


class DirectoryGone(Unreachable):
    """The directory itself cannot be asked at this moment."""


class Listener(Struct, frozen=True):
    """The receivers of the directory's news; each is called in the loop and must not block."""

    registered: Callable[[Welcome], None]
    heard: Callable[[Message], None]
    lost: Callable[[], None]
    refused: Callable[[str], None]


class DirectoryClient:
    """The connection to the directory at one address."""

    def __init__(
        self,
        world: World,
        address: Address,
        myself: Myself,
        known_keys: KnownKeys,
        communities: CommunityStore,
        presences: Presences,
        *,
        expected_key: str | None = None,
        authority: bytes | None = None,
    ) -> None:
        """`expected_key`: the fingerprint that the user vouches for, whatever was remembered.

        `authority`: the one that must answer if none was met here before.
        """
        self._presences = presences
        self._world, self.address = world, address
        self._myself, self._known_keys, self._communities = myself, known_keys, communities
        self._expected_key = expected_key and expected_key.replace(" ", "").lower()
        self._known_authority = communities.authority_at(str(address)) or authority
        self.first_seen = ""  #: the fingerprint of its key, if nobody has vouched for that yet
        self._gone = trio.Event()
        self._gone.set()
        self._link: Link[Message] | None = None
        self._answers: dict[int, trio.MemorySendChannel[Message]] = {}
        self._last_request = 0
        self._back = trio.Event()
        self._hurried = trio.Event()  # the user wants something of a directory that is gone
        self._tried = trio.Event()  # the try that is due next, or under way, is over
        self._dial_scope = trio.CancelScope()
        self._dialling_since = math.inf
        self._leaving = False
        self._met_ghost = False  # and came back, which is done once only

    @property
    def is_there(self) -> bool:
        return self._link is not None

    # --- Asking ---

    async def ask(self, make: Callable[[int], Request], kind: type[A]) -> A:
        """Send one request, and return its answer.

        Raises Refused when the directory says no, Unreachable when it is gone.
        """
        (answer,) = await self._ask(make, kind)
        return answer

    async def ask_pages(self, make: Callable[[int], Request]) -> list[Users]:
        """Send one request, and return all pages of its answer; each page is news too."""
        return await self._ask(make, Users)

    async def _ask(self, make: Callable[[int], Request], kind: type[A]) -> list[A]:
        if self._link is None and self._hurried.is_set():
            with trio.move_on_after(HURRY_SECONDS):
                await self._tried.wait()
        if self._link is None:
            raise DirectoryGone("the directory cannot be reached at this moment")
        self._last_request += 1
        number = self._last_request
        send, receive = trio.open_memory_channel[Message](64)
        self._answers[number] = send
        try:
            with receive, send, trio.fail_after(ANSWER_SECONDS):
                self._link.post(make(number))
                pages: list[A] = []
                while not pages or (getattr(pages[-1], "more", False) and kind is Users):
                    pages.append(_expected(await receive.receive(), kind))
                return pages
        except trio.EndOfChannel:
            raise DirectoryGone("the directory was lost before it answered") from None
        except trio.TooSlowError:
            raise DirectoryGone("the directory did not answer in time") from None
        finally:
            self._answers.pop(number, None)

    def believed(self, contact: Contact) -> Contact:
        """Return the contact, without `seen` if the directory cannot have seen that address.

        It cannot if the address is on a machine, or a cable, where the directory is not.
        """
        here = "" if self._link is None else self._link.wire.remote.host
        if is_plausible(contact.seen, here):
            return contact
        return msgspec.structs.replace(contact, seen="")

    def tell(self, message: Message) -> None:
        """Send a message that needs no answer; drop it while the directory is gone."""
        if self._link is not None:
            self._link.post(message)

    def hurry(self) -> None:
        """Try now if the directory is gone: the user has typed something."""
        if self._link is None:
            self._hurried.set()
            if trio.current_time() > self._dialling_since + TRY_ANEW:
                self._dial_scope.cancel()  # an old dial is deaf for seconds after an outage

    async def wait_back(self) -> None:
        """Return as soon as we are registered."""
        await self._back.wait()

    def leave(self) -> None:
        """Say good bye and stay away; `wait_gone` returns when the directory has heard it."""
        self._leaving = True
        if self._link is not None:
            self._link.hang_up(Bye("good bye"))

    async def wait_gone(self) -> None:
        await self._gone.wait()

    async def watch(self) -> None:
        """Cut the connection when its host confirms nothing; until cancelled.

        Keepalive does the same, but not while bytes of ours are on their way.
        """
        while True:
            await trio.sleep(WATCH_SECONDS)
            if self._link is not None and self._link.wire.unheard() > UNHEARD_SECONDS:
                self._link.cut(f"its host has not answered for {UNHEARD_SECONDS:.0f} seconds")

    # --- Staying registered ---

    async def stay_registered(
        self,
        listener: Listener,
        *,
        task_status: trio.TaskStatus[Welcome] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Register now, and again whenever the connection was lost, until `leave`.

        If the first try fails, raises NameTaken, Refused, Unreachable or KeyChanged.
        A later refusal is told, once, as `refused`.
        """
        await trio.lowlevel.checkpoint_if_cancelled()  # at the end the journal is closed
        if self._known_authority is not None:
            self._recall(self._known_authority)
        failure = await self._register_and_serve(listener, task_status.started)
        if failure is not None:
            raise failure
        while not self._leaving:
            listener.lost()
            await self._come_back(listener)

    async def _come_back(self, listener: Listener) -> None:
        """Try until registered once more, and serve that registration to its end."""
        told = ""
        begun = trio.current_time()
        for tries in itertools.count():
            await trio.sleep(TRY_PAUSE)
            share = self._world.chance.uniform(0.5, 1.0)
            with trio.move_on_at(begun + pause(tries, self._presences.online) * share):
                await self._hurried.wait()
            if self._leaving:
                return
            begun = trio.current_time()
            failure = await self._register_and_serve(listener, lambda _: None)
            if failure is None:
                return
            if isinstance(failure, Refused | KeyChanged) and str(failure) != told:
                told = str(failure)
                listener.refused(told)

    async def _register_and_serve(
        self, listener: Listener, started: Callable[[Welcome], None]
    ) -> ParleyError | None:
        """Serve one connection to its end; return the failure if it was never registered."""
        registered = False

        async def serve(link: Link[Message]) -> None:
            nonlocal registered
            with within(HANDSHAKE_SECONDS, "the directory did not answer"):
                welcome = await self._register(link)
            registered = True
            self._link, self._gone = link, trio.Event()
            self._back.set()
            self._end_try()
            since = trio.current_time()
            listener.registered(welcome)
            started(welcome)
            while batch := await link.receive():
                for message in batch:
                    if isinstance(message, Err) and message.code == "TAKEOVER":
                        if not self._met_ghost and trio.current_time() < since + GHOST_SECONDS:
                            self._met_ghost = True
                            continue
                        # Coming back would only throw the other one out, and so on for ever.
                        self._leaving = True
                        listener.refused(_DISPLACED)
                    else:
                        self._sort(message, listener)

        failure: ParleyError = Unreachable("the connection met a bug in this program")
        try:
            with border(f"the directory at {self.address}", self._world.bugs):
                failure = await self._carry(serve)
        finally:
            self._forget_link()
        if not registered:
            self._end_try()
        return None if registered else failure

    async def _carry(self, serve: Callable[[Link[Message]], Awaitable[None]]) -> ParleyError:
        """Serve one connection; return why it ended, or never began."""
        try:
            with within(DIAL_SECONDS, "the directory did not answer"):
                wire = await self._dial()
        except ParleyError as failure:
            return failure
        if wire is None:
            return Unreachable("the dial was given up for a new one")
        link: Link[Message] = Link(
            wire, FromDirectory, ping_after=PING_AFTER, dead_after=DEAD_AFTER
        )
        await link.run(lambda: serve(link))
        return link.failure or Unreachable(f"the directory hung up: {link.reason}")

    async def _dial(self) -> Wire | None:
        """Dial, and show no certificate.  Return None when the user wants to try anew.

        Our name goes out in IAM, and only to the directory that we know.
        """
        self._dialling_since = trio.current_time()
        try:
            with trio.CancelScope() as self._dial_scope:
                return await self._world.network.dial(*self.address, anonymous=True)
            return None
        finally:
            self._dialling_since = math.inf

    def _end_try(self) -> None:
        """Wake those who wait for this try, unless its dial was given up for a new one."""
        if not self._dial_scope.cancelled_caught:
            self._hurried = trio.Event()
            self._tried.set()
            self._tried = trio.Event()

    def _forget_link(self) -> None:
        self._link = None
        self._gone.set()
        if self._back.is_set():
            self._back = trio.Event()
        for answer in self._answers.values():
            answer.close()

    def _sort(self, message: Message, listener: Listener) -> None:
        re = getattr(message, "re", None)
        if re is None or isinstance(message, Users):
            listener.heard(message)  # in order: news after a page is newer than the page
        if re is not None and (waiting := self._answers.get(re)) is not None:
            try:
                waiting.send_nowait(message)
            except trio.WouldBlock:
                raise ProtocolError("more answers came than were asked for") from None

    # --- Registering ---

    async def _register(self, link: "Link[Message]") -> Welcome:
        who = await link.expect(Who)
        if who.version != VERSION:
            raise Refused(
                f"the directory speaks version {who.version} of the protocol, this program"
                f" {VERSION}",
                "VERSION",
            )
        self._recognise(link.wire.certificate, who.authority)
        link.identified()
        link.post(self._iam(who))
        try:
            answer = await link.expect(Message)
        except TurnedAway as no:
            if no.code == "DRAINING":  # it will be there again, so what is written is kept
                raise Unreachable(str(no)) from None
            raise
        match answer:
            case Tkn():
                raise NameTaken(self._myself.name)
            case Welcome():
                await self._accept(answer, who.authority)
                return answer
            case _:
                raise ProtocolError("WELCOME was expected")

    def _recognise(self, certificate: bytes | None, authority: bytes) -> None:
        """Check that the directory that answers is the one that we know."""
        check_directory(certificate, authority, self._world.clock.time())
        key = fingerprint(authority_key(authority))
        if self._expected_key is not None:
            if key.replace(" ", "") != self._expected_key:
                raise KeyChanged(f"The directory at {self.address} has another key: {key}.")
        elif self._known_authority is None:
            if not self._communities.has_met(authority):
                self.first_seen = key
        elif self._known_authority != authority:
            was = fingerprint(authority_key(self._known_authority))
            raise KeyChanged(
                f"The key of the directory at {self.address} has changed. It was {was}, now it is"
                f" {key}. Someone may be impersonating it: check with its operator. Start once with"
                f' --directory-key "{key}" to accept the new key.'
            )
        if self._known_authority != authority:
            self._recall(authority)

    def _recall(self, authority: bytes) -> None:
        """Set our community, and show the certificate that it gave us, if it did."""
        self._known_authority = self._known_keys.authority = authority
        me = self._myself
        me.certificate = self._communities.certificate(authority, me.name) or b""
        if me.certificate:
            credentials = Credentials(me.identity.key, me.certificate, authority)
            self._world.network.present(credentials)

    def _iam(self, who: Who) -> Iam:
        wanted, me = self._myself.registration, self._myself.identity
        return Iam(
            version=VERSION,
            name=wanted.name,
            key=me.public,
            proof=me.registration_proof(authority=who.authority, nonce=who.nonce, name=wanted.name),
            port=wanted.port,
            sealing_key=me.sealing_public,
            sealing_proof=me.sealing_proof(),
            host=wanted.host,
            request=me.request(wanted.name) if self.wants_certificate else b"",
            token=wanted.token,
            status=wanted.status,
            by_hand=wanted.by_hand,
        )

    @property
    def wants_certificate(self) -> bool:
        """Whether there is no certificate, or half its time is over."""
        now = self._world.clock.time()
        if not self._myself.certificate:
            return True
        try:
            return is_half_over(
                read_certificate(self._myself.certificate, self._known_keys.authority, now), now
            )
        except ProtocolError:
            return True

    async def renew(self) -> None:
        """Ask for a new certificate, and show it on every new link.

        Raises Refused, Unreachable or ProtocolError.
        """
        name, authority = self._myself.name, self._known_keys.authority
        request = self._myself.identity.request(name)
        renewed = await self.ask(lambda id: Renew(id, request), Renewed)
        self._check_certificate(renewed.certificate, name, authority)
        await self._take_certificate(renewed.certificate, name, authority)

    async def _accept(self, welcome: Welcome, authority: bytes) -> None:
        certificate = welcome.certificate or self._myself.certificate
        self._check_certificate(certificate, welcome.name, authority)
        self._myself.registration.name = welcome.name
        if welcome.certificate:
            await self._take_certificate(certificate, welcome.name, authority)
        if self._communities.authority_at(str(self.address)) != authority:
            await self._communities.remember(str(self.address), authority)

    def _check_certificate(self, certificate: bytes, name: str, authority: bytes) -> None:
        """Raise ProtocolError unless the certificate is ours."""
        subject = read_certificate(certificate, authority, self._world.clock.time())
        if (subject.name, subject.key) != (name, self._myself.key):
            raise ProtocolError("the directory sent somebody else's certificate")

    async def _take_certificate(self, certificate: bytes, name: str, authority: bytes) -> None:
        await self._communities.keep_certificate(authority, name, certificate)
        self._recall(authority)


_DISPLACED = (
    "Another program of yours has taken over your name at the directory."
    " This one is no longer registered: end it, or start it again."
)


def check_directory(certificate: bytes | None, authority: bytes, now: float) -> None:
    """Raise ProtocolError unless this certificate is of a directory of this authority."""
    if not is_authority(authority) or certificate is None:
        raise ProtocolError("this is no directory")
    if read_certificate(certificate, authority, now).name is not None:
        raise ProtocolError("a user poses as the directory")


def _expected(answer: Message, kind: type[A]) -> A:
    if isinstance(answer, Err):
        raise Refused(answer.text, answer.code)
    if not isinstance(answer, kind):
        raise Refused("the directory gave an answer that does not fit")
    return answer
