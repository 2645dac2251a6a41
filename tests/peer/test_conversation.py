"""Each rule of a conversation by itself, seen by carol; the others say what a test wants."""

from typing import TypeVar

import msgspec
import pytest

from peer import conversation as talk
from peer import events, membership
from peer.conversation import (
    Action,
    Conversation,
    Kept,
    _hello_statement,
)
from peer.delivery import sign
from peer.membership import Roll
from shared.errors import ProtocolError
from shared.messages import (
    POSITIONS,
    Acknowledge,
    Decline,
    Hello,
    Leave,
    Members,
    Membership,
    Message,
    Position,
    Text,
    Want,
)
from tests.peer.talkers import AUTHORITY, conversation_of, me, together

ID = conversation_of("carol")
MINE = "c" * 16  # carol's epoch
EPOCHS = {"dave": "d" * 16, "erin": "e" * 16, "frank": "f" * 16}
A = TypeVar("A")


class Talk:
    """Carol's core, at a time that a test sets."""

    def __init__(
        self, *others: str, kept: Kept | None = None, have: tuple[Position, ...] = ()
    ) -> None:
        self.now = 100.0
        self.memberships = kept.members if kept else together("carol", *others)
        self.roll = Roll(ID, AUTHORITY.certificate)
        self.roll.merge(self.memberships)
        self.core = Conversation(
            ID, me("carol"), self.roll, MINE, first_number=1000, jitter=lambda: 1.0,
            have=have, kept=kept,
        )  # fmt: skip
        self.numbers = 0
        self.begun = self.core.begin(self.now)

    def hears(self, sender: str, message: Message) -> list[Action]:
        return self.core.receive(sender, message, self.now)

    def greets(self, name: str, *have: Position, linked: tuple[str, ...] = ("carol",)) -> None:
        """There is a link to them, and both have said HELLO."""
        self.core.linked(name, self.now)
        self.hears(name, self.hello(name, *have, linked=linked))

    def hello(
        self, by: str, *have: Position, linked: tuple[str, ...] = ("carol",), digest: str = ""
    ) -> Hello:
        """Signed, with a higher number than the last."""
        self.numbers += 1
        digest = digest or self.roll.digest()
        hello = Hello(ID, by, self.numbers, digest, linked, have)
        signature = me(by).identity.sign(_hello_statement(hello))
        return msgspec.structs.replace(hello, signature=signature)

    def passes(self, seconds: float) -> list[Action]:
        """As the timer does: a tick at each deadline."""
        done: list[Action] = []
        until = self.now + seconds
        while (due := self.core.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            done += self.core.tick(self.now)
        self.now = until
        return done

    def says(self, *texts: str) -> list[Action]:
        for text in texts:
            self.core.say(text)
        return self.core.flush(7.0, self.now)

    def keeps(self, actions: list[Action]) -> list[Action]:
        """All is shown, and the disk takes it."""
        done: list[Action] = []
        for action in actions:
            match action:
                case talk.Read(text):
                    done += self.keeps(self.core.shown(text))
                case talk.Keep(text):
                    done += self.core.kept(text, self.now)
        return done

    def hears_text(self, text: Text) -> list[Action]:
        """From its author; shown and kept at once."""
        heard = self.hears(text.author, text)
        return [*heard, *self.keeps(heard)]


def talking(*others: str) -> Talk:
    """All of them are linked with carol, and with each other."""
    made = Talk(*others)
    for name in others:
        made.greets(name, linked=tuple({"carol", *others} - {name}))
    return made


def text(author: str, seq: int, *texts: str, after: tuple[Position, ...] = ()) -> Text:
    epoch = EPOCHS.get(author, MINE)
    made = Text(ID, author, epoch, seq, seq, 7.0, texts or (f"{author} {seq}",), after)
    return sign(me(author), made)


def upto(author: str, seq: int) -> Position:
    return Position(author, EPOCHS.get(author, MINE), seq)


def gone(name: str, *others: str) -> Membership:
    """They leave the conversation that carol has with these."""
    for one in together("carol", *others):
        if one.certificate == me(name).certificate:
            return membership.leave(me(name), ID, one)
    raise AssertionError(name)


def sent(actions: list[Action], to: str | None = None) -> list[Message]:
    return [
        action.message
        for action in actions
        if isinstance(action, talk.Send) and (to is None or to in action.to)
    ]


def shown(actions: list[Action]) -> list[events.Event]:
    return [action.event for action in actions if isinstance(action, talk.Show)]


def read(actions: list[Action]) -> list[str]:
    return [said for action in only(talk.Read, actions) for said in action.text.texts]


def only(kind: type[A], actions: list[Action]) -> list[A]:
    return [action for action in actions if isinstance(action, kind)]


# --- Beginning, and links ---------------------------------------------------------


def test_everybody_is_dialled_and_greeted_with_the_roll() -> None:
    carol = Talk("dave", "erin")
    assert carol.begun == [talk.Dial("dave"), talk.Dial("erin")]
    members, hello = sent(carol.core.linked("dave", carol.now), "dave")
    assert members == Members(ID, carol.roll.all())
    assert isinstance(hello, Hello)
    assert (hello.by, hello.number, hello.have) == ("carol", 1001, ())
    assert hello.members == carol.roll.digest()


def test_on_a_link_that_takes_over_the_roll_is_not_said_again() -> None:
    carol = talking("dave")
    (hello,) = sent(carol.core.linked("dave", carol.now))
    assert isinstance(hello, Hello)


def test_when_the_roll_of_the_other_is_another_they_are_told_ours() -> None:
    carol = talking("dave")
    heard = carol.hears("dave", carol.hello("dave", digest="0" * 32))
    assert Members(ID, carol.roll.all()) in sent(heard, "dave")


def test_who_took_another_link_for_ours_is_greeted_again() -> None:
    """Else they would not know where to go on, and send nothing until our next HELLO."""
    carol = talking("dave")
    assert sent(carol.hears("dave", carol.hello("dave"))) == []
    (hello,) = sent(carol.hears("dave", carol.hello("dave", linked=())), "dave")
    assert isinstance(hello, Hello)
    assert hello.linked == ("dave",)


def test_of_strangers_nothing_is_heard() -> None:
    carol = talking("dave")
    stranger = Text(ID, "mallory", "9" * 16, 1, 1, 7.0, ("let me in",))
    hello = Hello(ID, "mallory", 1, "0" * 32, ("carol",), ())
    for message in (stranger, hello, Acknowledge(ID, (upto("carol", 9),)), Leave(ID),
                    Want(ID, upto("carol", 0)), Decline("1" * 32)):  # fmt: skip
        assert carol.hears("mallory", message) == []
    assert carol.core.linked("mallory", carol.now) == []
    assert carol.core.link_lost("mallory", carol.now) == []
    assert carol.core.unreachable("mallory", carol.now) == []
    assert carol.core.may_be_back("mallory", carol.now) == []
    carol.core.not_left("mallory", upto("carol", 0))
    assert not carol.core.concerns("mallory")
    assert carol.core.concerns("dave")


# --- Handing on -------------------------------------------------------------------


def test_a_text_that_somebody_hands_on_is_shown_when_its_author_has_signed_it() -> None:
    carol = talking("dave", "erin")
    assert read(carol.hears("dave", text("erin", 1, "hello"))) == ["hello"]


@pytest.mark.parametrize("author", ["erin", "mallory"])
def test_a_forged_text_is_not_shown_and_not_the_fault_of_who_hands_it_on(author: str) -> None:
    carol = talking("dave", "erin")
    forged = msgspec.structs.replace(text("dave", 1), author=author)
    assert carol.hears("dave", forged) == []
    assert read(carol.hears("dave", text("erin", 1))) == ["erin 1"]


def test_an_author_who_was_started_too_often_is_not_the_fault_of_who_hands_it_on() -> None:
    carol = talking("dave", "erin")
    texts = [
        sign(me("erin"), msgspec.structs.replace(text("erin", 1), epoch=f"{start:016x}"))
        for start in range(201)
    ]
    for one in texts[:200]:
        assert len(carol.hears("dave", one)) == 1
    assert carol.hears("dave", texts[200]) == []
    with pytest.raises(ProtocolError, match="started too often"):
        carol.hears("erin", texts[200])


def test_a_hello_is_passed_on_to_those_who_cannot_hear_it() -> None:
    carol = Talk("dave", "erin", "frank")
    carol.greets("dave", linked=("carol", "erin"))
    carol.greets("frank", linked=("carol",))
    hello = carol.hello("erin")
    carol.core.linked("erin", carol.now)
    assert talk.Send(("frank",), hello) in carol.hears("erin", hello)


def test_a_forged_hello_is_not_heard_and_not_the_fault_of_who_passes_it_on() -> None:
    carol = Talk("dave", "erin")
    carol.greets("dave")
    forged = msgspec.structs.replace(carol.hello("erin"), linked=("dave", "carol"))
    assert carol.hears("dave", forged) == []
    assert carol.core.who()[1][1] == ""


# --- Bounds -----------------------------------------------------------------------


def test_what_nobody_here_can_have_written_is_not_asked_for() -> None:
    carol = talking("dave", "erin")
    nobody = Position("mallory", "9" * 16, 7)
    assert sent(carol.hears("dave", Acknowledge(ID, (nobody,)))) == []
    assert not only(Want, [*sent(carol.passes(10))])  # type: ignore[list-item]


def test_what_is_asked_for_is_bounded() -> None:
    carol = talking("dave", "erin")
    for start in range(3):
        claims = [Position("erin", f"{start}{n:015x}", 7) for n in range(POSITIONS)]
        carol.hears("dave", Acknowledge(ID, tuple(claims)))
    assert len(carol.core._lacks) == POSITIONS


def test_an_acknowledgement_of_what_i_never_wrote_is_not_kept() -> None:
    carol = talking("dave")
    heard = carol.hears("dave", Acknowledge(ID, (Position("carol", "9" * 16, 7),)))
    assert only(talk.KeepAcknowledged, heard) == []
    assert not carol.core.has("dave", "9" * 16, 1)


# --- Leaving ----------------------------------------------------------------------


def test_a_text_that_crosses_the_leaving_of_its_reader_goes_to_the_mailbox() -> None:
    carol = talking("dave", "erin")
    carol.keeps(carol.says("one"))
    carol.hears("dave", Acknowledge(ID, (upto("carol", 1),)))
    carol.keeps(carol.says("wait", "for me"))
    heard = carol.hears("dave", Members(ID, (gone("dave", "dave", "erin"),)))
    assert only(talk.LeaveFor, heard) == [talk.LeaveFor("dave", upto("carol", 1))]
    assert shown(heard) == [events.MemberLeft("dave")]


def test_also_when_the_disk_has_it_only_later() -> None:
    carol = talking("dave", "erin")
    said = carol.says("wait")
    heard = carol.hears("dave", Members(ID, (gone("dave", "dave", "erin"),)))
    assert only(talk.LeaveFor, heard) == []
    assert only(talk.LeaveFor, carol.keeps(said)) == [talk.LeaveFor("dave", upto("carol", 0))]
    assert only(talk.LeaveFor, carol.keeps(carol.says("he is gone"))) == []
