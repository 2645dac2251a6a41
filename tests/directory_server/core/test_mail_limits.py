"""How much mail may wait, counted by hand."""

import pytest

from directory_server.core.mail_limits import (
    BYTES_FROM_ONE,
    BYTES_IN_ALL,
    BYTES_OF_STRANGERS,
    COST,
    MESSAGES_FROM_ONE,
    MESSAGES_IN_ALL,
    MESSAGES_OF_STRANGERS,
    MIB,
    RECEIPTS,
    Mailbox,
    Stock,
    why_hoarding,
)

NEVER = "the mailbox of dave is full for users whom dave has never answered"


@pytest.mark.parametrize(
    ("mailbox", "why"),
    [
        (Mailbox(MESSAGES_IN_ALL - 1, 0, MESSAGES_FROM_ONE - 1, 0, True), None),
        (Mailbox(0, 0, MESSAGES_FROM_ONE, 0, True), "100 messages from you already wait for dave"),
        (Mailbox(0, 0, 0, BYTES_FROM_ONE - 10, True), None),
        (Mailbox(0, 0, 0, BYTES_FROM_ONE - 9, True),
         "messages of 1 MiB from you already wait for dave"),
        (Mailbox(MESSAGES_IN_ALL, 0, 0, 0, True),
         "the mailbox of dave is full: 1000 messages wait in it"),
        (Mailbox(0, BYTES_IN_ALL - 9, 0, 0, True),
         "the mailbox of dave is full: messages of 8 MiB wait in it"),
        (Mailbox(0, 0, 0, 0, False, MESSAGES_OF_STRANGERS - 1), None),
        (Mailbox(0, 0, 0, 0, False, MESSAGES_OF_STRANGERS), NEVER),
        (Mailbox(0, 0, 0, 0, True, MESSAGES_OF_STRANGERS), None),
        (Mailbox(0, 0, 0, 0, False, 0, BYTES_OF_STRANGERS - 9), NEVER),
    ],
)  # fmt: skip
def test_why_a_mailbox_is_full(mailbox: Mailbox, why: str | None) -> None:
    assert mailbox.why_full(10, "dave") == why


def test_each_message_takes_room() -> None:
    stranger, friend = Mailbox(1, 10, 0, 0, False, 1, 10), Mailbox(1, 10, 0, 0, True)
    for one in (stranger, friend):
        one.add(5)
    assert stranger == Mailbox(2, 15, 1, 5, False, 2, 15)
    assert friend == Mailbox(2, 15, 1, 5, True)


@pytest.mark.parametrize(
    ("stock", "why"),
    [
        (Stock(MIB, MIB - 10 - COST, b"", 0), None),
        (Stock(MIB, MIB - 9 - COST, b"", 0), "this directory keeps 1 MiB of messages, and is full"),
        (Stock(MIB, MIB * 3 // 4, b"x", MIB // 2), None),
        (Stock(MIB, MIB * 3 // 4 + 1, b"x", MIB // 2),
         "this directory is nearly full of messages, half of them from your address"),
        (Stock(MIB, MIB * 3 // 4 + 1, b"x", MIB // 2 - 10 - COST), None),
        (Stock(MIB, MIB * 3 // 4 + 1, b"", MIB // 2), None),
    ],
)  # fmt: skip
def test_why_all_mail_together_is_too_much(stock: Stock, why: str | None) -> None:
    assert stock.why_full(10) == why


def test_a_message_costs_more_than_its_content() -> None:
    stock = Stock(MIB, 1, b"x", 0)
    stock.add(10)
    assert stock == Stock(MIB, 11 + COST, b"x", 10 + COST)


def test_receipts_are_noted_before_more_is_sent() -> None:
    assert why_hoarding(RECEIPTS - 1) is None
    assert why_hoarding(RECEIPTS) == "10000 receipts wait for you: note them first"
