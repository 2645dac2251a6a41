"""Start the tasks of a peer, and know which of them must end before it does."""

from collections.abc import Awaitable, Callable

import trio


class Tasks:
    """Tasks in the nursery of the peer.

    Once the peer has ended none is started any more: it would be cancelled at its first pause.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._count = 0  # spawned ones that are not over
        self._none = trio.Event()

    def spawn(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Start a task that the end of the program waits for."""
        if self._is_over:
            return

        async def counted() -> None:
            try:
                await work(*arguments)
            finally:
                self._count -= 1
                if not self._count:
                    self._none.set()

        self._count += 1
        self._nursery.start_soon(counted)

    def linger(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Start a task that the end of the program cancels."""
        if not self._is_over:
            self._nursery.start_soon(work, *arguments)

    @property
    def _is_over(self) -> bool:
        """Whether the nursery may be closed, and refuse tasks: some calls last longer."""
        return self._nursery.cancel_scope.cancel_called

    async def wait_none(self) -> None:
        """Return when all spawned tasks are over."""
        while self._count:
            self._none = trio.Event()
            await self._none.wait()
