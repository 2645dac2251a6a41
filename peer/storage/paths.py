"""Find the folder of a user's key and journal.

Folders are named after the address of the directory; `peer.program.community_folder`
knows which of them belongs to a community that now answers at another address.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from platformdirs import user_data_path

if TYPE_CHECKING:
    from shared.world import Address  # imports trio, for which a start need not wait here

KEY_FILE: Final = "key"
OTHERS_MOST: Final = 100  # folders of one name: each is looked into
VAULT_FILE: Final = "vault"  # exists when a passphrase is set: the key that it opens


def is_set(folder: Path) -> bool:
    """Whether there is a passphrase."""
    return (folder / VAULT_FILE).is_symlink() or (folder / VAULT_FILE).exists()


def folder_for(arguments: argparse.Namespace) -> Path | None:
    """Return the folder that the command line means; None if it neither says nor offers one."""
    if arguments.data:
        return Path(arguments.data).expanduser()
    try:
        return _folder(_said(arguments, "name"), *directory_for(arguments))
    except KeyError:
        return None


def directory_for(arguments: argparse.Namespace) -> tuple[str, int]:
    """Return host and port that it says or offers.  Raises KeyError if it does neither."""
    return _said(arguments, "host"), _said(arguments, "port")


def _said(arguments: argparse.Namespace, word: str) -> Any:
    value = getattr(arguments, word)
    return arguments.offered[word] if value is None else value


def others_of(folder: Path) -> list[Path]:
    """Return the folders with a key of the same name at other addresses, the oldest key first."""
    beside = folder.parent.parent.glob("*/")
    others = [one / folder.name for one in beside if one != folder.parent]
    made = [(when, one) for one in others if (when := _key_made(one)) is not None]
    return [one for _, one in sorted(made)[:OTHERS_MOST]]


def _key_made(folder: Path) -> float | None:
    try:
        return (folder / KEY_FILE).stat().st_mtime
    except (OSError, ValueError):  # ValueError: for a name that no file can have
        return None


def folder_of(name: str, directory: "Address") -> Path:
    """Return the one folder of a name at a directory: together these are one identity."""
    return _folder(name, directory.host, directory.port)


def _folder(name: str, host: str, port: int) -> Path:
    host = host.lower().replace("/", "_").replace(":", "_")
    return user_data_path("parley") / "peers" / f"{host}_{port}" / name.lower()
