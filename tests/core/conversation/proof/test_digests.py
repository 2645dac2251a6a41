"""The digests of what each author has said."""

import pytest

from peer.core.conversation.proof.digests import MARKS, Digests, digest, said_in
from peer.core.conversation.texts import sign
from shared.messages.peers import Text
from tests.kit.cores import me

ID, EPOCH = "1" * 32, "d" * 16
OF = ("dave", EPOCH)


def text(before: Text | None, *texts: str, epoch: str = EPOCH) -> Text:
    seq = before.last_seq + 1 if before else 1
    chain = digest(before) if before else b""
    return sign(me("dave"), Text(ID, "dave", epoch, seq, seq, 7.0, texts or ("hi",), chain=chain))


def said(*words: str) -> list[Text]:
    """One after the other."""
    made: list[Text] = []
    for word in words:
        made.append(text(made[-1] if made else None, word))
    return made


def heard(texts: list[Text]) -> Digests:
    chains = Digests()
    assert all(chains.note(said_in(one)) for one in texts)
    return chains


def test_equal_digests_mean_that_all_of_it_is_equal() -> None:
    chains = heard(said("one", "two", "three"))
    others = heard(said("one", "too", "three"))
    assert not chains.differs(OF, 1, others.at(OF, 1))
    assert chains.differs(OF, 2, others.at(OF, 2))
    assert chains.differs(OF, 3, others.at(OF, 3))
    assert not chains.differs(OF, 3, chains.at(OF, 3))


@pytest.mark.parametrize(("seq", "digest"), [(0, bytes(16)), (4, bytes(16)), (2, b"")])
def test_of_what_is_not_known_here_nothing_is_said(seq: int, digest: bytes) -> None:
    assert not heard(said("one", "two", "three")).differs(OF, seq, digest)


def test_of_an_unknown_author_nothing_is_said() -> None:
    assert not Digests().differs(OF, 1, bytes(16))
    assert not Digests().contradicts(text(None))
    assert Digests().at(OF, 1) == b""


def test_what_follows_other_words_is_noticed() -> None:
    chains = heard(said("one", "two"))
    assert not chains.note(said_in(said("one", "too", "three")[-1]))
    fourth = said("one", "too", "three", "four")[-1]
    assert chains.note(said_in(fourth))  # from here on it goes with that


def test_what_follows_something_unknown_is_taken_as_it_is() -> None:
    chains = Digests()
    assert chains.note(said_in(said("one", "two", "three")[-1]))
    assert chains.at(OF, 3) == heard(said("one", "two", "three")).at(OF, 3)


def test_another_text_in_the_same_place_is_a_contradiction() -> None:
    chains = heard(said("one", "two"))
    assert chains.contradicts(said("one", "too")[-1])
    assert chains.contradicts(text(None, "one", "two"))  # together: my first ends within it
    assert not chains.contradicts(said("one", "two")[-1])
    assert not chains.contradicts(said("one", "two", "three")[-1])
    together = heard([text(None, "one", "two", "three")])
    together.note(said_in(text(text(None, "one", "two", "three"), "four")))
    assert not together.contradicts(said("one")[0])  # which begins before what is known here


def test_what_ends_where_nothing_of_mine_ends_is_one_too() -> None:
    first = text(None, "one")
    mine = heard([first, text(first, "two", "three")])
    assert mine.contradicts(text(first, "two"))


def test_it_goes_on_from_any_text() -> None:
    texts = said("one", "two", "three")
    chains = Digests()
    assert chains.note(said_in(texts[1]))
    assert chains.note(said_in(texts[2]))
    assert chains.at(OF, 3) == digest(texts[2])


def test_what_is_remembered_is_bounded() -> None:
    chains = Digests()
    before: Text | None = None
    for _ in range(MARKS + 5):
        before = text(before)
        chains.note(said_in(before))
    assert len(chains._marks[OF]) == MARKS
    for start in range(3):
        first = text(None, epoch=f"{start:016x}")
        chains.note(said_in(first))
        chains.note(said_in(text(first, epoch=f"{start:016x}")))
    assert [len(marks) for marks in chains._marks.values()] == [1, 1, 2, 2]
