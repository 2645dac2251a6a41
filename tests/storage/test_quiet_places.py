"""Which places are dimmed or muted, on disk."""

from typing import Any

from peer.commands.grammar import Loud
from peer.core.past.quiet_place import QuietPlace
from peer.core.past.read_marks import with_user
from peer.storage.past.quiet_places import QuietPlaceStore
from tests.kit.journals import ID, opened
from tests.kit.world import MemoryDisk

DAVE, ERIN = with_user("Dave"), with_user("erin")


async def test_a_place_stays_quiet_over_a_restart(autojump_clock: Any) -> None:
    disk = MemoryDisk()
    async with opened(disk) as journal:
        store = QuietPlaceStore(journal.database)
        await store.keep(DAVE, QuietPlace("Dave", Loud.HELD))
        await store.keep(ERIN, QuietPlace("erin", Loud.DIMMED))
        await store.keep(DAVE, QuietPlace("Dave", Loud.DIMMED))
    async with opened(disk) as journal:
        store = QuietPlaceStore(journal.database)
        assert store.of(DAVE).loud is store.of(ERIN).loud is Loud.DIMMED
        assert store.of(with_user("frank")).loud is Loud.SHOWN
        assert store.persons == (QuietPlace("Dave", Loud.DIMMED), QuietPlace("erin", Loud.DIMMED))
        await store.keep(DAVE, QuietPlace("Dave", Loud.SHOWN))
        assert store.of(DAVE).is_usual
    async with opened(disk) as journal:
        assert QuietPlaceStore(journal.database).persons == (QuietPlace("erin", Loud.DIMMED),)


async def test_a_room_that_i_have_left_is_forgotten(autojump_clock: Any) -> None:
    disk = MemoryDisk()
    async with opened(disk) as journal:
        store = QuietPlaceStore(journal.database)
        await store.keep(ID, QuietPlace("", Loud.HELD))
        await store.keep(DAVE, QuietPlace("Dave", Loud.HELD))  # clears what is of no room of mine
        rows = journal.database.read("SELECT place FROM quiet_places")
        assert rows == [(DAVE,)]
        assert store.persons == (QuietPlace("Dave", Loud.HELD),)
