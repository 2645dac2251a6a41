"""The state that a screen shows besides events: where Enter goes, and how things are."""

from msgspec import Struct

from peer.commands.grammar import Context
from peer.core.targets.place import HOME, Place
from peer.core.targets.places import PlaceState
from peer.core.targets.target import Target
from shared.messages.common import Status
from shared.messages.directory import Presence
from shared.names import fold


class Member(Struct, frozen=True):
    """Another member of my conversation."""

    name: str
    is_direct: bool = True
    through: str = ""  #: the member who relays texts, if there is no direct link
    lacks: int = 0  #: how many of my texts have not arrived there

    @property
    def is_lost(self) -> bool:
        return not self.is_direct and not self.through


class UiState(Struct, frozen=True):
    """A snapshot of the state, which any thread may read."""

    me: str = ""
    status: Status = Status.ACTIVE
    members: tuple[Member, ...] = ()  #: the others in my conversation
    writing_to: str = ""  #: the user for whom a message is being written
    waits_for: tuple[str, ...] = ()  #: the users whom I have invited
    questions: tuple[str, ...] = ()  #: the users whom the open questions are about, the latest last
    invited_by: tuple[str, ...] = ()  #: those of them who ask me into a conversation
    connects_to: str = ""  #: the directory, before I am registered
    directory_is_gone: bool = False
    undelivered: int = 0  #: my texts and lines that have not arrived everywhere yet
    to_come: int = 0  #: texts of others that are on their way to me
    is_muted: bool = False  #: no bell
    talk_went_on: bool = False  #: something was said in my conversation since the last question
    choices: tuple[str, ...] = ()  #: the words that answer that question, if Y and N do not
    users: tuple[Presence, ...] = ()  #: everybody registered, as far as is known
    here: Place = HOME  #: where I am
    back: Place = HOME  #: from where I came
    places: tuple[PlaceState, ...] = ()  #: where I can go, and what is unread there
    rooms: tuple[tuple[str, tuple[str, ...]], ...] = ()  #: what I call each, and its others
    namesakes: tuple[str, ...] = ()  #: those of them that are called like a user
    elsewhere: int = 0  #: unread lines of users who are not among these
    seen_at: tuple[float, ...] = ()  #: from when on a line answers each of the questions
    leads: tuple[Place | None, ...] = ()  #: where a yes to each of the questions leads
    is_displaced: bool = False  #: another program has my name: the directory is gone for good

    @property
    def context(self) -> Context:
        return Context(
            in_conversation=bool(self.members),
            question_open=bool(self.questions),
            writing=bool(self.writing_to),
            waiting=bool(self.waits_for),
            talk_went_on=self.talk_went_on,
            choices=self.choices,
            rooms=tuple(room for room, _ in self.rooms),
            person=self.here.person,
            room=self.here.room,
        )

    @property
    def target(self) -> Target:
        """The target of Enter that the prompt shows."""
        return Target(self.others, self.writing_to, self.here, self.roommates)

    @property
    def roommates(self) -> tuple[str, ...]:
        """The others in the room where I am."""
        mine = (them for room, them in self.rooms if self.here.is_same(Place(room=room)))
        return next(mine, ())

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(member.name for member in self.members)

    def online(self) -> list[str]:
        """Return everybody else who is online."""
        return [
            user.name
            for user in self.users
            if user.status is not Status.OFFLINE and fold(user.name) != fold(self.me)
        ]

    def everybody(self) -> list[str]:
        """Return everybody else, online or not."""
        return [user.name for user in self.users if fold(user.name) != fold(self.me)]
