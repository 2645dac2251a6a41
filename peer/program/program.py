"""Run a peer as a program: choose its name and folder, serve its screen, end it."""

import argparse
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from pathlib import Path
from typing import Final

import trio

from peer import events
from peer.commands.grammar import Command, Context, Help, Nothing, Unknown, Wrong
from peer.commands.manual import is_topic
from peer.commands.parsing import parse, unknown_text, wrong_text
from peer.console.codes import KEPT, Code
from peer.console.console import Console
from peer.lifespan import running
from peer.local_peer import LocalPeer
from peer.options import Options
from peer.program import control
from peer.program.community_folder import FoundFolder, find
from peer.program.first_start import FIRST_STEPS, GivenUp, ask_for_words, check_not_quit
from peer.program.handed_commands import HandedCommands
from peer.program.lifecycle import Lifecycle
from peer.program.offline_commands import keep_unregistered
from peer.program.settings import config_file, remember
from peer.program.status_feed import StatusFeed
from peer.results import Done, Handed, Manual
from peer.runtime.directory.registrar import NameTaken
from peer.screen.ui_state import UiState
from peer.storage.paths import is_set, peers_folder
from peer.storage.vault import CLEAR, Vault
from shared.errors import KeyChanged, ParleyError, Refused, StorageError, Unreachable
from shared.link import within
from shared.names import check_name
from shared.real import real_world
from shared.wording import clause, system_reason
from shared.world import Address

ABRUPT_SECONDS: Final = 3.0  # to finish after a signal
SHARE_SECONDS: Final = 60.0  # to wait until another one-shot command on the same data ends
SHARE_PAUSE: Final = 0.1
TYPED: Final = "typed"  # the file of `peer.storage.input_history`, which is slow to import
YIELD_SECONDS: Final = 10.0  # to wait until a one-shot command ends, before using its data


_NOT_FOR_SCRIPTS = (
    events.Registered | events.Came | events.Went
    | events.DirectoryLost | events.DirectoryBack | events.DirectorySays
)  # fmt: skip


class Program:
    """One run of `peer`."""

    def __init__(self, arguments: argparse.Namespace, stage: Lifecycle) -> None:
        self._arguments, self._stage, self._face = arguments, stage, stage.face
        self._was_asked = False  # for NAME, HOST or PORT

    async def perform(self) -> int:
        """Run the program; return the exit code."""
        if self._arguments.command:
            return await self._once(" ".join(self._arguments.command))
        try:
            return await self._converse()
        except GivenUp:
            return Code.DONE

    # --- Interactive ---

    async def _converse(self) -> int:
        """Read commands until QUIT, the end of input, or a signal."""
        arguments = self._arguments
        self._was_asked = None in (arguments.name, arguments.host, arguments.port)
        if not await ask_for_words(arguments, self._face.show, self._stage.read_text):
            return Code.DONE  # a person has left
        return await self._under_some_name()

    async def _under_some_name(self) -> int:
        """Try names until one is accepted; each next line is the next name."""
        name = self._arguments.name
        while True:
            try:
                check_name(name)
                async with self._leaving_is_possible():
                    await self._find(name)
                return await self._as(name)
            except (NameTaken, Refused) as failure:
                if failure.code not in ("TKN", "NAME"):
                    return self._fail(failure)
                self._face.stands(UiState())
                self._face.show(events.NameWanted(str(failure)))
            except ParleyError as failure:
                return self._fail(failure)
            chosen = await self._stage.read_text()
            if chosen is None:
                return Code.REFUSED
            check_not_quit(chosen)
            name = chosen.strip()

    async def _as(self, name: str) -> int:
        """Serve under this name; wait some seconds for a one-shot command that uses the data."""
        begun, told = trio.current_time(), False
        while True:
            try:
                return await self._serve(name)
            except Refused as failure:
                is_late = trio.current_time() >= begun + YIELD_SECONDS
                if failure.code != "LOCK" or is_late or await control.is_served(self._folder(name)):
                    raise
                await self._find(name)
            if not told:
                told = True
                wait = "Waiting for a command on the same data to end..."
                self._face.show(events.Notice(wait))
            await trio.sleep(SHARE_PAUSE)

    async def _serve(self, name: str) -> int:
        """Register under this name and serve the keyboard."""
        folder = self._folder(name)

        def tell(event: events.Event, shown: Callable[[], None]) -> None:
            console.tell(event, shown)
            watching.heard(event)

        options = self._options(name)
        peer = LocalPeer(real_world(folder), name, self._directory, tell, options)
        watching = StatusFeed(self._face)
        console = Console(peer, watching, asks=self._arguments.by_hand)
        self._face.stands(UiState(me=name, connects_to=str(self._directory)))
        async with AsyncExitStack() as whole:
            async with self._leaving_is_possible():
                await whole.enter_async_context(running(peer))
            nursery = await whole.enter_async_context(trio.open_nursery())
            self._stage.may_finish = True
            self._remember_what_is_typed(folder)
            nursery.start_soon(watching.run, peer, console)
            nursery.start_soon(self._note_keys, peer)
            await nursery.start(self._serve_control, folder, peer, console)
            self._welcome(peer)
            await self._obey_keyboard(console, watching)
            code = await self._finish(peer)
            nursery.cancel_scope.cancel()
        self._face.show(events.Notice("Good bye! ☺"))
        return code

    async def _note_keys(self, peer: LocalPeer) -> None:
        """Take each key for a sign of the user, also before Enter."""
        while True:
            await self._face.touched()
            peer.presence.stir()

    def _leaving_is_possible(self) -> AbstractAsyncContextManager[None]:
        """Let a person QUIT within the block, which may take long."""
        return self._stage.quits_at_once() if self._arguments.by_hand else nullcontext()

    def _remember_what_is_typed(self, folder: Path) -> None:
        """Keep what is typed; with --no-history forget it, since it contains texts."""
        if not self._arguments.no_history:
            self._face.remember(folder, self._vault(folder))
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
                remember(config_file(), peer.name, *self._directory)
            except StorageError as failure:
                self._face.show(events.Notice(f"You will be asked again: {failure}."))
        if self._arguments.by_hand and peer.is_new:
            self._face.show(*FIRST_STEPS)

    async def _obey_keyboard(self, console: Console, watching: StatusFeed) -> None:
        """Perform lines until QUIT, the end of input, or a signal, even during a slow command."""
        async with self._stage.until_stopped():
            while not console.is_over and (line := await self._stage.read_line()) is not None:
                await console.perform_line(line.text, line.begun, line.target)
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
            lost = "Not everything that was typed has been delivered or stored."
            self._face.show(events.Notice(lost))
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

    # --- One-shot ---

    async def _once(self, line: str) -> int:
        """Perform one command, here or in the peer that runs on the same data."""
        command = parse(line, Context())
        match command:
            case Nothing():
                return self._fail(Refused("the command is empty", "USAGE"))
            case Wrong():
                return self._fail(Refused(wrong_text(command), "USAGE"))
            case Unknown(perhaps=None):
                return self._fail(Refused(unknown_text(command), "USAGE"))
            case Help(topic=str() as topic) if not is_topic(topic):
                return self._fail(Refused(Manual(topic).lines()[0], "USAGE"))
        return await self._perform_once(command, line)

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
            with within(SHARE_SECONDS, "the data was not free for this command"):
                while True:
                    await self._find(name)
                    folder = self._folder(name)
                    ended = await control.hand_over(folder, request, self._show_line)
                    if ended is None:
                        ended = await self._pass_by(folder, name, command, line)
                    if ended is not None:
                        self._show_done(line, Code(ended.code), ended.outcome)
                        return ended.code
                    await trio.sleep(SHARE_PAUSE)
        except ParleyError as failure:
            return self._fail(failure)

    async def _pass_by(
        self, folder: Path, name: str, command: Command, line: str
    ) -> control.CommandResult | None:
        """Perform this one command; return None when somebody else has the data just now.

        A line or letter is kept for later if the directory cannot be reached.
        """
        try:
            try:
                return await self._register_and_perform(folder, name, command, line)
            except Unreachable as failure:
                to = None
                if not isinstance(failure, KeyChanged):
                    to = await self._keep_for_later(folder, name, command)
                if to is None:
                    raise
                self._face.show(events.KeptForLater(to))
                return control.CommandResult(Code.STORED, KEPT)
        except Refused as failure:
            if failure.code == "LOCK":
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

        options = self._options(name, is_passing=True)
        peer = LocalPeer(real_world(folder), name, self._directory, tell, options)
        async with running(peer):
            console = Console(peer, self._face, is_script=True)
            code = await console.perform(command, line)
            return control.CommandResult(code, console.outcome)

    async def _keep_for_later(self, folder: Path, name: str, command: Command) -> str | None:
        """Keep the command's text; return its receiver, None if it cannot or need not be kept."""
        vault = self._vault(folder)
        world = real_world(folder)
        return await keep_unregistered(world, name, self._directory, command, vault)

    # --- Around ---

    @property
    def _directory(self) -> Address:
        return Address(self._arguments.host, self._arguments.port)

    def _fail(self, failure: ParleyError) -> int:
        """Set the line for stderr at the end; return the exit code."""
        self._stage.last_words = f"{clause(failure)}."
        if isinstance(failure, Refused):
            is_usage = failure.code in ("LISTEN", "LOCK", "NAME", "USAGE")
            return Code.USAGE if is_usage else Code.REFUSED
        return Code.USAGE if isinstance(failure, StorageError) else Code.DIRECTORY

    def _show_line(self, line: str) -> None:
        self._face.show(Handed(line))

    def _show_done(self, line: str, code: Code, outcome: str = "") -> None:
        self._face.show(Done(line, code, code.name, outcome))

    async def _find(self, name: str) -> None:
        """Find the folder of this name; anew if it is no longer where it was."""
        found: dict[tuple[str, Address], FoundFolder] = self._arguments.found
        key = (name, self._directory)
        if not self._arguments.data and (key not in found or not found[key].folder.exists()):
            found[key] = await find(peers_folder(), name, self._directory)

    def _folder(self, name: str) -> Path:
        if self._arguments.data:
            return Path(self._arguments.data).expanduser()
        return self._found(name).folder

    def _found(self, name: str) -> FoundFolder:
        found: FoundFolder = self._arguments.found[name, self._directory]
        return found

    def _vault(self, folder: Path) -> Vault:
        """Return the vault opened before the screen was there; raise Refused if it is sealed."""
        vaults: dict[Path, Vault] = self._arguments.vaults
        if folder not in vaults and is_set(folder):
            raise Refused(
                "the key is sealed with a passphrase, which is asked for"
                " when NAME, HOST and PORT stand on the command line",
                "USAGE",
            )
        return vaults.get(folder, CLEAR)

    def _options(self, name: str, *, is_passing: bool = False) -> Options:
        host, port = self._arguments.advertise
        return Options(
            listen=self._arguments.listen,
            advertise_host=host,
            advertise_port=port,
            token=self._arguments.token or "",
            directory_key=self._arguments.directory_key,
            keeps_history=not self._arguments.no_history,
            authority=None if self._arguments.data else self._found(name).authority,
            vault=self._vault(self._folder(name)),
            is_passing=is_passing,
        )
