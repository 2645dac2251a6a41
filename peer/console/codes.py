"""The exit codes of the one-shot form.  Imports nothing heavy: every program start needs it."""

from enum import IntEnum
from typing import Final


class Code(IntEnum):
    """Exit codes of the one-shot form (README, "Scripts")."""

    DONE = 0  #: for a message: delivered
    USAGE = 2
    STORED = 3  #: for later, at the directory, or here until that is back
    REFUSED = 4  #: or declined
    NOBODY = 5  #: no such user
    UNREACHABLE = 6
    DIRECTORY = 7  #: not available, or its key changed


# Outcomes of STORED.
LEFT: Final = "left"  # at the directory
KEPT: Final = "kept"  # here, until the directory is back
