"""The tree of who let whom in, and the one order in which all members count its places.

When there is no room for all, everybody must drop the same places, in whatever order they
arrived, and a member's guests must not crowd out those of others.  So the branches take
turns: below each member, the branch of each user whom they let in gives its next place in
turn.  Somebody who fills a branch without end takes room from that branch only, and room
that no other branch needs.

Cutting this order off gives the same result before and after two trees are joined: new
places only ever move a place back, and places behind it do not move it at all
(path independence: Aizerman and Malishevski, 1981).
"""

from collections import defaultdict
from collections.abc import Mapping
from itertools import zip_longest

Place = bytes  # the id of a place; its parent is the place of the member who let it in


def in_order(parents: Mapping[Place, Place | None]) -> list[Place]:
    """Return all places in order, each after its parent.  A root has the parent None."""
    children: defaultdict[Place | None, list[Place]] = defaultdict(list)
    for place, parent in parents.items():
        children[parent].append(place)
    downwards: list[Place | None] = [None, *_downwards(children)]
    branches: dict[Place | None, list[Place]] = {}
    for parent in reversed(downwards):  # each after those below it
        mine = [branches.pop(child) for child in sorted(children.get(parent, ()))]
        branches[parent] = ([] if parent is None else [parent]) + _in_turn(mine)
    return branches[None]


def _downwards(children: Mapping[Place | None, list[Place]]) -> list[Place]:
    """Return all places, each after its parent."""
    found: list[Place] = list(children.get(None, ()))
    for place in found:
        found += children.get(place, ())
    return found


def _in_turn(branches: list[list[Place]]) -> list[Place]:
    if len(branches) == 1:
        return branches[0]
    return [place for turn in zip_longest(*branches) for place in turn if place is not None]
