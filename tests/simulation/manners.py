"""The misdeeds of one member in some stories, which no honest program commits.

The honest members must not suffer, and must notice what can be noticed.
"""

import random
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from peer.core.conversation import actions as talk
from peer.core.conversation.conversation import Conversation
from peer.core.conversation.texts import sign
from peer.local_peer import LocalPeer
from peer.runtime.conversation.shell import ConversationShell
from shared.messages.common import Message
from shared.messages.peers import Hello, Position, Text, Want

OTHERWISE: Final = "(said otherwise) "
UNSIGNED: Final = "(unsigned) "
TIMES: Final = 2  # in each program
OFTEN: Final = 0.3  # of the texts that could be spoilt

Spoil = Callable[[LocalPeer, random.Random], None]


def asks_for_everything(peer: LocalPeer, _: random.Random) -> None:
    """Ask for all texts with each HELLO, also for those from before they came in."""
    for shell in peer._exchange.conversations._stays.all:
        _ask_for_everything(shell)
    make = peer._exchange.conversations._shell

    def spoiled(core: Conversation) -> ConversationShell:
        made = make(core)
        _ask_for_everything(made)
        return made

    peer._exchange.conversations._shell = spoiled  # type: ignore[method-assign]


def _ask_for_everything(shell: ConversationShell) -> None:
    current, perform = shell.core, shell.perform

    def spoiled(actions: list[talk.Action]) -> None:
        mine = [one for one in actions if isinstance(one, talk.Send) and _is_own(current, one)]
        wants = [
            talk.Send(one.to, Want(current.id, Position(author, epoch, 0)))
            for one in mine
            for author, epoch in current.incoming._inbox._origins
        ]
        perform([*actions, *wants])

    shell.perform = spoiled  # type: ignore[method-assign]


def _is_own(current: Conversation, action: talk.Send) -> bool:
    return isinstance(action.message, Hello) and action.message.by == current.me.id


def says_different_things(peer: LocalPeer, chance: random.Random) -> None:
    """Send one member other words, signed for the same place."""
    _instead(peer, chance, lambda text: [sign(peer._memory.myself.me, _marked(text, OTHERWISE))])


def forgets_to_sign(peer: LocalPeer, chance: random.Random) -> None:
    """Send one member words that were never signed, and then the right ones."""
    _instead(peer, chance, lambda text: [_marked(text, UNSIGNED), text])


def _marked(text: Text, mark: str) -> Text:
    return msgspec.structs.replace(text, texts=tuple(mark + one for one in text.texts))


def _instead(peer: LocalPeer, chance: random.Random, spoil: Callable[[Text], list[Text]]) -> None:
    links, me, left = peer._reach.links, peer._memory.myself, TIMES
    post_all = links.post_all

    def spoiled(names: Iterable[str], message: Message) -> None:
        nonlocal left
        names = tuple(names)
        may_spoil = isinstance(message, Text) and message.author == me.id and names and left
        if isinstance(message, Text) and may_spoil and chance.random() < OFTEN:
            left -= 1
            for other in spoil(message):
                post_all(names[:1], other)
            names = names[1:]
        post_all(names, message)

    links.post_all = spoiled  # type: ignore[method-assign]


BAD: Final[tuple[Spoil, ...]] = (asks_for_everything, says_different_things, forgets_to_sign)
EVERY: Final = 3  # one story in this many has such a member


class Manners:
    """The manners of one player.  Their chance is their own: it changes nothing else in a story."""

    def __init__(self, seed: int, name: str) -> None:
        self._chance = random.Random(f"manners {seed} {name}")
        self._spoil: Spoil | None = None

    def turn_bad(self, spoil: Spoil) -> None:
        self._spoil = spoil

    @property
    def are_good(self) -> bool:
        return self._spoil is None

    @property
    def come_late(self) -> bool:
        """Whether they only matter once something was said before."""
        return self._spoil is asks_for_everything

    def apply(self, peer: LocalPeer) -> None:
        """Spoil a program that has just begun."""
        if self._spoil is not None:
            self._spoil(peer, self._chance)
