"""The certificate authority of a community."""

import random

import pytest

from directory_server.core.authority import SEED_BYTES, Authority
from shared.errors import Refused, StorageError
from shared.identity import (
    SEED_BYTES as USER_SEED_BYTES,
)
from shared.identity import (
    Identity,
    authority_key,
    fingerprint,
    issue_for_user,
    read_certificate,
)

NOW = 1_700_000_000.0
chance = random.Random("authority")
AUTHORITY = Authority.found(chance.randbytes(SEED_BYTES))
OTHER = Authority.found(chance.randbytes(SEED_BYTES))
CAROL = Identity(chance.randbytes(USER_SEED_BYTES))
DAVE = Identity(chance.randbytes(USER_SEED_BYTES))


def certificate_of_carol(authority: Authority = AUTHORITY) -> bytes:
    return authority.certify(name="carol", key=CAROL.public, now=NOW)


def test_it_is_the_same_after_a_restart() -> None:
    again = Authority.restore(AUTHORITY.content())
    assert again.certificate == AUTHORITY.certificate
    assert again.fingerprint() == AUTHORITY.fingerprint()
    again.check_certificate(certificate_of_carol(), "carol", CAROL.public, NOW)
    AUTHORITY.check_certificate(certificate_of_carol(again), "carol", CAROL.public, NOW)


def test_two_communities_are_not_the_same() -> None:
    assert AUTHORITY.fingerprint() != OTHER.fingerprint()
    assert AUTHORITY.fingerprint() == fingerprint(authority_key(AUTHORITY.certificate))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "too short"),
        (AUTHORITY.content()[:20], "too short"),
        (AUTHORITY.content()[:100], "cannot be read"),
        (OTHER.content()[:SEED_BYTES] + AUTHORITY.certificate, "do not belong together"),
        (AUTHORITY.content()[:SEED_BYTES] + certificate_of_carol(), "cannot be read"),
    ],
    ids=["empty", "half a key", "half a certificate", "another's key", "another's certificate"],
)
def test_a_damaged_file_is_noticed(content: bytes, reason: str) -> None:
    with pytest.raises(StorageError, match=reason):
        Authority.restore(content)


def test_each_start_has_a_fresh_key_that_the_authority_vouches_for() -> None:
    one = AUTHORITY.credentials(chance.randbytes(SEED_BYTES))
    other = AUTHORITY.credentials(chance.randbytes(SEED_BYTES))
    subjects = [read_certificate(it.certificate, it.authority, NOW) for it in (one, other)]
    assert [subject.name for subject in subjects] == [None, None]
    assert subjects[0].key != subjects[1].key


def test_a_certificate_names_the_user_as_registered_first() -> None:
    certificate = AUTHORITY.certify(name="Carol", key=CAROL.public, now=NOW)
    assert read_certificate(certificate, AUTHORITY.certificate, NOW).name == "Carol"
    AUTHORITY.check_certificate(certificate, "carol", CAROL.public, NOW)


@pytest.mark.parametrize(
    ("certificate", "name", "identity", "reason"),
    [
        (certificate_of_carol(), "dave", CAROL, "is for carol, not for dave"),
        (certificate_of_carol(), "carol", DAVE, "is for another key"),
        (certificate_of_carol(OTHER), "carol", CAROL, "not from this community"),
        (b"rubbish", "carol", CAROL, "not from this community"),
        (AUTHORITY.credentials(bytes(32)).certificate, "carol", CAROL, "is for the directory"),
        (
            issue_for_user(AUTHORITY.certificate, AUTHORITY._key, "carol", CAROL.public, NOW - 4e7),
            "carol",
            CAROL,
            "out of date",
        ),
    ],
)
def test_a_certificate_must_fit_name_key_community_and_day(
    certificate: bytes, name: str, identity: Identity, reason: str
) -> None:
    with pytest.raises(Refused, match=reason) as no:
        AUTHORITY.check_certificate(certificate, name, identity.public, NOW)
    assert no.value.code == "KEY"


def test_the_mark_of_an_address_is_the_same_each_time_and_tells_nobody_else_anything() -> None:
    mark = AUTHORITY.mark_of("10.0.0.5")
    assert mark == AUTHORITY.mark_of("10.0.0.5")
    assert mark not in (AUTHORITY.mark_of("10.0.0.6"), OTHER.mark_of("10.0.0.5"))
