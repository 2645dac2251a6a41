"""After anything that is accepted from others, all that I say and keep can be read again.

A member of a conversation, who has let carol in, sends anything at the edges of its range.
Each line of carol's goes through the strict decoder of whoever gets it, and her journal
is read again after a kill.
"""

from typing import Any, ClassVar

import msgspec
import trio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from peer.core import membership
from peer.core.conversation.hello import hello_statement
from peer.storage.rows import UNREADABLE
from shared.codec import LINE_BYTES, Codec, Unknown
from shared.messages.common import COUNT_MOST, TEXT_CHARACTERS, Message
from shared.messages.directory import ToDirectory
from shared.messages.peers import (
    POSITIONS,
    TEXTS,
    Accept,
    Acknowledge,
    BetweenPeers,
    Entry,
    Hello,
    Members,
    Position,
    Ringing,
    Want,
)
from tests.kit.community import DIRECTORY, Community, Person, open_community
from tests.kit.raw_peer import Raw, RawLink, id_of, raw
from tests.kit.world import MemoryWire

LONGEST = "\U0001f642" * TEXT_CHARACTERS

numbers = st.sampled_from(
    [0, 1, 2, 2**20, 2**51, COUNT_MOST - 2 * TEXTS, COUNT_MOST - TEXTS, COUNT_MOST - 1, COUNT_MOST]
)
epochs = st.sampled_from(["3" * 16, "4" * 16, "5-5.5_5=" * 2, "\0" * 16])
authors = st.sampled_from(["CAROL", "MALLORY", "x" * 24, "\0" * 32])
positions = st.lists(st.tuples(authors, epochs, numbers), max_size=4)
texts = st.sampled_from(
    [("hello",), ("\0" * TEXT_CHARACTERS,), ("\U0001f642",) * TEXTS, ("\ufdfd", "\x1b[2J")]
)
times = st.sampled_from([0.0, 1.7e9, 253_402_300_799.0])
acts = st.one_of(
    st.tuples(st.just("text"), epochs, st.sampled_from([0, 0, 0, 1, 2**40]), numbers, times, texts,
              positions),
    st.tuples(st.just("hello"), numbers, positions),
    st.tuples(st.just("ack"), positions),
    st.tuples(st.just("want"), st.tuples(authors, epochs, numbers)),
    st.tuples(st.just("members"), numbers),
    st.tuples(st.just("entry"), numbers, positions, numbers),
    st.tuples(st.just("carol"), st.sampled_from(["hi", LONGEST, "/history"])),
)  # fmt: skip


class Recorded(MemoryWire):
    """Everything that anybody sends, by the two ends of the wire."""

    said: ClassVar[dict[tuple[Any, Any], bytearray]] = {}

    async def send_all(self, data: bytes | bytearray) -> None:
        self.said.setdefault((self.local, self.remote), bytearray()).extend(data)
        await super().send_all(data)


def all_can_be_read(person: Person) -> None:
    for (local, remote), said in Recorded.said.items():
        if local.host == person.host:
            language = ToDirectory if remote == DIRECTORY else BetweenPeers
            whole = said[: said.rfind(b"\n") + 1]  # the rest was on its way
            heard: list[Any] = Codec[Any](language, LINE_BYTES).feed(whole)
            assert not [message for message in heard if isinstance(message, Unknown)]


class Play:
    """What mallory does, with what has to be right for carol to take it."""

    def __init__(self, community: Community, carol: Person, mallory: Raw) -> None:
        self.community, self.carol, self.mallory = community, carol, mallory
        self.carol_id = id_of(carol)
        self.last: dict[str, int] = {}  # of what mallory wrote in each epoch
        self.number = 0
        self.link: RawLink

    async def lets_in(self, since: list[tuple[str, str, int]], lamport: int) -> None:
        link = self.link = await self.mallory.dials(self.carol)
        await self.mallory.invites(self.carol, link)
        await link.hears(Ringing)
        await self.carol.types("Y")
        accept = await link.hears(Accept)
        assert accept.membership is not None
        members = (self.mallory.founded, accept.membership)
        link.says(self.mallory.confirm(self.carol, members, self.positions(since), lamport))
        link.says(self.hello(0, ()))
        self.last = {
            one.epoch: one.seq for one in self.positions(since) if one.author == self.mallory.me.id
        }
        await trio.sleep(1)

    def positions(self, drawn: list[tuple[str, str, int]]) -> tuple[Position, ...]:
        names = {"CAROL": self.carol_id, "MALLORY": self.mallory.me.id}
        return tuple(Position(names.get(author, author), of, seq) for author, of, seq in drawn)

    def hello(self, number: int, have: tuple[Position, ...]) -> Hello:
        self.number = max(self.number + 1, number)
        hello = self.mallory.hello(min(self.number, COUNT_MOST), "0" * 32, *have)
        signature = self.mallory.me.identity.sign(hello_statement(hello))
        return msgspec.structs.replace(hello, signature=signature)

    async def does(self, act: tuple[Any, ...]) -> None:
        if act[0] == "carol":
            await self.carol.types(act[1])
            await trio.sleep(0.1)
            return
        if self.link.is_over:
            self.link = await self.mallory.dials(self.carol)
            self.link.says(self.hello(0, ()))
        self.link.says(self.message(act))
        await trio.sleep(0.1)

    def message(self, act: tuple[Any, ...]) -> Message:
        me, conversation = self.mallory.me, self.mallory.conversation
        match act:
            case ("text", epoch, skip, lamport, time, said, after):
                seq = self.last.get(epoch, 0) + 1 + skip
                if not skip:
                    self.last[epoch] = seq + len(said) - 1
                return self.mallory.text(
                    seq, *said, epoch=epoch, lamport=lamport, time=time, after=self.positions(after)
                )
            case ("hello", number, have):
                return self.hello(number, self.positions(have))
            case ("ack", have):
                return Acknowledge(conversation, self.positions(have))
            case ("want", after):
                return Want(conversation, self.positions([after])[0])
            case ("members", counter):
                signed = membership._sign(
                    me, conversation, counter, None, self.mallory.founded.salt
                )
                return Members(conversation, (signed,))
            case ("entry", counter, since, told):
                return Entry(conversation, me.id, counter, self.positions(since), told)
        raise AssertionError(act)


async def play(since: list[tuple[str, str, int]], lamport: int, done: list[Any]) -> None:
    Recorded.said.clear()
    async with open_community() as community:
        community.hub.wire = Recorded
        (carol,) = await community.start("carol")
        async with raw(community, "mallory") as mallory:
            story = Play(community, carol, mallory)
            await story.lets_in(since, lamport)
            for act in done:
                await story.does(act)
            await trio.sleep(1)
            await carol.types("/history", "/search hello", "bye")
            told = carol.saw(UNREADABLE)
            await carol.is_killed()
            all_can_be_read(carol)
            await carol.starts()
            await mallory.dials(carol)
            await trio.sleep(3)
            await carol.types("/history", "/search hello", "/quit conversation")
            await trio.sleep(40)
            all_can_be_read(carol)
            assert not told + carol.saw(UNREADABLE)


AT_THE_EDGE = [("MALLORY", "3" * 16, COUNT_MOST - TEXTS - 1)]
BEYOND = [("MALLORY", "3" * 16, COUNT_MOST - 1)]
ON_TO_THE_END: tuple[Any, ...] = ("text", "3" * 16, 0, COUNT_MOST, 0.0, ("a",) * TEXTS, [])
UGLY = [(f"{number:\1>32}", "\1" * 16, 1) for number in range(190)]  # as many as fit in a line
FULL = [(f"x{number}", "3" * 16, COUNT_MOST) for number in range(POSITIONS)]


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@example(AT_THE_EDGE, COUNT_MOST, [ON_TO_THE_END, ("carol", "hi")])
@example(BEYOND, COUNT_MOST, [ON_TO_THE_END, ("carol", "hi")])
@example(UGLY, 0, [("carol", "\1" * TEXT_CHARACTERS)])
@example([], 0, [("members", COUNT_MOST - 1), ("carol", "hi")])
@example(FULL, 0, [("carol", LONGEST)])
@given(positions, numbers, st.lists(acts, max_size=8))
def test_after_anything_all_that_i_say_and_keep_can_be_read(
    since: list[tuple[str, str, int]], lamport: int, done: list[Any]
) -> None:
    trio.run(play, since, lamport, done, clock=MockClock(autojump_threshold=0))
