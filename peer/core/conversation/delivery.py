"""Keeps which texts have come and are on disk, and who has the ones I wrote.

A text is known by (author, epoch, seq).  `seq` counts up from 1 within an epoch.  Each
start of the author's program begins a new epoch, so that no number is used twice, whatever
was lost in a crash.  What an author writes in one moment is signed together and stays
together on its way to everybody: it is one `Text`.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice, takewhile

import msgspec
from msgspec import Struct, field

from peer.core.conversation.lamport_clock import LamportClock
from peer.core.membership import Me
from shared.errors import ProtocolError
from shared.identity import check_signature
from shared.messages import POSITIONS, TEXTS, Position, Text

WINDOW_TEXTS = 256  # unacknowledged at once: bounds what a slow receiver must keep
WINDOW_BYTES = 256 * 1024
RECENT_TEXTS = 8_192  # of mine, kept in memory; members further behind ask for the older ones
RECENT_BYTES = 4 * 1024 * 1024
WATCHED = 2_048  # writings of mine whose time is remembered
TOGETHER_BYTES = 16 * 1024  # of texts in one Text, unless a single one is longer
HEADS = 100  # in one Text: twice the members, and it fits in a line with the longest text
HOLD_SECONDS = 2.0  # a text waits for what it answers; then it is shown anyway
EPOCHS = 1_000  # of one author in one conversation: bounds memory
EPOCHS_TOLD = 20  # of one author in one message: endless restarts crowd nobody out
EPOCHS_AT_HEAD = 2  # of one author, in what a text comes after: the newer one implies the older
# Of one author, in memory: twice what may be unacknowledged, because ACKs on their way
# may let the sender be a window ahead of what is known here; and the answer to a WANT on top.
AUTHOR_TEXTS = 2 * WINDOW_TEXTS + TEXTS
AUTHOR_BYTES = 3 * WINDOW_BYTES

Stream = tuple[str, str]  # author and epoch
_PLAIN = re.compile("[A-Za-z0-9._=-]*")  # JSON escapes none of these


# --- Signing and measuring ----------------------------------------------------------


def sign(me: Me, text: Text) -> Text:
    return msgspec.structs.replace(text, signature=me.identity.sign(statement(text)))


def check_author(text: Text, key: bytes) -> None:
    """Raise ProtocolError unless the owner of `key` signed this text."""
    check_signature(key, text.signature, statement(text))


def statement(text: Text) -> bytes:
    said = (
        text.conversation, text.author, text.epoch, text.seq, text.lamport, text.time,
        text.texts, [(one.author, one.epoch, one.seq) for one in text.after], text.chain,
    )  # fmt: skip
    return b"parley text 2\0" + msgspec.msgpack.encode(said)


def stream(text: Text) -> Stream:
    return text.author, text.epoch


def last(text: Text) -> int:
    """Return the seq of the last text in this `Text`."""
    return text.seq + len(text.texts) - 1


def check_stream(of: Stream) -> None:
    """Raise ProtocolError unless the names of author and epoch have the usual form.

    Characters that JSON escapes would make our messages too long if they list many streams.
    """
    if not is_stream(of):
        raise ProtocolError("a text is not numbered as it should be")


def is_stream(of: Stream) -> bool:
    return all(map(_PLAIN.fullmatch, of))


def size(text: Text) -> int:
    return sum(map(len, text.texts)) + 200  # with the other fields


# --- What came ----------------------------------------------------------------------


class _Author(Struct):
    """What we have of one author, in all epochs together."""

    epochs: dict[str, None] = field(default_factory=dict)  # in the order of their last use
    texts: int = 0  # that came and are not on disk yet,
    size: int = 0  # and their size


class _Stream(Struct):
    """What one author wrote in one epoch, as far as we have it."""

    author: _Author
    number: int  # how many streams were known here before it
    came: int = 0  # up to this seq
    shown: int = 0  # up to this seq, given to the screen
    have: int = 0  # up to this seq, on disk


class Ready(Struct, frozen=True):
    """A text to be shown now.  `gap`: something that its author had read is missing here."""

    text: Text
    gap: bool = False


class Inbox:
    """Everybody's texts, my own included, in the order in which they may be shown.

    The texts of one author are shown in the order of writing.  An answer is shown after
    what it answers, or with `gap` if that does not arrive in time.
    """

    def __init__(self, have: Iterable[Position] = (), lamport: int = 0) -> None:
        """`have`: what was said before us or is on disk already; `lamport`: its highest number."""
        self._streams: dict[Stream, _Stream] = {}
        self._authors: dict[str, _Author] = {}
        self.clock = LamportClock(lamport)  #: follows what was shown
        #: the ends of what was shown that no later shown text names, in the order of showing
        self._heads: dict[Stream, int] = {}
        #: texts that came and are held back, each with its deadline
        self._held: dict[Stream, deque[tuple[Text, float]]] = {}
        for one in have:
            known = self._begin((one.author, one.epoch))
            known.came = known.shown = known.have = one.seq
            self._put_head((one.author, one.epoch), one.seq)

    # --- Coming in ---

    def take(self, text: Text, now: float) -> list[Ready] | None:
        """Take a text that came; return what may be shown now.

        Return None when something before it is missing, or there is no room yet.  A duplicate
        changes nothing.  Raise ProtocolError when more texts came than the window allows.
        """
        known = self._stream(stream(text))
        if text.seq <= known.came:
            return []
        if text.seq != known.came + 1:
            return None
        if last(text) > known.have + AUTHOR_TEXTS:
            raise ProtocolError("more texts came than the window allows")
        author = known.author
        if author.texts + len(text.texts) > AUTHOR_TEXTS or author.size + size(text) > AUTHOR_BYTES:
            return None  # it is asked for again when the disk has what came before
        known.came = last(text)
        author.texts += len(text.texts)
        author.size += size(text)
        self._use(stream(text), author)
        if not self._held and self._implied(text):
            return [self._show(text, known)]
        self._held.setdefault(stream(text), deque()).append((text, now + HOLD_SECONDS))
        return self._release()

    def overdue(self, now: float) -> list[Ready]:
        """Return what was held back long enough."""
        ready: list[Ready] = []
        for of, held in list(self._held.items()):
            while held and held[0][1] <= now:
                ready.append(self._unhold(of, held, gap=not self._implied(held[0][0])))
        return ready + self._release() if ready else ready

    def next_deadline(self) -> float | None:
        if not self._held:
            return None  # this is called at each text
        return min(held[0][1] for held in self._held.values())

    def wrote(self, text: Text) -> None:
        """Note a text of mine, which its author has seen already."""
        known = self._stream(stream(text))
        known.came = last(text)
        known.author.texts += len(text.texts)
        known.author.size += size(text)
        self._use(stream(text), known.author)
        self._show(text, known)

    def kept(self, text: Text) -> None:
        """Note that a text is on disk."""
        known = self._streams[stream(text)]
        known.have = max(known.have, last(text))
        known.author.texts -= len(text.texts)
        known.author.size -= size(text)

    def reject(self, texts: list[Text]) -> None:
        """Take back these texts, the last of their stream, which its author never wrote."""
        of, first = stream(texts[0]), texts[0].seq
        known = self._streams[of]
        known.author.texts -= sum(len(text.texts) for text in texts)
        known.author.size -= sum(map(size, texts))
        known.came = first - 1
        held = [one for one in self._held.pop(of, ()) if one[0].seq < first]
        if held:
            self._held[of] = deque(held)
        if known.shown >= first:
            known.shown = first - 1
            self._heads.pop(of, None)
            if known.shown:
                self._put_head(of, known.shown)

    def _stream(self, of: Stream) -> _Stream:
        known = self._streams.get(of)
        if known is None:
            check_stream(of)
            author = self._authors.get(of[0])
            if author is not None and len(author.epochs) >= EPOCHS:
                raise ProtocolError("one author was started too often in one conversation")
            known = self._begin(of)
        return known

    def _begin(self, of: Stream) -> _Stream:
        author = self._authors.setdefault(of[0], _Author())
        author.epochs[of[1]] = None
        known = self._streams[of] = _Stream(author, len(self._streams))
        return known

    def _use(self, of: Stream, author: _Author) -> None:
        """Note that this stream is its author's last epoch in use."""
        epochs = author.epochs
        if next(reversed(epochs)) != of[1]:
            del epochs[of[1]]
            epochs[of[1]] = None

    def _implied(self, text: Text) -> bool:
        """Whether all that the author had read before was shown here too."""
        streams = self._streams
        for one in text.after:
            known = streams.get((one.author, one.epoch))
            if known is None or known.shown < one.seq:
                return False
        return True

    def _release(self) -> list[Ready]:
        ready: list[Ready] = []
        moved = True
        while moved:
            moved = False
            for of, held in list(self._held.items()):
                while held and self._implied(held[0][0]):
                    ready.append(self._unhold(of, held))
                    moved = True
        return ready

    def _unhold(
        self, of: Stream, held: deque[tuple[Text, float]], *, gap: bool = False
    ) -> Ready:  # fmt: skip
        text, _ = held.popleft()
        if not held:
            del self._held[of]
        return self._show(text, self._streams[of], gap=gap)

    def _show(self, text: Text, known: _Stream, *, gap: bool = False) -> Ready:
        known.shown = last(text)
        self.clock.saw(text.lamport)
        for one in text.after:
            if self._heads.get((one.author, one.epoch), one.seq + 1) <= one.seq:
                del self._heads[one.author, one.epoch]
        self._put_head(stream(text), known.shown)
        return Ready(text, gap)

    def _put_head(self, of: Stream, seq: int) -> None:
        """Put the newest head at the end; it pushes out an older epoch of its author."""
        heads = self._heads
        if heads.pop(of, None) is None:
            older = [one for one in heads if one[0] == of[0]]
            if len(older) >= EPOCHS_AT_HEAD:
                del heads[older[0]]
        heads[of] = seq

    # --- Where we stand ---

    def heads(self, without: Stream) -> tuple[Position, ...]:
        """Return the positions that a text written now comes after."""
        heads = [Position(*of, seq) for of, seq in self._heads.items() if of != without]
        return tuple(heads[-HEADS:])

    def have(self) -> tuple[Position, ...]:
        """Return what is on disk, as far as it fits into one message."""
        return self._in_use(lambda known: known.have, POSITIONS)

    def seen(self, most: int = POSITIONS) -> tuple[Position, ...]:
        """Return what was shown, on disk or not, as far as it fits into `most` positions."""
        return self._in_use(lambda known: known.shown, most)

    @property
    def origins(self) -> int:
        """How many streams are known."""
        return len(self._streams)

    def first_heard(self, of: Stream) -> int:
        """Return how many streams were known before this one."""
        known = self._streams.get(of)
        return known.number if known else len(self._streams)

    def epochs_told(self, most: int) -> int:
        """Return how many epochs of each author fit into a message of `most` positions."""
        return epochs_of_each((len(one.epochs) for one in self._authors.values()), most)

    def _in_use(self, seq: Callable[[_Stream], int], most: int) -> tuple[Position, ...]:
        """Return the positions of the last epochs in use, equally many for each author."""
        each = self.epochs_told(most)
        found: list[Position] = []
        for name, author in self._authors.items():
            for epoch in islice(reversed(author.epochs), each):
                if upto := seq(self._streams[name, epoch]):
                    found.append(Position(name, epoch, upto))
        return tuple(found[:most])

    def has_room(self, author: str) -> bool:
        """Whether an answer to a WANT for texts of this author can be kept in memory."""
        known = self._authors.get(author)
        return known is None or (known.texts <= WINDOW_TEXTS and known.size <= WINDOW_BYTES)

    def position(self, of: Stream) -> Position:
        known = self._streams.get(of)
        return Position(*of, known.have if known else 0)

    def came(self, of: Stream) -> int:
        """Return up to which seq everything has come here, shown or not."""
        known = self._streams.get(of)
        return known.came if known else 0


def epochs_of_each(counts: Iterable[int], most: int) -> int:
    """Return how many epochs of each author fit into a message of `most` positions."""
    counts = list(counts)
    return next(
        each
        for each in range(EPOCHS_TOLD, 0, -1)
        if each == 1 or sum(min(count, each) for count in counts) <= most
    )


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
        self.epoch = epoch
        self.last = 0
        self._draft: list[str] = []
        self._draft_bytes = 0
        self._recent: deque[Text] = deque()
        self._recent_size = 0
        self._written: deque[tuple[str, int, float]] = deque(before)  # somebody may lack these
        self._windows: dict[str, _Window] = {}  # of the members to whom there is a link
        self._has: dict[str, dict[str, int]] = {}  # member -> epoch -> has all up to this seq
        self._assumed: set[str] = set()  # members of whom that is only a guess
        self._missed: dict[str, list[tuple[str, int, int]]] = {}  # before they came: epoch, range

    # --- Writing ---

    def write(self, text: str) -> int:
        """Add a text to the draft, which the next `sign_draft` signs; return its seq."""
        self._draft.append(text)
        self._draft_bytes += len(text)
        return self.last + len(self._draft)

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
            self.last = last(text)
            self._watch(self.last, now)
            self._recent.append(text)
            self._recent_size += size(text)
            made.append(text)
        self._draft_bytes = 0
        while self._recent and self._is_too_much():
            self._recent_size -= size(self._recent.popleft())
        return made

    def _watch(self, seq: int, now: float) -> None:
        """Remember when this was written; beyond WATCHED, merge two of the oldest times."""
        written = self._written
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
            on_way = [one for one in self._after(acknowledged) if last(one) <= window.sent]
            size_on_way = sum(map(size, on_way))
            window.acknowledged, window.size, window.is_full = acknowledged, size_on_way, False
        if window.is_full or self.is_behind(to):
            return []  # looks for nothing: a member who stops reading costs nothing
        taken = []
        for text in reversed(self._after(window.sent)):
            if last(text) > acknowledged + WINDOW_TEXTS or window.size + size(text) > WINDOW_BYTES:
                window.is_full = True
                break
            taken.append(text)
            window.sent = last(text)
            window.size += size(text)
        return taken

    def _after(self, seq: int) -> list[Text]:
        """Return the texts in memory that end after this seq, the newest first."""
        return list(takewhile(lambda text: last(text) > seq, reversed(self._recent)))

    def is_behind(self, to: str) -> bool:
        """Whether they lack texts that are no longer in memory."""
        oldest = self._recent[0].seq if self._recent else self.last + 1
        return self.has(to) + 1 < oldest

    # --- Acknowledged ---

    def newcomer(self, member: str) -> dict[str, int]:
        """Note a new member; presume that earlier texts are not meant for them.

        Return up to which seq they are presumed to have each epoch.
        """
        has = self._has.setdefault(member, {})
        missed = self._missed.setdefault(member, [])
        for epoch, seq, _ in [*self._written, (self.epoch, self.last, 0.0)]:
            if seq > has.get(epoch, 0):
                missed.append((epoch, has.get(epoch, 0), seq))
                has[epoch] = seq
        self._assumed.add(member)
        return has

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

    def has(self, member: str, epoch: str | None = None) -> int:
        """Return up to which seq they have everything of an epoch, by default the present one."""
        return self._has.get(member, {}).get(epoch or self.epoch, 0)

    def lag(self, member: str) -> int:
        """Return how many texts of this run they lack."""
        return self.last + len(self._draft) - self.has(member)

    def oldest_lacking(self, member: str) -> float | None:
        """Return when the oldest text that they lack was written; None if they lack none."""
        has = self._has.get(member, {})
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
