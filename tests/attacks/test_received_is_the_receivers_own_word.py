"""That a message was received is said by its receiver, and never by the directory alone.

Receipts are signed with the key for which the message was sealed.
"""

import trio

from shared.messages.directory import Fetch, Mail, Receipt, Receipts, Taken, Verdict
from shared.receipt import is_signed, sign_refused, sign_taken
from tests.kit.attackers.letters import leave, says_received
from tests.kit.community import Community, Person
from tests.kit.raw_peer import raw
from tests.kit.world import EPOCH

UNSIGNED = "The directory says that dave is done with your message of "


def left_by(person: Person) -> list[str]:
    """Ids of the letters that this person left, and has no receipt for."""
    return [
        id
        for (id,) in person.peer._memory.journal.database.read(
            "SELECT id FROM letters_left ORDER BY time"
        )
    ]


async def carol_without_dave(community: Community) -> tuple[Person, Person]:
    """Carol has left a message for dave, who is away."""
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.types("LEAVE dave back at five?")
    await carol.sees("Message left for dave.")
    return carol, dave


async def test_a_receipt_that_the_directory_makes_up_is_not_shown_as_received(
    community: Community,
) -> None:
    carol, dave = await carol_without_dave(community)
    (id,) = left_by(carol)
    for proof in (b"", bytes(64), sign_taken(carol.peer._memory.myself.identity, id, bytes(32))):
        says_received(community, carol, Receipt(id, "dave", EPOCH, proof))
        says_received(community, carol, Receipt(id, "dave", EPOCH, proof, "unreadable"))
    await carol.sees_part(UNSIGNED)
    await carol.types("STATUS")
    carol.never_saw("received")
    carol.never_saw("did not take")
    assert carol.saw(UNSIGNED) == 1
    await dave.starts()
    await carol.sees_part("dave received your message of ")  # his own word still counts


async def test_a_copy_counts_as_delivered_only_when_its_receiver_has_signed(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    community.separates(carol, dave)
    await carol.types("one")
    community.separates(dave, community.directory)
    await carol.sees("Message left for dave.", within=60)
    (id,) = left_by(carol)
    says_received(community, carol, Receipt(id, "dave", EPOCH, bytes(64)))
    await carol.sees_part(UNSIGNED)
    await carol.types("/WHO GOT")
    await carol.sees_part("left at the directory")
    carol.never_saw("received")


async def test_a_receipt_for_one_sender_is_none_for_another(community: Community) -> None:
    """Mallory leaves a message with the id of carol's, and gets dave's receipt for her own."""
    carol, dave = await carol_without_dave(community)
    (id,) = left_by(carol)
    async with raw(community, "mallory") as mallory:
        await leave(mallory, "dave", "hi", id=id)
        # The directory hides carol's message from dave.
        community.directory.machine.disk.ask(
            "directory.sqlite",
            "DELETE FROM envelopes WHERE sender = (SELECT id FROM users WHERE name = 'carol')",
        )
        await dave.starts()
        await dave.sees_part("mallory: hi")
        (receipt,) = (await mallory.client.hears(Receipts)).receipts
        assert is_signed(receipt, dave.peer._memory.myself.key, mallory.client.identity.public)
    says_received(community, carol, receipt)
    await carol.sees_part(UNSIGNED)
    carol.never_saw("received")


async def test_a_message_that_cannot_be_opened_is_never_called_received(
    community: Community,
) -> None:
    """The receiver says why, and signs that as well."""
    carol, dave = await carol_without_dave(community)
    disk = community.directory.machine.disk
    disk.ask("directory.sqlite", "UPDATE envelopes SET sealed = x'00'")
    await dave.starts()
    await dave.sees(
        "A message that was left for you cannot be opened: an envelope cannot be opened."
    )
    await carol.sees_part("dave did not take your message of ")
    await trio.sleep(1)
    carol.never_saw("received")
    assert not left_by(carol)


async def test_nothing_that_another_has_signed_is_a_receipt(community: Community) -> None:
    carol, _ = await community.start("carol", "erin")
    async with raw(community, "dave") as dave:
        await carol.types("LEAVE dave back at five?")
        await carol.sees("Message left for dave.")
        mail = await dave.client.ask(Fetch(dave.client.next_id()))
        assert isinstance(mail, Mail)
        (one,) = mail.envelopes
        mine = carol.peer._memory.myself.key
        erin = community.people["erin"].peer._memory.myself.identity
        wrong = sign_taken(erin, one.id, mine)
        await dave.client.ask(Taken(dave.client.next_id(), (Verdict(one.number, one.id, wrong),)))
        await carol.sees_part(UNSIGNED)
        # A refusal does not become a receipt when its word is taken away, nor the reverse.
        refused = sign_refused(dave.client.identity, one.id, "name")
        taken = sign_taken(dave.client.identity, one.id, mine)
        says_received(community, carol, Receipt(one.id, "dave", EPOCH, refused))
        says_received(community, carol, Receipt(one.id, "dave", EPOCH, taken, "name"))
        says_received(community, carol, Receipt(one.id, "dave", EPOCH, refused, "certificate"))
        await carol.types("STATUS")
        carol.never_saw("received")
        carol.never_saw("did not take")
        says_received(community, carol, Receipt(one.id, "dave", EPOCH, taken))
        await carol.sees_part("dave received your message of ")
