"""What is known of users and communities, over restarts."""

from tests.kit.journals import NOW, opened
from tests.kit.world import MemoryDisk

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
AUTHORITY, OTHER = b"authority", b"another"


async def test_a_key_is_remembered_and_no_longer_compared_once_it_changes() -> None:
    disk = MemoryDisk()
    async with opened(disk) as journal:
        await journal.contacts.remember_key("Dave", KEY, NOW, verified=True)
    async with opened(disk) as journal:
        assert journal.contacts.key_of("DAVE") == KEY
        assert journal.contacts.key_of("erin") is None
        assert journal.contacts.verified == {"dave"}
        await journal.contacts.remember_key("dave", OTHER_KEY, NOW)
        assert journal.contacts.verified == set()
    async with opened(disk) as journal:
        assert journal.contacts.key_of("dave") == OTHER_KEY
        assert journal.contacts.verified == set()


async def test_who_is_ignored_stays_so_until_it_is_taken_back() -> None:
    disk = MemoryDisk()
    async with opened(disk) as journal:
        for name in ("Dave", "erin", "dave"):
            await journal.contacts.ignore(name)
    async with opened(disk) as journal:
        assert journal.contacts.ignored == {"dave", "erin"}
        await journal.contacts.unignore("DAVE")
    async with opened(disk) as journal:
        assert journal.contacts.ignored == {"erin"}


async def test_what_authors_have_filled_counts_for_one_day() -> None:
    disk = MemoryDisk()
    async with opened(disk) as journal:
        for author, day, size in (("dave", 1, 10), ("dave", 1, 30), ("erin", 1, 5)):
            await journal.contacts.note_taken(author, day, size)
    async with opened(disk) as journal:
        assert sorted(journal.contacts.taken_on(1)) == [("dave", 1, 30), ("erin", 1, 5)]
        await journal.contacts.note_taken("erin", 2, 7)
        assert journal.contacts.taken_on(1) == []
        assert journal.contacts.taken_on(2) == [("erin", 2, 7)]


async def test_a_community_is_known_by_its_authority_and_certifies_each_name() -> None:
    disk = MemoryDisk()
    async with opened(disk) as journal:
        await journal.communities.remember("here:5000", OTHER)
        await journal.communities.remember("here:5000", AUTHORITY)
        await journal.communities.keep_certificate(AUTHORITY, "Carol", b"old")
        await journal.communities.keep_certificate(AUTHORITY, "carol", b"new")
    async with opened(disk) as journal:
        communities = journal.communities
        assert communities.authority_at("here:5000") == AUTHORITY
        assert communities.authority_at("there:5000") is None
        assert (communities.has_met(AUTHORITY), communities.has_met(OTHER)) == (True, False)
        assert communities.certificate(AUTHORITY, "CAROL") == b"new"
        assert communities.certificate(OTHER, "carol") is None
