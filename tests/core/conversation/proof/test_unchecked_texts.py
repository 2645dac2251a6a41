"""Texts that were shown before their signatures were checked."""

import msgspec

from peer.core.conversation.proof.unchecked_texts import (
    CHECK_SECONDS,
    CHECKS,
    UncheckedTexts,
    is_genuine,
)
from peer.core.conversation.texts import sign
from shared.messages.peers import Text
from tests.kit.cores import me

ID, EPOCH = "1" * 32, "d" * 16
DAVES, ERINS = ("dave", EPOCH), ("erin", EPOCH)


def text(seq: int, author: str = "dave") -> Text:
    return sign(me(author), Text(ID, author, EPOCH, seq, seq, 7.0, ("hi",)))


def forged(seq: int) -> Text:
    return msgspec.structs.replace(text(seq), texts=("never said",))


class Reader:
    def __init__(self) -> None:
        self.proven: list[Text] = []
        self.unproven = UncheckedTexts(lambda name: me(name).identity.public, self.proven.append)

    def hears(self, *texts: Text, is_checked: bool = False) -> None:
        for one in texts:
            self.unproven.add(one, 0.0, is_checked=is_checked)


def test_what_is_signed_is_proven_in_order_and_once() -> None:
    carol = Reader()
    carol.hears(text(1), text(2), text(1, "erin"))
    assert carol.unproven.origins() == [DAVES, ERINS]
    assert carol.unproven.check(DAVES) == []
    assert carol.unproven.check(DAVES) == []
    assert carol.proven == [text(1), text(2)]
    assert carol.unproven.due == CHECK_SECONDS
    assert carol.unproven.check(ERINS) == []
    assert carol.unproven.due == float("inf")


def test_what_is_forged_takes_with_it_what_came_after_it() -> None:
    carol = Reader()
    carol.hears(text(1), forged(2), text(3))
    assert carol.unproven.check(DAVES) == [forged(2), text(3)]
    assert carol.proven == [text(1)]
    assert carol.unproven.due == float("inf")
    assert carol.unproven.origins() == []


def test_what_was_checked_already_is_not_checked_again() -> None:
    carol = Reader()
    carol.hears(forged(1), is_checked=True)
    assert carol.unproven.check(DAVES) == []
    assert carol.proven == [forged(1)]


def test_many_are_checked_a_few_at_a_time() -> None:
    carol = Reader()
    carol.hears(*(text(seq) for seq in range(1, CHECKS + 2)))
    assert carol.unproven.check_some(1.0) == []
    assert len(carol.proven) == CHECKS
    assert carol.unproven.due == 1.0  # at once, but others have their turn
    assert carol.unproven.check_some(1.0) == []
    assert len(carol.proven) == CHECKS + 1
    assert carol.unproven.due == float("inf")


def test_whose_key_is_not_known_has_signed_nothing() -> None:
    assert is_genuine(text(1), me("dave").identity.public)
    assert not is_genuine(text(1), me("erin").identity.public)
    assert not is_genuine(text(1), None)
