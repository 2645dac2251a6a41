"""A few pages over HTTP/1.0: /metrics, /healthz and /readyz, for machines that look after us."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from directory_server.community.community import Community
from shared.accepting import serve_all
from shared.border import Bugs, border
from shared.link import REMOTE_FAULTS

REQUEST_BYTES: Final = 8 * 1024
REQUEST_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
ASKING_AT_ONCE: Final = 16
ALIVE_SECONDS: Final = 3.0  # since the last tick of the loop
FAILING_SECONDS: Final = 5.0  # for which the disk may refuse before we are not ready
TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"

Page = Callable[[], Awaitable[bytes]]


class Pages:
    def __init__(self, community: Community, metrics: Page, bugs: Bugs) -> None:
        self._community, self._metrics, self._bugs = community, metrics, bugs
        self._asking = 0

    async def run(
        self,
        listeners: list[trio.SocketListener],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until cancelled."""
        await serve_all(listeners, self._answer, task_status=task_status)

    async def _answer(self, stream: trio.SocketStream) -> None:
        """Answer one request.  A fault border."""
        self._asking += 1
        try:
            with border("the page of metrics", self._bugs):
                if self._asking <= ASKING_AT_ONCE:
                    await self._serve(stream)
        finally:
            self._asking -= 1

    async def _serve(self, stream: trio.SocketStream) -> None:
        request = await _request(stream)
        if request is None:
            return
        method, _, rest = request.partition(b"\r\n")[0].partition(b" ")
        status, page = await self._page(bytes(method), bytes(rest.partition(b" ")[0]))
        head = (
            f"HTTP/1.0 {status}\r\nContent-Type: {TEXT}\r\nContent-Length: {len(page)}\r\n"
            "Connection: close\r\n\r\n"
        ).encode()
        with contextlib.suppress(*REMOTE_FAULTS), trio.fail_after(ANSWER_SECONDS):
            await stream.send_all(head + (b"" if method == b"HEAD" else page))

    async def _page(self, method: bytes, path: bytes) -> tuple[str, bytes]:
        if method not in (b"GET", b"HEAD"):
            return "405 Method Not Allowed", b"only GET\n"
        match path.partition(b"?")[0]:
            case b"/metrics":
                return "200 OK", await self._metrics()
            case b"/healthz":
                return _verdict(self.why_not_alive())
            case b"/readyz":
                return _verdict(self.why_not_alive() or self.why_not_ready())
        return "404 Not Found", b"/metrics, /healthz, /readyz\n"

    def why_not_alive(self) -> str:
        since = trio.current_time() - self._community.counts.ticked
        return f"the loop last ran {since:.0f} seconds ago" if since > ALIVE_SECONDS else ""

    def why_not_ready(self) -> str:
        if self._community.orders.is_draining:
            return "nobody is let in: the directory is about to be restarted"
        failing = self._community.store.failing_since
        if failing is not None and trio.current_time() > failing + FAILING_SECONDS:
            return "the disk takes no writes"
        return ""


async def _request(stream: trio.SocketStream) -> bytearray | None:
    """Return the head of a request, or what is too long for one; None when nothing comes."""
    request = bytearray()
    with contextlib.suppress(*REMOTE_FAULTS), trio.fail_after(REQUEST_SECONDS):
        while b"\r\n\r\n" not in request and len(request) <= REQUEST_BYTES:
            chunk = await stream.receive_some(REQUEST_BYTES)
            if not chunk:
                return None
            request += chunk
        return request
    return None


def _verdict(trouble: str) -> tuple[str, bytes]:
    if trouble:
        return "503 Service Unavailable", f"{trouble}\n".encode()
    return "200 OK", b"ok\n"
