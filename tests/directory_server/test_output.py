"""What a directory prints, where somebody reads it and where nobody does."""

import io

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
