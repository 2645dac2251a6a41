"""Run a peer as a program: choose its name and folder, serve its screen, end it."""

import argparse
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio
from msgspec.structs import replace

from peer import events
from peer.console.codes import Code
from peer.console.console import Console
from peer.lifespan import running
from peer.local_peer import LocalPeer
from peer.program import control
from peer.program.first_start import FIRST_STEPS, GivenUp, ask_for_words, check_not_quit
from peer.program.handed_commands import HandedCommands
from peer.program.lifecycle import UNFINISHED, Examine, Lifecycle
from peer.program.one_shot import SHARE_PAUSE, OneShot
from peer.program.settings import config_file, is_sought, remember
from peer.program.status_feed import StatusFeed
from peer.program.user_data import UserData
from peer.runtime.directory.introduction import NameTaken
from peer.screen.frontend import Line
from peer.screen.ui_state import UiState
from shared.errors import ParleyError, Refused, StorageError, Unreachable, is_silence
from shared.names import check_name
from shared.real import real_world
from shared.wording import system_reason

if TYPE_CHECKING:
    from peer.program.finding import Finding

ABRUPT_SECONDS: Final = 3.0  # to finish after a signal
TYPED: Final = "typed"  # the file of `peer.storage.input_history`, which is slow to import
YIELD_SECONDS: Final = 10.0  # to wait until a one-shot command ends, before using its data


class Program:
    """One run of `peer`."""

    def __init__(self, arguments: argparse.Namespace, stage: Lifecycle) -> None:
        self._arguments, self._stage, self._face = arguments, stage, stage.face
        self._data = UserData(arguments)
        self._was_asked = False  # for NAME, HOST or PORT

    async def perform(self) -> int:
        """Run the program; return the exit code."""
        if self._arguments.find:
            return await self._finding().list_all()
        if self._arguments.command:
            return await self._perform_once()
        try:
            return await self._converse()
        except GivenUp:
            return Code.DONE

    async def _perform_once(self) -> int:
        """Perform a single command; only DOCTOR comes without HOST and PORT."""
        one_shot = OneShot(self._arguments, self._stage)
        if await self._is_located():
            return await one_shot.perform(" ".join(self._arguments.command))
        return await one_shot.examine_nowhere()

    async def _is_located(self) -> bool:
        """Find the directory, if nobody says where it is; return False if none is known."""
        arguments = self._arguments
        if is_sought(arguments):
            with suppress(Unreachable):
                await self._finding().look(arguments.name)
        for word in ("host", "port"):
            if getattr(arguments, word) is None:
                setattr(arguments, word, arguments.offered.get(word))
        return None not in (arguments.host, arguments.port)

    # --- Interactive ---

    async def _converse(self) -> int:
        """Read commands until QUIT, the end of input, or a signal."""
        arguments = self._arguments
        self._was_asked = None in (arguments.name, arguments.host, arguments.port)
        try:
            is_there = not is_sought(arguments) or await self._find_directory()
        except ParleyError as failure:
            return self._stage.fail(failure)
        if not (is_there and await self._asks_for()):
            return Code.DONE  # a person has left
        return await self._under_some_name()

    async def _find_directory(self) -> bool:
        """Set HOST and PORT, if the directory is found; return False if a person has left.

        Raises Unreachable where nobody can be asked.
        """
        finding = self._finding()
        name = self._arguments.name or self._arguments.offered.get("name")
        if name is None:
            if not await self._asks_for("name"):
                return False
            name = self._arguments.name
        while True:
            async with self._leaving_is_possible():
                choice = await finding.look(name)
            if self._arguments.host is not None:
                return True
            if not (await self._asks_for("name") and await finding.ask(choice)):
                return False
            if not finding.is_to_look_again:
                return True

    def _finding(self) -> "Finding":
        from peer.program.finding import Finding  # noqa: PLC0415  # most starts need not load it

        return Finding(self._arguments, self._stage)

    async def _asks_for(self, *words: str) -> bool:
        """Ask for what is missing, of these words only, unless there are none of them.

        Return False when nobody answers.
        """
        arguments = self._arguments
        if None in (getattr(arguments, word) for word in words or ("name", "host", "port")):
            self._face.stands(UiState())  # the next lines are no commands of a user
        return await ask_for_words(self._arguments, self._face.show, self._stage.read_text, words)

    async def _under_some_name(self) -> int:
        """Try names until one is accepted; each next line is the next name."""
        name = self._arguments.name
        while True:
            try:
                check_name(name)
                async with self._leaving_is_possible():
                    await self._data.find(name)
                return await self._as(name)
            except (NameTaken, Refused) as failure:
                if failure.code not in ("TKN", "NAME"):
                    return self._stage.fail(failure)
                self._face.stands(UiState())
                self._face.show(events.NameWanted(str(failure)))
            except ParleyError as failure:
                self._advise(name, failure)
                return self._stage.fail(failure)
            chosen = await self._stage.read_text()
            if chosen is None:
                return Code.REFUSED
            check_not_quit(chosen)
            name = chosen.strip()

    def _advise(self, name: str, failure: ParleyError) -> None:
        """Offer DOCTOR to a person, below the reason, if no directory answers."""
        if self._arguments.by_hand and is_silence(failure):
            self._stage.advice = f"to find out why: {self._data.doctor(name)}"

    async def _as(self, name: str) -> int:
        """Serve under this name; wait some seconds for a one-shot command that uses the data."""
        begun, told = trio.current_time(), False
        while True:
            try:
                return await self._serve(name)
            except Refused as failure:
                is_late = trio.current_time() >= begun + YIELD_SECONDS
                if (
                    failure.code != "LOCK"
                    or is_late
                    or await control.is_served(self._data.folder(name))
                ):
                    raise
                await self._data.find(name)
            if not told:
                told = True
                wait = "Waiting for a command on the same data to end..."
                self._face.show(events.Notice(wait))
            await trio.sleep(SHARE_PAUSE)

    async def _serve(self, name: str) -> int:
        """Register under this name and serve the keyboard."""
        folder, awaited = self._data.folder(name), trio.Event()

        async def examine(line: Line) -> None:
            """Perform DOCTOR once no directory has answered."""
            await awaited.wait()
            await console.perform_line(line.text, line.begun, line.target, line.led)

        def tell(event: events.Event, shown: Callable[[], None]) -> None:
            if isinstance(event, events.DirectoryAwaited):
                awaited.set()
            console.tell(event, shown)
            watching.heard(event)

        options = replace(
            self._data.options(name),
            looks_back=self._face.looks_back,
            waits=self._arguments.by_hand,
        )
        peer = LocalPeer(real_world(folder), name, self._data.directories, tell, options)
        watching = StatusFeed(self._face)
        console = Console(peer, watching, asks=self._arguments.by_hand)
        where = ", ".join(map(str, self._data.directories))
        self._face.stands(UiState(me=name, connects_to=where))
        async with AsyncExitStack() as whole:
            async with self._leaving_is_possible(examine):
                await whole.enter_async_context(running(peer))
            nursery = await whole.enter_async_context(trio.open_nursery())
            self._stage.may_finish = True
            self._remember_what_is_typed(folder)
            nursery.start_soon(watching.run, peer, console)
            nursery.start_soon(self._note_keys, peer, console)
            nursery.start_soon(self._seek_names, peer, watching)
            await nursery.start(self._serve_control, folder, peer, console)
            self._welcome(peer)
            await self._obey_keyboard(peer, console, watching)
            code = await self._finish(peer)
            nursery.cancel_scope.cancel()
        self._face.show(events.Notice("Good bye! ☺"))
        return code

    async def _note_keys(self, peer: LocalPeer, console: Console) -> None:
        """Take each key for a sign of the user, also before Enter."""
        while True:
            await self._face.touched()
            peer.touched(console.targets.unread)

    async def _seek_names(self, peer: LocalPeer, watching: StatusFeed) -> None:
        """Ask the directory for names that begin as the one that is typed."""
        while True:
            await peer.roster.seek(await self._face.sought())
            watching.look()

    def _leaving_is_possible(
        self, examine: Examine | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Let a person QUIT within the block, which may take long, and perform DOCTOR so."""
        return self._stage.quits_at_once(examine) if self._arguments.by_hand else nullcontext()

    def _remember_what_is_typed(self, folder: Path) -> None:
        """Keep what is typed; with --no-history forget it, since it contains texts."""
        if not self._arguments.no_history:
            self._face.remember(folder, self._data.vault(folder))
            return
        try:
            (folder / TYPED).unlink(missing_ok=True)
        except OSError as error:
            why = system_reason(error)
            self._face.show(events.Notice(f"What was typed cannot be forgotten: {why}."))

    def _welcome(self, peer: LocalPeer) -> None:
        """Save what a person was asked for, and show a new user, but no script, the first steps."""
        if self._was_asked:
            try:
                remember(config_file(), peer.name, self._arguments.host, self._arguments.port)
            except StorageError as failure:
                self._face.show(events.Notice(f"You will be asked again: {failure}."))
        if self._arguments.by_hand and peer.is_new:
            self._face.show(*FIRST_STEPS)

    async def _obey_keyboard(self, peer: LocalPeer, console: Console, watching: StatusFeed) -> None:
        """Perform lines until QUIT, the end of input, or a signal, even during a slow command."""
        async with self._stage.until_stopped():
            while not console.is_over and (line := await self._stage.read_line()) is not None:
                peer.touched(console.targets.unread)
                await console.perform_line(line.text, line.begun, line.target, line.led)
                watching.look()

    async def _finish(self, peer: LocalPeer) -> Code:
        """Deliver or store all that was typed; after a signal, within ABRUPT_SECONDS."""
        with trio.CancelScope() as hurry:

            async def stop() -> None:
                await self._stage.stopped.wait()
                hurry.deadline = trio.current_time() + ABRUPT_SECONDS

            async with trio.open_nursery() as nursery:
                nursery.start_soon(stop)
                await peer.quit()
                nursery.cancel_scope.cancel()
        peer.end()
        if hurry.cancelled_caught:
            self._face.show(events.Notice(UNFINISHED))
            return Code.UNREACHABLE
        return Code.DONE

    async def _serve_control(
        self, folder: Path, peer: LocalPeer, console: Console, *, task_status: trio.TaskStatus[None]
    ) -> None:
        handed = HandedCommands(peer, console, self._stage)
        try:
            await control.serve_control(folder, handed.perform, task_status=task_status)
        except OSError as error:
            refused = f"Commands cannot be handed to this peer: {system_reason(error)}."
            self._face.show(events.Notice(refused))
            task_status.started()
