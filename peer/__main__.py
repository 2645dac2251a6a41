"""The entry point of `peer [NAME HOST PORT [COMMAND...]]`."""

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shared.process import end_when_interrupted, forbid_core_dumps

if TYPE_CHECKING:
    import argparse

    from peer.program.lifecycle import Lifecycle


def main() -> None:
    end_when_interrupted()
    gc.disable()  # imported objects stay anyway; this saves a tenth of the time
    from peer.program.arguments import parse  # noqa: PLC0415

    arguments = parse(sys.argv[1:])
    forbid_core_dumps()
    # The imports below take half a second; a wrong argument is reported before them.
    from peer.program.settings import complete, config_file  # noqa: PLC0415

    at_terminal = os.isatty(0) and os.isatty(1)
    complete(arguments, os.environ, config_file(), at_terminal=at_terminal)
    _open(arguments)
    from peer.program.lifecycle import run  # noqa: PLC0415

    sys.exit(run(arguments, _perform))


def _open(arguments: "argparse.Namespace") -> None:
    """Set, change or ask for the passphrase, while nothing else uses the terminal."""
    from peer.storage.paths import is_set  # noqa: PLC0415

    folder = _find_folder(arguments)
    arguments.vaults = {}
    if not arguments.passphrase and (folder is None or not is_set(folder)):
        return
    from peer.program import control, passphrase  # noqa: PLC0415

    if arguments.passphrase:
        sys.exit(passphrase.change_for(arguments, folder))
    elif folder is not None and not (arguments.command and control.is_heard(folder)):
        arguments.vaults[folder] = passphrase.unlock_for(arguments, folder)


def _find_folder(arguments: "argparse.Namespace") -> "Path | None":
    """Return the folder that the command line means; None if no passphrase can be meant."""
    from peer.storage import paths  # noqa: PLC0415

    arguments.found = {}
    if arguments.find:
        return None
    if arguments.data:
        return Path(arguments.data).expanduser()
    peers = paths.peers_folder()
    try:
        name = paths.name_for(arguments)
    except KeyError:
        return None
    try:
        where = paths.directories_for(arguments)
    except KeyError:
        sealed = [one for one in paths.folders_of(peers, name) if paths.is_set(one)]
        return sealed[0] if len(sealed) == 1 and not arguments.passphrase else None
    if not arguments.passphrase and not any(map(paths.is_set, paths.folders_of(peers, name))):
        return None
    import trio  # noqa: PLC0415  # a third of a second, only for users of a passphrase

    from peer.program.community_folder import find  # noqa: PLC0415
    from shared.world import Address  # noqa: PLC0415

    directories = tuple(Address(*place) for place in where)
    found = arguments.found[name, directories] = trio.run(find, peers, name, directories)
    return found.folder


async def _perform(arguments: "argparse.Namespace", stage: "Lifecycle") -> int:
    from peer.program.program import Program  # noqa: PLC0415  # slow; the prompt is shown already

    gc.freeze()
    gc.enable()
    return await Program(arguments, stage).perform()


if __name__ == "__main__":
    main()
