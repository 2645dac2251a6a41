"""The tasks of a peer (`peer.runtime.tasks`)."""

from typing import Any

import trio

from peer.runtime.tasks import Tasks


async def test_the_end_waits_for_what_was_spawned_only(autojump_clock: Any) -> None:
    async with trio.open_nursery() as nursery:
        tasks = Tasks(nursery)
        tasks.linger(trio.sleep_forever)
        tasks.spawn(trio.sleep, 5)
        await tasks.wait_none()
        assert trio.current_time() == 5
        nursery.cancel_scope.cancel()


async def test_after_the_end_nothing_is_started(autojump_clock: Any) -> None:
    """A call of a bot may last longer than its peer."""
    begun: list[str] = []

    async def begin(what: str) -> None:
        begun.append(what)

    async with trio.open_nursery() as nursery:
        tasks = Tasks(nursery)
        tasks.spawn(begin, "before")
        await tasks.wait_none()
        nursery.cancel_scope.cancel()
    tasks.spawn(begin, "after")
    tasks.linger(begin, "after")
    await tasks.wait_none()
    assert begun == ["before"]
