"""Persons who start `peer` on a terminal, and read plain lines there."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Sequence

from tests.kit.programs import PATIENCE, Stage, tool


class Person:
    """At a terminal of their own."""

    def __init__(self, stage: Stage, *words: str, prefix: Sequence[str] = ()) -> None:
        self._terminal, theirs = pty.openpty()
        self._seen = ""
        self.process = subprocess.Popen(
            [*prefix, tool("peer"), *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, **stage.environment, "PARLEY_PLAIN": "yes"},  # no sequences
        )
        os.close(theirs)

    def types(self, line: str) -> None:
        os.write(self._terminal, f"{line}\n".encode())

    def sees(self, text: str) -> str:
        """Wait for it; returns all that stood there before, and then forgets it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self._seen:
            ready, _, _ = select.select([self._terminal], [], [], deadline - time.monotonic())
            assert ready, f"never saw {text!r} in {self._seen!r}"
            try:
                more = os.read(self._terminal, 65_536)
            except OSError:  # the program has ended
                more = b""
            assert more, f"the end came before {text!r}: {self._seen!r}"
            self._seen += more.decode()
        before, _, self._seen = self._seen.partition(text)
        return before

    def ends(self) -> int:
        return self.process.wait(PATIENCE)

    def closes(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)
