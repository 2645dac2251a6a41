"""An operator's day with real programs, from the first start to a restore."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import threading
from typing import Any

from tests.kit.programs import HOST, Program, Stage, tool

CLOSED = ("--closed", "--host", HOST)


class Keeper:
    """Somebody who keeps the directory of a stage."""

    def __init__(self, stage: Stage, *options: str) -> None:
        self._stage, self._options = stage, options
        self.directory = stage.directory(*options)

    def asks(self, *words: str, code: int = 0) -> list[str]:
        """Ask the directory; return the lines of the answer."""
        asking = self._stage.starts(
            tool("dirserver"), "admin", "--data", str(self._stage.directory_data), *words
        )
        asking.ends_input()
        assert asking.ends() == code, asking.transcript()
        return asking.lines or asking.errors

    def objects(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.asks(*words, "--json")]

    def invites(self, *words: str) -> str:
        """Return a new token."""
        return str(self.objects("invite", *words)[0]["token"])

    def waiting(self) -> dict[str, int]:
        return {user["name"]: user["waiting"] for user in self.objects("users")}

    def starts_again(self) -> None:
        self.directory = self._stage.directory(*self._options)

    def stops(self) -> None:
        self.directory.sends(signal.SIGTERM)
        assert self.directory.ends() == 0


def quits(peer: Program) -> None:
    peer.types("QUIT")
    assert peer.ends() == 0


def test_a_banned_user_learns_why_and_comes_in_by_no_way(stage: Stage) -> None:
    keeper = Keeper(stage, "--host", HOST)
    mallory, carol = stage.peer("mallory"), stage.peer("carol")
    stage.port = int(keeper.objects("status")[0]["addresses"][0].rsplit(":", 1)[1])
    keeper.asks("ban", "mallory", "for", "7d", "being", "rude")
    carol.sees("* mallory is offline.")
    mallory.sees("Lost the directory, trying again.")
    why = r"You are banned from this directory until \d{4}-\d\d-\d\d \d\d:\d\d UTC: being rude"
    mallory.sees_like(why + r"\.?")
    quits(mallory)
    for name in ("mallory", "innocent"):  # the same key, under whatever name
        again = stage.starts(
            tool("peer"), name, HOST, str(stage.port), "--data", str(stage.data_of("mallory"))
        )
        assert again.ends() == 4
        assert re.search(why, "\n".join(again.errors))
        assert again.lines == []
    once = stage.once("mallory", "PRV", "carol", "let me in")
    assert once.ends() == 4
    assert keeper.asks("unban", "mallory") == ["mallory is not banned any more."]
    quits(stage.peer("mallory"))


def test_what_the_operator_says_acts_on_no_terminal(stage: Stage) -> None:
    keeper = Keeper(stage, "--host", HOST)
    keeper.asks("motd", "be \x1b[31mkind\x07\u202e")
    carol = stage.peer("carol")
    carol.sees("The directory says: be \u241b[31mkind\u2407\ufffd")
    keeper.asks("notice", "two\nlines\x1b]0;title\x07")
    carol.sees("The directory says: two")
    carol.sees("    lines\u241b]0;title\u2407")
    script = stage.once("dave", "LIST", "USERS")  # its stdout belongs to the command
    assert script.ends() == 0
    assert script.lines[0].startswith("ACTIVE: carol, dave (you)")


def test_who_writes_while_the_directory_is_emptied_loses_nothing(stage: Stage) -> None:
    """To be refused because of a restart is as if the directory were away: the text is kept."""
    keeper = Keeper(stage, "--host", HOST)
    quits(stage.peer("dave"))
    carol = stage.peer("carol")
    asking = threading.Thread(target=keeper.asks, args=("drain",))
    asking.start()
    carol.sees("Lost the directory, trying again.")
    asking.join()
    assert keeper.directory.ends() == 0
    carol.types("LEAVE dave are you there?")
    carol.sees("Kept for dave until the directory is back.")
    keeper.starts_again()
    carol.sees("Message left for dave.")


def test_a_person_is_asked_before_a_name_is_forgotten(stage: Stage) -> None:
    keeper = Keeper(stage, "--host", HOST)
    quits(stage.peer("carol"))
    said = keeper.asks("forget", "carol", code=2)
    assert "Whoever asks first can have the name then" in said[0]
    master, slave = pty.openpty()
    try:
        asking = subprocess.Popen(
            [tool("dirserver"), "admin", "--data", str(stage.directory_data), "forget", "carol"],
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.write(master, b"n\n")
        _, complaint = asking.communicate(timeout=60)
        assert (asking.returncode, complaint) == (4, b"Forget carol? (Y/N) ")
        assert keeper.waiting() == {"carol": 0}
    finally:
        os.close(master)
        os.close(slave)
    assert keeper.asks("forget", "carol", "--yes") == [
        "carol is forgotten: anybody may register the name."
    ]
    shutil.rmtree(stage.data_of("carol"))
    quits(stage.peer("carol"))  # with a new key


class Day:
    """What happens on the day, in parts; carol and frank stay to its end."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.backup = stage, stage.folder / "backup"
        self.keeper = Keeper(stage, *CLOSED)
        self.token = self.keeper.invites("--uses", "5", "--for", "7d", "class")
        self.carol, *absent = (
            stage.peer(name, "--token", self.token) for name in ("carol", "dave", "erin", "gina")
        )
        for one in absent:
            quits(one)
        self.leaves("dave", "before the backup")
        self.leaves("erin", "before the backup")
        self.held = self.backs_up_under_load()
        self.frank = stage.peer("frank", "--token", self.keeper.invites())

    def leaves(self, to: str, text: str) -> None:
        self.carol.types(f"LEAVE {to} {text}")
        self.carol.sees(f"Message left for {to}.")

    def backs_up_under_load(self) -> int:
        """Back up while messages come in; return how many waited for gina at its end."""
        over = threading.Event()

        def leave() -> None:
            for number in range(60):
                if not over.is_set():
                    self.leaves("gina", f"number {number}")

        load = threading.Thread(target=leave)
        load.start()
        self.keeper.asks("backup", str(self.backup))
        over.set()
        load.join()
        return self.keeper.waiting()["gina"]

    def goes_on(self) -> None:
        """Do what the restore will undo."""
        dave = self.stage.peer("dave")
        dave.sees("1 message was left for you:")
        dave.sees_like(r"\[.*\] carol: before the backup")
        self.carol.sees_like("dave received your message of .*")
        quits(dave)
        self.leaves("erin", "after the backup")
        self.keeper.asks("forget", "gina", "--yes")
        quits(self.stage.peer("harry", "--token", self.token))
        full = self.stage.starts_peer("ivan", "--token", self.token)
        assert full.ends() == 4, "all five uses are gone"

    def restarts(self) -> None:
        self.keeper.asks("drain")  # comes back when nothing of it runs any more
        assert not (self.stage.directory_data / "admin").exists()
        assert not (self.stage.directory_data / "directory.sqlite-wal").exists()
        assert self.keeper.directory.ends() == 0
        self.keeper.starts_again()
        for one in (self.carol, self.frank):
            one.sees("The directory is back.")

    def restores(self) -> None:
        """Put the backup in the place of the data."""
        self.keeper.stops()
        for one in (self.carol, self.frank):
            one.sees("Lost the directory, trying again.")
        self.stage.directory_data.rename(self.stage.folder / "broken")
        shutil.copytree(self.backup, self.stage.directory_data)
        self.keeper.starts_again()
        self.carol.sees("The directory is back.")

    def ends(self) -> None:
        for one in (self.carol, self.frank):
            quits(one)


def test_a_day(stage: Stage) -> None:
    """OPERATING.md, "What an old backup does": each of its sentences."""
    day = Day(stage)
    keeper, carol = day.keeper, day.carol
    assert day.held > 0
    day.goes_on()
    day.restarts()  # which loses nothing
    assert keeper.waiting() == {"carol": 0, "dave": 0, "erin": 2, "frank": 0, "harry": 0}

    day.restores()
    # A name that was registered since then is unknown, and so is the invite it came with.
    day.frank.sees_like(".*the token is not the one of this directory.*")
    names = keeper.waiting()
    assert set(names) == {"carol", "dave", "erin", "gina"}
    assert (names["dave"], names["erin"]) == (1, 1)
    assert names["gina"] <= day.held
    # A message that was fetched since then is taken, and not shown again.
    dave = stage.peer("dave")
    while keeper.waiting()["dave"]:
        pass
    quits(dave)
    assert "before the backup" not in dave.transcript()
    # A message that was left since then is lost, and never reported as received.
    erin = stage.peer("erin")
    erin.sees("1 message was left for you:")
    erin.sees_like(r"\[.*\] carol: before the backup")
    carol.sees_like("erin received your message of .*")
    quits(erin)
    assert "after the backup" not in erin.transcript()
    assert len([line for line in carol.lines if "erin received" in line]) == 1
    # A forgotten name, and a use of an invite, are there again.
    quits(stage.peer("gina"))
    quits(stage.peer("ivan", "--token", day.token))
    day.ends()


def test_where_everybody_may_register_a_restore_costs_nobody_the_name(stage: Stage) -> None:
    keeper = Keeper(stage, "--host", HOST)
    backup = stage.folder / "backup"
    keeper.asks("backup", str(backup))
    frank = stage.peer("frank")  # since then
    keeper.stops()
    shutil.rmtree(stage.directory_data)
    shutil.copytree(backup, stage.directory_data)
    keeper.starts_again()
    frank.sees("The directory is back.")
    assert keeper.waiting() == {"frank": 0}


def test_each_answer_is_an_object_for_a_program(stage: Stage) -> None:
    keeper = Keeper(stage, "--host", HOST)
    quits(stage.peer("carol"))
    keeper.asks("ban", "carol", "for", "1d", "being rude")
    keeper.asks("invite", "x")
    kinds = {"bans": "ban", "invites": "invite", "users": "user", "status": "state"}
    for command, kind in kinds.items():
        (found,) = keeper.objects(command)
        assert found["t"] == kind
    keeper.stops()
    assert keeper.objects("bans")[0]["whom"] == "carol"  # also while none runs
    assert json.loads(keeper.asks("status", "--json", code=7)[0])["code"] == "DIRECTORY"
