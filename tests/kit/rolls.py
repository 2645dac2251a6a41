"""Four people and the roll of one conversation."""

from peer.core.membership import (
    Me,
    Roll,
    add,
    conversation_id,
    found,
    join,
)
from shared.messages.peers import SALT_BYTES, Adding, Membership
from tests.kit.world import Authority

AUTHORITY = Authority()


SALT = b"s" * SALT_BYTES


_people: dict[str, Me] = {}


def me(name: str) -> Me:
    """Return a user with key and certificate, the same in every test."""
    if name not in _people:
        identity, credentials = AUTHORITY.user(name)
        _people[name] = Me(name, identity, credentials.certificate)
    return _people[name]


CAROL, DAVE, ERIN, FRANK = map(me, ("carol", "dave", "erin", "frank"))


ID = conversation_id(CAROL.identity.public, SALT)


FOUNDED = found(CAROL, SALT)


def roll(*memberships: Membership) -> Roll:
    made = Roll(ID, AUTHORITY.certificate)
    made.merge(memberships)
    return made


def adding(by: Me, mine: Membership | None, whom: Me, theirs: int = 1) -> Adding:
    """Return the permission for a newcomer; Carol founded the conversation, and adds by default."""
    first = FOUNDED if by is CAROL else joined(by, CAROL)
    return add(by, ID, mine or first, whom.id, theirs)


def joined(
    whom: Me, by: Me, mine: Membership | None = None, theirs: int = 1
) -> Membership:  # fmt: skip
    return join(whom, ID, theirs, adding(by, mine, whom, theirs))
