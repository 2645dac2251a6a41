"""What goes with a program: completion for shells, and pages for `man`."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import directory_server.arguments
import peer.program.arguments
from peer.commands.table import TABLE
from shared.version import VERSION

PROGRAMS = {"peer": peer.program.arguments.parse, "dirserver": directory_server.arguments.parse}
Printed = Callable[..., str]


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """What a program prints before it ends with code 0."""

    def run(program: str, *words: str) -> str:
        with pytest.raises(SystemExit) as end:
            PROGRAMS[program](list(words))
        assert not end.value.code
        return capsys.readouterr().out

    return run


def options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def ask(words: list[str], script: str = "") -> str:
    """What a program of this machine says, without a complaint."""
    if shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]} here")
    ended = subprocess.run(
        words, input=script, capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stderr == ""
    return ended.stdout


def test_the_page_has_every_option_and_every_command(program: str, printed: Printed) -> None:
    page = printed(program, "--man-page")
    assert page.startswith(f".TH {program.upper()} 1 ")
    assert VERSION in page
    plain = page.replace("\\-", "-")
    assert options(printed(program, "--help")) <= options(plain.replace("\\fB", " "))
    if program == "peer":
        for entry in TABLE:
            assert f"\\fB{entry.usage}\\fR\n{entry.meaning}" in plain


def test_a_formatter_has_nothing_to_complain_of(program: str, printed: Printed) -> None:
    shown = ask(["groff", "-man", "-Tutf8", "-ww", "-P-c"], printed(program, "--man-page"))
    assert "EXAMPLES" in re.sub(".\b", "", shown)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_can_read_its_script(
    program: str, shell: str, printed: Printed, tmp_path: Path
) -> None:
    script = printed(program, "--completion", shell)
    (tmp_path / "script").write_text(script)
    ask([shell, "-n", str(tmp_path / "script")])
    wanted = {option.removeprefix("--") for option in options(printed(program, "--help"))}
    prefix = "-l " if shell == "fish" else "--"
    assert wanted <= {name.removeprefix("--") for name in re.findall(prefix + r"([a-z-]+)", script)}


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["--passphrase-"], ["--passphrase-file"]),
        (["--completion", "z"], ["zsh"]),
        (["--token", "c"], []),
        (["carol", "localhost", "5000", "IGN"], ["IGNORE", "IGNORED"]),
        (["carol", "--data", "x", "--plain", "localhost", "5000", "prv"], ["prv"]),
        (["carol", "localhost", "IGN"], []),
        (["carol", "localhost", "5000", "IGNORE", "IGN"], []),
    ],
)
def test_bash_completes_options_values_and_commands(
    printed: Printed, typed: list[str], offered: list[str]
) -> None:
    words = " ".join(["peer", *typed])
    play = f"COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _peer; echo ${{COMPREPLY[@]}}"
    assert ask(["bash"], f"{printed('peer', '--completion', 'bash')}\n{play}").split() == offered


def test_bash_completes_folders_where_one_is_wanted(printed: Printed, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    play = f"COMP_WORDS=(dirserver --data {tmp_path}/f); COMP_CWORD=2; _dirserver; echo $COMPREPLY"
    script = printed("dirserver", "--completion", "bash")
    assert ask(["bash"], f"{script}\n{play}").split() == [f"{tmp_path}/folder"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("--passphrase-", ["--passphrase-file"]),
        ("carol localhost 5000 IGNORE", ["IGNORE", "IGNORED"]),
    ],
)
def test_fish_completes_options_and_commands(
    printed: Printed,
    typed: str,
    offered: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    play = f"{printed('peer', '--completion', 'fish')}\ncomplete -C 'peer {typed}'"
    lines = ask(["fish"], play).splitlines()
    assert [line.split("\t")[0] for line in lines] == offered


def test_another_shell_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        PROGRAMS["peer"](["--completion", "csh"])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
