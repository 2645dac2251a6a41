"""Statuses, who hears of them, and where somebody can be found."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.limits import CROWD_ABOVE
from directory_server.housekeeping import LEASE_SECONDS
from shared.errors import Refused, Unreachable
from shared.messages.common import Err, Ping, Status
from shared.messages.directory import (
    Arr,
    Chg,
    Contact,
    Done,
    Drop,
    Fetch,
    List,
    Lookup,
    SetSpots,
    SetStatus,
    StatusNow,
    Stir,
    Watch,
)
from shared.messages.spots import SPOTS, Spot
from tests.kit.directory import ELSEWHERE, SOON, TOWN_HALL, Town, news
from tests.kit.raw_client import PORT, Client, identity_of


async def status_of(asker: Client, name: str) -> Status:
    contact = await asker.ask(Lookup(asker.next_id(), name))
    assert isinstance(contact, Contact)
    return contact.status


# --- Idle ---


async def test_who_touches_nothing_becomes_inactive_and_comes_back(
    town: Town, autojump_clock: MockClock
) -> None:
    dave = await town.enters("dave", status=Status.BUSY)
    carol = await town.enters("carol")
    await news(dave)

    for _ in range(4):  # programs PING; that is no sign of a person
        carol.say(Ping())
        dave.say(Stir())
        await trio.sleep(80)
    dave.say(Stir())

    assert (await carol.hears(StatusNow)).status is Status.INACTIVE
    assert await news(dave) == ["carol INACTIVE"]
    carol.say(Stir())
    assert (await carol.hears(StatusNow)).status is Status.ACTIVE
    assert await news(dave) == ["carol ACTIVE"]


@pytest.mark.parametrize(
    ("status", "by_hand"), [(Status.BUSY, False), (Status.BUSY, True), (Status.ACTIVE, True)]
)
async def test_a_status_set_by_hand_and_busy_are_left_alone(
    town: Town, autojump_clock: MockClock, status: Status, by_hand: bool
) -> None:
    carol = await town.enters("carol")
    assert await carol.ask(SetStatus(7, status, by_hand)) == Done(7)
    for _ in range(10):
        carol.say(Ping())
        await trio.sleep(80)
    dave = await town.enters("dave")
    assert await status_of(dave, "carol") is status
    assert not [message for message in carol.heard if isinstance(message, StatusNow)]


async def test_inactive_by_hand_stays_although_the_user_is_active(town: Town) -> None:
    carol = await town.enters("carol", status=Status.INACTIVE, by_hand=True)
    assert await status_of(carol, "carol") is Status.INACTIVE
    carol.say(Stir())
    assert await status_of(carol, "carol") is Status.INACTIVE
    await carol.ask(SetStatus(carol.next_id(), Status.ACTIVE))
    assert await status_of(carol, "carol") is Status.ACTIVE


async def test_what_a_program_does_by_itself_is_no_sign_of_a_person(town: Town) -> None:
    carol = await town.enters("carol", status=Status.INACTIVE)
    dave = await town.enters("dave")
    await carol.ask(Fetch(carol.next_id()))
    await carol.ask(List(carol.next_id()))
    await carol.ask(Lookup(carol.next_id(), "dave", own=True))
    await carol.ask(Drop(carol.next_id(), "dave", "ab" * 16, b"sealed"))
    assert await status_of(dave, "carol") is Status.INACTIVE
    carol.say(Stir())
    assert (await carol.hears(StatusNow)).status is Status.ACTIVE
    assert await status_of(dave, "carol") is Status.ACTIVE


async def test_who_only_looks_around_falls_idle(town: Town, autojump_clock: MockClock) -> None:
    carol = await town.enters("carol")
    for _ in range(4):
        await carol.ask(List(carol.next_id()))
        await trio.sleep(80)
    assert (await carol.hears(StatusNow)).status is Status.INACTIVE


async def test_nobody_falls_idle_where_that_is_switched_off(
    town: Town, autojump_clock: MockClock
) -> None:
    await town.closes()
    await town.opens(idle_after=0)
    carol = await town.enters("carol")
    for _ in range(100):
        carol.say(Ping())
        await trio.sleep(80)
    assert carol.welcome.idle_after == 0
    assert await status_of(await town.enters("dave"), "carol") is Status.ACTIVE


async def test_offline_is_no_status_to_choose(town: Town) -> None:
    carol = await town.enters("carol")
    no = await carol.ask(SetStatus(1, Status.OFFLINE))
    assert no == Err(
        "REFUSED", "choose ACTIVE, BUSY or INACTIVE: you are OFFLINE when you leave", 1
    )
    assert await status_of(carol, "carol") is Status.ACTIVE


async def test_since_is_when_the_status_began(town: Town, autojump_clock: MockClock) -> None:
    carol = await town.enters("carol")
    came = town.machine.clock.time()
    await trio.sleep(50)
    assert abs((await carol.ask(Lookup(1, "carol"))).since - came) < 1
    await carol.ask(SetStatus(2, Status.BUSY))
    began = town.machine.clock.time()
    await trio.sleep(30)
    await carol.ask(SetStatus(3, Status.BUSY, by_hand=True))
    assert abs((await carol.ask(Lookup(4, "carol"))).since - began) < 1


# --- News ---


async def test_a_hundred_arrivals_are_told_in_a_few_lines(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await town.enters("carol")
    await news(carol)

    async with trio.open_nursery() as nursery:
        for number in range(CROWD_ABOVE - 1):
            at = f"10.0.1.{number}"
            nursery.start_soon(lambda name, at: town.enters(name, at=at), f"user{number}", at)
    await trio.sleep(SOON)

    arrivals = [message for message in carol.heard if isinstance(message, Arr)]
    assert len(arrivals) <= 3
    assert len(await news(carol)) == CROWD_ABOVE - 1


async def test_a_blink_is_no_news(town: Town, autojump_clock: MockClock) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    await news(carol)

    await dave.ask(SetStatus(1, Status.BUSY))
    await dave.leaves()
    await (await town.enters("erin")).leaves()

    assert await news(carol) == ["dave left"]


async def test_what_goes_on_while_news_is_told_is_told_later(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    await news(carol)
    told = []
    for status in (Status.BUSY, Status.ACTIVE) * 5:
        await dave.ask(SetStatus(dave.next_id(), status))
        told += await news(carol)
    assert told == ["dave BUSY", "dave ACTIVE"] * 5


async def test_more_news_than_fits_is_told_in_turns(
    town: Town, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directory_server.housekeeping.NEWS_AT_ONCE", 3)
    monkeypatch.setattr("directory_server.core.presence.words.PAGE", 2)
    monkeypatch.setattr("directory_server.housekeeping.POSTS_AT_ONCE", 2)
    carol = await town.enters("carol")
    await news(carol)
    others = [await town.enters(f"user{number}") for number in range(8)]
    assert len(await news(carol)) == 8
    for other in others:
        await other.leaves()
    assert sorted(await news(carol)) == [f"user{number} left" for number in range(8)]


# --- Notes ---


async def notes(client: Client) -> list[tuple[str, str]]:
    """The notes that a user has been told of others, and has not looked at yet."""
    await trio.sleep(SOON)
    told = [user for message in client.heard if isinstance(message, Arr | Chg)
            for user in message.users]  # fmt: skip
    client.heard.clear()
    return [(user.name, user.note) for user in told]


async def test_a_note_is_told_with_its_status_and_is_gone_at_the_next(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await town.enters("carol")
    dave = await town.enters("dave", note="at my desk")
    assert ("dave", "at my desk") in await notes(carol)
    await dave.ask(SetStatus(1, Status.BUSY, by_hand=True, note="back at five"))
    assert await notes(carol) == [("dave", "back at five")]
    assert (await carol.ask(Lookup(1, "dave"))).note == "back at five"
    page = await carol.ask(List(2))
    assert [(user.name, user.note) for user in page.users] == [
        ("carol", ""), ("dave", "back at five")
    ]  # fmt: skip
    await dave.ask(SetStatus(2, Status.ACTIVE))
    assert await notes(carol) == [("dave", "")]
    await dave.ask(SetStatus(3, Status.BUSY, note="lunch"))
    await dave.leaves()
    assert (await carol.ask(Lookup(3, "dave"))).note == ""


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("\x1b]2;owned\x07\x1b[2J", "\N{SYMBOL FOR ESCAPE}]2;owned\N{SYMBOL FOR BELL}"
         "\N{SYMBOL FOR ESCAPE}[2J"),
        ("a\n* carol is offline.\r\u2028b", "a * carol is offline. b"),
        ("\u202eevil\u2066", "\N{REPLACEMENT CHARACTER}evil\N{REPLACEMENT CHARACTER}"),
        ("  \t ", ""),
        ("\t" * 80 + "x", None),
        ("x\u0301" * 40, "x\u0301" * 40),
        ("x" + "\u0301" * 79, "x" + "\u0301" * 8),
    ],
)  # fmt: skip
async def test_a_note_is_one_harmless_line_whatever_its_author_sends(
    town: Town, autojump_clock: MockClock, note: str, told: str | None
) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    await notes(carol)
    dave.say(SetStatus(1, Status.BUSY, note=note))
    if told is None:  # longer than any program sends: the link ends
        await trio.sleep(SOON)
        assert dave.is_over
    else:
        assert ("dave", told) in await notes(carol)
        assert not dave.is_over


async def test_a_note_of_ten_thousand_characters_ends_its_link_and_nobody_hears_it(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    await notes(carol)
    dave.say(SetStatus(1, Status.BUSY, note="x" * 10_000))
    assert (await dave.hears(Err)).code == "PROTOCOL"
    assert await news(carol) == ["dave left"]


async def test_a_note_each_millisecond_costs_its_author_the_notes_and_others_nothing(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    await notes(carol)
    for number in range(3_000):
        dave.say(SetStatus(number, Status.BUSY, note=f"number {number}"))
        await trio.sleep(0.001)
    told = [note for _, note in await notes(carol)]
    assert len([note for note in told if note]) <= 10
    assert told[-1] == ""
    assert next(one for one in dave.heard if isinstance(one, Err)).code == "NOTE"
    assert await status_of(carol, "dave") is Status.BUSY


async def test_a_note_that_stays_costs_nothing(town: Town, autojump_clock: MockClock) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    for number in range(50):
        status = (Status.BUSY, Status.ACTIVE)[number % 2]
        await dave.ask(SetStatus(number, status, note="back at five"))
    assert (await carol.ask(Lookup(1, "dave"))).note == "back at five"


# --- Lists and look-ups ---


async def test_a_list_has_everybody_in_the_order_of_names_page_by_page(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directory_server.answers.PAGE", 2)
    await (await town.enters("dave")).leaves()
    await town.enters("Erin", status=Status.BUSY)
    await town.enters("bob")
    await town.enters("Alice")
    carol = await town.enters("carol")

    request = List(9)
    pages = [await carol.ask(request)]
    while pages[-1].more:
        pages.append(await carol.answer_to(request))

    assert [[user.name for user in page.users] for page in pages] == [
        ["Alice", "bob"],
        ["carol", "dave"],
        ["Erin"],
    ]
    assert [user.status.value for page in pages for user in page.users] == [
        "ACTIVE",
        "ACTIVE",
        "ACTIVE",
        "OFFLINE",
        "BUSY",
    ]


async def test_a_part_of_a_list_comes_in_one_answer(town: Town) -> None:
    await (await town.enters("Joan")).leaves()
    for name in ("jo", "John", "karl"):
        await town.enters(name)
    carol = await town.enters("carol")

    async def part(**how: Any) -> tuple[list[str], bool]:
        page = await carol.ask(List(carol.next_id(), **how))
        return [user.name for user in page.users], page.more

    assert await part(prefix="JO", most=2) == (["jo", "Joan"], True)
    assert await part(prefix="JO", most=2, after="joan") == (["John"], False)
    assert await part(prefix="jo", most=400, here=True) == (["jo", "John"], False)
    assert await part(prefix="jo") == (["jo", "Joan", "John"], False)
    assert await part(after="john", here=True) == (["karl"], False)
    assert await part(prefix="\x1b[2J" * 60, most=1) == ([], False)


@pytest.mark.parametrize("most", [-1, 401, 2**70])
async def test_no_answer_is_longer_than_a_page(town: Town, most: int) -> None:
    carol = await town.enters("carol")
    carol.say(List(1, most=most))
    assert (await carol.hears(Err)).code == "PROTOCOL"
    await carol.ends()


async def test_who_is_watched_is_told_of_at_once_if_the_name_exists(town: Town) -> None:
    await town.enters("Dave")
    carol = await town.enters("carol")
    answer = await carol.ask(Watch(1, ("DAVE", "erin")))
    assert [(user.name, user.status) for user in answer.users] == [("Dave", Status.ACTIVE)]
    assert not answer.more


async def test_a_look_up_says_where_and_with_which_keys(town: Town) -> None:
    carol = await town.enters("carol")
    await town.enters("dave", at="10.0.0.4")
    identity = identity_of("dave")

    contact = await carol.ask(Lookup(1, "DAVE"))

    assert (contact.name, contact.status) == ("dave", Status.ACTIVE)
    assert (contact.host, contact.port) == ("10.0.0.4", PORT)
    assert (contact.key, contact.sealing_key) == (identity.public, identity.sealing_public)
    assert contact.sealing_proof == identity.sealing_proof()


async def test_nobody_is_told_where_an_absent_user_was(town: Town) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    await dave.leaves()
    contact = await carol.ask(Lookup(1, "dave"))
    assert (contact.status, contact.host, contact.port) == (Status.OFFLINE, "", 0)


async def test_an_unknown_user_does_not_exist(town: Town) -> None:
    carol = await town.enters("carol")
    assert await carol.ask(Lookup(4, "dave")) == Err("NOBODY", "User dave does not exist!", 4)
    assert (await carol.ask(Lookup(5, "\x1b[2J"))).code == "NOBODY"


async def test_what_a_user_advertises_is_what_others_are_told(town: Town) -> None:
    carol = await town.enters("carol")

    dave = await town.enters("dave", host="dave.example", port=7)

    assert dave.welcome.host == "dave.example"
    contact = await carol.ask(Lookup(1, "dave"))
    assert (contact.host, contact.port) == ("dave.example", 7)


@pytest.mark.parametrize("loopback", ["127.0.0.1", "::1"])
async def test_who_sits_beside_the_directory_is_found_at_its_address(
    town: Town, loopback: str
) -> None:
    dave = await town.enters("dave", at=loopback)
    neighbour = await town.enters("erin", at="127.0.0.1")
    carol = await town.enters("carol", at=ELSEWHERE)

    assert dave.welcome.host == loopback
    assert (await neighbour.ask(Lookup(1, "dave"))).host == loopback
    assert (await carol.ask(Lookup(1, "dave"))).host == TOWN_HALL
    assert (await dave.ask(Lookup(1, "carol"))).host == ELSEWHERE


# --- The dead ---


@pytest.mark.parametrize("few", [1_000, 0], ids=["among few", "among many"])
async def test_a_host_that_vanishes_with_bytes_on_their_way_is_offline_in_ten_seconds(
    town: Town, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("directory_server.housekeeping.FEW_LINKS", few)
    carol = await town.enters("carol")
    await town.enters("dave", at="10.0.0.4")
    await news(carol)

    town.hub.separate(TOWN_HALL, "10.0.0.4")
    await town.enters("erin")  # dave is told of her: these bytes arrive nowhere
    await trio.sleep(9)
    assert await news(carol) == ["erin came", "dave left"]


async def test_a_program_that_says_nothing_for_too_long_is_cut(
    town: Town, autojump_clock: MockClock
) -> None:
    """Its kernel still confirms all that comes, so only an answer shows that it lives."""
    carol, dave = await town.enters("carol"), await town.enters("dave", at="10.0.0.4")
    cable = town.hub.cables("10.0.0.4")[0]
    cable.stall(reader="10.0.0.4")
    for _ in range(int(LEASE_SECONDS / 30) + 1):
        carol.say(Ping())
        await trio.sleep(30)
    assert await status_of(carol, "dave") is Status.OFFLINE
    cable.heal()
    with pytest.raises(Unreachable):
        await dave.hears(Contact)
    assert not carol.is_over


async def test_a_program_that_answers_when_it_is_asked_stays_registered(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    await trio.sleep(5 * LEASE_SECONDS)
    assert await status_of(carol, "dave") is not Status.OFFLINE
    assert not dave.is_over


async def test_a_directory_that_was_stopped_for_a_while_blames_nobody(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    autojump_clock.jump(2 * LEASE_SECONDS)
    await trio.sleep(LEASE_SECONDS - 1)
    assert await status_of(carol, "dave") is Status.ACTIVE
    assert not dave.is_over


async def test_who_does_not_read_is_cut_before_much_is_kept_for_them(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave", at="10.0.0.4")
    town.hub.cables("10.0.0.4")[0].stall(reader="10.0.0.4")
    while await status_of(carol, "dave") is not Status.OFFLINE:
        for _ in range(500):
            dave.say(Lookup(1, "nobody" + "x" * 200))
        await trio.sleep(1)
    assert not carol.is_over


# --- Where else somebody may be ---


async def test_local_addresses_are_told_to_neighbours_only(
    town: Town, autojump_clock: MockClock
) -> None:
    lan, everywhere = Spot("192.168.1.20", PORT, "LAN"), Spot("2001:db8::20", PORT, "GLOBAL6")
    of_a_victim = Spot("203.0.113.5", 22, "LAN")
    carol = await town.enters("carol", at="198.51.100.1", spots=(of_a_victim, lan, everywhere))
    neighbour = await town.enters("dave", at="198.51.100.1")
    stranger = await town.enters("erin", at="198.51.100.2")
    plain = Spot("198.51.100.1", PORT, "SEEN")
    for asker, spots in ((neighbour, (lan, everywhere, plain)), (stranger, (everywhere, plain))):
        contact = await asker.ask(Lookup(asker.next_id(), "carol"))
        assert contact.spots == spots
        assert (contact.host, contact.port) == ("198.51.100.1", PORT), "what old programs dial"
    await carol.leaves()
    contact = await stranger.ask(Lookup(stranger.next_id(), "carol"))
    assert contact.spots == ()


async def test_spots_that_have_changed_count_from_then_on(town: Town) -> None:
    old = Spot("192.168.1.20", 40_000, "LAN")
    carol = await town.enters("carol", at="198.51.100.1", spots=(old,))
    stranger = await town.enters("stranger", at="198.51.100.2")
    asked = SetSpots(carol.next_id(), (Spot("", 40_200, "MAPPED"), Spot("10.0.0.5", 22, "SEEN")))
    assert isinstance(await carol.ask(asked), Done)
    contact = await stranger.ask(Lookup(stranger.next_id(), "carol"))
    plain = Spot("198.51.100.1", PORT, "SEEN")
    assert contact.spots == (Spot("198.51.100.1", 40_200, "MAPPED"), plain)
    await carol.ask(SetSpots(carol.next_id(), ()))
    assert (await stranger.ask(Lookup(stranger.next_id(), "carol"))).spots == (plain,)


async def test_more_spots_than_anybody_has_are_refused(town: Town) -> None:
    many = tuple(Spot(f"10.0.0.{number}", PORT, "LAN") for number in range(SPOTS + 1))
    with pytest.raises(Refused, match="spots"):
        await town.enters("carol", spots=many)
