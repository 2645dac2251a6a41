"""The order in which all count the places of a conversation."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from peer.core.stay_tree import in_order

FOUNDER = b"f"
ROOM = 12
Parents = dict[bytes, bytes | None]


def named(number: int) -> bytes:
    return number.to_bytes(2, "big")


def cut(parents: Parents) -> Parents:
    return {place: parents[place] for place in in_order(parents)[:ROOM]}


def test_each_stands_behind_whoever_let_them_in_and_branches_take_turns() -> None:
    parents = {FOUNDER: None, b"a": FOUNDER, b"b": FOUNDER, b"c": b"a", b"d": b"a", b"e": b"b"}
    assert in_order(parents) == [FOUNDER, b"a", b"b", b"c", b"e", b"d"]
    assert in_order({}) == []


def test_who_lets_in_without_end_crowds_nobody_out_whom_others_let_in() -> None:
    honest: Parents = {FOUNDER: None, b"dave": FOUNDER, b"erin": b"dave", b"frank": b"erin"}
    flood: Parents = {b"mallory": FOUNDER}
    flood |= {named(one): b"mallory" for one in range(500)}
    flood |= {b"deep" + named(one): named(one) for one in range(500)}
    assert honest.keys() <= set(in_order(honest | flood)[:ROOM])


def grown(chance: random.Random) -> Parents:
    parents: Parents = {FOUNDER: None}
    for number in range(chance.randint(1, 30)):
        parents[named(chance.randint(0, 9_999) * 3 + number % 3)] = chance.choice(list(parents))
    return parents


def part(parents: Parents, chance: random.Random) -> Parents:
    """Some of it, each with all on which it depends."""
    found: Parents = {}
    for place in chance.sample(list(parents), chance.randint(0, len(parents))):
        one: bytes | None = place
        while one is not None:
            found[one] = parents[one]
            one = parents[one]
    return found


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_is_cut_off_early_would_be_cut_off_in_the_end_as_well(chance: random.Random) -> None:
    """So it does not matter who has heard of whom first."""
    everything = grown(chance)
    one, other = part(everything, chance), part(everything, chance)
    assert cut(cut(one) | cut(other)) == cut(one | other)
    assert cut(cut(one)) == cut(one)
