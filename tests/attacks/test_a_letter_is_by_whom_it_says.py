"""A letter is shown under a name only when that name is its sender's.

A certificate outlives a name that was given back: of names that are not known here the
directory is asked, and a letter makes no key known.
"""

from shared.identity import Identity
from shared.messages.directory import Receipts, Unregister
from tests.kit.attackers.letters import leave, vouches
from tests.kit.community import Community
from tests.kit.raw_client import identity_of
from tests.kit.raw_peer import raw
from tests.kit.world import EPOCH

AN_OLD_KEY: Identity = identity_of("whoever had that name before")


async def test_an_old_certificate_does_not_speak_for_a_name_that_has_another_owner(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    old = vouches(community, "dave", AN_OLD_KEY.public, now=EPOCH)
    async with raw(community, "mallory") as mallory:
        await leave(mallory, "carol", "my new number is 555", identity=AN_OLD_KEY, certificate=old)
        await carol.sees(
            "A message that was left for you cannot be opened:"
            " it is signed with a key that dave had before."
        )
        (receipt,) = (await mallory.client.hears(Receipts)).receipts
        assert receipt.refused == "name"
    carol.never_saw("555")
    await dave.types("PRV carol hello")
    await carol.sees("[private] dave: hello")
    await dave.types("LEAVE carol good night")
    await carol.sees_part("] dave: good night")
    carol.never_saw("has changed")


async def test_whoever_has_given_the_name_back_is_named_so(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.quits()
    async with raw(community, "dave") as dave:
        await leave(dave, "carol", "I am leaving this town")
        await dave.client.ask(Unregister(dave.client.next_id()))
    await carol.starts()
    await carol.sees_part("] dave (no longer registered): I am leaving this town")
    assert carol.peer._memory.journal.contacts.key_of("dave") is None


async def test_a_letter_makes_no_key_known(community: Community) -> None:
    """Nobody can poison a name before its owner comes."""
    carol, dave = await community.start("carol", "dave")
    await dave.types("LEAVE carol hello")
    await carol.sees_part("] dave: hello")
    assert carol.peer._memory.journal.contacts.key_of("dave") is None


async def test_another_key_than_the_known_one_stays_at_the_directory(community: Community) -> None:
    carol, _ = await community.start("carol", "dave")
    await carol.types("LEAVE dave whom I know from now on")
    false = vouches(community, "dave", AN_OLD_KEY.public, now=EPOCH)
    async with raw(community, "mallory") as mallory:
        await leave(mallory, "carol", "it is me", identity=AN_OLD_KEY, certificate=false)
        await carol.sees_part(
            "A message that was left for you stays at the directory. The key of dave has changed."
        )
        assert not [one for one in mallory.client.heard if isinstance(one, Receipts)]
    carol.never_saw("it is me")


async def test_nobody_writes_to_me_under_my_own_name(community: Community) -> None:
    (carol,) = await community.start("carol")
    false = vouches(community, "carol", AN_OLD_KEY.public, now=EPOCH)
    async with raw(community, "mallory") as mallory:
        await leave(mallory, "carol", "note to myself", identity=AN_OLD_KEY, certificate=false)
        await carol.sees(
            "A message that was left for you cannot be opened: it bears your own name."
        )
    carol.never_saw("note to myself")
