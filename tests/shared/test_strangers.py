"""Who has not said who it is may come in any number, and makes room for the next."""

from hypothesis import given
from hypothesis import strategies as st

from shared.strangers import Strangers


class Crowd:
    def __init__(self, most: int, most_per_address: int) -> None:
        self.strangers = Strangers(most, most_per_address)
        self.cut: list[str] = []

    def enter(self, name: str, address: str) -> object:
        return self.strangers.enter(address, lambda: self.cut.append(name))


def test_the_oldest_makes_room() -> None:
    crowd = Crowd(3, 3)
    for number in range(5):
        crowd.enter(str(number), f"10.0.0.{number}")
    assert crowd.cut == ["0", "1"]
    assert len(crowd.strangers) == 3


def test_one_address_drives_out_its_own_first() -> None:
    crowd = Crowd(10, 2)
    crowd.enter("honest", "10.0.0.1")
    for number in range(4):
        crowd.enter(str(number), "10.0.0.2")
    assert crowd.cut == ["0", "1"]


def test_who_has_left_is_not_cut_and_may_leave_twice() -> None:
    crowd = Crowd(1, 1)
    stranger = crowd.strangers.enter("10.0.0.1", lambda: crowd.cut.append("first"))
    crowd.strangers.leave(stranger)
    crowd.strangers.leave(stranger)
    crowd.enter("second", "10.0.0.1")
    assert crowd.cut == []
    crowd.enter("third", "10.0.0.1")
    assert crowd.cut == ["second"]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3))), st.integers(1, 5), st.integers(1, 5))
def test_there_are_never_more_than_the_most(
    steps: list[tuple[bool, int]], most: int, most_per_address: int
) -> None:
    strangers = Strangers(most, most_per_address)
    inside: list[tuple[str, object]] = []
    for comes, number in steps:
        if comes:
            address, token = str(number), object()
            entry = (address, token)
            inside.append(entry)
            strangers.enter(address, lambda entry=entry: inside.remove(entry))  # type: ignore[misc]
        assert len(strangers) == len(inside) <= most
        for address, _ in inside:
            assert sum(one == address for one, _ in inside) <= most_per_address


def test_it_is_known_from_where_somebody_is_on_the_way() -> None:
    strangers = Strangers(2, 2)
    one = strangers.enter("10.0.0.1", lambda: None)
    assert strangers.has("10.0.0.1")
    assert not strangers.has("10.0.0.2")
    strangers.leave(one)
    assert not strangers.has("10.0.0.1")
