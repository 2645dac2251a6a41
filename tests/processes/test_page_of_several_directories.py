"""Several real directories on a real PostgreSQL, as OPERATING.md starts them."""

import os
import re
import shlex
import signal
import time
from pathlib import Path
from typing import Final

from tests.kit.ports import free_port
from tests.kit.postgres import needs_postgres, servers
from tests.kit.programs import HOST, PATIENCE, Program, Stage, children_of, tool

PAGE: Final = Path(__file__).parent.parent.parent / "directory_server" / "OPERATING.md"


def commands() -> list[str]:
    """Return the commands of the page's section."""
    section = PAGE.read_text(encoding="utf-8").split("\n## Several directories\n")[1]
    return re.findall(r"^    (\w.*)$", section.split("\n## ")[0], re.MULTILINE)


class Machines:
    """The machines of the page, each a folder and a port here."""

    def __init__(self, stage: Stage, url: str) -> None:
        self._stage, self._url = stage, url
        self.ports = {1: free_port(), 2: free_port()}
        self.directories: dict[int, Program] = {}

    def data(self, machine: int) -> Path:
        return self._stage.folder / f"machine{machine}"

    def types(self, machine: int, command: str) -> Program:
        """Type a command of the page there."""
        here = str(self.data(machine))
        command = command.replace("scp dir1.example.org:/var/lib/parley", f"cp {self.data(1)}")
        command = command.replace("/var/lib/parley", here)
        command = command.replace("postgresql://parley@db1,db2/parley", self._url)
        command = command.replace(
            "dirserver 5000", f"dirserver {self.ports[machine]} --host {HOST}"
        )
        for number, port in self.ports.items():
            command = command.replace(f"dir{number}.example.org:5000", f"{HOST}:{port}")
        program, *words = shlex.split(command)
        path = tool(program) if program == "dirserver" else program
        return self._stage.starts(path, *words, name=f"{program} at machine {machine}")

    def starts(self, machine: int, command: str) -> Program:
        directory = self.types(machine, command)
        directory.sees_like("Directory listening on .*")
        self.directories[machine] = directory
        return directory

    def peer(self, name: str, machine: int) -> Program:
        self._stage.port = self.ports[machine]
        return self._stage.peer(name)


def workers_of(parent: Program, count: int) -> list[int]:
    """Return the processes that it has started, once there are so many."""
    end = time.monotonic() + PATIENCE
    while len(found := children_of(parent.pid)) != count:
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def tells(machines: Machines, command: str, line: str) -> None:
    """Type a command until it tells this: who lives is looked up every other second."""
    end = time.monotonic() + PATIENCE
    while True:
        asked = machines.types(1, command)
        assert asked.ends() == 0
        if line in asked.lines:
            return
        assert time.monotonic() < end, asked.transcript()


@needs_postgres
def test_the_page_leads_to_several_directories(stage: Stage) -> None:
    first, install, copy, second, workers, status, drain = commands()
    with servers() as place:
        machines = Machines(stage, place.one().url)
        machines.starts(1, first)
        early = machines.types(2, second)
        early.says_like("dirserver: .* belongs to the community .*: copy the file authority .*")
        assert early.ends() == 2
        for command in (install, copy):
            assert machines.types(2, command).ends() == 0
        machines.starts(2, second)
        carol, dave = machines.peer("carol", 1), machines.peer("dave", 2)
        carol.sees("* dave is online.")
        carol.types("CHAT dave")
        dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
        dave.types("Y")
        carol.sees("You are now connected with dave.")
        tells(machines, status, f"Directories: 2; the others at {HOST}:{machines.ports[2]}")

        # One machine gets more cores, while its users are with the others.
        asked = machines.types(1, drain)
        assert asked.ends() == 0
        assert machines.directories[1].ends() == 0
        parent = machines.starts(1, workers)
        erin = machines.peer("erin", 1)
        erin.types("LIST USERS")
        erin.sees_like(".*dave.*")
        dave.sees("* erin is online.")

        # A dead worker is started again.
        os.kill(workers_of(parent, 4)[1], signal.SIGKILL)
        parent.says_like(r".*worker \d has died \(-9\); it is started again")
        machines.peer("frank", 1)
        dave.sees("* frank is online.")
        parent.sends(signal.SIGTERM)
        assert parent.ends() == 0
