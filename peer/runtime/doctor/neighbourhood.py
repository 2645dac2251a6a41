"""Hear how my directory announces itself on the local network, and which others do.

Anybody may announce its key, so DOCTOR only tells that something was heard.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import trio

from shared.announcement import Announcement

if TYPE_CHECKING:
    from peer.runtime.discovery.announcements import Announcements

HEARD_MOST: Final = 32  # directories, of each kind; more are noise, or an attack


class Neighbourhood:
    """`peer.runtime.doctor.examiner.Neighbours` on a local network."""

    def __init__(self, announcements: "Announcements | None" = None) -> None:
        """`announcements`: None for the real ones, which are loaded when they are needed."""
        self._announcements = announcements

    async def announced(self, key: str) -> str | None:
        """Return the name under which a directory with this key is announced; None if none is.

        `key`: a fingerprint.  Raises OSError where nobody can listen.
        """
        wanted = key.replace(" ", "")
        names: list[str] = []

        def hear(one: Announcement) -> None:
            if wanted and one.key == wanted:
                names.append(one.name)
                scope.cancel()

        with trio.CancelScope() as scope:
            await self._where().listen(hear)
        return names[0] if names else None

    async def all_announced(
        self, known: Collection[str]
    ) -> tuple[tuple[Announcement, ...], tuple[Announcement, ...]]:
        """Return what is announced with one of these keys, without spaces, and what else is.

        Raises OSError where nobody can listen.
        """
        mine: dict[Announcement, None] = {}
        others: dict[Announcement, None] = {}

        def hear(one: Announcement) -> None:
            kind = mine if one.key in known else others
            if len(kind) < HEARD_MOST:
                kind[one] = None

        await self._where().listen(hear)
        return tuple(mine), tuple(others)

    def _where(self) -> "Announcements":
        if self._announcements is None:
            from peer.runtime.discovery.announcements import MdnsAnnouncements  # noqa: PLC0415

            self._announcements = MdnsAnnouncements()
        return self._announcements
