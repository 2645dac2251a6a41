"""Who gets a name."""

import pytest

from directory_server.core.doorkeeper import Applicant, Doorkeeper, Moment, WrongToken
from directory_server.core.limits import NEW_NAME_SECONDS, NEW_NAMES_AT_ONCE
from directory_server.core.registry import NameTaken, Registry, User
from directory_server.core.tombstones import NOBODY, Tombstone, Tombstones, Validity
from shared.errors import Refused

NOW = Moment(now=100.0, time=1_700_000_000.0, age=5_000.0)


class Gate:
    """A doorkeeper who knows Carol."""

    def __init__(self, token: str | None = None, names_at_once: int = NEW_NAMES_AT_ONCE) -> None:
        self.registry, self.tombstones = Registry(idle_after=300), Tombstones()
        self.carol = User(1, "Carol", b"k", b"", b"", since=0.0)
        self.registry.know(self.carol)
        self.doorkeeper = Doorkeeper(
            self.registry, self.tombstones, token=token, names_at_once=names_at_once
        )

    def admit(
        self,
        name: str,
        key: bytes = b"k",
        *,
        at: str = "10.0.0.5",
        token: str = "",
        later: float = 0,
    ) -> User | None:
        return self.doorkeeper.admit(Applicant(name, key, at, token=token), moment(later))

    def wait(self, name: str, key: bytes = b"k", at: str = "10.0.0.5", later: float = 0) -> float:
        return self.doorkeeper.wait(Applicant(name, key, at), moment(later))


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
    for token in ("", "Sesame", "sésame", "\ud800"):
        with pytest.raises(WrongToken, match="token") as no:
            gate.admit("dave", token=token)
        assert no.value.code == "TOKEN"


def test_without_the_token_a_known_name_is_answered_as_an_unknown_one() -> None:
    gate = Gate(token="sesame")
    answers = []
    for name in ("carol", "dave", "all"):
        with pytest.raises(Refused) as no:
            gate.admit(name, b"other")
        answers.append((type(no.value), no.value.code, str(no.value)))
    assert len(set(answers)) == 1
    with pytest.raises(NameTaken):
        gate.admit("carol", b"other", token="sesame")


def test_a_wrong_token_costs_its_address_a_second_and_nobody_else() -> None:
    gate = Gate(token="sesame")
    assert gate.wait("dave") == 0
    for guess in range(3):
        with pytest.raises(WrongToken):
            gate.admit("dave", token=f"guess {guess}")
    assert gate.wait("dave") == 3
    assert gate.wait("erin", b"other", later=2.5) == 0.5
    assert gate.wait("erin", b"other", later=3) == 0
    assert gate.wait("dave", at="10.0.0.6") == 0
    assert gate.wait("carol") == 0
    assert Gate().wait("dave") == 0


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
