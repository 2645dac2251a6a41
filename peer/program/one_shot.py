"""Perform one command and end, for scripts: here, or in the peer that runs on the same data."""

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import trio

from peer import events
from peer.commands.grammar import (
    Command,
    Context,
    Diagnose,
    Help,
    Mute,
    Nothing,
    SetLoudness,
    Unknown,
    Wrong,
)
from peer.commands.manual import is_topic
from peer.commands.parsing import parse, unknown_text, wrong_text
from peer.console.codes import KEPT, Code
from peer.console.console import Console
from peer.lifespan import running
from peer.local_peer import LocalPeer
from peer.program import control
from peer.program.community_folder import known_keys
from peer.program.lifecycle import UNFINISHED, Lifecycle
from peer.program.offline_commands import examine_unregistered, keep_unregistered
from peer.program.user_data import UserData
from peer.results import Done, Handed, Manual
from peer.runtime.doctor.probing import why_not_there
from peer.storage.paths import folders_of, peers_folder
from peer.storage.vault import CLEAR
from shared.errors import ParleyError, Refused, StorageError, Unreachable, is_silence
from shared.link import within
from shared.names import check_name
from shared.real import real_world

SHARE_SECONDS: Final = 60.0  # to wait until another one-shot command on the same data ends
BESIDE_SECONDS: Final = 2.0  # for DOCTOR, which changes nothing
NOWHERE: Final = "no directory is known: say where it is (peer NAME HOST PORT)"
SHARE_PAUSE: Final = 0.1
QUIT_SECONDS: Final = 90.0  # longer than a conversation waits for who is out of reach

_NOT_FOR_SCRIPTS = (
    events.Registered | events.Came | events.Went | events.BackInRooms
    | events.DirectoryLost | events.DirectoryBack | events.DirectorySays
)  # fmt: skip


class OneShot:
    """One run of `peer NAME HOST PORT COMMAND`."""

    def __init__(self, arguments: argparse.Namespace, stage: Lifecycle) -> None:
        self._arguments, self._stage, self._face = arguments, stage, stage.face
        self._data = UserData(arguments)

    async def perform(self, line: str) -> int:
        """Perform one command, here or in the peer that runs on the same data."""
        command = parse(line, Context())
        match command:
            case Nothing():
                return self._stage.fail(Refused("the command is empty", "USAGE"))
            case Wrong():
                return self._stage.fail(Refused(wrong_text(command), "USAGE"))
            case Unknown(perhaps=None):
                return self._stage.fail(Refused(unknown_text(command), "USAGE"))
            case Help(topic) if not is_topic(topic):
                return self._stage.fail(Refused(Manual(topic).lines()[0], "USAGE"))
        return await self._perform_once(command, line)

    async def examine_nowhere(self) -> int:
        """Perform DOCTOR where no directory is known."""
        arguments, name = self._arguments, self._arguments.name
        folder = _any_folder(arguments)
        try:
            check_name(name)
            vault = arguments.vaults.get(folder, CLEAR)
            found = await examine_unregistered(
                real_world(folder), name, (), vault, Refused(NOWHERE),
                known=None if arguments.no_find else self._known_keys(folder, name),
            )  # fmt: skip
        except ParleyError as failure:
            return self._stage.fail(failure)
        self._face.show(found)
        self._show_done(" ".join(arguments.command), Code.DONE)
        return Code.DONE

    async def _perform_once(self, command: Command, line: str) -> int:
        if isinstance(command, Help):
            self._face.show(Manual(command.topic))
            self._show_done(line, Code.DONE)
            return Code.DONE
        name = self._arguments.name
        try:
            check_name(name)
            whole = line.encode(errors="replace").decode()
            request = control.HandedCommand(whole, self._arguments.json)
            begun = trio.current_time()

            async def attempt() -> control.CommandResult | None:
                await self._data.find(name)
                folder = self._data.folder(name)
                ended = await control.hand_over(folder, request, self._show_line)
                if ended is None:
                    _refuse_what_needs_a_program(command)
                    with within(control.PERFORM_SECONDS, "the command did not end"):
                        ended = await self._pass_by(folder, name, command, line)
                if ended is None and isinstance(command, Diagnose):
                    ended = await self._examine_beside(folder, name, begun)
                return ended

            ended = await when_free(attempt)
        except ParleyError as failure:
            return self._stage.fail(failure)
        self._show_done(line, Code(ended.code), ended.outcome)
        return ended.code

    async def _pass_by(
        self, folder: Path, name: str, command: Command, line: str
    ) -> control.CommandResult | None:
        """Perform this one command; return None when somebody else has the data just now.

        A line or letter is kept for later if the directory cannot be reached.
        """
        try:
            try:
                return await self._register_and_perform(folder, name, command, line)
            except ParleyError as failure:
                is_doctor = isinstance(command, Diagnose)
                if is_doctor and not isinstance(failure, StorageError) and not _is_locked(failure):
                    return await self._examine_alone(folder, name, failure)
                to = None
                if is_silence(failure):
                    to = await self._keep_for_later(folder, name, command)
                if to is None:
                    raise
                self._face.show(events.KeptForLater(to))
                return control.CommandResult(Code.STORED, KEPT)
        except Refused as failure:
            if _is_locked(failure):
                return None
            raise

    async def _register_and_perform(
        self, folder: Path, name: str, command: Command, line: str
    ) -> control.CommandResult:
        def tell(event: events.Event, shown: Callable[[], None]) -> None:
            if isinstance(event, events.DirectoryKey):
                self._stage.last_words = str(event)  # stdout belongs to the command
            elif not isinstance(event, _NOT_FOR_SCRIPTS):
                self._face.show(event, then=shown)

        is_doctor = isinstance(command, Diagnose)
        options = self._data.options(name, is_passing=True, examines=is_doctor)
        peer = LocalPeer(real_world(folder), name, self._data.directories, tell, options)
        async with running(peer):
            console = Console(peer, self._face, is_script=True)
            return await perform_and_quit(peer, console, command, line)

    async def _keep_for_later(self, folder: Path, name: str, command: Command) -> str | None:
        """Keep the command's text; return its receiver, None if it cannot or need not be kept."""
        vault = self._data.vault(folder)
        world = real_world(folder)
        return await keep_unregistered(world, name, self._data.directories, command, vault)

    async def _examine_alone(
        self, folder: Path, name: str, failure: ParleyError
    ) -> control.CommandResult:
        """Perform DOCTOR although registering has failed."""
        directories, vault = self._data.directories, self._data.vault(folder)
        found = await examine_unregistered(
            real_world(folder), name, directories, vault, failure,
            known=None if self._arguments.no_find else self._known_keys(folder, name),
        )  # fmt: skip
        self._face.show(found)
        return control.CommandResult(Code.DONE)

    def _known_keys(self, folder: Path, name: str) -> frozenset[str]:
        """Return the keys of all directories that this user knows, wherever they are."""
        others = [] if self._arguments.data else folders_of(peers_folder(), name)
        said = self._arguments.directory_key
        return known_keys([folder, *others]) | ({said} if said else set())

    async def _examine_beside(
        self, folder: Path, name: str, begun: float
    ) -> control.CommandResult | None:
        """Perform DOCTOR beside a program that has the data, and is registered nowhere yet.

        Return None for a while: it may be another command, which ends by itself.
        """
        if trio.current_time() < begun + BESIDE_SECONDS:
            return None
        cause = await why_not_there(real_world(folder), self._data.directories)
        return await self._examine_alone(folder, name, Unreachable(cause))

    def _show_line(self, line: str) -> None:
        self._face.show(Handed(line))

    def _show_done(self, line: str, code: Code, outcome: str = "") -> None:
        self._face.show(Done(line, code, code.name, outcome))


async def perform_and_quit(
    peer: LocalPeer, console: Console, command: Command, line: str
) -> control.CommandResult:
    """Perform the one command of this peer, and let it quit, within QUIT_SECONDS.

    Without a limit it would wait for a full disk without an end.
    """
    code = await console.perform(command, line)
    with trio.move_on_after(QUIT_SECONDS) as late:
        await peer.quit()
    peer.end()
    if late.cancelled_caught:
        console.tell(events.Notice(UNFINISHED), events.nothing)
        code = code or Code.UNREACHABLE
    return control.CommandResult(code, console.outcome)


async def when_free(
    attempt: Callable[[], Awaitable[control.CommandResult | None]],
) -> control.CommandResult:
    """Attempt a command until nobody else has the data; return its result.

    Raise Unreachable after SHARE_SECONDS without the data; the command may take longer.
    """
    until = trio.current_time() + SHARE_SECONDS
    while (ended := await attempt()) is None:
        if trio.current_time() >= until:
            raise Unreachable(
                f"the data was not free for this command within {SHARE_SECONDS:.0f} seconds"
            )
        await trio.sleep(SHARE_PAUSE)
    return ended


def _any_folder(arguments: argparse.Namespace) -> Path:
    """Return the user's own folder, or the one in which those of all communities lie."""
    return Path(arguments.data).expanduser() if arguments.data else peers_folder()


def _is_locked(failure: ParleyError) -> bool:
    """Whether somebody else has the data just now."""
    return isinstance(failure, Refused) and failure.code == "LOCK"


def _refuse_what_needs_a_program(command: Command) -> None:
    """Raise Refused for a command to a running program, which has the bell and knows its rooms."""
    if isinstance(command, Mute | SetLoudness):
        raise Refused("MUTE and DIM are for a running program, and none runs here: type it in one.")
