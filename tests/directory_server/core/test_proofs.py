"""Who may come in, as far as an IAM can be judged by itself."""

import random

import msgspec
import pytest

from directory_server.core.addresses import are_the_same, is_loopback
from directory_server.core.authority import SEED_BYTES, Authority
from directory_server.core.proofs import Visitor, check_here, check_iam, check_sealing
from shared.errors import Refused
from shared.messages.common import VERSION, Status
from shared.messages.directory import Who
from tests.kit.raw_client import iam, identity_of

NOW = 1_700_000_000.0
AUTHORITY = Authority.found(random.Random("admission").randbytes(SEED_BYTES))
NONCE = bytes(range(32))
WHO = Who(VERSION, AUTHORITY.certificate, NONCE)
CAROL = identity_of("carol")
HONEST = iam(WHO, "carol", CAROL)
STRANGER = Visitor("10.0.0.9", NONCE, None)
CERTIFICATE = AUTHORITY.certify(name="carol", key=CAROL.public, now=NOW)


@pytest.mark.parametrize("host", ["", "10.0.0.5", "fe80::1%eth0", "carol.example", "::1"])
def test_an_honest_user_may_come_in(host: str) -> None:
    check_iam(msgspec.structs.replace(HONEST, host=host), STRANGER, AUTHORITY, NOW)
    check_sealing(HONEST)


def test_so_may_one_with_a_certificate() -> None:
    known = Visitor(STRANGER.host, NONCE, CERTIFICATE)
    check_iam(HONEST, known, AUTHORITY, NOW)
    with pytest.raises(Refused, match="not for dave"):
        check_iam(msgspec.structs.replace(HONEST, name="dave"), known, AUTHORITY, NOW)


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ({"version": VERSION + 1}, "VERSION"),
        ({"name": "ca rol"}, "NAME"),
        ({"name": "dave"}, "KEY"),
        ({"status": Status.OFFLINE}, "REFUSED"),
        ({"host": "a b"}, "REFUSED"),
        ({"host": "\n"}, "REFUSED"),
        ({"proof": bytes(64)}, "KEY"),
        ({"key": identity_of("dave").public}, "KEY"),
        ({"key": bytes(32)}, "KEY"),
    ],
)
def test_a_lie_is_refused(lie: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as no:
        check_iam(msgspec.structs.replace(HONEST, **lie), STRANGER, AUTHORITY, NOW)
    assert no.value.code == code


def test_a_proof_for_another_nonce_is_refused() -> None:
    later = Visitor(STRANGER.host, bytes(32), None)
    with pytest.raises(Refused, match="proof that you own your key"):
        check_iam(HONEST, later, AUTHORITY, NOW)


def test_somebody_elses_sealing_key_is_refused() -> None:
    other = identity_of("dave").sealing_public
    with pytest.raises(Refused, match="sealing key"):
        check_sealing(msgspec.structs.replace(HONEST, sealing_key=other))


def test_loopback_is_what_only_this_machine_can_reach() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1")] == [True] * 3
    assert not any(map(is_loopback, ("10.0.0.5", "fe80::1%lo", "localhost", "")))


def test_who_comes_to_a_meeting_shows_their_certificate() -> None:
    mine, of_dave = {"name": "carol", "key": CAROL.public}, identity_of("dave").public
    judged = {"authority": AUTHORITY, "now": NOW}
    check_here(Visitor(STRANGER.host, NONCE, CERTIFICATE), **mine, **judged)  # type: ignore[arg-type]
    for visitor, user in (
        (STRANGER, mine),
        (Visitor(STRANGER.host, NONCE, CERTIFICATE), {"name": "dave", "key": of_dave}),
        (Visitor(STRANGER.host, NONCE, CERTIFICATE), {"name": "carol", "key": of_dave}),
    ):
        with pytest.raises(Refused) as no:
            check_here(visitor, **user, **judged)  # type: ignore[arg-type]
        assert no.value.code == "KEY"


def test_an_address_is_the_same_however_it_is_written() -> None:
    assert are_the_same("::ffff:10.0.0.1", "10.0.0.1")
    assert are_the_same("fd00:0::1", "fd00::1")
    assert are_the_same("a name", "a name")
    assert not are_the_same("10.0.0.1", "10.0.0.2")
