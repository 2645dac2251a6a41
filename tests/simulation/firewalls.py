"""Firewalls that let nobody in: some machines may have one for good, others for a while.

Of two users who both have one for good, both must dial at once: that needs the directory.  It
is impossible behind a router that takes another port for each target, so one machine at most
is behind such a one, and then nobody else has a firewall for good.
"""

import random
from typing import Final

from tests.simulation.box import Box
from tests.simulation.player import Player

SHARE: Final = 0.4  # of the stories in which somebody lives behind a firewall
OUTER: Final = "198.51.100."  # addresses of routers


class Firewalls:
    def __init__(self, box: Box, seed: int) -> None:
        self._box = box
        self._chance = random.Random(f"firewalls {seed}")
        self._routers = random.Random(f"routers {seed}")
        self._for_good: set[str] = set()  # hosts that have one to the end

    def build(self, players: list[Player]) -> str:
        """Put some machines behind firewalls, or none; return what was done."""
        player = self._chance.choice(players)
        if self._chance.random() >= SHARE:
            return "no firewall"
        self._for_good = {player.machine.host}
        did = f"{player.name} lives behind a firewall that {self._raise(player)}"
        kind = self._routers.random()
        if kind < 0.25:
            self._translate(player)
            self._box.moody.add(player.machine.host)
            did += ", and a router that takes another port for each target"
        elif kind < 0.75:
            did += "".join(f", {self._wall_in(one)}" for one in players if one is not player)
        return did

    def _wall_in(self, player: Player) -> str:
        self._for_good.add(player.machine.host)
        did = f"{player.name} behind one that {self._raise(player)}"
        if self._routers.random() < 0.5:
            self._translate(player)
            did += " and translates"
        return did

    def raise_for_a_while(self, player: Player) -> str:
        """Put a machine behind a firewall until `drop`; its connections stay."""
        return f"firewall of {player.name} {self._raise(player)}"

    def drop(self, player: Player) -> None:
        if player.machine.host not in self._for_good:
            self._box.refusing.discard(player.machine.host)
            self._box.swallowing.discard(player.machine.host)

    def _raise(self, player: Player) -> str:
        is_silent = self._chance.random() < 0.5
        (self._box.swallowing if is_silent else self._box.refusing).add(player.machine.host)
        return "ignores dials" if is_silent else "refuses dials"

    def _translate(self, player: Player) -> None:
        """Let others see a router's address, which leads to nobody."""
        outer = OUTER + player.machine.host.rpartition(".")[2]
        self._box.translated[player.machine.host] = outer
        self._box.swallowing.add(outer)
