"""The options of workers: what the parent has read, whatever the file says meanwhile.

So a worker that is started again is like the others, although somebody edits the file.
They stand in the environment of the worker, as a token and the store's password are secret.
"""

import argparse
import json
from pathlib import Path
from typing import Final

from directory_server.reread import Read, as_at_start, name_those_that_wait, reread
from shared.errors import Refused

VARIABLE: Final = "DIRSERVER_OF_PARENT"
MOST: Final = 65_535  # ports


class Options:
    def __init__(self, latest: argparse.Namespace, read: Read) -> None:
        """`latest`: as they were read at the start."""
        self.latest, self._read = latest, read

    def read_anew(self) -> bool:
        """Return whether there are options that the workers can read, too."""
        now = reread(self._read)
        if now is None:
            return False
        name_those_that_wait(self.latest, now)
        self.latest = as_at_start(self.latest, now)
        return True

    def of_worker(self, number: int, folder: Path) -> str:
        """Return what stands in the environment of the worker with this data folder.

        Raises Refused when no port is left for its metrics.
        """
        own = {**vars(self.latest), "workers": 1, "data": str(folder)}
        if number > 1:
            own["no_announce"] = True  # one speaks for all
        if self.latest.metrics is not None:
            own["metrics"] = _metrics_of(number, *self.latest.metrics)
        return json.dumps(own)


def _metrics_of(number: int, host: str, first: int) -> tuple[str, int]:
    """Return where a worker serves its metrics.  Raises Refused."""
    port = first and first + number - 1  # 0: each takes a free one
    if port > MOST:
        raise Refused(f"--metrics: {port} is not a port: a number from 1 to {MOST}", "USAGE")
    return host, port


def of_parent(text: str) -> argparse.Namespace:
    """Return the options that stand in the environment of a worker."""
    own = json.loads(text)
    if own["metrics"] is not None:
        own["metrics"] = tuple(own["metrics"])
    return argparse.Namespace(**own)
