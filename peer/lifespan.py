"""Run a peer as long as a block of code."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from peer.local_peer import LocalPeer
from shared.errors import ParleyError


@asynccontextmanager
async def running(peer: LocalPeer) -> AsyncIterator[LocalPeer]:
    """Register, run the block, quit: conversations are left, lines delivered or stored.

    Raises what `LocalPeer.run` raises while it registers.  An error of the block is raised as
    it is, not in a group.  It, or a cancellation, ends the peer at once, as a crash does.
    """
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        try:
            await nursery.start(peer.run)
        except ParleyError as error:
            failure = error
        else:
            try:
                yield peer
                await peer.quit()
            except (Exception, KeyboardInterrupt, SystemExit) as error:
                failure = error  # raised below: the nursery would wrap it
            finally:
                peer.end()
    if failure is not None:
        raise failure
