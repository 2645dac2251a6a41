"""Who holds whom in a running peer: no circle leads through two parts of `peer.runtime`.

A part knows the parts below it and nothing of those that use it.  What it has to tell goes up
as a return value, or on a way that is named here.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Final

import msgspec
import pytest
import trio

from peer.runtime.conversation.shell import ConversationShell
from peer.runtime.link.listener import Outlet
from peer.runtime.tasks import Tasks
from peer.runtime.timer import Timer
from tests.kit.community import Community

#: The ways up, each with its reason: they are not followed.
WAYS_UP: Final = {
    # Dispatch hears the links and answers over them: news of a link must be told at once.
    (Outlet, "receiver"),
    # A conversation tells those that I am in, or have left, that it is over: it moves among them.
    (ConversationShell, "_owner"),
}


def is_ours(kind: type) -> bool:
    return kind.__module__.split(".")[0] in ("peer", "shared")


def is_part(one: object) -> bool:
    return type(one).__module__.startswith("peer.runtime")


def fields(one: object) -> Iterator[tuple[str, object]]:
    if isinstance(one, msgspec.Struct):
        yield from ((name, getattr(one, name)) for name in one.__struct_fields__)
    yield from getattr(one, "__dict__", {}).items()


def held_by(one: object) -> Iterator[object]:
    """What an object holds: its attributes, and what functions and containers carry with them."""
    match one:
        case MethodType():
            yield one.__self__
        case FunctionType() if one.__module__.startswith(("peer", "shared")):
            yield from (cell.cell_contents for cell in one.__closure__ or ())
            yield from one.__defaults__ or ()
        case partial():
            yield from (one.func, *one.args, *one.keywords.values())
        case str() | bytes() | int():
            pass
        case dict():
            yield from (*one.keys(), *one.values())
        case Iterable() if type(one).__module__ in ("builtins", "collections"):
            yield from one
        case _ if is_ours(type(one)):
            yield from (it for name, it in fields(one) if (type(one), name) not in WAYS_UP)


def circles(root: object) -> list[list[object]]:
    """The strongly connected groups of objects that `root` reaches (Tarjan's algorithm)."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    path: list[object] = []
    on_path: set[int] = set()
    found: list[list[object]] = []
    walk: list[tuple[object, Iterator[object]]] = []

    def enter(one: object) -> None:
        number[id(one)] = low[id(one)] = len(number)
        path.append(one)
        on_path.add(id(one))
        walk.append((one, iter([*held_by(one)])))

    enter(root)
    while walk:
        one, rest = walk[-1]
        for other in rest:
            if id(other) not in number:
                enter(other)
                break
            if id(other) in on_path:
                low[id(one)] = min(low[id(one)], number[id(other)])
        else:
            walk.pop()
            if walk:
                above = walk[-1][0]
                low[id(above)] = min(low[id(above)], low[id(one)])
            if low[id(one)] == number[id(one)]:
                at = next(i for i, it in enumerate(path) if it is one)
                group = path[at:]
                del path[at:]
                on_path.difference_update(map(id, group))
                found.append(group)
    return found


def parts_in_circles(root: object) -> list[list[str]]:
    """The classes of parts that hold each other, one list for each circle."""
    groups = ([type(one).__name__ for one in group if is_part(one)] for group in circles(root))
    return [names for names in groups if len(names) > 1]


async def test_no_part_of_a_running_peer_holds_one_that_holds_it(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    assert parts_in_circles(carol.peer) == []
    await carol.types("CHAT dave")
    await dave.sees_part("User carol wants to chat with you.")
    assert parts_in_circles(dave.peer) == [], "while a question is open"
    await dave.types("Y")
    await carol.sees("You are now connected with dave.")
    await carol.types("hello", "PRV erin psst", "LEAVE frank back at five?", "HISTORY")
    await dave.types("hello yourself")
    await carol.sees("dave: hello yourself")
    # What waits for the disk holds the conversation that waits for it.
    await trio.sleep(5)
    assert parts_in_circles(carol.peer) == [], "in a conversation"
    await erin.is_killed()
    await carol.types("PRV erin are you there?", "\\q")
    await carol.sees("You have just left your last conversation.")
    await community.directory.crashes()
    await trio.sleep(60)
    assert parts_in_circles(carol.peer) == [], "after a conversation, without the directory"


def closure_of_ours(tasks: Tasks) -> Callable[[], Tasks]:
    def held() -> Tasks:
        return tasks

    held.__module__ = Timer.__module__
    return held


WAYS_TO_HOLD: Final[dict[str, Callable[[Tasks], object]]] = {
    "attribute": lambda tasks: tasks,
    "method": lambda tasks: tasks.spawn,
    "closure": closure_of_ours,
    "partial": lambda tasks: partial(print, tasks),
    "list": lambda tasks: [{"tasks": tasks}],
}


@pytest.mark.parametrize("way", WAYS_TO_HOLD)
async def test_a_circle_is_found_whatever_it_is_held_by(way: str, nursery: trio.Nursery) -> None:
    tasks, timer = Tasks(nursery), Timer()
    vars(timer)["held"] = WAYS_TO_HOLD[way](tasks)
    assert parts_in_circles(tasks) == []
    vars(tasks)["timer"] = timer
    assert [sorted(names) for names in parts_in_circles(tasks)] == [["Tasks", "Timer"]]
