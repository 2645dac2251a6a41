"""Hand a command to a peer that already runs on the same data.

The channel is a Unix socket in the data folder, for its owner only: one line in (the
request), lines out: `{"is_taken": true}` before it is performed, `{"show": text}` for each
text, then `{"code": n}`.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final

import msgspec
import trio

from shared.accepting import serve_all
from shared.errors import StorageError, Unreachable
from shared.link import within
from shared.local_socket import NOBODY_THERE, accepts, connect, listen
from shared.private import check_folder
from shared.wording import system_reason

FILE: Final = "control"
COMMAND_BYTES: Final = 64 * 1024
COMMAND_SECONDS: Final = 5.0  # for the request to arrive
TAKEN_SECONDS: Final = 60.0  # for the running peer to take it; a stopped one never does
# For a command to end: longer than any takes, unless a disk is full.  CHAT rings for a minute.
PERFORM_SECONDS: Final = 300.0

log = logging.getLogger("peer")


class HandedCommand(msgspec.Struct, omit_defaults=True):
    command: str  #: without half characters, which a wrong byte in an argument leaves
    as_json: bool = False  #: the texts are to be JSON objects


class CommandResult(msgspec.Struct, frozen=True):
    """The result of a performed command (`peer.results.Done`)."""

    code: int
    outcome: str = ""


class _Answer(msgspec.Struct, omit_defaults=True):
    is_taken: bool = False
    show: str | None = None
    code: int | None = None
    outcome: str = ""


_requests = msgspec.json.Decoder(HandedCommand)
_answers = msgspec.json.Decoder(_Answer)

Perform = Callable[[HandedCommand, Callable[[str], None]], Awaitable[CommandResult]]
"""Perform this command; show each text."""


async def hand_over(
    folder: Path, request: HandedCommand, show: Callable[[str], None]
) -> CommandResult | None:
    """Return the final answer of the running peer.

    Return None if no peer runs there, or if it ended before it took the command.  Raise
    Unreachable if it ends later, or takes too long; StorageError if somebody else could have put
    the socket there.
    """
    check_folder(folder)
    try:
        stream = await connect(folder / FILE)
    except OSError as error:
        if error.errno in NOBODY_THERE:
            return None
        raise StorageError(
            f"cannot reach the peer that runs on {folder}: {system_reason(error)}"
        ) from error
    async with stream, aclosing(_answers_from(stream)) as answers:
        with within(TAKEN_SECONDS, "the peer that runs there did not take the command"):
            try:
                await stream.send_all(msgspec.json.encode(request) + b"\n")
            except trio.BrokenResourceError:
                return None
            if await anext(answers, None) is None:
                return None
        with within(PERFORM_SECONDS, "the peer that runs there did not end the command"):
            async for answer in answers:
                if answer.code is not None:
                    return CommandResult(answer.code, answer.outcome)
                show(answer.show or "")
    raise Unreachable("the peer that was asked has ended")


async def is_served(folder: Path) -> bool:
    """Whether a peer there takes commands; one that performs a single command does not."""
    try:
        stream = await connect(folder / FILE)
    except OSError:
        return False
    await stream.aclose()
    return True


def is_heard(folder: Path) -> bool:
    """Like `is_served`, for a program that is not in `trio.run` yet."""
    return accepts(folder / FILE)


async def _answers_from(stream: trio.SocketStream) -> AsyncGenerator[_Answer, None]:
    """Yield the answers until the other program ends."""
    pending = bytearray()
    with suppress(trio.BrokenResourceError):
        async for chunk in stream:
            pending += chunk
            *lines, pending = pending.split(b"\n")
            for line in lines:
                yield _answers.decode(line)


async def serve_control(
    folder: Path, perform: Perform, *, task_status: trio.TaskStatus[None]
) -> None:
    """Perform the commands that are handed over, until cancelled."""

    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await _serve_one(stream, perform)
            except (OSError, trio.BrokenResourceError, trio.TooSlowError, trio.ClosedResourceError):
                return  # the asker is gone
            except (msgspec.DecodeError, RecursionError) as error:
                log.info("a command that was handed over cannot be read: %s", error)

    listener = listen(folder / FILE)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_all, [listener], answer)
            task_status.started()
    finally:
        (folder / FILE).unlink(missing_ok=True)


async def _serve_one(stream: trio.SocketStream, perform: Perform) -> None:
    with trio.fail_after(COMMAND_SECONDS):
        request = await _read_request(stream)
    if not await _send(stream, _Answer(is_taken=True)):
        return  # the asker is gone
    send, receive = trio.open_memory_channel[_Answer](10_000)

    async def work() -> None:
        with send:
            ended = await perform(request, lambda text: send.send_nowait(_Answer(show=text)))
            await send.send(_Answer(code=ended.code, outcome=ended.outcome))

    is_there = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        async for one in receive:
            if is_there:
                is_there = await _send(stream, one)


async def _send(stream: trio.SocketStream, answer: _Answer) -> bool:
    """Return False if the asker is gone; the command is performed all the same."""
    try:
        await stream.send_all(msgspec.json.encode(answer) + b"\n")
    except trio.BrokenResourceError:
        return False
    return True


async def _read_request(stream: trio.SocketStream) -> HandedCommand:
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < COMMAND_BYTES:
        chunk = await stream.receive_some()
        if not chunk:
            raise trio.BrokenResourceError
        line += chunk
    return _requests.decode(line.decode(errors="replace"))
