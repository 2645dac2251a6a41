"""Where a user's key and journal lie."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from platformdirs import user_data_path

if TYPE_CHECKING:
    from shared.world import Address  # with trio, for which a start need not wait here

VAULT_FILE: Final = "vault"  # is there when a passphrase is set: what it opens


def is_set(folder: Path) -> bool:
    """Whether there is a passphrase."""
    return (folder / VAULT_FILE).is_symlink() or (folder / VAULT_FILE).exists()


def folder_for(arguments: argparse.Namespace) -> Path | None:
    """The one that the command line means, as far as it says so or offers it."""
    if arguments.data:
        return Path(arguments.data).expanduser()
    said = {**arguments.offered, **{k: v for k, v in vars(arguments).items() if v is not None}}
    try:
        return _folder(said["name"], said["host"], said["port"])
    except KeyError:
        return None


def folder_of(name: str, directory: "Address") -> Path:
    """A name at a directory is one identity, so it has one folder."""
    return _folder(name, directory.host, directory.port)


def _folder(name: str, host: str, port: int) -> Path:
    host = host.lower().replace("/", "_").replace(":", "_")
    return user_data_path("parley") / "peers" / f"{host}_{port}" / name.lower()
