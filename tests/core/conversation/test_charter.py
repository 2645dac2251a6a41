"""The name of a room: signed by its founder, the same for all, and what each calls it."""

import pytest

from peer.core.conversation.charter import check_charter, label, room_id, salt_of
from peer.core.membership import Roll, found
from shared.errors import ProtocolError
from shared.messages.peers import SALT_BYTES, Charter
from tests.kit.rolls import AUTHORITY, me

CAROL = me("carol")
LAB = Charter("lab", CAROL.identity.public, b"n" * SALT_BYTES)


def test_the_founder_signs_the_name() -> None:
    roll = Roll(room_id(LAB), AUTHORITY.certificate)
    roll.merge([found(CAROL, salt_of(LAB))])
    assert roll.is_in(CAROL.id)
    check_charter(LAB, roll.conversation)


@pytest.mark.parametrize(
    "forged",
    [
        Charter("bank", LAB.founder, LAB.nonce),
        Charter("LAB", LAB.founder, LAB.nonce),
        Charter("lab", me("mallory").identity.public, LAB.nonce),
        Charter("lab", LAB.founder, b"m" * SALT_BYTES),
    ],
)
def test_nobody_gives_it_another_name(forged: Charter) -> None:
    with pytest.raises(ProtocolError, match="that is not the name of this room"):
        check_charter(forged, room_id(LAB))


def test_each_room_is_called_differently_at_each_member() -> None:
    taken: set[str] = set()
    for called in ("lab", "lab~carol", "lab~carol~2", "lab~carol~3"):
        assert label(LAB, "carol", taken) == called
        taken.add(called)
    assert label(Charter("Lab", LAB.founder, LAB.nonce), "dave", {"lab"}) == "Lab~dave"
