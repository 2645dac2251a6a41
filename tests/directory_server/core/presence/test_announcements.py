"""Who is told what, and when the rule changes."""

import msgspec
import pytest

from directory_server.core.limits import CROWD_ABOVE, CROWD_BELOW
from directory_server.core.presence.announcements import Announcements
from directory_server.core.registry import News
from shared.codec import Codec
from shared.errors import Refused
from shared.messages.common import Status
from shared.messages.directory import Arr, Chg, Crowd, FromDirectory, Lft, Presence

MANY, FEW, BETWEEN = CROWD_ABOVE + 1, CROWD_BELOW - 1, 90


class Hall:
    """Announcements, and what each link was told."""

    def __init__(self, **of: list[str] | None) -> None:
        self.announcements = Announcements[str](1_000)
        for link, watch in of.items():
            self.announcements.join(link, link, watch)
        self.posts = 0

    def hear(
        self, *, went: str = "", came: str = "", busy: str = "", online: int = BETWEEN,
        is_all: bool = True,
    ) -> None:  # fmt: skip
        news = News(
            went.split(),
            [Presence(name, Status.ACTIVE, 1) for name in came.split()],
            [Presence(name, Status.BUSY, 2) for name in busy.split()],
        )
        self.announcements.hear(news, online, is_all=is_all)

    def crowd(self, online: int = MANY) -> None:
        self.hear(online=online)
        self.tell()

    def tell(self) -> dict[str, list[str]]:
        """Tell everything to everybody; return what each is told, in words."""
        told: dict[str, list[str]] = {}
        while self.announcements:
            link, lines = self.announcements.take()
            codec = Codec[msgspec.Struct](FromDirectory)
            told[link] = [word for message in codec.feed(lines) for word in in_words(message)]
            self.posts += 1
        return told


def in_words(message: object) -> list[str]:
    match message:
        case Arr(users=users):
            return [f"{user.name} came" for user in users]
        case Lft(names=names):
            return [f"{name} went" for name in names]
        case Chg(users=users):
            return [f"{user.name} {user.status.value}" for user in users]
        case Crowd(crowd=crowd, online=online):
            return [f"crowd {crowd} {online}"]
        case _:
            raise AssertionError(message)


def test_among_few_everybody_is_told_of_everybody() -> None:
    hall = Hall(carol=[], old=None)
    hall.hear(came="Dave erin", went="frank", online=CROWD_ABOVE)
    everything = ["frank went", "Dave came", "erin came"]
    assert hall.tell() == {"carol": everything, "old": everything}


def test_in_a_crowd_each_is_told_of_those_whom_they_watch() -> None:
    hall = Hall(carol=["DAVE"], erin=["nobody"], old=None)
    hall.crowd()
    hall.announcements.notice("old", "Dave")
    hall.hear(came="Dave frank")
    assert hall.tell() == {"carol": ["Dave came"], "old": ["Dave came"]}
    hall.announcements.watch("erin", ["FRANK"], [])
    hall.hear(busy="frank")
    assert hall.tell() == {"erin": ["frank BUSY"]}


def test_one_may_watch_oneself() -> None:
    hall = Hall(carol=["carol"])
    hall.crowd()
    hall.hear(busy="carol")
    assert hall.tell() == {"carol": ["carol BUSY"]}


def test_the_rule_turns_above_100_and_back_below_80() -> None:
    hall = Hall(carol=[])
    turns = []
    for online in (CROWD_ABOVE, MANY, MANY, CROWD_ABOVE, CROWD_BELOW, FEW, CROWD_ABOVE, MANY):
        hall.hear(online=online)
        turns.append((online, hall.announcements.is_crowd, hall.tell().get("carol", [])))
    assert turns == [
        (100, False, []),
        (101, True, ["crowd True 101"]),
        (101, True, []),
        (100, True, []),
        (80, True, []),
        (79, False, ["crowd False 79"]),
        (100, False, []),
        (101, True, ["crowd True 101"]),
    ]


def test_programs_that_know_no_crowds_are_not_told_of_them() -> None:
    hall = Hall(old=None)
    hall.hear(online=MANY)
    assert hall.tell() == {}


def test_who_comes_in_a_crowd_is_not_told_that_it_has_begun() -> None:
    hall = Hall(carol=[])
    hall.hear(online=MANY)
    hall.announcements.join("dave", "dave", [])
    assert hall.tell() == {"carol": ["crowd True 101"]}


def test_no_word_comes_twice_when_the_rule_changes() -> None:
    hall = Hall(carol=["dave"], erin=[])
    hall.hear(came="dave")  # for all
    hall.hear(busy="dave", online=MANY)  # for who watches
    told = hall.tell()
    assert told == {
        "carol": ["dave came", "crowd True 101"],
        "erin": ["dave came", "crowd True 101"],
    }
    hall.hear(came="frank", went="dave", online=FEW)
    assert hall.tell() == {
        "carol": ["dave went", "crowd False 79"],
        "erin": ["crowd False 79"],
    }
    hall.hear(came="dave")
    assert hall.tell() == {"carol": ["dave came"], "erin": ["dave came"]}


def test_a_crowd_is_over_when_all_news_of_it_is_known() -> None:
    hall = Hall(carol=["dave"])
    hall.crowd()
    hall.hear(went="dave erin", online=FEW, is_all=False)
    hall.hear(went="frank", online=FEW)
    assert hall.tell() == {"carol": ["dave went", "crowd False 79"]}


def test_a_rule_that_changes_twice_is_told_as_it_is_then() -> None:
    hall = Hall(carol=[])
    hall.crowd()
    hall.hear(online=FEW)
    hall.hear(online=MANY)
    assert hall.tell() == {"carol": ["crowd True 101"]}


@pytest.mark.parametrize(
    ("news", "told"),
    [
        (["went", "came"], ["dave came"]),  # from another place, perhaps
        (["came", "went"], ["dave went"]),  # a LIST meanwhile may have shown them
        (["came", "busy"], ["dave came"]),
        (["busy", "busy"], ["dave BUSY"]),
        (["busy", "went"], ["dave went"]),
        (["went", "came", "went"], ["dave went"]),
        (["went", "came", "busy"], ["dave came"]),
    ],
    ids=" ".join,
)
def test_what_changes_again_meanwhile_is_told_once(news: list[str], told: list[str]) -> None:
    hall = Hall(carol=["dave"])
    hall.crowd()
    for kind in news:
        hall.hear(**{kind: "dave"})  # type: ignore[arg-type]
    assert hall.tell() == {"carol": told}


def test_who_came_and_is_busy_is_told_as_busy() -> None:
    hall = Hall(carol=["dave"])
    hall.hear(came="dave")
    hall.hear(busy="Dave")
    _, line = hall.announcements.take()
    assert line == b'{"t":"ARR","users":[{"name":"Dave","status":"BUSY","since":2}]}\n'


def test_who_has_waited_longest_is_told_first() -> None:
    hall = Hall(carol=["dave"], erin=["frank"])
    hall.crowd()
    hall.hear(came="frank")
    hall.hear(came="dave")
    hall.hear(busy="frank")
    assert list(hall.tell()) == ["erin", "carol"]


def test_who_leaves_is_told_nothing_more() -> None:
    hall = Hall(carol=["dave"], erin=["dave"])
    hall.hear(came="dave", online=MANY)
    hall.announcements.leave("carol")
    assert hall.tell() == {"erin": ["dave came", "crowd True 101"]}
    hall.announcements.watch("carol", ["dave"], [])
    hall.hear(busy="dave")
    assert hall.tell() == {"erin": ["dave BUSY"]}


def test_a_word_that_is_older_than_an_answer_is_not_told() -> None:
    hall = Hall(carol=["dave", "erin"])
    hall.announcements.told("carol", ["dave"])
    hall.crowd()
    hall.hear(came="dave erin")
    hall.announcements.told("carol", ["DAVE", "frank"])
    assert hall.tell() == {"carol": ["erin came"]}


def test_of_whom_one_watches_no_more_one_is_told_nothing_more() -> None:
    hall = Hall(carol=["dave", "erin"])
    hall.crowd()
    hall.hear(came="dave erin")
    hall.announcements.watch("carol", ["erin"], ["Dave", "erin"])
    hall.hear(busy="dave")
    assert hall.tell() == {"carol": ["erin came"]}


def test_among_few_one_is_told_also_of_whom_one_watches_no_more() -> None:
    hall = Hall(carol=["dave"])
    hall.hear(came="dave")
    hall.announcements.watch("carol", [], ["dave"])
    assert hall.tell() == {"carol": ["dave came"]}


def test_who_watches_too_many_is_still_told_of_the_others() -> None:
    hall = Hall(carol=["dave"])
    hall.crowd()
    hall.hear(came="dave")
    with pytest.raises(Refused):
        hall.announcements.watch("carol", [f"user{number}" for number in range(1_001)], ["dave"])
    assert hall.tell() == {"carol": ["dave came"]}


def test_much_news_comes_in_pages() -> None:
    hall = Hall(carol=[])
    hall.hear(went=" ".join(f"user{number}" for number in range(250)))
    _, lines = hall.announcements.take()
    assert lines.count(b"LFT") == 3
    assert len([*Codec[msgspec.Struct](FromDirectory, 2_000).feed(lines)]) == 3


def test_hundreds_who_come_are_told_in_one_post_each() -> None:
    hall = Hall(carol=["dave", "erin"], frank=["erin"])
    hall.crowd()
    hall.posts = 0
    for _ in range(100):
        hall.hear(came="dave erin")
        hall.hear(went="dave erin")
    hall.tell()
    assert hall.posts == 2
