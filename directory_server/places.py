"""Find where a directory keeps its data, and where its options may stand."""

import argparse
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from platformdirs import user_config_path, user_data_path

from directory_server.arguments import parse


def config_file() -> Path:
    return user_config_path("parley") / "dirserver.toml"


def folder_of(data: str | None) -> Path:
    """Return the data folder: the chosen one, or the user's own.

    `data` may begin with ~, which no shell has replaced in a file or a variable.
    """
    if data is None:
        return user_data_path("parley") / "directory"
    folder = Path(data)
    with suppress(RuntimeError):  # there is no such user, so it is a name like any other
        folder = folder.expanduser()
    return folder


def data_of(data: str | None, environment: Mapping[str, str]) -> Path:
    """Return the data folder that a directory with these options would use."""
    if data is None:
        options: argparse.Namespace = parse(["--list"], environment, config_file())
        data = options.data
    return folder_of(data)
