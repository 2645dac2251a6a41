"""Know whose the names are under which others are linked with us."""

from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.link.links import Links


class LinkedNames:
    def __init__(self, links: Links, known_keys: KnownKeys) -> None:
        self._links, self._known_keys = links, known_keys

    def called(self, name: str) -> str:
        """Return what the user reads for the user linked with us under this name."""
        key = self._links.key(name)
        if key is None:  # no link any more, so nobody shows another key than the believed one
            key = self._known_keys.believed(name)
        return self._known_keys.called_by_key(name, key)

    def is_sure_of(self, name: str) -> bool:
        """Whether the user linked with us under this name, if any, has the name's own key."""
        key = self._links.key(name)
        return key is None or key == self._known_keys.believed(name)
