"""Open a way from our side, too, for users who call us."""

import trio

from peer.core.myself import Myself
from peer.core.reach.knock_limits import KnockLimits
from peer.runtime.link.links import Links
from peer.storage.contacts import ContactStore
from shared.messages.punching import Punches
from shared.names import fold


class PunchAnswers:
    def __init__(self, links: Links, contacts: ContactStore, myself: Myself) -> None:
        self._links, self._contacts, self._myself = links, contacts, myself
        self._limits = KnockLimits(trio.current_time())

    def hear(self, call: Punches) -> None:
        """Meet this user; nobody is told whether it succeeds.

        I come to one whom I ignore, too, but dial nothing: if I stayed away, they would know why.
        """
        name = call.name
        if not self._myself.is_called(name) and self._limits.allow(name, trio.current_time()):
            self._links.meet(call, is_wanted=fold(name) not in self._contacts.ignored)
