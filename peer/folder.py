"""Where a user's key and journal lie."""

from pathlib import Path

from platformdirs import user_data_path

from shared.world import Address


def folder_of(name: str, directory: Address) -> Path:
    """A name at a directory is one identity, so it has one folder."""
    host = directory.host.lower().replace("/", "_").replace(":", "_")
    return user_data_path("parley") / "peers" / f"{host}_{directory.port}" / name.lower()
