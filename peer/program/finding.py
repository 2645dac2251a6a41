"""Find the directory of a start that does not say where it is; ask a user where that is needed."""

import argparse
from pathlib import Path
from typing import Final

from peer.commands.grammar import Answer, Context
from peer.commands.parsing import parse
from peer.console.codes import Code
from peer.core.discovery.choice import (
    ANOTHER_KEY,
    AskAddress,
    AskWhich,
    Choice,
    FoundDirectory,
    Remembered,
    UseFound,
    UseRemembered,
)
from peer.events import Notice
from peer.program.community_folder import known_keys, met_at
from peer.program.first_start import check_not_quit, question, read_host
from peer.program.lifecycle import Lifecycle
from peer.results import NO_DIRECTORY_FOUND, DirectoryList, ListedDirectory
from peer.runtime.discovery.announcements import MdnsAnnouncements
from peer.runtime.discovery.search import Search, Survey
from peer.screen.ui_state import UiState
from peer.storage.paths import all_folders, directories_for, folders_of, peers_folder
from shared.errors import Refused, Unreachable
from shared.real import real_world
from shared.wording import sentence
from shared.world import Address

NO_KNOWN_KEY: Final = "no directory with a known key is on this network; say HOST PORT"
LOOKS_AGAIN: Final = "An empty line looks again."
WAITS: Final = "An empty line waits for your directory."


class Finding:
    """Finds the directory for one run of `peer`, and sets HOST and PORT to it."""

    def __init__(self, arguments: argparse.Namespace, stage: Lifecycle) -> None:
        self._arguments, self._stage = arguments, stage
        self._peers = peers_folder()
        self.is_to_look_again = False  #: says the user, after `ask`

    async def look(self, name: str) -> Choice:
        """Look for the directory where it was, and on this network."""
        directories = self._remembered_places()
        remembered = self._remembered(directories)
        search = Search(
            real_world(self._peers), MdnsAnnouncements(), remembered, directories,
            self._known(self._folders(name), remembered),
        )  # fmt: skip
        if remembered is not None:
            self._stage.face.stands(UiState(me=name, connects_to=remembered.shown))
        choice = await search.run()
        match choice:
            case UseRemembered(key):
                self._use(*self._offered(), key)
            case UseFound(directory):
                is_said = self._arguments.directory_key is not None
                moved = f'The directory "{directory.name}" is at {_address(directory)} now'
                why = "the one that you named" if is_said else "the one remembered"
                self._show(f"{moved} (its key is {why}).")
                self._take(directory)
            case _ if not self._arguments.by_hand:
                self._go_on_without()
            case _:
                self._stage.face.stands(UiState())
        return choice

    async def ask(self, choice: Choice) -> bool:
        """Ask the user what the choice leaves open; return False when nobody answers.

        HOST and PORT may still be open then.  Raises GivenUp when the answer is QUIT.
        """
        self.is_to_look_again = False
        match choice:
            case AskWhich((directory,)):
                return await self._ask_whether(directory)
            case AskWhich(directories):
                return await self._ask_which(_in_order(directories))
            case AskAddress(is_offered=False, cause=cause, others=others):
                self._tell_others(cause, _in_order(others))
                return cause == ANOTHER_KEY or await self._ask_where()
        return True

    async def list_all(self) -> Code:
        """Show what is announced on this network."""
        known = self._known([*self._own_folder(), *all_folders(self._peers)], None)
        survey = Survey(real_world(self._peers), MdnsAnnouncements(), known)
        await survey.run()
        listed = tuple(_listed(survey, known))
        self._stage.face.show(DirectoryList(listed))
        return Code.DONE if listed else Code.DIRECTORY

    # --- What is remembered ---

    def _remembered_places(self) -> tuple[Address, ...]:
        try:
            return tuple(Address(*one) for one in directories_for(self._arguments))
        except KeyError:
            return ()

    def _remembered(self, directories: tuple[Address, ...]) -> Remembered | None:
        if not directories:
            return None
        key = self._arguments.directory_key or met_at(
            [*self._own_folder(), *all_folders(self._peers)], directories
        )
        return Remembered(", ".join(map(str, directories)), key)

    def _known(self, folders: list[Path], remembered: Remembered | None) -> frozenset[str]:
        """Return the keys that count: the one that the user vouches for, else the remembered."""
        vouched = self._arguments.directory_key
        if vouched is not None:
            return frozenset({vouched})
        also = {remembered.key} if remembered is not None and remembered.key else set()
        return known_keys(folders) | also

    def _folders(self, name: str) -> list[Path]:
        return self._own_folder() or folders_of(self._peers, name)

    def _own_folder(self) -> list[Path]:
        data = self._arguments.data
        return [Path(data).expanduser()] if data else []

    def _offered(self) -> tuple[str, int]:
        return self._arguments.offered["host"], self._arguments.offered["port"]

    # --- Using it ---

    def _take(self, directory: FoundDirectory) -> None:
        self._use(directory.host, directory.port, directory.key)

    def _use(self, host: str, port: int, key: str) -> None:
        """Use the directory there, and no other one: who has this key now may be gone later."""
        arguments = self._arguments
        arguments.host, arguments.port = host, port
        arguments.proven = key
        arguments.directory_key = arguments.directory_key or key
        if arguments.name is None:
            arguments.name = arguments.offered.get("name")

    def _go_on_without(self) -> None:
        """Use the address in the settings, as a program cannot be asked.  Raises Unreachable."""
        if not self._remembered_places():
            raise Unreachable(NO_KNOWN_KEY)
        self._arguments.host, self._arguments.port = self._offered()

    # --- Asking ---

    async def _ask_whether(self, one: FoundDirectory) -> bool:
        asked = (
            f'There is a directory "{one.name}" on this network, at {_address(one)},'
            f" key {_spaced(one.key)}{_token(one)}. Use it? (Y/N)"
        )
        while True:
            self._show(asked)
            line = await self._read()
            if line is None:
                return False
            match parse(line, Context(question_open=True)):
                case Answer(True, None):
                    self._take(one)
                    return True
                case Answer(False, None):
                    return True

    async def _ask_which(self, directories: tuple[FoundDirectory, ...]) -> bool:
        self._show("Directories on this network:")
        for number, one in enumerate(directories, 1):
            self._show(f"{number} {_described(one)}")
        while True:
            self._show(f"Which one? (1-{len(directories)}, or a host)")
            line = await self._read()
            if line is None:
                return False
            text = line.strip()
            if text.isascii() and text.isdigit():
                if 1 <= int(text[:3]) <= len(directories):
                    self._take(directories[int(text[:3]) - 1])
                    return True
            elif text and self._takes_host(text):
                return True

    async def _ask_where(self) -> bool:
        """Ask for the host; an empty line waits for a directory that is known, or looks again."""
        remembered = self._remembered(self._remembered_places())
        is_known = remembered is not None and bool(remembered.key)
        self._show(WAITS if is_known else LOOKS_AGAIN)
        while True:
            self._show(question("host", self._arguments.offered.get("host")))
            line = await self._read()
            if line is None:
                return False
            text = line.strip()
            if not text and is_known:
                self._arguments.host, self._arguments.port = self._offered()
            self.is_to_look_again = not text and not is_known
            if not text or self._takes_host(text):
                return True

    def _takes_host(self, text: str) -> bool:
        try:
            self._arguments.host = read_host(text)
        except (argparse.ArgumentTypeError, Refused) as wrong:
            self._show(sentence(wrong))
            return False
        return True

    def _tell_others(self, cause: str, others: tuple[FoundDirectory, ...]) -> None:
        where = ", ".join(map(str, self._remembered_places()))
        gone = f"Your directory is not here ({where}: {cause})." if cause else ""
        if others:
            listed = "; ".join(map(_described, others))
            gone = gone or "Your directory is not here."
            self._show(f"{gone} Others on this network: {listed}.")
            return
        if gone:
            self._show(gone)
        self._show(NO_DIRECTORY_FOUND)

    async def _read(self) -> str | None:
        line = await self._stage.read_text()
        if line is not None:
            check_not_quit(line)
        return line

    def _show(self, text: str) -> None:
        self._stage.face.show(Notice(text))


def _listed(survey: Survey, known: frozenset[str]) -> list[ListedDirectory]:
    """Return each directory once, those that have proved their key first."""
    listed = [
        ListedDirectory(
            one.name, _address(one), _spaced(one.key),
            "remembered" if one.key in known else "unknown",
        )
        for one in _in_order(survey.found)
    ]  # fmt: skip
    proven = {one.key for one in survey.found}
    names = {one.name for one in survey.found}
    for said in survey.heard:
        if said.key not in proven and said.name not in names:
            address = str(Address(said.hosts[0], said.port))
            listed.append(ListedDirectory(said.name, address, _spaced(said.key), "unproven"))
    return listed


def _in_order(directories: tuple[FoundDirectory, ...]) -> tuple[FoundDirectory, ...]:
    """Return them by name, so that each has the same number at the next start."""
    return tuple(sorted(directories, key=lambda one: (one.name.casefold(), one.host, one.port)))


def _described(one: FoundDirectory) -> str:
    return f'"{one.name}" at {_address(one)}, key {_spaced(one.key)}{_token(one)}'


def _token(one: FoundDirectory) -> str:
    return " (a new name needs a token)" if one.needs_token else ""


def _address(one: FoundDirectory) -> str:
    return str(Address(one.host, one.port))


def _spaced(key: str) -> str:
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))
