"""What a program does to its own process before anything else."""

import os
import resource
import signal
import sys
from contextlib import suppress

UNWRITTEN = 1  # the exit code when nobody could read what was written

_PR_SET_DUMPABLE = 4  # of <sys/prctl.h>


def end_when_interrupted() -> None:
    """Let SIGINT end the program at once, as SIGTERM does, until it listens to signals itself.

    KeyboardInterrupt in the middle of an import may be lost there (msgspec 0.22 does so),
    and half a module stays behind.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not with nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def forbid_core_dumps() -> None:
    """Let no crash write our memory to a disk: keys and texts lie in it.

    On Linux no other program of this user may look into it either; the limit alone would
    not hold back a system that pipes its dumps somewhere.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    try:
        import ctypes  # noqa: PLC0415  # some milliseconds, which trio takes later anyway

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass  # a Python, or a C library, without it: the limit stays


def open_standard_files() -> None:
    """A closed stdin, stdout or stderr must not become the number of a database."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def write_out(text: str) -> None:
    """Write it to stdout.  Ends the program with a code when the disk is full, or nobody reads."""
    if sys.stdout is None:
        return  # closed: nobody wants to read it
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as fault:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's own end
        say_unwritten(fault)
        sys.exit(UNWRITTEN)


def say_unwritten(fault: BaseException | None) -> None:
    """Say on stderr why stdout could not be written; who has closed a pipe knows it."""
    if isinstance(fault, OSError) and not isinstance(fault, BrokenPipeError):
        program = os.path.basename(sys.argv[0])
        with suppress(OSError):  # stderr may be the same
            os.write(2, f"{program}: stdout cannot be written: {_reason(fault)}.\n".encode())


def _reason(fault: OSError) -> str:
    return (fault.strerror or str(fault)).lower()
