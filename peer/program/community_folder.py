"""Find the folder of a user whose community answers at another address than before.

A community is known by its key, not by an address: localhost and 127.0.0.1, or a machine
that has moved, are the same one.  So before a new folder is made for an address, the server
there is asked for its key, which reveals nothing to it, and must prove that it has the key.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from peer.runtime.directory.certificates import check_directory
from peer.storage.paths import is_set, others_of
from peer.storage.schema import FILE
from shared.disk import FolderDisk
from shared.errors import ParleyError, StorageError
from shared.link import Link, within
from shared.messages.common import Message
from shared.messages.directory import FromDirectory, Who
from shared.private import check_folder
from shared.tls import TlsNetwork
from shared.world import Address, SystemClock

ASK_SECONDS: Final = 5.0

log = logging.getLogger("peer")


class Found(NamedTuple):
    """A folder, with the `authority` of its community if that was found by asking."""

    folder: Path
    authority: bytes | None = None


async def find(folder: Path, directory: Address) -> Found:
    """Return the folder to use; `folder` is the one for this address.

    That one is right if it was used, or if no other belongs to the same community.
    """
    others = others_of(folder)
    if not others or is_set(folder) or _communities(folder):
        return Found(folder)
    known = {other: _communities(other) for other in others}
    for other, communities in known.items():
        if str(directory) in communities:
            return Found(other)
    authority = await _authority_at(directory)
    for other, communities in known.items():
        if authority in communities.values():
            return Found(other, authority)
    return Found(folder)


def _communities(folder: Path) -> dict[str, bytes]:
    """Return the authority met at each address; nothing if that cannot be read."""
    if not (folder / FILE).is_file():
        return {}
    try:
        check_folder(folder)
        with closing(FolderDisk(folder).database(FILE, readonly=True)) as journal:
            return dict(journal.execute("SELECT address, authority FROM directories").fetchall())
    except (StorageError, sqlite3.Error) as failure:
        log.info("the folder %s is passed over: %s", folder, failure)
        return {}


async def _authority_at(directory: Address) -> bytes | None:
    """Return the authority for which the server there proves to act; None if it proves none."""
    told: list[bytes] = []

    async def listen() -> None:
        with within(ASK_SECONDS, "it said nothing"):
            who = await link.expect(Who)
        check_directory(link.wire.certificate, who.authority, SystemClock().time())
        told.append(who.authority)
        link.cut("it was only asked who it is")

    try:
        with within(ASK_SECONDS, "nobody answered"):
            wire = await TlsNetwork().dial(*directory, anonymous=True)
    except ParleyError as failure:
        log.info("not known which community is at %s: %s", directory, failure)
        return None
    link: Link[Message] = Link(wire, FromDirectory)
    await link.run(listen)
    return told[0] if told else None
