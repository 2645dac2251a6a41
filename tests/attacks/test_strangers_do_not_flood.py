"""Whoever I have never answered cannot fill my screen, my disk or my questions.

Findings 11 and 18: a stranger wrote 4.4 MiB a second to the disk of whom they liked.
"""

from contextlib import AsyncExitStack

import trio

from peer.core import membership
from peer.core.invitation.actions import Ask
from peer.core.invitation.ledger import State
from peer.core.invitation.machine import InvitationMachine
from peer.core.invitation.questions import STRANGERS_A_MINUTE
from peer.core.stranger_limits import BYTES_MOST, LINE_BYTES, LINES_AT_ONCE
from shared.messages.common import TEXT_CHARACTERS
from shared.messages.directory import Lookup
from shared.messages.peers import Busy, Cancel, Confirm, Invite, No, Private, Shown, ToAll
from tests.kit.community import Community, Person
from tests.kit.raw_peer import Raw, RawLink, raw
from tests.kit.unsigned import Ids, Unsigned
from tests.kit.world import EPOCH

FIRST = "mallory writes to you for the first time; IGNORE mallory hears no more."


def line(number: int, text: str = "hello") -> Private:
    return Private(f"{number:032x}", EPOCH, text)


# --- Lines ------------------------------------------------------------------------


async def test_a_strangers_lines_come_slowly_and_none_is_lost(community: Community) -> None:
    carol, _ = await community.start("carol", "dave")
    carol.screen.is_quick = True
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        begun = trio.current_time()
        for number in range(300):
            link.says(line(number, f"flood {number}"))
            await link.hears(Shown)
        assert trio.current_time() - begun >= (300 - LINES_AT_ONCE - 1) / 20
        assert not link.is_over
    assert carol.saw("[private] mallory: flood") == 300


async def test_who_sends_without_waiting_is_not_cut_for_the_pace(community: Community) -> None:
    (carol,) = await community.start("carol")
    carol.screen.is_quick = True
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        for number in range(int(LINES_AT_ONCE)):
            link.says(line(number))
            await link.hears(Shown)
        link.says(*(line(number) for number in range(200, 600)))
        await trio.sleep(30)
        assert not link.is_over
        assert carol.saw("[private] mallory: hello") == LINES_AT_ONCE + 400
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you)")


async def test_a_stranger_fills_one_mebibyte_and_reads_why_there_is_no_more(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    carol.screen.is_quick = True
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        for number in range(BYTES_MOST // (TEXT_CHARACTERS + LINE_BYTES)):
            if number == 60:  # also after a restart
                await carol.is_killed()
                await carol.starts()
                carol.screen.is_quick = True
                link = await mallory.dials(carol)
            link.says(line(number, "x" * TEXT_CHARACTERS))
            await link.hears(Shown)
        link.says(line(900, "x" * TEXT_CHARACTERS))
        no = await link.hears(No)
        assert no.reason == "they have never answered you, and take no more until they do"
        link.says(ToAll(f"{999:032x}", EPOCH, "x" * TEXT_CHARACTERS))
        await link.hears(No)
        await carol.types("PRV mallory what do you want?")
        link.says(line(1_000, "y" * TEXT_CHARACTERS))
        assert (await link.hears(Shown)).id == f"{1_000:032x}"


async def test_an_author_reads_that_nothing_more_is_taken(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    carol.screen.is_quick = True
    for _ in range(BYTES_MOST // (TEXT_CHARACTERS + LINE_BYTES)):
        await dave.types("PRV carol " + "x" * TEXT_CHARACTERS)
    await dave.types("PRV carol " + "y" * TEXT_CHARACTERS)
    await dave.sees(
        "Not delivered to carol: they have never answered you, and take no more until they do.",
        within=30,
    )
    dave.never_saw("Message left for carol.")
    carol.never_saw("yyy")
    await carol.types("dave enough")
    await dave.sees("[private] carol: enough")
    await dave.types("PRV carol sorry")
    await carol.sees("[private] dave: sorry")


async def test_a_stranger_is_announced_once_before_their_first_line(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        link.says(line(1, "buy"), line(2, "now"))
        await carol.sees(FIRST)
        await carol.sees("[private] mallory: buy")
        await carol.sees("[private] mallory: now")
        assert carol.saw(FIRST) == 1
        await carol.starts_again()
        link = await mallory.dials(carol)
        link.says(line(3, "again"))
        await carol.sees("[private] mallory: again")
        carol.never_saw(FIRST)


async def test_nobody_to_whom_i_have_written_is_announced(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("PRV dave hello")
    await dave.sees("carol writes to you for the first time; IGNORE carol hears no more.")
    await dave.sees("[private] carol: hello")
    await dave.types("PRV carol hi")
    await carol.sees("[private] dave: hi")
    carol.never_saw("for the first time")


async def test_who_was_in_a_conversation_to_which_i_said_yes_is_no_stranger(
    community: Community,
) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees("User carol wants to chat with you and dave. Would you like to? (Y/N)")
    await erin.types("Y")
    await erin.sees_part("You are now connected with")
    await dave.types("@erin welcome")
    await erin.sees("[private] dave: welcome")
    erin.never_saw("for the first time")


async def test_a_friends_lines_know_no_pace(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    carol.screen.is_quick = True
    await carol.types("hello")
    begun = trio.current_time()
    for number in range(400):
        await dave.types(f"@carol line {number}")
    await carol.sees("[private] dave: line 399", within=30)
    assert trio.current_time() - begun < 5


# --- Invitations ------------------------------------------------------------------


async def test_nobodys_confirms_push_out_the_invitation_of_another(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        link.says(*(Confirm(f"{number:032x}") for number in range(1_000)))
        await trio.sleep(1)
        await carol.types("Y")
        await carol.sees("You are now connected with dave.")
        assert len(carol.peer._exchange.invitations._core._ledger.all(*State)) < 5
        assert not link.is_over


async def test_three_strangers_ask_at_once_and_a_friend_besides(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("PRV dave ask me later")
    async with AsyncExitStack() as stack:
        for name in ("ann", "bobby", "mallory"):
            stranger = await stack.enter_async_context(raw(community, name))
            await invites(stranger, carol)
            await carol.sees(f"User {name} wants to chat with you. Would you like to? (Y/N)")
        fourth = await stack.enter_async_context(raw(community, "mallory2"))
        link = await invites(fourth, carol)
        assert not (await link.hears(Busy)).interruptible
        await dave.types("CHAT carol")
        await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
        await carol.types("Y dave")
        await carol.sees("You are now connected with dave.")
    carol.never_saw("mallory2 wants")


async def invites(stranger: Raw, whom: Person) -> RawLink:
    """Each with an id of their own."""
    contact = await stranger.client.ask(Lookup(stranger.client.next_id(), whom.name))
    member = membership.member_id(whom.name, contact.key)
    adding = membership.add(stranger.me, stranger.conversation, stranger.founded, member, 1)
    link = await stranger.dials(whom)
    id = stranger.me.identity.public.hex()[:32]
    link.says(Invite(id, stranger.conversation, (stranger.name,), adding=adding))
    return link


async def test_invitations_that_nobody_is_asked_about_leave_little_behind(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    await carol.types("STATUS BUSY")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        contact = await mallory.client.ask(Lookup(mallory.client.next_id(), "carol"))
        member = membership.member_id("carol", contact.key)
        adding = membership.add(mallory.me, mallory.conversation, mallory.founded, member, 1)
        for number in range(20):
            link.says(
                Invite(
                    f"{number:032x}", mallory.conversation, ("mallory", "dave"), adding=adding,
                    proof=(mallory.founded,) * 50,
                )
            )  # fmt: skip
            await link.hears(Busy)
    kept = carol.peer._exchange.invitations._core._ledger.all(*State)
    assert kept
    assert not any(one.invite.proof for one in kept)


def ask(core: InvitationMachine, inviter: str, number: int, now: float) -> bool:
    """Whether the question of an invitation is asked; nobody answers it."""
    invite = Invite(f"{number:032x}", f"{number:032x}", (inviter,))
    actions = core.receive(inviter, invite, now)
    asked = any(isinstance(one, Ask) for one in actions)
    core.receive(inviter, Cancel(invite.id), now)
    return asked


def test_strangers_ask_six_questions_a_minute_and_friends_as_many_as_they_like() -> None:
    core = InvitationMachine("carol", Ids(0), Unsigned())
    core.situation.answered = {"dave"}
    asked = [ask(core, f"stranger{number}", number, number / 10) for number in range(50)]
    assert asked == [True] * STRANGERS_A_MINUTE + [False] * (50 - STRANGERS_A_MINUTE)
    assert all(ask(core, "Dave", 100 + number, 5.0) for number in range(20))
    assert not ask(core, "mallory", 200, 59.9)
    assert ask(core, "mallory", 201, 60.0)
