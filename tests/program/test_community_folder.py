"""Which folder belongs to the community that answers at an address, and how it is named."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import trio

from peer.options import Options
from peer.program import community_folder
from peer.program.community_folder import FoundFolder, find
from peer.storage.paths import FOLDERS_MOST, KEY_FILE, VAULT_FILE, folders_of
from peer.storage.schema import FILE, opened
from shared.codec import encode
from shared.disk import FolderDisk
from shared.errors import KeyChanged
from shared.identity import Credentials, authority_key, fingerprint
from shared.messages.common import VERSION
from shared.messages.directory import Who
from shared.tls import TlsNetwork
from shared.world import Address, Incoming
from tests.kit.community import Community
from tests.kit.world import Authority

LOCAL = "127.0.0.1"
NOW = 4e9  # late, so that what is issued then is valid whenever this runs
OURS, THEIRS = Authority(0), Authority(1)
SILENT = Address(LOCAL, 1)  # nobody listens there
OUR_KEY, THEIR_KEY = (
    fingerprint(authority_key(one.certificate)).replace(" ", "") for one in (OURS, THEIRS)
)


@pytest.fixture
def peers(tmp_path: Path) -> Path:
    return tmp_path / "peers"


def used(folder: Path, address: str = "old:5000", authority: bytes = OURS.certificate) -> Path:
    """A folder of somebody who was registered there."""
    folder.mkdir(parents=True)
    (folder / KEY_FILE).write_bytes(bytes(64))
    opened(FolderDisk(folder), lambda _: None).close()
    with closing(sqlite3.connect(folder / FILE)) as journal:
        journal.execute("INSERT INTO directories VALUES (?, ?)", (address, authority))
        journal.commit()
    return folder


def sealed(folder: Path) -> Path:
    """A folder for which a passphrase was set, and which nobody has used."""
    folder.mkdir(parents=True)
    (folder / VAULT_FILE).touch()
    return folder


def is_there(folder: Path) -> bool:
    return folder.exists()


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


class Answering:
    """Somebody who answers as a directory does, and looks at what is said to them."""

    def __init__(self, shows: Credentials, says: bytes) -> None:
        self.network, self._says = TlsNetwork(), says
        self.network.present(shows)
        self.shown: list[bytes | None] = []
        self.heard = bytearray()

    async def answer(self, incoming: Incoming) -> None:
        wire = await incoming.secure()
        self.shown.append(wire.certificate)
        await wire.send_all(encode(Who(VERSION, self._says, bytes(32))))
        try:
            while data := await wire.receive_some():
                self.heard += data
        except (OSError, trio.BrokenResourceError):
            pass  # they cut it
        wire.abort()


async def asks(peers: Path, answering: Answering) -> tuple[FoundFolder, Address]:
    async with trio.open_nursery() as nursery:
        network = answering.network
        address: Address = await nursery.start(network.serve, LOCAL, 0, answering.answer)
        found = await find(peers, "carol", [address])
        nursery.cancel_scope.cancel()
    return found, address


def ours() -> Answering:
    return Answering(OURS.directory(), OURS.certificate)


def at(peers: Path, address: Address) -> Path:
    return peers / f"{address.host}_{address.port}" / "carol"


# --- Several directories ----------------------------------------------------------------


async def test_of_several_directories_one_that_was_met_decides(peers: Path) -> None:
    used(peers / THEIR_KEY / "carol", "elsewhere:1", THEIRS.certificate)
    folder = used(peers / OUR_KEY / "carol", "dir2:5001")
    named = [SILENT, Address("dir2", 5001), Address("elsewhere", 1)]
    assert await find(peers, "carol", named) == FoundFolder(folder)


async def test_of_several_directories_the_first_that_answers_is_asked(peers: Path) -> None:
    async with trio.open_nursery() as nursery:
        answering = ours()
        network = answering.network
        address: Address = await nursery.start(network.serve, LOCAL, 0, answering.answer)
        found = await find(peers, "carol", [SILENT, address])
        assert found == FoundFolder(peers / OUR_KEY / "carol", OURS.certificate)
        nursery.cancel_scope.cancel()
    silent = [Address(LOCAL, 2), SILENT]
    assert await find(peers, "dave", silent) == FoundFolder(peers / f"{LOCAL}_2" / "dave")


# --- Found ------------------------------------------------------------------------------


async def test_the_folder_of_a_community_that_has_moved_is_found(peers: Path) -> None:
    used(peers / THEIR_KEY / "carol", "elsewhere:1", THEIRS.certificate)
    folder, directory = used(peers / OUR_KEY / "carol"), ours()
    found, _ = await asks(peers, directory)
    assert found == FoundFolder(folder, OURS.certificate)
    assert directory.shown == [None]
    assert not directory.heard, "nobody learns who asks"


async def test_a_new_folder_is_named_by_the_key_of_the_community(peers: Path) -> None:
    used(peers / THEIR_KEY / "carol", "elsewhere:1", THEIRS.certificate)
    used(peers / OUR_KEY / "dave")
    found, _ = await asks(peers, ours())
    assert found == FoundFolder(peers / OUR_KEY / "carol", OURS.certificate)
    found, _ = await asks(peers, Answering(THEIRS.directory(), THEIRS.certificate))
    assert found.folder == peers / THEIR_KEY / "carol", "another community, whatever the address"


@pytest.mark.parametrize(
    ("shows", "says"),
    [
        (THEIRS.directory, OURS.certificate),
        (lambda: OURS.user("mallory", NOW)[1], OURS.certificate),
        (OURS.directory, THEIRS.certificate),
        (OURS.directory, b"no certificate"),
    ],
)
async def test_who_does_not_prove_to_be_its_directory_gets_no_folder_of_it(
    peers: Path, shows: Callable[[], Credentials], says: bytes
) -> None:
    used(peers / OUR_KEY / "carol")
    somebody = Answering(shows(), says)
    found, address = await asks(peers, somebody)
    assert found == FoundFolder(at(peers, address))
    assert b"carol" not in somebody.heard


async def test_an_address_that_is_known_needs_no_answer(peers: Path) -> None:
    folder = used(peers / OUR_KEY / "carol", str(SILENT))
    assert await find(peers, "Carol", [SILENT]) == FoundFolder(folder)


async def test_where_nobody_answers_the_folder_is_that_of_the_address(peers: Path) -> None:
    used(peers / OUR_KEY / "carol")
    assert await find(peers, "carol", [SILENT]) == FoundFolder(at(peers, SILENT))


async def test_another_name_and_a_damaged_journal_are_passed_over(peers: Path) -> None:
    used(peers / OUR_KEY / "dave", str(SILENT))
    damaged = used(peers / "older_5000" / "carol", str(SILENT))
    (damaged / FILE).write_bytes(b"no database" * 1_000)
    open_to_all = used(peers / "oldest_5000" / "carol", str(SILENT))
    open_to_all.chmod(0o777)
    assert await find(peers, "carol", [SILENT]) == FoundFolder(at(peers, SILENT))


async def test_who_answered_before_must_answer_when_we_register(community: Community) -> None:
    """Else the key of one community would be shown to another one."""
    carol = community.person("carol", Options(authority=OURS.certificate))
    with pytest.raises(KeyChanged, match=r"^The key of the directory at 10\.0\.0\.1:5000 has chan"):
        await carol.starts()


async def test_a_key_that_was_only_asked_for_is_shown_at_first_sight(community: Community) -> None:
    (dave,) = await community.start("dave")
    query = "SELECT authority FROM directories"
    ((authority,),) = dave.machine.disk.ask(FILE, query)
    carol = community.person("carol", Options(authority=authority))
    await carol.starts()
    key = fingerprint(authority_key(authority))
    await carol.sees(f"The directory's key is {key}: compare it with what dirserver printed.")


def test_folders_are_of_one_name_and_not_too_many(peers: Path) -> None:
    assert folders_of(peers, "carol") == []
    for number in range(FOLDERS_MOST + 5):
        key = peers / f"old_{number}" / "carol" / KEY_FILE
        key.parent.mkdir(parents=True)
        key.touch()
        os.utime(key, (number, number))
    (peers / "empty_5000" / "carol").mkdir(parents=True)
    (peers / "file_5000").touch()
    assert folders_of(peers, "Carol") == [peers / f"old_{n}" / "carol" for n in range(FOLDERS_MOST)]
    assert folders_of(peers, "ca\0rol") == []


# --- Moved ------------------------------------------------------------------------------


@pytest.fixture
def old(peers: Path) -> Path:
    """A folder of an earlier version, named by an address."""
    return used(at(peers, SILENT), str(SILENT))


async def test_a_folder_of_an_earlier_version_is_moved(peers: Path, old: Path) -> None:
    beside = used(old.parent / "dave", str(SILENT))
    named = peers / OUR_KEY / "carol"
    content = contents(old)
    assert await find(peers, "carol", [SILENT]) == FoundFolder(named)
    assert not is_there(old)
    assert beside.is_dir()
    assert content.items() <= contents(named).items()
    assert peers.joinpath(OUR_KEY).stat().st_mode & 0o777 == 0o700
    assert await find(peers, "carol", [SILENT]) == FoundFolder(named)
    await find(peers, "dave", [SILENT])
    assert not is_there(old.parent)


async def test_a_folder_that_is_found_by_asking_is_moved(peers: Path, old: Path) -> None:
    found, _ = await asks(peers, ours())
    assert found == FoundFolder(peers / OUR_KEY / "carol", OURS.certificate)
    assert not is_there(old)


@pytest.mark.parametrize("make", [sealed, lambda folder: used(folder, "x:1", b"none")])
async def test_a_folder_that_no_community_knows_becomes_that_of_its_address(
    peers: Path, make: Callable[[Path], Path]
) -> None:
    """It was made for a passphrase, or when nobody answered; but no other community has it."""
    async with trio.open_nursery() as nursery:
        directory = ours()
        address: Address = await nursery.start(directory.network.serve, LOCAL, 0, directory.answer)
        unnamed = make(at(peers, address))
        found = await find(peers, "carol", [address])
        nursery.cancel_scope.cancel()
    assert found == FoundFolder(peers / OUR_KEY / "carol", OURS.certificate)
    assert is_there(unnamed) == (make is not sealed)


async def test_a_folder_in_use_is_not_moved(peers: Path, old: Path) -> None:
    program = FolderDisk(old)
    program.lock()
    assert await find(peers, "carol", [SILENT]) == FoundFolder(old)
    program.unlock()
    assert await find(peers, "carol", [SILENT]) == FoundFolder(peers / OUR_KEY / "carol")


async def test_a_folder_whose_new_name_is_taken_is_not_moved(peers: Path, old: Path) -> None:
    taken = used(peers / OUR_KEY / "carol", "old:5000")
    os.utime(taken / KEY_FILE, (2e9, 2e9))
    assert await find(peers, "carol", [SILENT]) == FoundFolder(old)
    assert taken.is_dir()


async def test_a_folder_follows_its_community_to_a_new_key(peers: Path) -> None:
    """Its user has accepted that with --directory-key."""
    used(peers / THEIR_KEY / "carol", str(SILENT))
    assert await find(peers, "carol", [SILENT]) == FoundFolder(peers / OUR_KEY / "carol")
    assert not is_there(peers / THEIR_KEY)


async def test_a_folder_of_two_communities_keeps_the_name_of_one(peers: Path) -> None:
    folder = used(peers / THEIR_KEY / "carol", str(SILENT))
    with closing(sqlite3.connect(folder / FILE)) as journal:
        journal.execute("INSERT INTO directories VALUES ('old:1', ?)", (THEIRS.certificate,))
        journal.commit()
    assert await find(peers, "carol", [SILENT]) == FoundFolder(folder)


async def test_a_folder_of_no_key_is_not_moved(peers: Path) -> None:
    folder = used(at(peers, SILENT), str(SILENT), b"no certificate")
    assert await find(peers, "carol", [SILENT]) == FoundFolder(folder)


async def test_a_folder_stays_while_others_are_moved_for_too_long(
    autojump_clock: trio.testing.MockClock, peers: Path, old: Path
) -> None:
    mover = FolderDisk(peers)
    mover.lock()
    assert await find(peers, "carol", [SILENT]) == FoundFolder(old)
    mover.unlock()


async def test_programs_that_start_at_once_find_the_same_folder(peers: Path, old: Path) -> None:
    found: list[FoundFolder] = []

    async def start() -> None:
        found.append(await find(peers, "carol", [SILENT]))

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(start)
    assert found == [FoundFolder(peers / OUR_KEY / "carol")] * 8
    assert not is_there(old)


class Killed(BaseException):
    """As good as SIGKILL."""


@pytest.mark.parametrize("step", ["make_folder", "rename", "sync"])
async def test_a_program_killed_while_it_moves_leaves_one_folder_that_is_found(
    peers: Path, old: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patching:
        patching.setattr(Path if step == "rename" else community_folder, step, die)
        with pytest.raises(Killed):
            await find(peers, "carol", [SILENT])
    assert len(folders_of(peers, "carol")) == 1
    assert await find(peers, "carol", [SILENT]) == FoundFolder(peers / OUR_KEY / "carol")


async def test_a_move_that_may_not_be_on_disk_has_happened(
    peers: Path, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(community_folder, "sync", fail)
    assert await find(peers, "carol", [SILENT]) == FoundFolder(peers / OUR_KEY / "carol")
    assert not is_there(old)
