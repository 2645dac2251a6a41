"""A single command waits for the data, but not only so long as it performs itself."""

import pytest
import trio
from trio.testing import MockClock

from peer.program.control import CommandResult
from peer.program.one_shot import SHARE_SECONDS, when_free
from shared.errors import Unreachable


async def test_only_the_wait_for_the_data_is_bounded(autojump_clock: MockClock) -> None:
    attempts = 0

    async def attempt() -> CommandResult | None:
        """Perform an invitation that nobody answers, once the data is free."""
        nonlocal attempts
        attempts += 1
        if trio.current_time() < SHARE_SECONDS / 2:
            return None
        await trio.sleep(SHARE_SECONDS)
        return CommandResult(6, "no answer")

    assert await when_free(attempt) == CommandResult(6, "no answer")
    assert attempts > 2


async def test_data_that_is_never_free_is_reported(autojump_clock: MockClock) -> None:
    async def attempt() -> None:
        return None

    with pytest.raises(Unreachable, match="not free for this command within 60 seconds"):
        await when_free(attempt)
    assert trio.current_time() >= SHARE_SECONDS
