"""Texts that arrive: in which order they are shown, and which of them lie on disk."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, zip_longest

from msgspec import Struct, field

from peer.core.conversation.incoming.lamport_clock import LamportClock
from peer.core.conversation.texts import (
    EPOCHS_AT_HEAD,
    EPOCHS_TOLD,
    WINDOW_BYTES,
    WINDOW_TEXTS,
    check_origin,
)
from shared.errors import ProtocolError
from shared.messages.peers import POSITIONS, TEXTS, Origin, Position, Text

HEADS = 100  # in one Text: twice the members, and it fits in a line with the longest text
HOLD_SECONDS = 2.0  # a text waits for what it answers; then it is shown anyway
BEYOND = 4 * POSITIONS  # told on a new link beside those in HELLO: about 100 KB
LACKING = 32  # origins that are looked for at a time, for one text: it may name anything
EPOCHS = 1_000  # of one author in one conversation: bounds memory
HELD_EPOCHS = 32  # of one author, with texts that are held back: each is looked at for each text
# Of one author, in memory: twice what may be unacknowledged, because ACKs on their way
# may let the sender be a window ahead of what is known here; and the answer to a WANT on top.
AUTHOR_TEXTS = 2 * WINDOW_TEXTS + TEXTS
AUTHOR_BYTES = 3 * WINDOW_BYTES


# --- What came ----------------------------------------------------------------------


class _Author(Struct):
    """The texts we have of one author, in all epochs together."""

    epochs: dict[str, None] = field(default_factory=dict)  # in the order of their last use
    texts: int = 0  # that came and are not on disk yet,
    size: int = 0  # and their size


class _Progress(Struct):
    """The texts that one author wrote in one epoch, as far as we have them."""

    author: _Author
    number: int  # how many origins were known here before it
    came: int = 0  # up to this seq
    shown: int = 0  # up to this seq, given to the screen
    have: int = 0  # up to this seq, on disk
    passed: int = 0  # up to this seq, only because others say that it came before me
    has_returned: bool = False  # others were wrong: its author has earlier texts for me


class Ready(Struct, frozen=True):
    """A text to be shown now.  `gap`: something that its author had read is missing here."""

    text: Text
    gap: bool = False


class Inbox:
    """Everybody's texts, my own included, in the order in which they may be shown.

    The texts of one author are shown in the order of writing.  An answer is shown after
    what it answers, or with `gap` if that does not arrive in time.
    """

    def __init__(
        self, have: Iterable[Position] = (), lamport: int = 0, passed: Iterable[Position] = ()
    ) -> None:
        """`have`: what was said before us, or is on disk already; `lamport`: its highest number.

        `passed`: up to where only others say that it came before us.
        """
        self._origins: dict[Origin, _Progress] = {}
        self._authors: dict[str, _Author] = {}
        self.clock = LamportClock(lamport)  #: follows what was shown
        #: the ends of what was shown that no later shown text names, in the order of showing
        self._heads: dict[Origin, int] = {}
        #: texts that came and are held back, each with its deadline
        self._held: dict[Origin, deque[tuple[Text, float]]] = {}
        #: how many of the positions that a text names were shown, for the first one of each origin
        #: that is held back, by its seq
        self._implied_upto: dict[Origin, tuple[int, int]] = {}
        for one in have:
            known = self._known(one.origin, is_new=False)
            known.came = known.shown = known.have = one.seq
            if one.seq:
                _put_head(self._heads, one.origin, one.seq)
        for one in passed:
            self._known(one.origin, is_new=False).passed = one.seq

    # --- Coming in ---

    def take(self, text: Text, now: float) -> list[Ready] | None:
        """Take a text that came; return what may be shown now.

        Return None when something before it is missing, or there is no room yet.  A duplicate
        changes nothing.  Raise ProtocolError when more texts came than the window allows.
        """
        known = self._known(text.origin)
        if text.seq <= known.came:
            return []
        if text.seq != known.came + 1:
            return None
        if text.last_seq > known.have + AUTHOR_TEXTS:
            raise ProtocolError("more texts came than the window allows")
        author = known.author
        if author.texts + len(text.texts) > AUTHOR_TEXTS or author.size + text.size > AUTHOR_BYTES:
            return None  # it is asked for again when the disk has what came before
        is_implied = not self._held and self._implied(text)
        if not is_implied and _are_many(self._held, text.origin):
            return None  # it is asked for again when some of these were shown
        known.came = text.last_seq
        author.texts += len(text.texts)
        author.size += text.size
        _use(author, text.epoch)
        if is_implied:
            return [self._show(text, known)]
        self._held.setdefault(text.origin, deque()).append((text, now + HOLD_SECONDS))
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
        known = self._known(text.origin)
        known.came = text.last_seq
        known.author.texts += len(text.texts)
        known.author.size += text.size
        _use(known.author, text.epoch)
        self._show(text, known)

    def kept(self, text: Text) -> None:
        """Note that a text is on disk."""
        known = self._origins[text.origin]
        known.have = max(known.have, text.last_seq)
        known.author.texts -= len(text.texts)
        known.author.size -= text.size

    def pass_over(self, places: Iterable[Position]) -> tuple[Position, ...]:
        """Wait no longer for texts up to here, which are not for me; return what that changed."""
        passed: list[Position] = []
        for one in places:
            known = self._known(one.origin)
            is_quiet = known.have == known.came and one.origin not in self._held
            if known.came < one.seq and is_quiet and not known.has_returned:
                known.came = known.shown = known.have = known.passed = one.seq
                _put_head(self._heads, one.origin, one.seq)
                passed.append(one)
        return tuple(passed)

    def go_back(self, text: Text) -> bool:
        """Return to before a text that its author has for me, although others say that it came
        before me; return False for any other text.
        """
        known = self._origins.get(text.origin)
        if known is None or text.seq > known.passed or known.came > known.passed:
            return False
        known.came = known.shown = known.have = known.passed = text.seq - 1
        known.has_returned = True
        self._heads.pop(text.origin, None)
        if known.shown:
            _put_head(self._heads, text.origin, known.shown)
        return True

    def reject(self, texts: list[Text]) -> None:
        """Take back these texts, the last of their origin, which its author never wrote."""
        of, first = texts[0].origin, texts[0].seq
        known = self._origins[of]
        known.author.texts -= sum(len(text.texts) for text in texts)
        known.author.size -= sum(one.size for one in texts)
        known.came = first - 1
        self._implied_upto.clear()  # some may have counted on these
        held = [one for one in self._held.pop(of, ()) if one[0].seq < first]
        if held:
            self._held[of] = deque(held)
        if known.shown >= first:
            known.shown = first - 1
            self._heads.pop(of, None)
            if known.shown:
                _put_head(self._heads, of, known.shown)

    def _known(self, of: Origin, *, is_new: bool = True) -> _Progress:
        """Return what is known of an origin.  `is_new`: from elsewhere, and to be checked."""
        known = self._origins.get(of)
        if known is not None:
            return known
        if is_new:
            check_origin(of)
            if of[0] in self._authors and len(self._authors[of[0]].epochs) >= EPOCHS:
                raise ProtocolError("one author was started too often in one conversation")
        author = self._authors.setdefault(of[0], _Author())
        author.epochs[of[1]] = None
        known = self._origins[of] = _Progress(author, len(self._origins))
        return known

    def _implied(self, text: Text) -> bool:
        """Whether all that the author had read before was shown here too.

        A text is asked about again and again, but each of its positions is looked at once.
        """
        origins, of = self._origins, text.origin
        seq, start = self._implied_upto.get(of, (0, 0))
        for place in range(start if seq == text.seq else 0, len(text.after)):
            one = text.after[place]
            known = origins.get(one.origin)
            if known is None or known.shown < one.seq:
                self._implied_upto[of] = text.seq, place
                return False
        return True

    # --- What is held back ---

    def holds(self, of: Origin, seq: int) -> bool:
        """Whether the text that begins with this seq is held back."""
        held = self._held.get(of)  # in the order of writing, without a gap
        return held is not None and held[0][0].seq <= seq <= held[-1][0].seq

    def first_held(self) -> Iterable[Text]:
        """Return the first text of each origin that is held back; the others wait for it."""
        return (held[0][0] for held in self._held.values())

    def lacking(self, text: Text) -> list[Origin]:
        """Return origins that must grow here before a text may be shown, LACKING at most.

        They are those that it names, and those that held texts name which it names.
        """
        return [of for _, of in islice(self._blocks(text), LACKING)]

    def give_up(self, text: Text, now: float) -> None:
        """Wait no longer for what is lacking: `overdue` returns what held a text back."""
        for one, _ in islice(self._blocks(text), LACKING):
            self._held[one.origin][0] = (one, now)

    def _blocks(self, text: Text) -> Iterator[tuple[Text, Origin]]:
        """Yield the held texts that hold a text back, each with an origin that it lacks."""
        named = {text.origin}
        queue = [text]
        for one in queue:
            for there in one.after:
                known = self._origins.get(there.origin)
                if there.origin in named or (known is not None and known.shown >= there.seq):
                    continue
                named.add(there.origin)
                if known is None or known.came < there.seq:
                    yield one, there.origin
                if there.origin in self._held:
                    queue.append(self._held[there.origin][0][0])
            if len(queue) > LACKING:
                return

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
        self, of: Origin, held: deque[tuple[Text, float]], *, gap: bool = False
    ) -> Ready:  # fmt: skip
        text, _ = held.popleft()
        self._implied_upto.pop(of, None)
        if not held:
            del self._held[of]
        return self._show(text, self._origins[of], gap=gap)

    def _show(self, text: Text, known: _Progress, *, gap: bool = False) -> Ready:
        known.shown = text.last_seq
        self.clock.saw(text.lamport)
        for one in text.after:
            if self._heads.get(one.origin, one.seq + 1) <= one.seq:
                del self._heads[one.origin]
        _put_head(self._heads, text.origin, known.shown)
        return Ready(text, gap)

    # --- Where we stand ---

    def heads(self, without: Origin) -> tuple[Position, ...]:
        """Return the positions that a text written now comes after."""
        heads = [Position(*of, seq) for of, seq in self._heads.items() if of != without]
        return tuple(heads[-HEADS:])

    def have(self, beyond: Iterable[Position] | None = None) -> tuple[Position, ...]:
        """Return what is on disk, as far as it fits into one message.

        `beyond`: instead of that what else there is beside it, as far as it fits into BEYOND;
        the epochs used last come first.
        """
        if beyond is None:
            return self._in_use(lambda known: known.have, POSITIONS)
        left_out = {one.origin for one in beyond}
        found: list[Position] = []
        for of in _in_turn(self._authors):
            if of not in left_out and len(found) < BEYOND and (seq := self._origins[of].have):
                found.append(Position(*of, seq))
        return tuple(found)

    def seen(self, most: int = POSITIONS) -> tuple[Position, ...]:
        """Return what was shown, on disk or not, as far as it fits into `most` positions."""
        return self._in_use(lambda known: known.shown, most)

    @property
    def origins(self) -> int:
        """The number of origins that are known."""
        return len(self._origins)

    def first_heard(self, of: Origin) -> int:
        """Return how many origins were known before this one."""
        known = self._origins.get(of)
        return known.number if known else len(self._origins)

    def epochs_told(self, most: int) -> int:
        """Return how many epochs of each author fit into a message of `most` positions."""
        return epochs_of_each((len(one.epochs) for one in self._authors.values()), most)

    def _in_use(self, seq: Callable[[_Progress], int], most: int) -> tuple[Position, ...]:
        """Return the positions of the last epochs in use, equally many for each author."""
        each = self.epochs_told(most)
        found: list[Position] = []
        for name, author in self._authors.items():
            for epoch in islice(reversed(author.epochs), each):
                if upto := seq(self._origins[name, epoch]):
                    found.append(Position(name, epoch, upto))
        return tuple(found[:most])

    def has_room(self, author: str) -> bool:
        """Whether an answer to a WANT for texts of this author can be kept in memory."""
        known = self._authors.get(author)
        return known is None or (known.texts <= WINDOW_TEXTS and known.size <= WINDOW_BYTES)

    def position(self, of: Origin) -> Position:
        known = self._origins.get(of)
        return Position(*of, known.have if known else 0)

    def came(self, of: Origin) -> int:
        """Return up to which seq everything has come here, shown or not."""
        known = self._origins.get(of)
        return known.came if known else 0

    def was_heard(self, of: Origin, seq: int) -> bool:
        """Whether this text has come here, shown or not, and was not passed over."""
        known = self._origins.get(of)
        return known is not None and known.passed < seq <= known.came


def _use(author: _Author, epoch: str) -> None:
    """Note that this is the author's last epoch in use."""
    if next(reversed(author.epochs)) != epoch:
        del author.epochs[epoch]
        author.epochs[epoch] = None


def _put_head(heads: dict[Origin, int], of: Origin, seq: int) -> None:
    """Put the newest head at the end; it pushes out an older epoch of its author."""
    if heads.pop(of, None) is None:
        older = [one for one in heads if one[0] == of[0]]
        if len(older) >= EPOCHS_AT_HEAD:
            del heads[older[0]]
    heads[of] = seq


def _are_many(held: Mapping[Origin, object], of: Origin) -> bool:
    """Whether texts of so many other epochs of this author are held back that this is too many."""
    return of not in held and sum(author == of[0] for author, _ in held) >= HELD_EPOCHS


def _in_turn(authors: Mapping[str, _Author]) -> Iterator[Origin]:
    """Yield the last epoch of each author, then the one before it of each, and so on."""
    for turn in zip_longest(*(reversed(one.epochs) for one in authors.values())):
        for name, epoch in zip(authors, turn, strict=True):
            if epoch is not None:
                yield name, epoch


def epochs_of_each(counts: Iterable[int], most: int) -> int:
    """Return how many epochs of each author fit into a message of `most` positions."""
    counts = list(counts)
    return next(
        each
        for each in range(EPOCHS_TOLD, 0, -1)
        if each == 1 or sum(min(count, each) for count in counts) <= most
    )
