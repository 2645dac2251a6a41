"""What becomes of an envelope: a letter, a refusal, or nothing yet."""

import pytest

from peer.core.letter_check import ARRIVED_SECONDS, Refusal, Unjudged, open_for
from peer.core.membership import member_id
from shared import receipt
from shared.identity import CERTIFICATE_DAYS
from shared.messages.directory import Envelope
from shared.sealing import About, Letter, copy_id, seal
from tests.kit.world import EPOCH, Authority

ID, DAY = "0123456789abcdef" * 2, 86_400.0
ABOUT = About("c" * 32, "e" * 16, 7)
OVER = EPOCH + CERTIFICATE_DAYS * DAY

authority = Authority()
carol, carols = authority.user("carol")
dave, daves = authority.user("dave")
CAROL, DAVE = member_id("carol", carol.public), member_id("dave", dave.public)


def opened(
    *, id: str = ID, about: About | None = None, at: float = EPOCH, now: float = EPOCH,
    name: str = "dave",
) -> Letter | Refusal | Unjudged:  # fmt: skip
    sealed = seal(
        carol, carols.certificate, dave.sealing_public, id=id, time=EPOCH, text="hi", about=about
    )
    return open_for(dave, name, authority.certificate, Envelope(1, id, sealed, at), now)


def test_a_letter_is_a_letter() -> None:
    letter = opened()
    assert isinstance(letter, Letter)
    assert (letter.sender, letter.text) == ("carol", "hi")


def test_a_copy_has_the_id_of_a_text_of_its_own_sender() -> None:
    assert isinstance(opened(id=copy_id(ABOUT, CAROL, DAVE), about=ABOUT), Letter)
    for id in (ID, copy_id(ABOUT, "erin", DAVE), copy_id(ABOUT, CAROL, "erin")):
        refused = opened(id=id, about=ABOUT)
        assert isinstance(refused, Refusal)
        assert refused.reason == receipt.UNREADABLE


def test_what_bears_my_own_name_is_not_mine() -> None:
    refused = opened(name="Carol")
    assert isinstance(refused, Refusal)
    assert refused.reason == receipt.NAME


@pytest.mark.parametrize(
    ("at", "now", "outcome"),
    [
        (OVER - DAY, OVER + 13 * DAY, Letter),  # over since, and good when it arrived
        (OVER + DAY, OVER + 2 * DAY, Refusal),
        (OVER + DAY, OVER - DAY, Letter),  # their clock is ahead, or ours behind
        (OVER + DAY, EPOCH - 9_000 * DAY, Letter),
        (OVER - DAY, OVER + ARRIVED_SECONDS - DAY, Letter),
        (OVER - DAY, OVER + ARRIVED_SECONDS + DAY, Unjudged),  # nothing waits so long
        (EPOCH, EPOCH + 9_000 * DAY, Unjudged),  # our clock is years ahead, or theirs behind
        (OVER + DAY, EPOCH + 9_000 * DAY, Refusal),  # over by both clocks
    ],
)
def test_the_certificate_is_judged_as_of_the_arrival_within_bounds(
    at: float, now: float, outcome: type
) -> None:
    assert isinstance(opened(at=at, now=now), outcome)
