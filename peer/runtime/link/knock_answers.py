"""Dial users who knock, as they cannot dial us.

The shell of `peer.core.reach.knock_limits`.
"""

import trio

from peer.core.myself import Myself
from peer.core.reach.knock_limits import KnockLimits
from peer.runtime.link.links import Links
from peer.runtime.link.reception import Reception
from peer.storage.contacts import ContactStore
from shared.messages.spots import Knocks
from shared.names import fold


class KnockAnswers:
    def __init__(
        self, links: Links, reception: Reception, contacts: ContactStore, myself: Myself
    ) -> None:
        self._links, self._reception = links, reception
        self._contacts, self._myself = contacts, myself
        self._limits = KnockLimits(trio.current_time())

    def hear(self, knock: Knocks) -> None:
        """Dial this user, unless I ignore them; nobody is told whether it succeeds."""
        name = knock.name
        if self._myself.is_called(name) or self._is_on_the_way(knock):
            return
        if self._limits.allow(name, trio.current_time()):
            self._links.answer(knock, is_wanted=fold(name) not in self._contacts.ignored)

    def _is_on_the_way(self, knock: Knocks) -> bool:
        """Whether their own dial has come through by now: two would only load a slow machine."""
        return any(self._reception.is_dialled_from(spot.host) for spot in knock.spots)
