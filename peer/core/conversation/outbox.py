"""Texts that I wrote: who may be sent which of them, and who has them."""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import takewhile

import msgspec
from msgspec import Struct

from peer.core.conversation.texts import WINDOW_BYTES, WINDOW_TEXTS
from shared.errors import ProtocolError
from shared.messages.peers import TEXTS, Position, Text

RECENT_TEXTS = 8_192  # of mine, kept in memory; members further behind ask for the older ones
RECENT_BYTES = 4 * 1024 * 1024
WATCHED = 2_048  # writings of mine whose time is remembered
TOGETHER_BYTES = 16 * 1024  # of texts in one Text, unless a single one is longer


# --- What I wrote -------------------------------------------------------------------


class _Window(Struct):
    """The texts on their way to one member over the present link."""

    sent: int  # up to this seq
    acknowledged: int  # up to this seq, when we looked last
    size: int = 0  # of what is on its way
    is_full: bool = False  # the next text does not fit in


class Outbox:
    """My texts, from being written until every member has them on disk."""

    def __init__(self, epoch: str, before: Iterable[tuple[str, int, float]] = ()) -> None:
        """`before`: (epoch, last seq, time) of what earlier runs of my program wrote here."""
        before = tuple(before)
        self.epoch = epoch
        #: the seq of my last text, and of the last one before this run, if it goes on in an epoch
        self.last = self.begun_after = 0
        self._ends: dict[str, int] = {}  # epoch -> the last seq that was ever watched
        for of, seq, _ in before:
            self._ends[of] = max(seq, self._ends.get(of, 0))
        self._draft: list[str] = []
        self._draft_bytes = 0
        self._recent: deque[Text] = deque()
        self._recent_size = 0
        self._written: deque[tuple[str, int, float]] = deque(before)  # somebody may lack these
        self._windows: dict[str, _Window] = {}  # of the members to whom there is a link
        self._has: dict[str, dict[str, int]] = {}  # member -> epoch -> has all up to this seq
        self._assumed: set[str] = set()  # members of whom that is only a guess
        self._missed: dict[str, list[tuple[str, int, int]]] = {}  # before they came: epoch, range
        self._came_after: dict[str, tuple[str, int]] = {}  # new members: epoch and last seq then

    def go_on(self, epoch: str, seq: int, newcomers: Iterable[str] = ()) -> None:
        """Write on in an epoch of an earlier run, before the first text of this one.

        `newcomers`: members who came while it was in use; they are believed to have all of it.
        """
        self.epoch, self.last, self.begun_after = epoch, seq, seq
        self._came_after = dict.fromkeys(newcomers, (epoch, seq))

    # --- Writing ---

    def write(self, text: str) -> int:
        """Add a text to the draft, which the next `sign_draft` signs; return its seq."""
        self._draft.append(text)
        self._draft_bytes += len(text)
        return self.last + len(self._draft)

    @property
    def has_draft(self) -> bool:
        return bool(self._draft)

    @property
    def draft_is_full(self) -> bool:
        return len(self._draft) >= TEXTS or self._draft_bytes >= TOGETHER_BYTES

    def sign_draft(self, make: Callable[[int, tuple[str, ...]], Text], now: float) -> list[Text]:
        """Sign the draft with `make(seq, texts)`; return the signed texts."""
        made = []
        while self._draft:
            together = _together(self._draft)
            del self._draft[: len(together)]
            text = make(self.last + 1, tuple(together))
            self.last = text.last_seq
            self._watch(self.last, now)
            self._recent.append(text)
            self._recent_size += text.size
            made.append(text)
        self._draft_bytes = 0
        while self._recent and self._is_too_much():
            self._recent_size -= self._recent.popleft().size
        return made

    def _watch(self, seq: int, now: float) -> None:
        """Remember when this was written; beyond WATCHED, merge two of the oldest times."""
        written = self._written
        self._ends[self.epoch] = seq
        written.append((self.epoch, seq, now))
        if len(written) > WATCHED:
            place = next(n for n in range(WATCHED) if written[n][0] == written[n + 1][0])
            (epoch, _, time), (_, upto, _) = written[place], written[place + 1]
            written[place + 1] = (epoch, upto, time)
            del written[place]

    def _is_too_much(self) -> bool:
        too_many = self.last - self._recent[0].seq >= RECENT_TEXTS
        return too_many or self._recent_size > RECENT_BYTES

    # --- Sending ---

    def greeted(self, to: str, has: int) -> None:
        """Note a new link to a member, who has just said how far they have my texts."""
        if to in self._assumed:
            self._assumed.discard(to)
            self._has.setdefault(to, {})[self.epoch] = min(has, self.has(to))
        self._windows[to] = _Window(self.has(to), self.has(to))

    def unlink(self, to: str) -> None:
        self._windows.pop(to, None)

    def take(self, to: str) -> list[Text]:
        """Return what may be sent to this member now, in order."""
        window = self._windows.get(to)
        if window is None or window.sent >= self.last:
            return []
        acknowledged = self.has(to)
        if window.acknowledged != acknowledged:
            window.sent = max(window.sent, acknowledged)
            on_way = [one for one in self._after(acknowledged) if one.last_seq <= window.sent]
            size_on_way = sum(one.size for one in on_way)
            window.acknowledged, window.size, window.is_full = acknowledged, size_on_way, False
        if window.is_full or self.is_behind(to):
            return []  # looks for nothing: a member who stops reading costs nothing
        taken = []
        for text in reversed(self._after(window.sent)):
            is_too_far = text.last_seq > acknowledged + WINDOW_TEXTS
            if is_too_far or window.size + text.size > WINDOW_BYTES:
                window.is_full = True
                break
            taken.append(text)
            window.sent = text.last_seq
            window.size += text.size
        return taken

    def _after(self, seq: int) -> list[Text]:
        """Return the texts in memory that end after this seq, the newest first."""
        return list(takewhile(lambda text: text.last_seq > seq, reversed(self._recent)))

    def is_behind(self, to: str) -> bool:
        """Whether they lack texts that are no longer in memory."""
        oldest = self._recent[0].seq if self._recent else self.last + 1
        return self.has(to) + 1 < oldest

    # --- Acknowledged ---

    def newcomer(self, member: str) -> dict[str, int]:
        """Note a new member; presume that earlier texts are not meant for them.

        Return up to which seq they are presumed to have each epoch.
        """
        self._came_after[member] = self.epoch, self.last
        has = self._has.setdefault(member, {})
        missed = self._missed.setdefault(member, [])
        for epoch, seq, _ in [*self._written, (self.epoch, self.last, 0.0)]:
            if seq > has.get(epoch, 0):
                missed.append((epoch, has.get(epoch, 0), seq))
                has[epoch] = seq
        self._assumed.add(member)
        return has

    def came_after(self, member: str) -> int | None:
        """Return the last seq that I had written when I heard of a new member; None of others."""
        epoch, last = self._came_after.get(member, ("", 0))
        return last if epoch == self.epoch else None

    def is_assumed(self, member: str) -> bool:
        """Whether it is only a guess what a new member has."""
        return member in self._assumed

    def is_for(self, member: str, epoch: str, seq: int) -> bool:
        """Whether a text is for them: not written before they came, or while they were out."""
        missed = self._missed.get(member, ())
        return not any(of == epoch and after < seq <= upto for of, after, upto in missed)

    def acknowledged(self, by: str, epoch: str, seq: int) -> bool:
        """Note that they have everything up to this seq; return whether that is news.

        Raise ProtocolError when that is more than was ever written in this epoch.
        """
        if epoch == self.epoch and seq > self.last:
            raise ProtocolError("a text was acknowledged that was never sent")
        if all(epoch != known for known in (self.epoch, *(one for one, _, _ in self._written))):
            return False
        has = self._has.setdefault(by, {})
        if seq <= has.get(epoch, 0):
            return False
        has[epoch] = seq
        return True

    def take_back(self, member: str, seq: int) -> None:
        """Note, before their HELLO on a link, that they have no text of this run after this one."""
        self._has[member][self.epoch] = seq

    def has(self, member: str, epoch: str | None = None) -> int:
        """Return up to which seq they have everything of an epoch, by default the present one."""
        return self._has.get(member, {}).get(epoch or self.epoch, 0)

    def lag(self, member: str) -> int:
        """Return how many texts of this run they lack."""
        return self.last + len(self._draft) - self.has(member)

    def oldest_lacking(self, member: str) -> float | None:
        """Return when the oldest text that they lack was written; None if they lack none."""
        has = self._has.get(member, {})
        if all(has.get(epoch, 0) >= seq for epoch, seq in self._ends.items()):
            return None  # asked for each member at each look, while others are away for days
        for epoch, seq, time in self._written:
            if has.get(epoch, 0) < seq:
                return time
        return None

    def lacking(self, member: str) -> list[Position]:
        """Return how far they have each epoch that they lack texts of; without the author."""
        has = self._has.get(member, {})
        epochs = dict.fromkeys(e for e, seq, _ in self._written if has.get(e, 0) < seq)
        return [Position("", epoch, has.get(epoch, 0)) for epoch in epochs]

    def forget(self, members: Iterable[str]) -> None:
        """Forget what all these members have."""
        members = list(members)
        while self._written:
            epoch, seq, _ = self._written[0]
            if any(self.has(member, epoch) < seq for member in members):
                return
            self._written.popleft()


def _together(draft: list[str]) -> list[str]:
    """Return as many of the first texts as fit into one Text, at least one."""
    together: list[str] = []
    room = TOGETHER_BYTES
    for text in draft[:TEXTS]:
        room -= len(msgspec.json.encode(text))
        if together and room < 0:
            break
        together.append(text)
    return together
