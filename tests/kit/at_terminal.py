"""Run a program at a terminal, between pipes: its prefix in `tests.kit.programs`.

    stage.starts_peer("carol", "--plain", prefix=AT_TERMINAL)

The program takes the place of this process, so `kill -9` hits the program itself.  A child
carries bytes between the pipes and the terminal until the program is gone.
"""

import fcntl
import os
import pty
import struct
import sys
import termios
import threading
from typing import Final

AT_TERMINAL: Final = (sys.executable, __file__)
COLUMNS: Final = 1000  # so that no line of a test is wrapped
PIECE_BYTES: Final = 65_536


def main() -> None:
    terminal, its_end = pty.openpty()
    _shape(its_end)
    if os.fork() == 0:
        os.close(its_end)
        _carry(terminal)
    os.dup2(its_end, 0)
    os.dup2(its_end, 1)
    os.close(terminal)
    os.close(its_end)
    os.execv(sys.argv[1], sys.argv[1:])


def _shape(its_end: int) -> None:
    """Let the terminal show only what the program writes, as it is written."""
    shape = termios.tcgetattr(its_end)
    shape[1] &= ~termios.OPOST
    shape[3] &= ~termios.ECHO
    termios.tcsetattr(its_end, termios.TCSANOW, shape)
    fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))


def _carry(terminal: int) -> None:
    """Carry bytes both ways; end when the program has left the terminal."""
    threading.Thread(target=_copy, args=(0, terminal), daemon=True).start()
    try:
        _copy(terminal, 1)
    finally:
        os._exit(0)


def _copy(source: int, to: int) -> None:
    """Copy until the source ends, or either of the two is gone."""
    try:
        while data := os.read(source, PIECE_BYTES):
            while data:
                data = data[os.write(to, data) :]
    except OSError:  # EIO: nobody is at the terminal any more
        pass


if __name__ == "__main__":
    main()
