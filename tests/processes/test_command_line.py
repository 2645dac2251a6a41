"""Both programs as a shell sees them: arguments, exit codes, pipes and signals."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.programs import HOST, Stage, connect, taken, tool


def shell(stage: Stage, line: str) -> subprocess.CompletedProcess[str]:
    """In bash; `$peer` and `$dirserver` are the programs, `$port` and `$data` where they are."""
    names = {
        "peer": tool("peer"),
        "dirserver": tool("dirserver"),
        "port": str(stage.port),
        "data": str(stage.data_of("carol")),
        "long": "x" * 300,  # a name that no file can have, as one in a folder that may not be read
    }
    done = subprocess.run(
        ["bash", "-c", line],
        env={**os.environ, **stage.environment, **names},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


# --- Arguments ---


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("$peer", "peer: the following arguments are required: NAME, HOST, PORT"),
        ("$peer carol host 0", 'peer: PORT: "0" is not a port: a number from 1 to 65535'),
        ("$peer carol host 5000 --listen x", 'peer: --listen: "x" is not a port'),
        ("$peer carol host 5000 --directory-key zz", 'peer: --directory-key: "zz" is not a key'),
        ("$peer carol localhost 5000 zork", "peer: Unknown command: zork."),
        ("$peer carol localhost 5000 HELP zork", "peer: Unknown command: zork."),
        ("$peer a localhost 1 --data $long USERS", "peer: cannot reach the peer that runs on xx"),
        ("XDG_DATA_HOME=/$long $peer a localhost 1 USERS", "peer: cannot reach the peer that"),
        ("$peer a host 1 --data '~who/x'", 'peer: --data: "~who/x": nobody knows that home'),
        ("$peer 'ca rol' localhost 5000 LIST", 'peer: "ca rol" is not a valid name: '),
        ("$dirserver", "dirserver: the following arguments are required: PORT"),
        ("$dirserver 70000", 'dirserver: PORT: "70000" is not a port: a number from 1 to 65535'),
        ("$dirserver 0 --idle-after nan", 'dirserver: --idle-after: "nan" is not a number of'),
        ("$dirserver 0 --config $long", "dirserver: cannot read xx"),
        ("$dirserver 0 --data /etc/passwd", "dirserver: cannot use the folder /etc/passwd: "),
    ],
)
def test_a_wrong_argument_is_said_in_one_line(stage: Stage, line: str, said: str) -> None:
    done = shell(stage, line)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "line",
    ["$peer --help", "$peer --man-page", "$dirserver --version", "$peer a b 1 HELP"],
)
def test_nobody_may_be_there_to_read_the_help(stage: Stage, line: str) -> None:
    assert_output_counts(stage, line)
    assert shell(stage, f"{line} >&- 2>&- <&-").returncode == 0


def assert_output_counts(stage: Stage, line: str) -> None:
    """A full disk, or nobody who reads any more, is an exit code."""
    full = shell(stage, f"{line} < /dev/null > /dev/full")
    program = line.split(maxsplit=1)[0].removeprefix("$")
    assert full.stderr == f"{program}: stdout cannot be written: no space left on device.\n"
    assert full.returncode == 1
    gone = shell(stage, f"{NOBODY_READS} {line} < /dev/null")
    assert (gone.returncode, gone.stderr) == (1, "")


# Runs the rest of the line in a pipe that nobody reads from.
NOBODY_READS = (
    f"{sys.executable} -c 'import os, sys; ends = os.pipe(); os.close(ends[0]); "
    "os.dup2(ends[1], 1); os.execv(sys.argv[1], sys.argv[1:])'"
)


def test_a_directory_that_is_unknown_or_not_running_is_code_7(stage: Stage) -> None:
    gone = shell(stage, f"$peer carol {HOST} $port --data $data LIST")
    assert gone.returncode == 7
    nothing = f"peer: nothing answers at {HOST}:{stage.port} (connection refused).\n"
    assert gone.stderr == nothing
    unknown = shell(stage, "$peer carol no.such.host.invalid $port --data $data")
    assert unknown.returncode == 7
    assert unknown.stderr == "peer: the host name no.such.host.invalid is not known.\n"


# --- Names ---


def test_a_name_is_asked_for_until_one_is_accepted(stage: Stage) -> None:
    stage.directory()
    stage.once("carol", "STATUS").ends()
    other = stage.starts_peer("ca rol", "--data", str(stage.data_of("other")))
    reason = 'only the letters a to z, digits, ".", "_" and "-" may be used'
    other.sees(f'"ca rol" is not a valid name: {reason}. Choose another name:')
    other.types("CAROL")
    other.sees(taken("CAROL"))
    other.types("erin")
    other.sees(f"You are erin, connected to the directory at {HOST}:{stage.port}.")
    other.types("QUIT")
    assert other.ends() == 0


# --- One command, then exit ---


def test_each_exit_code_of_the_one_shot_form(stage: Stage) -> None:
    stage.directory()
    dave = stage.peer("dave")
    stage.once("frank", "STATUS").ends()

    codes = {
        "PRV dave build is green": 0,
        "zork": 2,
        "PRV frank hello": 3,
        "LEAVE dave hello": 0,
        "CHAT ci4": 4,
        "PRV nobody hello": 5,
        "CHAT frank": 6,
        "MUTE": 4,
        "DIM dave": 4,
    }
    running = [
        (stage.once(f"ci{number}", *command.split()), command)
        for number, command in enumerate(codes)
    ]
    for program, command in running:
        assert program.ends() == codes[command], program.transcript()
    dave.sees("[private] ci0: build is green")
    asking = stage.once("ci", "CHAT", "dave")
    dave.sees("User ci wants to chat with you. Would you like to? (Y/N)")
    dave.types("N")
    assert asking.ends() == 4


def test_a_running_peer_performs_what_is_handed_to_it(stage: Stage) -> None:
    stage.directory()
    stage.folder /= "deep" * 20  # longer than the address of a Unix socket
    carol, dave = stage.peer("carol"), stage.peer("dave")
    control = stage.data_of("carol") / "control"
    assert stat.S_IMODE(control.stat().st_mode) == 0o600

    two = [stage.once("carol", "LIST", "USERS") for _ in range(2)]
    assert [one.ends() for one in two] == [0, 0]
    assert two[0].lines == two[1].lines
    assert two[0].lines[0] == "ACTIVE: carol (you), dave"
    assert stage.once("carol", "PRV", "nobody", "x").ends() == 5

    second = stage.starts_peer("carol")
    assert second.ends() == 2
    assert "already running" in second.errors[0]

    connect(carol, "carol", dave, "dave")
    erin = stage.peer("erin")
    assert stage.once("carol", "PRV", "erin", "build is green").ends() == 0
    erin.sees("[private] carol: build is green")
    assert "carol: PRV erin build is green" not in dave.lines


def test_a_command_that_is_handed_over_is_a_sign_of_its_user(stage: Stage) -> None:
    stage.directory("--idle-after", "1")
    carol = stage.peer("carol")
    carol.sees("Your status is now INACTIVE.")
    assert stage.once("carol", "STATUS").ends() == 0
    carol.sees("Your status is now ACTIVE.")


def test_a_question_that_was_handed_over_is_answered_where_it_was_asked(stage: Stage) -> None:
    stage.directory()
    carol, dave, erin = stage.peer("carol"), stage.peer("dave"), stage.peer("erin")
    asking = stage.once("carol", "CHAT", "dave")
    dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    dave.types("Y")
    assert asking.ends() == 0
    assert asking.lines == ["You are now connected with dave."]
    carol.sees("You are now connected with dave.")
    adding = stage.once("carol", "ADD", "ERIN")
    erin.sees("User carol wants to chat with you and dave. Would you like to? (Y/N)")
    erin.types("Y")
    assert adding.ends() == 0
    assert adding.lines == ["User erin joined the conversation."]


def test_a_peer_waits_for_a_one_shot_on_the_same_data(stage: Stage) -> None:
    stage.directory()
    dave = stage.peer("dave")
    asking = stage.once("carol", "CHAT", "dave")
    dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    carol = stage.starts_peer("carol")
    carol.sees("Waiting for a command on the same data to end...")
    dave.types("N")
    assert asking.ends() == 4
    carol.sees(f"You are carol, connected to the directory at {HOST}:{stage.port}.")


def test_one_shots_of_the_same_user_at_the_same_moment_all_come_through(stage: Stage) -> None:
    stage.directory()
    dave = stage.peer("dave")
    lines = [f"line {number}" for number in range(3)]
    for program in [stage.once("ci", "PRV", "dave", line) for line in lines]:
        assert program.ends() == 0
    for line in lines:
        dave.sees(f"[private] ci: {line}")


def test_whoever_handed_a_command_over_may_go_away(stage: Stage) -> None:
    stage.directory()
    carol, dave = stage.peer("carol"), stage.peer("dave")
    asking = stage.once("carol", "CHAT", "dave")
    dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    asking.dies()
    dave.types("N")
    carol.types("PRV dave still here")
    dave.sees("[private] carol: still here")


# --- Without history ---


def test_without_history_nothing_that_was_said_stays_on_disk(stage: Stage) -> None:
    stage.directory()
    carol, dave = stage.peer("carol", "--no-history"), stage.peer("dave")
    connect(carol, "carol", dave, "dave")
    words = ["marmalade", "gooseberry", "quince", "rhubarb"]
    carol.types(words[0])
    dave.sees(f"carol: {words[0]}")
    dave.types(words[1])
    carol.sees(f"dave: {words[1]}")
    carol.types(f"@dave {words[2]}")
    dave.sees(f"[private] carol: {words[2]}")
    dave.types(f"@carol {words[3]}")
    carol.sees(f"[private] dave: {words[3]}")
    carol.types("QUIT CONVERSATION", "QUIT")
    assert carol.ends() == 0

    carol = stage.peer("carol", "--no-history")
    carol.types("HISTORY", "HISTORY dave", "QUIT")
    assert carol.ends() == 0
    assert carol.has_seen("No history here: nothing was said, or history is off.") == 2
    files = [file for file in stage.data_of("carol").iterdir() if file.is_file()]
    assert stage.data_of("carol") / "journal.db" in files
    for file in files:
        assert not [word for word in words if word.encode() in file.read_bytes()], file


# --- Pipes and files ---


def test_any_input_and_any_output_ends_well(stage: Stage) -> None:
    stage.directory()
    stage.data_of("carol").mkdir()
    (stage.data_of("carol") / "typed").write_text("LIST USERS\nSTATUS\n")
    for pipes in (
        "< $data/typed",
        "<&- >&- 2>&-",
        "< $data/typed >&-",
    ):
        here = f"$peer carol {HOST} $port --data $data {pipes}"
        done = shell(stage, here)
        assert done.returncode == 0, pipes
        if pipes == "< $data/typed":
            first, key, *rest = done.stdout.splitlines()
            assert first == f"You are carol, connected to the directory at {HOST}:{stage.port}."
            assert key.startswith("The directory's key is ")
            assert rest == [
                "ACTIVE: carol (you)",
                "BUSY: -",
                "INACTIVE: -",
                "OFFLINE: -",
                "Your status is ACTIVE.",
                "Good bye! ☺",
            ]


@pytest.mark.parametrize("options", ["", "--json", "LIST", "--json LIST"])
def test_output_that_cannot_be_written_is_an_exit_code(stage: Stage, options: str) -> None:
    stage.directory()
    stage.once("carol", "STATUS").ends()  # who has met the directory is told nothing on stderr
    assert_output_counts(stage, f"$peer carol {HOST} $port --data $data {options}")


def test_a_listing_that_cannot_be_written_is_an_exit_code(stage: Stage) -> None:
    stage.directory()
    stage.once("carol", "STATUS").ends()
    operate = f"$dirserver --data {stage.directory_data}"
    assert_output_counts(stage, f"{operate} --list")
    full = shell(stage, f"{operate} --forget carol > /dev/full")
    assert full.stderr == "dirserver: stdout cannot be written: no space left on device.\n"
    assert full.returncode == 1
    assert shell(stage, f"{operate} --list >&-").returncode == 0


def test_a_command_that_failed_says_so_whoever_reads_it(stage: Stage) -> None:
    stage.directory()
    stage.once("carol", "STATUS").ends()
    line = f"$peer carol {HOST} $port --data $data PRV nobody hello"
    assert shell(stage, f"{line} > /dev/full").returncode == 5


def test_what_was_typed_before_the_end_of_input_arrives(stage: Stage) -> None:
    stage.directory()
    carol, dave = stage.talk()
    carol.types(*(f"line {number}" for number in range(3_000)))
    carol.ends_input()
    assert carol.ends() == 0
    dave.sees("The conversation is over.")
    said = [line for line in dave.lines if line.startswith("carol: ")]
    assert said == [f"carol: line {number}" for number in range(3_000)]


# --- Signals ---


HEARS_HANGUPS = ("env", "--default-signal=HUP")  # also if nohup runs the tests


def test_nohup_keeps_a_bot_alive_when_its_terminal_goes(stage: Stage) -> None:
    stage.directory()
    bot = stage.starts_peer("bot", prefix=("nohup",))
    bot.sees_like("You are bot, connected to .*")
    bot.sends(signal.SIGHUP)
    for _ in range(3):  # one line may be read before a signal is
        bot.types("STATUS")
        bot.sees("Your status is ACTIVE.")
    bot.types("QUIT")
    assert bot.ends() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_conversation_in_peace(stage: Stage, number: signal.Signals) -> None:
    stage.directory()
    carol = stage.starts_peer("carol", prefix=HEARS_HANGUPS)
    carol.sees_like("You are carol, connected to .*")
    dave = stage.peer("dave")
    connect(carol, "carol", dave, "dave")
    carol.types("last words")
    dave.sees("carol: last words")
    carol.sends(number)
    assert carol.ends() == 0
    carol.sees("Good bye! ☺")
    dave.sees("User carol left the conversation.")


@pytest.mark.parametrize("command", [(), ("LIST",)])
def test_a_signal_ends_waiting_for_a_silent_directory(
    stage: Stage, command: tuple[str, ...]
) -> None:
    with socket.create_server((HOST, 0)) as silent:
        stage.port = silent.getsockname()[1]
        carol = stage.starts_peer("carol", *command)
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1)  # the beginning of a handshake
            carol.sends(signal.SIGINT)
            assert carol.ends() == 130


# Starts a program, and interrupts it when it imports a certain module.
INTERRUPTED_START = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # in a background job it is ignored
sys.argv = sys.argv[1:]
module = sys.argv.pop(1)

def interrupt(event, arguments):
    if event == "import" and arguments[0] == module:
        os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(interrupt)
from {package}.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("package", "module", "code"),
    [
        ("peer", "peer.program.arguments", -signal.SIGINT),
        ("peer", "_datetime", -signal.SIGINT),  # by msgspec, which loses the exception
        ("peer", "peer.program.lifecycle", -signal.SIGINT),
        ("peer", "peer.program.program", 130),
        ("peer", "sqlite3", 130),
        ("directory_server", "directory_server.arguments", -signal.SIGINT),
        ("directory_server", "_datetime", -signal.SIGINT),
        ("directory_server", "directory_server.program", -signal.SIGINT),
    ],
)
def test_an_interrupt_while_a_program_starts_ends_it_without_a_word(
    stage: Stage, package: str, module: str, code: int
) -> None:
    words = ("carol", HOST, "1") if package == "peer" else ("0",)
    script = INTERRUPTED_START.format(package=package)
    program = stage.starts(sys.executable, "-c", script, package, module, *words)
    assert program.ends() == code
    assert program.lines == program.errors == []


def test_lines_that_a_signal_cuts_off_are_not_passed_over_in_silence(stage: Stage) -> None:
    stage.directory()
    carol, dave = stage.talk()
    dave.sends(signal.SIGSTOP)
    carol.types("are you there?", "/STATUS")
    carol.sees("Your status is BUSY.")
    carol.sends(signal.SIGTERM)
    assert carol.ends() == 6
    carol.sees("Not everything that was typed has been delivered or stored.")


def test_a_signal_ends_the_directory_in_peace(stage: Stage) -> None:
    for name, number in (("carol", signal.SIGINT), ("dave", signal.SIGTERM)):
        directory = stage.directory()
        peer = stage.peer(name)
        directory.sends(number)
        assert directory.ends() == 0
        assert directory.errors == []
        peer.sees("Lost the directory, trying again.")


def test_a_second_directory_says_what_is_in_the_way(stage: Stage) -> None:
    stage.directory()
    same_data = shell(stage, f"$dirserver 0 --data {stage.directory_data}")
    assert same_data.returncode == 2
    assert "already running" in same_data.stderr
    same_port = shell(stage, f"$dirserver $port --data {stage.folder}/other")
    assert same_port.returncode == 2
    assert f"port {stage.port} is already in use" in same_port.stderr


def test_a_peer_says_that_its_port_is_in_use(stage: Stage) -> None:
    stage.directory()
    listen = ("--listen", str(stage.port))
    why = f"peer: port {stage.port} is already in use, by another peer or another program."
    for command in ([], ["STATUS"]):
        carol = stage.starts_peer("carol", *listen, *command)
        assert carol.ends() == 2
        assert carol.errors == [why]


# --- Damage ---


def test_a_damaged_folder_is_said_in_one_line(stage: Stage) -> None:
    stage.directory()
    stage.once("carol", "STATUS").ends()
    data = stage.data_of("carol")
    for file, kept in (("key", 20), ("journal.db", 0)):
        whole = (data / file).read_bytes()
        (data / file).write_bytes(whole[:kept] or os.urandom(5_000))
        assert_damage_is_said(stage, data / file)
        (data / file).write_bytes(whole)
    assert stage.once("carol", "STATUS").ends() == 0


def assert_damage_is_said(stage: Stage, file: Path) -> None:
    done = shell(stage, f"$peer carol {HOST} $port --data $data")
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert file.name in done.stderr
