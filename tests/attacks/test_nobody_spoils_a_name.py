"""Nobody spoils a name before its owner comes: only what I do makes a key remembered.

Who dials me, writes to me or leaves me letters makes no key known.  And who shows keys at
will does not fill the screen with alarms.
"""

from peer.core.keys.key_alarms import A_MINUTE, REMEMBERED, KeyAlarms
from shared.messages.peers import Private
from tests.kit.attackers.false_directory import says_another_key
from tests.kit.attackers.letters import leave
from tests.kit.community import Community
from tests.kit.raw_client import identity_of
from tests.kit.raw_peer import raw
from tests.kit.world import EPOCH

OWNER = identity_of("the owner of the name")


async def test_who_dials_first_makes_no_key_known(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "boss") as mallory:
        link = await mallory.dials(carol)
        link.says(Private("1" * 32, EPOCH, "I am the boss"))
        await carol.sees("[private] boss: I am the boss")
        await leave(mallory, "carol", "remember me")
        await carol.sees_part("] boss: remember me")
        await mallory.invites(carol, link)
        await carol.sees("User boss wants to chat with you. Would you like to? (Y/N)")
        await carol.types("N", "INFO boss")
        await carol.sees_part("boss: ACTIVE since")
    assert carol.peer._memory.journal.contacts.key_of("boss") is None
    says_another_key(community, "boss", OWNER)  # as if the name had come to its owner
    await carol.types("LEAVE boss at your service")
    await carol.sees("Message left for boss.")
    assert carol.peer._memory.journal.contacts.key_of("boss") == OWNER.public
    carol.never_saw("has changed")


async def test_an_answer_makes_the_key_known(community: Community) -> None:
    """And then the other key is refused, from wherever it comes."""
    (carol,) = await community.start("carol")
    async with raw(community, "boss") as mallory:
        link = await mallory.dials(carol)
        link.says(Private("1" * 32, EPOCH, "I am the boss"))
        await carol.sees("[private] boss: I am the boss")
        await carol.types("@boss hello")
        await link.hears(Private)
        assert carol.peer._memory.journal.contacts.key_of("boss") == mallory.client.identity.public
        says_another_key(community, "boss", OWNER)
        await carol.types("LEAVE boss at your service")
        await carol.sees_part("The key of boss has changed. It was ")


async def test_a_conversation_makes_its_members_known(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    for one, other in ((carol, dave), (dave, carol)):
        assert one.peer._memory.journal.contacts.key_of(other.name) == other.peer._memory.myself.key


def test_alarms_are_told_once_and_a_few_a_minute() -> None:
    told: list[str] = []
    now = 0.0
    alarms = KeyAlarms(lambda event, _: told.append(str(event)))
    for number in range(114):
        now += 8 / 114
        alarms.ring(number, f"alarm {number}", now)
        alarms.ring(number, f"alarm {number}", now)
    assert told[:A_MINUTE] == [f"alarm {number}" for number in range(A_MINUTE)]
    assert len(told) == A_MINUTE + 1
    now += 61
    alarms.ring(0, "alarm 0", now)
    alarms.ring(113, "alarm 113", now)
    assert told[-1] == "alarm 113"
    assert len(told) == A_MINUTE + 2


def test_old_alarms_are_forgotten_in_the_end() -> None:
    told: list[str] = []
    now = 0.0
    alarms = KeyAlarms(lambda event, _: told.append(str(event)))
    for number in range(REMEMBERED + 1):
        now += 61
        alarms.ring(number, "ring", now)
    now += 61
    alarms.ring(0, "again", now)
    assert told[-1] == "again"
    alarms.ring(REMEMBERED, "not again", now)
    assert told[-1] == "again"
