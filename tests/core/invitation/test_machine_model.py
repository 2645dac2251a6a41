"""Whole small worlds of invitations, walked through in every order of events.

A `World` is two or three `InvitationMachine`, the links between them, and users with
something left to do.  `every_way` walks through all orders in which messages
can arrive, users can act and a bounded number of things can go wrong.  From
each point where nothing is under way, time then runs until nothing is left to
happen, and `check` looks whether V1 to V5 hold.
"""

import pickle
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from peer.core.invitation import ledger, questions
from peer.core.invitation.actions import (
    Action,
    Ask,
    Closed,
    Dial,
    Ended,
    Enter,
    Open,
    Send,
    Waiting,
)
from peer.core.invitation.machine import InvitationMachine
from shared.messages.common import Bye, Message
from shared.messages.peers import (
    Accept,
    Busy,
    Cancel,
    Cancelled,
    Confirm,
    Decline,
    Gone,
    Invite,
    Joined,
    Leave,
    Ringing,
    Timeout,
)
from tests.kit.unsigned import Ids, Unsigned, unsigned

pytestmark = pytest.mark.untraced  # thousands of walks over branches that have tests of their own

LINK_LOST = Bye("the news that the link is gone")  # stands in a queue like a message
QUIET_STEPS = 60  # more than this many events without a user's doing is a storm of messages
EVERYTHING = ("lose", "repeat", "overtake", "break", "replace", "refuse", "crash", "wait")

Choice = tuple[str, ...]
Pair = tuple[str, str]


@dataclass
class World:
    """`plans` says what each user will do, at some time, in this order; `answers` what each
    may say to a question; `troubles` how many things of which `kinds` may still go wrong."""

    plans: dict[str, list[str]]
    answers: tuple[str, ...] = ("yes",)
    kinds: tuple[str, ...] = ()
    troubles: int = 0
    slow_screens: bool = False
    now: float = 0.0
    sides: dict[str, InvitationMachine] = field(default_factory=dict)
    up: set[Pair] = field(default_factory=set)
    dials: set[Pair] = field(default_factory=set)
    under_way: dict[Pair, list[Message]] = field(default_factory=dict)
    screens: dict[str, dict[str, bool]] = field(default_factory=dict)  # open questions: shown?
    talks: dict[str, set[Pair]] = field(default_factory=dict)  # conversation, with whom
    between: dict[str, Pair] = field(default_factory=dict)  # id -> inviter, callee
    begun: dict[Pair, float] = field(default_factory=dict)  # who, id
    ends: dict[Pair, str] = field(default_factory=dict)  # who, id -> how it ended there
    crashed: set[str] = field(default_factory=set)
    told: int = 0  # conversations founded so far
    linked: bool = False  # all links stand from the beginning

    def __post_init__(self) -> None:
        for n, name in enumerate(self.plans):
            self.sides[name] = InvitationMachine(name, Ids(1000 * (n + 1), 1), Unsigned())
            self.screens[name], self.talks[name] = {}, set()
        self.under_way = {(a, b): [] for a in self.plans for b in self.plans if a != b}
        if self.linked:
            self.up = {_sorted(*pair) for pair in self.under_way}

    def look(self) -> int:
        """Equal for worlds that cannot be told apart by what will happen in them."""
        known = [sorted(map(repr, side._ledger._known.values())) for side in self.sides.values()]
        state = (
            known, self.plans, self.under_way, self.screens, self.troubles, self.now,
            sorted(self.up), sorted(self.dials), sorted(self.crashed), sorted(self.ends.items()),
            [sorted(talks) for talks in self.talks.values()],
        )  # fmt: skip
        return hash(repr(state))

    # --- What may happen next ---

    def choices(self) -> Iterator[Choice]:
        yield from self.moves()
        for who, plan in self.plans.items():
            if plan:
                yield "act", who
            for id in self.screens[who]:
                yield from (("answer", who, id, answer) for answer in self.answers)
        if self.troubles:
            yield from (choice for choice in self.possible_troubles() if choice[0] in self.kinds)

    def moves(self) -> Iterator[Choice]:
        """What happens without a user, a fault or the passing of time."""
        yield from (("deliver", *pair) for pair, queue in self.under_way.items() if queue)
        yield from (("dial", *pair) for pair in sorted(self.dials))
        for who, screen in self.screens.items():
            yield from (("show", who, id) for id, shown in screen.items() if not shown)

    def possible_troubles(self) -> Iterator[Choice]:
        for pair, queue in self.under_way.items():
            if queue and queue[0] != LINK_LOST:
                yield "repeat", *pair
                if not isinstance(queue[0], Leave):  # that is a conversation's affair
                    yield "lose", *pair
            if len(queue) > 1 and not isinstance(queue[1], Leave):  # sent as one with the first
                yield "overtake", *pair
        for pair in sorted(self.up):
            yield "break", *pair
            yield "replace", *pair
        yield from (("refuse", *pair) for pair in sorted(self.dials))
        yield from (("crash", who) for who in self.plans)
        due = self.next_deadline()
        if due is not None and due - self.now <= ledger.LIFE_SECONDS:
            yield ("wait",)  # no message is under way until everything about it is forgotten

    def next_deadline(self) -> float | None:
        due = [side.next_deadline() for side in self.sides.values()]
        return min((at for at in due if at is not None), default=None)

    # --- How it happens ---

    def do(self, choice: Choice) -> None:
        if choice[0] in EVERYTHING:
            self.troubles -= 1
        getattr(self, choice[0])(*choice[1:])

    def deliver(self, sender: str, to: str) -> None:
        message = self.under_way[sender, to].pop(0)
        if message == LINK_LOST:
            self.perform(to, self.sides[to].link_lost(sender, self.now))
            if any(other == sender for _, other in self.talks[to]):
                self.dials.add((to, sender))  # a conversation looks for its members by itself
        elif isinstance(message, Leave):
            self.ends_talk(to, message.conversation, sender)
        else:
            self.perform(to, self.sides[to].receive(sender, message, self.now))

    def dial(self, who: str, to: str) -> None:
        self.dials -= {(who, to), (to, who)}
        for pair in ((who, to), (to, who)):  # who had not noticed the loss never does
            self.under_way[pair] = [m for m in self.under_way[pair] if m != LINK_LOST]
        self.up.add(_sorted(who, to))
        self.perform(who, self.sides[who].linked(to, self.now))
        self.perform(to, self.sides[to].linked(who, self.now))

    def show(self, who: str, id: str) -> None:
        self.screens[who][id] = True
        self.perform(who, self.sides[who].shown(id, self.now))

    def act(self, who: str) -> None:
        verb, _, callee = self.plans[who].pop(0).partition(" ")
        side = self.sides[who]
        if verb == "invite":
            self.told += 1
            self.invites(who, callee, f"{self.told:032x}", (who,))
        elif verb == "add":
            others = sorted({other for _, other in self.talks[who]})
            self.invites(who, callee, "K", (who, *others))
        else:
            for pending in side.accepted:
                self.ended(who, pending.id, "LEFT")
            for pending in (*side.outgoing, *side.accepted):
                self.perform(who, side.take_back(pending.id, self.now))

    def invites(self, who: str, callee: str, conversation: str, members: tuple[str, ...]) -> None:
        side = self.sides[who]
        before = {pending.id for pending in side.outgoing}
        actions = side.invite(
            callee, unsigned(conversation), members=members, urgent=False, now=self.now
        )
        for pending in side.outgoing:
            if pending.id not in before:
                self.between[pending.id] = who, callee
                self.begun[who, pending.id] = self.now
        for question in side.accepted:
            self.screens[who].pop(question.id, None)
        self.perform(who, actions)

    def answer(self, who: str, id: str, answer: str) -> None:
        del self.screens[who][id]
        if answer == "no":
            self.ended(who, id, "SAID_NO")
        self.perform(who, self.sides[who].answer(id, answer == "yes", self.now))

    def lose(self, sender: str, to: str) -> None:
        self.under_way[sender, to].pop(0)

    def repeat(self, sender: str, to: str) -> None:
        self.under_way[sender, to].insert(0, self.under_way[sender, to][0])

    def overtake(self, sender: str, to: str) -> None:
        queue = self.under_way[sender, to]
        queue[0], queue[1] = queue[1], queue[0]

    def break_(self, one: str, other: str) -> None:
        self.up.remove(_sorted(one, other))
        self.under_way[one, other] = [LINK_LOST]
        self.under_way[other, one] = [LINK_LOST]

    def replace(self, one: str, other: str) -> None:
        """A new link takes the old one's place, and what was on that is lost."""
        self.break_(one, other)
        self.dial(one, other)

    def refuse(self, who: str, to: str) -> None:
        self.dials.remove((who, to))
        self.perform(who, self.sides[who].unreachable(to, "refused", self.now))
        if any(other == to for _, other in self.talks[who]):
            self.dials.add((who, to))  # a conversation tries again

    def crash(self, who: str) -> None:
        """The program dies and is started again; its user does what is left of the plan."""
        ids = self.sides[who]._ids
        self.sides[who] = InvitationMachine(who, ids, Unsigned())
        self.screens[who], self.talks[who] = {}, set()
        self.crashed.add(who)
        self.ends = {key: how for key, how in self.ends.items() if key[0] != who}
        self.dials = {pair for pair in self.dials if pair[0] != who}
        for other in self.plans:
            if _sorted(who, other) in self.up:
                self.break_(who, other)
                self.under_way[other, who] = []
            for conversation, with_whom in set(self.talks[other]):
                if with_whom == who:
                    self.ends_talk(other, conversation, who)  # not an invitation's affair

    def wait(self) -> None:
        due = self.next_deadline()
        assert due is not None
        self.now = max(self.now, due)
        for who, side in self.sides.items():
            self.perform(who, side.tick(self.now))

    # --- What the shell would do ---

    def perform(self, who: str, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Dial(to) if _sorted(who, to) in self.up:
                    self.perform(who, self.sides[who].linked(to, self.now))
                case Dial(to):
                    self.dials.add((who, to))
                case Send(to, message):
                    if _sorted(who, to) in self.up:
                        self.under_way[who, to].append(message)
                case Ask(id):
                    self.begun[who, id] = self.now
                    self.screens[who][id] = False
                    if not self.slow_screens:
                        self.show(who, id)
                case Open(id, conversation, other):
                    self.ended(who, id, "OPENED")
                    self.talks[who].add((conversation, other))
                case Closed(id, _, why):
                    self.screens[who].pop(id, None)
                    self.ended(who, id, why.name)
                case Ended(id, _, end):
                    self.ended(who, id, end.name)
                case Waiting() | Enter():
                    pass

    def ended(self, who: str, id: str, how: str) -> None:
        assert (who, id) not in self.ends, f"V1: {id} ended twice for {who}: {how}"
        assert self.now - self.begun.get((who, id), 0.0) <= ledger.LIFE_SECONDS, "V2"
        self.ends[who, id] = how

    def ends_talk(self, who: str, conversation: str, other: str) -> None:
        self.talks[who].discard((conversation, other))
        if conversation not in {c for c, _ in self.talks[who]}:
            self.sides[who].situation.conversations.discard(conversation)


setattr(World, "break", World.break_)  # the word that the choices use is taken in Python


def _sorted(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


# --- All ways through a world, and what must hold at the end of each -----------------


def every_way(start: World, check: Callable[[World], None]) -> int:
    """Walk through every order of events; returns the number of different worlds seen."""
    seen = {start.look()}
    left: deque[tuple[bytes, tuple[Choice, ...]]] = deque([(pickle.dumps(start), ())])
    while left:
        frozen, path = left.popleft()  # the shortest ways first
        world: World = pickle.loads(frozen)
        choices = list(world.choices())
        try:
            if not any(world.moves()):
                nothing_is_kept_open(world)
                comes_to_rest(world)
                check(world)
        except AssertionError as broken:
            raise AssertionError(f"{broken}\nafter {path}") from broken
        for choice in choices:
            after: World = pickle.loads(frozen)
            try:
                after.do(choice)
            except AssertionError as broken:
                raise AssertionError(f"{broken}\nafter {(*path, choice)}") from broken
            look = after.look()
            if look not in seen:
                seen.add(look)
                left.append((pickle.dumps(after), (*path, choice)))
    return len(seen)


def comes_to_rest(world: World, steps: int = QUIET_STEPS) -> None:
    """Nobody touches a key any more: messages arrive and deadlines pass until all is quiet."""
    for _ in range(steps):
        move = next(world.moves(), None)
        if move is not None:
            world.do(move)
        elif world.next_deadline() is not None:
            world.wait()
        else:
            return
    raise AssertionError("a storm of messages")


def nothing_is_kept_open(world: World) -> None:
    """No message is under way: then without any time passing each side knows of the other's end.

    Only a message lost on a link that stays may have to wait for a deadline.
    """
    if "lose" in world.kinds:
        return
    for who, side in world.sides.items():
        for question in side.questions:
            if _sorted(who, question.inviter) in world.up:
                living = {pending.id for pending in world.sides[question.inviter].outgoing}
                assert question.id in living, f"V3: {who} is asked what nobody waits for"
        for pending in side.accepted:
            assert _sorted(who, pending.other) not in world.up, f"{who} waits for no CONFIRM"
        for pending in side.outgoing:
            assert _sorted(who, pending.other) in world.up
            known = world.sides[pending.other]._ledger._known[pending.id]
            assert known.state in ledger.RINGS, f"{who} waits for no answer"


def holds(world: World) -> None:
    """V1, V3 and V4, and that nothing is left over."""
    for who, side in world.sides.items():
        assert not world.screens[who], f"V3: {who} is asked for nothing: {world.screens[who]}"
        assert not side.questions
        assert not side.outgoing
        assert not side.accepted
        for conversation, other in world.talks[who]:
            talks = world.talks.get(other, {(conversation, who)})  # nobody knows mallory's
            assert (conversation, who) in talks, f"V1: {who} talks to nobody"
    for id, (inviter, callee) in world.between.items():
        if not world.crashed & {inviter, callee}:
            agree(world, id, inviter, callee)


def agree(world: World, id: str, inviter: str, callee: str) -> None:
    ours, theirs = world.ends.get((inviter, id)), world.ends.get((callee, id))
    crossed = (callee, inviter) in world.between.values()
    if (callee, id) in world.begun:
        assert theirs is not None, f"V1: {id} never ended for {callee}"
    allowed: dict[str | None, set[str | None]] = {
        None: {None, "GONE", "CANCELLED", "MISSED", "SAID_NO", "LEFT"} if crossed else set(),
        "OPENED": {"OPENED", "LEFT", "GONE"},
        "DECLINED": {"SAID_NO", None},  # None: said to another member
        "NO_ANSWER": {"MISSED", "CANCELLED", "SAID_NO", "GONE", "LEFT", None},
        "TAKEN_BACK": {"OPENED", "CANCELLED", "SAID_NO", "MISSED", "GONE", "LEFT", None},
        "UNREACHABLE": {"CANCELLED", "SAID_NO", "MISSED", "GONE", "LEFT", None},
        "BUSY": {None},
        "INTERRUPTIBLE": {None},
        "JOINED": {None},
        "GONE": {"GONE", "CANCELLED", "SAID_NO", "MISSED", "LEFT", None},
    }
    assert theirs in allowed[ours], f"V1: {inviter} reads {ours}, {callee} {theirs}"


def holds_without_faults(world: World) -> None:
    """Nothing went wrong: who opened is not alone, and nobody reads that somebody is gone."""
    holds(world)
    for id, (inviter, callee) in world.between.items():
        ours, theirs = world.ends.get((inviter, id)), world.ends.get((callee, id))
        assert ours not in {"UNREACHABLE", "GONE"}
        assert (ours == "OPENED") == (theirs == "OPENED" and ours != "TAKEN_BACK")


def one_call(**more: object) -> World:
    plans = {"carol": ["invite dave", "take back"], "dave": []}
    return World(plans, answers=("yes", "no"), **more)  # type: ignore[arg-type]


def crossed_calls(smaller: str, **more: object) -> World:
    world = World({"carol": ["invite dave"], "dave": ["invite carol"]}, **more)  # type: ignore[arg-type]
    world.sides[smaller]._ids = Ids(0, 1)
    return world


def one_way(world: World, check: Callable[[World], None], chance: Random) -> None:
    """Walk one way that chance chooses, to the end of all plans."""
    path: list[Choice] = []
    try:
        while choices := list(world.choices()):
            path.append(chance.choice(choices))
            world.do(path[-1])
            if not any(world.moves()):
                nothing_is_kept_open(world)
        comes_to_rest(world)
        check(world)
    except AssertionError as broken:
        raise AssertionError(f"{broken}\nafter {path}") from broken


# --- Two users ---


def test_one_call_in_every_order() -> None:
    assert every_way(one_call(), holds_without_faults) > 20


@pytest.mark.parametrize("kind", EVERYTHING)
def test_one_call_with_one_thing_going_wrong_anywhere(kind: str) -> None:
    assert every_way(one_call(kinds=(kind,), troubles=1, slow_screens=True), holds) > 40


def test_one_call_with_two_things_going_wrong_anywhere() -> None:
    assert (
        every_way(one_call(kinds=("lose", "break", "replace", "crash"), troubles=2), holds) > 1000
    )


def connected(world: World) -> None:
    """Both said yes by inviting: one conversation, whatever was first."""
    holds_without_faults(world)
    if not any(world.plans.values()):
        assert len(world.talks["carol"]) == len(world.talks["dave"]) == 1


@pytest.mark.parametrize("smaller", ["carol", "dave"])
@pytest.mark.parametrize("busy", [(), ("carol",), ("dave",), ("carol", "dave")])
def test_who_invite_each_other_are_connected_in_every_order(
    smaller: str, busy: tuple[str, ...]
) -> None:
    world = crossed_calls(smaller, answers=())
    for who in busy:
        world.sides[who].situation.busy = True
    assert every_way(world, holds if busy else connected) > 20


@pytest.mark.parametrize("smaller", ["carol", "dave"])
@pytest.mark.parametrize("kind", EVERYTHING)
def test_crossed_calls_with_one_thing_going_wrong_anywhere(smaller: str, kind: str) -> None:
    world = crossed_calls(smaller, kinds=(kind,), troubles=1)
    assert every_way(world, holds) > 60


@pytest.mark.parametrize("smaller", ["carol", "dave"])
def test_crossed_calls_taken_back_and_made_again(smaller: str) -> None:
    world = crossed_calls(smaller, answers=("yes",))
    world.plans["carol"] = ["invite dave", "take back", "invite dave"]
    assert every_way(world, holds) > 500


def test_an_ignored_user_who_calls_and_is_called() -> None:
    world = crossed_calls("carol", kinds=("break", "wait"), troubles=1)
    world.sides["dave"].situation.ignored = {"carol"}
    assert every_way(world, holds) > 500


# --- Three users ---


def two_call(**more: object) -> World:
    plans = {"carol": ["invite dave", "take back"], "erin": ["invite dave"], "dave": []}
    return World(plans, answers=("yes", "no"), linked=True, **more)  # type: ignore[arg-type]


def ring(**more: object) -> World:
    plans = {"carol": ["invite dave"], "dave": ["invite erin"], "erin": ["invite carol"]}
    return World(plans, answers=("yes", "no"), linked=True, **more)  # type: ignore[arg-type]


def members(**more: object) -> World:
    """carol and erin are in one conversation, and both have just added dave."""
    plans = {"carol": ["add dave"], "erin": ["add dave"], "dave": []}
    world = World(plans, answers=("yes", "no"), linked=True, **more)  # type: ignore[arg-type]
    for one, other in (("carol", "erin"), ("erin", "carol")):
        world.talks[one] = {("K", other)}
        world.sides[one].situation.conversations = {"K"}
        world.act(one)
    return world


def test_two_call_the_same_user_in_every_order() -> None:
    assert every_way(two_call(), holds_without_faults) > 500


def test_two_members_who_add_the_same_user_in_every_order() -> None:
    world = members()
    world.plans["carol"] = ["take back"]
    assert every_way(world, holds_without_faults) > 300


@pytest.mark.parametrize("kind", EVERYTHING[:-1])  # to wait anywhere takes too long here
def test_two_members_add_the_same_user(kind: str) -> None:
    world = members(kinds=(kind,), troubles=1)
    assert every_way(world, holds) > 100


@pytest.mark.parametrize("start", [one_call, two_call, ring, members])
def test_many_things_going_wrong(start: Callable[..., World]) -> None:
    for seed in range(200):
        one_way(start(kinds=EVERYTHING, troubles=4, slow_screens=True), holds, Random(seed))
        one_way(start(kinds=EVERYTHING[1:], troubles=4), holds, Random(seed))


# --- Any number of invitations, and somebody who forges messages ---

NAMES = ("carol", "dave", "erin")
FORGED: tuple[Callable[[str], Message], ...] = (
    Ringing,
    Accept,
    Confirm,
    Decline,
    Cancel,
    Cancelled,
    Timeout,
    Gone,
    Joined,
    lambda id: Busy(id, interruptible=True),
    lambda id: Invite(id, "f" * 32, ("carol", "dave")),
)


class Town(RuleBasedStateMachine):
    """Three users who may do anything at any time, and mallory, who is none of them."""

    def __init__(self) -> None:
        super().__init__()
        self.forged = 0
        self.world = World(
            {name: [] for name in NAMES}, ("yes", "no"), EVERYTHING, 10_000, slow_screens=True
        )

    @rule(who=st.sampled_from(NAMES), plan=st.sampled_from(["take back", *NAMES]))
    def acts(self, who: str, plan: str) -> None:
        if who != plan:
            self.world.plans[who].append(plan if plan == "take back" else f"invite {plan}")
            self.world.do(("act", who))

    @rule(who=st.sampled_from(NAMES), busy=st.booleans())
    def is_busy(self, who: str, busy: bool) -> None:
        self.world.sides[who].situation.busy = busy

    @precondition(lambda self: any(self.world.choices()))
    @rule(data=st.data(), gently=st.booleans())
    def happens(self, data: st.DataObject, gently: bool) -> None:
        choices = [c for c in self.world.choices() if not gently or c[0] not in EVERYTHING]
        if choices:
            self.world.do(data.draw(st.sampled_from(choices)))

    @rule(
        who=st.sampled_from(NAMES),
        forged=st.sampled_from(FORGED),
        nth=st.integers(0, 30),
    )
    def is_sent_a_forged_message(
        self, who: str, forged: Callable[[str], Message], nth: int
    ) -> None:
        side = self.world.sides[who]
        self.forged += 1
        ids = [*side._ledger._known, f"{self.forged:0>32}"]
        before = {id: repr(known) for id, known in side._ledger._known.items()}
        actions = side.receive("mallory", forged(ids[nth % len(ids)]), self.world.now)
        for action in actions:
            match action:
                case Send(to, _) | Ask(_, to) | Closed(_, to) | Open(_, _, to):
                    assert to == "mallory"
                case _:
                    raise AssertionError(f"mallory caused {action}")
        for id, known in side._ledger._known.items():
            assert known.other == "mallory" or repr(known) == before[id]
        self.world.perform(who, actions)

    @invariant()
    def v4_and_the_bounds_hold(self) -> None:
        for side in self.world.sides.values():
            callees = [pending.other for pending in side.outgoing]
            assert len(set(callees)) == len(callees)
            assert len(side.questions) <= questions.OPEN_QUESTIONS
            assert len(side._ledger._known) <= 4 * (ledger.REMEMBER_EACH + 3)

    def teardown(self) -> None:
        comes_to_rest(self.world, steps=500)
        holds(self.world)


TestTown = Town.TestCase
TestTown.settings = settings(
    max_examples=80, stateful_step_count=40, derandomize=True, deadline=None, database=None
)
