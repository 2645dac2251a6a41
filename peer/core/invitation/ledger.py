"""Every invitation that is remembered, sent or received, and how much memory all may take."""

from enum import Enum, auto
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from peer.core.invitation.credentials import Permission
from shared.messages.common import Message
from shared.messages.peers import Confirm, Invite
from shared.names import fold

LIFE_SECONDS: Final = 80.0  # no invitation lives longer on either side, whatever is lost (V2)
REMEMBER_SECONDS: Final = 300.0  # late and repeated messages find their invitation for this long
REMEMBER_EACH: Final = 16  # finished ids per user: a flood pushes out only its own sender's
REMEMBER_ALL: Final = 500  # finished ids in all, 2 MB at worst: a crowd cannot fill the memory


class State(Enum):
    """The state of one invitation, seen from here."""

    DIALLING = auto()  #: mine: looking for a way to the callee, nothing sent yet
    INVITED = auto()  #: mine: the INVITE is out (and again on each new link), no reply yet
    WAITING = auto()  #: mine: the question is on the callee's screen
    ASKED = auto()  #: theirs: given to the screen, not shown yet
    RINGING = auto()  #: theirs: the question is on the screen
    SHARED = auto()  #: theirs: another member's question, into the same conversation, covers it
    IGNORED = auto()  #: theirs: it seems to ring to the inviter, but nothing is shown here
    CROSSED = auto()  #: theirs: ours, with the smaller id, is out and should be accepted instead
    ACCEPTED = auto()  #: theirs: our ACCEPT is out; the conversation begins with the CONFIRM
    OPENED = auto()  #: over: the conversation began
    TAKEN_BACK = auto()  #: over: mine, our CANCEL may have crossed an ACCEPT
    LOST = auto()  #: over: mine, the link broke; the callee is told GONE on the next one
    LEFT = auto()  #: over: the other side may believe it began, and is told LEAVE
    OVER = auto()  #: over in any other way


MINE: Final = frozenset({State.DIALLING, State.INVITED, State.WAITING})
QUESTION: Final = frozenset({State.ASKED, State.RINGING})
RINGS: Final = frozenset({*QUESTION, State.SHARED, State.IGNORED})
THEIRS: Final = frozenset({*RINGS, State.CROSSED, State.ACCEPTED})
LIVE: Final = MINE | THEIRS
FINISHED: Final = frozenset(State) - LIVE


class Invitation(Struct):
    """One invitation between this user and another."""

    invite: Invite
    other: str
    state: State
    begun: float
    deadline: float = 0.0
    word: Message | None = None  # our last reply: sent again to a repeated INVITE
    permission: Permission | None = None  # mine: lets the callee in
    # theirs: whether its answer is also for others into the same conversation; None: not known yet
    covers: bool | None = None
    confirm: Confirm | None = None  # mine: let the callee in; sent again to a repeated ACCEPT

    @property
    def id(self) -> str:
        return self.invite.id

    @property
    def founds(self) -> bool:
        """Whether it founds a conversation of two; else it adds the callee to one."""
        return len(self.invite.members) == 1 and self.invite.room is None

    @property
    def room(self) -> str:
        """The id of the room into which it is; "" for a conversation."""
        return self.invite.conversation if self.invite.room is not None else ""

    def is_with(self, other: str) -> bool:
        return fold(self.other) == fold(other)

    def last(self, seconds: float, now: float) -> None:
        self.deadline = min(now + seconds, self.begun + LIFE_SECONDS)


class Ledger:
    """The invitations of one peer, by id.

    It remembers a bounded number of each user: one live invitation, one more after our yes
    to it and for each of ours that it crossed, and REMEMBER_EACH finished ones.
    """

    def __init__(self) -> None:
        self._known: dict[str, Invitation] = {}  # in the order of arrival, or of their end

    def get(self, id: str) -> Invitation | None:
        return self._known.get(id)

    def between(self, other: str, id: str) -> Invitation | None:
        """Return the invitation with this id between us two: from anybody else it is unknown."""
        known = self._known.get(id)
        return known if known is not None and known.is_with(other) else None

    def all(self, *states: State, other: str | None = None) -> list[Invitation]:
        """Return those in one of these states, in the order of arrival, or of their end."""
        known = self._known.values()
        return [i for i in known if i.state in states and (other is None or i.is_with(other))]

    def next_deadline(self) -> float | None:
        return min((i.deadline for i in self._known.values()), default=None)

    def begin(self, invite: Invite, other: str, state: State, now: float) -> Invitation:
        begun = self._known[invite.id] = Invitation(invite, other, state, now)
        return begun

    def finish(
        self, invitation: Invitation, state: State, now: float, word: Message | None = None
    ) -> None:
        """End an invitation and remember it as the latest; forget the oldest beyond the bounds."""
        invitation.state, invitation.word = state, word
        invitation.invite = replace(invitation.invite, proof=())  # the long part
        invitation.deadline = now + REMEMBER_SECONDS
        self._known[invitation.id] = self._known.pop(invitation.id)
        over = self.all(*FINISHED)
        his = [i for i in over if i.is_with(invitation.other)]
        for oldest in his[:-REMEMBER_EACH] or over[:-REMEMBER_ALL]:
            del self._known[oldest.id]

    def forget(self, id: str) -> None:
        self._known.pop(id, None)
