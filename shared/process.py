"""What a program does to its own process before anything else."""

import os
import resource
import signal
import sys

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
