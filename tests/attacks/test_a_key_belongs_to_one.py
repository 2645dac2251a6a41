"""A key belongs to one owner: no key of small order gets in, whichever way it comes.

Under such a key one signature fits every statement, so anybody could take over the name
that it was registered with, and speak for it.
"""

import hashlib
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from directory_server.core.authority import SEED_BYTES, Authority
from directory_server.core.proofs import Visitor, check_iam, check_sealing
from shared.errors import ProtocolError, Refused
from shared.identity import (
    Identity,
    check_sealing_proof,
    check_signature,
    issue_for_user,
    read_certificate,
)
from shared.messages.common import VERSION
from shared.messages.directory import Iam, Lookup, Who
from shared.weak_keys import is_weak_sealing_key, is_weak_signing_key
from tests.kit import world
from tests.kit.attackers.false_directory import says_raw_key
from tests.kit.community import DIRECTORY, Community
from tests.kit.raw_client import Client, iam, identity_of

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the large subgroup
SIGN = 2**255

NOW = 1_700_000_000.0
AUTHORITY = Authority.found(b"a" * SEED_BYTES)
EVERYBODYS = (1).to_bytes(32, "little")  # the neutral point
FITS_ALL = EVERYBODYS + bytes(32)  # its signature on whatever


# --- The points, computed here anew ---------------------------------------------------

Point = tuple[int, int]


def _sum(one: Point, other: Point) -> Point:
    (a, b), (c, d) = one, other
    k = D * a * b * c * d % P
    return ((a * d + c * b) * pow(1 + k, -1, P) % P, (b * d + a * c) * pow(1 - k, -1, P) % P)


def _times(number: int, point: Point) -> Point:
    total = (0, 1)
    while number:
        if number & 1:
            total = _sum(total, point)
        point, number = _sum(point, point), number >> 1
    return total


def _points() -> Iterator[Point]:
    """Of the curve, by rising y."""
    for y in range(2, 100):
        square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        x = pow(square, (P + 3) // 8, P)
        if x * x % P != square:
            x = x * pow(2, (P - 1) // 4, P) % P
        if x * x % P == square:
            yield x, y


def _small_points() -> set[Point]:
    small: set[Point] = set()
    for point in _points():
        torsion = _times(ORDER, point)
        small |= {_times(number, torsion) for number in range(8)}
        if len(small) == 8:
            break
    return small


SMALL = _small_points()
SMALL_Y = {y for _, y in SMALL}
SMALL_U = {(1 + y) * pow(1 - y, -1, P) % P for y in SMALL_Y if y != 1} | {0}


def _encodings(coordinates: set[int]) -> Iterator[bytes]:
    """All that a lenient reader takes for one of these, both values of the top bit."""
    for coordinate in sorted(coordinates):
        for value in (coordinate, coordinate + P):
            if value < SIGN:
                yield value.to_bytes(32, "little")
                yield (value + SIGN).to_bytes(32, "little")


# --- The rule --------------------------------------------------------------------------


def test_the_eight_points_and_all_their_encodings_are_known() -> None:
    assert len(SMALL) == 8
    assert len(list(_encodings(SMALL_Y))) == 14
    assert all(map(is_weak_signing_key, _encodings(SMALL_Y)))
    assert all(map(is_weak_sealing_key, _encodings(SMALL_U)))
    twist = (P - 1).to_bytes(32, "little")  # u = -1, of order four on the twist
    assert is_weak_sealing_key(twist)


def test_only_the_one_encoding_of_a_point_is_a_key() -> None:
    for value in range(P, SIGN):
        assert is_weak_signing_key(value.to_bytes(32, "little"))
        assert is_weak_sealing_key(value.to_bytes(32, "little"))
    *rest, top = identity_of("dave").sealing_public  # a bit that X25519 ignores
    assert is_weak_sealing_key(bytes([*rest, top | 0x80]))


def test_the_keys_of_the_honest_are_taken() -> None:
    for number in range(200):
        one = Identity(hashlib.sha512(b"%d" % number).digest())
        assert not is_weak_signing_key(one.public)
        assert not is_weak_sealing_key(one.sealing_public)


# --- The doors -------------------------------------------------------------------------


def test_a_signature_that_fits_everything_fits_nothing() -> None:
    for statement in (b"I am dave", b"I am carol"):
        Ed25519PublicKey.from_public_bytes(EVERYBODYS).verify(FITS_ALL, statement)
        with pytest.raises(ProtocolError, match="small order"):
            check_signature(EVERYBODYS, FITS_ALL, statement)


def test_nobody_registers_with_everybodys_key() -> None:
    who = Who(VERSION, AUTHORITY.certificate, b"n" * 32)
    honest = iam(who, "dave", identity_of("dave"))
    visitor = Visitor("10.0.0.9", who.nonce, None)
    with pytest.raises(Refused, match="does not fit"):
        check_iam(_with_everybodys_key(honest), visitor, AUTHORITY, NOW)


def test_a_sealing_key_of_small_order_is_none() -> None:
    dave = identity_of("dave")
    who = Who(VERSION, AUTHORITY.certificate, b"n" * 32)
    for weak in _encodings(SMALL_U):
        proof = dave.sign(b"parley sealing key 1\0" + weak)
        with pytest.raises(ProtocolError, match="small order"):
            check_sealing_proof(dave.public, weak, proof)
        with pytest.raises(Refused, match="sealing key"):
            check_sealing(iam(who, "dave", dave, sealing_key=weak, sealing_proof=proof))


def test_a_certificate_for_everybodys_key_is_not_read() -> None:
    """Also when a dishonest directory has signed it."""
    own = world.Authority(1)
    forged = issue_for_user(own.certificate, own.key, "dave", EVERYBODYS, NOW)
    with pytest.raises(ProtocolError, match="small order"):
        read_certificate(forged, own.certificate, NOW)


def _with_everybodys_key(honest: Iam) -> Iam:
    return Iam(
        version=honest.version,
        name=honest.name,
        key=EVERYBODYS,
        proof=FITS_ALL,
        port=honest.port,
        sealing_key=honest.sealing_key,
        sealing_proof=FITS_ALL,
    )


async def test_a_name_cannot_be_taken_with_it_and_the_true_one_can(community: Community) -> None:
    """A played directory and network: the refusal reaches the one who tries."""
    await community.start("carol")
    network = community.hub.network("10.0.2.9")
    with pytest.raises(Refused, match="does not fit"):
        await Client.register(
            community.nursery, network, DIRECTORY, "dave", change=_with_everybodys_key
        )
    dave = await Client.register(community.nursery, network, DIRECTORY, "dave")
    answer = await dave.ask(Lookup(dave.next_id(), "carol"))
    assert answer.name == "carol"


async def test_a_directory_that_names_everybodys_key_is_not_believed(community: Community) -> None:
    """Else its words would be shown to be compared, and a yes would make it dave's."""
    carol, _ = await community.start("carol", "dave")
    says_raw_key(community, "dave", EVERYBODYS)
    await carol.types("VERIFY dave")
    await carol.sees("A key is of small order.")
    carol.never_saw("Are they the same at dave's?")
    assert carol.peer._memory.journal.contacts.key_of("dave") is None
