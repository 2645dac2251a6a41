"""Where options come from, and how a person is asked for what is missing."""

import argparse
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from peer.events import Notice
from peer.program.arguments import OPTIONS, WORDS, parse
from peer.program.first_start import ask_for_words
from peer.program.settings import complete, config_file, is_sought, remember, with_words
from peer.storage.paths import directories_for
from shared.errors import StorageError

CAROL = ["carol", "10.0.0.5", "5000"]
DIRECTORY_KEY = "3f2a 99c1 0000 0000 0000 0000 0000 0000"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "parley" / "config.toml"


def keeps(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def start(
    words: list[str],
    file: Path,
    environment: Mapping[str, str] | None = None,
    *,
    at_terminal: bool = False,
) -> argparse.Namespace:
    arguments = parse(words)
    complete(arguments, environment or {}, file, at_terminal=at_terminal)
    return arguments


def refusal(
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    file: Path,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The one line that is said at the end with code 2."""
    with pytest.raises(SystemExit) as end:
        start(words, file, environment)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said.removesuffix(" (see peer --help)\n")


# --- The command line ---


def test_nothing_said_is_what_it_always_was(file: Path) -> None:
    arguments = start(CAROL, file)
    assert vars(arguments) == {
        "name": "carol",
        "host": "10.0.0.5",
        "port": 5000,
        "data": None,
        "listen": 0,
        "advertise": ("", 0),
        "token": None,
        "directory_key": None,
        "no_mapping": False,
        "no_find": False,
        "find": False,
        "no_history": False,
        "passphrase": False,
        "passphrase_file": None,
        "new_passphrase_file": None,
        "plain": False,
        "json": False,
        "notify": False,
        "notify_text": False,
        "verbose": False,
        "command": [],
        "by_hand": False,
        "offered": {},
        "proven": "",
    }


def test_a_folder_is_enough_to_change_its_passphrase(file: Path) -> None:
    assert start(["--passphrase", "--data", "x"], file).name is None


@pytest.mark.parametrize(
    "words",
    [
        ["--plain", "carol", "--data", "x", "10.0.0.5", "5000", "--json"],
        ["carol", "10.0.0.5", "--data=x", "--json", "5000", "--plain"],
    ],
)
def test_options_stand_anywhere_before_the_command(words: list[str]) -> None:
    arguments = parse([*words, "PRV", "dave", "--force is green"])
    assert [arguments.name, arguments.host, arguments.port] == ["carol", "10.0.0.5", 5000]
    assert (arguments.data, arguments.plain, arguments.json) == ("x", True, True)
    assert arguments.command == ["PRV", "dave", "--force is green"]


@pytest.mark.parametrize(
    "words",
    [
        ["LIST", "USERS", "--json", "--data", "x"],
        ["LIST", "--data=x", "USERS", "--json"],
        ["--json", "LIST", "--data", "x", "USERS"],
    ],
)
def test_options_may_stand_after_a_command_that_takes_no_text(words: list[str]) -> None:
    arguments = parse([*CAROL, *words])
    assert (arguments.data, arguments.json) == ("x", True)
    assert arguments.command == ["LIST", "USERS"]


@pytest.mark.parametrize(
    "command",
    [
        "PRV dave ok --json", "@dave ok --json", "dave ok --json", "MSG --json ok",
        "LEAVE dave ok --json ok", "SEARCH --json",
    ],
)  # fmt: skip
def test_an_option_in_a_text_is_refused(
    command: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(capsys, [*CAROL, *command.split()], file)
    assert said == "peer: put --json before the command, or the text in quotes"


@pytest.mark.parametrize("text", ["ok --json", "-h", "--force", "--jsonx", "--json=1"])
def test_what_is_no_option_of_ours_is_a_text(text: str) -> None:
    assert parse([*CAROL, "PRV", "dave", text]).command == ["PRV", "dave", text]


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ([], "NAME, HOST, PORT"),
        (["carol", "h"], "PORT"),
        (["carol", "--no-find"], "HOST, PORT"),
        (["carol", "--passphrase"], "HOST, PORT"),
    ],
)
def test_who_is_no_person_must_say_it_all(
    words: list[str], missing: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(capsys, words, file)
    assert said == f"peer: the following arguments are required: {missing}"


def test_the_directory_of_who_says_only_a_name_is_sought(file: Path) -> None:
    assert is_sought(start(["carol"], file))
    assert is_sought(start(["carol"], file, at_terminal=True))
    keeps(file, 'name = "carol"\nhost = "h"\nport = 5000\n')
    script = start([], file)  # what the file says was used last time
    assert is_sought(script)
    assert (script.name, script.host) == ("carol", None)
    assert start(["--no-find"], file).host == "h"
    assert not is_sought(start(CAROL, file))
    assert not is_sought(start(["carol", "h"], file, at_terminal=True))
    assert not is_sought(start(["carol"], file, {"PARLEY_PORT": "1"}, at_terminal=True))
    assert start(["--find"], file).find
    assert start(["--find", "carol"], file, {"PARLEY_NO_FIND": "yes"}).find


@pytest.mark.parametrize("words", ["carol h --find", "carol DOCTOR --find", "--no-find --find"])
def test_find_looks_at_this_network_only(
    file: Path, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        start(words.split(), file)
    why = "--find looks at this network only: leave out HOST, PORT and --no-find"
    assert capsys.readouterr().err.startswith(f"peer: {why}")


def test_doctor_needs_no_directory(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["carol", "doctor"],
        ["carol", "DOCTOR", "--no-find"],
        ["--json", *CAROL[:1], "DOCTOR"],
    ):
        arguments = start(words, file)
        assert (arguments.name, arguments.host, arguments.port) == ("carol", None, None)
        assert [word.upper() for word in arguments.command] == ["DOCTOR"]
    keeps(file, 'name = "carol"\nhost = "h"\nport = 1\n')
    assert start(["carol", "DOCTOR", "--no-find"], file).host == "h"
    for others in (["carol", "STATUS"], ["carol", "DOCTOR", "now"]):
        with pytest.raises(SystemExit, match="2"):
            start(others, file.with_name("none"))


@pytest.mark.parametrize("option", ["--data", "--passphrase-file", "--new-passphrase-file"])
def test_a_home_that_nobody_has_is_a_wrong_argument(
    file: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        start([option, "~who/x"], file)
    said = capsys.readouterr().err
    assert said.startswith(f'peer: {option}: "~who/x": nobody knows that home')


# --- The environment and the file ---


def test_the_command_line_goes_before_the_environment_and_this_before_the_file(
    file: Path,
) -> None:
    keeps(file, 'name = "erin"\nhost = "h.file"\nport = 1\nlisten = 1\ndata = "file"\n')
    environment = {"PARLEY_HOST": "h.env", "PARLEY_PORT": "2", "PARLEY_LISTEN": "2"}
    arguments = start(["--listen", "3"], file, environment)
    assert (arguments.listen, arguments.port, arguments.data) == (3, 2, "file")
    assert (arguments.name, arguments.host) == ("erin", "h.env")


def test_every_option_may_come_from_the_environment(file: Path) -> None:
    environment = {option.variable("PARLEY"): "yes" for option in OPTIONS if option.is_switch} | {
        "PARLEY_NAME": "carol",
        "PARLEY_HOST": "[::1]",
        "PARLEY_PORT": "5000",
        "PARLEY_DATA": "~/chat",
        "PARLEY_LISTEN": "6000",
        "PARLEY_ADVERTISE": "me.lan:6000",
        "PARLEY_TOKEN": "secret",
        "PARLEY_DIRECTORY_KEY": DIRECTORY_KEY,
        "PARLEY_PASSPHRASE_FILE": "~/words",
    }
    assert environment.keys() == {option.variable("PARLEY") for option in (*WORDS, *OPTIONS)}
    arguments = start([], file, environment)
    assert (arguments.name, arguments.host, arguments.port) == ("carol", "::1", 5000)
    home = Path.home()
    assert (arguments.data, arguments.listen) == (str(home / "chat"), 6000)
    assert arguments.token == "secret"
    assert arguments.advertise == ("me.lan", 6000)
    assert arguments.directory_key == DIRECTORY_KEY.replace(" ", "")
    assert arguments.passphrase_file == str(home / "words")
    assert all((arguments.no_history, arguments.plain, arguments.json, arguments.verbose))


def test_every_option_may_come_from_the_file(file: Path) -> None:
    keeps(
        file,
        f"""
        # Everything of it.
        name = "carol"
        host = "10.0.0.5"
        port = 5000
        data = "~/chat"
        listen = 6000
        advertise = "me.lan:6000"
        token = "secret"
        directory_key = "{DIRECTORY_KEY}"
        no_history = true
        plain = true
        json = true
        verbose = true
        """,
    )
    environment = {"PARLEY_NO_HISTORY": "no", "PARLEY_PLAIN": "0", "PARLEY_TOKEN": ""}
    arguments = start([], file, environment)
    assert arguments.name == "carol"
    assert directories_for(arguments) == (("10.0.0.5", 5000),)
    assert (arguments.listen, arguments.advertise) == (6000, ("me.lan", 6000))
    assert (arguments.no_history, arguments.plain, arguments.json) == (False, False, True)
    assert arguments.token == "secret"  # an empty variable says nothing


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PARLEY_PORT", "x", '"x" is not a port: a number from 1 to 65535'),
        ("PARLEY_NAME", "ca rol", '"ca rol" is not a valid name: only the letters a to z, digits,'),
        ("PARLEY_NO_HISTORY", "maybe", '"maybe" is not yes or no'),
        ("PARLEY_DIRECTORY_KEY", "zz", '"zz" is not a key: 32 hex digits'),
    ],
)
def test_a_wrong_variable_is_named(
    variable: str, value: str, said: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal(capsys, [], file, {variable: value})
    assert line.startswith(f"peer: {variable}: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listen = 70000", ': listen: "70000" is not a port: a number from 1 to 65535'),
        ("listen = true", ": listen: true is not a text or a number"),
        ("token = ['a']", ": token: this is not a text or a number"),
        ('plain = "yes"', ": plain: this is not true or false"),
        ("no_histroy = true", ': there is no option "no_histroy"'),
        ("[peer]\nname = 'x'", ': there is no option "peer"'),
        ("name = ", ": it is damaged: Invalid value (at "),
        ("x = " + "[" * 50_000, ": it is damaged: "),
    ],
)
def test_a_wrong_line_of_the_file_is_named(
    text: str, said: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keeps(file, text)
    assert refusal(capsys, CAROL, file).startswith(f"peer: {file}{said}")


def test_a_file_of_bytes_is_damaged(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keeps(file, "")
    file.write_bytes(b"\xff\xfe")
    assert refusal(capsys, CAROL, file).startswith(f"peer: {file}: it is damaged: ")


def test_a_file_that_cannot_be_read_is_said_and_says_nothing(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.mkdir(parents=True)
    assert start(CAROL, file).name == "carol"
    assert capsys.readouterr().err == f"peer: cannot read {file}: is a directory.\n"


def test_a_folder_that_is_none_holds_no_file(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start(CAROL, Path("/dev/null") / "config.toml").name == "carol"
    assert capsys.readouterr().err == ""


def test_the_file_lies_where_settings_belong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_file() == tmp_path / "parley" / "config.toml"


# --- Asking ---


class Someone:
    """Reads questions, and types what the test has prepared."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.read: list[str] = []

    def show(self, notice: Notice) -> None:
        self.read.append(notice.text)

    async def read_line(self) -> str | None:
        return self.lines.pop(0) if self.lines else None


async def test_a_person_is_asked_for_all_that_is_missing(file: Path) -> None:
    someone = Someone("carol", "10.0.0.5", "")
    arguments = start([], file, at_terminal=True)
    assert await ask_for_words(arguments, someone.show, someone.read_line)
    assert (arguments.name, arguments.host, arguments.port) == ("carol", "10.0.0.5", 5000)
    assert someone.read == [
        "Your name:",
        "The host where the directory runs:",
        "Its port [5000]:",
    ]


async def test_what_was_used_last_is_offered(file: Path) -> None:
    keeps(file, 'name = "carol"\nhost = "10.0.0.5"\nport = 7000\n')
    someone = Someone("", "  localhost ", "")
    arguments = start([], file, at_terminal=True)
    assert await ask_for_words(arguments, someone.show, someone.read_line)
    assert (arguments.name, arguments.host, arguments.port) == ("carol", "localhost", 7000)
    assert someone.read == [
        "Your name [carol]:",
        "The host where the directory runs [10.0.0.5]:",
        "Its port [7000]:",
    ]


async def test_a_wrong_answer_is_explained_and_asked_again(file: Path) -> None:
    someone = Someone("ca rol", "carol", "", "doctor", "here", "x", "7000")
    arguments = start([], file, at_terminal=True)
    assert await ask_for_words(arguments, someone.show, someone.read_line)
    assert arguments.port == 7000
    assert someone.read[1].startswith('"ca rol" is not a valid name: ')
    assert someone.read[4] == "No host was given."
    assert someone.read[6] == '"doctor" is a word of this program, not a host.'
    assert someone.read[9] == '"x" is not a port: a number from 1 to 65535.'


async def test_who_does_not_answer_is_let_go(file: Path) -> None:
    someone = Someone("carol")
    arguments = start([], file, at_terminal=True)
    assert not await ask_for_words(arguments, someone.show, someone.read_line)


async def test_who_has_said_it_all_is_asked_nothing(file: Path) -> None:
    keeps(file, 'name = "erin"\nhost = "elsewhere"\nport = 1\n')
    someone = Someone()
    arguments = start(["carol", "h"], file, {"PARLEY_PORT": "5000"}, at_terminal=True)
    assert arguments.by_hand
    assert await ask_for_words(arguments, someone.show, someone.read_line)
    assert (arguments.name, arguments.host, arguments.port) == ("carol", "h", 5000)
    assert someone.read == []


def test_a_bot_on_a_terminal_is_no_person(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not start([*CAROL, "--json"], file, at_terminal=True).by_hand


# --- Remembering ---


def test_what_was_asked_is_remembered_for_its_owner_only(file: Path) -> None:
    remember(file, "carol", "10.0.0.5", 5000)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert file.read_text() == 'name = "carol"\nhost = "10.0.0.5"\nport = 5000\n'
    remember(file, "dave", "10.0.0.5", 5000)
    assert tomllib.loads(file.read_text())["name"] == "dave"


def test_all_other_lines_stay_as_they_are() -> None:
    before = '# mine\n"name" = "erin"  # old\nplain = true\nport=1\n'
    after = with_words(before, "carol", 'strange"\\host', 5000)
    assert after == (
        'host = "strange\\"\\\\host"\n# mine\nname = "carol"\nplain = true\nport = 5000\n'
    )
    assert tomllib.loads(after)["host"] == 'strange"\\host'
    assert with_words(after, "carol", 'strange"\\host', 5000) == after


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.toml").symlink_to(tmp_path / "real.toml")
    (tmp_path / "real.toml").write_text("plain = true\n")
    remember(tmp_path / "link.toml", "carol", "h", 5000)
    assert (tmp_path / "link.toml").is_symlink()
    assert tomllib.loads((tmp_path / "real.toml").read_text())["plain"]


def test_what_cannot_be_remembered_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StorageError, match=r"^cannot use .*file/parley/config\.toml: not a directory$"
    ):
        remember(tmp_path / "file" / "parley" / "config.toml", "carol", "h", 5000)
    with pytest.raises(StorageError, match=r"^there is no folder for settings$"):
        remember(Path("~/.config/parley/config.toml"), "carol", "h", 5000)


# --- Several directories ---


def test_several_hosts_may_stand_wherever_one_may(file: Path) -> None:
    several = "dir1,dir2:5001,[::1]:5002"
    found = (("dir1", 5000), ("dir2", 5001), ("::1", 5002))
    on_the_line = start(["carol", "dir1, dir2:5001,[::1]:5002", "5000"], file)
    environment = {"PARLEY_NAME": "carol", "PARLEY_HOST": several, "PARLEY_PORT": "5000"}
    keeps(file, f'name = "carol"\nhost = "{several}"\nport = 5000\n')
    for arguments in (on_the_line, start([], file, environment), start([], file)):
        assert directories_for(arguments) == found
    remember(file, "carol", on_the_line.host, 5000)
    assert tomllib.loads(file.read_text())["host"] == several


async def test_a_person_may_name_several(file: Path) -> None:
    someone = Someone("carol", "dir1,", "dir1,dir2:5001", "5000")
    arguments = start([], file, at_terminal=True)
    assert await ask_for_words(arguments, someone.show, someone.read_line)
    assert directories_for(arguments) == (("dir1", 5000), ("dir2", 5001))
    assert 'A host is missing in "dir1,".' in someone.read


@pytest.mark.parametrize("source", ["line", "environment", "file"])
def test_a_wrong_host_among_several_is_said(
    file: Path, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    why = '"0" is not a port: a number from 1 to 65535'
    match source:
        case "line":
            assert refusal(capsys, ["carol", "dir1,dir2:0", "5000"], file) == f"peer: HOST: {why}"
        case "environment":
            environment = {"PARLEY_NAME": "carol", "PARLEY_HOST": "dir1,dir2:0"}
            said = refusal(capsys, [], file, environment)
            assert said == f"peer: PARLEY_HOST: {why}"
        case "file":
            keeps(file, 'name = "carol"\nhost = "dir1,dir2:0"\nport = 1\n')
            assert refusal(capsys, [], file) == f"peer: {file}: host: {why}"
