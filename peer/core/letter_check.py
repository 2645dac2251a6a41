"""Judges an envelope left for me: a letter, something to refuse, or undecided for now."""

from typing import Final

from msgspec import Struct

from peer.core.membership import member_id
from shared import receipt
from shared.errors import ProtocolError
from shared.identity import Identity
from shared.messages.directory import Envelope
from shared.names import fold
from shared.sealing import Letter, copy_id, open_envelope

#: How long ago an envelope may have arrived.  The directory keeps mail for 14 days of
#: running: if it is longer ago, one of the two clocks is wrong.
ARRIVED_SECONDS: Final = 60 * 86_400.0


class Refusal(Struct, frozen=True):
    """An envelope that is not shown: its sender is told `reason`, a word of shared.receipt."""

    reason: str
    sentence: str  #: for my user


def never_opened(reason: str, why: str) -> Refusal:
    return Refusal(reason, f"A message that was left for you cannot be opened: {why}.")


class Unjudged(Struct, frozen=True):
    """An envelope that cannot be judged now, and stays at the directory."""

    sentence: str


def left_there(why: str) -> Unjudged:
    return Unjudged(f"A message that was left for you stays at the directory. {why}")


def open_for(
    me: Identity, name: str, authority: bytes, envelope: Envelope, now: float
) -> Letter | Refusal | Unjudged:
    """Open an envelope for me, under my `name`; the caller must still compare the sender's key."""
    try:
        letter = open_envelope(me, authority, envelope.sealed, id=envelope.id)
        _check_copy(letter, member_id(name, me.public))
    except ProtocolError as failure:
        return never_opened(receipt.UNREADABLE, str(failure))
    if fold(letter.sender) == fold(name):
        return never_opened(receipt.NAME, "it bears your own name")
    return _judge_certificate(letter, envelope.at, now)


def _check_copy(letter: Letter, me: str) -> None:
    """Raise ProtocolError if a copy bears the id of a text that its sender did not write.

    Anybody can compute the ids of what others write next: a letter with such an id would
    hide that text.
    """
    about, author = letter.about, member_id(letter.sender, letter.key)
    if about is not None and letter.id != copy_id(about, author, me):
        raise ProtocolError("it says that it is a copy of somebody else's text")


def _judge_certificate(letter: Letter, at: float, now: float) -> Letter | Refusal | Unjudged:
    """Judge by the time of arrival at the directory, whose clock is believed within bounds."""
    if letter.expires >= min(max(at, now - ARRIVED_SECONDS), now):
        return letter
    why = f"the certificate of {letter.sender} was out of date when it arrived"
    if letter.expires >= at:
        return left_there(f"{why[0].upper()}{why[1:]}, or a clock is wrong.")
    return never_opened(receipt.CERTIFICATE, why)
