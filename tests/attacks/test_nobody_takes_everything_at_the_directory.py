"""Nobody takes all names, places or mail of a directory, and nobody honest feels the limits."""

import logging

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.limits import NEW_NAME_SECONDS, NEW_NAMES_AT_ONCE
from directory_server.core.mail_limits import KEEP_SECONDS
from directory_server.core.usage import DAY
from directory_server.storage.sqlite import FILE
from shared.errors import Refused
from shared.identity import CERTIFICATE_DAYS
from shared.messages.common import Err, Ping
from shared.messages.directory import Done, Drop, Fetch, Lookup, Stored, Taken, Unregister, Verdict
from shared.names import ESTABLISHED_SECONDS, FLEETING_DAYS, UNUSED_DAYS
from tests.kit.community import Community
from tests.kit.directory import ELSEWHERE, Town
from tests.kit.raw_client import Client, identity_of

MALLORY = identity_of("mallory")
SWEPT = 700.0  # seconds until the directory has looked at everything once more
YEARS = 10 * 365 * DAY


async def refusal(town: Town, name: str, **how: object) -> tuple[str, str]:
    with pytest.raises(Refused) as no:
        await town.enters(name, **how)  # type: ignore[arg-type]
    return no.value.code, str(no.value)


async def visits(town: Town, *names: str, at: str = ELSEWHERE) -> None:
    for name in names:
        await (await town.enters(name, at=at)).leaves()


async def uses(town: Town, name: str, seconds: float = ESTABLISHED_SECONDS + 60) -> Client:
    """A user is here for so long, and still is."""
    user = await town.enters(name)
    until = trio.current_time() + seconds
    while trio.current_time() < until:
        await trio.sleep(60)
        user.say(Ping())
    return user


async def exists(town: Town, name: str) -> bool:
    witness = await town.enters("witness", at="10.0.0.77")
    answer = await witness.ask(Lookup(witness.next_id(), name))
    await witness.leaves()
    return not isinstance(answer, Err)


# --- Names ---


async def test_a_class_of_forty_behind_one_address_registers_at_once(
    town: Town, autojump_clock: MockClock
) -> None:
    begun = trio.current_time()
    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(town.enters, f"pupil{number}")
    assert trio.current_time() < begun + 60


async def test_new_names_from_one_address_come_slowly_after_a_while(
    town: Town, autojump_clock: MockClock
) -> None:
    for number in range(NEW_NAMES_AT_ONCE):
        await visits(town, f"user{number}")

    code, why = await refusal(town, "user99")

    assert (code, "too many new names came from your address" in why) == ("LIMIT", True)
    await visits(town, "user0")  # who has a name comes and goes
    await visits(town, "carol", at="10.0.0.8")
    await trio.sleep(NEW_NAME_SECONDS)
    await visits(town, "user99")


async def test_a_network_of_ipv6_is_one_address(town: Town, autojump_clock: MockClock) -> None:
    for number in range(NEW_NAMES_AT_ONCE):
        await visits(town, f"user{number}", at=f"2001:db8::{number + 1:x}")
    assert (await refusal(town, "user99", at="2001:db8::ffff"))[0] == "LIMIT"
    await visits(town, "carol", at="2001:db8:0:1::1")


async def test_names_that_were_hardly_used_are_given_up_after_a_week(
    town: Town, autojump_clock: MockClock
) -> None:
    await visits(town, "mallory", "carol")
    carol = await town.enters("carol")
    await trio.sleep(30)
    await carol.leaves()
    await town.runs_for(FLEETING_DAYS * DAY - SWEPT)
    assert await exists(town, "mallory")

    await visits(town, "carol")  # which counts from here
    await trio.sleep(2 * SWEPT)

    assert not await exists(town, "mallory")
    assert await exists(town, "carol")


async def test_names_in_use_last_for_a_year(town: Town, autojump_clock: MockClock) -> None:
    await (await uses(town, "carol")).leaves()
    await town.runs_for((UNUSED_DAYS - 1) * DAY)
    await trio.sleep(SWEPT)
    assert await exists(town, "carol")
    await town.runs_for(2 * DAY)
    await trio.sleep(SWEPT)
    assert not await exists(town, "carol")


async def test_who_was_here_in_a_crash_has_used_the_name(
    town: Town, autojump_clock: MockClock
) -> None:
    await uses(town, "carol")
    await town.crashes()
    await town.opens()
    await town.runs_for(2 * FLEETING_DAYS * DAY)
    await trio.sleep(SWEPT)
    assert await exists(town, "carol")


async def test_no_address_holds_most_names_once_they_become_few(
    town: Town, autojump_clock: MockClock
) -> None:
    await town.closes()
    await town.opens(names=8)
    await visits(town, *(f"user{number}" for number in range(6)))

    code, why = await refusal(town, "user6")

    assert (code, "half of its names" in why) == ("LIMIT", True)
    await town.crashes()
    await town.opens(names=8)
    assert (await refusal(town, "user6"))[0] == "LIMIT", "also after a restart"
    await visits(town, "carol", at="10.0.0.8")


async def test_words_of_the_program_are_no_names(town: Town, autojump_clock: MockClock) -> None:
    for word in ("all", "Y", "chat"):
        assert await refusal(town, word) == (
            "NAME",
            f'"{word}" is a word of the program; choose another name.',
        )


# --- Names that were given back ---


async def gives_back(town: Town, name: str) -> None:
    user = await town.enters(name, request=identity_of(name).request(name))
    assert isinstance(await user.ask(Unregister(1)), Done)
    await user.ends()


async def test_a_name_that_was_given_back_goes_only_to_its_old_key(
    town: Town, autojump_clock: MockClock
) -> None:
    await gives_back(town, "carol")
    taken = await refusal(town, "CAROL", identity=MALLORY)
    assert taken == ("TKN", "the name carol is taken")
    await town.crashes()
    await town.opens()
    assert await refusal(town, "carol", identity=MALLORY) == taken
    await visits(town, "carol")
    assert await refusal(town, "carol", identity=MALLORY) == taken


async def test_it_is_free_when_its_last_certificate_is_over(
    town: Town, autojump_clock: MockClock
) -> None:
    await gives_back(town, "carol")
    clock = town.machine.clock
    clock.set(clock.time() + (CERTIFICATE_DAYS + 2) * DAY)
    assert (await refusal(town, "carol", identity=MALLORY))[0] == "TKN", "a clock may jump"
    clock.set(clock.time() - (CERTIFICATE_DAYS + 2) * DAY)
    await town.runs_for((CERTIFICATE_DAYS + 2) * DAY)
    assert (await refusal(town, "carol", identity=MALLORY))[0] == "TKN", "others go by the clock"
    clock.set(clock.time() + (CERTIFICATE_DAYS + 2) * DAY)
    await town.enters("carol", identity=MALLORY)


async def test_a_certificate_of_a_clock_that_was_ahead_counts_too(
    town: Town, autojump_clock: MockClock
) -> None:
    clock = town.machine.clock
    honest = clock.time()
    clock.set(honest + YEARS)
    await gives_back(town, "carol")
    clock.set(honest + (CERTIFICATE_DAYS + 2) * DAY)
    await town.runs_for((CERTIFICATE_DAYS + 2) * DAY)
    assert (await refusal(town, "carol", identity=MALLORY))[0] == "TKN"


async def test_a_name_that_expired_goes_only_to_its_old_key_too(
    town: Town, autojump_clock: MockClock
) -> None:
    await visits(town, "carol")
    await town.runs_for((FLEETING_DAYS + 1) * DAY)
    await trio.sleep(SWEPT)
    assert not await exists(town, "carol")
    assert (await refusal(town, "carol", identity=MALLORY))[0] == "TKN"
    await visits(town, "carol")


async def test_a_renewed_certificate_lengthens_it(town: Town, autojump_clock: MockClock) -> None:
    carol = identity_of("carol")
    await visits(town, "carol")
    clock = town.machine.clock
    clock.set(clock.time() + CERTIFICATE_DAYS * DAY / 2)
    await town.runs_for(CERTIFICATE_DAYS * DAY / 2)
    user = await town.enters("carol", request=carol.request("carol"))
    assert user.welcome.certificate
    await user.ask(Unregister(1))
    clock.set(clock.time() + (CERTIFICATE_DAYS * 0.9) * DAY)
    await town.runs_for((CERTIFICATE_DAYS * 0.9) * DAY)
    assert (await refusal(town, "carol", identity=MALLORY))[0] == "TKN"


# --- Clocks ---


@pytest.mark.parametrize("jump", [YEARS, -YEARS])
async def test_a_clock_that_jumps_takes_neither_mail_nor_names(
    town: Town, autojump_clock: MockClock, jump: float
) -> None:
    await visits(town, "dave")
    carol = await town.enters("carol")
    assert await carol.ask(Drop(1, "dave", "ab" * 16, b"sealed")) == Stored(1, "ab" * 16)
    await carol.leaves()
    clock = town.machine.clock

    clock.set(clock.time() + jump)
    await trio.sleep(SWEPT)
    await town.crashes()
    await town.opens()
    await trio.sleep(SWEPT)
    clock.set(clock.time() - jump)
    await trio.sleep(SWEPT)

    assert (await town.enters("dave")).welcome.waiting == 1
    await visits(town, "carol")


async def test_mail_is_still_thrown_away_when_a_clock_fell_behind(
    town: Town, autojump_clock: MockClock
) -> None:
    await visits(town, "dave")
    carol = await town.enters("carol")
    await carol.ask(Drop(1, "dave", "ab" * 16, b"sealed"))
    clock = town.machine.clock
    clock.set(clock.time() - YEARS)
    await town.closes()
    town.write("UPDATE users SET used = 9999")
    await town.opens()
    await town.runs_for(KEEP_SECONDS)
    await trio.sleep(SWEPT)
    assert (await town.enters("dave")).welcome.waiting == 0


# --- Places ---


async def test_no_address_holds_most_places_once_they_become_few(
    town: Town, autojump_clock: MockClock
) -> None:
    await town.closes()
    await town.opens(connections=10)  # eight users
    users = [await town.enters(f"user{number}") for number in range(6)]

    code, why = await refusal(town, "user6")

    assert (code, "half of its users" in why) == ("LIMIT", True)
    await town.enters("user0")  # who is here comes back over their own ghost
    await town.enters("carol", at="10.0.0.8")
    await town.enters("dave", at="10.0.0.8")
    for user in users[3:]:
        await user.leaves()
    await town.enters("user6")


# --- Mail ---


async def leaves(town: Town, name: str, to: str, count: int, first: int = 1) -> list[object]:
    """Somebody leaves so many messages; returns the answers."""
    user = await town.enters(name)
    drops = [Drop(user.next_id(), to, f"{first + n:032x}", b"sealed") for n in range(count)]
    for drop in drops:
        user.say(drop)
    answers = [await user.answer_to(drop) for drop in drops]
    await user.leaves()
    return answers


async def test_ten_strangers_cannot_close_a_mailbox_to_those_whom_its_owner_has_answered(
    town: Town, autojump_clock: MockClock
) -> None:
    await visits(town, "carol", "frank")
    erin = await town.enters("erin")
    await erin.ask(Drop(1, "carol", "ab" * 16, b"sealed"))
    await erin.ask(Lookup(2, "frank", own=True))
    await erin.ask(Lookup(3, "mallory0"))
    await erin.leaves()

    for number in range(10):
        answers = await leaves(town, f"mallory{number}", "erin", 100)

    assert all(isinstance(one, Err) and one.code == "FULL" for one in answers)
    assert all(isinstance(one, Stored) for one in await leaves(town, "carol", "erin", 100))
    assert all(isinstance(one, Stored) for one in await leaves(town, "frank", "erin", 100))


async def test_to_invite_somebody_keeps_room_for_their_letters(community: Community) -> None:
    carol, dave, _ = await community.start("carol", "dave", "mallory")
    await carol.connects_with(dave)

    query = (
        "SELECT one.name, two.name FROM answered JOIN users AS one ON one.id = owner"
        " JOIN users AS two ON two.id = other"
    )
    rows = community.directory.machine.disk.ask(FILE, query)
    assert rows == [("carol", "dave")], "who was dialled has not answered by that"


async def test_all_mail_together_has_a_limit_and_no_address_fills_it(
    town: Town, autojump_clock: MockClock
) -> None:
    await town.closes()
    await town.opens(mail_mib=1)
    await visits(town, "erin")
    for number in range(5):
        mallory = await town.enters(f"mallory{number}")
        for n in range(7):
            await mallory.ask(Drop(n, "erin", f"{n:032x}", bytes(40_000)))
        await mallory.leaves()
    honest = await town.enters("carol", at="10.0.0.8")
    assert isinstance(await honest.ask(Drop(1, "erin", "ab" * 16, bytes(40_000))), Stored)


async def test_what_waits_on_a_full_disk_can_be_taken(
    town: Town, autojump_clock: MockClock
) -> None:
    await visits(town, "dave")
    await leaves(town, "carol", "dave", 3)
    town.machine.disk.is_full = True
    dave = await town.enters("dave")
    waiting = (await dave.ask(Fetch(1))).envelopes
    taken = tuple(Verdict(one.number, one.id, bytes(64)) for one in waiting)
    assert await dave.ask(Taken(2, taken)) == Done(2)
    assert (await dave.ask(Fetch(3))).envelopes == ()
    assert await dave.ask(Unregister(4)) == Done(4)


# --- Tokens ---


async def closed(town: Town) -> Client:
    """A community with a token, and carol, who is a member."""
    await town.closes()
    await town.opens(token="sesame")
    return await town.enters("carol", token="sesame")


async def test_a_wrong_token_costs_a_second_and_a_log_line(
    town: Town, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    await closed(town)
    begun = trio.current_time()
    with caplog.at_level(logging.WARNING):
        for guess in range(5):
            assert (await refusal(town, "mallory", token=f"guess {guess}"))[0] == "TOKEN"
    assert trio.current_time() >= begun + 5
    assert [one.getMessage() for one in caplog.records] == [
        f"wrong tokens: 1, the last one from {ELSEWHERE}"
    ]


async def test_guesses_side_by_side_are_no_faster_and_hold_nobody_else_up(
    town: Town, autojump_clock: MockClock
) -> None:
    await closed(town)
    judged = []

    async def guess(number: int) -> None:
        try:
            code, _ = await refusal(town, "mallory", token=f"guess {number}")
        except trio.TooSlowError:
            code = "LIMIT"  # no answer in ten seconds
        judged.append(code)

    begun = trio.current_time()
    async with trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(guess, number)
        await trio.sleep(0.1)
        await town.enters("dave", at="10.0.0.8", token="sesame")
        await town.enters("carol")
        assert trio.current_time() < begun + 0.2
    assert judged.count("TOKEN") <= 12  # one at once, one a second for ten seconds
    assert judged.count("LIMIT") == 100 - judged.count("TOKEN")


async def test_without_the_token_nobody_learns_which_names_exist(
    town: Town, autojump_clock: MockClock
) -> None:
    await (await closed(town)).leaves()
    answers = set()
    for name in ("carol", "nobody", "all"):
        begun = trio.current_time()
        answer = await refusal(town, name, identity=MALLORY, token="wrong")
        answers.add((*answer, round(trio.current_time() - begun, 3)))
        await trio.sleep(5)
    assert len(answers) == 1
