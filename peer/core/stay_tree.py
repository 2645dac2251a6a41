"""Who let whom in, as a tree; and the order in which all members count its places.

When there is no room for all, everybody must drop the same ones, whatever came first here,
and nobody may be crowded out by whom others let in.  So the branches take turns: of those
whom a member has let in, each one's branch gives its next place in turn.  Who fills a
branch without end takes from that branch only, and what no other branch needs.

Cutting this order off gives the same result before and after two trees are joined: a
place only ever moves back when others are added, and nothing behind it moves it at all
(path independence: Aizerman and Malishevski, 1981).
"""

from collections import defaultdict
from collections.abc import Mapping
from itertools import zip_longest

Place = bytes  # what names a place; its parent is the place of whoever let it in


def in_order(parents: Mapping[Place, Place | None]) -> list[Place]:
    """All places below the roots, each behind its parent.  A root has the parent None."""
    children: defaultdict[Place | None, list[Place]] = defaultdict(list)
    for place, parent in parents.items():
        children[parent].append(place)
    downwards: list[Place | None] = [None, *_downwards(children)]
    branches: dict[Place | None, list[Place]] = {}
    for parent in reversed(downwards):  # each behind those below it
        mine = [branches.pop(child) for child in sorted(children.get(parent, ()))]
        branches[parent] = ([] if parent is None else [parent]) + _in_turn(mine)
    return branches[None]


def _downwards(children: Mapping[Place | None, list[Place]]) -> list[Place]:
    """Each place behind its parent."""
    found: list[Place] = list(children.get(None, ()))
    for place in found:
        found += children.get(place, ())
    return found


def _in_turn(branches: list[list[Place]]) -> list[Place]:
    if len(branches) == 1:
        return branches[0]
    return [place for turn in zip_longest(*branches) for place in turn if place is not None]
