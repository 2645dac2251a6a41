"""Nobody holds the answers of others back, by giving what they answer to some only."""

from peer import events
from peer.core.conversation.incoming.held_answers import HURRIED, HURRY_SECONDS
from peer.core.conversation.incoming.inbox import HOLD_SECONDS
from shared.messages.peers import POSITIONS, Acknowledge, Position, Text, Want
from tests.kit.attackers.members import hello, sends, text
from tests.kit.cores import CAROL, DAVE, ERIN, MALLORY, TRUDY, Town

EPOCH, HIDDEN = "a" * 16, "b" * 16
SOON = 2 * HURRY_SECONDS  # well below the time at which an answer is shown with a word


def town_of(*names: str) -> Town:
    town = Town(*names)
    town.begins(*names)
    town.settles(5)
    town.muted.update({MALLORY, TRUDY} & set(names))  # they say what a test lets them say
    return town


def has_read(town: Town, name: str, said: str) -> bool:
    return any(said in one.texts for one in town.people[name].disk.texts.values())


def waits(town: Town, seconds: float) -> None:
    town.is_busy()
    town.passes(seconds)
    town.is_busy()


def never_missed(town: Town, name: str) -> bool:
    return events.Missing() not in town.people[name].told


def test_an_answer_to_what_one_alone_was_given_is_read_at_once() -> None:
    town = town_of(CAROL, DAVE, ERIN, MALLORY)
    sends(town, MALLORY, CAROL, text(town, MALLORY, EPOCH, 1, "for carol alone"))
    town.is_busy()
    town.says(CAROL, "what do you mean?")
    town.is_busy()
    assert not has_read(town, DAVE, "what do you mean?")
    waits(town, SOON)
    for name in (DAVE, ERIN):
        assert has_read(town, name, "for carol alone")
        assert has_read(town, name, "what do you mean?")
        assert never_missed(town, name)


def test_also_when_its_author_had_promised_to_send_it() -> None:
    town = town_of(CAROL, DAVE, MALLORY)
    sends(town, MALLORY, DAVE, hello(town, MALLORY, 10**9, Position(MALLORY, EPOCH, 1)))
    waits(town, 1.5)  # dave asks mallory, who is silent
    sends(town, MALLORY, CAROL, text(town, MALLORY, EPOCH, 1, "for carol alone"))
    town.is_busy()
    town.says(CAROL, "what do you mean?")
    waits(town, SOON)
    assert has_read(town, DAVE, "what do you mean?")
    assert never_missed(town, DAVE)


def test_also_when_the_missing_text_hides_behind_another() -> None:
    """Dave has the text that carol answers, but not the one which that text names."""
    town = town_of(CAROL, DAVE, MALLORY, TRUDY)
    hidden = text(town, TRUDY, HIDDEN, 1, "for carol alone")
    open_to_all = text(town, MALLORY, EPOCH, 1, "for all", after=(Position(TRUDY, HIDDEN, 1),))
    sends(town, TRUDY, CAROL, hidden)
    sends(town, MALLORY, CAROL, open_to_all)
    sends(town, MALLORY, DAVE, open_to_all)
    waits(town, SOON)  # dave asks mallory, who is silent
    town.says(CAROL, "what do you mean?")
    waits(town, SOON)
    assert has_read(town, DAVE, "what do you mean?")
    assert never_missed(town, DAVE)


def test_an_answer_to_what_names_an_invention_waits_once_and_not_at_each_member() -> None:
    """Carol has waited for the invention; dave hears from her that there is none."""
    town = town_of(CAROL, DAVE, MALLORY)
    invented = (Position(DAVE, HIDDEN, 1), Position("A" * 24, HIDDEN, 1))
    sends(town, MALLORY, CAROL, text(town, MALLORY, EPOCH, 1, "for carol alone", after=invented))
    waits(town, HOLD_SECONDS)
    assert has_read(town, CAROL, "for carol alone")
    town.says(CAROL, "what do you mean?")
    for _ in range(3):  # the answer, what it names, the word that there is no more
        assert not has_read(town, DAVE, "what do you mean?")
        waits(town, HURRY_SECONDS)
    waits(town, 0.01)
    assert has_read(town, DAVE, "for carol alone")
    assert has_read(town, DAVE, "what do you mean?")
    assert town.people[DAVE].told.count(events.Missing()) == 1


def test_nobody_who_hands_a_text_on_says_that_it_lacks_nothing() -> None:
    """Mallory hands dave's answer on first, and denies to have what it names: carol waits."""
    town = town_of(CAROL, DAVE, ERIN, MALLORY)
    town.says(ERIN, "question")
    town.arrives(ERIN, DAVE)
    town.shows(DAVE)
    town.commits(DAVE)
    town.says(DAVE, "answer")
    (answer,) = [one for one in town.links[DAVE, CAROL] if isinstance(one, Text)]
    sends(town, MALLORY, CAROL, answer)
    town.passes(HURRY_SECONDS)
    epoch = town.people[ERIN].core.outgoing.origin[1]
    sends(town, MALLORY, CAROL, Acknowledge(town.id, (Position(ERIN, epoch, 0),)))
    town.passes(HURRY_SECONDS)
    town.shows(CAROL)
    assert never_missed(town, CAROL)
    waits(town, SOON)
    assert has_read(town, CAROL, "answer")
    assert never_missed(town, CAROL)


def test_invented_answers_make_nobody_ask_others() -> None:
    """Only mallory is asked for what mallory alone has named, a bounded number of times."""
    town = town_of(CAROL, DAVE, MALLORY)
    town.sent.clear()
    for seq in range(1, 21):
        invented = [Position(DAVE, f"{seq:08x}{n:08x}", 1) for n in range(POSITIONS)]
        sends(town, MALLORY, CAROL, text(town, MALLORY, EPOCH, seq, after=tuple(invented[:100])))
        waits(town, HURRY_SECONDS)
    assert not [one for one in town.sent[CAROL, DAVE] if isinstance(one, Want)]
    asked = [one for one in town.sent[CAROL, MALLORY] if isinstance(one, Want)]
    assert 1 <= len(asked) <= 2 * HURRIED


def test_what_is_invented_holds_its_author_back_alone() -> None:
    town = town_of(CAROL, DAVE, MALLORY)
    invented = Position(DAVE, HIDDEN, 1)
    sends(town, MALLORY, CAROL, text(town, MALLORY, EPOCH, 1, "a lie", after=(invented,)))
    town.says(DAVE, "the truth")
    town.is_busy()
    assert has_read(town, CAROL, "the truth")
    assert not has_read(town, CAROL, "a lie")


def test_texts_are_not_asked_for_when_they_come_by_themselves() -> None:
    town = town_of(CAROL, DAVE, ERIN)
    town.sent.clear()
    town.says(DAVE, "question")
    town.arrives(DAVE, CAROL)
    town.shows(CAROL)
    town.commits(CAROL)
    town.says(CAROL, "answer")
    town.arrives(CAROL, ERIN)
    town.passes(HURRY_SECONDS / 2)
    town.arrives(DAVE, ERIN)
    waits(town, 5)
    assert not [one for way in town.sent.values() for one in way if isinstance(one, Want)]
    assert [one for one in town.sent[CAROL, ERIN] if isinstance(one, Text)]
