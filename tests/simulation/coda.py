"""Once all is well, each user who is asked and says yes is in, also a second time."""

import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio

from peer.local_peer import LocalPeer
from tests.simulation.checks import Broken
from tests.simulation.player import Player

IN_SECONDS: Final = 30.0  # from a command to its end: longer than a try on the way
TRIES: Final = 2

Ask = Callable[[LocalPeer], Awaitable[None]]


async def let_in_again(players: list[Player], seed: int) -> bool:
    """Bring somebody into a conversation, out of it and in again; return whether it was played.

    V5: when nothing fails and everybody is honest, each yes leads into the conversation.
    """
    if not all(one.manners.are_good for one in players):
        return False
    chance = random.Random(f"coda {seed}")
    for one in players:
        one.agrees = True
        await _until(partial(_is_registered, one), f"{one.name} is not registered")
    member, other = await _talk(chance.sample(players, len(players)))
    outside = [one for one in players if one.conversation is None]
    if outside:
        newcomer = chance.choice(outside)
        await _let_in(member, newcomer)
        await _leave(newcomer, member, other)
        await _let_in(other, newcomer)
    return True


async def _talk(players: list[Player]) -> tuple[Player, Player]:
    """Return two who talk with each other; let two begin if nobody does."""
    for one in players:
        for other in players:
            if one is not other and _are_together(one, other):
                return one, other
    one, other, *_ = players

    async def invite(peer: LocalPeer) -> None:
        await peer.invitations.invite(other.name, urgent=True)

    await _ask(one, other, f"CHAT {other.name}", invite)
    return one, other


async def _let_in(member: Player, newcomer: Player) -> None:
    async def add(peer: LocalPeer) -> None:
        await peer.invitations.add(newcomer.name, urgent=True)

    await _ask(member, newcomer, f"ADD {newcomer.name}", add)


async def _ask(one: Player, other: Player, what: str, ask: Ask) -> None:
    """Let somebody ask another one until both are together."""
    together = partial(_are_together, one, other)
    for _ in range(TRIES):  # the directory may refuse a call of one who has often called before
        one.does(what, ask)
        if await _comes_true(together):
            return
    raise Broken("V5", f"{other.name} is not in with {one.name} after {what}")


async def _leave(player: Player, *members: Player) -> None:
    def is_out() -> bool:
        stays = [one.conversation for one in members]
        know = all(stay and not stay.roll.is_in(player.member) for stay in stays)
        return player.conversation is None and know

    player.does("leaves", player.leaves)
    await _until(is_out, f"{player.name} is still in")


def _is_registered(one: Player) -> bool:
    return one.peer is not None and one.peer.is_registered


def _are_together(one: Player, other: Player) -> bool:
    """Return whether both are in one conversation, and count each other in."""
    ours, theirs = one.conversation, other.conversation
    return (
        ours is not None and theirs is not None and ours.id == theirs.id
        and ours.roll.is_in(other.member) and theirs.roll.is_in(one.member)
    )  # fmt: skip


async def _until(holds: Callable[[], bool], failure: str) -> None:
    if not await _comes_true(holds):
        raise Broken("V5", failure)


async def _comes_true(holds: Callable[[], bool]) -> bool:
    with trio.move_on_after(IN_SECONDS):
        while not holds():  # noqa: ASYNC110 - there is no event
            await trio.sleep(0.1)
        return True
    return False
