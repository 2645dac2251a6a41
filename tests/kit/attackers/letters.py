"""Letters sealed and dropped by hand, by a user with a name at the directory."""

from typing import Any

from shared.identity import Identity, issue_for_user
from shared.messages.directory import Contact, Drop, Lookup, Receipt, Receipts
from shared.sealing import About, seal
from tests.kit.community import Community, Person
from tests.kit.raw_peer import Raw
from tests.kit.world import EPOCH


async def contact(sender: Raw, to: str) -> Contact:
    found = await sender.client.ask(Lookup(sender.client.next_id(), to))
    assert isinstance(found, Contact)
    return found


async def drop(sender: Raw, to: str, id: str, sealed: bytes) -> None:
    """Drop an envelope with these bytes, whatever they are."""
    stored = await sender.client.ask(Drop(sender.client.next_id(), to, id, sealed))
    assert stored.envelope == id, stored


async def leave(
    sender: Raw,
    to: str,
    text: str,
    *,
    id: str = "ab" * 16,
    time: float = EPOCH,
    about: About | None = None,
    identity: Identity | None = None,
    certificate: bytes | None = None,
) -> None:
    """Leave a letter, signed by `identity` with `certificate`; by default by the sender's own."""
    sealed = seal(
        identity or sender.client.identity,
        sender.client.welcome.certificate if certificate is None else certificate,
        (await contact(sender, to)).sealing_key,
        id=id,
        time=time,
        text=text,
        about=about,
    )
    await drop(sender, to, id, sealed)


def next_texts(author: Person, count: int) -> list[About]:
    """Return the places of this person's next texts, which every member can work out."""
    current = author.peer._exchange.conversations.conversation
    assert current is not None
    return [About(current.id, current.outgoing.epoch, seq) for seq in range(1, count + 1)]


def vouches(community: Community, name: str, key: bytes, *, now: float) -> bytes:
    """Return a certificate by the directory's authority, as a dishonest keeper can issue it."""
    directory = community.directory._directory
    assert directory is not None
    authority = directory._community.authority
    return issue_for_user(authority.certificate, authority._key, name, key, now)


def says_received(community: Community, to: Person, *receipts: Receipt) -> None:
    """Push receipts that the directory has made up to a user who is here."""
    directory = community.directory._directory
    assert directory is not None
    user = directory._community.registry.find(to.name)
    assert user is not None
    directory._community.sessions.push(user.id, Receipts(receipts))


def envelopes_at(community: Community) -> list[tuple[Any, ...]]:
    """Return all envelopes at the directory, in the order of arrival."""
    query = "SELECT envelope, sender, receiver, size, sealed FROM envelopes ORDER BY number"
    return community.directory.machine.disk.ask("directory.sqlite", query)


def takes_away(community: Community, envelopes: list[tuple[Any, ...]]) -> None:
    """Let the directory hold these envelopes back."""
    disk = community.directory.machine.disk
    for envelope, *_ in envelopes:
        disk.ask("directory.sqlite", "DELETE FROM envelopes WHERE envelope = ?", envelope)


def gives_again(community: Community, envelopes: list[tuple[Any, ...]]) -> None:
    """Let the directory deliver these envelopes as if they had just arrived."""
    machine = community.directory.machine
    for row in envelopes:
        machine.disk.ask(
            "directory.sqlite",
            "INSERT INTO envelopes (envelope, sender, receiver, size, sealed, arrival)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            *row, machine.clock.time(),
        )  # fmt: skip
