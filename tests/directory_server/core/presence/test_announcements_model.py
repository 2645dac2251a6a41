"""Whatever happens, whoever has been told everything believes what is true.

Programs listen while users come, go and change, names are given back, the crowd begins and
ends, and watchlists change; some of it while words still wait.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from directory_server.core.presence import announcements as rules
from directory_server.core.presence.announcements import Announcements
from directory_server.core.registry import Place, Registry, User
from shared.codec import Codec
from shared.messages.common import Status
from shared.messages.directory import Arr, Chg, Crowd, FromDirectory, Lft

NAMES = ("Alice", "bob", "Carol")
PROGRAMS = ("one", "two")

some_names = st.sets(st.sampled_from(NAMES)).map(sorted)


class Program:
    """What one program believes, and of whom it may rely on that."""

    def __init__(self, watch: list[str]) -> None:
        self.watches = set(watch)
        self.in_crowd = False
        self.believes: dict[str, Status] = {}

    def hear(self, message: object) -> None:
        match message:
            case Lft(names=names):
                self.believes |= dict.fromkeys(names, Status.OFFLINE)
            case Arr(users=users) | Chg(users=users):
                self.believes |= {user.name: user.status for user in users}
            case Crowd(crowd=crowd):
                self.in_crowd = crowd

    def relies_on(self) -> set[str]:
        return self.watches if self.in_crowd else set(NAMES)


class AnnouncementsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry(idle_after=0)
        self.announcements = Announcements[str](100)
        self.programs: dict[str, Program] = {}
        self.time = 0.0
        self.ids = 0

    def user(self, name: str) -> User:
        user = self.registry.find(name)
        if user is None:
            self.ids += 1
            user = User(self.ids, name, b"", b"", b"", since=0)
            self.registry.know(user)
        return user

    def show(self, link: str, names: list[str]) -> None:
        """Answer LIST or WATCH."""
        found = self.registry.find_all(names)
        self.announcements.told(link, [user.name for user in found])
        for user in found:
            assert user.status.value.encode() in self.registry.encoded(user)
        of_found = {user.name: user.status for user in found}
        self.programs[link].believes |= dict.fromkeys(names, Status.OFFLINE) | of_found

    # --- Users ---

    @rule(name=st.sampled_from(NAMES), status=st.sampled_from([Status.ACTIVE, Status.BUSY]))
    def somebody_comes_or_changes(self, name: str, status: Status) -> None:
        self.time += 1
        user = self.user(name)
        how: dict[str, Any] = {"by_hand": False, "time": self.time, "now": self.time}
        if user.is_here:
            self.registry.set_status(user, status, **how)
        else:
            self.registry.arrive(user, Place("10.0.0.1", 1), status, **how)

    @rule(name=st.sampled_from(NAMES))
    def somebody_goes(self, name: str) -> None:
        self.time += 1
        user = self.user(name)
        if user.is_here:
            self.registry.leave(user, self.time)

    @rule(name=st.sampled_from(NAMES))
    def somebody_gives_the_name_back(self, name: str) -> None:
        self.time += 1
        self.registry.forget(self.user(name), self.time)

    # --- Programs ---

    @rule(link=st.sampled_from(PROGRAMS), watch=some_names)
    def a_program_comes(self, link: str, watch: list[str]) -> None:
        self.announcements.leave(link)
        self.announcements.join(link, link, [name.upper() for name in watch])
        self.programs[link] = Program(watch)
        self.programs[link].in_crowd = self.announcements.is_crowd
        self.show(link, list(NAMES))

    @precondition(lambda self: self.programs)
    @rule(data=st.data(), names=some_names, no_more=some_names)
    def a_program_watches(self, data: st.DataObject, names: list[str], no_more: list[str]) -> None:
        link = data.draw(st.sampled_from(sorted(self.programs)))
        self.announcements.watch(link, names, no_more)
        program = self.programs[link]
        program.watches = program.watches - set(no_more) | set(names)
        self.show(link, names)

    @precondition(lambda self: self.programs)
    @rule(data=st.data())
    def a_program_goes(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(sorted(self.programs)))
        self.announcements.leave(link)
        del self.programs[link]

    # --- News ---

    @precondition(lambda self: self.registry.has_news)
    @rule(limit=st.integers(1, 3))
    def news_is_gathered(self, limit: int) -> None:
        news = self.registry.take_news(limit)
        self.announcements.hear(news, self.registry.here, is_all=not self.registry.has_news)

    @precondition(lambda self: self.registry.has_news or self.announcements)
    @rule()
    def all_is_told(self) -> None:
        while self.registry.has_news:
            self.news_is_gathered(3)
        while self.announcements:
            self.somebody_is_told()

    @precondition(lambda self: self.announcements)
    @rule()
    def somebody_is_told(self) -> None:
        link, lines = self.announcements.take()
        for message in Codec[msgspec.Struct](FromDirectory).feed(lines):
            self.programs[link].hear(message)
            if isinstance(message, Crowd) and not message.crowd:
                self.show(link, list(NAMES))

    @invariant()
    def nothing_waits_for_who_is_gone(self) -> None:
        assert set(self.announcements.watchlists.links) == set(self.programs)
        assert len(self.announcements) <= len(self.programs)
        assert self.announcements.watchlists.total == sum(
            len(program.watches) for program in self.programs.values()
        )

    @invariant()
    def who_has_been_told_everything_believes_what_is_true(self) -> None:
        if self.registry.has_news or self.announcements:
            return
        true = dict.fromkeys(NAMES, Status.OFFLINE)
        true |= {user.name: user.status for user in self.registry.everybody()}
        for program in self.programs.values():
            assert program.in_crowd is self.announcements.is_crowd
            for name in program.relies_on():
                assert program.believes[name] is true[name], name


class TestAnnouncements(AnnouncementsMachine.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(max_examples=300, stateful_step_count=30)

    @pytest.fixture(autouse=True)
    def crowds_are_small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rules, "CROWD_ABOVE", 2)
        monkeypatch.setattr(rules, "CROWD_BELOW", 2)
