"""Many are online: each hears of those with whom they have to do, and finds the others."""

from typing import Any

import pytest
import trio

from directory_server.core.presence import announcements
from peer import events
from tests.kit.community import Community, Person

LONG = 30.0  # seconds, until everything that is to be told was told


@pytest.fixture
async def crowd(community: Community, monkeypatch: pytest.MonkeyPatch) -> Community:
    """Make three users a crowd: who comes as the third is told of nobody else."""
    make_crowds(monkeypatch)
    return community


def make_crowds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "CROWD_ABOVE", 2)
    monkeypatch.setattr(announcements, "CROWD_BELOW", 2)


async def starts(crowd: Community, *names: str) -> list[Person]:
    people = [crowd.person(name) for name in names]
    for person in people:
        person.is_by_hand = True
        await person.starts()
    await trio.sleep(LONG)
    return people


async def goes_and_comes(person: Person) -> None:
    await person.quits()
    await trio.sleep(LONG)
    await person.starts()
    await trio.sleep(LONG)


# --- Who is told of whom ----------------------------------------------------------


async def test_strangers_come_and_go_unheard_and_those_i_wrote_to_do_not(crowd: Community) -> None:
    carol, dave, erin, frank = await starts(crowd, "carol", "dave", "erin", "frank")
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    await trio.sleep(LONG)
    before = carol.saw("is online"), dave.saw("is online")
    await goes_and_comes(erin)
    assert (carol.saw("is online"), dave.saw("is online")) == before
    await goes_and_comes(dave)
    await carol.sees("* dave is offline.")
    await carol.sees("* dave is online.")
    await goes_and_comes(carol)
    await dave.sees("* carol is online.")
    frank.never_saw("carol")


async def test_the_next_program_still_knows_who_matters(crowd: Community) -> None:
    carol, dave, *_ = await starts(crowd, "carol", "dave", "erin", "frank")
    await carol.types("LEAVE dave back at five?")
    await carol.sees_part("dave received your message of ")
    await goes_and_comes(carol)
    await goes_and_comes(dave)
    await carol.sees("* dave is online.")


async def test_a_member_who_died_is_linked_again_at_once(crowd: Community) -> None:
    carol, dave, *_ = await starts(crowd, "carol", "dave", "erin", "frank")
    await carol.connects_with(dave)
    await trio.sleep(LONG)
    await dave.is_killed()
    await carol.sees("Lost the connection to dave, trying again.", within=LONG)
    await dave.starts()
    await carol.sees("dave is back.")


async def test_whom_i_write_a_message_is_heard_of_when_they_come(crowd: Community) -> None:
    carol, dave, *_ = await starts(crowd, "carol", "dave", "erin", "frank")
    await dave.quits()
    await carol.types("CHAT dave")
    await carol.sees_part("Would you like to leave a message? (Y/N)")
    await trio.sleep(1)
    await carol.types("Y")
    await carol.sees("Write your message for dave; \\q ends it.")
    await trio.sleep(LONG)
    await dave.starts()
    await carol.sees("User dave is online now.")


async def test_whom_i_ignore_is_not_heard_of(crowd: Community) -> None:
    carol, dave, *_ = await starts(crowd, "carol", "dave", "erin", "frank")
    await carol.types("PRV dave hello", "IGNORE dave")
    await trio.sleep(LONG)
    before = carol.saw("dave is o")
    await goes_and_comes(dave)
    assert carol.saw("dave is o") == before
    assert "dave" not in {user.name for user in carol.peer.roster.known}


async def test_a_crowd_that_comes_and_goes_keeps_everybody_right(crowd: Community) -> None:
    carol, dave = await starts(crowd, "carol", "dave")
    await carol.sees("* dave is online.")
    (erin,) = await starts(crowd, "erin")
    assert carol.peer.roster.crowd == 3
    assert {user.name for user in carol.peer.roster.known} == {"carol"}
    for person in (dave, erin):
        await person.quits()
    await trio.sleep(LONG)
    assert carol.peer.roster.crowd == 0
    assert [user.name for user in carol.peer.roster.known] == ["carol", "dave", "erin"]
    await dave.starts()
    await carol.sees("* dave is online.")
    await carol.types("MSG hello")
    await dave.sees("[all] carol: hello")


async def test_a_restart_of_the_directory_is_one_line(crowd: Community) -> None:
    people = await starts(crowd, "carol", "dave", "erin", "frank")
    carol, dave, *_ = people
    await carol.types("PRV dave hello", "WATCH erin")
    await trio.sleep(LONG)
    before = [person.saw("is online") for person in people]
    await crowd.directory.crashes_and_restarts()
    await trio.sleep(300)
    for person in people:
        assert person.saw("The directory is back.") == 1
    assert [person.saw("is online") for person in people] == before
    carol.never_saw("is offline")
    await goes_and_comes(dave)
    await carol.sees("* dave is online.")


async def test_in_a_small_community_a_restart_is_one_line_too(community: Community) -> None:
    people = await community.start("carol", "dave", "erin")
    before = [person.saw("is online") for person in people]
    await community.directory.crashes_and_restarts()
    await trio.sleep(300)
    assert [person.saw("is online") for person in people] == before
    for person in people:
        person.never_saw("is offline")


async def test_below_a_crowd_the_directory_learns_of_no_friends(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[list[str]] = []
    join, watch = announcements.Announcements.join, announcements.Announcements.watch

    def joined(self: Any, link: Any, holder: Any, names: Any) -> None:
        named.append(list(names))
        join(self, link, holder, names)

    def watched(self: Any, link: Any, names: Any, no_more: Any) -> None:
        named.append([*names, *no_more])
        watch(self, link, names, no_more)

    monkeypatch.setattr(announcements.Announcements, "join", joined)
    monkeypatch.setattr(announcements.Announcements, "watch", watched)
    carol, _ = await starts(community, "carol", "dave")
    await carol.types("PRV dave hello", "WATCH erin")
    await goes_and_comes(carol)
    await community.directory.crashes_and_restarts()
    await trio.sleep(LONG)
    assert named
    assert not any(named)
    make_crowds(monkeypatch)
    await starts(community, "frank")
    assert any("dave" in names for names in named)


async def test_in_a_crowd_a_program_that_comes_back_names_them_at_once(
    crowd: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave, *_ = await starts(crowd, "carol", "dave", "erin", "frank")
    await carol.types("PRV dave hello")
    await trio.sleep(LONG)
    named: list[tuple[str, ...]] = []
    join = announcements.Announcements.join

    def joined(self: Any, link: Any, holder: Any, names: Any) -> None:
        named.append(tuple(names))
        join(self, link, holder, names)

    monkeypatch.setattr(announcements.Announcements, "join", joined)
    crowd.cuts(carol, crowd.directory)
    await carol.sees("The directory is back.")
    assert named == [("carol", "dave")]
    await goes_and_comes(dave)
    await carol.sees("* dave is online.")


# --- WATCH ------------------------------------------------------------------------


def watched_in(person: Person) -> list[str]:
    """Return the users whose coming rang the bell."""
    return [one.name for one in person.events if isinstance(one, events.Came) and one.is_watched]


@pytest.mark.parametrize("is_crowd", [True, False])
async def test_who_is_watched_is_told_with_a_bell(
    community: Community, monkeypatch: pytest.MonkeyPatch, is_crowd: bool
) -> None:
    if is_crowd:
        make_crowds(monkeypatch)
    carol, dave, *_ = await starts(community, "carol", "dave", "erin", "frank")
    await carol.types("WATCH DAVE")
    await carol.sees("dave is online (ACTIVE); you are told when dave comes again.")
    await carol.types("WATCH grace")
    await carol.sees("There is no user grace yet; you are told when somebody of that name comes.")
    await carol.types("WATCHED")
    await carol.sees("You watch dave (ACTIVE), grace.")
    assert watched_in(carol) == []
    await starts(community, "grace")
    await carol.sees("* grace is online.")
    await goes_and_comes(dave)
    await carol.sees("* dave is offline.")
    await carol.sees("* dave is online.")
    assert watched_in(carol) == ["grace", "dave"]
    await carol.types("UNWATCH dave")
    await carol.sees("You do not watch dave any more.")
    await goes_and_comes(dave)
    assert watched_in(carol) == ["grace", "dave"]


@pytest.mark.parametrize("is_crowd", [True, False])
async def test_it_stays_so_and_a_start_tells_who_is_here_already(
    community: Community, monkeypatch: pytest.MonkeyPatch, is_crowd: bool
) -> None:
    if is_crowd:
        make_crowds(monkeypatch)
    carol, _, erin, _ = await starts(community, "carol", "dave", "erin", "frank")
    await carol.types("WATCH dave", "WATCH erin", "IGNORE erin")
    await erin.quits()
    await goes_and_comes(carol)
    await carol.peer.roster.refresh()  # as every screen does at the start
    assert watched_in(carol) == ["dave"]
    await carol.types("WATCHED")
    await carol.sees("You watch dave (ACTIVE).")


async def test_who_cannot_be_watched_is_said(community: Community) -> None:
    (carol,) = await starts(community, "carol")
    await carol.types("WATCH carol")
    await carol.sees("You can't watch yourself.")
    await carol.types("WATCHED")
    await carol.sees("You watch nobody.")
    await carol.types("UNWATCH dave")
    await carol.sees("You do not watch dave.")
    await carol.types("IGNORE dave", "WATCH dave")
    await carol.sees("You ignore dave: UNIGNORE dave first.")
    await community.directory.crashes()
    await carol.types("WATCH erin")
    await carol.sees("You are told when erin comes, once the directory is back.")


async def test_only_so_many_can_be_watched(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peer.runtime.choices.watch_book.ASKED_MOST", 2)
    (carol,) = await starts(community, "carol")
    await carol.types("WATCH dave", "WATCH erin", "WATCH frank")
    await carol.sees("You watch 2 users, and more cannot be: UNWATCH one first.")
    await carol.types("WATCH Erin")
    await carol.sees_part("There is no user Erin yet")


# --- LIST USERS -------------------------------------------------------------------


async def test_in_a_crowd_a_person_reads_how_many_and_their_own(crowd: Community) -> None:
    carol, dave, *_ = await starts(crowd, "carol", "dave", "erin", "frank")
    await carol.types("PRV dave hello")
    await trio.sleep(LONG)
    await dave.types("STATUS BUSY")
    await trio.sleep(LONG)
    await carol.types("LIST USERS")
    for line in (
        "4 users are online.",
        "ACTIVE: carol (you)",
        "BUSY: dave",
        "INACTIVE: -",
        "OFFLINE: -",
        "LIST USERS jo shows those who begin with jo.",
    ):
        await carol.sees(line)
    await carol.types("LIST USERS E")
    await carol.sees("ACTIVE: erin")
    frank = crowd.people["frank"]
    await frank.quits()
    await trio.sleep(LONG)
    await carol.types("LIST USERS")
    await carol.sees("3 users are online.")
    await carol.types("WHO zed")
    await carol.sees("ACTIVE: -")


async def test_a_script_gets_the_whole_list(crowd: Community) -> None:
    carol, _, erin, _ = await starts(crowd, "carol", "dave", "erin", "frank")
    await erin.quits()
    grace = crowd.person("grace")
    await grace.runs("LIST USERS")
    await grace.sees("ACTIVE: carol, dave, frank, grace (you)")
    await grace.sees("OFFLINE: erin")
    carol.is_by_hand = False  # through a pipe
    await goes_and_comes(carol)
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you), dave, frank")


async def test_a_part_of_a_long_list_comes_page_after_page(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directory_server.answers.PAGE", 2)
    carol, *_ = await starts(community, "carol", "jo1", "jo2", "jo3", "jo4", "jo5", "zed")
    await carol.types("LIST USERS jo")
    await carol.sees("ACTIVE: jo1, jo2")
    await carol.sees("More names begin with jo: another letter shows fewer.")
    grace = community.person("grace")
    await grace.runs("LIST USERS JO")
    await grace.sees("ACTIVE: jo1, jo2, jo3, jo4, jo5")


# --- MSG --------------------------------------------------------------------------


async def test_in_a_crowd_a_line_to_all_goes_to_whom_i_talk_with(crowd: Community) -> None:
    carol, dave, erin, _ = await starts(crowd, "carol", "dave", "erin", "frank")
    await carol.types("MSG hello?")
    await carol.sees(
        "Not delivered to anybody: 4 users are online, and you talk with none of them."
    )
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    await carol.types("MSG hello all")
    await carol.sees("4 users are online; sent to the one you talk with.")
    await dave.sees("[all] carol: hello all")
    erin.never_saw("hello all")


async def test_a_script_too_knows_with_whom_i_talk(crowd: Community) -> None:
    carol, dave, erin, _ = await starts(crowd, "carol", "dave", "erin", "frank")
    await carol.types("PRV dave hello")
    await trio.sleep(LONG)
    await carol.quits()
    assert await carol.runs("MSG build is green") == 0
    await carol.sees("4 users are online; sent to the one you talk with.")
    await dave.sees("[all] carol: build is green")
    erin.never_saw("build is green")


async def test_a_line_to_all_reaches_a_hundred_at_most(
    crowd: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("peer.runtime.lines.own_lines", "peer.console.message_sender"):
        monkeypatch.setattr(f"{module}.GENERAL_CHAT_MOST", 1)
    carol, dave, erin, _ = await starts(crowd, "carol", "dave", "erin", "frank")
    await carol.types("PRV dave hello", "PRV erin hello")
    await trio.sleep(LONG)
    await carol.types("MSG hello all")
    await carol.sees("4 users are online; sent to 1 of those you talk with.")
    await erin.sees("[all] carol: hello all")
    dave.never_saw("hello all")


# --- Completion -------------------------------------------------------------------


def offered(person: Person) -> list[str]:
    return [user.name for user in person.peer.roster.offered]


async def test_in_a_crowd_others_are_found_by_how_they_begin(crowd: Community) -> None:
    carol, *_ = await starts(crowd, "carol", "dave", "erin", "ernie")
    await carol.peer.roster.seek("ER")
    assert offered(carol) == ["carol", "erin", "ernie"]
    await trio.sleep(120)
    assert offered(carol) == ["carol"], "how they stand is not known any more"


async def test_in_a_small_community_nobody_is_asked(community: Community) -> None:
    carol, _ = await starts(community, "carol", "dave")
    known = offered(carol)
    await carol.peer.roster.seek("da")
    assert carol.peer.roster.search.found == ()
    assert offered(carol) == known
    assert "dave" in known
