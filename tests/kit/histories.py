"""What HISTORY and SEARCH find in a journal that no peer has open."""

from peer.core.myself import Registration
from peer.storage.history import History
from peer.storage.journal import Journal
from tests.kit.world import EPOCH, FakeClock


class PlainNames:
    """Whoever calls everybody by their names, whatever their keys."""

    def called(self, member: str, name: str) -> str:
        return name


def history_of(journal: Journal, now: float = EPOCH) -> History:
    """What carol finds."""
    me, clock = Registration("carol"), FakeClock(now)
    return History(journal.database, journal.rows, me, clock, PlainNames())
