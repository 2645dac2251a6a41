"""Files in chunks: what the real disk and the fake one both promise, and what only one has."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import trio

from shared.disk import FolderDisk
from shared.errors import StorageError
from shared.world import FILE_CHUNK_BYTES, Disk
from tests.kit.full_disk import no_file_larger_than
from tests.kit.world import MemoryDisk

LONG = os.urandom(5 * FILE_CHUNK_BYTES // 2)


@pytest.fixture(params=[FolderDisk, lambda _: MemoryDisk()], ids=["real", "fake"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    make: Callable[[Path], Disk] = request.param
    return make(tmp_path)


async def write(disk: Disk, name: str, content: bytes) -> None:
    with closing(disk.create(name)) as file:
        for start in range(0, len(content), FILE_CHUNK_BYTES):
            await file.write(content[start : start + FILE_CHUNK_BYTES])
        await file.finish()


async def read(disk: Disk, name: str) -> bytes | None:
    file = disk.open(name)
    if file is None:
        return None
    content = bytearray()
    with closing(file):
        while chunk := await file.read():
            assert len(chunk) <= FILE_CHUNK_BYTES
            content += chunk
        assert file.size == len(content)
    return bytes(content)


# --- Both -------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"short", LONG])
async def test_what_is_written_is_read(disk: Disk, content: bytes) -> None:
    assert await read(disk, "photo.jpg") is None
    await write(disk, "photo.jpg", content)
    assert await read(disk, "photo.jpg") == content
    assert disk.read("photo.jpg") == content


async def test_nobody_sees_a_file_before_it_is_finished(disk: Disk) -> None:
    with closing(disk.create("fresh")) as fresh, closing(disk.create("other")) as other:
        await fresh.write(b"new")
        await other.write(b"new")
        assert disk.open("fresh") is None
        await fresh.finish()
    assert await read(disk, "fresh") == b"new"
    assert disk.open("other") is None, "it was given up"


async def test_a_file_is_replaced_in_one_step_and_who_reads_it_reads_on(disk: Disk) -> None:
    await write(disk, "photo.jpg", LONG)
    before = disk.open("photo.jpg")
    assert before is not None
    with closing(before):
        first = await before.read()
        with closing(disk.create("photo.jpg")) as file:
            await file.write(b"new")
            assert disk.read("photo.jpg") == LONG
            await file.finish()
        assert await read(disk, "photo.jpg") == b"new"
        rest = bytearray()
        while chunk := await before.read():
            rest += chunk
    assert first + rest == LONG


async def test_one_file_has_one_writer(disk: Disk) -> None:
    first = disk.create("photo.jpg")
    with pytest.raises(StorageError, match=r"photo\.jpg is being written already$"):
        disk.create("photo.jpg")
    first.close()
    first.close()
    await write(disk, "photo.jpg", b"second")
    await write(disk, "photo.jpg", b"third")
    assert disk.read("photo.jpg") == b"third"


async def test_a_chunk_is_not_too_large(disk: Disk) -> None:
    with closing(disk.create("photo.jpg")) as file:
        await file.write(bytes(FILE_CHUNK_BYTES))
        with pytest.raises(ValueError, match=r"a chunk has at most"):
            await file.write(bytes(FILE_CHUNK_BYTES + 1))


@pytest.mark.parametrize("name", ["", ".", "..", "../key", "/etc/passwd", "a/b", ".part", "a\0b"])
async def test_a_name_leads_nowhere_else(disk: Disk, name: str) -> None:
    for way in (disk.open, disk.create):
        with pytest.raises(StorageError, match=r"^a file cannot be called "):
            way(name)


async def test_a_closed_file_is_neither_read_nor_written(disk: Disk) -> None:
    file = disk.create("photo.jpg")
    await file.finish()
    again = disk.open("photo.jpg")
    assert again is not None
    again.close()
    for way in (again.read, file.finish, lambda: file.write(b"more")):
        with pytest.raises(trio.ClosedResourceError):
            await way()


# --- The fake one -------------------------------------------------------------------------


async def test_a_full_disk_in_memory() -> None:
    disk = MemoryDisk()
    await write(disk, "photo.jpg", b"old")
    with closing(disk.create("photo.jpg")) as file:
        await file.write(b"new")
        disk.is_full = True
        for way in (file.finish, lambda: file.write(b"more")):
            with pytest.raises(StorageError, match=r"no space left"):
                await way()
    assert disk.read("photo.jpg") == b"old"


async def test_a_killed_program_leaves_no_writer() -> None:
    disk = MemoryDisk()
    dead = disk.create("photo.jpg")
    disk.unlock()
    with closing(disk.create("photo.jpg")):
        dead.close()
        with pytest.raises(StorageError):
            disk.create("photo.jpg")


# --- The real one -------------------------------------------------------------------------


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def test_a_full_disk(tmp_path: Path) -> None:
    disk = FolderDisk(tmp_path)
    await write(disk, "photo.jpg", b"old")
    with closing(disk.create("photo.jpg")) as file:
        too_large = pytest.raises(StorageError, match=r"cannot use .*: file too large")
        with no_file_larger_than(1_000), too_large:
            await file.write(LONG[:2_000])
    assert files(tmp_path) == {"photo.jpg"}
    assert disk.read("photo.jpg") == b"old"


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(FolderDisk(tmp_path).create("photo.jpg")) as file:
            part = tmp_path / ".photo.jpg.part"
            assert part.stat().st_mode & 0o777 == 0o600
            await file.finish()
    finally:
        os.umask(before)
    assert (tmp_path / "photo.jpg").stat().st_mode & 0o777 == 0o600


async def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    disk, secret = FolderDisk(tmp_path / "own"), tmp_path / "secret"
    secret.write_bytes(b"secret")
    for name in ("photo.jpg", ".photo.jpg.part"):
        (disk.folder / name).symlink_to(secret)
    with pytest.raises(StorageError, match=r"cannot read .*photo\.jpg: it is a symbolic link"):
        disk.open("photo.jpg")
    await write(disk, "photo.jpg", b"mine")
    assert secret.read_bytes() == b"secret"
    assert not (disk.folder / "photo.jpg").is_symlink()


async def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("folder", "pipe"):
        with pytest.raises(StorageError):
            FolderDisk(tmp_path).open(name)
    with pytest.raises(StorageError, match=r"cannot write .*: no such file"):
        FolderDisk(tmp_path / "nowhere").create("photo.jpg")


@pytest.mark.parametrize("step", ["fsync", "rename"])
async def test_what_fails_at_the_end_leaves_the_old_file(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    disk = FolderDisk(tmp_path)
    await write(disk, "photo.jpg", b"old")
    with closing(disk.create("photo.jpg")) as file:
        await file.write(b"new")
        monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
        with pytest.raises(StorageError, match=r"input/output error$"):
            await file.finish()
    assert files(tmp_path) == {"photo.jpg"}
    assert disk.read("photo.jpg") == b"old"


async def test_a_file_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def noting(step: str, original: Callable[..., object]) -> Callable[..., object]:
        def noted(*arguments: object) -> object:
            steps.append(step)
            return original(*arguments)

        return noted

    with closing(FolderDisk(tmp_path).create("photo.jpg")) as file:
        monkeypatch.setattr(os, "fsync", noting("fsync", os.fsync))
        monkeypatch.setattr(Path, "rename", noting("rename", Path.rename))
        await file.finish()
    assert steps == ["fsync", "rename", "fsync"]


async def test_what_a_crash_has_left_is_written_anew(tmp_path: Path) -> None:
    file = FolderDisk(tmp_path).create("photo.jpg")
    await file.write(LONG[:FILE_CHUNK_BYTES])
    assert files(tmp_path) == {".photo.jpg.part"}
    with closing(file):  # by another program, whose folder it is now
        await write(FolderDisk(tmp_path), "photo.jpg", b"new")
        assert files(tmp_path) == {"photo.jpg"}
    assert FolderDisk(tmp_path).read("photo.jpg") == b"new"
