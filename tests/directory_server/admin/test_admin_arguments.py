"""What an operator types after `dirserver admin`, and what is read from it."""

import re

import pytest

from directory_server.admin import requests as ask
from directory_server.admin.arguments import parse
from directory_server.admin.client import NO_DIRECTORY, NOBODY, REFUSED
from shared.arguments import USAGE_ERROR
from shared.process import UNWRITTEN

DAY = 86_400.0


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        ("status", ask.Status()),
        ("users", ask.Users()),
        ("users jo", ask.Users("jo")),
        ("kick mallory too loud", ask.Kick("mallory", "too loud")),
        ("ban mallory", ask.Ban("mallory")),
        ("ban mallory for 7d being rude", ask.Ban("mallory", 7 * DAY, "being rude")),
        ("ban 10.0.0.0/24 bots", ask.Ban("10.0.0.0/24", None, "bots")),
        ("ban for for 1d", ask.Ban("for", DAY)),
        ("unban mallory", ask.Unban("mallory")),
        ("bans", ask.Bans()),
        ("forget carol", ask.Forget("carol")),
        ("forget carol --yes", ask.Forget("carol", is_certain=True)),
        ("invite", ask.Invite()),
        ("invite --uses 30 --for 7d class 4", ask.Invite(30, 7 * DAY, "class 4")),
        ("invites", ask.Invites()),
        ("uninvite 3f2a", ask.Uninvite("3f2a")),
        ("notice back at five", ask.Notice("back at five")),
        ("motd", ask.Motd()),
        ("motd be kind", ask.Motd("be kind")),
        ("motd --clear", ask.Motd("")),
        ("backup /backups/today", ask.Backup("/backups/today")),
        ("drain", ask.Drain()),
        ("log info", ask.Log("info")),
    ],
)
def test_each_command_is_a_request(words: str, request_: ask.Request) -> None:
    assert parse(words.split()).request == request_


def test_a_relative_folder_is_named_from_the_root_on() -> None:
    assert parse(["backup", "today"]).request.folder.startswith("/")


@pytest.mark.parametrize("words", ["--json --data d status", "status --json --data d"])
def test_options_stand_before_or_after_the_command(words: str) -> None:
    parsed = parse(words.split())
    assert (parsed.json, parsed.data) == (True, "d")
    plain = parse(["status"])
    assert (plain.json, plain.data) == (False, None)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "the following arguments are required: COMMAND"),
        ("reboot", '"reboot" is none of status, users'),
        ("kick", "the following arguments are required: NAME (see"),
        ("motd be kind --clear", "motd: either a text or --clear"),
        ("ban", "the following arguments are required: NAME|ADDRESS|NETWORK (see"),
        ("ban mallory for ever", '"ever" is not a duration: write 30m, 12h, 7d or 2w'),
        ("invite --for 7", '"7" is not a duration'),
        ("log loud", '"loud" is none of debug, info, warning, error'),
        (f"notice {'x' * 1_001}", "text: it has more than 1,000 characters"),
        ("ban mallory for", '"" is not a duration: write 30m, 12h, 7d or 2w'),
        ("kick \udcff", "a word is not in UTF-8"),
    ],
)
def test_a_wrong_word_has_its_line(
    words: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        parse(words.split())
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("dirserver admin")
    assert complaint in said
    assert said.count("\n") == 1


def test_an_empty_word_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["kick", ""])
    assert "dirserver admin: name: it is empty" in capsys.readouterr().err


def test_the_help_names_each_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    said = capsys.readouterr().out.partition("exit codes: ")[2]
    codes = {0, UNWRITTEN, USAGE_ERROR, REFUSED, NOBODY, NO_DIRECTORY}
    assert {int(one) for one in re.findall(r"\b\d\b", said)} == codes


def test_the_help_has_an_example_for_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    usage, examples = capsys.readouterr().out.split("examples:")
    commands = re.findall(r"^    ([a-z]+) ", usage, re.MULTILINE)
    assert len(commands) == 15
    for command in commands:
        assert f"dirserver admin {command}" in examples
