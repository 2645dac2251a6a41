"""Firewalls that let nobody in: one machine may have one for good, others for a while.

Two users who both have one for good never meet, so one machine at most has.
"""

import random
from typing import Final

from tests.simulation.box import Box
from tests.simulation.player import Player

SHARE: Final = 0.4  # of the stories in which somebody lives behind a firewall


class Firewalls:
    def __init__(self, box: Box, seed: int) -> None:
        self._box = box
        self._chance = random.Random(f"firewalls {seed}")
        self._for_good = ""  # the host that has one to the end

    def build(self, players: list[Player]) -> str:
        """Put one machine behind a firewall, or none; return what was done."""
        player = self._chance.choice(players)
        if self._chance.random() >= SHARE:
            return "no firewall"
        self._for_good = player.machine.host
        return f"{player.name} lives behind a firewall that {self._raise(player)}"

    def raise_for_a_while(self, player: Player) -> str:
        """Put a machine behind a firewall until `drop`; its connections stay."""
        return f"firewall of {player.name} {self._raise(player)}"

    def drop(self, player: Player) -> None:
        if player.machine.host != self._for_good:
            self._box.refusing.discard(player.machine.host)
            self._box.swallowing.discard(player.machine.host)

    def _raise(self, player: Player) -> str:
        is_silent = self._chance.random() < 0.5
        (self._box.swallowing if is_silent else self._box.refusing).add(player.machine.host)
        return "ignores dials" if is_silent else "refuses dials"
