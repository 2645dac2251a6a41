"""No clock, right or wrong, makes a letter be lost unsaid.

A sender's certificate is judged as of the arrival at the directory, within bounds.
"""

import trio

from shared.identity import CERTIFICATE_DAYS
from shared.messages.directory import Receipts
from shared.receipt import is_signed
from tests.kit.attackers.letters import leave, vouches
from tests.kit.community import Community
from tests.kit.raw_peer import raw
from tests.kit.world import EPOCH

DAY = 86_400.0


async def test_a_letter_is_read_after_the_certificate_of_its_sender_is_over(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    machines = (carol.machine, dave.machine, community.directory.machine)
    for machine in machines:
        machine.clock.set(EPOCH + (CERTIFICATE_DAYS - 1) * DAY)
    await carol.types("LEAVE dave back at five?")
    await carol.sees("Message left for dave.")
    await carol.is_killed()
    for machine in machines:
        machine.clock.set(EPOCH + (CERTIFICATE_DAYS + 7) * DAY)
    await dave.starts()
    await dave.sees_part("carol: back at five?")
    dave.never_saw("cannot be opened")


async def test_a_certificate_that_was_over_before_is_refused_and_its_sender_reads_so(
    community: Community,
) -> None:
    (dave,) = await community.start("dave")
    async with raw(community, "carol") as carol:
        key = carol.client.identity.public
        old = vouches(community, "carol", key, now=EPOCH - (CERTIFICATE_DAYS + 1) * DAY)
        await leave(carol, "dave", "too late", certificate=old)
        await dave.sees(
            "A message that was left for you cannot be opened:"
            " the certificate of carol was out of date when it arrived."
        )
        (receipt,) = (await carol.client.hears(Receipts)).receipts
        assert receipt.refused == "certificate"
        assert is_signed(receipt, dave.peer._memory.myself.key, key)
    dave.never_saw("too late")


async def test_a_receiver_whose_clock_is_years_ahead_loses_nothing(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    dave.machine.clock.set(EPOCH + 5 * 365 * DAY)
    await carol.types("LEAVE dave back at five?")
    await dave.sees(
        "A message that was left for you stays at the directory. The certificate of carol was"
        " out of date when it arrived, or a clock is wrong."
    )
    await trio.sleep(60)
    carol.never_saw("received")
    dave.machine.clock.set(EPOCH + 100)
    await carol.types("LEAVE dave or at six?")
    await dave.sees("2 messages were left for you:")
    await dave.sees_part("carol: back at five?")
    await carol.sees_part("dave received your message of ")


async def test_a_receiver_whose_clock_is_years_behind_reads_everything(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    dave.machine.clock.set(EPOCH - 20 * 365 * DAY)
    await carol.types("LEAVE dave back at five?")
    await dave.sees_part("carol: back at five?")
    await carol.sees_part("dave received your message of ")
