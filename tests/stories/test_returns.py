"""A start is a return: what was said last, where the unread begin, and what came meanwhile."""

import trio

from peer.options import Options
from tests.kit.community import Community, Person
from tests.kit.rooms import founds

LOOKS_BACK = Options(looks_back=True)
PARTS = ("[", "---", "The last")  # of what is shown


async def person(community: Community, name: str) -> Person:
    """Somebody at a terminal."""
    found = community.person(name, LOOKS_BACK)
    await found.starts()
    return found


async def looks_back(person: Person) -> list[str]:
    """Start again; return the lines between the first sentence and the next other one."""
    await person.starts()
    await trio.sleep(3)
    shown = person.lines
    first = next(n for n, line in enumerate(shown) if line.startswith("You are carol"))
    end = next(
        (n for n, line in enumerate(shown) if n > first and not line.startswith(PARTS)),
        len(shown),
    )
    return [line.partition("] ")[2] or line for line in shown[first + 1 : end]]


async def test_a_start_shows_the_last_texts_and_where_the_unread_begin(
    community: Community,
) -> None:
    carol = await person(community, "carol")
    (dave,) = await community.start("dave")
    await dave.connects_with(carol)
    await dave.types("one", "two")
    await carol.sees("dave: two")
    await trio.sleep(1)
    carol.peer.touched()
    await trio.sleep(1)
    await dave.types("three")
    await carol.sees("dave: three")
    await trio.sleep(5)
    await carol.is_killed()
    assert await looks_back(carol) == [
        "The last 3 texts of your conversation with dave:", "dave: one", "dave: two",
        "--- 1 unread ---", "dave: three",
    ]  # fmt: skip
    await carol.sees("You are back in the conversation with dave.")
    carol.peer.touched()
    await trio.sleep(5)
    await carol.is_killed()
    assert "--- 1 unread ---" not in await looks_back(carol)


async def test_of_each_room_the_last_texts_are_shown(community: Community) -> None:
    carol = await person(community, "carol")
    (dave,) = await community.start("dave")
    await founds(dave, carol)
    await founds(dave, carol, room="ops")
    await dave.types(*(f"#lab lab {number}" for number in range(12)))
    await carol.sees("#lab dave: lab 11")
    await dave.types("#ops ops 0")
    await carol.sees("#ops dave: ops 0")
    await trio.sleep(2)
    carol.peer.touched()
    await dave.types("#ops ops 1")
    await carol.sees("#ops dave: ops 1")
    await carol.types("SEARCH ops IN lab")
    await carol.sees("Nothing was found.")
    await carol.types("SEARCH lab in #lab")
    await carol.sees_part("] dave: lab 11")
    await carol.types("INFO dave")
    await carol.sees("You are both in #lab, #ops.")
    await trio.sleep(5)
    await carol.is_killed()
    assert await looks_back(carol) == [
        "The last 10 texts of the room #lab:",
        *(f"dave: lab {number}" for number in range(2, 12)),
        "The last 2 texts of the room #ops:", "dave: ops 0", "--- 1 unread ---", "dave: ops 1",
    ]  # fmt: skip


async def test_what_came_meanwhile_comes_after_it_and_once(community: Community) -> None:
    carol = await person(community, "carol")
    (dave,) = await community.start("dave")
    await dave.connects_with(carol)
    await dave.types("one")
    await carol.sees("dave: one")
    await trio.sleep(5)
    await carol.is_killed()
    await dave.types("two")
    await trio.sleep(5)
    await looks_back(carol)
    await carol.sees("dave: two")
    assert carol.lines.index("--- 1 unread ---") < carol.lines.index("dave: two")
    assert carol.saw("dave: one") == carol.saw("dave: two") == 1


async def test_unread_private_lines_are_shown_once_more(community: Community) -> None:
    carol = await person(community, "carol")
    (dave,) = await community.start("dave")
    await dave.types("@carol psst", "MSG hello all")
    await carol.sees("[all] dave: hello all")
    await trio.sleep(1)
    await carol.is_killed()
    assert sorted(await looks_back(carol)) == sorted(
        [
            "The last text with dave:", "--- 1 unread ---", "[private] dave: psst",
            "The last text to all:", "--- 1 unread ---", "[all] dave: hello all",
        ]
    )  # fmt: skip
    carol.peer.touched()
    await carol.quits()
    assert await looks_back(carol) == []


async def test_what_is_unread_at_another_place_stays_unread(community: Community) -> None:
    carol = await person(community, "carol")
    dave, erin = await community.start("dave", "erin")
    await founds(dave, carol)
    await dave.connects_with(carol)
    await dave.types("hello", "#lab in the lab")
    await carol.sees("#lab dave: in the lab")
    await erin.types("@carol psst")
    await carol.sees("[private] erin: psst")
    await trio.sleep(1)
    carol.peer.touched(carol.console.targets.unread)  # she is in the conversation with dave
    await trio.sleep(5)
    await carol.is_killed()
    lab = ["The last text of the room #lab:", "--- 1 unread ---", "dave: in the lab"]
    psst = ["The last text with erin:", "--- 1 unread ---", "[private] erin: psst"]
    talk = ["The last text of your conversation with dave:", "dave: hello"]
    assert await looks_back(carol) == [*lab, *talk, *psst]
    await carol.types("GO #lab")
    carol.peer.touched(carol.console.targets.unread)
    await trio.sleep(5)
    await carol.is_killed()
    assert await looks_back(carol) == [lab[0], lab[2], *talk]


async def test_a_place_that_is_over_is_no_reason_to_stop(community: Community) -> None:
    carol = await person(community, "carol")
    (dave,) = await community.start("dave")
    await dave.connects_with(carol)
    await carol.types("GO dave")
    await dave.types("hello")
    await carol.sees("dave: hello")
    await dave.types(r"\q")
    await carol.sees("The conversation is over.")
    carol.peer.touched(carol.console.targets.unread)
    await carol.types("STATUS")
    await carol.sees("Your status is ACTIVE.")


async def test_a_script_reads_nothing_of_it(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await dave.types("one")
    await carol.sees("dave: one")
    await trio.sleep(5)
    await carol.is_killed()
    await carol.starts()
    await carol.sees("You are back in the conversation with dave.")
    carol.never_saw("dave: one")
    carol.never_saw("unread")


async def test_without_history_there_is_nothing_to_look_back_at(community: Community) -> None:
    carol = community.person("carol", Options(looks_back=True, keeps_history=False))
    await carol.starts()
    (dave,) = await community.start("dave")
    await dave.types("@carol psst")
    await carol.sees("[private] dave: psst")
    await trio.sleep(1)
    await carol.is_killed()
    assert await looks_back(carol) == []


async def test_a_disk_that_takes_nothing_is_no_reason_to_stop(community: Community) -> None:
    carol = await person(community, "carol")
    (dave,) = await community.start("dave")
    await dave.types("@carol psst")
    await carol.sees("[private] dave: psst")
    carol.machine.disk.is_full = True
    carol.peer.touched()
    await trio.sleep(5)
    carol.machine.disk.is_full = False
    await carol.types("STATUS")
    await carol.sees("Your status is ACTIVE.")
    await carol.is_killed()
    assert "--- 1 unread ---" in await looks_back(carol)
