"""A cable between two hosts that is slow, or loses packets: what the kernel here cannot do itself.

Each end is a device of its own (TAP), in the network namespace of its host.  A thread carries
the frames from the one to the other.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

from tests.kit.lan import Host, ip

TUN: Final = "/dev/net/tun"
FRAME_BYTES: Final = 65_536
FRAMES_AT_ONCE: Final = 64
LOOK_SECONDS: Final = 0.05  # between two looks whether the cable is pulled
_TUNSETIFF: Final = 0x400454CA
_TAP_WITHOUT_HEADER: Final = 0x1002  # IFF_TAP | IFF_NO_PI
_NEWNET: Final = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def _inside(namespace: str) -> Iterator[None]:
    """Let this thread be in a network namespace; "": where it is."""
    if not namespace:
        yield
        return
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        _enter(there)
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(there)
        os.close(home)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _device(namespace: str, name: str) -> int:
    with _inside(namespace):
        descriptor = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
        words = struct.pack("16sH22x", name.encode(), _TAP_WITHOUT_HEADER)
        fcntl.ioctl(descriptor, _TUNSETIFF, words)
    return descriptor


class SlowCable:
    """Carries each frame after `delay` seconds, and loses `loss` of them (0 to 1)."""

    def __init__(self, *ends: tuple[str, str], delay: float, loss: float, seed: int) -> None:
        """`ends`: namespace and name of each device."""
        self._delay, self._loss = delay, loss
        self._chance = random.Random(seed)
        self._devices = [_device(*end) for end in ends]
        self._is_pulled = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_pulled.set()
        self._thread.join()
        for device in self._devices:
            os.close(device)

    def _carry(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []  # due, number, device, frame
        numbers = count()
        while not self._is_pulled.is_set():
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, device, frame = heapq.heappop(waiting)
                _try(lambda to=device, what=frame: os.write(to, what))  # type: ignore[misc]
            pause = min(LOOK_SECONDS, max(0.0, waiting[0][0] - now)) if waiting else LOOK_SECONDS
            for device in select.select(self._devices, [], [], pause)[0]:
                other = self._devices[1 - self._devices.index(device)]
                due = time.monotonic() + self._delay
                for _ in range(FRAMES_AT_ONCE):
                    read = _try(lambda of=device: os.read(of, FRAME_BYTES))  # type: ignore[misc]
                    if not isinstance(read, bytes):
                        break
                    if self._chance.random() >= self._loss:
                        heapq.heappush(waiting, (due, next(numbers), other, read))


def _try(do: Callable[[], object]) -> object:
    """Do it; None where a device is down, or has nothing: the frame is lost."""
    try:
        return do()
    except OSError:
        return None


def slow_cable(host: Host, bridge: str, *, delay: float, loss: float, seed: int) -> SlowCable:
    """Replace the cable of this host; its addresses and routes go with the old one."""
    ip(f"link del {host.cable}")
    ends = ("", host.cable), (host.name, host.inside)
    cable = SlowCable(*ends, delay=delay, loss=loss, seed=seed)
    ip(f"link set {host.cable} master {bridge} up")
    ip(f"-n {host.name} addr add {host.address}/24 dev {host.inside}")
    ip(f"-n {host.name} link set {host.inside} up")
    return cable
