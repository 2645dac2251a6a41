"""What a program does to its own process before anything else."""

import os
import signal


def end_when_interrupted() -> None:
    """Let SIGINT end the program at once, as SIGTERM does, until it listens to signals itself.

    KeyboardInterrupt in the middle of an import may be lost there (msgspec 0.22 does so),
    and half a module stays behind.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not with nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def open_standard_files() -> None:
    """A closed stdin, stdout or stderr must not become the number of a database."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
