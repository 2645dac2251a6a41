"""A member of a town who sends what the protocol does not allow."""

import msgspec

from peer.core.conversation.conversation import _hello_statement
from peer.core.conversation.delivery import sign
from peer.core.conversation.digests import digest
from shared.messages import Hello, Message, Position, Text
from tests.kit.cores import Town, me


def sends(town: Town, by: str, to: str, *messages: Message) -> None:
    """Whatever it is, over the link that is there."""
    for message in messages:
        town.links[by, to].append(message)
    town.arrives(by, to)


def hello(town: Town, by: str, number: int, *have: Position) -> Hello:
    """Genuine, of the member who is said to have written it."""
    core = town.people[by].core
    made = Hello(town.id, by, number, core.roll.digest(), (), have)
    return msgspec.structs.replace(made, signature=me(by).identity.sign(_hello_statement(made)))


def text(
    town: Town, by: str, epoch: str, seq: int, *texts: str, before: Text | None = None
) -> Text:  # fmt: skip
    """Signed; it follows `before`."""
    chain = digest(before) if before else b""
    said = texts or ("hello",)
    return sign(me(by), Text(town.id, by, epoch, seq, seq, 7.0, said, chain=chain))
