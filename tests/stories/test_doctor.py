"""DOCTOR tells its user who reaches them, and what to do."""

import pytest
import trio

from peer.console.codes import Code
from peer.options import Options
from peer.results import Doctor
from peer.runtime.doctor.examiner import ALL_SECONDS
from shared.messages.common import Status
from shared.messages.directory import Contact, Lookup
from shared.messages.probes import PortTested, TestPort
from shared.messages.spots import Spot
from shared.spots import Surroundings
from tests.kit.community import Community, Person
from tests.kit.raw_directory import RawDirectory, comes_in, raw_directories
from tests.kit.rooms import founds
from tests.kit.router import Router, behind, is_mapped
from tests.kit.world import MemoryDisk

UFW = Surroundings(ufw="ENABLED=yes\n", route="eth0")


async def examined(person: Person) -> Doctor:
    """Return what DOCTOR tells somebody, within its time."""
    begun = trio.current_time()
    told = await person.peer.examiner.examine()
    assert trio.current_time() - begun <= ALL_SECONDS
    return told


def text(told: Doctor, name: str) -> str:
    return next(str(one) for one in told.checks if one.name == name)


async def test_in_one_network_everybody_reaches_me(community: Community) -> None:
    (carol,) = await community.start("carol")
    told = await examined(carol)
    assert told.code == "V1"
    assert told.verdict == f"Everybody who can reach {carol.host} can reach me."
    assert [one.name for one in told.checks] == [
        "me", "machine", "directory", "seen", "port", "router", "disk",
    ]  # fmt: skip
    assert {one.state.value for one in told.checks} <= {"ok", "??"}
    assert "clocks differ by 0.0 s" in text(told, "directory")
    assert "41 GB free. Folder: /home/somebody." in text(told, "disk")


async def test_a_user_types_doctor_and_reads_all_lines(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("DOCTOR")
    await carol.sees("Looking around, for 6 s at most...")
    for part in ("ok  Me: carol, key ", "ok  This machine: ", "ok  Directory: ", "ok  Disk: "):
        await carol.sees_part(part)
    await carol.sees(f"=>  Everybody who can reach {carol.host} can reach me.")


async def test_a_script_gets_the_same_and_a_good_end(community: Community) -> None:
    carol = community.person("carol")
    assert await carol.runs("DOCTOR") is Code.DONE
    assert carol.lines[-1] == f"=>  Everybody who can reach {carol.host} can reach me."
    carol.never_saw("Looking around")


async def test_a_firewall_and_its_command_are_named(community: Community) -> None:
    (carol,) = await community.start("carol")
    community.hub.swallowing.add(carol.host)
    community.hub.surroundings[carol.host] = UFW
    told = await examined(carol)
    assert told.code == "V2"
    port = text(told, "port")
    assert port.startswith("!!  My port ")
    assert "nothing comes through from the directory in 3 s. ufw is active here: sudo" in port


async def test_a_mapped_port_is_enough(community: Community) -> None:
    carol, _ = await behind(community, "carol")
    await carol.starts()
    await trio.sleep(5)
    told = await examined(carol)
    assert told.code == "V3"
    assert "maps ports, 8.8.8.8:" in text(told, "router")


async def test_a_router_that_was_left_behind_is_not_told(community: Community) -> None:
    carol, router = await behind(community, "carol")
    await carol.starts()
    await is_mapped(router)
    community.hub.translated.clear()  # the same machine, in the network of the directory
    community.hub.swallowing.clear()
    community.cuts(carol, community.directory)
    await carol.sees("The directory is back.")
    told = await examined(carol)
    assert "maps ports" not in text(told, "router")


async def test_behind_a_router_that_maps_nothing_both_sides_must_open(
    community: Community,
) -> None:
    carol, router = await behind(community, "carol")
    router.speaks_pcp = router.speaks_nat_pmp = False
    await carol.starts()
    told = await examined(carol)
    assert told.code == "V4"
    assert "it maps no ports" in text(told, "router")
    assert "The router keeps my port" in text(told, "ports")


async def test_behind_a_second_router_no_mapping_is_advised(community: Community) -> None:
    carol, router = community.person("carol"), Router(community.hub, "192.168.1.1", "100.64.3.7")
    router.takes_in(carol.host)
    await community.nursery.start(router.serve)
    await carol.starts()
    told = await examined(carol)
    assert told.code == "V6"
    assert "second router (CGNAT)" in text(told, "router")


async def test_a_directory_in_my_own_network_is_told(community: Community) -> None:
    carol, router = await behind(community, "carol")
    community.hub.translated.clear()
    community.hub.swallowing.clear()
    await carol.starts()
    told = await examined(carol)
    assert told.code == "V8"
    assert router.asked
    assert all(datagram == bytes(2) for _, datagram in router.asked), "no port was asked for"


async def test_without_mapping_no_router_is_asked(community: Community) -> None:
    carol, router = await behind(community, "carol")
    carol.options = Options(maps_port=False)
    await carol.starts()
    told = await examined(carol)
    assert told.code == "V4"
    assert router.asked == []


async def test_what_i_advertise_is_told(community: Community) -> None:
    carol = community.person("carol", Options(advertise_host="me.lan", advertise_port=4_000))
    await carol.starts()
    told = await examined(carol)
    assert told.code == "V3"
    assert told.verdict.startswith("Others are told me.lan:4000, as --advertise says")


async def test_without_a_directory_the_cause_is_told(community: Community) -> None:
    (carol,) = await community.start("carol")
    await community.directory.crashes()
    await carol.sees("Lost the directory, trying again.")
    told = await examined(carol)
    assert told.code == "V9"
    assert "nothing answers at" in text(told, "directory")


async def test_a_directory_with_another_key_is_told_in_full(community: Community) -> None:
    (carol,) = await community.start("carol")
    community.directory.machine.disk, before = MemoryDisk(), community.directory.machine.disk
    await community.directory.crashes()
    await community.directory.starts()
    told = await carol.sees_part(
        "The key of the directory at 10.0.0.1:5000 has changed.", within=61
    )
    found = await examined(carol)
    assert found.code == "V9"
    assert found.verdict.endswith(" to accept the new key.")
    assert found.verdict in told
    assert text(found, "directory").endswith("Directory: " + told.partition(". ")[0] + ".")

    await community.directory.crashes()
    found = await examined(carol)
    assert "nothing answers at" in text(found, "directory")
    assert found.verdict.endswith("nothing new can be found.")
    community.directory.machine.disk = before
    await community.directory.starts()
    await carol.sees("The directory is back.", within=61)
    assert (await examined(carol)).code != "V9"


async def test_a_directory_that_hangs_is_told(community: Community) -> None:
    (carol,) = await community.start("carol")
    community.separates(carol, community.directory)
    told = await examined(carol)
    assert told.code == "V0"
    assert "does not answer in time" in text(told, "directory")
    assert "did not answer in time" in text(told, "port")


async def test_those_whom_i_talk_with_are_told(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await founds(carol, dave, erin)
    await erin.quits()
    await carol.sees_part("erin is offline")
    told = await examined(carol)
    users = [str(one) for one in told.checks if one.name == "user"]
    assert users[0].startswith("ok  dave: direct, ")
    assert users[1:] == ["ok  erin: offline."]


async def test_a_disk_that_hangs_holds_nothing_up(community: Community) -> None:
    (carol,) = await community.start("carol")
    carol.machine.disk.seconds = 100.0
    told = await examined(carol)
    assert "how much is free is not known" in text(told, "disk")
    carol.machine.disk.seconds = 0.0


async def test_a_wrong_clock_is_told(community: Community) -> None:
    carol = community.person("carol")
    await carol.starts()
    carol.machine.clock.set(carol.now + 400 * 86_400.0)
    told = await examined(carol)
    assert "clocks differ by 400 days: one of them is wrong, mine is ahead" in text(
        told, "directory"
    )


async def test_sixty_four_users_examine_themselves_at_once(community: Community) -> None:
    names = [f"user{number}" for number in range(64)]
    people = [community.person(name) for name in names]
    for person in people:
        await person.starts()
    community.hub.swallowing |= {person.host for person in people}
    told: list[Doctor] = []

    async def examine(person: Person) -> None:
        told.append(await examined(person))

    async with trio.open_nursery() as nursery:
        for person in people:
            nursery.start_soon(examine, person)
    ports = [text(one, "port") for one in told]
    assert sum("nothing comes through" in one for one in ports) == 4
    assert sum("tests the ports of others just now" in one for one in ports) == 60


# --- The offer ---


async def test_doctor_is_offered_once_for_each_user_out_of_reach(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    for one in (dave, erin):
        community.separates(carol, one)
    for one in (dave, erin, dave):
        await carol.types(f"CHAT {one.name}")
        line = await carol.sees_part(f"User {one.name} cannot be reached: ", within=60)
        assert line.endswith(" Would you like to leave a message? (Y/N)")
        await carol.types("N")
        await trio.sleep(1)
    assert carol.saw("DOCTOR tells what keeps dave and you apart.") == 1
    assert carol.saw("DOCTOR tells what keeps erin and you apart.") == 1


async def test_doctor_is_offered_once_while_the_directory_is_gone(community: Community) -> None:
    (carol,) = await community.start("carol")
    await community.directory.crashes()
    await carol.sees("Lost the directory, trying again.")
    await carol.types("INFO dave", "INFO dave")
    await trio.sleep(60)
    assert carol.saw("The directory cannot be reached at this moment.") == 2
    assert carol.saw("DOCTOR tells what keeps the directory away.") == 1


async def test_a_script_reads_no_offer(community: Community) -> None:
    carol, dave = community.person("carol"), community.person("dave")
    await dave.starts()
    community.separates(carol, dave)
    await carol.runs("CHAT dave")
    await carol.sees_part("User dave cannot be reached: ")
    carol.never_saw("DOCTOR tells")


# --- Hostile directories ---


async def liar(community: Community, seen: str, time: float) -> tuple[Person, RawDirectory]:
    (one,) = await raw_directories(community, 1)
    one.seen, one.time = Spot(seen, 1, "SEEN"), time
    return await comes_in(community, "carol", one), one


async def lies(one: RawDirectory, said: PortTested) -> None:
    """Answer the questions of DOCTOR."""
    visit = await one.visit()
    asked = await visit.hears(Lookup)
    iam = visit.iam
    visit.says(Contact(asked.id, iam.name, Status.ACTIVE, 0.0, iam.key, iam.sealing_key,
                       iam.sealing_proof))  # fmt: skip
    request = await visit.hears(TestPort)
    visit.says(PortTested(request.id, said.outcome, said.milliseconds))


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("HAPPY\x1b[2J", "an answer that this program does not know"),
        ("open", "an answer that this program does not know"), ("", "an answer that this"),
        ("OPEN", "open, seen from the directory."), ("UNKNOWN", "an answer that this"),
    ],
)  # fmt: skip
async def test_a_directory_that_says_nonsense_is_not_believed(
    community: Community, outcome: str, words: str
) -> None:
    carol, one = await liar(community, "10.0.0.66", 200_000_000_000.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lies, one, PortTested(0, outcome, 2**52))
        told = await examined(carol)
    assert words in text(told, "port")
    assert "\x1b" not in "".join(carol.lines)
    assert "years: one of them is wrong, the directory's is ahead" in text(told, "directory")


@pytest.mark.parametrize("seen", ["victim.example", "\x1b[2J", "", "10.0.0.9\n=>  All is well."])
async def test_only_an_address_is_shown_as_one(community: Community, seen: str) -> None:
    carol, _ = await liar(community, seen, 0.0)
    told = await examined(carol)
    assert text(told, "seen") == "??  It does not tell at which address it sees me."
    assert told.code == "V0"


async def test_an_earlier_directory_tests_no_port(community: Community) -> None:
    (one,) = await raw_directories(community, 1)
    carol = await comes_in(community, "carol", one)
    told = await examined(carol)
    assert "an earlier version" in text(told, "port")
    assert "TestPort" not in (await one.visit()).asked
