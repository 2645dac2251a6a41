"""A user whose end of a link is gone calls, before the other side has noticed that."""

import pytest
import trio

from peer.core.reach.ladder import PUNCH_AFTER
from peer.runtime.conversation.news import News
from shared.heartbeat import DEAD_AFTER, DOUBT_SECONDS
from shared.messages.spots import Knocks, Spot
from tests.kit.community import Community, Person

ASKED = "User dave wants to chat with you. Would you like to? (Y/N)"
SOON = PUNCH_AFTER + 0.5  # long before carol notices by herself: that takes DEAD_AFTER

both_kinds = pytest.mark.parametrize("kind", ["refusing", "swallowing"])


async def linked_behind_firewalls(community: Community, kind: str) -> tuple[Person, Person]:
    carol, dave = await community.start("carol", "dave")
    getattr(community.hub, kind).update({carol.host, dave.host})
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    return carol, dave


def loses_his_end(community: Community, dave: Person, carol: Person) -> None:
    """As when a firewall between them has forgotten the connection, and dave noticed first."""
    for cable in community.cables(carol, dave):
        cable.silence()
    dave.link_to("carol").cut("no sign of life")


async def is_killed_unnoticed(community: Community, dave: Person, carol: Person) -> None:
    for cable in community.cables(carol, dave):
        cable.silence()
    await dave.is_killed()
    await dave.starts()


@both_kinds
@pytest.mark.parametrize("age", [0.0, 20.0])
async def test_who_was_killed_and_is_back_is_let_in_at_the_first_call(
    community: Community, kind: str, age: float
) -> None:
    carol, dave = await linked_behind_firewalls(community, kind)
    await trio.sleep(age)
    await is_killed_unnoticed(community, dave, carol)
    assert not carol.link_to("dave").is_over, "as far as carol knows"
    await dave.types("CHAT carol")
    await carol.sees(ASKED, within=SOON)
    await carol.types("Y")
    await dave.sees("You are now connected with carol.")
    await trio.sleep(DEAD_AFTER + 1)  # the old link is over by then, and is not missed
    await dave.types("here I am")
    await carol.sees("dave: here I am")
    for one in (carol, dave):
        one.never_saw("cannot be reached")
        one.never_saw("Lost the connection")
    assert len(community.cables(carol, dave)) == 1


@both_kinds
@pytest.mark.parametrize("age", [0.0, 20.0])
async def test_whose_end_alone_is_lost_reaches_the_other_at_the_first_try(
    community: Community, kind: str, age: float
) -> None:
    carol, dave = await linked_behind_firewalls(community, kind)
    await trio.sleep(age)
    loses_his_end(community, dave, carol)
    await dave.types("PRV carol again")
    await carol.sees("[private] dave: again", within=SOON)
    dave.never_saw("Not delivered")


@both_kinds
async def test_one_knock_is_enough_where_only_the_caller_can_be_dialled(
    community: Community, kind: str
) -> None:
    carol, dave = await community.start("carol", "dave")
    getattr(community.hub, kind).add(carol.host)
    dave.knows_no_punch()
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    loses_his_end(community, dave, carol)
    await dave.types("PRV carol again")
    await carol.sees("[private] dave: again", within=SOON)


async def test_texts_on_the_dead_link_come_once_over_the_new_one(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    community.hub.swallowing |= {carol.host, dave.host}
    await carol.connects_with(dave)
    await carol.types("one")
    await dave.sees("carol: one")
    for cable in community.cables(carol, dave):
        cable.silence()
    await carol.types("two")
    await dave.types("zwei")
    began = trio.current_time()
    loses_his_end(community, dave, carol)
    await carol.types("three")
    await dave.sees("carol: two")
    await dave.sees("carol: three")
    await carol.sees("dave: zwei")
    assert trio.current_time() - began < DEAD_AFTER / 2
    await trio.sleep(2 * DEAD_AFTER)
    assert carol.saw("dave: zwei") == dave.saw("carol: two") == dave.saw("carol: three") == 1
    carol.never_saw("Lost the connection")


async def test_a_call_during_the_end_of_a_link_does_not_hide_that_end(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else somebody who was suspended, and called by all others, would not read so."""
    carol, dave = await community.start("carol", "dave")
    await carol.connects_with(dave)
    links, lost = carol.peer._reach.links, list[str]()
    note = News.link_lost

    def link_lost(news: News, name: str) -> None:
        lost.append(name)
        note(news, name)

    monkeypatch.setattr(News, "link_lost", link_lost)
    carol.link_to("dave").cut("the other side has gone")
    spot = Spot(dave.host, dave.peer._registration.port, "SEEN")
    links.answer(Knocks("dave", (spot,)), is_wanted=True)
    await trio.sleep(DOUBT_SECONDS + 1)
    assert "dave" in lost
    assert links.to("dave") is not None


@both_kinds
async def test_whoever_calls_over_the_dead_link_is_heard_once_it_is_known_to_be_dead(
    community: Community, kind: str
) -> None:
    carol, dave = await linked_behind_firewalls(community, kind)
    await is_killed_unnoticed(community, dave, carol)
    await carol.types("CHAT dave")
    question = "User carol wants to chat with you. Would you like to? (Y/N)"
    await dave.sees(question, within=DEAD_AFTER + SOON)
    carol.never_saw("cannot be reached")
