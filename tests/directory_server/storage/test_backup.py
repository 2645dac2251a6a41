"""A backup: whole, for its owner only, and while the directory writes."""

import os
import re
import stat
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import trio

from directory_server.core.registry import User
from directory_server.core.tombstones import Validity
from directory_server.storage import backup
from directory_server.storage.backup import UNFINISHED, back_up
from directory_server.storage.founding import AUTHORITY_FILE, find, mark_names
from directory_server.storage.sqlite import FILE, SqliteStore
from directory_server.storage.store import Newcomer, Posted
from directory_server.storage.store_mark import STORE_FILE, is_elsewhere, mark_elsewhere
from shared.disk import FolderDisk
from shared.errors import Refused, StorageError
from tests.kit.stores import drop

KEY = bytes(32)


class Kept:
    """A store on a real disk, with two users."""

    def __init__(self, disk: FolderDisk, store: SqliteStore, users: list[User]) -> None:
        self.disk, self.store, self.users = disk, store, users

    async def leaves(self, number: int) -> None:
        """One message goes from the first user to the second."""
        one, two = self.users
        envelope = number.to_bytes(16, "big").hex()
        await drop(self.store, one.id, [Posted(envelope, two.id, two.name, b"x" * 500)], 1.0, 1.0)


@pytest.fixture
async def kept(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Kept]:
    disk = FolderDisk(tmp_path / "data")
    disk.lock()
    store = SqliteStore(disk)
    found = await find(disk, store, lambda size: b"s" * size, found_anew=False)
    await nursery.start(store.run)
    assert found.is_new
    users = [
        await store.register(Newcomer(name, KEY, KEY, bytes(64), b"", Validity()), 1.0, 1.0)
        for name in ("carol", "dave")
    ]
    mark_names(disk, exist=True)
    yield Kept(disk, store, users)
    disk.unlock()


async def opened(folder: Path) -> SqliteStore:
    """Open a backup as a directory does."""
    disk = FolderDisk(folder)
    store = SqliteStore(disk)
    await find(disk, store, lambda _: b"", found_anew=False)
    return store


async def test_a_backup_is_a_data_folder(kept: Kept, tmp_path: Path) -> None:
    await kept.leaves(1)
    size = back_up(kept.disk, tmp_path / "backup")
    files = {one.name: one for one in (tmp_path / "backup").iterdir()}
    assert set(files) == {FILE, AUTHORITY_FILE, "names"}
    assert {stat.S_IMODE(one.stat().st_mode) for one in files.values()} == {0o600}
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o700
    assert size == sum(one.stat().st_size for one in files.values())
    copy = await opened(tmp_path / "backup")
    assert [user.name for user in await copy.users()] == ["carol", "dave"]
    assert await copy.waiting(kept.users[1].id) == 1
    copy.close()


async def test_writes_go_on_beside_it_and_it_holds_one_moment(kept: Kept, tmp_path: Path) -> None:
    """What was promised before the backup began is in it; writes do not wait for its end."""
    promised = 0
    copied = False

    async def copy() -> None:
        nonlocal copied
        await kept.disk.run(partial(back_up, kept.disk, tmp_path / "backup"))
        copied = True

    for _ in range(10):
        await kept.leaves(promised)
        promised += 1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(copy)
        while not copied and promised < 90:  # 100 are the limit of one sender
            await kept.leaves(promised)
            promised += 1
    written = await opened(tmp_path / "backup")
    assert 10 <= await written.waiting(kept.users[1].id) <= promised
    written.close()


async def test_where_names_are_in_postgresql_only_the_key_is_backed_up(
    kept: Kept, tmp_path: Path
) -> None:
    assert not is_elsewhere(kept.disk)
    mark_elsewhere(kept.disk)
    back_up(kept.disk, tmp_path / "backup")
    assert sorted(os.listdir(tmp_path / "backup")) == [AUTHORITY_FILE, "names", STORE_FILE]
    copy = FolderDisk(tmp_path / "backup")
    assert is_elsewhere(copy)
    assert copy.read(AUTHORITY_FILE) == kept.disk.read(AUTHORITY_FILE)


async def test_a_backup_overwrites_nothing(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for folder, why in (
        (Path("/"), "^/ exists already"),
        (tmp_path / "there", "exists already"),
        (tmp_path / "link", "exists already"),
        (tmp_path / "missing" / "backup", "there is no folder"),
        (Path("relative"), "must be named from the root on"),
    ):
        with pytest.raises(Refused, match=why):
            back_up(kept.disk, folder)


async def test_a_place_where_the_directory_may_not_write_is_told_with_one_where_it_may(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    place = re.escape(kept.disk.place)
    with pytest.raises(Refused, match=f"may not write to .*: name a new folder in {place}, and"):
        back_up(kept.disk, tmp_path / "backup")


async def test_a_folder_that_cannot_be_looked_at_is_told(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(_: object) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", closed)
    with pytest.raises(StorageError, match="cannot be written: permission denied"):
        back_up(kept.disk, tmp_path / "backup")


async def test_a_backup_that_cannot_be_begun_says_so_without_a_name_of_ours(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:  # as in /proc
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "mkdir", fails)
    with pytest.raises(StorageError) as error:
        back_up(kept.disk, tmp_path / "backup")
    assert str(error.value) == "the backup cannot be written: no such file or directory"


async def test_what_is_in_the_way_of_a_backup_is_told(kept: Kept, tmp_path: Path) -> None:
    """Somebody else of the machine could have put it there."""
    unfinished = tmp_path / f"backup{UNFINISHED}"
    unfinished.symlink_to(tmp_path)
    with pytest.raises(StorageError, match=f"{re.escape(str(unfinished))} is in its way"):
        back_up(kept.disk, tmp_path / "backup")
    assert sorted(os.listdir(tmp_path)) == [unfinished.name, "data"]


async def test_a_backup_that_fails_leaves_nothing_behind(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    unfinished = tmp_path / f"backup{UNFINISHED}"
    os.mkdir(unfinished)  # of one that was killed
    with monkeypatch.context() as patch:
        patch.setattr(backup, "sync", fails)
        with pytest.raises(StorageError, match="no space left"):
            back_up(kept.disk, tmp_path / "backup")
    assert os.listdir(tmp_path) == ["data"]
    back_up(kept.disk, tmp_path / "backup")
    assert sorted(os.listdir(tmp_path)) == ["backup", "data"]
