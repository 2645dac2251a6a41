"""What was typed before, in its file."""

import os
import stat
from pathlib import Path

import pytest

from peer.program.program import TYPED
from peer.storage.input_history import FILE, KEPT_BYTES, InputHistory
from tests.kit.full_disk import no_file_larger_than


def remembered(folder: Path) -> list[str]:
    """The oldest first."""
    return list(InputHistory(folder).load_history_strings())[::-1]


def test_what_was_typed_is_there_after_a_restart(tmp_path: Path) -> None:
    before = InputHistory(tmp_path)
    for line in ("CHAT dave", "hello", "two\nlines", "ü ☺"):
        before.append_string(line)
    assert remembered(tmp_path) == ["CHAT dave", "hello", "two\nlines", "ü ☺"]


def test_the_newest_comes_first_for_up(tmp_path: Path) -> None:
    before = InputHistory(tmp_path)
    before.append_string("one")
    before.append_string("two")
    assert list(InputHistory(tmp_path).load_history_strings()) == ["two", "one"]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    InputHistory(tmp_path).append_string("secret")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    (tmp_path / FILE).chmod(0o644)
    InputHistory(tmp_path)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_new_file_holds_nothing(tmp_path: Path) -> None:
    assert remembered(tmp_path) == []


def test_damaged_lines_are_left_out(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'"one"\n{"a":1}\n"to\xff"\n\x00\x00\n42\n"tw\n"three"')
    assert remembered(tmp_path) == ["one", "three"]


def test_what_is_typed_after_a_crash_is_not_lost_in_a_torn_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'"one"\n"tor')
    InputHistory(tmp_path).append_string("two")
    assert remembered(tmp_path) == ["one", "two"]


def test_a_long_file_is_shortened_at_the_start_of_a_program(tmp_path: Path) -> None:
    lines = [f'"line {number:06}"' for number in range(3 * KEPT_BYTES // 14)]
    (tmp_path / FILE).write_text("\n".join(lines))
    found = remembered(tmp_path)
    assert found[-1] == lines[-1].strip('"')
    assert found == [line.strip('"') for line in lines[-len(found) :]]
    assert (tmp_path / FILE).stat().st_size <= KEPT_BYTES
    assert remembered(tmp_path) == found


def test_a_file_of_one_endless_line_is_emptied(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"x" * (3 * KEPT_BYTES))
    assert remembered(tmp_path) == []
    InputHistory(tmp_path).append_string("one")
    assert remembered(tmp_path) == ["one"]


def test_on_a_full_disk_it_is_found_in_this_run_only(tmp_path: Path) -> None:
    InputHistory(tmp_path).append_string("before")
    with no_file_larger_than(10):
        now = InputHistory(tmp_path)
        now.append_string("x" * 100)
        assert now.get_strings() == ["x" * 100]
    assert remembered(tmp_path) == ["before"]


def test_what_no_encoding_holds_is_kept_as_far_as_it_can_be(tmp_path: Path) -> None:
    InputHistory(tmp_path).append_string("a\udcffb")
    assert remembered(tmp_path) == ["a?b"]


def test_two_programs_lose_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = InputHistory(tmp_path), InputHistory(tmp_path)
    one.append_string("one")
    other.append_string("two")
    one.append_string("three")
    assert remembered(tmp_path) == ["one", "two", "three"]


def test_a_folder_that_takes_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        InputHistory(tmp_path / "nowhere")
    os.mkdir(tmp_path / FILE)
    with pytest.raises(OSError, match="directory"):
        InputHistory(tmp_path)


def test_no_history_forgets_the_same_file() -> None:
    assert TYPED == FILE
