"""Nothing that others write, or do, fills my screen or looks like somebody else's line there.

Findings 11 (three texts were 23,975 lines), 25 (names of users were billboards), 26 (anybody
could be named in an invitation) and 27 (a long line went on at the left edge of a plain
terminal).
"""

import os
import pty
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio
from trio.testing import MockClock

from peer import events
from peer.core import membership
from peer.core.history_entry import HistoryEntry, Kind
from peer.results import WhatWasSaid
from peer.runtime.doctor.examiner import examine_alone
from peer.screen.json_lines import objects
from peer.screen.line import LineFrontend, folded_lines, lines_for
from peer.screen.paint.long_texts import LINES_MOST
from peer.screen.paint.paint import Painter, ansi
from peer.screen.presence_lines import LINES_A_SECOND, Crowd
from peer.screen.terminal.terminal import Terminal
from shared.messages.common import TEXT_CHARACTERS
from shared.messages.directory import Lookup
from shared.messages.peers import Accept, Invite, Ringing
from shared.world import Address, SystemClock
from tests.kit.community import Community
from tests.kit.raw_peer import raw
from tests.kit.screens import PATIENCE, Screen, keys
from tests.kit.world import Hub

FORGED = "x" * 53 + " carol: the meeting is off"
FLOOD = "\n" * (TEXT_CHARACTERS - 1) + "."


@contextmanager
def plain_terminal(columns: int) -> Iterator[int]:
    """A terminal of this width; its descriptor."""
    master, slave = pty.openpty()
    try:
        termios.tcsetwinsize(slave, (24, columns))
        yield slave
    finally:
        os.close(master)
        os.close(slave)


def painted(event: events.Event) -> list[str]:
    painter = Painter(SystemClock(), "dave")
    return ansi(painter.paint(event), width=80, colours=None).splitlines()


# --- At the left edge -------------------------------------------------------------


@pytest.mark.parametrize("columns", [20, 40, 60, 71, 80])
def test_no_line_of_a_plain_terminal_goes_on_at_its_left_edge(columns: int) -> None:
    with plain_terminal(columns) as fd:
        first, *more = lines_for(fd)(events.Said("mallory", FORGED))
    assert first.startswith("mallory:")
    assert more
    assert all(line.startswith("    ") for line in more)
    assert all(len(line) <= columns for line in (first, *more))


def test_a_pipe_gets_lines_of_any_length() -> None:
    reading, writing = os.pipe()
    assert lines_for(writing)(events.Said("mallory", FORGED)) == [f"mallory: {FORGED}"]
    os.close(reading)
    os.close(writing)


def test_a_terminal_without_a_width_is_not_wrapped_anew() -> None:
    with plain_terminal(0) as fd:
        assert lines_for(fd)(events.Said("mallory", FORGED)) == [f"mallory: {FORGED}"]


# --- Long texts -------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        events.Said("mallory", FLOOD),
        events.SaidPrivately("mallory", FLOOD),
        events.SaidToAll("mallory", FLOOD),
        events.Letter("mallory", 0.0, FLOOD),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_text_of_many_lines_is_folded_for_people_and_whole_for_programs(
    event: events.Event,
) -> None:
    plain = folded_lines(event)
    assert len(plain) == LINES_MOST + 1
    assert plain[-1] == "    ... 7,960 more lines; HISTORY shows them."
    assert len(painted(event)) == LINES_MOST + 1
    assert painted(event)[-1].strip() == "... 7,960 more lines; HISTORY shows them."
    assert objects(event, 0.0)[0].count(r"\n") >= len(FLOOD) - 1


def test_forty_lines_stand_there_whole_and_one_more_is_one_line() -> None:
    forty = "\n".join(map(str, range(LINES_MOST)))
    assert folded_lines(events.Said("dave", forty))[-1] == "    39"
    said = folded_lines(events.Said("dave", f"{forty}\n40"))
    assert said[-1] == "    ... 1 more line; HISTORY shows it."


def test_empty_lines_at_the_end_of_a_text_are_neither_counted_nor_shown() -> None:
    forty = "\n".join(map(str, range(LINES_MOST)))
    for end in ("\n", "\r\n", "\n" * 7_000, "\u2028" * 7_000):
        assert folded_lines(events.Said("mallory", forty + end))[1:] == [
            f"    {number}" for number in range(1, LINES_MOST)
        ]
        longer = folded_lines(events.Said("mallory", f"{forty}\n40{end}"))
        assert longer[-1] == "    ... 1 more line; HISTORY shows it."
        assert len(painted(events.Said("mallory", f"{forty}{end}"))) == LINES_MOST


def test_history_shows_all_of_a_text() -> None:
    entry = HistoryEntry(
        kind=Kind.SAID, author="mallory", receiver="", time=0.0, text="\n".join("x" * 99)
    )
    assert len(folded_lines(WhatWasSaid((entry,), "dave", ""))) == 99


# --- Comings and goings -----------------------------------------------------------


async def test_who_is_ignored_comes_and_goes_unseen(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("IGNORE mallory")
    for _ in range(3):
        async with raw(community, "mallory"):
            await trio.sleep(1)
        await trio.sleep(1)
    carol.never_saw("* mallory")
    dave = community.person("dave")
    await dave.starts()
    await carol.sees("* dave is online.")


async def test_who_is_ignored_stays_away_unseen_after_an_outage(community: Community) -> None:
    carol, *others = await community.start("carol", "mallory", "dave")
    await carol.types("IGNORE mallory")
    await community.directory.crashes()
    await carol.sees("Lost the directory, trying again.")
    for other in others:
        await other.is_killed()
    await community.directory.starts()
    await carol.sees("* dave is offline.", within=300)
    await trio.sleep(1)
    carol.never_saw("* mallory is offline")


def test_a_crowd_takes_a_few_lines_a_second() -> None:
    reading, writing = os.pipe()

    async def play() -> None:
        face = LineFrontend(reading, writing)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(face.run)
            for second in range(10):
                for number in range(100):
                    face.show(events.Came(f"buy{second}-{number}"), events.Went("buy"))
                await trio.sleep(1)
            face.show(events.Came("dave"))
            await trio.sleep(2)
            nursery.cancel_scope.cancel()

    trio.run(play, clock=MockClock(rate=50))
    shown = os.read(reading, 2**20).decode().splitlines()
    assert "* dave is online." in shown
    assert len(shown) <= 12 * (LINES_A_SECOND + 1)
    assert any("more came online" in line for line in shown)
    os.close(reading)
    os.close(writing)


async def test_a_crowd_takes_a_few_lines_of_the_full_terminal() -> None:
    """Who come and go by turns share no line, as those do who come in a row."""
    screen = Screen()
    with keys() as pressed, trio.fail_after(2 * PATIENCE):
        face = Terminal(pressed, screen.output())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(face.run)
            await screen.sees("not registered")
            for _ in range(50):
                face.show(events.Came("mallory"), events.Went("mallory"))
            face.show(events.Notice("the end"))
            await screen.sees("the end")
            assert screen.text.count("* mallory is o") < 50
            await screen.sees("more came online")
            assert not any("-- *" in line for line in screen.above)
            nursery.cancel_scope.cancel()


def test_what_a_crowd_is_called() -> None:
    assert str(Crowd(3, 2)) == "* 3 more came online, 2 more went offline."
    assert str(Crowd(3, 0)) == "* 3 more came online."
    assert str(Crowd(0, 2)) == "* 2 more went offline."


# --- Invitations ------------------------------------------------------------------


async def test_an_invitation_shows_nobody_who_is_not_proven_to_be_in(community: Community) -> None:
    carol, _ = await community.start("carol", "dave")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        contact = await mallory.client.ask(Lookup(mallory.client.next_id(), "carol"))
        member = membership.member_id("carol", contact.key)
        adding = membership.add(mallory.me, mallory.conversation, mallory.founded, member, 1)
        named = ("mallory", "boss", "dave", "no.such.user")
        # That of another conversation is no proof either.
        elsewhere = membership.found(mallory.me, b"another salt....")
        link.says(Invite("1" * 32, mallory.conversation, named, adding=adding, proof=(elsewhere,)))
        await carol.sees("User mallory wants to chat with you. Would you like to? (Y/N)")
    carol.never_saw("boss")


async def test_a_yes_answers_nobody_who_is_not_proven_to_be_in(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        contact = await mallory.client.ask(Lookup(mallory.client.next_id(), "carol"))
        member = membership.member_id("carol", contact.key)
        adding = membership.add(mallory.me, mallory.conversation, mallory.founded, member, 1)
        named = ("mallory", "dave")
        link.says(Invite("1" * 32, mallory.conversation, named, adding=adding))
        await link.hears(Ringing)
        await carol.types("Y")
        await link.hears(Accept)
        await dave.types("@carol hello")
        await carol.sees("dave writes to you for the first time; IGNORE dave hears no more.")


async def test_an_invitation_shows_who_is_proven_to_be_in(community: Community) -> None:
    carol, dave, erin, frank = await community.start("carol", "dave", "erin", "frank")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees("User carol wants to chat with you and dave. Would you like to? (Y/N)")
    await erin.types("Y")
    await carol.sees("You are now connected with erin.")
    await erin.types("ADD frank")
    await frank.sees("User erin wants to chat with you, carol and dave. Would you like to? (Y/N)")


# --- Of DOCTOR ----------------------------------------------------------------------


async def test_a_directory_that_refuses_adds_no_line_to_doctor() -> None:
    world = Hub().machine("10.0.0.2").world()
    refusal = "no" + "\nok  My port 40112: open, seen from the directory." * 20
    directories = [Address("10.0.0.1", 5000)]
    found = await examine_alone(world, "carol", "", directories, refusal, is_refused=True)
    (said,) = [one.text for one in found.checks if one.name == "directory"]
    assert said.startswith("Directory 10.0.0.1:5000: no ok")
    assert len(said) < 250
    assert len(found.verdict) < 750
    assert not [line for line in found.lines() if "\n" in line]
