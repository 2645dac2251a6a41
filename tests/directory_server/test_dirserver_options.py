"""Where the options of `dirserver` may stand, and what a running directory reads again."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from directory_server import arguments
from directory_server.places import folder_of
from shared.arguments import token
from tests.kit.programs import HOST, Program, Stage, tool


def parse(words: str, file: Path | None = None, **environment: str) -> dict[str, Any]:
    return vars(arguments.parse(words.split(), environment, file))


def refusal(
    capsys: pytest.CaptureFixture[str], words: str, file: Path | None = None, **environment: str
) -> str:
    with pytest.raises(SystemExit) as end:
        parse(words, file, **environment)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said.removesuffix(" (see dirserver --help)\n")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dirserver.toml"


def test_the_command_line_counts_before_the_environment_and_that_before_the_file(
    file: Path,
) -> None:
    file.write_text('port = 1\nidle_after = 1\nmail_mib = 1\nclosed = true\nhost = "h"\n')
    found = parse("3 --idle-after 3", file, DIRSERVER_IDLE_AFTER="2", DIRSERVER_MAIL_MIB="2")
    assert (found["port"], found["idle_after"], found["mail_mib"]) == (3, 3.0, 2)
    assert (found["closed"], found["host"], found["one_per_address"]) == (True, "h", False)


def test_each_option_may_stand_in_the_environment(file: Path) -> None:
    values = {
        "PORT": "7", "HOST": "h", "DATA": "d", "IDLE_AFTER": "1", "ONE_PER_ADDRESS": "yes",
        "REGISTER_ONLY_WITH": "sesame", "CLOSED": "on", "NAMES_PER_ADDRESS": "1",
        "MAIL_MIB": "1", "METRICS": "[::1]:9464", "LOG_FORMAT": "json", "VERBOSE": "true",
        "STORE": "postgresql://db1,db2/parley", "STORE_SYNC": "1", "ADDRESS": "[::1]:5000",
        "WORKERS": "2", "NAME": "lab", "NO_ANNOUNCE": "yes",
    }  # fmt: skip
    options = {option.name.upper() for option in (arguments.PORT, *arguments.OPTIONS)}
    assert set(values) == options - {"TOKEN_FILE"}
    found = parse("", None, **{f"DIRSERVER_{name}": value for name, value in values.items()})
    assert found["register_only_with"] == "sesame"
    assert found["metrics"] == ("::1", 9464)
    assert (found["store"], found["address"]) == ("postgresql://db1,db2/parley", "[::1]:5000")
    assert all(found[name] for name in ("one_per_address", "closed", "verbose", "store_sync"))


def test_a_token_comes_from_the_first_place_that_has_one(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of its own file\n")
    file.write_text(f'port = 1\ntoken_file = "{secret}"\n')
    assert parse("", file)["register_only_with"] == "of its own file"
    assert parse("", file, PARLEY_TOKEN="peers")["register_only_with"] == "peers"
    both = {"PARLEY_TOKEN": "peers", "DIRSERVER_REGISTER_ONLY_WITH": "ours"}
    assert parse("", file, **both)["register_only_with"] == "ours"
    assert parse("--register-only-with typed", file, **both)["register_only_with"] == "typed"
    file.write_text('port = 1\nregister_only_with = "of the file"\n')
    assert parse("", file)["register_only_with"] == "of the file"
    found = parse(f"--token-file {secret}", file, DIRSERVER_REGISTER_ONLY_WITH="ours")
    assert found["register_only_with"] == token("of its own file")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prot = 5000", ': there is no option "prot"'),
        ("port = ", ": it is damaged: "),
        ("port = 70000", ': port: "70000" is not a port'),
        ("closed = 1", ": closed: this is not true or false"),
        ("found_anew = true", ': there is no option "found_anew"'),
        ('log_format = "xml"', ': log_format: "xml" is none of plain, json'),
        ('metrics = "x:y"', ': metrics: "y" is not a port'),
    ],
)
def test_a_wrong_line_of_the_file_is_named(
    file: Path, text: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(text)
    assert refusal(capsys, "", file).startswith(f"dirserver: {file}{complaint}")


def test_a_file_that_cannot_be_read_is_not_passed_over(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its token would be missing, and everybody could register."""
    file.mkdir()
    assert refusal(capsys, "5000", file) == f"dirserver: cannot read {file}: is a directory"
    said = refusal(capsys, "5000 --config /nowhere.toml")
    assert said == 'dirserver: there is no file "/nowhere.toml"'
    assert refusal(capsys, "5000", None, DIRSERVER_CONFIG="/nowhere.toml") == said
    assert parse("5000", file.parent / "none.toml")["closed"] is False


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("5000 --store-sync", "--store-sync needs --store"),
        ("5000 --free", "--free goes with --forget"),
        ("--list --free", "--free goes with --forget"),
        ("5000 --workers 2", "--workers needs --store, as only PostgreSQL takes several"),
    ],
)
def test_an_option_that_would_have_no_effect_is_refused(
    words: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, words).startswith(f"dirserver: {complaint}")


def test_options_for_serving_do_not_hinder_other_tasks(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store may be named when it starts only: `dirserver admin` reads the file without it."""
    file.write_text("port = 5000\nstore_sync = true\nworkers = 2\n")
    assert parse("--list", file)["store"] is None
    assert parse("--forget carol --free", file)["free"] is True
    assert refusal(capsys, "", file).startswith("dirserver: --workers needs --store")


def test_the_data_folder_may_be_named_from_the_users_own_folder_on(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell replaces the ~ on a command line only."""
    monkeypatch.setenv("HOME", str(tmp_path))
    file.write_text('data = "~/names"\n')
    assert folder_of(parse("--list", file)["data"]) == tmp_path / "names"
    assert folder_of("~no such user/names") == Path("~no such user/names")
    assert folder_of("names") == Path("names")


# --- The running program ---


class Served:
    """A directory whose options stand in a file."""

    def __init__(self, stage: Stage, options: str, host: str = HOST) -> None:
        self.file = stage.folder / "dirserver.toml"
        self.writes(options)
        self._stage = stage
        self.program = stage.directory("--config", str(self.file), "--host", host)

    def writes(self, options: str) -> None:
        self.file.write_text(options)

    def reads_again(self) -> None:
        self.program.errors.clear()
        self.program.sends(signal.SIGHUP)
        self.program.says_like(".*the options (are|were not) read anew.*")

    def lets_in(self, name: str, *options: str) -> bool:
        peer = self._stage.starts_peer(name, *options)
        peer.ends_input()
        return peer.ends() == 0


def test_sighup_reads_the_options_again(stage: Stage) -> None:
    served = Served(stage, "closed = true\n")
    assert not served.lets_in("carol")
    served.writes('register_only_with = "sesame"\n')
    served.reads_again()
    assert not served.lets_in("carol")
    assert served.lets_in("carol", "--token", "sesame")
    served.writes("verbose = true\n")
    served.reads_again()
    assert served.lets_in("dave")
    served.program.says_like(r".* INFO dave is here, from .*")
    served.writes("closed = perhaps\n")
    served.reads_again()
    assert served.lets_in("erin"), "a wrong file changes nothing"
    assert any("it is damaged" in line for line in served.program.errors)
    served.program.sends(signal.SIGTERM)
    assert served.program.ends() == 0


def test_a_reload_names_what_it_leaves_and_that_everybody_may_register(stage: Stage) -> None:
    served = Served(stage, "closed = true\n", host="0.0.0.0")
    served.writes('closed = true\nmetrics = 1\nlog_format = "json"\n')
    served.reads_again()
    served.program.says_like(".* these options change only with a restart: metrics, log_format")
    assert not any("may register" in line for line in served.program.errors)
    served.writes("")
    served.reads_again()
    served.program.says_like(".* Everybody who reaches this machine may register: .*")
    assert not any("with a restart" in line for line in served.program.errors)


def test_no_list_of_processes_shows_the_token(stage: Stage) -> None:
    served = Served(stage, 'register_only_with = "sesame"\n')
    shown = Path(f"/proc/{served.program.pid}/cmdline")
    if not shown.exists():
        pytest.skip("there is no /proc here")
    assert b"sesame" not in shown.read_bytes()
    assert served.lets_in("carol", "--token", "sesame")


def test_a_service_manager_hears_when_it_is_ready_and_when_it_ends(stage: Stage) -> None:
    path = stage.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(60)
        stage.environment["NOTIFY_SOCKET"] = str(path)
        directory = stage.directory("--host", HOST)
        said = manager.recv(1_000).decode().splitlines()
        assert said == ["READY=1", f"STATUS=Listening on {HOST}:{stage.port}"]
        directory.sends(signal.SIGTERM)
        assert manager.recv(1_000) == b"STOPPING=1"
        assert directory.ends() == 0


@pytest.mark.parametrize("address", ["@parley-nobody-listens", "/nowhere/notify", "nonsense"])
def test_a_service_manager_that_is_not_there_harms_nothing(stage: Stage, address: str) -> None:
    stage.environment["NOTIFY_SOCKET"] = address
    directory = stage.directory("--host", HOST)
    directory.sends(signal.SIGTERM)
    assert directory.ends() == 0


def test_a_log_of_objects_says_no_more_than_the_plain_one(stage: Stage) -> None:
    directory = stage.directory("--host", HOST, "--log-format", "json", "--verbose")
    carol, dave = stage.talk()
    carol.types("a secret text")
    dave.sees("carol: a secret text")
    dave.types("QUIT CONVERSATION", "LEAVE carol another secret text")
    directory.sends(signal.SIGTERM)
    assert directory.ends() == 0
    lines = [json.loads(line) for line in directory.errors]
    assert {frozenset(line) for line in lines} == {
        frozenset(("time", "level", "part", "event", "text"))
    }
    here = next(line for line in lines if line["event"] == "%s is here, from %s")
    assert here["text"].startswith("carol is here, from 127.0.0.1:")
    assert "secret" not in "".join(directory.errors)


def test_metrics_that_cannot_be_served_are_said_in_one_line(stage: Stage) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        failed = _starts(stage, "--metrics", port)
    assert f"--metrics: port {port} is already in use" in failed.errors[0]
    assert len(failed.errors) == 1
    failed = _starts(stage, "--metrics", "192.0.2.1:0")
    assert failed.errors == ["dirserver: --metrics: 192.0.2.1 is not an address of this machine"]


def test_workers_whose_metrics_find_no_port_are_complained_of_before_one_serves(
    stage: Stage,
) -> None:
    words = [str(stage.port), "--host", HOST, "--data", str(stage.directory_data)]
    words += ["--store", f"postgresql://{HOST}:1/parley", "--workers", "2", "--metrics", "65535"]
    failed = stage.starts(tool("dirserver"), *words)
    assert failed.ends() == 2
    assert failed.errors == ["dirserver: --metrics: 65536 is not a port: a number from 1 to 65535"]


def test_metrics_without_their_library_are_said_in_one_line(stage: Stage) -> None:
    (stage.folder / "prometheus_client.py").write_text("raise ImportError\n")
    stage.environment["PYTHONPATH"] = str(stage.folder)
    failed = _starts(stage, "--metrics", "0")
    assert failed.errors == [
        'dirserver: --metrics needs prometheus_client: pip install "parley-chat[ops]"'
    ]
    stage.directory("--host", HOST)  # which needs it for nothing else


def _starts(stage: Stage, *options: str) -> Program:
    data = str(stage.directory_data)
    failed = stage.starts(tool("dirserver"), "0", "--host", HOST, "--data", data, *options)
    assert failed.ends() == 2
    return failed


def test_a_terminal_that_is_closed_ends_the_directory(stage: Stage) -> None:
    """As it ends other programs: only a service reads its options again."""
    master, slave = os.openpty()
    try:
        script = "import os, sys; os.dup2(int(sys.argv[1]), 0); os.execv(sys.argv[2], sys.argv[2:])"

        data = str(stage.directory_data)
        words = [tool("dirserver"), "0", "--host", HOST, "--data", data]
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(slave), *words],
            pass_fds=[slave],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"Directory listening on ")
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 0
        process.stdout.close()
    finally:
        os.close(master)
        os.close(slave)


# --- The name that is announced ---


def test_the_name_that_is_announced_is_harmless(file: Path) -> None:
    assert parse("5000 --name lab.example", file)["name"] == "lab-example"
    file.write_text(f'port = 1\nname = "{"é" * 60}"\nno_announce = true\n')
    found = parse("", file)
    assert (found["name"], found["no_announce"]) == ("é" * 31, True)


@pytest.mark.parametrize("name", ["", "   ", "a\x1b[31mb", "a\nb"])
def test_a_name_that_cannot_be_shown_is_refused(
    name: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        arguments.parse(["5000", "--name", name], {}, file)
    why = "--name: it is empty, or has characters that cannot be shown"
    assert capsys.readouterr().err.startswith(f"dirserver: {why}")
