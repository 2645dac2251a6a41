"""The admin socket of a running directory: `DIR/admin`, for its own user and root only.

The mode of the file keeps others out; the kernel's word on who asks is looked at besides.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from directory_server.admin.requests import (
    LINE_BYTES,
    Answer,
    AnyRequest,
    Done,
    Drain,
    No,
    requests,
)
from shared.accepting import serve_all
from shared.border import Bugs, border
from shared.errors import ParleyError, Refused
from shared.link import REMOTE_FAULTS
from shared.local_socket import keep_until_we_end, listen, may_ask

FILE: Final = "admin"
ASKING_AT_ONCE: Final = 8
REQUEST_SECONDS: Final = 5.0  # for the request to arrive
ANSWER_SECONDS: Final = 10.0  # for the other side to read one answer
UNREAD_SECONDS: Final = 0.2
BUG: Final = "the directory met a bug: see its log"
WHOLE_SECONDS: Final = 3_600.0  # for the longest request, a backup of a huge mailbox

log = logging.getLogger(__name__)

Tell = Callable[[Answer], Awaitable[None]]
Perform = Callable[[AnyRequest, Tell], Awaitable[None]]


class _Gone(Exception):
    """The client has gone, or does not read."""


@contextlib.contextmanager
def _gone() -> Iterator[None]:
    """Tell a fault of the other side from one of what we do for it, such as a disk's."""
    try:
        yield
    except REMOTE_FAULTS:
        raise _Gone from None


class AdminService:
    def __init__(self, folder: Path, perform: Perform, bugs: Bugs) -> None:
        self._path, self._perform, self._bugs = folder / FILE, perform, bugs
        self._asking = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled.  Raises OSError when the socket cannot be made."""
        listener = listen(self._path)
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(serve_all, [listener], self._answer)
                task_status.started()
        finally:
            self._path.unlink(missing_ok=True)

    async def _answer(self, stream: trio.SocketStream) -> None:
        """Answer one client.  A fault border: it ends no more than its own connection."""
        self._asking += 1
        met_a_bug = True
        try:
            with border("the admin socket", self._bugs):
                with contextlib.suppress(_Gone), trio.move_on_after(WHOLE_SECONDS):
                    await self._serve(stream)
                met_a_bug = False
            if met_a_bug:  # else the client would believe that the directory has ended
                with contextlib.suppress(_Gone):
                    await _refuse(stream, No("BUG", BUG))
        finally:
            self._asking -= 1

    async def _serve(self, stream: trio.SocketStream) -> None:
        tell = partial(_tell, stream)
        try:
            if not may_ask(stream):
                log.warning("another user of this machine asked the admin socket")
                raise Refused("only the directory's own user, and root, may ask")
            if self._asking > ASKING_AT_ONCE:
                raise Refused("too many ask at this moment")
            request = await _request(stream)
            await self._perform(request, tell)
            if isinstance(request, Drain):
                keep_until_we_end(stream)
            await tell(Done())
        except ParleyError as no:
            await _refuse(stream, No(getattr(no, "code", "DISK"), str(no)))


async def _tell(stream: trio.SocketStream, answer: Answer) -> None:
    with _gone(), trio.fail_after(ANSWER_SECONDS):
        await stream.send_all(msgspec.json.encode(answer) + b"\n")


async def _refuse(stream: trio.SocketStream, no: No) -> None:
    await _tell(stream, no)
    with _gone(), trio.move_on_after(UNREAD_SECONDS):  # else its close loses the answer
        await stream.receive_some(LINE_BYTES)


async def _request(stream: trio.SocketStream) -> AnyRequest:
    """Read the one line that is a request.  Raises Refused."""
    line = bytearray()
    with _gone(), trio.move_on_after(REQUEST_SECONDS):
        while b"\n" not in line:
            chunk = await stream.receive_some(LINE_BYTES)
            line += chunk
            if not chunk or len(line) > LINE_BYTES:
                break
    if b"\n" not in line:
        raise Refused(f"a request is one line of at most {LINE_BYTES} bytes", "PROTOCOL")
    try:
        request: AnyRequest = requests.decode(line[: line.index(b"\n")])
    except (ValueError, RecursionError) as error:  # msgspec's, and of broken UTF-8
        raise Refused(f"this is no request: {str(error)[:200]}", "PROTOCOL") from None
    return request
