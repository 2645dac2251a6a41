"""Receipts: only the receiver can sign them, for one sender and one message."""

import pytest

from shared.messages.directory import Receipt
from shared.receipt import REASONS, is_signed, reason, sign_refused, sign_taken
from tests.kit.world import EPOCH, Authority

ID, OTHER_ID = "0123456789abcdef" * 2, "f" * 32

authority = Authority()
carol, dave, mallory = (authority.identity() for _ in range(3))
TAKEN = sign_taken(dave, ID, carol.public)
REFUSED = sign_refused(dave, ID, "name")


def signed(id: str, proof: bytes, refused: str = "") -> bool:
    return is_signed(Receipt(id, "dave", EPOCH, proof, refused), dave.public, carol.public)


def test_what_the_receiver_has_signed_counts() -> None:
    assert signed(ID, sign_taken(dave, ID, carol.public))
    assert signed(ID, sign_refused(dave, ID, "name"), "name")


@pytest.mark.parametrize(
    ("id", "proof", "refused"),
    [
        (ID, b"", ""),
        (ID, bytes(64), ""),
        (OTHER_ID, TAKEN, ""),
        (ID, sign_taken(mallory, ID, carol.public), ""),
        (ID, sign_taken(dave, ID, mallory.public), ""),
        (ID, TAKEN, "name"),
        (ID, REFUSED, ""),
        (ID, REFUSED, "certificate"),
        (OTHER_ID, REFUSED, "name"),
    ],
)
def test_anything_else_does_not(id: str, proof: bytes, refused: str) -> None:
    assert not signed(id, proof, refused)


def test_every_word_has_a_sentence_and_one_that_is_not_known_as_well() -> None:
    for word, sentence in REASONS.items():
        assert reason(word) == sentence
    assert reason("tomorrow") == "it was not said why"
