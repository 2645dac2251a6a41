"""The other members, and the links between us all.

Everybody has a link to everybody, as far as the network lets them.
"""

from collections.abc import Iterator

from msgspec import Struct

from peer.core.conversation.own_stay import OwnStay


class _Member(Struct):
    """Another member, and the links to and from them."""

    is_linked: bool = False
    is_greeted: bool = False  # their HELLO came on this link
    links: frozenset[str] = frozenset()  # members whom they reach themselves


class Mesh:
    """The other members who are in.  Iterates over their ids."""

    def __init__(self, stay: OwnStay) -> None:
        others = [member for member in stay.roll.members() if member != stay.me.id]
        self._members = {member: _Member() for member in others}

    # --- Who is there ---

    def __contains__(self, member: str) -> bool:
        return member in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._members))

    def __len__(self) -> int:
        return len(self._members)

    @property
    def linked(self) -> tuple[str, ...]:
        """The members with a link to us."""
        return tuple(name for name, one in self._members.items() if one.is_linked)

    @property
    def greeted(self) -> tuple[str, ...]:
        """The members whose HELLO came on the present link."""
        return tuple(name for name, one in self._members.items() if one.is_greeted)

    def is_linked(self, member: str) -> bool:
        return member in self._members and self._members[member].is_linked

    def is_greeted(self, member: str) -> bool:
        return member in self._members and self._members[member].is_greeted

    def not_linked_with(self, author: str) -> list[str]:
        """Return the greeted members who have no link to this one."""
        return [
            name
            for name, one in self._members.items()
            if one.is_greeted and name != author and author not in one.links
        ]

    def reached(self) -> dict[str, str]:
        """Return whom a text can reach now, and through whom; "": directly."""
        way = dict.fromkeys(self.greeted, "")
        queue = list(way)
        for member in queue:
            for further in self._members[member].links:
                if further in self._members and further not in way:
                    way[further] = way[member] or member
                    queue.append(further)
        return way

    # --- Coming and going ---

    def add(self, member: str) -> None:
        self._members[member] = _Member()

    def remove(self, member: str) -> None:
        del self._members[member]

    def link(self, member: str) -> bool:
        """Note a link to a member; return False if it replaces another one."""
        one = self._members[member]
        is_first = not one.is_linked
        one.is_linked, one.is_greeted = True, False
        return is_first

    def greet(self, member: str) -> bool:
        """Note that their HELLO came on our link; return whether it is the first one there."""
        one = self._members[member]
        is_first, one.is_greeted = not one.is_greeted, True
        return is_first

    def note_links(self, member: str, links: tuple[str, ...]) -> None:
        """Note whom a member reaches, as their HELLO says."""
        self._members[member].links = frozenset(links)

    def lose_link(self, member: str) -> None:
        one = self._members[member]
        one.is_linked = one.is_greeted = False
