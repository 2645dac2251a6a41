"""The links to the members of my conversations.  Links know names, conversations know members."""

from collections.abc import Iterable

from peer.core.conversation.conversation import Conversation
from peer.core.membership import member_id
from peer.runtime.link.links import Links
from shared.messages.common import Bye, Err, Message
from shared.names import fold


class MemberLinks:
    """Knows which member is at the other end of each link.  Another key is another member."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._linked: dict[str, str] = {}  # folded name -> which member that is

    # --- News of the links ---

    def shown(self, name: str) -> str:
        """Return the member whose key the link to this user shows."""
        key = self._links.key(name)
        assert key is not None
        return member_id(name, key)

    def note(self, name: str, member: str) -> None:
        self._linked[fold(name)] = member

    def lose(self, name: str) -> str:
        """Note that this link is gone; return whose it was, "" if there was none."""
        return self._linked.pop(fold(name), "")

    def member(self, name: str) -> str:
        """Return the member linked under this name, "" if there is no link."""
        return self._linked.get(fold(name), "")

    # --- Members of one conversation ---

    def is_linked(self, current: Conversation, member: str) -> bool:
        return self._linked.get(fold(current.roll.name(member))) == member

    def names(self, current: Conversation, members: Iterable[str]) -> list[str]:
        """Return the names under which these members are linked now."""
        return [current.roll.name(one) for one in members if self.is_linked(current, one)]

    def post(self, current: Conversation, members: Iterable[str], message: Message) -> None:
        self._links.post_all(self.names(current, members), message)

    def post_to(self, name: str, message: Message) -> None:
        """Post to whoever is linked under this name."""
        self._links.post(name, message)

    def post_bytes(self, current: Conversation, member: str, lines: bytes) -> None:
        self._links.post_bytes(self.names(current, (member,)), lines)

    def refuse(self, current: Conversation, member: str, reason: str) -> None:
        """End the link to this member, and tell them why."""
        for name in self.names(current, (member,)):
            if (link := self._links.to(name)) is not None:
                link.hang_up(Err("PROTOCOL", reason), Bye())

    def dial(self, current: Conversation, member: str) -> bool:
        """Dial a member; return whether they are linked already.

        While another key of their name is linked, nobody is dialled: that is left to a later try.
        """
        name = current.roll.name(member)
        if self._links.to(name) is None:
            self._links.dial(name)
            return False
        return self.is_linked(current, member)

    def behind(self, current: Conversation, member: str) -> float:
        """Return by how many seconds their clock is behind ours; 0 when that is not known."""
        return self._links.behind(current.roll.name(member))
