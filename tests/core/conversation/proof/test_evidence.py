"""Evidence that an author has said different things is shown once to each member."""

from collections import Counter

from peer.core.conversation.proof.evidence import PIECES_MOST, Evidence
from shared.messages.peers import Position
from tests.kit.cores import CAROL, DAVE, ERIN
from tests.kit.talk import text, upto


class Case:
    """Evidence against dave, held by frank."""

    def __init__(self) -> None:
        self.on_disk = 10
        self.floors: Counter[str] = Counter()
        self.evidence = Evidence(lambda _: self.on_disk, lambda member, _: self.floors[member])
        self.evidence.add(self.at(3))

    @staticmethod
    def at(seq: int) -> Position:
        return upto(DAVE, seq)

    def unseen(self, *members: str) -> list[tuple[int, str]]:
        return [(where.seq, member) for where, member in self.evidence.unseen(members)]


def test_it_is_sent_once_to_each_and_not_to_its_author() -> None:
    case = Case()
    assert case.unseen(CAROL, DAVE, ERIN) == [(3, CAROL), (3, ERIN)]
    assert case.evidence.mark_sent(case.at(3), CAROL) is None
    assert case.unseen(CAROL, ERIN) == [(3, ERIN)]


def test_it_goes_with_the_text_that_contradicts_it() -> None:
    case, other = Case(), text(DAVE, 6)
    case.evidence.add(case.at(5), other)
    assert case.evidence.mark_sent(case.at(5), CAROL) == other


def test_it_is_sent_again_over_a_new_link() -> None:
    case = Case()
    case.evidence.mark_sent(case.at(3), CAROL)
    case.evidence.link_lost(CAROL)
    assert case.unseen(CAROL) == [(3, CAROL)]


def test_it_is_sent_again_to_who_can_compare_it_now() -> None:
    case = Case()
    case.evidence.mark_sent(case.at(3), CAROL)
    case.evidence.has(CAROL, case.at(3))
    case.evidence.has(CAROL, Position(ERIN, case.at(4).epoch, 4))
    assert case.unseen(CAROL) == []
    case.evidence.has(CAROL, case.at(4))
    assert case.unseen(CAROL) == [(3, CAROL)]
    case.evidence.mark_sent(case.at(3), CAROL)
    case.evidence.has(CAROL, case.at(5))
    assert case.unseen(CAROL) == []


def test_who_could_compare_one_piece_needs_no_other() -> None:
    case = Case()
    case.evidence.has(CAROL, case.at(4))
    case.evidence.mark_sent(case.at(3), CAROL)
    case.evidence.add(case.at(7))
    assert case.unseen(CAROL, ERIN) == [(3, ERIN), (7, ERIN)]


def test_nobody_is_sent_what_is_not_on_disk_or_not_for_them() -> None:
    case = Case()
    case.floors[CAROL] = 4
    assert case.unseen(CAROL, ERIN) == [(3, ERIN)]
    case.on_disk = 3
    assert case.unseen(ERIN) == []


def test_of_many_pieces_the_first_and_the_last_stay() -> None:
    case = Case()
    for seq in range(4, 20):
        case.evidence.add(case.at(seq))
    case.on_disk = 100
    assert len(case.evidence) == PIECES_MOST
    assert [seq for seq, _ in case.unseen(CAROL)] == [3, 17, 18, 19]


def test_a_text_of_somebody_else_costs_no_look_at_it() -> None:
    """It is asked for at each text; who may read which evidence takes time to find out."""
    asked: list[str] = []

    def floor(member: str, _: object) -> int:
        asked.append(member)
        return 0

    evidence = Evidence(lambda _: 10, floor)
    evidence.add(upto(DAVE, 3))
    assert evidence.unseen((CAROL,), ERIN) == []
    assert asked == []
    assert evidence.unseen((CAROL,), DAVE) == [(upto(DAVE, 3), CAROL)]
