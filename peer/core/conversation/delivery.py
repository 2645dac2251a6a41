"""What came, what of it lies on disk, what I wrote and who has it.

A text is known by (author, epoch, seq).  `seq` counts up from 1 within an epoch,
which is new at each start of its author's program, so that no number is ever used
twice, whatever a crash has swallowed.  What one author writes in one moment is
signed together and stays together on its way to everybody: it is one `Text`.
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

WINDOW_TEXTS = 256  # unacknowledged at once: bounds what a slow reader must keep
WINDOW_BYTES = 256 * 1024
RECENT_TEXTS = 8_192  # of mine, kept in memory; who is further behind asks for them
RECENT_BYTES = 4 * 1024 * 1024
WATCHED = 2_048  # writings of mine of which it is known when they were written
TOGETHER_BYTES = 16 * 1024  # of texts in one Text, unless a single one is longer
HEADS = 100  # in one Text: twice the members, and it fits in a line with the longest text
HOLD_SECONDS = 2.0  # for what a text answers to come; then it is shown all the same
EPOCHS = 1_000  # of one author in one conversation: bounds memory
EPOCHS_TOLD = 20  # of one author in one message: who restarts without end crowds nobody out
EPOCHS_AT_HEAD = 2  # of one author, in what a text comes after: the newer one implies the older
# Of one author, in memory: twice what may be unacknowledged, for ACKs on their way may let
# the sender be a window ahead of what is known here; and the answer to a WANT beside it.
AUTHOR_TEXTS = 2 * WINDOW_TEXTS + TEXTS
AUTHOR_BYTES = 3 * WINDOW_BYTES

Stream = tuple[str, str]  # author and epoch
_PLAIN = re.compile("[A-Za-z0-9._=-]*")  # JSON escapes none of these


# --- Signing and measuring ----------------------------------------------------------


def sign(me: Me, text: Text) -> Text:
    return msgspec.structs.replace(text, signature=me.identity.sign(statement(text)))


def check_author(text: Text, key: bytes) -> None:
    """Raises ProtocolError unless the owner of `key` wrote it."""
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
    """The seq of the last of the texts that were signed together."""
    return text.seq + len(text.texts) - 1


def check_stream(of: Stream) -> None:
    """Raises ProtocolError unless it is as all honest programs name one.

    What has to be escaped in JSON would make messages of ours too long in which many of
    them stand.
    """
    if not is_stream(of):
        raise ProtocolError("a text is not numbered as it should be")


def is_stream(of: Stream) -> bool:
    return all(map(_PLAIN.fullmatch, of))


def size(text: Text) -> int:
    return sum(map(len, text.texts)) + 200  # with what stands around it


# --- What came ----------------------------------------------------------------------


class _Author(Struct):
    """What one author has written, in all epochs together."""

    epochs: dict[str, None] = field(default_factory=dict)  # in the order of their last use
    texts: int = 0  # that came and are not on disk,
    size: int = 0  # and their size


class _Stream(Struct):
    """What one author wrote in one epoch, as far as it has come here."""

    author: _Author
    number: int  # so many were known here before it
    came: int = 0
    shown: int = 0  # given to the screen
    have: int = 0  # on disk


class Ready(Struct, frozen=True):
    """To be shown now.  `gap`: without something that its author had read."""

    text: Text
    gap: bool = False


class Inbox:
    """Everybody's texts, my own included, in the order in which they may be shown.

    Of one author they come in the order of writing; and an answer comes after what
    it answers, or, when that does not come in time, with `gap`.
    """

    def __init__(self, have: Iterable[Position] = (), lamport: int = 0) -> None:
        """`have`: what was before us, or lies on disk already, with no higher `lamport`."""
        self._streams: dict[Stream, _Stream] = {}
        self._authors: dict[str, _Author] = {}
        self.clock = LamportClock(lamport)  #: of what was shown
        #: shown, and implied by nothing that was shown, in the order in which they were
        self._heads: dict[Stream, int] = {}
        #: came, not shown; until when
        self._held: dict[Stream, deque[tuple[Text, float]]] = {}
        for one in have:
            known = self._begin((one.author, one.epoch))
            known.came = known.shown = known.have = one.seq
            self._put_head((one.author, one.epoch), one.seq)

    # --- Coming in ---

    def take(self, text: Text, now: float) -> list[Ready] | None:
        """What may be shown now; None when something before it is missing.

        A duplicate leads to nothing.  Raises ProtocolError when more comes than can
        be kept.
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
        """What was held back long enough."""
        ready: list[Ready] = []
        for of, held in list(self._held.items()):
            while held and held[0][1] <= now:
                ready.append(self._unhold(of, held, gap=not self._implied(held[0][0])))
        return ready + self._release() if ready else ready

    def next_deadline(self) -> float | None:
        if not self._held:
            return None  # asked for at each text
        return min(held[0][1] for held in self._held.values())

    def wrote(self, text: Text) -> None:
        """A text of mine: shown to its author already."""
        known = self._stream(stream(text))
        known.came = last(text)
        known.author.texts += len(text.texts)
        known.author.size += size(text)
        self._use(stream(text), known.author)
        self._show(text, known)

    def kept(self, text: Text) -> None:
        """It lies on disk."""
        known = self._streams[stream(text)]
        known.have = max(known.have, last(text))
        known.author.texts -= len(text.texts)
        known.author.size -= size(text)

    def reject(self, texts: list[Text]) -> None:
        """These, the last that came of their origin, were never written by its author."""
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
        """It is the last in use of its author's epochs."""
        epochs = author.epochs
        if next(reversed(epochs)) != of[1]:
            del epochs[of[1]]
            epochs[of[1]] = None

    def _implied(self, text: Text) -> bool:
        """Whether all that its author had read was shown here too."""
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
        """The newest head stands last, and pushes out an older epoch of its author."""
        heads = self._heads
        if heads.pop(of, None) is None:
            older = [one for one in heads if one[0] == of[0]]
            if len(older) >= EPOCHS_AT_HEAD:
                del heads[older[0]]
        heads[of] = seq

    # --- Where we stand ---

    def heads(self, without: Stream) -> tuple[Position, ...]:
        """What a text that is written now comes after."""
        heads = [Position(*of, seq) for of, seq in self._heads.items() if of != without]
        return tuple(heads[-HEADS:])

    def have(self) -> tuple[Position, ...]:
        """What lies on disk, as much of it as fits into one message."""
        return self._in_use(lambda known: known.have, POSITIONS)

    def seen(self, most: int = POSITIONS) -> tuple[Position, ...]:
        """What was said, whether it lies on disk already or not, likewise."""
        return self._in_use(lambda known: known.shown, most)

    @property
    def origins(self) -> int:
        """How many are known."""
        return len(self._streams)

    def first_heard(self, of: Stream) -> int:
        """How many origins were known before this one."""
        known = self._streams.get(of)
        return known.number if known else len(self._streams)

    def epochs_told(self, most: int) -> int:
        """How many epochs of each author fit into a message of `most` positions."""
        return epochs_of_each((len(one.epochs) for one in self._authors.values()), most)

    def _in_use(self, seq: Callable[[_Stream], int], most: int) -> tuple[Position, ...]:
        """The last epochs in use, of each author as many as of any other who has them."""
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
        """Everything up to this seq has come here, shown or not."""
        known = self._streams.get(of)
        return known.came if known else 0


def epochs_of_each(counts: Iterable[int], most: int) -> int:
    """How many epochs of each author fit into a message of `most` positions."""
    counts = list(counts)
    return next(
        each
        for each in range(EPOCHS_TOLD, 0, -1)
        if each == 1 or sum(min(count, each) for count in counts) <= most
    )


# --- What I wrote -------------------------------------------------------------------


class _Window(Struct):
    """What is on its way to one member over the present link."""

    sent: int  # up to here
    acknowledged: int  # up to here, when it was looked at last
    size: int = 0  # of what is on its way
    is_full: bool = False  # the next text does not fit in


class Outbox:
    """My texts, from being written until every member has them on disk."""

    def __init__(self, epoch: str, before: Iterable[tuple[str, int, float]] = ()) -> None:
        """`before`: (epoch, last seq, time) of what I wrote in the conversation earlier."""
        self.epoch = epoch
        self.last = 0
        self._draft: list[str] = []
        self._draft_bytes = 0
        self._recent: deque[Text] = deque()
        self._recent_size = 0
        self._written: deque[tuple[str, int, float]] = deque(before)  # someone may lack these
        self._windows: dict[str, _Window] = {}  # of those to whom a link leads
        self._has: dict[str, dict[str, int]] = {}  # member -> epoch -> everything up to here
        self._assumed: set[str] = set()  # of whom that is only a guess
        self._missed: dict[str, list[tuple[str, int, int]]] = {}  # before they came: epoch, range

    # --- Writing ---

    def write(self, text: str) -> int:
        """Returns its seq; it goes out with the next `sign_draft`."""
        self._draft.append(text)
        self._draft_bytes += len(text)
        return self.last + len(self._draft)

    @property
    def draft_is_full(self) -> bool:
        return len(self._draft) >= TEXTS or self._draft_bytes >= TOGETHER_BYTES

    def sign_draft(self, make: Callable[[int, tuple[str, ...]], Text], now: float) -> list[Text]:
        """What was written since the last time, signed by `make(seq, texts)`."""
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
        """What is too old to be told apart counts as written in one moment."""
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
        """There is a new link to them, and they have said what they have."""
        if to in self._assumed:
            self._assumed.discard(to)
            self._has.setdefault(to, {})[self.epoch] = min(has, self.has(to))
        self._windows[to] = _Window(self.has(to), self.has(to))

    def unlink(self, to: str) -> None:
        self._windows.pop(to, None)

    def take(self, to: str) -> list[Text]:
        """What may be sent to them now, in order."""
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
            return []  # nothing to look for: who stops reading costs nothing
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
        """The texts that end after this one and are in memory, the newest first."""
        return list(takewhile(lambda text: last(text) > seq, reversed(self._recent)))

    def is_behind(self, to: str) -> bool:
        """Whether they lack what is not in memory any more."""
        oldest = self._recent[0].seq if self._recent else self.last + 1
        return self.has(to) + 1 < oldest

    # --- Acknowledged ---

    def newcomer(self, member: str) -> dict[str, int]:
        """Somebody is a member now: what was written so far is hardly for them.

        Returns what they are taken to have, of each epoch.
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
        """False when it was written before they came, or while they were out."""
        missed = self._missed.get(member, ())
        return not any(of == epoch and after < seq <= upto for of, after, upto in missed)

    def acknowledged(self, by: str, epoch: str, seq: int) -> bool:
        """They have everything up to here; False when that is no news.

        Raises ProtocolError when that is more than was ever written in this epoch.
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
        """They have everything of an epoch, by default of this one, up to this seq."""
        return self._has.get(member, {}).get(epoch or self.epoch, 0)

    def lag(self, member: str) -> int:
        """How many texts of this run they lack."""
        return self.last + len(self._draft) - self.has(member)

    def oldest_lacking(self, member: str) -> float | None:
        """When the oldest text was written that they lack."""
        has = self._has.get(member, {})
        for epoch, seq, time in self._written:
            if has.get(epoch, 0) < seq:
                return time
        return None

    def lacking(self, member: str) -> list[Position]:
        """Up to where they have it, of each epoch of which they lack something; no author."""
        has = self._has.get(member, {})
        epochs = dict.fromkeys(e for e, seq, _ in self._written if has.get(e, 0) < seq)
        return [Position("", epoch, has.get(epoch, 0)) for epoch in epochs]

    def forget(self, members: Iterable[str]) -> None:
        """Let go of what all of these have."""
        members = list(members)
        while self._written:
            epoch, seq, _ = self._written[0]
            if any(self.has(member, epoch) < seq for member in members):
                return
            self._written.popleft()


def _together(draft: list[str]) -> list[str]:
    """As many of the first ones as fit into one Text, at least one."""
    together: list[str] = []
    room = TOGETHER_BYTES
    for text in draft[:TEXTS]:
        room -= len(msgspec.json.encode(text))
        if together and room < 0:
            break
        together.append(text)
    return together
