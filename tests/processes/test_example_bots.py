"""The bots of README, as they lie in examples/: real programs that others talk with."""

import os
import signal
import sys
from pathlib import Path

from tests.kit.programs import HOST, Program, Stage, children_of, command_of, tool

EXAMPLES = Path(__file__).parents[2] / "examples"


def echo(stage: Stage) -> Program:
    bot = stage.starts(
        sys.executable, str(EXAMPLES / "echo_bot.py"), "echo", HOST, str(stage.port), name="echo"
    )
    bot.sees_like("'You are echo, connected to .*'")
    return bot


def test_what_is_said_in_a_room_is_repeated_there_alone(stage: Stage) -> None:
    stage.directory()
    bot, carol, dave = echo(stage), stage.peer("carol"), stage.peer("dave")
    carol.types("CHAT echo")
    carol.sees("You are now connected with echo.")
    dave.types("ROOM lab")
    dave.sees("You are in the room #lab, alone: ADD name TO lab asks somebody in.")
    dave.types("ADD echo TO lab")
    dave.sees("User echo is busy at this moment, you may interrupt. Interrupt? (Y/N)")
    dave.types("Y")
    dave.sees("User echo joined the room #lab.")

    dave.types("TO lab for this room only")
    dave.sees("#lab echo: for this room only")
    carol.types("to you alone")
    carol.sees("echo: to you alone")
    dave.types("TO lab once more")
    dave.sees("#lab echo: once more")
    assert not [line for line in carol.lines if "room only" in line], carol.transcript()
    assert not [line for line in dave.lines if "to you alone" in line], dave.transcript()
    bot.dies()


def test_a_script_says_yes_also_when_something_was_said_meanwhile(stage: Stage) -> None:
    """A bare Y is a text then."""
    stage.directory()
    stage.environment["PATH"] = f"{Path(tool('peer')).parent}:{os.environ['PATH']}"
    data = ("--data", str(stage.data_of("greeter")))
    script = str(EXAMPLES / "json_bot.sh")
    bot = stage.starts("sh", script, "greeter", HOST, str(stage.port), *data)
    carol, dave = stage.peer("carol"), stage.peer("dave")
    carol.types("LIST USERS")
    carol.sees_like(r"\* greeter is online\.|ACTIVE: .*greeter.*")
    carol.types("CHAT greeter")
    carol.sees("greeter: Hello, I am a shell script.")

    (reader,) = (one for one in children_of(bot.pid) if command_of(one) == "sh")
    os.kill(reader, signal.SIGSTOP)
    dave.types("CHAT greeter")
    dave.sees("User greeter is busy at this moment, you may interrupt. Interrupt? (Y/N)")
    dave.types("Y")
    dave.sees("Waiting for greeter's response...")
    carol.types("are you there?")
    said = ""
    while not said.startswith("greeter: delivered"):
        carol.types("/WHO GOT")
        said = carol.sees_like("greeter: (waiting|delivered.*)")
    os.kill(reader, signal.SIGCONT)
    dave.sees("greeter: Hello, I am a shell script.")
    assert "greeter: Y" not in carol.lines
    for command in (["QUIT", "CONVERSATION"], ["QUIT"]):  # the second one alone is refused
        assert stage.once("greeter", *command).ends() == 0
    assert bot.ends() == 0
