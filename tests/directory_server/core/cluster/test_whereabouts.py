"""Who has a user: of two directories that both say "here", the database decides."""

from directory_server.core.cluster.bulletins import Here
from directory_server.core.cluster.whereabouts import (
    PUBLISHED_AT_ONCE,
    HandOver,
    Learn,
    Lose,
    See,
    Whereabouts,
)

US, THEM = 1, 2
CAROL = 10


class Scene:
    def __init__(self, *, local: bool = False) -> None:
        self.local: set[int] = {CAROL} if local else set()
        self.known = {CAROL}
        self.touched: set[int] = set()
        self.core = Whereabouts(self.local, self.known, self.touched)
        self.core.joined(US)
        if local:
            self.publish(5)

    def publish(self, epoch: int | None) -> list[object]:
        """Tell of carol; `epoch`: of the row that the database gives us, None: it gives none."""
        assert self.core.begin_to_tell() == [CAROL]
        return list(self.core.told({} if epoch is None else {CAROL: epoch}))

    def comes(self) -> None:
        self.local.add(CAROL)
        self.touched.add(CAROL)

    def goes(self) -> None:
        self.local.discard(CAROL)
        self.touched.add(CAROL)


def at(epoch: int, status: int = 0) -> Here:
    return Here(CAROL, epoch, status, 1.5, "10.0.0.2", 5001)


GONE = 3


def test_a_user_of_another_directory_is_seen_and_lost() -> None:
    core = Scene().core
    assert core.hear(THEM, at(5)) == [See(CAROL, at(5))]
    assert core.hear(THEM, at(5, GONE)) == [Lose(CAROL, 1.5)]


def test_old_news_changes_nothing() -> None:
    core = Scene().core
    core.hear(THEM, at(5))
    assert core.hear(THEM, at(4, GONE)) == []
    assert core.hear(3, at(4)) == []


def test_an_answer_that_is_older_than_a_departure_brings_nobody_back() -> None:
    core = Scene().core
    core.hear(THEM, at(5))
    core.hear(THEM, at(5, GONE))
    assert core.hear(THEM, at(5)) == core.hear(THEM, at(4)) == []
    assert core.epoch_of(CAROL) == 5
    assert core.hear(THEM, at(6)) == [See(CAROL, at(6))]


def test_what_the_database_says_as_a_whole_holds_whatever_it_counts_from() -> None:
    core = Scene().core
    core.hear(THEM, at(5))
    core.hear(THEM, at(5, GONE))
    assert core.compare([(THEM, at(3))]) == [See(CAROL, at(3))]


def test_our_own_news_is_no_news() -> None:
    assert Scene(local=True).core.hear(US, at(9)) == []


def test_an_unknown_name_is_read_first() -> None:
    scene = Scene()
    scene.known.clear()
    assert scene.core.hear(THEM, at(5)) == [Learn(CAROL)]
    assert scene.core.learned(CAROL) == [], "there is no such name"
    scene.core.hear(THEM, at(6))
    scene.known.add(CAROL)
    assert scene.core.learned(CAROL) == [See(CAROL, at(6))]
    assert scene.core.learned(CAROL) == []


def test_an_unknown_name_that_is_gone_is_not_missed() -> None:
    scene = Scene()
    scene.known.clear()
    scene.core.hear(THEM, at(5))
    assert scene.core.hear(THEM, at(5, GONE)) == []
    scene.known.add(CAROL)
    assert scene.core.learned(CAROL) == []


def test_an_unknown_name_of_a_dead_directory_is_nowhere() -> None:
    scene = Scene()
    scene.known.clear()
    scene.core.hear(THEM, at(5))
    scene.core.hear(3, Here(11, 6, 0, 1.5))
    assert scene.core.died(THEM, 9.5) == []
    scene.known.update({CAROL, 11})
    assert scene.core.learned(CAROL) == []
    assert scene.core.learned(11) == [See(11, Here(11, 6, 0, 1.5))]


def test_who_registers_elsewhere_later_is_handed_over() -> None:
    scene = Scene(local=True)
    assert scene.core.hear(THEM, at(6)) == [HandOver(CAROL, at(6))]


def test_who_registers_here_is_ours_although_the_news_of_elsewhere_is_late() -> None:
    scene = Scene()
    scene.core.hear(THEM, at(5))
    scene.comes()
    assert scene.core.has_news
    assert scene.core.hear(THEM, at(6)) == [], "the database has not decided"
    assert scene.publish(7) == []
    assert scene.core.hear(THEM, at(6)) == []
    assert not scene.core.has_news


def test_two_who_register_at_once_the_database_has_one() -> None:
    scene = Scene()
    scene.comes()
    scene.core.begin_to_tell()
    assert scene.core.hear(THEM, at(7)) == [], "while it is being told"
    assert scene.core.told({}) == [HandOver(CAROL, at(7))]


def test_who_lost_the_row_is_handed_over_when_the_news_comes() -> None:
    scene = Scene(local=True)
    scene.touched.add(CAROL)
    assert scene.publish(None) == []
    assert scene.core.hear(THEM, at(7)) == [HandOver(CAROL, at(7))]


def test_who_left_before_it_was_told_is_where_the_others_say() -> None:
    scene = Scene()
    scene.core.hear(THEM, at(5))
    scene.comes()
    scene.goes()
    assert scene.publish(None) == [See(CAROL, at(5))]


def test_who_leaves_is_nowhere() -> None:
    scene = Scene(local=True)
    scene.goes()
    assert scene.publish(None) == [Lose(CAROL, 0)]
    assert scene.core.hear(THEM, at(4)) == [See(CAROL, at(4))], "nothing is known to be later"


def test_a_user_who_comes_while_another_departure_is_told_stays() -> None:
    scene = Scene(local=True)
    scene.goes()
    scene.core.begin_to_tell()
    scene.comes()
    assert scene.core.told({}) == []
    assert scene.publish(8) == []


def test_what_could_not_be_told_is_told_later() -> None:
    scene = Scene()
    scene.comes()
    scene.core.begin_to_tell()
    scene.core.not_told()
    assert scene.core.has_news
    assert scene.publish(8) == []


def test_a_crowd_is_told_in_parts() -> None:
    scene = Scene()
    scene.touched.update(range(PUBLISHED_AT_ONCE + 1))
    assert len(scene.core.begin_to_tell()) == PUBLISHED_AT_ONCE
    scene.core.told({})
    assert len(scene.core.begin_to_tell()) == 1


def test_the_users_of_a_dead_directory_are_lost_unless_they_are_here() -> None:
    scene = Scene()
    scene.core.hear(THEM, at(5))
    assert scene.core.died(3, 9.5) == []
    assert scene.core.died(THEM, 9.5) == [Lose(CAROL, 9.5)]
    scene.core.hear(THEM, at(6))
    scene.comes()
    assert scene.core.died(THEM, 9.5) == []


def test_who_was_thought_dead_tells_all_again() -> None:
    scene = Scene(local=True)
    scene.core.joined(7)
    assert scene.core.directory == 7
    assert scene.core.hear(THEM, at(9)) == [], "perhaps they have moved: the database decides"
    assert scene.publish(None) == [HandOver(CAROL, at(9))]


def test_the_highest_epoch_is_remembered_for_what_is_told_next() -> None:
    scene = Scene(local=True)
    assert scene.core.epoch_of(CAROL) == 5
    scene.touched.add(CAROL)
    scene.core.hear(THEM, at(9))
    assert scene.core.epoch_of(CAROL) == 9
    assert Scene().core.epoch_of(CAROL) == 0


def test_a_released_name_is_forgotten() -> None:
    scene = Scene(local=True)
    scene.core.forget(CAROL)
    scene.local.clear()
    scene.core.hear(THEM, at(1))
    scene.core.forget(CAROL)
    assert scene.core.died(THEM, 1) == []


def test_a_name_that_we_release_ourselves_is_seen_nowhere() -> None:
    scene = Scene()
    scene.core.hear(THEM, at(5))
    scene.known.clear()
    scene.touched.add(CAROL)  # as whoever goes is touched
    assert scene.publish(None) == []
    scene.known.add(CAROL)
    assert scene.core.died(THEM, 1) == []


def compare(core: Whereabouts, *rows: tuple[int, Here]) -> list[object]:
    ours = {here.user for directory, here in rows if directory == core.directory}
    theirs = {here.user for directory, here in rows} - ours
    return [*core.compare(rows), *core.compared(ours, theirs, 9.5)]


def test_what_was_missed_is_found_by_comparing() -> None:
    core = Scene().core
    assert compare(core, (THEM, at(5))) == [See(CAROL, at(5))]
    assert compare(core, (THEM, at(5))) == [See(CAROL, at(5))]
    assert compare(core) == [Lose(CAROL, 9.5)]
    assert compare(core) == []


def test_a_row_that_we_left_behind_is_deleted() -> None:
    scene = Scene()
    assert compare(scene.core, (US, at(5))) == []
    assert scene.touched == {CAROL}


def test_a_user_whose_row_is_missing_is_told_again() -> None:
    scene = Scene(local=True)
    assert compare(scene.core) == []
    assert scene.touched == {CAROL}
    scene.core.begin_to_tell()
    compare(scene.core)
    assert not scene.touched, "it is being told"


def test_the_epoch_of_a_row_whose_answer_was_lost_is_taken_over() -> None:
    scene = Scene(local=True)
    assert compare(scene.core, (US, at(8))) == []
    assert scene.core.hear(THEM, at(7)) == []
    scene.touched.add(CAROL)
    compare(scene.core, (US, at(99)))
    scene.publish(9)
    assert scene.core.hear(THEM, at(10)) == [HandOver(CAROL, at(10))]
