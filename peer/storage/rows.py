"""Read again what lies on my own disk.

It is judged as strictly as what comes over a link, because it is handed on to others.  Rows
that do not pass are left out: nothing on the disk may end the program.  Its user is told once.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from peer import events
from peer.core.conversation.members.entrances import Entrance
from peer.events import Tell
from peer.storage.vault import CLEAR, Vault
from shared.errors import StorageError
from shared.messages.peers import Membership, Text

UNREADABLE: Final = "Some of what was kept on your disk cannot be read and is left out."

M = TypeVar("M")

_entrance = msgspec.json.Decoder(Entrance)
_membership = msgspec.json.Decoder(Membership)
_text = msgspec.json.Decoder(Text)


def tell_nobody(_event: events.Event, shown: Callable[[], None]) -> None:
    """Show nothing, where there is no screen."""
    shown()


class Rows:
    """A reader of the texts, lines, memberships and entrances in the journal."""

    def __init__(self, tell: Tell, vault: Vault = CLEAR) -> None:
        self._tell, self.vault = tell, vault
        self._found_unreadable = self._has_told = False

    # --- In any thread ---

    def text(self, line: bytes, *place: str | int) -> Iterator[Text]:
        """Yield the text of a conversation that lies at this place, or nothing."""
        try:
            opened = self.vault.open(line, "text", *place)
        except StorageError:
            self.note()
        else:
            yield from self._decoded(_text, opened)

    def words(self, sealed: str, *place: str | int) -> Iterator[str]:
        """Yield the words of a line, a letter or a copy, or nothing."""
        try:
            yield self.vault.open_text(sealed, *place)
        except (StorageError, UnicodeDecodeError):
            self.note()

    def memberships(self, rows: Iterable[bytes]) -> tuple[Membership, ...]:
        return tuple(one for row in rows for one in self._decoded(_membership, row))

    def entrances(self, rows: Iterable[bytes]) -> tuple[Entrance, ...]:
        return tuple(one for row in rows for one in self._decoded(_entrance, row))

    def _decoded(self, decoder: msgspec.json.Decoder[M], row: bytes) -> Iterator[M]:
        try:
            yield decoder.decode(row)
        except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors
            self.note()

    def note(self) -> None:
        """Note that something could not be read."""
        self._found_unreadable = True

    # --- In the loop ---

    def report(self) -> None:
        """Tell the user once if something could not be read; call this after reading."""
        if self._found_unreadable and not self._has_told:
            self._has_told = True
            self._tell(events.Notice(UNREADABLE), events.nothing)
