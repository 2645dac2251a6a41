"""What directories tell each other fits into one notice each, and is judged where it comes in."""

import msgspec
import pytest

from directory_server.core.cluster.bulletins import (
    PAYLOAD_BYTES,
    Arrival,
    Bulletin,
    Call,
    Here,
    decode_bulletin,
    encode_bulletin,
)
from shared.errors import ProtocolError
from shared.messages.common import Status


def test_a_bulletin_survives_the_way() -> None:
    here = Here(7, 9, 1, 1.5, "10.0.0.2", 5001, "carol.example", "till five")
    whole = Bulletin(
        3, (here,), (1, 2), ((4, 5),), (6,), ((8, 9.5),), True, ((7, "go"),), "soon", ((7, 8),),
        (Call(b"x" * 16, 7, 8),), (Arrival(b"x" * 16, 8, "10.0.0.3", 40_001),),
    )  # fmt: skip
    (payload,) = encode_bulletin(whole)
    assert decode_bulletin(payload) == whole
    assert (here.status, here.is_gone) == (Status.BUSY, False)
    assert Here(7, 9, 3, 1.5).is_gone


def test_a_long_bulletin_is_told_in_parts_that_say_the_same() -> None:
    here = tuple(Here(n, n, 0, 1.0, "x" * 255, 1, "y" * 255, "\x00" * 80) for n in range(100))
    mail = tuple((2**62 + n, n) for n in range(1_000))
    payloads = encode_bulletin(Bulletin(3, here, mail=mail, dead=((1, 2.0),), orders=True))
    parts = [decode_bulletin(payload) for payload in payloads]
    assert max(len(payload.encode()) for payload in payloads) <= PAYLOAD_BYTES
    assert sorted(one.user for part in parts for one in part.here) == list(range(100))
    assert sorted(pair for part in parts for pair in part.mail) == sorted(mail)
    assert [pair for part in parts for pair in part.dead] == [(1, 2.0)]
    assert [part.orders for part in parts].count(True) == 1


def test_what_has_no_parts_is_told_whole() -> None:
    (payload,) = encode_bulletin(Bulletin(1, notice="\x00" * 1_000))
    assert len(payload) < PAYLOAD_BYTES
    assert len(encode_bulletin(Bulletin(1, notice="\u20ac" * 3_000))) == 1, "nobody says so much"


def test_a_newer_directory_may_say_more() -> None:
    whole = msgspec.json.decode(encode_bulletin(Bulletin(3, names=(1,)))[0])
    payload = msgspec.json.encode([*whole, "of tomorrow"]).decode()
    assert decode_bulletin(payload).names == (1,)
    assert decode_bulletin("[3]") == Bulletin(3)


@pytest.mark.parametrize(
    "payload",
    [
        "", "{}", "[-1]", "[1e99]", '[1,[[1,1,4,1.0]]]', '[1,[[1,1,0,-1.0]]]',
        '[1,[[1,1,0,1.0,"a",65536]]]', "[1,[],[-1]]", "[9223372036854775808]",
        '[1,[[1,1,0,1.0,"a",1,"","' + "x" * 81 + '"]]]',
    ],
)  # fmt: skip
def test_what_nobody_should_say_is_refused(payload: str) -> None:
    with pytest.raises(ProtocolError):
        decode_bulletin(payload)
