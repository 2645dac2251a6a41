"""Which options a directory takes over while it runs, and which wait for a restart."""

import sys

import pytest

from directory_server.arguments import parse
from directory_server.reread import as_at_start, name_those_that_wait, reread

BEFORE = parse(["5000", "--idle-after", "5", "--data", "here"])
NOW = parse(["5001", "--idle-after", "6", "--data", "there"])


def test_a_wrong_option_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert reread(lambda: sys.exit(2)) is None
    assert caplog.messages == ["the options were not read anew: one of them is wrong"]
    assert reread(lambda: NOW) is NOW


def test_what_waits_for_a_restart_is_named(caplog: pytest.LogCaptureFixture) -> None:
    name_those_that_wait(BEFORE, BEFORE)
    assert not caplog.messages
    name_those_that_wait(BEFORE, NOW)
    assert caplog.messages == ["these options change only with a restart: port, data"]


def test_what_waits_for_a_restart_stays() -> None:
    kept = as_at_start(BEFORE, NOW)
    assert (kept.port, kept.data, kept.idle_after) == (5000, "here", 6)
    assert vars(kept).keys() == vars(NOW).keys()
