"""Find the folders of a user's key and journal.

A folder is named by the key of its community, and in it by the user's name;
`peer.program.community_folder` knows which community answers at an address.  Before that is
known, and in earlier versions, a folder is named by the address.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from platformdirs import user_data_path

from peer.core.reach.hosts import Place, places

if TYPE_CHECKING:
    from shared.world import Address  # imports trio, for which a start need not wait here

KEY_FILE: Final = "key"
FOLDERS_MOST: Final = 100  # of one name: each is looked into
VAULT_FILE: Final = "vault"  # exists when a passphrase is set: the key that it opens


def is_set(folder: Path) -> bool:
    """Whether there is a passphrase."""
    return is_there(folder / VAULT_FILE)


def is_there(path: Path) -> bool:
    """Whether something is there; not if we may not look: the next use reports why."""
    try:
        path.lstat()
    except (OSError, ValueError):  # ValueError: for a name that no file can have
        return False
    return True


# --- What the command line means ---


def name_for(arguments: argparse.Namespace) -> str:
    """Return the name that it says or offers.  Raises KeyError if it does neither."""
    return str(_said(arguments, "name"))


def directories_for(arguments: argparse.Namespace) -> tuple[Place, ...]:
    """Return the addresses that it says or offers.  Raises KeyError if it does neither."""
    return places(_said(arguments, "host"), _said(arguments, "port"))


def _said(arguments: argparse.Namespace, word: str) -> Any:
    value = getattr(arguments, word)
    return arguments.offered[word] if value is None else value


# --- The folders of all communities ---


def peers_folder() -> Path:
    """Return the folder in which those of all communities lie."""
    return user_data_path("parley") / "peers"


def folders_of(peers: Path, name: str) -> list[Path]:
    """Return the folders with a key of this name, or with a passphrase for one, oldest first."""
    return _oldest(one / _file_name(name) for one in _matching(peers, "*/"))


def all_folders(peers: Path) -> list[Path]:
    """Return the folders of all names, oldest first."""
    return _oldest(_matching(peers, "*/*/"))


def _matching(peers: Path, pattern: str) -> list[Path]:
    """Return the folders in this one; none if we may not look: the next use reports why."""
    try:
        return list(peers.glob(pattern))
    except OSError:
        return []


def _oldest(folders: Iterable[Path]) -> list[Path]:
    made = [(when, one) for one in folders if (when := _made(one)) is not None]
    return [one for _, one in sorted(made)[:FOLDERS_MOST]]


def folder_by_key(peers: Path, name: str, fingerprint: str) -> Path:
    """Return the one folder of a name in the community with this key: together one identity."""
    return peers / fingerprint.replace(" ", "") / _file_name(name)


def folder_by_address(peers: Path, name: str, directory: "Address") -> Path:
    """Return the folder to use as long as nobody knows which community is there."""
    host = directory.host.lower().replace("/", "_").replace(":", "_")
    return peers / f"{host}_{directory.port}" / _file_name(name)


def _file_name(name: str) -> str:
    return name.lower()


def _made(folder: Path) -> float | None:
    for file in (KEY_FILE, VAULT_FILE):
        try:
            return (folder / file).stat().st_mtime
        except (OSError, ValueError):  # ValueError: for a name that no file can have
            pass
    return None
