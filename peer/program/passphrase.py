"""Ask for, set, change and remove the passphrase of a data folder.

This is done before or without the rest of the program: nothing else uses the terminal or
the folder then.  The wrapped key records how far the other files are, so that the start
after a crash completes what was begun, and one passphrase, the old or the new, fits.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

from peer.console.codes import Code
from peer.storage.paths import VAULT_FILE, is_set
from peer.storage.vault import CLEAR, SealState, Vault, WrongPassphrase, new_key, unwrap, wrap
from shared.arguments import USAGE_ERROR, Parser
from shared.disk import FolderDisk
from shared.errors import ParleyError, Refused
from shared.private import check_folder
from shared.process import write_out
from shared.wording import system_reason

TRIES: Final = 3  # at a terminal, as many as ssh allows
FILE_BYTES: Final = 4_096  # read from a passphrase file, for its first line
TERMINAL: Final = "/dev/tty"
INTERRUPTED: Final = 130


class Source(NamedTuple):
    """A source of passphrases.

    `read` gets the question to show, and raises Refused when there can be no answer.
    """

    read: Callable[[str], str]
    is_person: bool  #: a person may mistype, and does not see what they type


# --- From the command line ---


def unlock_for(arguments: argparse.Namespace, folder: Path) -> Vault:
    """Return the vault of this folder; end the program, with one line, if it stays closed."""
    whose = f" for {arguments.name}" if arguments.name and arguments.name.isprintable() else ""
    with _fault_border():
        return unlock(folder, _source(arguments.passphrase_file), f"Passphrase{whose}: ")


def change_for(arguments: argparse.Namespace, folder: Path | None) -> int:
    """Perform `peer NAME HOST PORT --passphrase`; return the exit code."""
    if folder is None:
        Parser("peer").error("whose passphrase? NAME, HOST and PORT, or --data, are required")
    old, new = arguments.passphrase_file, arguments.new_passphrase_file
    with _fault_border():
        said = change(folder, _source(old), _source(new or (None if is_set(folder) else old)))
    write_out(f"{said}\n")
    return 0


@contextmanager
def _fault_border() -> Iterator[None]:
    """Turn what the user can cause into one line on stderr and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        print(file=sys.stderr)
        sys.exit(INTERRUPTED)
    except ParleyError as failure:
        print(f"peer: {str(failure).removesuffix('.')}.", file=sys.stderr)
        is_wrong = isinstance(failure, WrongPassphrase)
        sys.exit(Code.REFUSED if is_wrong else USAGE_ERROR)


def _source(file: str | None) -> Source:
    if file is None:
        return Source(_ask, is_person=True)
    path = Path(file).expanduser()
    return Source(lambda _: _first_line(path), is_person=False)


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            line = file.read(FILE_BYTES).split(b"\n")[0].removesuffix(b"\r")
    except OSError as error:
        raise Refused(
            f"cannot read the passphrase from {path}: {system_reason(error)}", "USAGE"
        ) from error
    return line.decode(errors="surrogateescape")


def _ask(question: str) -> str:
    """Ask at the terminal that started the program, wherever its input comes from."""
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        raise Refused(
            "nobody can be asked for the passphrase: name the file that holds it"
            " with --passphrase-file",
            "USAGE",
        ) from None
    # Without this handler, Ctrl-C would leave a terminal that does not show what is typed.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return getpass(question)
    except EOFError:
        print(file=sys.stderr)
        raise Refused("no passphrase was given", "USAGE") from None
    finally:
        signal.signal(signal.SIGINT, before)


# --- On a folder ---


def unlock(folder: Path, source: Source, question: str = "Passphrase: ") -> Vault:
    """Return the vault of this folder; complete a change that a crash has cut off.

    Raise WrongPassphrase after three tries (with a file: one), StorageError, Refused.
    """
    check_folder(folder)
    disk = FolderDisk(folder)
    content = disk.read(VAULT_FILE)
    if content is None:
        return CLEAR
    key, state, passphrase = _opened(content, source, question)
    if state is SealState.SEALED:
        return Vault(key)
    with _locked(disk):
        return _take_up(disk, passphrase)


def change(folder: Path, source: Source, new_source: Source) -> str:
    """Set or change the passphrase, or remove it if the new one is empty; return what was done.

    Raise what `unlock` raises; Refused when a program runs on this folder.
    """
    disk = FolderDisk(folder)
    with _locked(disk):
        content = disk.read(VAULT_FILE)
        key = None
        if content is not None:
            _, _, old = _opened(content, source, "Passphrase: ")
            if _take_up(disk, old) is not CLEAR:
                key, _ = unwrap(disk.read(VAULT_FILE) or b"", old)
        new = _new_one(new_source)
        if key is None and not new:
            return "There is no passphrase: the key and what was said lie in clear."
        if key is None:
            disk.write(VAULT_FILE, wrap(new_key(), new, SealState.SEALING))
            _take_up(disk, new)
            return "The key and what was said are sealed with the passphrase."
        if new:
            disk.write(VAULT_FILE, wrap(key, new, SealState.SEALED))
            return "The passphrase is changed."
        disk.write(VAULT_FILE, wrap(key, old, SealState.OPENING))
        _take_up(disk, old)
        return "The passphrase is removed: the key and what was said lie in clear."


def _opened(content: bytes, source: Source, question: str) -> tuple[bytes, SealState, str]:
    again = f"That is not the passphrase. {question}"
    for left in reversed(range(TRIES if source.is_person else 1)):
        passphrase = source.read(question)
        try:
            return *unwrap(content, passphrase), passphrase
        except WrongPassphrase:
            if not left:
                raise
        question = again
    raise AssertionError("unreachable")


def _new_one(source: Source) -> str:
    """Return a new passphrase; a person types it twice, since it is not shown."""
    question = "New passphrase (empty: none): "
    for _ in range(TRIES):
        new = source.read(question)
        if not source.is_person or source.read("The same once more: ") == new:
            return new
        question = "These were two different ones. New passphrase (empty: none): "
    raise Refused("nothing was changed: the new passphrase was never typed alike", "USAGE")


@contextmanager
def _locked(disk: FolderDisk) -> Iterator[None]:
    disk.lock()
    try:
        yield
    finally:
        disk.unlock()


def _files() -> ModuleType:
    import peer.storage.file_seals  # noqa: PLC0415  # the whole program, which loads later

    return peer.storage.file_seals


def _take_up(disk: FolderDisk, passphrase: str) -> Vault:
    """Bring the other files to the state in the wrapped key; each step may be done twice."""
    key, state = unwrap(disk.read(VAULT_FILE) or b"", passphrase)
    vault = Vault(key)
    match state:
        case SealState.SEALING:
            _files().seal_files(disk, vault)
            disk.write(VAULT_FILE, wrap(key, passphrase, SealState.SEALED))
        case SealState.OPENING:
            _files().open_files(disk, vault)
            disk.remove(VAULT_FILE)
            return CLEAR
    return vault
