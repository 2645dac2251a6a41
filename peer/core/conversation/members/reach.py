"""Know who is in reach and who was lost, and when to dial them again.

Being a member and being reachable are two things.  A broken link ends nothing: both sides
try to link again.  A member who cannot be reached for a minute only looks as if they had
left.  In a room nobody does: members are away, and the user is not told when they are.
"""

from collections.abc import Callable

from msgspec import Struct

from peer import events
from peer.core.conversation.actions import Action, Back, Dial, Show
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.own_stay import OwnStay
from peer.core.conversation.route import DIRECT
from peer.core.reach.absence import LOST_SECONDS, Absence

REDIAL_SECONDS = 1.0  # between two tries to link again with one lost just now
REDIAL_FAR_SECONDS = 30.0  # with one lost long ago, or reached through others
REDIAL_AWAY_SECONDS = 600.0  # with a member of a room who is away for hours or days; the
REDIAL_AWAY_SHARE = 0.25  # pause grows to that with the time away.  Who is back, dials us too.
FIRST_DIAL_SECONDS = 5.0  # for a newcomer to dial us; then we dial

_NEVER = float("inf")


class _Member(Struct):
    """Another member, and whether they are in reach."""

    id: str
    lost_at: float | None  # since when they are out of reach
    redial_at: float = _NEVER
    reached: bool = False  # at any time
    told_lost: bool = False
    is_gone: bool = False  # out of reach so long that the user was told they left


class Reach:
    def __init__(self, stay: OwnStay, mesh: Mesh, jitter: Callable[[], float]) -> None:
        self._stay, self._mesh, self._jitter = stay, mesh, jitter
        self._absence = Absence()
        self._members = {member: _Member(member, 0.0) for member in mesh}
        self.look_at = _NEVER  #: when to judge who is in reach

    # --- What the shell may look at ---

    @property
    def others(self) -> tuple[str, ...]:
        """The other members, without those who were out of reach for too long."""
        return tuple(one.id for one in self._members.values() if not one.is_gone)

    def lost_at(self, member: str) -> float | None:
        """Return since when they are out of reach; None if they are in reach."""
        return self._members[member].lost_at

    def who(self) -> list[tuple[str, str, float | None]]:
        """Return for each other member the id, the way (DIRECT, a member who hands on, or "")
        and since when they are out of reach, if they are.
        """
        way = self._mesh.reached() | dict.fromkeys(self._mesh.greeted, DIRECT)
        return [(one.id, way.get(one.id, ""), one.lost_at) for one in self._members.values()]

    # --- Coming and going ---

    def begin(self, now: float) -> list[Action]:
        """Link with everybody who is in."""
        for one in self._members.values():
            one.lost_at = now
            one.redial_at = now + REDIAL_SECONDS
            # In a conversation of two, each has just heard the other.
            one.reached = len(self._members) == 1 and not self._stay.is_asleep
        self.look_at = now
        return [Dial(member) for member in self._members]

    def meet(self, member: str, now: float) -> list[Action]:
        """Note a new member, who will dial us."""
        self._members[member] = _Member(member, now, now + FIRST_DIAL_SECONDS)
        self.look_at = now
        if self._stay.is_asleep:
            return []  # Back announces who is in
        return [Show(events.MemberJoined(self._stay.names.spelled(member)))]

    def part(self, member: str, *, is_news: bool) -> list[Action]:
        """Note that a member has left."""
        one = self._members.pop(member)
        if not is_news or one.is_gone or self._stay.is_asleep:
            return []
        return [Show(events.MemberLeft(self._stay.names.spelled(member)))]

    # --- Dialling ---

    def linked(self, member: str) -> None:
        """Note a link to a member: there is nothing to dial."""
        self._members[member].redial_at = _NEVER

    def link_lost(self, member: str, now: float) -> list[Action]:
        """Dial at once, for a link may break for no reason; but do not dial in a hot loop."""
        self._members[member].redial_at = now + REDIAL_SECONDS
        self._absence.link_lost(now)
        return [Dial(member)]

    def unreachable(self, member: str, now: float) -> list[Action]:
        """Note that dialling failed; the next try has its deadline."""
        one = self._members.get(member)
        if one is not None and not self._mesh.is_linked(member):
            one.redial_at = now + self._redial_pause(one, now)
        return []

    def may_be_back(self, member: str, now: float) -> list[Action]:
        """Dial a member whom the directory announces, before the next try is due."""
        one = self._members.get(member)
        if one is None or self._mesh.is_linked(member) or self._stay.is_over:
            return []
        one.redial_at = now + REDIAL_SECONDS
        return [Dial(member)]

    def next_redial(self) -> float:
        return min((one.redial_at for one in self._members.values()), default=_NEVER)

    def redial(self, now: float) -> list[Action]:
        """Dial the members for whom it is time."""
        due = [one for one in self._members.values() if now >= one.redial_at]
        for one in due:
            one.redial_at = now + self._redial_pause(one, now)
        return [Dial(one.id) for one in due]

    def _redial_pause(self, one: _Member, now: float) -> float:
        away = 0.0 if one.lost_at is None else now - one.lost_at
        if one.lost_at is not None and away < LOST_SECONDS:
            return REDIAL_SECONDS
        pause = REDIAL_FAR_SECONDS
        if self._stay.lasts:
            pause = min(max(pause, away * REDIAL_AWAY_SHARE), REDIAL_AWAY_SECONDS)
        return pause * self._jitter()

    # --- Was it they who were away, or I? ---

    def slept(self, seconds: float, now: float) -> None:
        """Note for how long my program, or its machine, stood still."""
        self._absence.slept(seconds, now)

    def directory(self, now: float, *, is_there: bool) -> None:
        """Note whether the directory is there: without it I cannot know who is out of reach."""
        self._absence.directory(now, is_there=is_there)
        if is_there and self._absence.is_cut_off and not self._stay.lasts:
            self._excuse(now)

    def _excuse(self, now: float) -> None:
        """Give members who are out of reach another minute to come back."""
        for one in self._members.values():
            if one.lost_at is not None:
                one.lost_at = now

    def all_parted(self, parted: list[str], now: float) -> list[Action]:
        """If all others have left at once, because I was away, tell the user so."""
        if self._stay.is_asleep or self._stay.lasts or len(parted) < len(self._members):
            return []
        return self._say_out_of_reach(now)

    def _say_out_of_reach(self, now: float) -> list[Action]:
        """Note that others are in reach, or were; tell the user if it was I who was away."""
        seconds = self._absence.back(now)
        if seconds is None or self._stay.is_asleep or self._stay.lasts:
            return []
        self._excuse(now)
        for one in self._members.values():
            one.told_lost = False  # they are not announced as back: they were there all the time
        others = tuple(map(self._stay.names.spelled, self.others))
        return [Show(events.OutOfReach(seconds, others))] if others else []

    # --- Judging ---

    def begin_look(self, reached: dict[str, str], now: float) -> list[Action]:
        """Wake up when somebody is in reach; then `judge` each member."""
        self.look_at = _NEVER
        if not reached:
            self._absence.alone(now)
            return []
        if not self._stay.is_asleep:
            return self._say_out_of_reach(now)
        self._stay.wake_up()
        for one in self._members.values():
            one.is_gone = one.id not in reached and one.is_gone
        return [Back(), *self._say_out_of_reach(now)]

    def judge(self, member: str, reached: dict[str, str], now: float) -> list[Action]:
        """Judge whether a member came into reach, or was lost."""
        one = self._members[member]
        actions = self._is_reached(one) if member in reached else self._is_out_of_reach(one, now)
        if one.lost_at is not None and not one.is_gone and not self._stay.lasts:
            quiet = _NEVER if one.told_lost else self._absence.quiet_until
            self.look_at = min(self.look_at, one.lost_at + LOST_SECONDS, quiet)
        return actions

    def rest(self, until: float) -> None:
        """Look no more before this time."""
        self.look_at = max(self.look_at, until)

    def _is_reached(self, one: _Member) -> list[Action]:
        was_lost, was_gone = one.told_lost, one.is_gone
        one.lost_at, one.told_lost, one.is_gone, one.reached = None, False, False, True
        if was_gone:
            return [Show(events.MemberJoined(self._stay.names.spelled(one.id)))]
        return [Show(events.MemberBack(self._stay.names.spelled(one.id)))] if was_lost else []

    def _is_out_of_reach(self, one: _Member, now: float) -> list[Action]:
        actions: list[Action] = []
        is_asleep, name = self._stay.is_asleep, self._stay.names.spelled(one.id)
        if one.lost_at is None:
            one.lost_at = now
        if self._stay.lasts:
            return []
        is_linked = self._mesh.is_linked(one.id)
        is_news = one.reached and not (one.told_lost or one.is_gone or is_linked)
        if is_news and not is_asleep and now >= self._absence.quiet_until:
            one.told_lost = True
            actions.append(Show(events.MemberLost(name)))
        is_gone = now >= one.lost_at + LOST_SECONDS and not self._absence.excuses(now)
        if is_gone and not one.is_gone:
            one.is_gone, one.told_lost = True, False
            if not is_asleep:
                actions.append(Show(events.MemberLeft(name, "connection lost")))
        return actions
