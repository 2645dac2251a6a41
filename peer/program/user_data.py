"""Find the data of a user: the folder, the keys that open it, and the options for a peer."""

import argparse
import shlex
from pathlib import Path

from peer.core.reach.hosts import places
from peer.options import Options
from peer.program.community_folder import FoundFolder, find
from peer.storage.paths import is_set, is_there, peers_folder
from peer.storage.vault import CLEAR, Vault
from shared.errors import Refused
from shared.world import Address


class UserData:
    """Knows where the data of each name lies, by what the command line says."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments

    @property
    def directories(self) -> tuple[Address, ...]:
        """The addresses of the community's directories, as the user named them."""
        return tuple(Address(*one) for one in places(self._arguments.host, self._arguments.port))

    async def find(self, name: str) -> None:
        """Find the folder of this name; anew if it is no longer where it was."""
        found: dict[tuple[str, tuple[Address, ...]], FoundFolder] = self._arguments.found
        key = (name, self.directories)
        if not self._arguments.data and (key not in found or not is_there(found[key].folder)):
            proven = self._arguments.proven
            found[key] = await find(peers_folder(), name, self.directories, proven)

    def folder(self, name: str) -> Path:
        """Return the folder of a name that was found."""
        if self._arguments.data:
            return Path(self._arguments.data).expanduser()
        return self._found(name).folder

    def _found(self, name: str) -> FoundFolder:
        found: FoundFolder = self._arguments.found[name, self.directories]
        return found

    def vault(self, folder: Path) -> Vault:
        """Return the vault opened before the screen was there; raise Refused if it is sealed."""
        vaults: dict[Path, Vault] = self._arguments.vaults
        if folder not in vaults and is_set(folder):
            host, port = self._arguments.host, str(self._arguments.port)
            line = shlex.join(["peer", folder.name, host, port])
            raise Refused(f"the key is sealed with a passphrase: {line} asks for it", "USAGE")
        return vaults.get(folder, CLEAR)

    def doctor(self, name: str) -> str:
        """Return the command line that performs DOCTOR on the same data."""
        arguments = self._arguments
        data = ["--data", arguments.data] if arguments.data else []
        return shlex.join(["peer", name, arguments.host, str(arguments.port), "DOCTOR", *data])

    def options(self, name: str, *, is_passing: bool = False, examines: bool = False) -> Options:
        host, port = self._arguments.advertise
        return Options(
            listen=self._arguments.listen,
            advertise_host=host,
            advertise_port=port,
            token=self._arguments.token or "",
            directory_key=self._arguments.directory_key,
            keeps_history=not self._arguments.no_history,
            authority=None if self._arguments.data else self._found(name).authority,
            vault=self.vault(self.folder(name)),
            maps_port=not self._arguments.no_mapping,
            is_passing=is_passing,
            examines=examines,
            listens_around=not self._arguments.no_find,
        )
