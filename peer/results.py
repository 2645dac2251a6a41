"""The answers to commands, besides the events that happen anyway (`peer.events`).

One small class for each answer, with all that a screen needs to lay it out; its
`lines()` return the answer in line mode.
"""

from typing import Final, Protocol

from msgspec import Struct, field

from peer.commands.manual import help_lines
from peer.core.conversation.route import Route
from peer.core.conversation.sent_text import SentText
from peer.core.doctor.check import Check
from peer.core.history_entry import Around, HistoryEntry, lines_of
from peer.core.keys.name_marks import ANOTHER_KEY
from peer.core.local_time import local_time
from peer.core.past.looking_back import Lookback
from peer.core.reach.link_way import LinkWay
from peer.core.reach.watch_list import Watched
from peer.core.targets.target import Target
from peer.events import Event
from shared.clean import on_one_line
from shared.messages.common import Status
from shared.messages.directory import Contact, Presence
from shared.names import fold
from shared.notes import with_note

SEEN_SECONDS: Final = 0.5  # a question shown for less has not been read yet
NAMED_CHARACTERS: Final = 60  # of a text of mine, which names it
GROUPS: Final = (Status.ACTIVE, Status.BUSY, Status.INACTIVE, Status.OFFLINE)


class Answer(Event, frozen=True):
    """An answer of one or more lines."""

    def said(self) -> tuple[str, str]:
        return "", "\n".join(self.lines())

    def lines(self) -> list[str]:
        raise NotImplementedError


class Asked(Answer, frozen=True):
    """A question of this program about a user, to answer with one of `choices`."""

    about: str
    statement: str
    question: str
    choices: tuple[str, ...] = ("Y", "N")

    def lines(self) -> list[str]:
        said = f"{self.statement} {self.question}".strip()
        return [f"{said} ({'/'.join(self.choices)})"]


class UserList(Answer, frozen=True):
    """Everybody registered, in alphabetical order.

    `round_trips`: seconds by name, for users to whom there is a link.  `verified`: names
    whose remembered key was compared by words.  `contradicted`: names for which the
    directory has another key now.  `online`: how many are, if they are so many that only
    those are listed whom I watch.  With a `beginning` only names are listed that begin so.
    """

    users: tuple[Presence, ...]
    me: str
    round_trips: dict[str, float] = field(default_factory=dict)
    verified: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()
    online: int = 0
    beginning: str = ""
    more: bool = False  #: names begin so that are not listed

    def group(self, status: Status) -> list[Presence]:
        return [user for user in self.users if user.status is status]

    def is_me(self, user: Presence) -> bool:
        return fold(user.name) == fold(self.me)

    def lines(self) -> list[str]:
        groups = [f"{status.value}: {', '.join(self._names(status)) or '-'}" for status in GROUPS]
        return [*self.heading(), *groups, *self.footer()]

    def heading(self) -> list[str]:
        return [f"{self.online:,} users are online."] if self.online else []

    def footer(self) -> list[str]:
        if self.online:
            return ["LIST USERS jo shows those who begin with jo."]
        if self.more:
            return [f"More names begin with {self.beginning}: another letter shows fewer."]
        return []

    def _names(self, status: Status) -> list[str]:
        return [user.name + self.mark(user) for user in self.group(status)]

    def mark(self, user: Presence) -> str:
        """Return the mark after the name."""
        if self.is_me(user):
            return " (you)"
        if user.name in self.contradicted:
            return ANOTHER_KEY
        return " (verified)" if user.name in self.verified else ""


class UserInfo(Answer, frozen=True):
    """A user, with the note on their status in a line of its own: it may contain anything."""

    contact: Contact
    fingerprint: str  #: of their key
    is_verified: bool = False  #: the user has compared the words of this key
    rooms: tuple[str, ...] = ()  #: in which we both are
    route: Route | None = None  #: how they are reached at this moment, if they are

    @property
    def shared(self) -> str:
        """The rooms in which we both are, as a screen shows them."""
        return ", ".join(f"#{room}" for room in self.rooms)

    def lines(self) -> list[str]:
        contact = self.contact
        since = f"{local_time(contact.since):%Y-%m-%d %H:%M}"
        where = f", at {contact.host}:{contact.port}" if contact.host else ""
        verified = ", verified" if self.is_verified else ""
        return [
            f"{contact.name}: {contact.status.value} since {since}{where}, key {self.fingerprint}"
            f"{verified}",
            *([f"The note of {contact.name}: {contact.note}"] if contact.note else []),
            *([f"You are both in {self.shared}."] if self.rooms else []),
            *([f"The way to {contact.name}: {way_to(self.route)}."] if self.route else []),
        ]


class WatchBegun(Answer, frozen=True):
    """I watch a user from now on."""

    name: str
    status: Status | None  #: as they stand now; None: nobody is called so, or it is not known
    is_known: bool  #: whether the directory could be asked

    def lines(self) -> list[str]:
        name, told = self.name, f"you are told when {self.name} comes"
        if self.status is None and self.is_known:
            return [f"There is no user {name} yet; you are told when somebody of that name comes."]
        if self.status is None:
            return [f"Y{told[1:]}, once the directory is back."]
        if self.status is Status.OFFLINE:
            return [f"Y{told[1:]}."]
        return [f"{name} is online ({self.status.value}); {told} again."]


class WatchedUsers(Answer, frozen=True):
    """The users whom I watch, with their status where it is known."""

    users: tuple[Watched, ...]

    def lines(self) -> list[str]:
        return [f"You watch {', '.join(map(_with_status, self.users)) or 'nobody'}."]


def _with_status(user: Watched) -> str:
    return user.name if user.status is None else f"{user.name} ({user.status.value})"


class SentInCrowd(Answer, frozen=True):
    """A line to all went to those of the many users online with whom I have to do."""

    online: int
    sent: int
    is_whole: bool  #: whether it went to all of these

    def lines(self) -> list[str]:
        all_of_them = "the one" if self.sent == 1 else f"the {self.sent}"
        to = all_of_them if self.is_whole else f"{self.sent} of those"
        return [f"{self.online:,} users are online; sent to {to} you talk with."]


class MyStatus(Answer, frozen=True):
    status: Status
    note: str = ""  #: for others

    def lines(self) -> list[str]:
        return [f"Your status is {with_note(self.status, self.note)}."]


class MemberList(Answer, frozen=True):
    """The members of my conversation, or of a room, and how each is reached."""

    me: str
    others: tuple[Route, ...]
    room: str = ""

    def lines(self) -> list[str]:
        return [f"{self.me} (you)", *(f"{one.name}: {self.how(one)}" for one in self.others)]

    def how(self, one: Route) -> str:
        """Return how a member is reached; in a room they are away if they are not."""
        return how_linked(one) if one.is_reached or not self.room else "away"


class RoomList(Answer, frozen=True):
    """The rooms that I am in: the other members of each, and those of them who are away."""

    me: str
    rooms: tuple[tuple[str, tuple[str, ...]], ...]
    away: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def lines(self) -> list[str]:
        lines = [f"#{room}: {', '.join(self._names(room, others))}" for room, others in self.rooms]
        return lines or ["You are in no room: ROOM name founds one."]

    def _names(self, room: str, others: tuple[str, ...]) -> list[str]:
        away = dict(self.away).get(room, ())
        marked = (f"{name} (away)" if name in away else name for name in others)
        return [f"{self.me} (you)", *marked]


class WhoHas(Answer, frozen=True):
    """The way of my last text, here or in a room: a few words for each other member."""

    states: tuple[tuple[str, str], ...]
    text: str
    room: str = ""

    @property
    def heading(self) -> str:
        text = on_one_line(self.text)
        short = text if len(text) <= NAMED_CHARACTERS else f"{text[: NAMED_CHARACTERS - 1]}…"
        return f"Your last text{f' in #{self.room}' if self.room else ''}: {short}"

    def lines(self) -> list[str]:
        lines = [f"{name}: {state}" for name, state in self.states]
        what = "room" if self.room else "conversation"
        return [self.heading, *(lines or [f"Nobody else is in that {what} who was in it then."])]


class WhatWasSaid(Answer, frozen=True):
    """The texts that HISTORY or SEARCH found, with a `note` on them if there is one.

    For a screen that shows other things too: `heading` is its title, `around` are the texts
    beside each one that SEARCH found.
    """

    entries: tuple[HistoryEntry, ...]
    me: str
    note: str = ""
    heading: str = ""
    around: tuple[Around, ...] = ()

    def lines(self) -> list[str]:
        return [*lines_of(self.entries, self.me), *([self.note] if self.note else [])]


class LookedBack(Answer, frozen=True):
    """The texts that a start shows of each place, and where the unread ones begin."""

    places: tuple[Lookback, ...]
    me: str
    further: int = 0  #: places with unread texts, that are not shown

    @property
    def note(self) -> str:
        return f"{self.further} more have unread texts; HISTORY name shows them." * bool(
            self.further
        )

    def lines(self) -> list[str]:
        shown = [line for place in self.places for line in place.lines(self.me)]
        return [*shown, *([self.note] if self.note else [])]


class Words(Answer, frozen=True):
    """The words that must be the same for both users."""

    name: str
    words: tuple[str, ...]
    accepted: bool = False  #: always False now: looking at words accepts nothing
    change: str = ""  #: a sentence about a different remembered key

    def lines(self) -> list[str]:
        first = f"You and {self.name} must both see these words: {' '.join(self.words)}"
        return [first, self.change] if self.change else [first]


class Manual(Answer, frozen=True):
    """All commands, or the one that `topic` names."""

    topic: str | None = None

    def lines(self) -> list[str]:
        return help_lines(self.topic)


class ListedDirectory(Struct, frozen=True):
    """A directory that is announced on this network."""

    name: str
    address: str
    key: str  #: which it has proved, or only says if it is "unproven"
    state: str  #: "remembered", "unknown" or "unproven"


NO_DIRECTORY_FOUND: Final = "No directory was found on this network."


class DirectoryList(Answer, frozen=True):
    """All directories that are announced on this network."""

    directories: tuple[ListedDirectory, ...]

    def lines(self) -> list[str]:
        return [
            f'"{one.name}" at {one.address}, key {one.key or "unknown"} ({one.state})'
            for one in self.directories
        ] or [NO_DIRECTORY_FOUND]


class DeliveryProgress(Protocol):
    """The progress of something that I wrote."""

    async def delivered(self) -> None:
        """Wait until everybody has it on disk, or it cannot get any further."""

    @property
    def is_everywhere(self) -> bool:
        """Whether everybody has it on disk."""

    def states(self) -> dict[str, str]:
        """Return "delivered", "left" or "waiting" for each of its receivers."""


class Sent(Answer, frozen=True):
    """A text that I wrote, for a screen that does not keep what is typed.

    `to`: the only receiver; `room`: for the members of a room.  With none of these, nor
    `to_all`, it is for my conversation.
    `handle` knows who has it.
    """

    text: str
    to: str = ""
    to_all: bool = False
    is_left: bool = False  #: at the directory, for `to`
    handle: DeliveryProgress | None = None
    room: str = ""

    def lines(self) -> list[str]:
        return []


class NotSent(Answer, frozen=True):
    """A line was not sent, because Enter now goes elsewhere than when it was begun.

    `would`: what a second Enter does with it, at `target`.
    """

    line: str
    why: str
    would: str
    target: Target

    def lines(self) -> list[str]:
        return [f"Not sent: {self.why}. Enter again: {self.would}."]


class Typed(Answer, frozen=True):
    """A command, for a screen that does not keep what is typed."""

    line: str

    def lines(self) -> list[str]:
        return []


class Done(Answer, frozen=True):
    """A command line has been performed.  `code` and `code_name` are as in the one-shot form.

    A line on its way may arrive later.  `outcome`: a word for the result of CHAT or ADD.
    """

    line: str
    code: int
    code_name: str
    outcome: str = ""

    def lines(self) -> list[str]:
        return []


class Handed(Answer, frozen=True):
    """A line from my other program, which performed my command."""

    line: str

    def lines(self) -> list[str]:
        return [self.line]


def how_linked(member: Route) -> str:
    return _linked(member) + (", verified" if member.is_verified else "")


def _linked(member: Route) -> str:
    if member.is_reached:
        trip = member.round_trip
        return way_to(member) + ("" if trip is None else f", {milliseconds(trip)}")
    if member.lost_since is None:
        return "not linked yet"
    return f"lost since {local_time(member.lost_since):%H:%M:%S}"


class Doctor(Answer, frozen=True):
    """All that keeps others from reaching me: a line of each check, and what follows."""

    checks: tuple[Check, ...]
    verdict: str
    code: str  #: V1 to V9, or V0 if it is not known

    def lines(self) -> list[str]:
        return [*map(str, self.checks), f"=>  {self.verdict}"]


def way_to(reached: Route) -> str:
    """Return the way to a user who is reached."""
    match reached.link_way:
        case LinkWay.DIALLED:
            return "direct"
        case LinkWay.DIALLED_BY_THEM:
            return f"direct ({reached.name} dialled)"
        case LinkWay.PUNCHED:
            return "direct (opened from both sides)"
        case LinkWay.MAPPED:
            return "direct (router's mapping)"
    return f"through {reached.through}"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def state_of(handle: SentText, name: str) -> str:
    """Return how far that text of mine got on its way to `name`."""
    state, at = handle.state(name), handle.delivered_at(name)
    if state == "delivered" and at is not None:
        return f"delivered at {local_time(at):%H:%M:%S}"
    return "left at the directory" if state == "left" else state
