"""What the programs of others may try, and what comes of it."""

import msgspec
import pytest
import trio

from peer.core.conversation.incoming.inbox import EPOCHS
from peer.core.conversation.texts import WINDOW_TEXTS
from peer.runtime.lines.private_lines import UNSHOWN_LINES
from peer.runtime.link.table import LINKS_PER_USER
from shared.messages.common import TEXT_CHARACTERS, VERSION, Err
from shared.messages.directory import Unregister
from shared.messages.peers import (
    TEXTS,
    Accept,
    Acknowledge,
    Confirm,
    Gone,
    Leave,
    Members,
    PeerIam,
    Position,
    Private,
    Shown,
    Text,
    ToAll,
)
from tests.kit.community import Community
from tests.kit.raw_peer import INVITATION, RUN, id_of, raw
from tests.kit.world import EPOCH

FORGERY = "hi\ndave: I am dave\r\n\x1b[2J\x1b[31mcarol: I am you\u2028User x\u202e\x07"


def line(number: int) -> str:
    return f"{number:032x}"


# --- Who they say they are --------------------------------------------------------


async def test_nobody_speaks_under_another_name(community: Community) -> None:
    carol, _ = await community.start("carol", "dave")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol, as_name="dave")
        assert (await link.hears(Err)).text == ("you are not dave: your certificate says mallory")
        await link.ends()
        link = await mallory.dials(carol, as_name="carol")
        assert (await link.hears(Err)).code == "KEY"


async def test_a_message_in_the_wrong_place_is_answered(community: Community) -> None:
    """No part of the peer ignores it in silence; and an ERR is never answered with one."""
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        await link.hears(PeerIam)
        link.says(Err("UNKNOWN", "what?"), PeerIam(VERSION, "mallory", mallory.run, EPOCH))
        error = await link.hears(Err)
        assert (error.code, error.text) == ("UNKNOWN", "IAM does not belong here")
        link.says(Private(line(1), EPOCH, "hello"))
        await carol.sees("[private] mallory: hello")


async def test_nothing_but_a_name_may_come_first(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials_silently(carol)
        link.says(Private(line(1), EPOCH, "hello"))
        assert (await link.hears(Err)).text == "PRV does not belong here"
        link = await mallory.dials_silently(carol)
        link.says(PeerIam(VERSION + 1, "mallory", mallory.run, EPOCH))
        assert (await link.hears(Err)).code == "VERSION"
        link = await mallory.dials_silently(carol)
        await trio.sleep(8)
        assert not link.is_over
        assert await link.ends()
    carol.never_saw("mallory:")


async def test_a_name_that_was_given_back_opens_no_door(community: Community) -> None:
    """The certificate outlives the name; the directory knows better."""
    carol, _ = await community.start("carol", "dave")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials_silently(carol)
        await mallory.client.ask(Unregister(mallory.client.next_id()))
        link.says(PeerIam(VERSION, "mallory", mallory.run, EPOCH))
        assert (await link.hears(Err)).text == "User mallory does not exist!"


async def test_many_links_of_one_user_are_too_many(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        links = [await mallory.dials(carol) for _ in range(LINKS_PER_USER + 3)]
        await trio.sleep(0.1)
        assert sum(not link.is_over for link in links) <= LINKS_PER_USER
        links[-1].says(Private(line(1), EPOCH, "hello"))
        await carol.sees("[private] mallory: hello")


# --- What they say ----------------------------------------------------------------


async def test_no_text_forges_a_line_or_acts_on_the_screen(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        link.says(
            mallory.text(1, FORGERY),
            Private(line(1), EPOCH, FORGERY),
            ToAll(line(2), EPOCH, FORGERY),
        )
        link.says(mallory.text(2, "the end"))
        await carol.sees("mallory: the end")
    for shown in carol.lines:
        assert shown.isprintable(), repr(shown)
        assert not shown.startswith(("dave: ", "carol: ", "User x"))
    assert carol.saw("    dave: I am dave") == 3


async def test_an_envelope_with_a_forgery_is_harmless_too(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.peer.letters.leave("dave", FORGERY)
    await dave.starts()
    await dave.sees_part("] carol: hi")
    await dave.sees("    dave: I am dave")
    assert all(shown.isprintable() for shown in dave.lines)


async def test_a_text_is_never_acknowledged_before_it_was_sent(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        await carol.types("one")
        said = await link.hears(Text)
        more = Position(id_of(carol), said.epoch, 2)
        link.says(Acknowledge(mallory.conversation, (more,)))
        assert (await link.hears(Err)).text == "a text was acknowledged that was never sent"
        await link.ends()
        await carol.sees("Lost the connection to mallory, trying again.")


async def test_a_hello_with_more_than_was_sent_cuts_the_link(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        await carol.types("one")
        said = await link.hears(Text)
        link.says(mallory.hello(2, "0" * 32, Position(id_of(carol), said.epoch, 7)))
        assert (await link.hears(Err)).text == "a text was acknowledged that was never sent"


async def test_who_ignores_the_window_is_cut(community: Community) -> None:
    (carol,) = await community.start("carol")
    carol.screen.pauses()
    async with raw(community, "mallory") as mallory:
        carol.screen.goes_on()
        link = await mallory.talks(carol)
        carol.screen.pauses()
        for seq in range(1, 2 * WINDOW_TEXTS + TEXTS + 1):
            link.says(mallory.text(seq))
        await trio.sleep(0.1)
        assert not link.is_over
        link.says(mallory.text(2 * WINDOW_TEXTS + TEXTS + 1))
        assert (await link.hears(Err)).text == "more texts came than the window allows"


async def test_a_program_that_is_started_without_end_cuts_the_link(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        link.says(*(mallory.text(1, epoch=f"{start:016x}") for start in range(EPOCHS)))
        await trio.sleep(0.1)
        assert not link.is_over
        link.says(mallory.text(1, epoch="f" * 16))
        reason = "one author was started too often in one conversation"
        assert (await link.hears(Err)).text == reason


async def test_a_text_that_another_is_said_to_have_written_is_not_shown(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        link.says(msgspec.structs.replace(mallory.text(1, "I am carol"), author=id_of(carol)))
        link.says(msgspec.structs.replace(mallory.text(1, "I am dave"), author="dave" * 6))
        link.says(mallory.text(1, "and that was that"))
        await carol.sees("mallory: and that was that")
    carol.never_saw("I am")


async def test_repeated_texts_are_shown_once_and_acknowledged_again(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        one, two = mallory.text(1, "one"), mallory.text(2, "two")
        both = (Position(mallory.me.id, RUN, 2),)
        link.says(one, one, two, one, two)
        await carol.sees("mallory: two")
        assert (await link.hears(Acknowledge)).have == both
        link.says(one)
        assert (await link.hears(Acknowledge)).have == both
    assert [shown for shown in carol.lines if shown.startswith("mallory")] == [
        "mallory: one",
        "mallory: two",
    ]


async def test_a_text_for_a_conversation_of_others_is_not_heard(community: Community) -> None:
    carol, _ = await community.talking("carol", "dave")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        link.says(mallory.text(1, "let me in"))
        assert (await link.hears(Leave)).conversation == mallory.conversation
        theirs = carol.peer._exchange.conversations.conversation
        assert theirs is not None
        link.says(
            msgspec.structs.replace(mallory.text(1, "let me in"), conversation=theirs.id),
            Acknowledge(theirs.id, (Position(id_of(carol), theirs.outgoing.epoch, 50),)),
            Leave(theirs.id),
        )
        await carol.types("@mallory hello")
        link.says(Shown((await link.hears(Private)).id))
    carol.never_saw("let me in")
    assert carol.talks_with == ("dave",)


async def test_nobody_signs_themselves_into_a_conversation_of_others(community: Community) -> None:
    carol, _ = await community.talking("carol", "dave")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        theirs = carol.peer._exchange.conversations.conversation
        assert theirs is not None
        link.says(Members(theirs.id, (mallory.founded,)))
        assert (await link.hears(Err)).code == "PROTOCOL"
        await link.ends()
    assert carol.talks_with == ("dave",)


async def test_lines_faster_than_they_can_be_shown_cut_the_link(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        carol.screen.pauses()
        for number in range(UNSHOWN_LINES + 1):
            link.says(Private(line(number), EPOCH, "hello"))
        assert (await link.hears(Err)).text == "more lines came than can be shown"
        await link.ends()
        carol.screen.goes_on()
        again = await mallory.dials(carol)
        again.says(Private(line(1000), EPOCH, "sorry"))
        await carol.sees("[private] mallory: sorry")


async def test_a_repeated_line_is_shown_once_and_answered_again(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        link.says(*[Private(line(1), EPOCH, "hello")] * 3)
        await link.hears(Shown)
        link.says(Private(line(1), EPOCH, "hello"))
        assert (await link.hears(Shown)).id == line(1)
    assert carol.saw("hello") == 1


@pytest.mark.parametrize(
    "line",
    [
        b'{"t":"TEXT","conversation":5}\n',
        b'{"t":"PRV"}\n',
        b"[" * 5000 + b"\n",
        b"\xff\xfe\n",
        b"GET / HTTP/1.1\n",
        b'{"t":"ACK","conversation":"%s","have":[["carol","%s",-1]]}\n' % (b"2" * 32, b"3" * 16),
    ],
)
async def test_a_line_that_is_no_message_cuts_the_link_with_a_reason(
    community: Community, line: bytes
) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        await link.hears(PeerIam)
        link.says_bytes(line)
        assert (await link.hears(Err)).code == "PROTOCOL"
        await link.ends()
    await carol.types("STATUS")
    await carol.sees("Your status is ACTIVE.")


async def test_an_unknown_message_is_answered_and_forgotten(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        link.says_bytes(b'{"t":"DANCE"}\n')
        assert (await link.hears(Err)).code == "UNKNOWN"
        link.says(Err("UNKNOWN", "I can't dance"), Private(line(1), EPOCH, "x" * TEXT_CHARACTERS))
        await carol.sees_part("[private] mallory: xxx")


async def test_a_conversation_with_nobody_in_it_does_not_begin(community: Community) -> None:
    """CONFIRM and ACCEPT for what was never asked."""
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        link.says(Confirm(INVITATION), Accept(INVITATION), mallory.hello(1))
        assert (await link.hears(Gone)).id == INVITATION
        await link.hears(Leave)
    assert carol.talks_with == ()


async def test_a_partner_who_always_hangs_up_does_not_keep_us_busy(community: Community) -> None:
    """One try a second, and one line on the screen for each time it went wrong."""
    carol, dave = await community.talking("carol", "dave")
    for _ in range(5):
        community.cuts(carol, dave)
        await trio.sleep(0.3)
    await trio.sleep(5)
    assert carol.saw("Lost the connection") == carol.saw("dave is back.") == 5


async def test_a_full_disk_remembers_nobody_new_and_lives_on(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    carol.machine.disk.is_full = True
    await dave.types("@carol hello")
    await carol.sees("[private] dave: hello")
    await carol.types("LEAVE dave hello")
    await carol.sees_part("The disk did not take it")
    await carol.types("IGNORE dave")
    await carol.sees_part("The disk did not take it")
    carol.machine.disk.is_full = False
    await carol.types("@dave how are you?")
    await dave.sees("[private] carol: how are you?")
