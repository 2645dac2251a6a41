"""Each message of a link goes to one part, and what belongs to none is answered."""

from typing import Any, get_args

import msgspec
import pytest

from peer.core.stranger_limits import StrangerLimits
from peer.runtime.dispatch import IGNORED_BYTES_AT_ONCE, Dispatch
from shared.messages.common import Bye, Err, Message, Ping, Pong
from shared.messages.peers import (
    AboutInvitations,
    Acknowledge,
    BetweenPeers,
    Entry,
    Hello,
    Leave,
    Members,
    No,
    PassedKnock,
    PeerIam,
    PeerIamFor,
    Private,
    Shown,
    Text,
    ToAll,
    Want,
)

TALK = (Text, Acknowledge, Hello, Members, Entry, Want, Leave)
OF_THE_LINK = (PeerIam, PeerIamFor, Ping, Pong, Bye)  # which handles them itself, in their place
HEARD_BY = {
    **dict.fromkeys((Private, ToAll), "heard_lines.hear"),
    Shown: "lines.shown",
    No: "lines.refused",
    PassedKnock: "passed_knocks.hear",
    **dict.fromkeys(TALK, "conversations.hear"),
    **dict.fromkeys(get_args(AboutInvitations), "invitations.hear"),
}


class Part:
    """A part that notes what it is told, and says no to all that it is asked."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name, self._told = name, told
        self.posted: list[Message] = []
        self.ignored: set[str] = set()

    @property
    def news(self) -> "Part":
        return self

    departures = news

    def post(self, _: str, message: Message) -> None:
        self.posted.append(message)

    def __getattr__(self, verb: str) -> Any:
        def note(*_: object) -> bool:
            self._told.append(f"{self.name}.{verb}")
            return False

        return note


class Board:
    """A dispatch among parts that only note what they are told."""

    def __init__(self, *, is_passing: bool = False) -> None:
        self.told: list[str] = []
        self.links, self.contacts = Part("links", self.told), Part("contacts", self.told)
        parts: dict[str, Any] = {
            name: Part(name, self.told)
            for name in (
                "lines",
                "heard_lines",
                "unsent",
                "invitations",
                "conversations",
                "passed_knocks",
            )
        }
        nobody: Any = Part("limits", [])
        limits = StrangerLimits(nobody, nobody)
        links: Any = self.links
        contacts: Any = self.contacts
        known_users: Any = Part("known_users", self.told)
        self.dispatch = Dispatch(
            links, **parts, contacts=contacts, known_users=known_users, strangers=limits,
            is_passing=is_passing,
        )  # fmt: skip

    def hears(self, kind: type[msgspec.Struct]) -> list[str]:
        """Who is told of a message of this kind, in order."""
        message: Any = kind(**dict.fromkeys(kind.__struct_fields__, "x"))
        self.dispatch.received("dave", message)
        return self.told


@pytest.mark.parametrize("kind", [one for one in get_args(BetweenPeers) if one is not Err])
def test_every_message_between_peers_is_heard_by_a_part_or_answered(kind: Any) -> None:
    board = Board()
    told = board.hears(kind)
    if kind in OF_THE_LINK:
        assert told == []
        (answer,) = board.links.posted
        assert isinstance(answer, Err)
        assert answer.code == "UNKNOWN"
    else:
        assert told[0] == HEARD_BY[kind]


def test_an_error_is_not_answered() -> None:
    board = Board()
    assert board.hears(Err) == []
    assert board.links.posted == []


@pytest.mark.parametrize("kind", [Text, Hello])
def test_who_believes_in_a_conversation_that_is_over_is_told_to_leave(kind: Any) -> None:
    board = Board()
    board.hears(kind)
    assert board.links.posted == [Leave("x")]


def test_who_counts_me_in_gets_a_proof_that_i_have_left() -> None:
    board = Board()
    assert board.hears(Members)[-1] == "conversations.prove"


@pytest.mark.parametrize("kind", TALK)
def test_a_program_that_is_only_passing_leaves_conversations_to_the_next_one(kind: Any) -> None:
    board = Board(is_passing=True)
    assert board.hears(kind) == ["conversations.hear", "invitations.will_open"]
    assert board.links.posted == []


async def test_an_ignored_user_who_sends_much_is_read_more_slowly(autojump_clock: Any) -> None:
    board = Board()
    board.contacts.ignored.add("dave")
    much = Private("x", 0.0, "x" * 60_000)
    for _ in range(int(IGNORED_BYTES_AT_ONCE / 60_000)):
        assert board.dispatch.pause("Dave") == 0.0
        board.dispatch.received("Dave", much)
    board.dispatch.received("Dave", much)
    assert board.dispatch.pause("Dave") > 0.0
    assert board.dispatch.pause("erin") == 0.0
