"""Bytes that came become TLS's records, however they were cut on their way."""

import pytest

from shared.records import HEAD_BYTES, REST_BYTES, Records

FIRST = b"\x17\x03\x03\x00\x05hello"
SECOND = b"\x17\x03\x03\x01\x00" + bytes(256)
EMPTY = b"\x17\x03\x03\x00\x00"


@pytest.mark.parametrize("size", [1, 2, HEAD_BYTES, 7, 1_000])
def test_records_are_cut_wherever_the_bytes_were(size: int) -> None:
    records, all_of_them = Records(), FIRST + SECOND + EMPTY + FIRST
    taken: list[bytes] = []
    for start in range(0, len(all_of_them), size):
        records.add(all_of_them[start : start + size])
        taken += records.take(100)
    assert taken == [FIRST, SECOND, EMPTY, FIRST]
    assert len(records) == 0


def test_so_many_are_taken_at_once() -> None:
    records = Records(FIRST * 5 + SECOND[:10])
    assert records.take(3) == [FIRST] * 3
    assert records.has_whole
    assert records.take(3) == [FIRST] * 2
    assert not records.has_whole
    assert records.take(3) == []
    assert len(records) == 10
    records.add(SECOND[10:])
    assert records.take(3) == [SECOND]


def test_one_of_the_greatest_length_is_awaited_and_a_longer_one_is_not() -> None:
    greatest, longer = (b"\x17\x03\x03" + (REST_BYTES + one).to_bytes(2, "big") for one in (0, 1))
    assert not Records(greatest + bytes(REST_BYTES - 1)).has_whole
    assert Records(greatest + bytes(REST_BYTES)).take(2) == [greatest + bytes(REST_BYTES)]
    assert Records(FIRST + longer).take(2) == [FIRST, longer]
