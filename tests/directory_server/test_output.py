"""A directory prints for somebody who reads it, and works where nobody does."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from directory_server.output import say


class Unread(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, _: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say("half a li")
    say("ne\n")
    assert capsys.readouterr().out == "half a line\n"


def test_a_closed_stdout_wants_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.stdout", None)
    say("ready\n")
    assert not caplog.records


def test_a_reader_who_has_gone_is_named_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.stdout", Unread())
    say("ready\n")
    assert caplog.messages == ["nobody reads our output: [Errno 32] Broken pipe"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_letters_that_a_locale_lacks_stop_nothing(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding))
    say('Announced as "\u0141\u00f3d\u017a".\n')
    known = b"?" if encoding == "ascii" else b"\xf3"
    assert written.getvalue() == b'Announced as "?' + known + b'd?".\n'


@pytest.fixture(params=["a pipe without a reader", "a full disk"])
def unwritable(request: pytest.FixtureRequest) -> Iterator[int]:
    if request.param == "a full disk":
        if not os.path.exists("/dev/full"):
            pytest.skip("this system has no /dev/full")
        writing = os.open("/dev/full", os.O_WRONLY)
    else:
        reading, writing = os.pipe()
        os.close(reading)
    yield writing
    os.close(writing)


def test_a_program_ends_well_although_its_output_could_not_be_written(unwritable: int) -> None:
    """Python writes what is left at its end, and would end with a code of its own."""
    words = [sys.executable, "-c", "from directory_server.output import say; say('ready')"]
    ended = subprocess.run(
        words,
        stdout=unwritable,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    assert ended.returncode == 0
    (line,) = ended.stderr.decode().splitlines()
    assert line.startswith("nobody reads our output: ")
