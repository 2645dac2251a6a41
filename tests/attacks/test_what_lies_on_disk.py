"""No other user of the machine reads, changes or misdirects what the programs keep on disk."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from peer.program.settings import remember
from peer.storage.input_history import InputHistory
from shared.disk import FolderDisk
from shared.errors import StorageError
from shared.private import make_folder

ROOT = Path(__file__).parents[2]
SOMEBODY = 65_534  # a user that is neither us nor root
PR_GET_DUMPABLE = 3

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FolderDisk]:
    disk = FolderDisk(tmp_path / "folder")
    disk.lock()
    yield disk
    disk.unlock()


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def run(words: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# --- Folders -----------------------------------------------------------------------------


@pytest.mark.usefixtures("no_umask")
def test_all_folders_that_are_made_are_for_their_owner_only(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b" / "c")
    made = [tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"]
    assert [mode(one) for one in made] == [0o700] * 3


@pytest.mark.usefixtures("no_umask")
def test_the_folders_of_an_older_program_are_closed_up_to_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "share" / "parley" / "peers" / "host_5000" / "carol"
    folder.mkdir(parents=True, mode=0o755)
    (tmp_path / "share").chmod(0o755)
    make_folder(folder, tmp_path / "share" / "parley")
    assert {mode(one) for one in (folder, *folder.parents[:3])} == {0o700}
    assert mode(tmp_path / "share") == 0o755  # other programs' folders lie there too


@pytest.mark.parametrize("open_to", [0o770, 0o707, 0o777, 0o1777])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, open_to: int) -> None:
    tmp_path.chmod(open_to)
    with pytest.raises(StorageError, match="other users may write to the folder"):
        FolderDisk(tmp_path).lock()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_others_may_read_is_taken(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    disk = FolderDisk(tmp_path)
    disk.lock()
    disk.unlock()


@only_root
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, SOMEBODY, SOMEBODY)
    with pytest.raises(StorageError, match="belongs to another user"):
        FolderDisk(tmp_path).lock()


@pytest.mark.parametrize(
    "words",
    [
        ["directory_server", "0", "--host", "127.0.0.1", "--data"],
        ["peer", "carol", "127.0.0.1", "1", "--plain", "--data"],
    ],
    ids=["dirserver", "peer"],
)
def test_both_programs_end_with_one_sentence_and_code_2(tmp_path: Path, words: list[str]) -> None:
    tmp_path.chmod(0o777)
    ended = run([*words, str(tmp_path)])
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "other users may write to the folder" in line
    assert list(tmp_path.iterdir()) == []


def test_no_command_is_handed_to_a_socket_that_somebody_else_may_have_put_there(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o777)
    ended = run(["peer", "carol", "127.0.0.1", "1", "--data", str(tmp_path), "USERS"])
    assert ended.returncode == 2
    assert "other users may write to the folder" in ended.stderr


# --- Links -------------------------------------------------------------------------------


def test_a_link_where_a_new_key_goes_is_not_followed(disk: FolderDisk, tmp_path: Path) -> None:
    target = tmp_path / "letter"
    target.write_text("dear diary")
    (disk.folder / "key.new").symlink_to(target)
    disk.write("key", b"secret")
    assert target.read_text() == "dear diary"
    assert disk.read("key") == b"secret"
    assert not (disk.folder / "key").is_symlink()


def test_a_link_in_place_of_a_file_is_refused(disk: FolderDisk, tmp_path: Path) -> None:
    target = tmp_path / "theirs"
    target.write_bytes(b"")
    target.chmod(0o600)
    for name in ("key", "journal.db", "typed", "other.db-wal"):
        (disk.folder / name).symlink_to(target)
    with pytest.raises(StorageError, match="it is a symbolic link"):
        disk.read("key")
    for name in ("journal.db", "other.db"):
        with pytest.raises(StorageError, match="it is a symbolic link"):
            disk.database(name)
    with pytest.raises(OSError, match="it is a symbolic link"):
        InputHistory(disk.folder)
    assert target.read_bytes() == b""


def test_a_link_in_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "made")
    with pytest.raises(StorageError, match="it is a symbolic link"):
        FolderDisk(tmp_path).lock()
    assert not (tmp_path / "made").exists()


def test_a_link_beside_the_settings_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "letter"
    target.write_text("dear diary")
    (tmp_path / "config.toml.new").symlink_to(target)
    remember(tmp_path / "config.toml", "carol", "localhost", 5000)
    assert target.read_text() == "dear diary"
    assert mode(tmp_path / "config.toml") == 0o600


def test_a_pipe_in_place_of_a_key_is_no_key(disk: FolderDisk) -> None:
    os.mkfifo(disk.folder / "key", 0o600)
    with pytest.raises(StorageError, match="it is no file"):
        disk.read("key")


# --- Files -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["key", "authority"])
def test_a_key_that_others_may_read_is_closed_and_told(
    disk: FolderDisk, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (disk.folder / name).write_bytes(b"secret")
    (disk.folder / name).chmod(0o644)
    assert disk.read(name) == b"secret"
    assert mode(disk.folder / name) == 0o600
    (record,) = caplog.records
    assert record.levelname == "ERROR"  # so that it is on stderr without --verbose
    assert f"{name} was open to other users" in record.message


@only_root
def test_a_key_of_somebody_else_is_refused(disk: FolderDisk) -> None:
    disk.write("key", b"secret")
    os.chown(disk.folder / "key", SOMEBODY, SOMEBODY)
    with pytest.raises(StorageError, match="it belongs to another user"):
        disk.read("key")


def test_the_one_line_stands_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"damaged")
    (tmp_path / "key").chmod(0o604)
    ended = run(["peer", "carol", "127.0.0.1", "1", "--plain", "--data", str(tmp_path)])
    assert ended.returncode == 2
    first, _damaged = ended.stderr.splitlines()
    assert first == f"peer: {tmp_path}/key was open to other users; it is closed to them now"


# --- Memory ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("peer", ["carol", "127.0.0.1", "1", "HELP"]),
        ("directory_server", ["0", "--data", "/dev/null"]),
    ],
    ids=["peer", "dirserver"],
)
def test_no_crash_writes_the_memory_of_a_program_to_a_disk(program: str, words: list[str]) -> None:
    """Whatever the one who starts it allows."""
    play = (
        "import ctypes, resource, sys\n"
        f"from {program}.__main__ import main\n"
        "_, most = resource.getrlimit(resource.RLIMIT_CORE)\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (most, most))\n"
        f"sys.argv[1:] = {words!r}\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "is_dumpable = 0\n"
        "if sys.platform == 'linux':\n"
        f"    is_dumpable = ctypes.CDLL(None).prctl({PR_GET_DUMPABLE})\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE), is_dumpable)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", play],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.splitlines()[-1] == "(0, 0) 0"
