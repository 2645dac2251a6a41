"""A machine boots before that of the directory: its user's program waits for it."""

import pytest
import trio

from peer.options import Options
from shared.errors import KeyChanged, Unreachable
from tests.kit.community import DIRECTORY, Community, Person
from tests.kit.world import MemoryDisk

TRYING = "trying again, QUIT gives up."
BACK = "The directory is back."
POWER_CUT = 400.0  # seconds
NOTHING = "othing answers at 10.0.0.1:5000 (connection refused)"
PATIENT = Options(waits=True)


async def has_been_here(community: Community) -> Person:
    """Return carol, whom the directory has registered before it went away."""
    carol = community.person("carol", PATIENT)
    await carol.starts()
    await carol.quits()
    await community.directory.crashes()
    return carol


async def waits(community: Community, carol: Person) -> None:
    """Let carol's program start and wait for the directory."""
    community.nursery.start_soon(carol.starts)
    await trio.sleep(1)
    await carol.sees_part(TRYING)


async def test_a_known_directory_is_tried_until_it_answers(community: Community) -> None:
    carol = await has_been_here(community)
    await waits(community, carol)
    await trio.sleep(POWER_CUT)
    await community.directory.starts()
    await trio.sleep(90)
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you)")
    assert carol.saw(TRYING) == 1
    carol.never_saw(BACK)
    await carol.quits()


async def test_doctor_is_performed_meanwhile(community: Community) -> None:
    carol = await has_been_here(community)
    await waits(community, carol)
    await carol.console.perform_line("DOCTOR")
    await carol.sees_part(f"!!  Directory: n{NOTHING}.")
    await carol.sees_part(f"=>  N{NOTHING}. See whether HOST and PORT are right, ")
    await community.directory.starts()
    await trio.sleep(90)
    await carol.types("DOCTOR")
    await carol.sees_part("ok  Directory: 10.0.0.1:5000 answers in ")
    await community.directory.crashes()
    await carol.types("DOCTOR")
    await carol.sees_part(f"=>  N{NOTHING}. Conversations go on; nothing new can be found.")
    await carol.is_killed()


async def test_each_try_comes_later_than_the_one_before(community: Community) -> None:
    carol = await has_been_here(community)
    before = len(community.hub.dialled)
    await waits(community, carol)
    await trio.sleep(POWER_CUT)
    tries = [time for time, address in community.hub.dialled[before:] if address == DIRECTORY]
    assert 8 <= len(tries) <= 40
    assert tries[-1] - tries[-2] > tries[1] - tries[0]
    await carol.is_killed()


async def test_a_directory_that_nobody_knows_is_tried_once(community: Community) -> None:
    """The address is likely to be wrong."""
    await community.directory.crashes()
    with pytest.raises(Unreachable):
        await community.person("carol", PATIENT).starts()


async def test_another_name_of_mine_is_not_known_there(community: Community) -> None:
    carol = await has_been_here(community)
    carol.name = "caroline"
    with pytest.raises(Unreachable):
        await carol.starts()


async def test_a_program_of_a_script_ends_at_once(community: Community) -> None:
    carol = await has_been_here(community)
    carol.options = Options()
    with pytest.raises(Unreachable):
        await carol.starts()


async def test_an_impostor_who_answers_first_ends_the_wait(community: Community) -> None:
    carol = await has_been_here(community)
    failures: list[Exception] = []

    async def starts() -> None:
        try:
            await carol.starts()
        except KeyChanged as failure:
            failures.append(failure)

    community.nursery.start_soon(starts)
    await trio.sleep(1)
    await carol.sees_part(TRYING)
    community.directory.machine.disk = MemoryDisk()  # with keys of its own
    await community.directory.starts()
    await trio.sleep(90)
    assert "The key of the directory" in str(failures[0])
