"""Ask a directory who it is; it must prove that."""

from collections.abc import Sequence
from typing import Final

from peer.runtime.directory.certificates import check_directory
from shared.errors import ParleyError, Unreachable
from shared.identity import authority_key, fingerprint
from shared.link import Link, within
from shared.messages.common import Message
from shared.messages.directory import FromDirectory, Who
from shared.world import Address, Clock, Network

ASK_SECONDS: Final = 5.0


async def authority_at(
    network: Network, clock: Clock, directories: Sequence[Address], seconds: float = ASK_SECONDS
) -> bytes:
    """Return the authority for which the first server that answers proves to act.

    Nothing is said of me.  Raises ParleyError.
    """
    told: list[bytes] = []

    async def listen() -> None:
        with within(seconds, "it said nothing"):
            who = await link.expect(Who)
        check_directory(link.wire.certificate, who.authority, clock.time())
        told.append(who.authority)
        link.cut("it was only asked who it is")

    with within(seconds, "nobody answered"):
        wire = await network.dial(directories, anonymous=True)
    link: Link[Message] = Link(wire, FromDirectory)
    await link.run(listen)
    if told:
        return told[0]
    raise link.failure or Unreachable("it did not say who it is")


async def key_at(
    network: Network, clock: Clock, directories: Sequence[Address], seconds: float = ASK_SECONDS
) -> str:
    """Return the fingerprint of that authority, without spaces.  Raises ParleyError."""
    return digits_of(await authority_at(network, clock, directories, seconds))


def digits_of(authority: bytes) -> str:
    """Return the fingerprint of an authority, without spaces.  Raises ParleyError."""
    return fingerprint(authority_key(authority)).replace(" ", "")


def why_not(failure: ParleyError, address: Address) -> str:
    """Return why there was no answer, to follow the address and a colon."""
    text = str(failure).removesuffix(".")
    for words in (f" at {address}", f" to {address}"):
        text = text.replace(words, "")
    return text
