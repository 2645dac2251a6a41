"""The name of a room, which the room's id stands for.

A room is a conversation whose founder has given it a name.  The founder signs the `salt` of
a conversation with their first membership.  In a room the salt is a digest of the name.  So
the founder has signed the name, all members know the same one, and nobody can show another
for the same id: a charter needs no signature of its own, and anybody may hand it on.
"""

import hashlib

from peer.core.membership import conversation_id
from shared.errors import ProtocolError
from shared.messages.peers import SALT_BYTES, Charter
from shared.names import fold

ROOMS = 20  # that one user may be in: each may have 49 links, and costs memory


def salt_of(charter: Charter) -> bytes:
    """Return the salt that the founder signs."""
    said = b"parley room 1\0" + charter.nonce + charter.name.encode()
    return hashlib.sha256(said).digest()[:SALT_BYTES]


def room_id(charter: Charter) -> str:
    """Return the id of the conversation that this charter names."""
    return conversation_id(charter.founder, salt_of(charter))


def check_charter(charter: Charter, conversation: str) -> None:
    """Raise ProtocolError if somebody gives this conversation a name that it does not have."""
    if room_id(charter) != conversation:
        raise ProtocolError("that is not the name of this room")


def label(charter: Charter, founder: str, taken: set[str]) -> str:
    """Return what the user reads for a room: its name, unless another room here is called so.

    `founder`: the founder's name.  `taken`: folded labels of the other rooms.  No user and no
    room has a `~` in the name, so nobody can give a room a name that looks like such a label.
    """
    made, number = charter.name, 1
    while fold(made) in taken:
        made = f"{charter.name}~{founder}" if number == 1 else f"{charter.name}~{founder}~{number}"
        number += 1
    return made
