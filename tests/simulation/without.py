"""python -m tests.simulation.without [--seeds N] [RULE ...]

Each rule of the protocol is left out in turn: the checks must notice.  One that
nothing notices is either no rule or not tested.
"""

import argparse
import hashlib
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from directory_server.community.clocks import Clocks
from peer.core import membership
from peer.core.conversation import actions as talk
from peer.core.conversation import outbox, texts
from peer.core.conversation.conversation import Conversation
from peer.core.conversation.ending import SETTLE_SECONDS, Ending
from peer.core.conversation.incoming import inbox
from peer.core.conversation.incoming.inbox import Inbox, Ready
from peer.core.conversation.incoming.incoming_texts import IncomingTexts
from peer.core.conversation.incoming.lamport_clock import LamportClock
from peer.core.conversation.members import reach
from peer.core.conversation.members.entrances import Entrances
from peer.core.conversation.members.roll_exchange import RollExchange
from peer.core.conversation.outbox import Outbox
from peer.core.conversation.own_stay import OwnStay
from peer.core.conversation.proof import signatures, unchecked_texts
from peer.core.conversation.proof.digests import Digests, Said
from peer.runtime.conversation.builder import ConversationBuilder
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.conversation.departures import Departures
from peer.runtime.conversation.rooms import Rooms
from peer.runtime.conversation.shell import ConversationShell
from peer.runtime.conversation.stays import Stays
from peer.runtime.link.table import LinkTable
from peer.runtime.mailbox import letter_drop, letter_taker
from peer.storage import rooms
from peer.storage.letters import LetterStore
from shared.link import Link
from shared.messages.peers import STAY_BYTES, TEXTS, Hello, Members, Text, Want
from tests.simulation.scenario import Failure, run

SEEDS: Final = 400  # to try, at most, until a rule's absence is noticed

Change = tuple[object, str, Any]
_perform = ConversationShell.perform
_take_to_send = Outbox.take


def _acknowledge_first(self: Conversation, text: Text) -> list[talk.Action]:
    """Treat a shown text as kept."""
    self.incoming._inbox.kept(text)
    self._acknowledgements.owe(text, 0.0)
    return [*self._acknowledgements.send(0.0), talk.Keep(text)]


def _not_performed(*kinds: type) -> Callable[..., None]:
    """Drop these messages in the shell."""

    def perform(self: ConversationShell, actions: list[talk.Action]) -> None:
        def is_wanted(action: talk.Action) -> bool:
            return not (isinstance(action, talk.Send) and isinstance(action.message, kinds))

        _perform(self, [action for action in actions if is_wanted(action)])

    return perform


def _show_again(self: IncomingTexts, text: Text, now: float) -> list[talk.Action]:
    """Show a text without checking whether it came before."""
    return self._queue.show([Ready(text)])


def _in_any_order(self: Inbox, text: Text, now: float) -> list[Ready] | None:
    """Show a text even if it lacks an earlier one."""
    known = self._known(text.origin)
    if text.seq <= known.came:
        return []
    known.came = text.last_seq
    return [self._show(text, known)]


def _send_all(self: Outbox, to: str) -> list[Text]:
    """Send all texts, however many are not acknowledged."""
    with patch.multiple(outbox, WINDOW_TEXTS=1_000_000, WINDOW_BYTES=1_000_000_000):
        return _take_to_send(self, to)


def _one_stay(member: str, *_: object) -> bytes:
    """Name all stays of a member alike."""
    return hashlib.sha256(member.encode()).digest()[:STAY_BYTES]


def _lower(self: Any) -> tuple[int, bytes]:
    """Let the lower counter win."""
    return -self.said.counter, self.said.signature


def _leave_unsigned(self: Ending, now: float) -> list[talk.Action]:
    """Leave without a statement, so that nobody can prove it."""
    self._stay.end()
    self.due = now + SETTLE_SECONDS
    return [talk.Finished(), *self.settle_if_quiet()]


def _first_stays(self: LinkTable, old: Any, new: Any) -> bool:
    """Keep the existing link, however silent it is."""
    return bool(old.link.is_over)


_build = ConversationBuilder._build


def _same_epoch(self: ConversationBuilder, *arguments: Any, **options: Any) -> Conversation:
    """Let each start use the same epoch, and count from 1 again."""
    with patch.object(type(self._world.chance), "randbytes", lambda _, count: bytes(count)):
        return _build(self, *arguments, **options)


def _is_there(owner: object, name: str) -> bool:
    """Return whether the owner, or its constructor, has this name; else a rule patches nothing."""
    made = getattr(getattr(owner, "__init__", None), "__code__", None)
    return hasattr(owner, name) or (made is not None and name in made.co_names)


_note = Digests.note


def _note_all(self: Digests, said: Said) -> bool:
    """Accept a text, whatever its author told us before."""
    _note(self, said)
    return True


@contextmanager
def _changed(changes: Iterable[Change]) -> Iterator[None]:
    changes = list(changes)
    for owner, name, _ in changes:
        if not _is_there(owner, name):
            raise AttributeError(f"{owner} has no {name!r} any more: the rule patches nothing")
    patches = [patch.object(owner, name, value, create=True) for owner, name, value in changes]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def _nothing_left(self: ConversationShell, actions: list[talk.Action]) -> None:
    _perform(self, [one for one in actions if not isinstance(one, talk.LeaveFor)])


_add_letters = LetterStore.add


async def _forget_passed(self: LetterStore, *letters: Any, passed: Any, **more: Any) -> Any:
    return await _add_letters(self, *letters, **more)


def _only_talks(self: Stays, id: str) -> list[ConversationShell]:
    """Hear nothing that is for a room."""
    return [one for one in self.all if one.core.id == id and not one.core.room]


_NO_LAMPORT: Final = property(lambda _: 0, lambda *_: None)

RULES: Final[dict[str, tuple[str, list[Change]]]] = {
    "rolls": (
        "rolls are exchanged on new links, and when they differ",
        [(RollExchange, "introduce", lambda *_: [])],
    ),
    "commit": ("an ACK follows the commit", [(Conversation, "shown", _acknowledge_first)]),
    "silent": ("a silent link yields to a fresh one", [(LinkTable, "_replaces", _first_stays)]),
    "epoch": (
        "each start has an epoch of its own",
        [(ConversationBuilder, "_build", _same_epoch)],
    ),
    "want": (
        "what is lacking is asked for",
        [(ConversationShell, "perform", _not_performed(Want))],
    ),
    "dedup": ("what came before is not shown again", [(IncomingTexts, "_hear_again", _show_again)]),
    "fifo": ("of one author nothing is skipped", [(Inbox, "take", _in_any_order)]),
    "window": (
        "no more is sent than may be unacknowledged",
        # As small as possible, because few people write enough to reach it.
        [
            (Outbox, "take", _send_all),
            *((module, "WINDOW_TEXTS", TEXTS) for module in (inbox, outbox, texts)),
        ],
    ),
    "causal": ("an answer waits for its question", [(Inbox, "_implied", lambda *_: True)]),
    "hello": (
        "a new link begins with HELLO",
        [(ConversationShell, "perform", _not_performed(Hello))],
    ),
    "members": (
        "memberships are handed on",
        [(ConversationShell, "perform", _not_performed(Members))],
    ),
    "leave": (
        "who leaves signs it, at once or when asked",
        [(Ending, "leave", _leave_unsigned), (Departures, "prove", lambda *_: None)],
    ),
    "counter": ("the higher counter wins", [(membership._Stay, "rank", property(_lower))]),
    "kept": (
        "a restart knows who is in",
        [(ConversationShell, "keep_members", lambda *_, **__: None)],
    ),
    "stays": (
        "each stay has a name of its own",
        [(membership, "_stay_id", _one_stay)],
    ),
    "departed": (
        "who is counted in and is not says so",
        [(Departures, "prove", lambda *_: None)],
    ),
    "lamport": ("a text is later than all that was read", [(LamportClock, "now", _NO_LAMPORT)]),
    "copies": (
        "a copy in the mailbox has the id of its text",
        [(letter_drop, "copy_id", lambda *_: "")],
    ),
    "signed": (
        "receipts are signed by who took the letter",
        [(letter_taker, "sign_taken", lambda *_: bytes(64))],
    ),
    "passed": (
        "a letter that need not be shown has come as well",
        [(LetterStore, "add", _forget_passed)],
    ),
    "restore": (
        "an interrupted conversation goes on",
        [(Conversations, "restore", lambda _: None)],
    ),
    "redial": (
        "a lost link is dialled again",
        [(reach, "REDIAL_SECONDS", 1e6), (reach, "REDIAL_FAR_SECONDS", 1e6)],
    ),
    "once": ("of two crossing links one is closed", [(Link, "retire", lambda _: None)]),
    "entry": (
        "nobody is handed what was said before they came in",
        [(Entrances, "floor", lambda *_: 0)],
    ),
    "digests": (
        "what each has heard is compared",
        [(Digests, "differs", lambda *_: False), (Digests, "note", _note_all)],
    ),
    "checked": (
        "what comes from its author directly is checked too",
        [(module, "is_genuine", lambda *_: True) for module in (unchecked_texts, signatures)],
    ),
    "age": (
        "mail expires by what the directory has run",
        [(Clocks, "age", Clocks.time)],
    ),
    "lasts": (
        "a room stands while its members are away",
        [(OwnStay, "lasts", property(lambda _: False))],
    ),
    "rooms": ("a restart takes up all rooms", [(Rooms, "restore", lambda _: None)]),
    "charter": (
        "the journal notes that it is a room",
        [(rooms, "insert", lambda *_: None)],
    ),
    "heard": (
        "a message finds the room that it is for",
        [(Stays, "of", _only_talks)],
    ),
    "mailbox": (
        "who has no path finds it in the mailbox",
        [(ConversationShell, "perform", _nothing_left)],
    ),
}  # fmt: skip


def notice(rule: str, seeds: int) -> tuple[int, str] | None:
    """Return the seeds needed without this rule, and the failure; None if nothing failed."""
    _, changes = RULES[rule]
    with _changed(changes):
        for number, seed in enumerate(range(seeds), start=1):
            try:
                run(seed)
            except Failure as failure:
                return number, str(failure)
    return None


def main() -> int:
    """Leave each rule out; return the exit code: 0 when each absence was noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.without", description=__doc__)
    parser.add_argument("rules", nargs="*", metavar="RULE", help=", ".join(RULES))
    parser.add_argument("--seeds", type=int, default=SEEDS, help="to try, at most")
    options = parser.parse_args()
    logging.disable()
    missed = 0
    for rule in options.rules or RULES:
        begun = time.monotonic()
        found = notice(rule, options.seeds)
        seconds = time.monotonic() - begun
        missed += found is None
        said = "NOT NOTICED" if found is None else f"{found[0]:3} seeds  {found[1][:90]}"
        print(f"{rule:9} {RULES[rule][0]:54} {seconds:6.1f} s {said}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
