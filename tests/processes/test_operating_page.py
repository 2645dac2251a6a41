"""OPERATING.md: each of its commands does what the page says, one after the other."""

import json
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from directory_server.admin.service import FILE as SOCKET
from directory_server.storage.backup import UNFINISHED
from directory_server.storage.founding import AUTHORITY_FILE, NAMES_FILE
from directory_server.storage.sqlite import FILE as DATABASE
from directory_server.storage.store_mark import STORE_FILE
from shared.disk import RESERVE
from shared.names import ESTABLISHED_SECONDS, FLEETING_DAYS, UNUSED_DAYS
from tests.kit.programs import Program, Stage
from tests.kit.service_machine import ServiceMachine

PAGE: Final = Path(__file__).parent.parent.parent / "directory_server" / "OPERATING.md"
TEXT: Final = PAGE.read_text(encoding="utf-8")


def commands(section: str) -> list[str]:
    """Return the commands below this heading."""
    body = TEXT.split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", body, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def sections() -> list[str]:
    return re.findall(r"^## (.*)$", TEXT, re.MULTILINE)


def peer(stage: Stage, machine: ServiceMachine, name: str, *options: str) -> Program:
    stage.port = machine.port
    return stage.peer(name, *options)


def invited(machine: ServiceMachine) -> str:
    """Return a token for one more user."""
    made = machine.runs("dirserver admin --data /var/lib/parley invite --json")
    return str(json.loads(made.splitlines()[0])["token"])


@pytest.fixture
def machine(stage: Stage) -> Iterator[ServiceMachine]:
    with closing(ServiceMachine(stage)) as one:
        yield one


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_every_command_of_the_page_works(stage: Stage, machine: ServiceMachine) -> None:
    said: dict[str, str] = {}
    ran = 0

    def run(section: str) -> None:
        nonlocal ran
        for command in commands(section):
            said[command] = machine.runs(command)
            ran += 1

    run("A service")
    assert machine.service is not None
    key = machine.service.sees_like("Directory listening on .*, key .*").partition(" key ")[2]
    assert key in said["dirserver admin status"]
    assert "INACTIVE" in said["dirserver admin --data /var/lib/parley status"]
    join = machine.service.sees_like("Give to your users: .*")
    assert join == f'Give to your users: peer NAME HOST {machine.port} --directory-key "{key}"'

    run("Ports and firewalls")
    run("First trust")
    carol = peer(stage, machine, "carol", "--token", invited(machine), "--directory-key", key)
    mallory = peer(stage, machine, "mallory", "--token", invited(machine))
    dave = peer(stage, machine, "dave", "--token", invited(machine))
    run("Who may register")
    assert (
        "lets 30 new names in, until " in said["dirserver admin invite --uses 30 --for 7d class 4b"]
    )
    assert "class 4b" in said["dirserver admin invites"]

    run("Keeping somebody out")
    why = "The directory says: Your connection is ended: please restart your program"
    mallory.sees(why)
    assert "being rude" in said["dirserver admin bans"]

    run("Telling everybody")
    for one in (carol, dave):
        one.sees("The directory says: the directory restarts at noon")

    run("A user who lost the key")
    carol.sees("Lost the directory, trying again.")

    run("Backups")
    assert machine.path("/var/backups/parley-today").is_dir()
    dave.sees("The directory is back.")

    run("Moving")
    archive = machine.checkout / "parley.tar"
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600, "the community's key is in it"
    dave.sees("The directory is back.")
    run("Upgrading")
    dave.sees("The directory is back.")
    run("Monitoring")
    assert 'parley_users{status="ACTIVE"}' in said["curl -s http://127.0.0.1:9464/metrics"]
    assert said["curl -s http://127.0.0.1:9464/healthz"] == "ok\n"
    assert said["curl -s http://127.0.0.1:9464/readyz"] == "ok\n"
    dave.sees("The directory is back.")

    written = [line for section in sections() for line in commands(section)]
    assert len(written) == ran, "a section with commands is not run"
    machine.runs("systemctl stop dirserver")


def test_each_file_of_a_data_folder_is_explained() -> None:
    table = (PAGE.parent.parent / "shared" / "PROMISES.md").read_text(encoding="utf-8")
    table = table.split("\nThe folder `directory`:\n")[1].split("\nThe folder `peers")[0]
    for file in (AUTHORITY_FILE, NAMES_FILE, STORE_FILE, DATABASE, SOCKET, RESERVE, "lock"):
        assert f"\n| `{file}` |" in table
    assert "\n| `worker2` and on |" in table


def test_the_page_says_what_an_interrupted_backup_leaves() -> None:
    body = TEXT.split("\n## Backups\n")[1].split("\n## ")[0]
    assert f"ends in `{UNFINISHED}`" in body


def test_the_page_says_how_long_a_name_is_kept() -> None:
    body = " ".join(TEXT.split("\n## Who may register\n")[1].split("\n## ")[0].split())
    assert f"after {FLEETING_DAYS} days without use" in body
    assert ESTABLISHED_SECONDS == 3_600
    assert f"used for an hour in all after {UNUSED_DAYS}." in body


def test_the_page_stops_the_socket_wherever_data_is_moved() -> None:
    """systemd would start a directory on an empty folder: a new community in the old place."""
    for section in ("A service", "Backups", "Moving"):
        body = " ".join(TEXT.split(f"\n## {section}\n")[1].split("\n## ")[0].split())
        assert re.search("stop `dirserver.socket` before|`dirserver.socket`: stop that", body, re.I)


def test_the_page_names_only_what_there_is() -> None:
    """Each option, command and file that is spoken of exists."""
    from directory_server.admin import arguments as admin
    from directory_server.arguments import EXAMPLES

    for command in re.findall(r"dirserver admin (?:--data \S+ )?([a-z]+)", TEXT):
        assert f"dirserver admin {command}" in admin.EXAMPLES, command
    peers = {"--listen", "--advertise", "--directory-key", "--token"}
    admins = {"--data", "--uses", "--for", "--yes", "--clear", "--json"}
    others = {
        "--system", "--home-dir", "--shell", "--now", "--upgrade",
    }  # fmt: skip
    for option in set(re.findall(r"(?<!\w)--[a-z][a-z-]+", TEXT)):
        assert option in EXAMPLES or option in peers | admins | others, option
    for link in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (PAGE.parent / link).exists(), link
    anchors = {re.sub(r"[^a-z ]", "", one.lower()).replace(" ", "-") for one in sections()}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors
