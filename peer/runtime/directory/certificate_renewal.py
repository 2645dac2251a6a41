"""Renew my certificate in time, however long this program stays connected."""

import logging
from typing import Final

import trio

from peer.runtime.directory.directory_client import DirectoryClient
from shared.errors import ParleyError

LOOK_SECONDS: Final = 3_600.0  # between two looks; two weeks of the certificate are left then

log = logging.getLogger("peer")


async def stay_certified(directory: DirectoryClient) -> None:
    """Renew my certificate when half its time is over and the directory is there.

    Run until cancelled.  A failure is retried at the next look: there is time.
    """
    while True:
        await trio.sleep(LOOK_SECONDS)
        if directory.is_there and directory.wants_certificate:
            try:
                await directory.renew()
            except ParleyError as failure:
                log.warning("my certificate was not renewed: %s", failure)
