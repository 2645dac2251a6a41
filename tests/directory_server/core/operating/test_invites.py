"""Invites: each lets as many new names in as it says, and only its token opens it."""

import pytest

from directory_server.core.operating import invites as module
from directory_server.core.operating.invites import USES_MOST, Invite, Invites, digest_of
from shared.errors import Refused

ONE = Invite(digest_of("sesame"), uses=2, since=5.0, until=100.0, note="for the class")
OTHER = Invite(digest_of("open"), uses=1, since=1.0)


def test_a_token_opens_until_it_is_used_up() -> None:
    invites = Invites([ONE])
    assert invites.find("sesame", 99) == ONE
    invites.note_uses(ONE.digest, 1)
    assert invites.find("sesame", 99) == ONE._replace(uses=1)
    invites.note_uses(ONE.digest, 0)
    assert invites.find("sesame", 99) is None


def test_a_token_opens_until_its_time_is_over() -> None:
    invites = Invites([ONE, OTHER])
    assert invites.find("sesame", 100) is None
    assert invites.find("open", 1e12) == OTHER


def test_another_token_opens_nothing() -> None:
    invites = Invites([ONE])
    for token in ("", "Sesame", "sesame ", "\ud800", ONE.digest.hex()):
        assert invites.find(token, 0) is None
    invites.note_uses(digest_of("another"), 5)
    assert invites.all(0) == [ONE]


def test_invites_are_listed_named_and_removed() -> None:
    invites = Invites([ONE])
    invites.add(OTHER)
    assert invites.all(0) == [OTHER, ONE]
    assert invites.all(100) == [OTHER]
    assert invites.over(100) == [ONE]
    assert invites.named(ONE.id.upper(), 0) == ONE
    assert invites.named(ONE.id, 100) is None
    invites.remove(ONE.digest)
    invites.remove(ONE.digest)
    assert invites.all(0) == [OTHER]
    assert len(ONE.id) == 8


@pytest.mark.parametrize("uses", [0, -1, USES_MOST + 1])
def test_uses_have_a_limit(uses: int) -> None:
    with pytest.raises(Refused, match="an invite has 1 to 100,000 uses"):
        Invites().check_room(uses)


def test_invites_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INVITES", 1)
    invites = Invites()
    invites.check_room(1)
    invites.add(ONE)
    with pytest.raises(Refused, match="there are 1 invites already"):
        invites.check_room(1)
