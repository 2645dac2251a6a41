"""Nobody speaks as another: no other key is ever shown under the name that I know.

Whichever way words come: over a link of their own, handed on in a conversation, in its
roll, in its history or in an invitation.  A bare name stands for the remembered key only,
or, where nothing is remembered, for the key that the directory says today.
"""

import trio

from shared.messages.common import VERSION, Err
from shared.messages.peers import PeerIam, Private
from tests.kit.attackers.false_directory import certificate, says_another_key
from tests.kit.community import Community
from tests.kit.raw_client import identity_of
from tests.kit.raw_peer import raw
from tests.kit.world import EPOCH

OTHER = identity_of("somebody else")


# --- Over a link -----------------------------------------------------------------------


async def test_a_name_given_back_is_marked_while_the_directory_is_away(
    community: Community,
) -> None:
    """Its certificate is good still, and nobody is there who knows better."""
    (carol,) = await community.start("carol")
    async with raw(community, "dave") as dave:
        link = await dave.dials_silently(carol)
        await community.directory.crashes()
        await carol.sees("Lost the directory, trying again.")
        link.says(PeerIam(VERSION, dave.name, dave.run, EPOCH))
        link.says(Private("1" * 32, EPOCH, "my new number is 555"))
        await carol.sees("dave (NOT CONFIRMED) writes to you for the first time;"
                         " IGNORE dave hears no more.")  # fmt: skip
        await carol.sees("[private] dave (NOT CONFIRMED): my new number is 555")
        await trio.sleep(1)
        assert carol.peer._memory.journal.contacts.key_of("dave") is None
        await carol.types("HISTORY dave", "SEARCH number")
        await carol.sees_part("dave (NOT CONFIRMED): my new number is 555")
        assert carol.saw("dave: my new number") == 0


async def test_who_turns_out_to_be_another_is_cut_when_the_directory_is_back(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "dave") as dave:
        link = await dave.dials_silently(carol)
        await community.directory.crashes()
        await carol.sees("Lost the directory, trying again.")
        link.says(PeerIam(VERSION, dave.name, dave.run, EPOCH))
        link.says(Private("1" * 32, EPOCH, "hello"))
        await carol.sees("[private] dave (NOT CONFIRMED): hello")
        assert carol.peer._reach.links.names == ("dave",)
        await community.directory.starts()
        says_another_key(community, "dave", OTHER)  # to whom the name belongs by now
        await carol.sees("The directory is back.", within=60)
        await link.ends()
        assert not carol.peer._reach.links.names
        carol.never_saw("[private] dave: ")


async def test_an_old_certificate_opens_no_link_while_its_name_has_another_owner(
    community: Community,
) -> None:
    """It is valid still, and of dave's true key carol remembers nothing."""
    carol, dave = await community.start("carol", "dave")
    async with raw(community, "mallory") as mallory:
        mallory.network.present(certificate(community, "dave", OTHER, EPOCH))
        link = await mallory.dials(carol, as_name="dave")
        link.says(Private("1" * 32, EPOCH, "my new number is 555"))
        assert (await link.hears(Err)).text == "the name dave belongs to another key now"
        await link.ends()
    await dave.types("PRV carol hello")
    await carol.sees("[private] dave: hello")
    carol.never_saw("555")
