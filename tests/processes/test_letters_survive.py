"""Messages that were left outlive every program, and nobody else can read them."""

import re
import shutil
import sqlite3
from pathlib import Path

from tests.kit.programs import Stage

SECRET = "the parrot sleeps at noon"
LETTERS = 50


def know_each_other(stage: Stage) -> None:
    for name in ("carol", "dave"):
        assert stage.once(name, "STATUS").ends() == 0


def test_a_message_left_survives_the_directorys_death_and_its_receipt_comes(stage: Stage) -> None:
    directory = stage.directory()
    know_each_other(stage)
    carol = stage.peer("carol")
    carol.types(f"LEAVE dave {SECRET}", f"LEAVE dave {SECRET} again")
    carol.sees("Message left for dave.")
    carol.sees("Message left for dave.")
    directory.dies()
    carol.dies()
    stage.directory()

    dave = stage.peer("dave")
    dave.sees("2 messages were left for you:")
    when = r"\[(\d{4}-\d\d-\d\d \d\d:\d\d)\] carol: "
    dave.sees_like(when + SECRET)
    dave.sees_like(when + f"{SECRET} again")
    letters = [line for line in dave.lines if SECRET in line]
    assert letters[1].endswith("again"), letters
    carol = stage.peer("carol")
    for letter in letters:
        clock = re.findall(r"\d\d:\d\d", letter)[0]
        carol.sees(f"dave received your message of {clock}.")

    dave.dies()
    dave = stage.peer("dave")
    carol.types("LEAVE dave one more")
    dave.sees("1 message was left for you:")
    assert not [line for line in dave.lines if SECRET in line]


def test_the_directorys_files_hold_no_text_and_names_only_among_the_users(stage: Stage) -> None:
    directory = stage.directory()
    know_each_other(stage)
    assert stage.once("carol", "LEAVE", "dave", SECRET).ends() == 0
    assert_unreadable(stage.directory_data)

    directory.dies()
    stage.directory()
    dave = stage.peer("dave")
    dave.sees_like(rf".* carol: {SECRET}")
    dave.types("QUIT")
    dave.ends()
    assert_unreadable(stage.directory_data)


def assert_unreadable(folder: Path) -> None:
    for file in folder.iterdir():
        assert file.is_socket() or SECRET.encode() not in file.read_bytes(), file
        assert file.stat().st_mode & 0o077 == 0, file
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("admin"))  # a socket
    connection = sqlite3.connect(copy / "directory.sqlite")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema")]
    for table in tables:
        is_table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
        if table == "users" or not connection.execute(is_table, (table,)).fetchone():
            continue
        for row in connection.execute(f'SELECT * FROM "{table}"'):
            for cell in row:
                held = cell if isinstance(cell, bytes) else str(cell).encode()
                assert b"carol" not in held.lower(), table
                assert b"dave" not in held.lower(), table
    connection.close()
    connection.close()
    shutil.rmtree(copy)


def test_letters_come_although_their_reader_dies_again_and_again(stage: Stage) -> None:
    stage.directory()
    know_each_other(stage)
    carol = stage.peer("carol")
    wanted = [f"letter {number}" for number in range(LETTERS)]
    carol.types(*(f"LEAVE dave {text}" for text in wanted))
    shown: list[str] = []
    for many in (3, 25):  # so many more letters each life sees
        dave = stage.peer("dave")
        for text in [text for text in wanted if text not in shown][:many]:
            dave.sees_like(rf"\[.*\] carol: {text}")
        dave.dies()
        shown += letters_in(dave.lines)
    dave = stage.peer("dave")
    for text in [text for text in wanted if text not in shown]:
        dave.sees_like(rf"\[.*\] carol: {text}")
    dave.types("QUIT")
    dave.ends()
    shown += letters_in(dave.lines)
    assert sorted(set(shown), key=wanted.index) == wanted
    first_times = list(dict.fromkeys(shown))
    assert first_times == wanted  # in order


def letters_in(lines: list[str]) -> list[str]:
    return [line.partition("carol: ")[2] for line in lines if re.match(r"\[.*\] carol: ", line)]
