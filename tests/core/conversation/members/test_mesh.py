"""Who has a link to whom."""

from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.own_stay import OwnStay
from peer.core.membership import Roll
from tests.kit.cores import AUTHORITY, CAROL, DAVE, ERIN, FRANK, conversation_of, me, together


def mesh_of(*others: str) -> Mesh:
    """Return carol's mesh."""
    roll = Roll(conversation_of(CAROL), AUTHORITY.certificate)
    roll.merge(together(CAROL, *others))
    return Mesh(OwnStay(roll.conversation, me(CAROL), roll, is_asleep=False))


def greeted(*others: str) -> Mesh:
    mesh = mesh_of(*others)
    for member in others:
        mesh.link(member)
        mesh.greet(member)
    return mesh


def test_it_holds_the_others_and_not_me() -> None:
    mesh = mesh_of(DAVE, ERIN)
    assert list(mesh) == [DAVE, ERIN]
    assert len(mesh) == 2
    assert DAVE in mesh
    assert CAROL not in mesh


def test_a_link_counts_once_their_hello_has_come() -> None:
    mesh = mesh_of(DAVE, ERIN)
    assert mesh.link(DAVE)
    assert (mesh.linked, mesh.greeted) == ((DAVE,), ())
    assert mesh.greet(DAVE)
    assert not mesh.greet(DAVE), "only the first HELLO on a link greets"
    assert (mesh.linked, mesh.greeted) == ((DAVE,), (DAVE,))


def test_another_link_in_place_of_the_first_is_greeted_anew() -> None:
    mesh = greeted(DAVE)
    assert not mesh.link(DAVE)
    assert mesh.is_linked(DAVE)
    assert not mesh.is_greeted(DAVE)


def test_a_lost_link_is_none() -> None:
    mesh = greeted(DAVE)
    mesh.lose_link(DAVE)
    assert (mesh.linked, mesh.greeted) == ((), ())
    assert mesh.link(DAVE), "the next one is a first one"


def test_who_is_no_member_has_no_link() -> None:
    mesh = greeted(DAVE)
    mesh.add(ERIN)
    mesh.remove(DAVE)
    assert list(mesh) == [ERIN]
    assert not mesh.is_linked(DAVE)
    assert not mesh.is_greeted(DAVE)


def test_members_hand_on_to_whom_they_reach() -> None:
    mesh = greeted(DAVE, ERIN)
    mesh.add(FRANK)
    assert mesh.reached() == {DAVE: "", ERIN: ""}
    mesh.note_links(ERIN, (CAROL, FRANK))
    assert mesh.reached() == {DAVE: "", ERIN: "", FRANK: ERIN}


def test_a_text_may_take_several_steps() -> None:
    mesh = greeted(DAVE)
    mesh.add(ERIN)
    mesh.add(FRANK)
    mesh.note_links(DAVE, (ERIN,))
    mesh.note_links(ERIN, (FRANK,))
    assert mesh.reached() == {DAVE: "", ERIN: DAVE, FRANK: DAVE}


def test_who_has_no_link_to_an_author_is_told_for_them() -> None:
    mesh = greeted(DAVE, ERIN)
    mesh.add(FRANK)
    mesh.note_links(ERIN, (FRANK,))
    assert mesh.not_linked_with(FRANK) == [DAVE]
    assert mesh.not_linked_with(DAVE) == [ERIN]
