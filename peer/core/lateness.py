"""Which text of somebody came so late that its reader must know when it was written.  A core.

The time of a text is that of its writer's clock, which may be wrong by years where nothing
sets it.  What counts is how far behind ours it was when the two programs linked.
"""

from typing import Final

from peer.events import Late

LATE_SECONDS: Final = 60.0


def late(written: float, now: float, behind: float) -> Late | None:
    """Return None of a text that came soon.

    `behind`: so many seconds their clock shows less than ours; 0 where that is not known.
    """
    return Late(written, now) if now - written - behind > LATE_SECONDS else None
