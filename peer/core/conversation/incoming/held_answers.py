"""Decides whom to ask for what an answer names, and lacks here: the member who sent it.

An honest member names only what was shown there, so they have it.  Its author may be
hostile, and may have given it to them alone, to hold their answers back elsewhere.  Or it
names what nobody has: then they have waited for that themselves, and say so, and I need not
wait for it once more.
"""

from collections.abc import Callable, Iterable

from peer.core.conversation.incoming.gaps import Request
from peer.core.conversation.incoming.inbox import Inbox
from shared.messages.peers import Origin, Position, Text

HURRY_SECONDS = 0.05  # for what an answer names to come by itself; then its sender is asked
HURRIED = 32  # requests at one time: a hostile answer may name anything

_NEVER = float("inf")
_Place = tuple[Origin, int]


class HeldAnswers:
    """The answers that an inbox holds back, and who sent them."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._senders: dict[_Place, str] = {}  # of the answers that are held back
        self._asked: dict[tuple[str, Origin], int] = {}  # how far the origin had come then
        self._denied: set[tuple[str, Origin]] = set()  # asked, and has no more than I
        self.due = _NEVER  #: when to ask next

    def add(self, sender: str, text: Text, now: float) -> None:
        """Note that the inbox holds this text back."""
        self._senders[text.origin, text.seq] = sender
        self.due = min(self.due, now + HURRY_SECONDS)

    def deny(self, sender: str, there: Position, now: float) -> None:
        """Note how far a sender has an origin: perhaps no further than I, who asked for it."""
        of = there.origin
        if (sender, of) in self._asked and there.seq <= self._inbox.came(of):
            self._denied.add((sender, of))
            self.due = min(self.due, now)

    def ask(
        self, linked: Iterable[str], now: float, may_ask: Callable[[Origin], bool]
    ) -> list[Request]:
        """Return what to ask the senders for now; nobody is asked twice for the same.

        An author who lacks what their answer lacks here has shown it without: so does `overdue`.
        """
        reachable = frozenset(linked)
        inbox, asked = self._inbox, self._asked
        self._senders = {of: sender for of, sender in self._senders.items() if inbox.holds(*of)}
        self._asked = {}
        requests: list[Request] = []
        for text in inbox.first_held():
            sender = self._senders.get((text.origin, text.seq), text.author)
            if sender not in reachable:
                continue
            lacking = inbox.lacking(text)
            if sender == text.author and self._denied.issuperset((sender, of) for of in lacking):
                inbox.give_up(text, now)
                continue
            for of in lacking:
                came = inbox.came(of)
                if asked.get((sender, of), -1) >= came:
                    self._asked[sender, of] = came
                elif (sender, of) not in self._asked and len(requests) < HURRIED and may_ask(of):
                    self._asked[sender, of] = came
                    requests.append(Request(sender, of, came))
        self._denied &= self._asked.keys()
        self.due = now + HURRY_SECONDS if self._senders else _NEVER
        return requests
