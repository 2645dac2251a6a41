"""Prepare the process of a program: signals, core dumps, standard files."""

import os
import resource
import signal
import sys
from contextlib import suppress

from shared.wording import system_reason

UNWRITTEN = 1  # the exit code when nobody could read what was written

_PR_SET_DUMPABLE = 4  # of <sys/prctl.h>


def end_when_interrupted() -> None:
    """Let SIGINT end the program at once, as SIGTERM does, until the program handles signals.

    A KeyboardInterrupt in the middle of an import may be lost (as in msgspec 0.22), and leave
    half a module.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # nohup sets another one
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def forbid_core_dumps() -> None:
    """Let no crash write our memory to a disk: it holds keys and texts.

    On Linux this also keeps other programs of this user out of it; the limit alone would not
    stop a system that pipes its dumps somewhere.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    try:
        import ctypes  # noqa: PLC0415  # some milliseconds, which trio takes later anyway

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass  # this Python or C library lacks it: the limit remains


def open_standard_files() -> None:
    """Open closed ones of stdin, stdout, stderr, so that no database gets their numbers."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def write_out(text: str) -> None:
    """Write to stdout; end the program with a code if the disk is full or nobody reads."""
    if sys.stdout is None:
        return  # closed: nobody wants to read the text
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as fault:
        discard_output()
        say_unwritten(fault)
        sys.exit(UNWRITTEN)


def discard_output() -> None:
    """Let stdout lead nowhere: Python writes the rest at its end, and would fail once more."""
    with suppress(OSError), open(os.devnull, "wb") as nowhere:  # it may be no file
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def say_unwritten(fault: BaseException | None) -> None:
    """Report on stderr why stdout could not be written; a closed pipe needs no report."""
    if isinstance(fault, OSError) and not isinstance(fault, BrokenPipeError):
        program = os.path.basename(sys.argv[0])
        say_on_stderr(f"{program}: stdout cannot be written: {system_reason(fault)}.")


def say_on_stderr(line: str) -> None:
    """Write a last line, also where nobody reads it."""
    with suppress(OSError):
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))
