"""Read the options anew while the directory runs: some change at once, others wait."""

import argparse
import logging
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

# Options that a reload does not change, as a socket, a store or an announcement stands on them.
ONLY_AT_START: Final = (
    "port", "host", "data", "store", "store_sync", "address", "workers", "metrics", "log_format",
    "name", "no_announce",
)  # fmt: skip

Read = Callable[[], argparse.Namespace]
"""Read the options anew; ends the program, with a line, when one is wrong."""


def reread(read: Read) -> argparse.Namespace | None:
    """Return the options as they are now; None, and a line in the log, if one is wrong."""
    try:
        return read()
    except SystemExit:  # it has said what is wrong
        log.warning("the options were not read anew: one of them is wrong")
        return None


def name_those_that_wait(before: argparse.Namespace, now: argparse.Namespace) -> None:
    """Log which options differ from those at the start, and change only with a restart."""
    waiting = [one for one in ONLY_AT_START if getattr(now, one) != getattr(before, one)]
    if waiting:
        log.warning("these options change only with a restart: %s", ", ".join(waiting))


def as_at_start(before: argparse.Namespace, now: argparse.Namespace) -> argparse.Namespace:
    """Return the options as they are now, but for those that change only with a restart."""
    kept = {one: getattr(before, one) for one in ONLY_AT_START}
    return argparse.Namespace(**vars(now) | kept)
