"""Who is kept out by a ban, and whom an invite lets in."""

import pytest

from directory_server.core.admission import (
    Admission,
    Applicant,
    Enter,
    Moment,
    Register,
    Step,
    Wait,
    WrongToken,
)
from directory_server.core.operating.bans import ADDRESS, USER, Ban, Bans
from directory_server.core.operating.invites import Invite, Invites, digest_of
from directory_server.core.registry import Registry, User
from directory_server.core.tombstones import Tombstones
from shared.errors import Refused

NOW = Moment(now=100.0, time=1_000.0, age=50.0)
CAROL = User(1, "Carol", b"c", b"", b"", since=0.0)


class Gate:
    """An admission that knows Carol, with what the operator has said."""

    def __init__(self, **rules: object) -> None:
        self.bans, self.invites = Bans(), Invites()
        registry = Registry(idle_after=300)
        registry.know(CAROL)
        self.admission = Admission(
            registry,
            Tombstones(),
            bans=self.bans,
            invites=self.invites,
            **rules,  # type: ignore[arg-type]
        )

    def admit(self, name: str, key: bytes, *, at: str = "10.0.0.5", token: str = "") -> Step:
        return self.admission.next_step(
            Applicant(name, key, at, token=token, sealing=(b"", b"")), NOW
        )


def test_a_banned_user_comes_in_under_no_name_and_from_nowhere() -> None:
    gate = Gate()
    gate.bans.add(Ban(USER, CAROL.key.hex(), "Carol", reason="being rude"))
    for name in ("carol", "mallory"):
        for address in ("10.0.0.5", "192.0.2.1"):
            with pytest.raises(Refused, match="being rude") as no:
                gate.admit(name, CAROL.key, at=address)
            assert no.value.code == "BANNED"
    assert gate.admit("dave", b"d") == Register(b"")


def test_a_banned_address_keeps_everybody_out_who_comes_from_it() -> None:
    gate = Gate()
    gate.bans.add(Ban(ADDRESS, "10.0.0.0/24"))
    with pytest.raises(Refused, match="is banned"):
        gate.admit("carol", CAROL.key)
    assert gate.admit("carol", CAROL.key, at="10.0.1.5") == Enter(CAROL)


def test_a_ban_is_told_before_a_token_is_asked_for() -> None:
    gate = Gate(token="sesame")
    gate.bans.add(Ban(ADDRESS, "10.0.0.5"))
    with pytest.raises(Refused) as no:
        gate.admit("dave", b"d")
    assert no.value.code == "BANNED"


@pytest.mark.parametrize("rules", [{"is_closed": True}, {"token": "sesame"}])
def test_an_invite_lets_new_names_in(rules: dict[str, object]) -> None:
    gate = Gate(**rules)
    invite = Invite(digest_of("welcome"), uses=1)
    gate.invites.add(invite)
    assert gate.admission.wants_token
    assert gate.admit("carol", CAROL.key) == Enter(CAROL)  # who is known needs none
    assert gate.admit("dave", b"d", token="welcome") == Register(b"", invite.digest)
    gate.invites.note_uses(invite.digest, 0)
    with pytest.raises(WrongToken):
        gate.admit("erin", b"e", token="welcome")


def test_without_token_and_invite_nobody_new_comes_into_a_closed_community() -> None:
    gate = Gate(is_closed=True)
    for number, token in enumerate(("", "sesame")):
        with pytest.raises(WrongToken):
            gate.admit("dave", b"d", token=token, at=f"10.0.0.{number}")
    assert isinstance(gate.admit("dave", b"d", at="10.0.0.1"), Wait)


def test_the_directorys_own_token_uses_up_no_invite() -> None:
    gate = Gate(token="sesame")
    gate.invites.add(Invite(digest_of("sesame"), uses=1))
    assert gate.admit("dave", b"d", token="sesame") == Register(b"")


def test_an_open_community_uses_up_no_invite() -> None:
    gate = Gate()
    gate.invites.add(Invite(digest_of("welcome"), uses=1))
    assert gate.admit("dave", b"d", token="welcome") == Register(b"")


def test_new_rules_count_from_now_on() -> None:
    gate = Gate(token="sesame")
    gate.admission.set_rules(token=None, is_closed=False, names_at_once=1)
    assert gate.admit("dave", b"d") == Register(b"")
    with pytest.raises(Refused, match="too many new names came from your address"):
        gate.admit("erin", b"e")
    gate.admission.set_rules(token=None, is_closed=False, names_at_once=1)
    with pytest.raises(Refused, match="too many new names"):  # what was taken still counts
        gate.admit("erin", b"e")
    gate.admission.set_rules(token=None, is_closed=False, names_at_once=0)
    assert gate.admit("erin", b"e") == Register(b"")
