"""What is said to a router, byte by byte: RFC 6887 (PCP) and RFC 6886 (NAT-PMP)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.core.mapping.router_messages import (
    Grant,
    RouterAddress,
    RouterRefusal,
    nat_pmp_address,
    nat_pmp_map,
    pcp_map,
    read,
)
from tests.kit.router_answers import NONCE, OWN, PORT, V4, pcp_answer

PCP_HEAD = "02 01 0000 00000e10" + (V4 + bytes([192, 168, 1, 20])).hex()
PCP_BODY = NONCE.hex() + "06 000000 9cb0 9cb0" + (V4 + bytes(4)).hex()


def test_a_pcp_request_is_that_of_the_rfc() -> None:
    assert pcp_map(NONCE, OWN, PORT, PORT, 3_600) == bytes.fromhex(PCP_HEAD + PCP_BODY)
    assert len(pcp_map(NONCE, OWN, PORT, PORT, 3_600)) == 60


def test_nat_pmp_requests_are_those_of_the_rfc() -> None:
    assert nat_pmp_map(PORT, PORT, 3_600) == bytes.fromhex("00 02 0000 9cb0 9cb0 00000e10")
    assert nat_pmp_address() == bytes.fromhex("00 00")


@pytest.mark.parametrize(
    ("datagram", "answer"),
    [
        (pcp_answer(), Grant(40_200, 3_600, "8.8.8.8")),
        (pcp_answer(host=bytes(15) + b"\1"), Grant(40_200, 3_600, "::1")),
        (pcp_answer(result=8), RouterRefusal(8, is_pcp=True)),
        (bytes([2, 0x81, 0, 1]) + bytes(20), RouterRefusal(1, is_pcp=True)),
        (bytes.fromhex("00 82 0000 00000001 9cb0 9d08 00000e10"), Grant(40_200, 3_600)),
        (bytes.fromhex("00 80 0000 00000001 cb007109"), RouterAddress("203.0.113.9")),
        (bytes.fromhex("00 81 0001"), RouterRefusal(1, is_pcp=False)),
        (bytes.fromhex("00 82 0002 00000001 9cb0 0000 00000000"), RouterRefusal(2, is_pcp=False)),
    ],
)
def test_answers_are_read(datagram: bytes, answer: object) -> None:
    assert read(datagram, NONCE, PORT) == answer


def test_a_router_without_an_address_says_so_in_nat_pmp() -> None:
    assert RouterRefusal(3, is_pcp=False).has_no_address
    assert not RouterRefusal(2, is_pcp=False).has_no_address
    assert not RouterRefusal(3, is_pcp=True).has_no_address, "there it is a malformed request"


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x02",
        pcp_map(NONCE, OWN, PORT, PORT, 3_600),  # a question
        pcp_answer(nonce=bytes(12)),  # an answer to somebody else
        pcp_answer(protocol=17),
        pcp_answer()[:-1],
        pcp_answer()[:20],
        bytes([2, 0x80]) + pcp_answer()[2:],  # of another opcode
        bytes.fromhex("01 81 0000"),  # a version of nobody
        bytes.fromhex("00 82 00"),
        bytes.fromhex("00 82 0000 00000001 9cb1 9d08 00000e10"),  # another port of mine
        bytes.fromhex("00 82 0000 00000001 9cb0 9d08"),
        bytes.fromhex("00 80 0000 00000001 cb0071"),
        bytes.fromhex("00 8f 0000 00000001 cb007109"),
    ],
)
def test_anything_else_is_no_answer(datagram: bytes) -> None:
    assert read(datagram, NONCE, PORT) is None


@given(st.binary(max_size=1_200))
def test_no_datagram_makes_the_reader_fail(datagram: bytes) -> None:
    for head in (b"", b"\x02\x81\x00", b"\x00\x82", b"\x00\x80\x00\x00"):
        read(head + datagram, NONCE, PORT)
