"""Whoever takes the disk, and not the passphrase, reads no word of what was said and has no key."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

import peer.storage.sealed_journal
import shared.disk
from directory_server.server import Directory
from directory_server.settings import Settings
from peer.api import join
from peer.core.conversation.actions import LeaveFor
from peer.core.history_entry import Kind
from peer.program.passphrase import Source, change, unlock
from peer.storage.copies import KeptCopy
from peer.storage.input_history import InputHistory
from peer.storage.journal import Batch, Journal
from peer.storage.lines import Fate, KeptLine
from peer.storage.vault import (
    CLEAR,
    SealState,
    Vault,
    WrongPassphrase,
    new_key,
    open_key,
    seal_key,
    unwrap,
    wrap,
)
from shared.disk import FolderDisk
from shared.errors import Refused, StorageError
from shared.messages.peers import Position, Text
from shared.real import real_world
from shared.sealing import About, Letter
from tests.kit.journals import history_of
from tests.kit.programs import staged

ROOT = Path(__file__).parents[2]
ID, EPOCH, NOW = "c" * 32, "e" * 16, 1_700_000_000.0
SEED = bytes(range(64))
# Each of these words was said in a way of its own.
WORDS = {"spoken", "whispered", "proclaimed", "pending", "left", "copied", "unread", "typed"}
SECRETS = [b"zebra-" + word.encode() for word in WORDS] + [SEED[:32], SEED[32:]]
SECRETS.append(b"hispered")  # a word in the index of SEARCH, whose first letter may be shared


@pytest.fixture(autouse=True)
def _quick_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """scrypt is slow on purpose, and what it costs stands in each file."""
    monkeypatch.setattr("peer.storage.vault.COST", 16)


# Columns with names, keys, ids and signatures.
WITHOUT_WORDS = {
    "address", "author", "authority", "before", "certificate", "conversation", "entrance",
    "epoch", "founder", "id", "key", "kind", "label", "loud", "member", "membership", "name",
    "nonce", "person", "place", "receiver", "sender", "source", "spelled",
}  # fmt: skip


def said(word: str) -> str:
    assert word in WORDS
    return f"zebra-{word}"


def gives(*answers: str) -> Source:
    """A person who types these."""
    left = iter(answers)
    return Source(lambda _: next(left), is_person=True)


def set_to(folder: Path, *passphrases: str) -> str:
    """Change the passphrase from the first to the last; "" is none."""
    old, new = passphrases
    return change(folder, gives(old), gives(new, new))


def on_disk(folder: Path) -> list[bytes]:
    """The secrets that somebody finds who reads all of it, byte by byte."""
    files = b"\0".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    return [secret for secret in SECRETS if secret in files]


@asynccontextmanager
async def journal(folder: Path, vault: Vault = CLEAR) -> AsyncIterator[Journal]:
    async with trio.open_nursery() as nursery:
        opened = Journal(FolderDisk(folder), vault=vault)
        await nursery.start(opened.run)
        yield opened
        nursery.cancel_scope.cancel()


async def talk(folder: Path, vault: Vault = CLEAR) -> None:
    """Say something in each way that reaches the disk."""
    disk = FolderDisk(folder)
    disk.lock()
    disk.write("key", seal_key(SEED, vault))
    InputHistory(folder, vault).append_string(said("typed"))
    async with journal(folder, vault) as kept:
        text = Text(ID, "carol", EPOCH, 1, 1, NOW, (said("spoken"), "again"), ())
        await kept.keep(Batch([(ID, (), 0)], [text]), NOW)
        lines = [("whispered", "dave", Kind.PRIVATE, Fate.SENT), ("pending", "dave", Kind.PRIVATE,
                 Fate.PENDING), ("proclaimed", "", Kind.ALL, Fate.SENT)]  # fmt: skip
        await kept.lines.keep(
            [
                KeptLine(kind, "carol", to, str(number) * 32, NOW + number, said(word), fate)
                for number, (word, to, kind, fate) in enumerate(lines, start=1)
            ]
        )
        await kept.copies.keep(
            [KeptCopy("erin", "erin", said("copied"), NOW, About(ID, EPOCH, 1))], "carol"
        )
        letters = await kept.letters.add(
            [
                Letter("dave", bytes(32), "a" * 32, NOW, said("left"), None),
                Letter("dave", bytes(32), "b" * 32, NOW, said("unread"), None),
            ],
            NOW,
        )
        await kept.letters.shown([letters[0].number], "carol")
        if vault is CLEAR:  # so that there is an index to be forgotten
            await searched(kept, vault)
    disk.unlock()


async def searched(kept: Journal, vault: Vault) -> list[str]:
    history = history_of(kept, NOW + 10)
    return [entry.text for entry in (await history.search("zebra", 20)).entries]


async def everything(folder: Path, vault: Vault = CLEAR) -> set[str]:
    """What its owner reads, whichever way it is asked for."""
    async with journal(folder, vault) as kept:
        history = history_of(kept, NOW + 10)
        found = {entry.text for entry in (await history.conversation(ID, 20)).entries}
        found |= {entry.text for entry in (await history.with_user("dave", 20)).entries}
        found |= {entry.text for entry in history.to_all(20).entries}
        assert set(await searched(kept, vault)) <= found
        assert len(await searched(kept, vault)) == 5  # all that is history
        found |= {one.text for one in kept.lines.pending()}
        found |= {one.text for one in kept.copies.all()}
        found |= {one.text for one in await kept.letters.add([], NOW)}
        (line,) = kept.texts.after(ID, Position("carol", EPOCH, 0), 10, 10**6)
        assert said("spoken").encode() in line  # as it is handed on to others
        owed = LeaveFor("erin", Position("carol", EPOCH, 0), 1)
        assert [one.text for one in kept.copies.owed(ID, "erin", owed)] == [said("spoken")]
    found |= set(InputHistory(folder, vault).load_history_strings())
    assert open_key((folder / "key").read_bytes(), vault) == SEED
    return found - {"again"}


ALL = {said(word) for word in WORDS}


# --- What lies there ---------------------------------------------------------------------


async def test_without_a_passphrase_all_of_it_lies_in_clear(tmp_path: Path) -> None:
    """As PROMISES.md says; so the other tests look in the right places."""
    await talk(tmp_path)
    assert len(on_disk(tmp_path)) == len(SECRETS)
    assert await everything(tmp_path) == ALL


async def test_with_one_nothing_of_it_ever_reaches_the_disk(tmp_path: Path) -> None:
    set_to(tmp_path, "", "open sesame")
    vault = unlock(tmp_path, gives("open sesame"))
    await talk(tmp_path, vault)
    assert on_disk(tmp_path) == []
    assert await everything(tmp_path, vault) == ALL
    assert on_disk(tmp_path) == []  # nor by searching


async def test_setting_it_seals_what_was_said_before(tmp_path: Path) -> None:
    await talk(tmp_path)
    assert set_to(tmp_path, "", "open sesame").startswith("The key and what was said are sealed")
    assert on_disk(tmp_path) == []
    assert await everything(tmp_path, unlock(tmp_path, gives("open sesame"))) == ALL


async def test_removing_it_opens_everything_again(tmp_path: Path) -> None:
    await talk(tmp_path)
    set_to(tmp_path, "", "open sesame")
    assert set_to(tmp_path, "open sesame", "").startswith("The passphrase is removed")
    assert not (tmp_path / "vault").exists()
    assert await everything(tmp_path) == ALL


async def test_another_passphrase_opens_the_same(tmp_path: Path) -> None:
    await talk(tmp_path)
    set_to(tmp_path, "", "first")
    assert set_to(tmp_path, "first", "second") == "The passphrase is changed."
    with pytest.raises(WrongPassphrase):
        unlock(tmp_path, gives("first", "first", "first"))
    assert await everything(tmp_path, unlock(tmp_path, gives("second"))) == ALL


async def test_a_text_that_looks_sealed_is_a_text(tmp_path: Path) -> None:
    """Whoever writes to me chooses its words."""
    odd = Vault(new_key()).seal_text("zebra", "line", "dave", "d" * 32)
    async with journal(tmp_path) as kept:
        await kept.lines.keep([KeptLine(Kind.ALL, "dave", "", "d" * 32, NOW, odd, Fate.CAME)])
    set_to(tmp_path, "", "open sesame")
    vault = unlock(tmp_path, gives("open sesame"))
    async with journal(tmp_path, vault) as kept:
        history = history_of(kept, NOW)
        assert [entry.text for entry in history.to_all(2).entries] == [odd]


async def test_sealed_texts_cannot_be_exchanged(tmp_path: Path) -> None:
    set_to(tmp_path, "", "open sesame")
    vault = unlock(tmp_path, gives("open sesame"))
    await talk(tmp_path, vault)
    db = FolderDisk(tmp_path).database("journal.db")
    db.execute(
        "UPDATE lines SET text = (SELECT text FROM lines WHERE author = 'dave')"
        " WHERE author = 'carol'"
    )
    db.close()
    async with journal(tmp_path, vault) as kept:
        history = history_of(kept, NOW)
        assert "carol" not in {entry.author for entry in history.to_all(20).entries}


async def test_a_sealed_journal_opens_for_no_other_vault(tmp_path: Path) -> None:
    await talk(tmp_path)
    set_to(tmp_path, "", "open sesame")
    with pytest.raises(StorageError, match="sealed with a passphrase"):
        Journal(FolderDisk(tmp_path))
    with pytest.raises(StorageError, match=r'"vault".* is missing'):
        open_key((tmp_path / "key").read_bytes(), CLEAR)


async def test_a_journal_from_an_old_backup_is_sealed_when_it_is_opened(tmp_path: Path) -> None:
    await talk(tmp_path)
    before = (tmp_path / "journal.db").read_bytes()
    set_to(tmp_path, "", "open sesame")
    (tmp_path / "journal.db").write_bytes(before)
    (tmp_path / "journal.db").chmod(0o600)
    vault = unlock(tmp_path, gives("open sesame"))
    assert await everything(tmp_path, vault) == ALL
    assert on_disk(tmp_path) == []


def test_every_column_of_the_journal_is_sealed_or_known_to_hold_no_words(tmp_path: Path) -> None:
    """So whoever adds one decides; PROMISES.md says what stays in clear."""
    database = Journal(FolderDisk(tmp_path)).database
    db = database.reader
    tables = db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table'"
        " AND name NOT LIKE 'words\\_of\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    wordy = {
        (table, column)
        for (table,) in tables.fetchall()
        for _, column, kind, *_ in db.execute(f"PRAGMA table_info({table})")
        if kind in ("TEXT", "BLOB") and column not in WITHOUT_WORDS
    }
    database.close()
    assert wordy == {(table, column) for table, column, *_ in peer.storage.sealed_journal._SECRETS}


# --- The wrapped key ---------------------------------------------------------------------


def test_what_the_wrapped_key_says_cannot_be_changed_without_the_passphrase() -> None:
    """Else the next start would lay everything open, or take up what was never begun."""
    content = wrap(new_key(), "open sesame", SealState.SEALED)
    assert unwrap(content, "open sesame")[1] is SealState.SEALED
    for changed in (
        content.replace(b'"sealed"', b'"opening"'),
        content.replace(b'"cost":16', b'"cost":32'),
    ):
        assert changed != content
        with pytest.raises(WrongPassphrase):
            unwrap(changed, "open sesame")


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[" * 100_000, wrap(bytes(32), "x", SealState.SEALED).replace(b"32768", b"32769"),
     wrap(bytes(32), "x", SealState.SEALED).replace(b"32768", b"99999999999")],
)  # fmt: skip
def test_a_damaged_one_is_a_sentence(content: bytes) -> None:
    with pytest.raises(StorageError, match='"vault" in the data folder is damaged'):
        unwrap(content, "x")


def test_the_same_letters_open_it_from_every_keyboard() -> None:
    assert unwrap(wrap(b"k" * 32, "caf\u00e9", SealState.SEALED), "cafe\u0301")[0] == b"k" * 32


@pytest.mark.parametrize("sealed", ["", "not base64!", "AAAA", "zzzz" * 20])
def test_rubbish_does_not_open(sealed: str) -> None:
    with pytest.raises(StorageError):
        Vault(new_key()).open_text(sealed, "line")


def test_two_new_ones_that_differ_change_nothing(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="never typed alike"):
        change(tmp_path, gives(), gives("a", "b", "a", "c", "a", "d"))
    assert not (tmp_path / "vault").exists()


def test_no_passphrase_and_no_new_one(tmp_path: Path) -> None:
    assert set_to(tmp_path, "", "") == (
        "There is no passphrase: the key and what was said lie in clear."
    )


# --- Killed in between -------------------------------------------------------------------


class Killed(BaseException):
    """As good as SIGKILL: nobody catches it, and nothing is written any more."""


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do it, and die before whatever comes n-th: a file, a row, a statement of the journal.

    False when it was done by then.
    """
    left = step
    opened: list[sqlite3.Connection] = []

    def counted(name: str, owner: object) -> None:
        original = getattr(owner, name)

        def then(*arguments: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left <= 0:
                raise Killed
            result = original(*arguments, **named)
            if isinstance(result, sqlite3.Connection):
                opened.append(result)
            return result

        patching.setattr(owner, name, then)

    with pytest.MonkeyPatch.context() as patching:
        for name in ("write", "remove", "database"):
            counted(name, FolderDisk)
        for name in ("seal", "open", "seal_text", "open_text"):
            counted(name, Vault)
        for name in ("_rewrite", "_is_sealed"):
            counted(name, peer.storage.sealed_journal)
        counted("sync", shared.disk)
        try:
            work()
        except (Killed, StorageError):  # SQLite makes the latter of what a row dies of
            pass
        finally:
            for connection in opened:
                connection.close()  # with it ends an open transaction
    return left <= 0


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "new"), ("old", "new"), ("old", "")],
    ids=["set", "changed", "removed"],
)
async def test_killed_at_any_moment_one_of_both_passphrases_opens_everything(
    tmp_path: Path, before: str, after: str
) -> None:
    begun = tmp_path / "begun"
    begun.mkdir(mode=0o700)
    await talk(begun)
    if before:
        set_to(begun, "", before)
    step, was_killed = 0, True
    while was_killed:
        step += 1
        folder = tmp_path / str(step)
        shutil.copytree(begun, folder)
        was_killed = killed_at(step, lambda folder=folder: set_to(folder, before, after))  # type: ignore[misc]
        vault = _opened_with_one_of(folder, {before, after})
        assert await everything(folder, vault) == ALL
        if vault is not CLEAR:
            assert on_disk(folder) == []
    assert step > 5


def test_killed_in_earnest_it_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "carol"
    folder.mkdir(mode=0o700)
    trio.run(talk, folder)
    (tmp_path / "right").write_text("open sesame\n")
    setting = subprocess.Popen(
        [
            *[sys.executable, "-m", "peer", "carol", "127.0.0.1", "1", "--data", str(folder)],
            *["--passphrase", "--passphrase-file", str(tmp_path / "right")],
        ],
        cwd=ROOT,
        start_new_session=True,
    )
    while not (folder / "vault").exists():
        assert setting.poll() is None
    setting.kill()
    setting.wait()
    vault = unlock(folder, gives("open sesame"))
    assert on_disk(folder) == []
    assert trio.run(everything, folder, vault) == ALL


def _opened_with_one_of(folder: Path, passphrases: set[str]) -> Vault:
    if not (folder / "vault").exists():
        assert "" in passphrases
        return CLEAR
    for passphrase in passphrases - {""}:
        try:
            return unlock(folder, Source(lambda _, it=passphrase: it, is_person=False))  # type: ignore[misc]
        except WrongPassphrase:
            continue
    raise AssertionError("neither of them opens it")


# --- The program -------------------------------------------------------------------------


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A folder of carol's with a passphrase."""
    folder = tmp_path / "carol"
    set_to(folder, "", "open sesame")
    return folder


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`peer carol ...`, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "peer", "carol", "127.0.0.1", "1", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_wrong_passphrase_is_one_sentence_and_code_4(sealed: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("open barley\n")
    ended = run("--data", str(sealed), PARLEY_PASSPHRASE_FILE=str(tmp_path / "wrong"))
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr == "peer: That is not the passphrase.\n"


def test_where_nobody_can_be_asked_the_sentence_says_what_to_do(sealed: Path) -> None:
    ended = run("--data", str(sealed))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--passphrase-file" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_file_with_the_passphrase_opens_it(sealed: Path, tmp_path: Path) -> None:
    (tmp_path / "right").write_text("open sesame\n")
    ended = run("--data", str(sealed), PARLEY_PASSPHRASE_FILE=str(tmp_path / "right"))
    assert ended.returncode == 7, ended.stderr  # no directory answers there: we came so far


def test_a_running_peer_is_asked_without_the_passphrase(sealed: Path, tmp_path: Path) -> None:
    (tmp_path / "right").write_text("open sesame\n")
    for stage in staged(tmp_path):
        stage.directory()
        stage.peer("carol", "--passphrase-file", str(tmp_path / "right"))
        asked = stage.once("carol", "USERS")  # no file, no terminal
        assert asked.ends() == 0
        assert asked.lines[0] == "ACTIVE: carol (you)"


async def test_a_bot_says_the_passphrase_when_it_joins(sealed: Path, tmp_path: Path) -> None:
    directory = Directory(real_world(tmp_path / "directory"), Settings(host="127.0.0.1"))
    async with trio.open_nursery() as nursery:
        bound = await nursery.start(directory.run)
        port = bound.address.port
        with pytest.raises(WrongPassphrase):
            async with join("carol", "127.0.0.1", port, data=sealed):
                raise AssertionError("it is sealed")
        async with join("carol", "127.0.0.1", port, data=sealed, passphrase="open sesame") as chat:
            assert chat.name == "carol"
        directory.stop()
    assert (sealed / "key").read_bytes().startswith(b"parley sealed key")


TAKE_THE_TERMINAL = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "from peer.__main__ import main; main()"
)


class AtTerminal:
    """`peer carol ... ` at a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self._ours, theirs = os.openpty()
        self.seen = b""
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKE_THE_TERMINAL, "carol", "127.0.0.1", "1", *words],
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def sees(self, text: str) -> None:
        """Return when this has come, after all that was seen before."""
        while text.encode() not in self.seen:
            try:
                more = os.read(self._ours, 4_096)
            except OSError:
                more = b""  # the program has ended
            assert more, self.seen
            self.seen += more
        self.seen = self.seen.partition(text.encode())[2]

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def ends(self) -> int:
        code = self._process.wait(60)
        os.close(self._ours)
        return code


def test_at_a_terminal_it_is_asked_for_unseen_and_a_new_one_twice(tmp_path: Path) -> None:
    folder = tmp_path / "carol"
    folder.mkdir(mode=0o700)
    setting = AtTerminal("--data", str(folder), "--passphrase")
    setting.sees("New passphrase (empty: none): ")
    setting.types("hunter2\r")
    setting.sees("The same once more: ")
    assert b"hunter2" not in setting.seen
    setting.types("hunter2\r")
    setting.sees("are sealed with the passphrase.")
    assert setting.ends() == 0
    assert unlock(folder, gives("hunter2")) is not CLEAR

    wrong = AtTerminal("--data", str(folder), "--plain", "USERS")
    for question in ("Passphrase for carol: ", *["That is not the passphrase. Passphrase"] * 2):
        wrong.sees(question)
        wrong.types("hunter3\r")
    wrong.sees("peer: That is not the passphrase.")
    assert wrong.ends() == 4


def test_interrupted_at_the_question_it_ends_like_everything_else(tmp_path: Path) -> None:
    asking = AtTerminal("--data", str(tmp_path), "--passphrase")
    asking.sees("New passphrase (empty: none): ")
    asking.types("\x03")
    assert asking.ends() == 130
    assert not (tmp_path / "vault").exists()
