"""Ask the directory, over the connection that `peer.runtime.directory.registrar` keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
import trio

from peer.core.reach.dial_policy import is_plausible
from peer.core.reach.presence import KNOWN_MOST
from peer.runtime.directory.tries import Tries
from shared.errors import ProtocolError, Refused, Unreachable
from shared.link import Link
from shared.messages.common import Answer, Bye, Err, Message, Request
from shared.messages.directory import Contact, Users

ANSWER_SECONDS: Final = 15.0  # for one request

A = TypeVar("A", bound=Answer)


class DirectoryGone(Unreachable):
    """The directory itself cannot be asked at this moment."""


class Displaced(DirectoryGone):
    """Another program of mine has taken over the name, so this one never asks again."""

    def __init__(self) -> None:
        super().__init__("this program is no longer registered: start it again")


@dataclass
class _Asked:
    """A request on its way, with where its answers go, and the link that carries it."""

    request: Request
    answers: trio.MemorySendChannel[Message]
    link: Link[Message]


class DirectoryClient:
    def __init__(self, tries: Tries) -> None:
        self._tries = tries
        self.link: Link[Message] | None = None  #: once we are registered
        self.knows_punch = False  #: whether the directory there knows how users meet
        self.is_displaced = False  #: another program of mine has the name, and we stay away
        self._asked: dict[int, _Asked] = {}  # requests without a whole answer, the oldest first
        self._last_request = 0
        self._back = trio.Event()
        self._gone = trio.Event()
        self._gone.set()

    @property
    def is_there(self) -> bool:
        """Whether we are registered now, so that it can be asked."""
        return self.link is not None and not self.is_displaced

    # --- Asking ---

    async def ask(self, make: Callable[[int], Request], kind: type[A]) -> A:
        """Send one request, and return its answer.

        Raises Refused when the directory says no, DirectoryGone when it is gone.
        """
        (answer,) = await self._ask(make, kind)
        return answer

    async def ask_pages(self, make: Callable[[int], Request]) -> list[Users]:
        """Send one request, and return all pages of its answer; each page is news too."""
        return await self._ask(make, Users, all_pages=True)

    async def _ask(
        self, make: Callable[[int], Request], kind: type[A], *, all_pages: bool = False
    ) -> list[A]:
        self.check_not_displaced()
        if self.link is None:
            await self._tries.wait_over()
        if self.link is None:
            raise DirectoryGone("the directory cannot be reached at this moment")
        self._last_request += 1
        number = self._last_request
        send, receive = trio.open_memory_channel[Message](64)
        asked = self._asked[number] = _Asked(make(number), send, self.link)
        try:
            with receive, send, trio.fail_after(ANSWER_SECONDS):
                asked.link.post(asked.request)
                pages: list[A] = []
                users = 0
                while not pages or (all_pages and getattr(pages[-1], "more", False)):
                    pages.append(_expected(await receive.receive(), kind))
                    users += len(getattr(pages[-1], "users", ())) or 1
                    if users > KNOWN_MOST:
                        raise Refused("the directory names more users than it can have")
                return pages
        except trio.EndOfChannel:
            raise DirectoryGone("the directory was lost before it answered") from None
        except trio.TooSlowError:
            raise DirectoryGone("the directory did not answer in time") from None
        finally:
            self._asked.pop(number, None)

    def check_not_displaced(self) -> None:
        """Raise Displaced if another program of mine has the name."""
        if self.is_displaced:
            raise Displaced

    def believed(self, contact: Contact) -> Contact:
        """Return the contact, without `seen` if the directory cannot have seen that address.

        It cannot if the address is on a machine, or a cable, where the directory is not.
        """
        here = "" if self.link is None else self.link.wire.remote.host
        if is_plausible(contact.seen, here):
            return contact
        return msgspec.structs.replace(contact, seen="")

    def tell(self, message: Message) -> None:
        """Send a message that needs no answer; drop it while the directory is gone."""
        if self.link is not None:
            self.link.post(message)

    def hurry(self) -> None:
        """Try now if the directory is gone: the user has typed something."""
        if self.link is None:
            self._tries.hurry()

    # --- The connection ---

    def connected(self, link: Link[Message]) -> None:
        """Ask over this link from now on."""
        self.link, self._gone = link, trio.Event()
        self._back.set()

    def lost(self) -> None:
        """Note that the link is over; requests without an answer fail."""
        self.link = None
        self._gone.set()
        self._is_away()
        for asked in self._asked.values():
            asked.answers.close()

    def displaced(self) -> None:
        """Note that another program of mine has the name; the link may stay for long."""
        self.is_displaced = True
        self._is_away()

    def _is_away(self) -> None:
        """Let `wait_back` wait from now on."""
        if self._back.is_set():
            self._back = trio.Event()

    def moved(self, link: Link[Message]) -> None:
        """Ask over this link from now on; answers may still come over the former one."""
        self.link = link

    def repeat(self, over: Link[Message]) -> None:
        """Ask again what was asked over this link, which is over, unless it is the only one.

        Each request means the same when it is performed twice.
        """
        if self.link is None or self.link is over:
            return
        for asked in self._asked.values():
            if asked.link is over:
                asked.link = self.link
                asked.link.post(asked.request)

    def answered(self, message: Message) -> bool:
        """Hand an answer to the one who asked; return False for a message that is no answer."""
        re = getattr(message, "re", None)
        if re is None:
            return False
        if (asked := self._asked.get(re)) is not None:
            try:
                asked.answers.send_nowait(message)
            except trio.WouldBlock:
                raise ProtocolError("more answers came than were asked for") from None
        return True

    def hang_up(self) -> None:
        """Say good bye; `wait_gone` returns when the directory has heard it."""
        if self.link is not None:
            self.link.hang_up(Bye("good bye"))

    async def wait_back(self) -> None:
        """Return as soon as we are registered."""
        await self._back.wait()

    async def wait_gone(self) -> None:
        await self._gone.wait()


def _expected(answer: Message, kind: type[A]) -> A:
    if isinstance(answer, Err):
        raise Refused(answer.text, answer.code)
    if not isinstance(answer, kind):
        raise Refused("the directory gave an answer that does not fit")
    return answer
