"""Looking at the words of a key accepts nothing: only my Yes does, for the key they were about.

A dishonest directory could otherwise have its own key accepted by whoever grows
suspicious, and the true one forgotten.
"""

from peer.console.codes import Code
from shared.identity import Identity
from tests.kit.attackers.false_directory import says_another_key
from tests.kit.community import Community, Person
from tests.kit.raw_client import identity_of

FALSE: Identity = identity_of("the keeper of the directory")
REFUSED = "The key of dave has changed. It was "


async def known(community: Community) -> tuple[Person, Person]:
    """Dave's key is remembered by carol."""
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave hello")
    await dave.sees("[private] carol: hello")
    return carol, dave


async def test_a_false_key_is_not_believed_because_its_words_were_shown(
    community: Community,
) -> None:
    carol, dave = await known(community)
    true = dave.peer._memory.myself.key
    says_another_key(community, "dave", FALSE)
    await carol.types("VERIFY dave")
    await carol.sees("Are they the same at dave's? (Y/N)")
    await carol.types("LEAVE dave my password is 1234")
    await carol.sees_part(REFUSED)
    assert carol.peer._memory.journal.contacts.key_of("dave") == true
    await carol.types("N")
    await carol.sees(
        "Nothing was accepted: dave is not who you take them for. The old key of dave stays."
    )
    await carol.types("LEAVE dave my password is 1234")
    await carol.sees_part(REFUSED)
    assert carol.peer._memory.journal.contacts.key_of("dave") == true
    carol.never_saw("Message left")
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you), dave (ANOTHER KEY)")
    await carol.starts_again()
    assert carol.peer._memory.journal.contacts.key_of("dave") == true
    assert not carol.peer.keys.is_verified("dave")


async def test_a_key_that_is_swapped_between_the_words_and_the_yes_is_not_accepted(
    community: Community,
) -> None:
    carol, dave = await known(community)
    true = dave.peer._memory.myself.key
    await carol.types("VERIFY dave")
    await carol.sees("Are they the same at dave's? (Y/N)")
    says_another_key(community, "dave", FALSE)
    await carol.types("Y")
    await carol.sees("dave is verified.")
    assert carol.peer._memory.journal.contacts.key_of("dave") == true
    await carol.types("LEAVE dave my password is 1234")
    await carol.sees_part("The key of dave, whom you have verified, has changed. It was ")


async def test_the_mark_lasts_and_is_shown(community: Community) -> None:
    carol, dave = await known(community)
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you), dave")
    await carol.types("VERIFY dave", "Y")
    await carol.sees("dave is verified.")
    await carol.starts_again()
    await carol.types("LIST USERS", "INFO dave")
    await carol.sees("ACTIVE: carol (you), dave (verified)")
    assert (await carol.sees_part("dave: ACTIVE since ")).endswith(", verified")
    await carol.connects_with(dave)
    await carol.types("/members")
    assert (await carol.sees_part("dave: direct")).endswith(", verified")
    await dave.types("/members")
    assert not (await dave.sees_part("carol: direct")).endswith("verified")


async def test_a_script_accepts_with_the_words_that_the_other_reads_out_only(
    community: Community,
) -> None:
    carol, dave = await known(community)
    await dave.types("VERIFY carol")
    words = (await dave.sees_part("must both see these words: ")).partition(": ")[2]
    await carol.quits()
    assert await carol.runs("VERIFY dave") is Code.DONE
    assert carol.lines[1:] == [f"You and dave must both see these words: {words}"]
    assert await carol.runs("VERIFY dave yes") is Code.REFUSED
    assert carol.saw("These are not the words of you and dave: nothing was accepted.") == 1
    assert await carol.runs(f"VERIFY dave {words}") is Code.DONE
    assert carol.saw("dave is verified.") == 1
    says_another_key(community, "dave", FALSE)
    assert await carol.runs(f"VERIFY dave {words}") is Code.REFUSED
    assert carol.saw("The old key of dave stays.") == 1
    assert await carol.runs("LEAVE dave hello") is Code.REFUSED


async def test_the_key_of_a_directory_is_shown_once_to_be_compared(community: Community) -> None:
    (carol,) = await community.start("carol")
    said = await carol.sees_part("The directory's key is ")
    directory = community.directory._directory
    assert directory is not None
    key = directory._community.authority.fingerprint()
    assert said == f"The directory's key is {key}: compare it with what dirserver printed."
    assert carol.lines[0].startswith("You are carol, connected ")
    await carol.starts_again()
    carol.never_saw("The directory's key is ")
