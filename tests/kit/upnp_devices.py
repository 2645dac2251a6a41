"""Answer to UPnP on this machine's own network, as a router does, or as a rogue may."""

import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import trio

# One of this process, as other tests may look for a router at the same time.
HOST: Final = f"127.77.{os.getpid() // 256 % 256}.{os.getpid() % 254 + 1}"
_GROUP: Final = ("239.255.255.250", 1900)
_SERVICE: Final = "urn:schemas-upnp-org:service:WANIPConnection:1"
_DESCRIPTION: Final = f"""<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><device>
<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType><serviceList><service>
<serviceType>{_SERVICE}</serviceType><serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId>
<controlURL>/control</controlURL><eventSubURL>/events</eventSubURL><SCPDURL>/scpd</SCPDURL>
</service></serviceList></device></deviceList></device></deviceList></device></root>"""

Answer = Callable[[trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def device(answer: Answer) -> AsyncIterator[None]:
    """Let somebody answer who looks for a router by UPnP; `answer` speaks HTTP, or does not."""
    searches = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    searches.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    await searches.bind(_GROUP)
    joined = struct.pack("4s4s", socket.inet_aton(_GROUP[0]), socket.inet_aton(HOST))
    searches.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
    with searches:
        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(0, host=HOST)
            port = listener.socket.getsockname()[1]
            nursery.start_soon(trio.serve_listeners, answer, [listener])
            nursery.start_soon(_answer_searches, searches, port)
            yield
            nursery.cancel_scope.cancel()


async def _answer_searches(searches: trio.socket.SocketType, port: int) -> None:
    while True:
        search, sender = await searches.recvfrom(2_000)
        if sender[0] != HOST:
            continue
        wanted = [line[3:].strip() for line in search.split(b"\r\n") if line.startswith(b"ST:")]
        for kind in wanted:
            place = b"LOCATION: http://%s:%d/root.xml" % (HOST.encode(), port)
            says = (b"HTTP/1.1 200 OK", b"ST: " + kind, b"USN: uuid:1::" + kind, place, b"", b"")
            await searches.sendto(b"\r\n".join(says), sender)


class UpnpRouterProgram:
    """An honest router: `mapped` holds its ports, `done` what it was asked to do."""

    def __init__(self, outer: str = "8.8.8.8") -> None:
        self.mapped: set[int] = set()
        self.done: list[str] = []
        self.is_asked, self.goes_on = trio.Event(), trio.Event()
        self.goes_on.set()  # another event lets it wait with its first answer
        self._outer = outer

    async def answer(self, stream: trio.SocketStream) -> None:
        async with stream:
            asked = b""
            while not _is_complete(asked):
                more = await stream.receive_some(4_096)
                if not more:
                    return
                asked += more
            self.is_asked.set()
            await self.goes_on.wait()
            body = self._body(asked.decode())
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            await stream.send_all((head + body).encode())

    def _body(self, asked: str) -> str:
        if asked.startswith("GET"):
            return _DESCRIPTION
        action = asked.partition(f"{_SERVICE}#")[2].partition('"')[0]
        self.done.append(action)
        port = asked.partition("<NewExternalPort>")[2].partition("<")[0]
        said = {
            "GetStatusInfo": "<NewConnectionStatus>Connected</NewConnectionStatus>",
            "GetExternalIPAddress": f"<NewExternalIPAddress>{self._outer}</NewExternalIPAddress>",
        }.get(action, "")
        if action == "AddPortMapping":
            self.mapped.add(int(port))
        elif action == "DeletePortMapping":
            self.mapped.discard(int(port))
        return (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            f'<u:{action}Response xmlns:u="{_SERVICE}">{said}</u:{action}Response>'
            "</s:Body></s:Envelope>"
        )


def _is_complete(asked: bytes) -> bool:
    head, end, body = asked.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(length or b"0")
