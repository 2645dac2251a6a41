"""Seal or open all files of a folder with secrets together; each step may be done twice."""

from peer.storage.input_history import FILE as TYPED_FILE
from peer.storage.input_history import rewritten
from peer.storage.paths import KEY_FILE
from peer.storage.schema import FILE as JOURNAL_FILE
from peer.storage.schema import opened
from peer.storage.sealed_journal import open_again, seal
from peer.storage.vault import CLEAR, Vault, open_key, seal_key
from shared.disk import FolderDisk


def seal_files(disk: FolderDisk, vault: Vault) -> None:
    """Seal all files.  Raises StorageError; then some may be sealed, and some not."""
    if (content := disk.read(KEY_FILE)) is not None:
        disk.write_over(KEY_FILE, seal_key(open_key(content, vault), vault))
    if (typed := disk.read(TYPED_FILE)) is not None:
        disk.write_over(TYPED_FILE, rewritten(typed, vault, vault))
    if (disk.folder / JOURNAL_FILE).exists():
        opened(disk, lambda db: seal(db, vault)).close()


def open_files(disk: FolderDisk, vault: Vault) -> None:
    """Open all files.  Raises StorageError; then some may be open, and some not."""
    if (disk.folder / JOURNAL_FILE).exists():
        opened(disk, lambda db: open_again(db, vault)).close()
    if (typed := disk.read(TYPED_FILE)) is not None:
        disk.write(TYPED_FILE, rewritten(typed, vault, CLEAR))
    if (content := disk.read(KEY_FILE)) is not None:
        disk.write(KEY_FILE, open_key(content, vault))
