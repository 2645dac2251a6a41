"""Tell the service manager how the directory stands: sd_notify(3), for Type=notify."""

import os
import socket
from contextlib import suppress


def tell_manager(*states: str) -> None:
    """Send READY=1, STOPPING=1 and the like, if a service manager started us."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
        telling.sendto("\n".join(states).encode(), name)
