"""Who may enter, and what must be on disk before."""

from typing import Any

import pytest

from directory_server.core.admission import (
    Admission,
    Applicant,
    Certify,
    Enter,
    Moment,
    Register,
    Reseal,
    Step,
    Wait,
    WrongToken,
)
from directory_server.core.limits import NEW_NAME_SECONDS, NEW_NAMES_AT_ONCE
from directory_server.core.registry import NameTaken, Place, Registry, User
from directory_server.core.tombstones import NOBODY, Tombstone, Tombstones, Validity
from shared.errors import Refused
from shared.messages.common import Status

NOW = Moment(now=100.0, time=1_700_000_000.0, age=5_000.0)


class Gate:
    """The admission to a directory that knows Carol."""

    def __init__(
        self,
        token: str | None = None,
        names_at_once: int = NEW_NAMES_AT_ONCE,
        names: int = 100,
        places: int = 100,
    ) -> None:
        self.registry = Registry(idle_after=300, names=names, places=places)
        self.tombstones = Tombstones()
        self.carol = User(1, "Carol", b"k", b"", b"", since=0.0)
        self.registry.know(self.carol)
        self.admission = Admission(
            self.registry, self.tombstones, token=token, names_at_once=names_at_once
        )

    def step(
        self,
        name: str,
        key: bytes = b"k",
        *,
        at: str = "10.0.0.5",
        token: str = "",
        later: float = 0,
        seal: bytes = b"",
        certificate: bool = False,
    ) -> Step:
        who = Applicant(
            name,
            key,
            at,
            token=token,
            sealing=(seal, b""),
            wants_certificate=certificate,
        )
        return self.admission.next_step(who, moment(later))

    def admit(self, name: str, key: bytes = b"k", **how: Any) -> User | None:
        """Return who may enter; None when a new name may be registered."""
        step = self.step(name, key, **how)
        if isinstance(step, Register):
            self.admission.settle(step)
            return None
        assert isinstance(step, Enter)
        return step.user


def moment(later: float) -> Moment:
    return Moment(NOW.now + later, NOW.time + later, NOW.age + later)


def test_a_name_belongs_to_its_key() -> None:
    gate = Gate()
    assert gate.admit("carol") is gate.carol
    assert gate.admit("dave", b"other") is None
    with pytest.raises(NameTaken) as no:
        gate.admit("carol", b"other")
    assert no.value.name == "Carol"


def test_a_token_is_asked_of_new_names_only() -> None:
    gate = Gate(token="sesame")
    assert gate.admit("carol") is gate.carol
    assert gate.admit("dave", token="sesame") is None
    for later, token in enumerate(("", "Sesame", "sésame", "\ud800")):
        with pytest.raises(WrongToken, match="token") as no:
            gate.admit("dave", token=token, later=later)
        assert no.value.code == "TOKEN"


def test_without_the_token_a_known_name_is_answered_as_an_unknown_one() -> None:
    gate = Gate(token="sesame")
    answers = []
    for later, name in enumerate(("carol", "dave", "all")):
        with pytest.raises(Refused) as no:
            gate.admit(name, b"other", later=later)
        answers.append((type(no.value), no.value.code, str(no.value)))
    assert len(set(answers)) == 1
    with pytest.raises(NameTaken):
        gate.admit("carol", b"other", token="sesame", later=3)


def test_a_wrong_token_costs_its_address_a_second_and_nobody_else() -> None:
    gate = Gate(token="sesame")
    for later in range(3):
        with pytest.raises(WrongToken):
            gate.step("dave", token="guess", later=later)
    assert gate.step("dave", token="sesame", later=2) == Wait(1)
    assert gate.step("erin", b"other", later=2.5) == Wait(0.5)
    assert gate.step("dave", at="10.0.0.6", token="sesame", later=2.5) == Register(b"")
    assert gate.admit("carol", later=2.5) is gate.carol
    assert gate.admit("dave", token="sesame", later=3) is None


def test_a_name_that_was_given_back_goes_only_to_its_old_key_while_a_certificate_is_valid() -> None:
    gate = Gate()
    validity = Validity(NOW.time + 60, NOW.age + 60)
    gate.tombstones.bury(Tombstone("Dave", b"old", 0, validity))
    assert gate.admit("dave", b"old") is None
    with pytest.raises(NameTaken) as no:
        gate.admit("DAVE", b"new", later=60)
    assert no.value.name == "Dave"
    assert gate.admit("dave", b"new", later=61) is None


def test_a_name_that_was_taken_away_goes_to_nobody() -> None:
    gate = Gate()
    validity = Validity(NOW.time + 60, NOW.age + 60)
    gate.tombstones.bury(Tombstone("dave", NOBODY, 0, validity))
    with pytest.raises(NameTaken):
        gate.admit("dave", b"old")


def test_a_word_of_the_program_is_no_new_name_but_stays_with_who_has_it() -> None:
    gate = Gate()
    with pytest.raises(Refused, match=r'"All" is a word of the program; choose another') as no:
        gate.admit("All")
    assert no.value.code == "NAME"
    gate.registry.know(owner := User(2, "all", b"k", b"", b"", since=0.0))
    assert gate.admit("ALL") is owner


def test_new_names_of_one_address_are_slowed_down() -> None:
    gate = Gate()
    for number in range(NEW_NAMES_AT_ONCE):
        assert gate.admit(f"user{number}") is None
    with pytest.raises(Refused, match="the next one is taken in 20 seconds") as no:
        gate.admit("dave")
    assert no.value.code == "LIMIT"
    assert gate.admit("carol") is gate.carol
    assert gate.admit("dave", at="10.0.0.6") is None
    assert gate.admit("dave", later=NEW_NAME_SECONDS) is None
    with pytest.raises(Refused, match="the next one is taken"):
        gate.admit("erin", later=NEW_NAME_SECONDS + 1)


def test_the_pace_of_new_names_may_be_switched_off() -> None:
    gate = Gate(names_at_once=0)
    for number in range(5 * NEW_NAMES_AT_ONCE):
        assert gate.admit(f"user{number}") is None


def test_each_thing_that_must_be_on_disk_is_a_step_of_its_own() -> None:
    gate = Gate()
    assert gate.step("carol", seal=b"new", certificate=True) == Reseal(gate.carol)
    gate.carol.sealing_key = b"new"
    assert gate.step("carol", seal=b"new", certificate=True) == Certify(gate.carol)
    assert gate.step("carol", seal=b"new") == Enter(gate.carol)
    gate.carol.certified = Validity.of_new(NOW.time, NOW.age)
    assert gate.step("carol", seal=b"new", certificate=True) == Enter(gate.carol)


def test_a_name_on_its_way_to_the_disk_has_a_place() -> None:
    gate = Gate(names=2)
    step = gate.step("dave")
    assert isinstance(step, Register)
    with pytest.raises(Refused, match="this directory is full: it knows 2 names"):
        gate.step("erin")
    gate.admission.settle(step)
    assert isinstance(gate.step("erin"), Register)


def test_whoever_is_first_while_the_disk_works_gets_the_name() -> None:
    gate = Gate()
    mine, other = gate.step("dave"), gate.step("dave", b"other")
    assert isinstance(mine, Register)
    assert isinstance(other, Register)
    gate.registry.know(dave := User(2, "dave", b"other", b"", b"", since=0.0))
    for step in (mine, other):
        gate.admission.settle(step)
    with pytest.raises(NameTaken):
        gate.step("dave")
    assert gate.step("dave", b"other") == Enter(dave)


def test_the_last_place_goes_to_who_enters_first() -> None:
    gate = Gate(places=1)
    gate.registry.know(dave := User(2, "dave", b"k", b"", b"", since=0.0))
    assert gate.step("carol") == Enter(gate.carol)
    gate.registry.arrive(
        dave, Place("10.0.0.5", 1), Status.ACTIVE, by_hand=False, time=NOW.time, now=NOW.now
    )
    with pytest.raises(Refused, match="this directory is full: 1 users are here"):
        gate.step("carol")
    assert gate.step("dave") == Enter(dave)
