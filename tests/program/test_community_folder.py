"""Which folder belongs to the community that answers at an address."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import trio

from peer.options import Options
from peer.program.community_folder import Found, find
from peer.storage.paths import KEY_FILE, OTHERS_MOST, VAULT_FILE, others_of
from peer.storage.schema import FILE, opened
from shared.codec import encode
from shared.disk import FolderDisk
from shared.errors import KeyChanged
from shared.identity import Credentials
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


async def asks(folder: Path, answering: Answering) -> Found:
    async with trio.open_nursery() as nursery:
        network = answering.network
        address: Address = await nursery.start(network.serve, LOCAL, 0, answering.answer)
        found = await find(folder, address)
        nursery.cancel_scope.cancel()
    return found


async def test_the_folder_of_a_community_that_has_moved_is_found(peers: Path) -> None:
    used(peers / "elsewhere_1" / "carol", "elsewhere:1", THEIRS.certificate)
    old = used(peers / "old_5000" / "carol")
    directory = Answering(OURS.directory(), OURS.certificate)
    assert await asks(peers / "new_5000" / "carol", directory) == Found(old, OURS.certificate)
    assert directory.shown == [None]
    assert not directory.heard, "nobody learns who asks"


@pytest.mark.parametrize(
    ("shows", "says"),
    [
        (THEIRS.directory, OURS.certificate),
        (lambda: OURS.user("mallory", NOW)[1], OURS.certificate),
        (OURS.directory, THEIRS.certificate),
        (THEIRS.directory, THEIRS.certificate),
        (OURS.directory, b"no certificate"),
    ],
)
async def test_who_does_not_prove_to_be_its_directory_gets_a_new_folder(
    peers: Path, shows: Callable[[], Credentials], says: bytes
) -> None:
    used(peers / "old_5000" / "carol")
    new, somebody = peers / "new_5000" / "carol", Answering(shows(), says)
    assert await asks(new, somebody) == Found(new)
    assert b"carol" not in somebody.heard


async def test_an_address_that_is_known_needs_no_answer(peers: Path) -> None:
    old = used(peers / "old_5000" / "carol", str(SILENT))
    assert await find(peers / "new_5000" / "carol", SILENT) == Found(old)


async def test_a_folder_that_was_used_stays_the_one_of_its_address(peers: Path) -> None:
    used(peers / "old_5000" / "carol", str(SILENT))
    for number, make in enumerate((used, _sealed)):
        folder = make(peers / f"{number}_5000" / "carol")
        assert await find(folder, SILENT) == Found(folder)


def _sealed(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / VAULT_FILE).touch()
    return folder


async def test_where_nobody_answers_the_folder_is_that_of_the_address(peers: Path) -> None:
    used(peers / "old_5000" / "carol")
    new = peers / "new_5000" / "carol"
    assert await find(new, SILENT) == Found(new)


async def test_another_name_and_a_damaged_journal_are_passed_over(peers: Path) -> None:
    used(peers / "old_5000" / "dave", str(SILENT))
    damaged = used(peers / "older_5000" / "carol", str(SILENT))
    (damaged / FILE).write_bytes(b"no database" * 1_000)
    open_to_all = used(peers / "oldest_5000" / "carol", str(SILENT))
    open_to_all.chmod(0o777)
    new = peers / "new_5000" / "carol"
    assert await find(new, SILENT) == Found(new)


async def test_who_answered_before_must_answer_when_we_register(community: Community) -> None:
    """Else the key of one community would be shown to another one."""
    carol = community.person("carol", Options(authority=OURS.certificate))
    with pytest.raises(KeyChanged, match=r"^The key of the directory at 10\.0\.0\.1:5000 has chan"):
        await carol.starts()


def test_others_are_of_the_same_name_and_not_too_many(peers: Path) -> None:
    folder = peers / "new_5000" / "carol"
    assert others_of(folder) == []
    for number in range(OTHERS_MOST + 5):
        key = peers / f"old_{number}" / "carol" / KEY_FILE
        key.parent.mkdir(parents=True)
        key.touch()
        os.utime(key, (number, number))
    (peers / "empty_5000" / "carol").mkdir(parents=True)
    (peers / "file_5000").touch()
    assert others_of(folder) == [peers / f"old_{n}" / "carol" for n in range(OTHERS_MOST)]
    assert others_of(peers / "new_5000" / "ca\0rol") == []
