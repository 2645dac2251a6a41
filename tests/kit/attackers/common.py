"""Helpers of several attacks."""

import pytest

from shared.log import HarmlessFormatter

#: control of lines, colours and cursors
FORGERY = "boom\x1b[31m\n2026-01-01 INFO forged\r\u2028forged too\x9b2J"


def logged_at(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return the logged lines of at least this level."""
    form = HarmlessFormatter("%(message)s")
    return [form.format(one) for one in caplog.records if one.levelno >= level]
