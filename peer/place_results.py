"""The answers about places: where each line goes now, and what is unread elsewhere."""

from peer.commands.grammar import Loud
from peer.core.targets.places import PlaceState, UnreadText
from peer.core.targets.target import Target, listed
from peer.events import Event
from peer.results import Answer


class GoneTo(Answer, frozen=True):
    """The user went to a place; each line goes to this target now."""

    target: Target

    def lines(self) -> list[str]:
        target, place = self.target, self.target.place
        if place.room:
            count = len(target.members) + 1
            who = "1 member" if count == 1 else f"{count} members"
            return [f"Each line is a text for {place} ({who}) now; GO leads back."]
        if place.person:
            return [f"Each line is a private line to {place} now; GO leads back."]
        if target.writing_to:
            return [f"Each line is left for {target.writing_to} now; \\q ends it."]
        if target.others:
            return [f"Each line is a text for {listed(target.others)} now."]
        return ["Each line is a command again."]


class WhatIsUnread(Answer, frozen=True):
    """The `count` texts that came for a place while its user was elsewhere; the last of them."""

    count: int
    texts: tuple[UnreadText, ...]

    @property
    def divider(self) -> str:
        return f"--- {self.count} unread ---"

    @property
    def note(self) -> str:
        """A sentence about the texts that are not here."""
        missing = self.count - len(self.texts)
        return f"The first {missing} of them: see HISTORY." if missing else ""

    def lines(self) -> list[str]:
        texts = [line for one in self.texts for line in one.text.lines()]
        return [self.divider, *([self.note] if self.note else []), *texts]


class Dimmed(Answer, frozen=True):
    """An event for a place that its user wants to see in grey."""

    dimmed: Event

    def lines(self) -> list[str]:
        return self.dimmed.lines()


class PlaceList(Answer, frozen=True):
    """The places where I can go.  `others`: the unread lines of senders who are not listed."""

    states: tuple[PlaceState, ...]
    target: Target
    others: int = 0

    def lines(self) -> list[str]:
        lines = [self._line(state) for state in self.states]
        return lines + [f"- others: {self.others} unread"] * bool(self.others)

    def _line(self, state: PlaceState) -> str:
        place, target = state.place, self.target
        name = str(place)
        if place.is_home:
            talk = f"conversation with {listed(target.others)}" if target.others else "commands"
            name = f"message for {target.writing_to}" if target.writing_to else talk
        unread = f"{state.unread} unread" if state.unread else "nothing unread"
        how = {Loud.HELD: ", muted", Loud.DIMMED: ", dim", Loud.SHOWN: ""}[state.loud]
        here = " (you are here)" if place.is_same(target.place) else ""
        return f"{state.number or '-'} {name}: {unread}{how}{here}"


class MutedList(Answer, frozen=True):
    """The names of places that are muted or dim, and whether the bell is off."""

    is_bell_off: bool
    held: tuple[str, ...]
    dimmed: tuple[str, ...]

    def lines(self) -> list[str]:
        lines = ["The bell is off until UNMUTE."] if self.is_bell_off else []
        lines += [f"Muted: {', '.join(self.held)}."] if self.held else []
        lines += [f"Dim: {', '.join(self.dimmed)}."] if self.dimmed else []
        return lines or ["Nothing is muted."]
