"""What a program does to its own process before anything else."""

import os


def open_standard_files() -> None:
    """A closed stdin, stdout or stderr must not become the number of a database."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
