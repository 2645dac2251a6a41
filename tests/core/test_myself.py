"""Who I am, as all parts of a peer know me (`peer.core.myself`)."""

from peer.core.membership import member_id
from peer.core.myself import Myself, Registration
from tests.kit.world import Authority

IDENTITY, CREDENTIALS = Authority().user("carol")


def carol() -> Myself:
    return Myself(Registration("carol"), IDENTITY)


def test_i_sign_with_the_certificate_that_i_have_now() -> None:
    me = carol()
    assert me.me.certificate == b""
    me.certificate = CREDENTIALS.certificate
    assert me.me.certificate == CREDENTIALS.certificate
    assert me.me is me.me, "made once, for each of them costs a digest"


def test_the_directory_may_spell_my_name() -> None:
    me = carol()
    assert me.id == member_id("carol", IDENTITY.public)
    me.registration.name = "Carol"
    assert me.name == me.me.name == "Carol"
    assert me.id == member_id("Carol", IDENTITY.public)


def test_nobody_else_has_my_name_however_it_is_spelled() -> None:
    assert carol().is_called("CAROL")
    assert not carol().is_called("caro1")
    assert carol().key == IDENTITY.public
