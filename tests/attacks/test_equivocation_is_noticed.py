"""Who says different things to different members is named to every honest one of them.

Two rounds of HELLO are enough, the proof is two texts that the author has signed, and
nobody can be accused without it.
"""

import msgspec

from peer import events
from peer.core.conversation.hello import HELLO_SECONDS, hello_statement
from peer.core.conversation.proof.contradictions import PROOFS
from peer.core.conversation.proof.digests import digest
from shared.messages.peers import Hello, Position, Text, Want
from tests.kit.attackers.members import hello, sends, text
from tests.kit.cores import CAROL, DAVE, ERIN, FRANK, MALLORY, Town, me

EPOCH = "a" * 16
ROUNDS = 2 * 1.2 * HELLO_SECONDS
HONEST = (CAROL, DAVE, ERIN)


def town_with_mallory(*apart: frozenset[str]) -> Town:
    """A test speaks for mallory."""
    town = Town(*HONEST, MALLORY)
    town.apart |= set(apart)
    town.begins(*HONEST, MALLORY)
    town.settles(5)
    town.muted.add(MALLORY)
    return town


def accusations(town: Town, name: str) -> list[tuple[str, str]]:
    """Who is said to have told them and whom different things."""
    told = [one for one in town.people[name].told if isinstance(one, events.SaidDifferently)]
    return [(me(one.author).id, one.to and me(one.to).id) for one in told]


def votes(town: Town) -> tuple[Text, Text]:
    """The same place, two words."""
    yes, no = (text(town, MALLORY, EPOCH, 1, f"I vote {word}") for word in ("YES", "NO"))
    return yes, no


def test_all_who_heard_different_things_are_told_so() -> None:
    town = town_with_mallory()
    yes, no = votes(town)
    sends(town, MALLORY, CAROL, yes)
    sends(town, MALLORY, DAVE, no)
    sends(town, MALLORY, ERIN, no)
    town.settles(ROUNDS)
    for name in HONEST:
        ((author, to),) = accusations(town, name)
        assert author == MALLORY
        assert to in HONEST
    assert accusations(town, CAROL)[0][1] in (DAVE, ERIN)


def test_also_those_who_cannot_link_with_each_other() -> None:
    town = town_with_mallory(frozenset((CAROL, DAVE)))
    yes, no = votes(town)
    sends(town, MALLORY, CAROL, yes)
    sends(town, MALLORY, DAVE, no)
    sends(town, MALLORY, ERIN, no)
    town.settles(ROUNDS)
    for name in HONEST:
        assert [author for author, _ in accusations(town, name)] == [MALLORY]


def test_also_when_what_follows_is_the_same_for_all() -> None:
    """What follows names what came before it; so they need not even wait for a HELLO."""
    town = town_with_mallory()
    yes, no = votes(town)
    sends(town, MALLORY, CAROL, yes)
    sends(town, MALLORY, DAVE, no)
    town.settles(1)
    after = text(town, MALLORY, EPOCH, 2, "and that was that", before=no)
    for name in HONEST:
        sends(town, MALLORY, name, after)
    town.settles(1)
    assert accusations(town, CAROL) == [(MALLORY, "")]
    town.settles(ROUNDS)
    for name in (CAROL, DAVE):
        assert [author for author, _ in accusations(town, name)] == [MALLORY]


def tells_only_carol_something_else(town: Town) -> None:
    """And then all the same, from which she sees it."""
    yes, no = votes(town)
    after = text(town, MALLORY, EPOCH, 2, "and that was that", before=no)
    sends(town, MALLORY, CAROL, yes, after)
    for name in (DAVE, ERIN):
        sends(town, MALLORY, name, no, after)


def carol_is_alone_with_mallory(town: Town) -> None:
    town.apart |= {frozenset((CAROL, DAVE)), frozenset((CAROL, ERIN))}
    for name in (DAVE, ERIN):
        town.breaks(CAROL, name)
    town.settles(1)


def test_who_knows_it_shows_it_before_they_may_be_gone() -> None:
    town = town_with_mallory()
    tells_only_carol_something_else(town)
    town.settles(2)
    town.crashes(CAROL)
    town.settles(1)
    for name in HONEST:
        assert accusations(town, name)


def test_who_is_killed_before_they_show_it_finds_it_again_on_their_disk() -> None:
    """All later texts are the same for all, so that no digest of them differs."""
    town = town_with_mallory()
    carol_is_alone_with_mallory(town)
    tells_only_carol_something_else(town)
    town.settles(1)
    town.crashes(CAROL)
    assert accusations(town, CAROL)
    assert not accusations(town, DAVE)
    town.apart.clear()
    told = len(accusations(town, CAROL))
    town.restarts(CAROL)
    town.settles(ROUNDS)
    assert len(accusations(town, CAROL)) == told + 1  # better twice than never
    for name in (DAVE, ERIN):
        assert [author for author, _ in accusations(town, name)] == [MALLORY]


def test_nobody_accuses_themselves_after_a_new_start() -> None:
    """A program that was killed over a full disk may have said what it has not kept."""
    town = town_with_mallory()
    town.says(CAROL, "one")
    town.says(CAROL, "two")
    town.settles(1)
    town.crashes(CAROL)
    disk = town.people[CAROL].disk
    last = list(disk.texts)[-1]
    disk.texts[last] = msgspec.structs.replace(disk.texts[last], chain=bytes(16))
    town.restarts(CAROL)
    town.settles(ROUNDS)
    assert not accusations(town, CAROL)


def test_who_knows_it_shows_it_to_all_whom_they_reach_later() -> None:
    town = town_with_mallory()
    carol_is_alone_with_mallory(town)
    tells_only_carol_something_else(town)
    town.settles(ROUNDS)
    assert accusations(town, CAROL)
    assert not accusations(town, DAVE)
    town.apart.clear()
    town.settles(ROUNDS)
    for name in HONEST:
        assert [author for author, _ in accusations(town, name)] == [MALLORY]


def test_also_when_it_was_lost_on_its_way() -> None:
    town = town_with_mallory()
    tells_only_carol_something_else(town)
    town.settles(2)
    for name in (DAVE, ERIN):
        town.breaks(CAROL, name)
    before = {name: len(town.sent[CAROL, name]) for name in (DAVE, ERIN)}
    town.settles(5)
    for name in (DAVE, ERIN):
        later = town.sent[CAROL, name][before[name] :]
        assert [one.seq for one in later if isinstance(one, Text) if one.author == MALLORY][:1] == [
            1
        ]


def test_also_when_the_words_are_the_same_and_only_stand_together() -> None:
    town = town_with_mallory()
    sends(town, MALLORY, CAROL, text(town, MALLORY, EPOCH, 1, "not", "at all"))
    first = text(town, MALLORY, EPOCH, 1, "not")
    sends(town, MALLORY, DAVE, first, text(town, MALLORY, EPOCH, 2, "at all", before=first))
    town.settles(ROUNDS)
    for name in (CAROL, DAVE):
        assert [author for author, _ in accusations(town, name)] == [MALLORY]


def test_also_after_a_new_start() -> None:
    """What was said is known from the journal."""
    town = town_with_mallory()
    yes, no = votes(town)
    sends(town, MALLORY, CAROL, yes)
    town.settles(1)
    town.crashes(CAROL)
    sends(town, MALLORY, DAVE, no)
    town.settles(1)
    town.restarts(CAROL)
    town.settles(ROUNDS)
    assert [author for author, _ in accusations(town, CAROL)] == [MALLORY]
    assert [author for author, _ in accusations(town, DAVE)] == [MALLORY]


def test_nobody_is_accused_without_two_texts_that_they_have_signed() -> None:
    town = town_with_mallory()
    town.says(DAVE, "true words")
    town.settles(1)
    (said,) = town.people[CAROL].disk.texts.values()
    forged = msgspec.structs.replace(said, texts=("false words",))
    place = Position(DAVE, said.epoch, 1)
    for number in range(5):
        lie = hello(town, MALLORY, 10**9 + number, place)
        lie = msgspec.structs.replace(lie, said=(bytes(15) + bytes([number]),))
        sends(town, MALLORY, CAROL, _signed(lie), forged, said)
        town.settles(1)
    assert Want(town.id, Position(DAVE, said.epoch, 0)) in town.sent[CAROL, MALLORY]
    town.settles(ROUNDS)
    assert not any(accusations(town, name) for name in HONEST)


def _signed(lie: Hello) -> Hello:
    signature = me(lie.by).identity.sign(hello_statement(lie))
    return msgspec.structs.replace(lie, signature=signature)


def test_many_accusations_cost_few_questions() -> None:
    town = town_with_mallory()
    for start in range(20):
        sends(town, MALLORY, CAROL, text(town, MALLORY, f"{start:015x}a", 1))
    town.settles(1)
    there = tuple(Position(MALLORY, f"{start:015x}a", 1) for start in range(20))
    lie = msgspec.structs.replace(hello(town, DAVE, 10**9, *there), said=(bytes(16),) * 20)
    before = len(town.sent[CAROL, DAVE])
    sends(town, DAVE, CAROL, _signed(lie))
    asked = [one for one in town.sent[CAROL, DAVE][before:] if isinstance(one, Want)]
    assert len(asked) == PROOFS


def test_what_was_said_before_they_came_is_no_proof_for_a_newcomer() -> None:
    town = town_with_mallory()
    yes, no = votes(town)
    sends(town, MALLORY, CAROL, yes)
    sends(town, MALLORY, DAVE, no)
    town.settles(1)
    town.adds(CAROL, FRANK)
    town.settles(ROUNDS)
    assert accusations(town, CAROL)
    frank = [one for (_, to), all_ in town.sent.items() if to == FRANK for one in all_]
    assert not [one for one in frank if isinstance(one, Text)]


def test_one_author_is_named_once() -> None:
    town = town_with_mallory()
    yes, no = votes(town)
    sends(town, MALLORY, CAROL, yes)
    sends(town, MALLORY, DAVE, no)
    town.settles(ROUNDS)
    sends(town, DAVE, CAROL, no)
    later = [
        text(town, MALLORY, EPOCH, 2, word, before=first)
        for first, word in ((yes, "one"), (no, "two"))
    ]
    sends(town, MALLORY, CAROL, *later)
    town.settles(3 * ROUNDS)
    assert len(accusations(town, CAROL)) == 1
    assert digest(yes) != digest(no)
