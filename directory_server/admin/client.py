"""`dirserver admin`: ask the running directory, or work on its data while none runs."""

import argparse
import contextlib
import logging
import math
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import trio

from directory_server.admin import requests as ask
from directory_server.admin.requests import Answer, AnyRequest, answers
from directory_server.admin.service import FILE
from directory_server.admin.tables import head, lines
from shared.arguments import USAGE_ERROR
from shared.clean import on_one_line
from shared.errors import ParleyError, Refused, StorageError
from shared.local_socket import NOBODY_THERE, connect, may_be_trusted
from shared.log import log_to_stderr
from shared.private import other_owner
from shared.process import UNWRITTEN, write_out

REFUSED: Final = 4
NOBODY: Final = 5
NO_DIRECTORY: Final = 7
CODES: Final = {"NOBODY": NOBODY, "DIRECTORY": NO_DIRECTORY, "USAGE": USAGE_ERROR}
ANSWER_BYTES: Final = 1024 * 1024  # of one line
SILENCE_SECONDS: Final = 30.0  # five times what a disk may take, see storage/sqlite.py
LONG: Final = (ask.Backup, ask.Drain)  # requests that are answered when all of it is done
SILENT: Final = "the directory does not answer: it is stopped, or what it waits for hangs"

Show = Callable[[Answer], Awaitable[None]]


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """Perform the command; return the exit code."""
    screen = Screen(as_json=arguments.json)
    log_to_stderr(logging.ERROR, "%(levelname)s %(message)s")
    try:
        return trio.run(_run, folder, arguments.request, screen)
    except Unwritten:
        return UNWRITTEN  # it has said why
    except ParleyError as error:
        return screen.complain(error)


async def _run(folder: Path, request: AnyRequest, screen: "Screen") -> int:
    if isinstance(request, ask.Forget) and not request.is_certain:
        await perform(folder, request, screen.show)
        if not screen.asks(request.name):
            return REFUSED
        request = ask.Forget(request.name, is_certain=True)
    await perform(folder, request, screen.show)
    return 0


async def perform(folder: Path, request: AnyRequest, show: Show) -> None:
    """Ask the directory that runs there; if none does, do it ourselves.

    Raises Refused with the directory's words, or StorageError.
    """
    may_be_trusted(folder)
    patience = math.inf if isinstance(request, LONG) else SILENCE_SECONDS
    try:
        with _must_answer(patience):
            stream = await connect(folder / FILE)
    except OSError as error:
        if error.errno not in NOBODY_THERE:
            why = (error.strerror or str(error)).lower()
            raise StorageError(f"cannot ask the directory of {folder}: {why}") from error
        _must_own(folder)
        from directory_server.admin.alone import perform_alone  # noqa: PLC0415  # seldom needed

        await perform_alone(folder, request, show)
        return
    async with stream:
        await _ask(stream, request, show, patience)


@contextlib.contextmanager
def _must_answer(patience: float) -> Iterator[None]:
    """Raise Refused when this takes longer, in seconds."""
    try:
        with trio.fail_after(patience):
            yield
    except trio.TooSlowError:
        raise Refused(SILENT, "DIRECTORY") from None


def _must_own(folder: Path) -> None:
    """Raise Refused when the data is another user's: root would leave files that are not theirs."""
    name = other_owner(folder)
    if name is not None:
        raise Refused(
            f"no directory runs on {folder}, and its data is for the user {name} only: ask as that"
            f" user (runuser -u {name} -- dirserver admin ...)",
            "DIRECTORY",
        )


async def _ask(stream: trio.SocketStream, request: AnyRequest, show: Show, patience: float) -> None:
    """Show each answer; after DRAIN return only when the directory's process has ended.

    `patience`: how many seconds the directory may be silent.
    """
    rest, is_done = bytearray(), False
    try:
        with _must_answer(patience):
            await stream.send_all(msgspec.json.encode(request) + b"\n")
        while True:
            with _must_answer(patience):
                chunk = await stream.receive_some()
            if not chunk:
                break
            rest += chunk
            *whole, rest = rest.split(b"\n")
            for line in whole:
                is_done = is_done or await _is_last(line, show)
                if is_done and not isinstance(request, ask.Drain):
                    return
            if len(rest) > ANSWER_BYTES:
                break
    except trio.BrokenResourceError:
        pass
    if not is_done:
        raise Refused("the directory ended before it answered", "DIRECTORY")


async def _is_last(line: bytearray, show: Show) -> bool:
    """Show an answer; return whether it was the last one.  Raises Refused with a NO."""
    try:
        answer = answers.decode(line)
    except msgspec.ValidationError:
        return False  # of a newer directory
    if isinstance(answer, ask.No):
        raise Refused(answer.text, answer.code)
    if isinstance(answer, ask.Done):
        return True
    await show(answer)
    return False


class Unwritten(ParleyError):
    """Nobody reads what we show, or the disk is full."""


def _write(line: str) -> None:
    try:
        write_out(f"{line}\n")
    except SystemExit:
        raise Unwritten from None


class Screen:
    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._kind: type[Answer] | None = None  # of the last answer

    async def show(self, answer: Answer) -> None:
        if self._as_json:
            _write(msgspec.json.encode(answer).decode())
            return
        top = head(answer)
        if top is not None and self._kind is not type(answer):
            _write(top)
        self._kind = type(answer)
        for line in lines(answer):
            _write(line)

    def asks(self, name: str) -> bool:
        """Ask a person whether the name shall be forgotten; a script must say --yes."""
        if not sys.stdin.isatty():
            raise Refused("nobody can be asked here: say --yes", "USAGE")
        print(f"Forget {on_one_line(name)}? (Y/N) ", end="", flush=True, file=sys.stderr)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def complain(self, error: ParleyError) -> int:
        code = getattr(error, "code", "DISK")
        text = on_one_line(str(error))
        if self._as_json:
            with contextlib.suppress(Unwritten):
                _write(msgspec.json.encode(ask.No(code, text)).decode())
        else:
            print(f"dirserver admin: {text}", file=sys.stderr)
        return USAGE_ERROR if isinstance(error, StorageError) else CODES.get(code, REFUSED)
