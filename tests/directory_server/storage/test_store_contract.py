"""What the directory may rely on, whichever store it has.

Far stores answer late, lose answers to writes, and repeat the writes.
"""

import msgspec
import pytest
import trio

from directory_server.core import mail_limits
from directory_server.core.mail_limits import (
    BYTES_FROM_ONE,
    BYTES_IN_ALL,
    BYTES_OF_STRANGERS,
    COST,
    KEEP_SECONDS,
    MESSAGES_FROM_ONE,
    MESSAGES_IN_ALL,
    MESSAGES_OF_STRANGERS,
    MIB,
)
from directory_server.core.registry import User
from directory_server.core.tombstones import NOBODY, Tombstone, Validity
from directory_server.core.usage import Usage
from directory_server.storage.store import Kept, NotKept, Store, Use
from shared.messages.directory import Verdict
from tests.directory_server.storage.conftest import Opened
from tests.kit.stores import (
    AGE,
    NOW,
    drop,
    mail,
    newcomer,
    post,
    receipts,
    register,
    release,
    take,
)


async def small_store(opened: Opened) -> tuple[Store, list[User]]:
    """Room for four large messages, three users behind each of two addresses, and dave."""
    store = await opened(1)
    users = [
        await store.register(newcomer(name)._replace(origin=name[:3].encode()), NOW, AGE)
        for name in ("one1", "one2", "one3", "two1", "two2", "two3", "dave")
    ]
    return store, users


LARGE = MIB // 4 - COST


async def test_names_come_back_as_they_were_registered(store: Store) -> None:
    carol = await store.register(
        newcomer("Carol", b"k" * 32)._replace(sealing_key=b"s" * 32, sealing_proof=b"p" * 64),
        NOW,
        AGE,
    )

    (again,) = await store.users()

    assert (again.id, again.name, again.key) == (carol.id, "Carol", b"k" * 32)
    assert (again.sealing_key, again.sealing_proof) == (b"s" * 32, b"p" * 64)
    assert (again.since, again.origin, again.usage) == (NOW, b"origin", Usage(0, AGE))
    assert again.certified == Validity(NOW + 30, AGE + 30)


async def test_the_first_to_register_a_name_keeps_it(store: Store) -> None:
    first = await store.register(newcomer("carol", b"1" * 32), NOW, AGE)
    second = await store.register(newcomer("CAROL", b"2" * 32), NOW, AGE)
    assert (second.id, second.name, second.key) == (first.id, "carol", b"1" * 32)


async def test_the_number_of_a_name_that_was_given_back_is_not_used_again(store: Store) -> None:
    (carol,) = await register(store, "carol")
    await release(store, carol)
    (again,) = await register(store, "carol")
    assert again.id != carol.id


@pytest.mark.parametrize(
    ("size", "fits", "reason"),
    [
        (10, MESSAGES_FROM_ONE, "100 messages from you already wait for dave"),
        (BYTES_FROM_ONE // 4, 4, "messages of 1 MiB from you already wait for dave"),
    ],
)
async def test_nobody_fills_a_mailbox_alone(
    store: Store, size: int, fits: int, reason: str
) -> None:
    carol, dave, erin = await register(store, "carol", "dave", "erin")
    for number in range(fits):
        assert await drop(store, carol.id, [post(dave, number, size)], NOW, AGE) == [
            Kept(number + 1)
        ]
    assert await drop(store, carol.id, [post(dave, 999, size)], NOW, AGE) == [
        NotKept("FULL", reason)
    ]
    assert await drop(store, erin.id, [post(dave, 999, size)], NOW, AGE) == [Kept(fits + 1)]
    assert await drop(store, carol.id, [post(erin, 999, size)], NOW, AGE) == [Kept(1)]


@pytest.mark.parametrize(
    ("each", "size", "reason"),
    [
        (MESSAGES_FROM_ONE, 10, "the mailbox of dave is full: 1000 messages wait in it"),
        (4, BYTES_FROM_ONE // 4, "the mailbox of dave is full: messages of 8 MiB wait in it"),
    ],
)
async def test_many_together_fill_it(store: Store, each: int, size: int, reason: str) -> None:
    (dave,) = await register(store, "dave")
    senders = MESSAGES_IN_ALL // each if size == 10 else BYTES_IN_ALL // (each * size)
    users = await register(store, *(f"user{number}" for number in range(senders + 1)))
    for user in users:
        await store.answer(dave.id, user.id)
    for user in users[:-1]:
        posted = [post(dave, number, size) for number in range(each)]
        assert (await drop(store, user.id, posted, NOW, AGE))[-1] == Kept(
            await store.waiting(dave.id)
        )
    full = [NotKept("FULL", reason)]
    assert await drop(store, users[-1].id, [post(dave, 1, size)], NOW, AGE) == full


@pytest.mark.parametrize(
    ("each", "size", "fit"),
    [
        (MESSAGES_FROM_ONE, 10, MESSAGES_OF_STRANGERS),
        (4, BYTES_FROM_ONE // 4, BYTES_OF_STRANGERS // (BYTES_FROM_ONE // 4)),
    ],
)
async def test_strangers_get_half_of_it(store: Store, each: int, size: int, fit: int) -> None:
    dave, carol, *strangers = await register(
        store, "dave", "carol", *(f"user{number}" for number in range(fit // each + 1))
    )
    await drop(store, dave.id, [post(carol, 1)], NOW, AGE)
    for user in strangers[:-1]:
        await drop(store, user.id, [post(dave, n, size) for n in range(each)], NOW, AGE)
    assert await store.waiting(dave.id) == fit
    last = [post(dave, 1, size)]
    why = "the mailbox of dave is full for users whom dave has never answered"
    assert await drop(store, strangers[-1].id, last, NOW, AGE) == [NotKept("FULL", why)]
    assert await drop(store, carol.id, last, NOW, AGE) == [Kept(fit + 1)]


async def test_answers_are_remembered_for_so_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_limits, "ANSWERED", 2)
    dave, *others = await register(store, "dave", "carol", "erin", "frank")
    for other in (*others, others[1]):
        await store.answer(dave.id, other.id)
    assert [await store.has_answered(dave.id, other.id) for other in others] == [False, True, True]
    assert not await store.has_answered(others[1].id, dave.id)


async def test_all_mail_together_has_a_limit(opened: Opened) -> None:
    store, (one, one2, _, two, two2, two3, dave) = await small_store(opened)
    for number, user in enumerate((one, two, one2, two2), start=1):
        assert await drop(store, user.id, [post(dave, 1, LARGE)], NOW, AGE) == [Kept(number)]
    full = [NotKept("FULL", "this directory keeps 1 MiB of messages, and is full")]
    assert await drop(store, two3.id, [post(dave, 1)], NOW, AGE) == full
    await take(store, dave, NOW, post(dave, 1).envelope)
    assert await drop(store, two3.id, [post(dave, 1)], NOW, AGE) == [Kept(1)]


async def test_no_address_fills_it_alone(opened: Opened) -> None:
    store, (one, one2, one3, two, _, _, dave) = await small_store(opened)
    for user in (one, one2, one3):
        await drop(store, user.id, [post(dave, 1, LARGE)], NOW, AGE)
    await drop(store, one3.id, [post(dave, 2)], NOW, AGE)
    no = "this directory is nearly full of messages, half of them from your address"
    assert await drop(store, one.id, [post(dave, 3)], NOW, AGE) == [NotKept("FULL", no)]
    assert await drop(store, two.id, [post(dave, 1)], NOW, AGE) == [Kept(5)]
    await release(store, dave)
    (erin,) = await register(store, "erin")
    assert await drop(store, one.id, [post(erin, 3)], NOW, AGE) == [Kept(1)], "its mail went too"


async def test_receipts_that_nobody_notes_end_the_sending(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_limits, "RECEIPTS", 2)
    carol, dave = await register(store, "carol", "dave")
    await drop(store, carol.id, [post(dave, 1), post(dave, 2)], NOW, AGE)
    await take(store, dave, NOW, post(dave, 1).envelope, post(dave, 2).envelope)
    full = [NotKept("FULL", "2 receipts wait for you: note them first")]
    assert await drop(store, carol.id, [post(dave, 3)], NOW, AGE) == full
    await store.note(carol.id, [post(dave, 1).envelope])
    assert await drop(store, carol.id, [post(dave, 3)], NOW, AGE) == [Kept(1)]


async def test_the_same_envelope_twice_in_one_go_is_stored_once(store: Store) -> None:
    carol, dave = await register(store, "carol", "dave")
    assert await drop(store, carol.id, [post(dave, 1), post(dave, 1)], NOW, AGE) == [
        Kept(1),
        Kept(1),
    ]
    assert await store.waiting(dave.id) == 1


async def test_a_receiver_who_went_meanwhile_does_not_exist(store: Store) -> None:
    carol, dave, erin = await register(store, "carol", "dave", "erin")
    await release(store, dave)
    assert await drop(store, carol.id, [post(dave, 1), post(erin, 2)], NOW, AGE) == [
        NotKept("NOBODY", "User dave does not exist!"),
        Kept(1),
    ]


async def test_old_mail_and_old_receipts_are_thrown_away(store: Store) -> None:
    carol, dave = await register(store, "carol", "dave")
    await drop(store, carol.id, [post(dave, number) for number in range(4)], NOW, AGE)
    await drop(store, carol.id, [post(dave, 9)], NOW + 100, AGE + 100)
    await take(store, dave, NOW, post(dave, 0).envelope)
    await take(store, dave, NOW + 100, post(dave, 1).envelope)

    assert await store.expire(AGE + KEEP_SECONDS + 50)

    envelopes, more = await store.mail(dave.id, 0)
    assert ([int(one.id, 16) for one in envelopes], more) == ([9], False)
    (receipt,) = await receipts(store, carol)
    assert (int(receipt.envelope, 16), receipt.at) == (1, NOW + 100)

    await store.expire(AGE + KEEP_SECONDS + 200)
    assert await store.waiting(dave.id) == 0
    assert not await receipts(store, carol)


async def test_receipts_cannot_be_hoarded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_limits, "RECEIPTS", 2)
    carol, dave = await register(store, "carol", "dave")
    await drop(store, carol.id, [post(dave, number) for number in range(5)], NOW, AGE)
    for number in range(5):
        await take(store, dave, NOW + number, post(dave, number).envelope)
    await store.expire(AGE + 10)
    assert [int(one.envelope, 16) for one in await receipts(store, carol, most=1)] == [3, 4]


async def test_receipts_come_in_pages(store: Store) -> None:
    carol, dave = await register(store, "carol", "dave")
    await drop(store, carol.id, [post(dave, number) for number in range(5)], NOW, AGE)
    await take(store, dave, NOW, *(post(dave, number).envelope for number in range(5)))
    found = await receipts(store, carol, most=2)
    assert [int(one.envelope, 16) for one in found] == list(range(5))
    assert {one.by for one in found} == {"dave"}


async def test_who_gives_the_name_back_meanwhile_has_been_answered_by_nobody(
    store: Store,
) -> None:
    carol, dave = await register(store, "carol", "dave")
    await release(store, dave)
    await store.answer(carol.id, dave.id)
    await store.answer(dave.id, carol.id)
    assert not await store.has_answered(carol.id, dave.id)


# --- The community ---


async def test_whose_names_these_are_is_noted(store: Store) -> None:
    assert await store.community() is None
    assert not await store.has_had_names()
    await store.found(b"c" * 32, anew=False)
    (carol,) = await register(store, "carol")
    await release(store, carol)
    assert await store.community() == b"c" * 32
    assert await store.has_had_names(), "although nobody has one now"


async def test_a_community_that_is_founded_anew_loses_all_names(store: Store) -> None:
    carol, dave, erin = await register(store, "carol", "dave", "erin")
    await drop(store, carol.id, [post(dave, 1)], NOW, AGE)
    await release(store, erin)
    await store.order(["carol"], free=True)
    await store.found(b"d" * 32, anew=True)
    assert not await store.users()
    assert not await store.tombstones()
    assert not await store.orders()
    assert await store.waiting(dave.id) == 0


async def test_orders_stay_until_they_are_fulfilled(store: Store) -> None:
    await store.order(["Carol", "dave"], free=False)
    await store.order(["DAVE"], free=True)
    assert sorted(await store.orders()) == [("carol", False), ("dave", True)]
    await store.fulfil(["carol"])
    assert await store.orders() == [("dave", True)]


async def test_what_an_operator_sees_of_each_name(store: Store) -> None:
    dave, carol = await register(store, "dave", "Carol")
    await drop(store, carol.id, [post(dave, 1, 10), post(dave, 2, 20)], NOW, AGE)
    await store.note_uses([Use(dave.id, NOW + 5, Usage(60.0, AGE))], NOW + 5, AGE + 5)
    await store.note_uses([Use(carol.id, None, Usage(0.0, AGE, AGE))], NOW + 5, AGE + 5)
    assert [tuple(one) for one in await store.listed()] == [
        ("Carol", None, 0, b"origin", 0, 0),
        ("dave", NOW + 5, 60, b"origin", 2, 30),
    ]


# --- Names ---


async def test_the_age_is_the_one_of_the_last_heartbeat(store: Store) -> None:
    assert await store.age() == 0
    await store.note_uses([], NOW, AGE)
    assert await store.age() == AGE


async def test_comings_and_goings_are_noted(store: Store) -> None:
    carol, dave = await register(store, "carol", "dave")
    use = Use(carol.id, NOW + 9, Usage(70.0, AGE + 9))
    await store.note_uses([use, Use(dave.id, None, Usage(0.0, AGE, AGE + 1))], NOW + 10, AGE + 10)
    found = {user.name: user for user in await store.users()}
    assert (found["carol"].since, found["carol"].usage) == (NOW + 9, Usage(70.0, AGE + 9))
    assert found["dave"].usage == Usage(0.0, AGE, AGE + 1)
    assert found["dave"].since == NOW + 10, "here at the last heartbeat, and then it crashed"


async def test_a_sealing_key_and_a_certificate_are_noted(store: Store) -> None:
    (carol,) = await register(store, "carol")
    await store.reseal(carol.id, b"s" * 32, b"p" * 64)
    await store.certify(carol.id, Validity(NOW + 99, AGE + 99))
    (found,) = await store.users()
    assert (found.sealing_key, found.sealing_proof) == (b"s" * 32, b"p" * 64)
    assert found.certified == Validity(NOW + 99, AGE + 99)
    (stone,) = await store.release([(carol.id, Tombstone("carol", carol.key, 0, Validity(1, 2)))])
    assert stone == Tombstone("carol", carol.key, 0, Validity(NOW + 99, AGE + 99))
    assert await store.tombstones() == [stone]
    assert not await store.certify(carol.id, Validity(NOW + 200, AGE + 200))


async def test_a_tombstone_stays_until_it_is_lifted_or_the_name_has_an_owner(store: Store) -> None:
    carol, dave, erin = await register(store, "Carol", "dave", "erin")
    stone = Tombstone("Carol", NOBODY, 3.0, Validity(NOW + 31, AGE + 31))
    await store.release([(carol.id, stone), (erin.id, None)])
    await release(store, dave)
    assert sorted(await store.tombstones(), key=lambda one: one.name) == [
        stone,
        Tombstone("dave", dave.key, 0, dave.certified),
    ]
    await store.lift(["carol"])
    await register(store, "DAVE")
    assert not await store.tombstones()


# --- Mail ---


async def test_letters_come_in_their_order_and_in_pages(store: Store) -> None:
    carol, dave = await register(store, "carol", "dave")
    await drop(store, carol.id, [post(dave, n, 20_000) for n in range(5)], NOW, AGE)
    page, more = await store.mail(dave.id, 0)
    assert ([int(one.id, 16) for one in page], more) == ([0, 1], True)
    assert [(one.sealed, one.at) for one in page] == [(bytes(20_000), NOW)] * 2
    assert [int(one.id, 16) for one in await mail(store, dave)] == list(range(5))
    assert await store.mail(dave.id, 2**63 - 1) == ([], False)


async def test_a_letter_larger_than_a_page_comes_alone(store: Store) -> None:
    carol, dave = await register(store, "carol", "dave")
    await drop(store, carol.id, [post(dave, 1, 80_000), post(dave, 2)], NOW, AGE)
    page, more = await store.mail(dave.id, 0)
    assert ([int(one.id, 16) for one in page], more) == ([1], True)


async def test_what_was_taken_is_gone_and_its_sender_has_a_receipt(store: Store) -> None:
    carol, dave = await register(store, "carol", "dave")
    await drop(store, carol.id, [post(dave, 1), post(dave, 2)], NOW, AGE)
    ((number, id, *_), _) = [
        (one.number, one.id, one.sealed) for one in (await store.mail(dave.id, 0))[0]
    ]
    verdict = Verdict(number, id, b"p" * 64, "FULL")

    owed = await store.take(dave.id, "dave", [verdict], NOW + 5, AGE + 5)

    assert {(one.sender, one.receipt.envelope) for one in owed} == {(carol.id, id)}
    assert [int(one.id, 16) for one in await mail(store, dave)] == [2]
    (receipt,) = await receipts(store, carol)
    assert (receipt.by, receipt.at, receipt.proof, receipt.refused) == (
        "dave", NOW + 5, b"p" * 64, "FULL",
    )  # fmt: skip
    assert await drop(store, carol.id, [post(dave, 1)], NOW, AGE) == [Kept(1)], "not once more"
    assert [int(one.id, 16) for one in await mail(store, dave)] == [2]


@pytest.mark.parametrize("lie", [{"number": 99}, {"id": f"{9:032x}"}])
async def test_only_the_owner_of_a_mailbox_empties_it(store: Store, lie: dict[str, object]) -> None:
    carol, dave = await register(store, "carol", "dave")
    await drop(store, carol.id, [post(dave, 1)], NOW, AGE)
    ((one,), _) = await store.mail(dave.id, 0)
    honest = Verdict(one.number, one.id, bytes(64))
    assert not await store.take(carol.id, "carol", [honest], NOW, AGE)
    wrong = msgspec.structs.replace(honest, **lie)
    assert not await store.take(dave.id, "dave", [wrong], NOW, AGE)
    assert await store.waiting(dave.id) == 1


async def test_letters_of_a_sender_who_is_no_more_still_come_and_nobody_gets_a_receipt(
    store: Store,
) -> None:
    carol, dave = await register(store, "carol", "dave")
    await drop(store, carol.id, [post(dave, 1)], NOW, AGE)
    await release(store, carol)
    assert await drop(store, carol.id, [post(dave, 2)], NOW, AGE) == [
        NotKept("NOBODY", "User dave does not exist!")
    ]
    assert not await take(store, dave, NOW, post(dave, 1).envelope)
    assert await store.waiting(dave.id) == 0


async def test_two_senders_may_use_the_same_id(store: Store) -> None:
    carol, dave, erin = await register(store, "carol", "dave", "erin")
    for number, sender in enumerate((carol, erin), start=1):
        assert await drop(store, sender.id, [post(dave, 7)], NOW, AGE) == [Kept(number)]


async def test_many_write_at_once(store: Store) -> None:
    users = await register(store, *(f"user{number}" for number in range(20)), "dave")
    *senders, dave = users

    async def leave(sender: User) -> None:
        for number in range(5):
            (kept,) = await drop(store, sender.id, [post(dave, number)], NOW, AGE)
            assert isinstance(kept, Kept)

    async with trio.open_nursery() as nursery:
        for sender in senders:
            nursery.start_soon(leave, sender)
    assert len(await mail(store, dave)) == 100
