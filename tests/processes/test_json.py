"""`--json`: real programs that another program reads and types to."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

from tests.kit.programs import HOST, Program, Stage, tool

BOT = Path(__file__).parents[2] / "examples" / "json_bot.sh"


def sees(bot: Program, event: str) -> dict[str, Any]:
    """The next object of this kind."""
    found: dict[str, Any] = json.loads(bot.sees_like(rf'\{{"event":"{event}",.*'))
    return found


def test_a_bot_reads_objects_and_types_commands(stage: Stage) -> None:
    stage.directory()
    bot = stage.starts_peer("bot", "--json")
    assert sees(bot, "hello")["version"] == 1
    assert sees(bot, "registered")["name"] == "bot"
    dave = stage.peer("dave")
    assert sees(bot, "came")["name"] == "dave"

    bot.types("CHAT dave")
    dave.sees("User bot wants to chat with you. Would you like to? (Y/N)")
    dave.types("Y")
    assert sees(bot, "connected")["others"] == ["dave"]
    assert sees(bot, "done")["line"] == "CHAT dave"
    dave.types('a "text" with gr\u00fc\u00dfe')
    said = sees(bot, "said")
    assert said["text"] == 'a "text" with gr\u00fc\u00dfe'
    assert said["said"] == 'dave: a "text" with gr\u00fc\u00dfe'

    bot.types("/LIST USERS", "/INFO nobody")
    assert [user["name"] for user in sees(bot, "user_list")["users"]] == ["bot", "dave"]
    sees(bot, "done")
    wrong = sees(bot, "done")
    assert (wrong["code"], wrong["code_name"]) == (5, "NOBODY")

    bot.types("good bye")
    dave.sees("bot: good bye")
    bot.sends(signal.SIGTERM)
    assert bot.ends() == 0
    dave.sees("User bot left the conversation.")
    assert all(json.loads(line)["event"] for line in bot.lines)
    assert bot.errors == []


def events_of(program: Program) -> list[str]:
    return [json.loads(line)["event"] for line in program.lines]


def test_an_invitation_is_done_when_it_is_decided(stage: Stage) -> None:
    stage.directory()
    dave, bot = stage.peer("dave"), stage.starts_peer("bot", "--json")
    sees(bot, "registered")
    stage.once("frank", "STATUS").ends()
    question = "User bot wants to chat with you. Would you like to? (Y/N)"

    bot.types("CHAT dave", "STATUS")
    assert sees(bot, "done")["line"] == "STATUS", "which nothing holds up"
    dave.sees(question)
    dave.types("N")
    assert ends_with(bot) == ("CHAT dave", 4, "declined")
    assert events_of(bot)[-2:] == ["notice", "done"]
    for line, code, outcome in (
        ("CHAT nobody", 5, "nobody"),
        ("CHAT frank", 6, "offline"),
        ("N", 0, ""),
        ("CHAT bot", 4, "refused"),
    ):
        bot.types(line)
        assert ends_with(bot) == (line, code, outcome)
    dave.types("STATUS BUSY")
    dave.sees("Your status is now BUSY.")
    bot.types("CHAT dave")
    assert ends_with(bot) == ("CHAT dave", 4, "busy")
    bot.types("Y")
    dave.sees(question)
    dave.types("Y")
    assert ends_with(bot) == ("Y", 0, "connected")
    assert events_of(bot)[-2:] == ["connected", "done"]


def ends_with(bot: Program) -> tuple[str, int, str]:
    done = sees(bot, "done")
    return done["line"], done["code"], done["outcome"]


def test_one_invitation_tells_its_outcome_whoever_performs_it(stage: Stage) -> None:
    stage.directory()
    dave = stage.peer("dave")
    for name in ("ci", "ci2"):
        if name == "ci2":
            stage.peer(name)
        once = stage.once(name, "CHAT", "dave", "--json")
        dave.sees(f"User {name} wants to chat with you. Would you like to? (Y/N)")
        dave.types("N")
        assert once.ends() == 4
        assert ends_with(once) == ("CHAT dave", 4, "declined")


def test_a_bot_is_told_that_another_name_is_wanted(stage: Stage) -> None:
    stage.directory()
    bot = stage.starts_peer("b ot", "--json")
    assert sees(bot, "name_wanted")["why"].startswith('"b ot" is not a valid name')
    bot.types("bot")
    assert sees(bot, "registered")["name"] == "bot"
    bot.types("QUIT")
    assert sees(bot, "done")["code"] == 0
    assert bot.ends() == 0


def test_one_command_writes_the_same_objects_whoever_performs_it(stage: Stage) -> None:
    stage.directory()
    alone = stage.once("ci", "--json", "LIST", "USERS")
    assert alone.ends() == 0
    assert json.loads(alone.lines[0])["event"] == "hello"

    ci = stage.peer("ci")
    handed = stage.once("ci", "--json", "LIST", "USERS")
    assert handed.ends() == 0
    assert [shape(line) for line in handed.lines] == [shape(line) for line in alone.lines]
    assert stage.once("ci", "--json", "INFO", "nobody").ends() == 5
    assert stage.once("ci", "--json", "HELP").ends() == 0

    in_bytes = os.fsdecode(b"a\xffb")
    strange = stage.once("ci", "--json", "PRV", "dave", in_bytes)
    assert strange.ends() == 5
    assert sees(strange, "done")["line"] == "PRV dave a\ufffdb"
    ci.types("QUIT")
    assert ci.ends() == 0


def shape(line: str) -> str:
    return re.sub(r'"(time|since)":[\d.]+', "", line)


def test_a_shell_script_is_a_bot(stage: Stage) -> None:
    stage.directory()
    stage.environment["PATH"] = f"{Path(tool('peer')).parent}:{os.environ['PATH']}"
    data = ("--data", str(stage.data_of("greeter")))
    bot = stage.starts("sh", str(BOT), "greeter", HOST, str(stage.port), *data)
    carol = stage.peer("carol")
    if "* greeter is online." not in carol.lines:
        carol.types("LIST USERS")
    carol.sees_like(r"\* greeter is online\.|ACTIVE: .*, greeter")
    carol.types("CHAT greeter")
    carol.sees("greeter: Hello, I am a shell script.")
    carol.types("/q")
    stage.once("greeter", "QUIT").ends()
    assert bot.ends() == 0
