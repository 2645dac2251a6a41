"""Keeps who is registered and who is online, as the directory announces it.

A restarted directory announces the arrival of each user again.  Users who were online
before are awaited: their return is no news, and only those not back in time have gone.

In a crowd the directory tells only of users whom I watch.  Nothing is kept then of anybody
else, because it would grow old, whatever the directory says unasked.
"""

from collections.abc import Collection, Iterable, Set
from typing import Final

from peer.core.myself import Registration
from shared.messages.common import Status
from shared.messages.directory import Presence
from shared.names import fold

KNOWN_MOST: Final = 100_000  # users: as many as a directory holds


class Presences:
    """The presence of every user whom the directory knows; in a crowd, of those whom I watch."""

    def __init__(self, me: Registration) -> None:
        self._me = me
        self._users: dict[str, Presence] = {}  # by folded names
        self.is_crowd = False  #: whether the directory tells only of users whom I watch
        self._watched: Set[str] = frozenset()  # their folded names
        self._asked_for: Set[str] = frozenset()  # those of them about whom the user wants to hear
        self._here: set[str] = set()  # those of them whom the user knows to be online
        self._told_online = 0
        self._before = 0  # users online before an outage, who may still come back
        self._awaited: dict[str, str] = {}  # folded name -> name as spelled
        self._unheard: dict[str, str] | None = None  # likewise, who came while we moved
        self._gone_unsaid: set[str] = set()  # whose end we know, but not from an announcement
        self._was_crowd = False  # before that outage, so that nobody knows who was online
        self.is_complete = False  #: whether all users were listed since we registered last

    @property
    def all(self) -> tuple[Presence, ...]:
        """All users, in alphabetical order."""
        return tuple(self._users[name] for name in sorted(self._users))

    @property
    def online(self) -> int:
        """The number of users online, as the directory announced it; 0: not known.

        After an outage at least as many as before it: at first only a few are back.
        """
        here = sum(map(_is_here, self._users.values()))
        return max(self._before, here if self.is_complete else max(here, self._told_online))

    # --- What the directory announces ---

    def registered(self, online: int, *, is_crowd: bool = False) -> None:
        self.crowded(online, is_crowd=is_crowd)

    def crowded(self, online: int, *, is_crowd: bool) -> None:
        """Note whether from now on the directory tells only of users whom I watch."""
        self._told_online, self.is_complete, self.is_crowd = online, False, is_crowd
        self._forget_others()

    def counted(self, online: int) -> None:
        """Note how many users are online in a crowd; 0: the directory does not tell."""
        self._told_online = online or self._told_online

    def watch(self, names: Set[str], asked_for: Set[str]) -> None:
        """Note whom I watch, and about whom of them the user wants to hear; folded names."""
        self._watched, self._asked_for = frozenset(names), asked_for
        self._here &= asked_for
        self._forget_others()

    def _forget_others(self) -> None:
        """In a crowd, forget all whom I do not watch: nobody tells when they go."""
        if self.is_crowd:
            self._users = {name: one for name, one in self._users.items() if name in self._watched}
            self._awaited = {
                name: one for name, one in self._awaited.items() if name in self._watched
            }
            self._gone_unsaid &= self._watched

    def is_heard_of(self, name: str) -> bool:
        """Whether the directory tells of this user."""
        return not self.is_crowd or fold(name) in self._watched

    def tell(self, users: Iterable[Presence]) -> list[str]:
        """Note the presence of these users, of whom the directory should tell.

        Return who is online and was not known to be: the directory says it no second time.
        """
        new: list[str] = []
        for user in users:
            name = fold(user.name)
            has_room = name in self._users or len(self._users) < KNOWN_MOST
            if has_room and self.is_heard_of(user.name):
                if _is_here(user) and not self._was_here(name):
                    new.append(user.name)
                self._note_end(name, user)
                self._users[name] = user
        if self._unheard is not None:
            self._unheard |= {fold(name): name for name in new}
        return new

    def _note_end(self, name: str, now: Presence | None) -> None:
        """Note that an announcement of a user's end is still news, though we know of it."""
        if now is not None and _is_here(now):
            self._gone_unsaid.discard(name)
        elif self._was_here(name):
            self._gone_unsaid.add(name)

    def asked(self, names: Collection[str], users: Iterable[Presence]) -> None:
        """Note the answer about these names; `tell` has noted each user already."""
        there = {fold(user.name) for user in users}
        for name in set(map(fold, names)) - there:
            self._note_end(name, None)
            self._users.pop(name, None)  # nobody is called so, or not any more

    def listed(self, users: Iterable[Presence], before: tuple[Presence, ...]) -> None:
        """Note that these were all users when we asked; `tell` has noted each already.

        `before`: who was known when we asked.
        """
        names = {fold(user.name) for user in users}
        for user in before:
            name = fold(user.name)
            if name not in names and self._users.get(name) is user:
                self._note_end(name, None)
                del self._users[name]  # the name was given back
        self.is_complete = not self.is_crowd

    def came(self, user: Presence) -> bool:
        """Note that a user is online; return whether that is news."""
        folded = fold(user.name)
        was_here = self._was_here(folded) or self._may_have_been_here(folded)
        self.tell([user])
        if self._unheard is not None and self._unheard.pop(folded, None) is not None:
            was_here = False  # the user has not read of it yet
        was_here |= self._awaited.pop(folded, None) is not None
        self.noticed(user.name)
        return not was_here and not self._is_me(user.name) and self.is_heard_of(user.name)

    def _may_have_been_here(self, folded: str) -> bool:
        """Whether somebody unknown may have been online, unheard, before an outage."""
        is_unknown = folded not in self._users and folded not in self._watched
        return self._was_crowd and is_unknown

    def went(self, name: str, time: float) -> bool:
        """Note that a user is offline; return whether that is news.

        It is none of a user who came and went so fast that their arrival was not announced.
        """
        folded = fold(name)
        is_known = folded in self._users or self.is_complete
        was_told = folded in self._gone_unsaid or folded in self._awaited
        was_here = self._was_here(folded) or was_told
        self.tell([Presence(name, Status.OFFLINE, time)])
        self._awaited.pop(folded, None)
        self._gone_unsaid.discard(folded)
        self._here.discard(folded)
        is_news = was_here or not is_known
        return is_news and not self._is_me(name) and self.is_heard_of(name)

    # --- Users about whom I asked to hear ---

    def is_asked_for(self, name: str) -> bool:
        return fold(name) in self._asked_for

    def noticed(self, name: str) -> None:
        """Note that the user knows this one to be online."""
        if self.is_asked_for(name):
            self._here.add(fold(name))

    def unnoticed(self) -> tuple[str, ...]:
        """Return users about whom I asked to hear and who are here, each once for each stay.

        They came before I was registered, or while the directory was away.
        """
        here = [user for name, user in sorted(self._users.items()) if name in self._asked_for]
        new = [one for one in here if _is_here(one) and fold(one.name) not in self._here]
        self._here.update(fold(one.name) for one in new)
        return tuple(one.name for one in new)

    # --- Outages of the directory ---

    def lost(self) -> None:
        """Await all who are online, besides those who are awaited already."""
        self._before, self._was_crowd = self.online, self._was_crowd or self.is_crowd
        names = [user.name for user in self._users.values() if _is_here(user)]
        self._awaited |= {fold(name): name for name in names if not self._is_me(name)}

    def moved(self) -> None:
        """Note that another directory announces from now on, before which we were not lost.

        An arrival that fell between the two was announced by neither.
        """
        if self.is_complete or self.is_crowd:
            self._unheard = {}
        self.lost()

    def newcomers(self) -> tuple[str, ...]:
        """Return, once, who has come while we moved, and was not announced."""
        unheard, self._unheard = self._unheard or {}, None
        here = [name for name in unheard if self._was_here(name) and name not in self._here]
        return tuple(unheard[name] for name in here if not self._is_me(name))

    def settle(self) -> tuple[str, ...]:
        """Stop awaiting; return who has not come back."""
        awaited, self._awaited, self._before = self._awaited, {}, 0
        self._was_crowd = False
        here = {name for name, user in self._users.items() if _is_here(user)}
        self._here -= awaited.keys() - here
        self._gone_unsaid -= awaited.keys()
        return tuple(name for folded, name in awaited.items() if folded not in here)

    def _was_here(self, folded: str) -> bool:
        return folded in self._users and _is_here(self._users[folded])

    def _is_me(self, name: str) -> bool:
        return fold(name) == fold(self._me.name)


def _is_here(user: Presence) -> bool:
    return user.status is not Status.OFFLINE
