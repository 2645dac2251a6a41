"""A second kind of link beside the one that carries text; nothing in the program uses it yet."""

from dataclasses import dataclass, field

import pytest
import trio

from peer.runtime.link import reception
from peer.runtime.link.links import Links
from peer.runtime.link.table import IDLE_SECONDS, LIMITS, LINKS_PER_USER, Limits
from shared.errors import ParleyError, Refused
from shared.heartbeat import PING_AFTER
from shared.link import Link
from shared.messages.common import VERSION, Bye, Err, Message
from shared.messages.peers import LinkKind, PeerIam, PeerIamFor, Private
from shared.world import Wire
from tests.kit.community import PATIENCE, Community, Person
from tests.kit.raw_peer import Raw, RawLink, raw
from tests.kit.world import EPOCH

LINE = Private("5" * 32, EPOCH, "a piece of a file")
OLD_LANGUAGE = PeerIam | Private | Err | Bye  # what a program knows that knows no kinds


@dataclass
class Bulk:
    """The part of a peer that would send files."""

    wanted: bool = True
    happened: list[str] = field(default_factory=list)
    heard: list[Message] = field(default_factory=list)
    news: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)
    links: Links = field(init=False)

    def linked(self, name: str) -> None:
        self._note(f"linked {name}")

    def link_lost(self, name: str) -> None:
        self._note(f"lost {name}")

    def pass_knock(self, name: str) -> bool:
        return False

    def unreachable(self, name: str, failure: ParleyError) -> None:
        self._note(f"unreachable {name}: {failure}")

    def received(self, name: str, message: Message) -> None:
        self.heard.append(message)
        self._note(f"heard {name}")

    def knows(self, name: str) -> bool:
        return False

    def pause(self, name: str) -> float:
        return 0.0

    def needs(self, name: str) -> bool:
        return self.wanted

    def _note(self, what: str) -> None:
        self.happened.append(what)
        self.news.unpark_all()

    async def sees(self, what: str) -> None:
        with trio.fail_after(PATIENCE):
            while what not in self.happened:
                await self.news.park()


def takes_bulk(person: Person) -> Bulk:
    bulk = Bulk()
    bulk.links = person.peer._reach.switchboard.open(LinkKind.BULK, bulk)
    return bulk


# --- Between the honest -------------------------------------------------------------------


async def test_a_pair_has_one_link_of_each_kind(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    ours, theirs = takes_bulk(carol), takes_bulk(dave)
    text = carol.link_to("dave")
    bulk = await ours.links.reach("dave")
    await theirs.sees("linked carol")
    ours.links.post("dave", LINE)
    await theirs.sees("heard carol")
    assert theirs.heard == [LINE]
    assert await ours.links.reach("dave") is bulk
    assert carol.link_to("dave") is text
    assert len(community.cables(carol, dave)) == 2
    await carol.types("hello")
    await dave.sees("carol: hello")
    dave.never_saw("a piece")


async def test_both_dial_at_once_and_one_of_the_links_stays(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    ours, theirs = takes_bulk(carol), takes_bulk(dave)
    ours.links.dial("dave")
    theirs.links.dial("carol")
    await ours.sees("linked dave")
    await theirs.sees("linked carol")
    await trio.sleep(15)
    assert len(community.cables(carol, dave)) == 2


async def test_links_of_two_kinds_end_independently(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    ours, theirs = takes_bulk(carol), takes_bulk(dave)
    text = carol.link_to("dave")
    (await ours.links.reach("dave")).hang_up(Bye())
    await ours.sees("lost dave")
    await theirs.sees("lost carol")
    await trio.sleep(5)
    assert carol.link_to("dave") is text
    for person in (carol, dave):
        person.never_saw("Lost the connection")
    bulk = await ours.links.reach("dave")
    text.cut("in this test")
    await carol.sees_part("Lost the connection")
    await carol.types("still there?")
    await dave.sees("carol: still there?")
    assert carol.link_to("dave") is not text
    assert ours.links.to("dave") is bulk
    assert ours.happened == ["linked dave", "lost dave", "linked dave"]


async def test_an_idle_link_that_its_part_does_not_need_is_closed(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    ours, theirs = takes_bulk(carol), takes_bulk(dave)
    await ours.links.reach("dave")
    ours.wanted = theirs.wanted = False
    await trio.sleep(IDLE_SECONDS + 10)
    assert ours.links.to("dave") is None
    assert ours.happened == ["linked dave", "lost dave"]
    assert len(community.cables(carol, dave)) == 1


async def test_a_program_that_takes_no_such_links_says_so(community: Community) -> None:
    """As all do today."""
    carol, dave = await community.talking("carol", "dave")
    ours = takes_bulk(carol)
    with pytest.raises(Refused, match="links of this kind are not known here"):
        await ours.links.reach("dave")
    await carol.types("hello")
    await dave.sees("carol: hello")


async def test_a_program_that_knows_no_kinds_refuses_plainly(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers that IAMFOR is unknown, and does not take it for another link with text."""

    def old_link(wire: Wire) -> Link[Message]:
        return Link(wire, OLD_LANGUAGE, ping_after=PING_AFTER)

    carol, dave = await community.talking("carol", "dave")
    ours = takes_bulk(carol)
    text = dave.link_to("carol")
    monkeypatch.setattr(reception, "new_link", old_link)
    with pytest.raises(Refused, match="the program of dave is too old for this"):
        await ours.links.reach("dave")
    assert ours.happened == ["unreachable dave: the program of dave is too old for this"]
    assert dave.link_to("carol") is text
    await carol.types("hello")
    await dave.sees("carol: hello")


async def test_without_a_link_that_carries_text_there_is_none(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    ours, theirs = takes_bulk(carol), takes_bulk(dave)
    with pytest.raises(Refused, match="only beside one that carries text"):
        await ours.links.reach("dave")
    assert theirs.happened == []
    await carol.types("PRV dave hello")  # what was refused does not delay the next dial
    await dave.sees("[private] carol: hello")
    await ours.links.reach("dave")


async def test_all_kinds_of_links_end_with_the_program(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    ours, theirs = takes_bulk(carol), takes_bulk(dave)
    await ours.links.reach("dave")
    await carol.quits()
    await theirs.sees("lost carol")
    assert not community.cables(carol, dave)


async def test_a_key_that_is_not_believed_any_more_loses_links_of_all_kinds(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    ours, theirs = takes_bulk(carol), takes_bulk(dave)
    bulk, text = await ours.links.reach("dave"), carol.link_to("dave")
    await theirs.sees("linked carol")
    carol.peer._reach.links.keep_only("dave", b"k" * 32)
    assert text.is_over
    assert bulk.is_over


# --- By the hostile -----------------------------------------------------------------------


async def dials_for(mallory: Raw, whom: Person, kind: str) -> RawLink:
    link = await mallory.dials_silently(whom)
    link.says(PeerIamFor(VERSION, mallory.name, mallory.run, EPOCH, kind))
    return link


async def test_an_unknown_kind_is_refused(community: Community) -> None:
    (carol,) = await community.start("carol")
    takes_bulk(carol)
    async with raw(community, "mallory") as mallory:
        text = await mallory.dials(carol)
        await text.hears(PeerIam)
        for kind in ("nonsense", "", "text", "BULK", "x" * 64):
            link = await dials_for(mallory, carol, kind)
            if kind == "text":  # asked for in other words: it is what IAM asks for
                await link.hears(PeerIam)
                text = link
                continue
            assert (await link.hears(Err)).code == "KIND"
            await link.ends()
        assert not text.is_over


async def test_an_answer_for_another_kind_is_refused(community: Community) -> None:
    """Else a link that was dialled for files would become one that carries text."""
    carol, dave = await community.talking("carol", "dave")
    ours, _ = takes_bulk(carol), takes_bulk(dave)
    text = carol.link_to("dave")
    hers = dave.peer._reach.switchboard._handshake
    iam = PeerIam(VERSION, "dave", "0" * 32, EPOCH)
    hers._iam = lambda kind: iam  # type: ignore[method-assign]
    with pytest.raises(Refused, match="another kind"):
        await ours.links.reach("dave")
    assert ours.links.to("dave") is None
    assert carol.link_to("dave") is text


async def test_a_second_link_of_a_kind_replaces_the_first(community: Community) -> None:
    (carol,) = await community.start("carol")
    bulk = takes_bulk(carol)
    async with raw(community, "mallory") as mallory:
        text = await mallory.dials(carol)
        await text.hears(PeerIam)
        links = []
        for _ in range(3 * LINKS_PER_USER):
            links.append(await dials_for(mallory, carol, "bulk"))
            await links[-1].hears(PeerIamFor)
        await trio.sleep(1)
        assert sum(not link.is_over for link in links) <= LINKS_PER_USER
        bulk.links.post("mallory", LINE)
        await links[-1].hears(Private)
        await trio.sleep(20)  # losers that she does not close are closed
        assert [link for link in links if not link.is_over] == links[-1:]
        assert not text.is_over


async def test_a_link_of_another_kind_lets_nobody_in_without_text(community: Community) -> None:
    (carol,) = await community.start("carol")
    bulk = takes_bulk(carol)
    async with raw(community, "mallory") as mallory:
        link = await dials_for(mallory, carol, "bulk")
        assert (await link.hears(Err)).code == "KIND"
        await link.ends()
    assert bulk.happened == []


async def test_strangers_with_such_links_make_room(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, LinkKind.BULK, Limits(in_all=3, of_unknown=3))
    carol, dave = await community.talking("carol", "dave")
    ours, theirs = takes_bulk(carol), takes_bulk(dave)
    ours.wanted = False
    async with (
        raw(community, "m") as one,
        raw(community, "mm") as two,
        raw(community, "mmm") as three,
    ):
        links = []
        for stranger in (one, two, three):
            await (await stranger.dials(carol)).hears(PeerIam)
            links.append(await dials_for(stranger, carol, "bulk"))
            await links[-1].hears(PeerIamFor)
            await trio.sleep(0.1)
        await theirs.links.reach("carol")
        await trio.sleep(0.1)
        assert [link.is_over for link in links] == [True, False, False]
        await carol.types("hello")
        await dave.sees("carol: hello")


async def test_what_comes_over_it_is_no_text(community: Community) -> None:
    """Its part hears it, whatever it is; conversations and the user do not."""
    (carol,) = await community.start("carol")
    bulk = takes_bulk(carol)
    async with raw(community, "mallory") as mallory:
        text = await mallory.talks(carol)
        link = await dials_for(mallory, carol, "bulk")
        await link.hears(PeerIamFor)
        link.says(LINE, mallory.text(1, "over the wrong link"))
        await bulk.sees("heard mallory")
        await trio.sleep(1)
        assert len(bulk.heard) == 2
        carol.never_saw("a piece")
        carol.never_saw("over the wrong link")
        text.says(mallory.text(1, "over the right one"))
        await carol.sees("mallory: over the right one")
