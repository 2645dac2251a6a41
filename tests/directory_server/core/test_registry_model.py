"""The registry against a simple model of itself, and against what the others were told."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from directory_server.core.admission import Admission, Applicant, Enter, Moment, Register
from directory_server.core.registry import NameTaken, Place, Registry, User
from directory_server.core.tombstones import Tombstones
from shared.errors import Refused
from shared.messages.common import Status

IDLE_AFTER = 100
NAMES = ("alice", "bob", "carol", "dave")
names = st.sampled_from(NAMES)
addresses = st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"])
notes = st.sampled_from(["", "back at five", "lunch"])
statuses = st.sampled_from([Status.ACTIVE, Status.BUSY, Status.INACTIVE])


class RegistryMachine(RuleBasedStateMachine):
    one_per_address = False

    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry(idle_after=IDLE_AFTER, one_per_address=self.one_per_address)
        self.admission = Admission(self.registry, Tombstones(), names_at_once=0)
        self.now = 0.0
        self.ids = 0
        self.owners: dict[str, bytes] = {}
        self.here: dict[str, tuple[Status, bool, str]] = {}  # status, by hand, address
        self.notes: dict[str, str] = {}
        self.stirred: dict[str, float] = {}
        self.told: dict[str, Status] = {}  # what one who listens believes
        self.read: dict[str, Status] = {}  # the same of one who has read a list meanwhile
        self.shown: set[str] = set()  # names of users in a list that somebody has read

    def user(self, name: str) -> User:
        return self.registry.look_up(name.upper())

    def admit(self, name: str, key: bytes, address: str) -> User | None:
        moment = Moment(now=self.now, time=1_000 + self.now, age=self.now)
        step = self.admission.next_step(Applicant(name, key, address), moment)
        if isinstance(step, Register):
            self.admission.settle(step)
            return None
        assert isinstance(step, Enter)
        return step.user

    def when(self) -> dict[str, Any]:
        return {"time": 1_000 + self.now, "now": self.now}

    @rule(seconds=st.integers(1, 70))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(name=names, key=st.sampled_from([b"1", b"2"]), address=addresses, status=statuses,
          by_hand=st.booleans())  # fmt: skip
    def somebody_comes(
        self, name: str, key: bytes, address: str, status: Status, by_hand: bool
    ) -> None:
        others = [
            one for one, (_, _, place) in self.here.items() if one != name and place == address
        ]
        if self.owners.get(name, key) != key:
            with pytest.raises(NameTaken):
                self.admit(name, key, address)
            return
        if others and self.one_per_address:
            with pytest.raises(Refused, match="address"):
                self.admit(name, key, address)
            return
        user = self.admit(name, key, address)
        assert (user is None) == (name not in self.owners)
        if user is None:
            self.ids += 1
            user = User(self.ids, name, key, b"", b"", 0)
            self.registry.know(user)
            self.owners[name] = key
        self.registry.arrive(user, Place(address, 1), status, by_hand=by_hand, **self.when())
        self.here[name] = (status, by_hand, address)
        self.notes[name] = ""
        self.stirred[name] = self.now

    @rule(name=names)
    def somebody_goes(self, name: str) -> None:
        if name in self.here:
            self.registry.leave(self.user(name), 1_000 + self.now)
            del self.here[name]

    @rule(name=names)
    def somebody_gives_the_name_back(self, name: str) -> None:
        if name in self.owners:
            self.registry.forget(self.user(name), 1_000 + self.now)
            del self.owners[name]
            self.here.pop(name, None)

    @rule(name=names, status=statuses, by_hand=st.booleans(), note=notes)
    def somebody_sets_a_status(self, name: str, status: Status, by_hand: bool, note: str) -> None:
        if name in self.here:
            self.registry.set_status(
                self.user(name), status, by_hand=by_hand, note=note, **self.when()
            )
            self.here[name] = (status, by_hand, self.here[name][2])
            self.notes[name] = note
            self.stirred[name] = self.now

    @rule(name=names)
    def somebody_stirs(self, name: str) -> None:
        if name in self.here:
            status, by_hand, address = self.here[name]
            woke = self.registry.stir(self.user(name), **self.when())
            assert woke == (status is Status.INACTIVE and not by_hand)
            if woke:
                self.here[name] = (Status.ACTIVE, False, address)
            self.stirred[name] = self.now

    @rule()
    def the_idle_fall_idle(self) -> None:
        expected = {
            name
            for name, (status, by_hand, _) in self.here.items()
            if status is Status.ACTIVE
            and not by_hand
            and self.stirred[name] + IDLE_AFTER <= self.now
        }
        idle = self.registry.fall_idle(**self.when())
        assert {user.name for user in idle} == expected
        for name in expected:
            self.here[name] = (Status.INACTIVE, False, self.here[name][2])

    @precondition(lambda self: self.registry.has_news)
    @rule(limit=st.integers(1, 3))
    def news_is_told(self, limit: int) -> None:
        went, came, changed = self.registry.take_news(limit)
        assert len(went) + len(came) + len(changed) <= limit
        for name in went:
            assert name in self.told or name in self.shown, "nobody leaves who was not there"
            self.told.pop(name, None)
            self.read.pop(name, None)
        for presence in came:
            assert presence.name not in self.told, "nobody comes who was there"
            self.told[presence.name] = self.read[presence.name] = presence.status
        for presence in changed:
            assert presence.name in self.told, "nobody changes who was not there"
            self.told[presence.name] = self.read[presence.name] = presence.status

    @rule()
    def somebody_reads_the_list(self) -> None:
        users, _ = self.registry.page("", 100, here=True)
        for user in users:
            assert user.status.value.encode() in self.registry.encoded(user)
        self.read = {user.name: user.status for user in users}
        self.shown.update(self.read)

    @invariant()
    def it_agrees_with_the_model(self) -> None:
        users, more = self.registry.page("", 100)
        assert not more
        assert [user.name for user in users] == sorted(self.owners)
        assert self.registry.here == len(self.here)
        here, _ = self.registry.page("", 100, here=True)
        assert [user.name for user in here] == sorted(self.here)
        for user in users:
            if user.name in self.here:
                status, by_hand, address = self.here[user.name]
                assert (user.status, user.by_hand) == (status, by_hand)
                assert user.note == self.notes[user.name]
                assert user.place.address == address
            else:
                assert not user.is_here

    @invariant()
    def who_has_heard_all_news_knows_everything(self) -> None:
        if not self.registry.has_news:
            assert self.told == {name: status for name, (status, _, _) in self.here.items()}
            assert self.read == self.told


class OnePerAddressMachine(RegistryMachine):
    one_per_address = True

    @invariant()
    def one_address_is_one_user(self) -> None:
        places = [address for _, _, address in self.here.values()]
        assert len(places) == len(set(places))


TestRegistry = RegistryMachine.TestCase
TestOnePerAddress = OnePerAddressMachine.TestCase
