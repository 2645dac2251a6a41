"""A member of a town who sends what the protocol forbids."""

import msgspec

from peer.core.conversation.hello import hello_statement
from peer.core.conversation.proof.digests import digest
from peer.core.conversation.texts import sign
from shared.messages.common import Message
from shared.messages.peers import Hello, Position, Text
from tests.kit.cores import Town, me


def sends(town: Town, by: str, to: str, *messages: Message) -> None:
    """Send any messages over the existing link."""
    for message in messages:
        town.links[by, to].append(message)
    town.arrives(by, to)


def hello(town: Town, by: str, number: int, *have: Position) -> Hello:
    """Return a genuine HELLO of the named member."""
    core = town.people[by].core
    made = Hello(town.id, by, number, core.roll.digest(), (), have)
    return msgspec.structs.replace(made, signature=me(by).identity.sign(hello_statement(made)))


def text(
    town: Town, by: str, epoch: str, seq: int, *texts: str, before: Text | None = None,
    after: tuple[Position, ...] = (),
) -> Text:  # fmt: skip
    """Return a signed text that follows `before`, and answers what lies up to `after`."""
    chain = digest(before) if before else b""
    said = texts or ("hello",)
    return sign(me(by), Text(town.id, by, epoch, seq, seq, 7.0, said, after, chain=chain))
