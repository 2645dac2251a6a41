"""Answer one user's questions: who is registered, who is here, and where.

An answer is newer than the news that wait for this link: they are dropped.
"""

from collections.abc import Collection
from typing import Any, cast

import msgspec
import trio

from directory_server.community.backlogs import UserLink
from directory_server.community.community import Community
from directory_server.community.sight import seen_host
from directory_server.core import spots
from directory_server.core.limits import WATCHES_A_SECOND, WATCHES_AT_ONCE
from directory_server.core.registry import User
from shared.bucket import TokenBucket
from shared.messages import directory as wire
from shared.messages.directory import PAGE


class Answers:
    __slots__ = ("_announcements", "_link", "_registry", "_watches")

    def __init__(self, community: Community, link: UserLink) -> None:
        self._registry, self._announcements = community.registry, community.sessions.announcements
        self._link = link
        self._watches: TokenBucket | None = None

    async def list(self, request: wire.List) -> None:
        """Say who is registered: a part, or all, page by page, no faster than the user reads."""
        after, more = request.after, True
        while more:
            users, more = self._registry.page(
                after, min(request.most or PAGE, PAGE), prefix=request.prefix, here=request.here
            )
            self._say_users(request.id, users, more=more)
            await self._link.flush()
            if request.most:
                return
            after = users[-1].name if users else ""

    async def watch(self, request: wire.Watch) -> None:
        """Watch users from now on, and say how they stand.  Raises Refused.

        A user who changes it all the time is read more slowly.
        """
        now = trio.current_time()
        if self._watches is None:
            self._watches = TokenBucket(WATCHES_A_SECOND, WATCHES_AT_ONCE, now)
        wait = self._watches.take(len(request.names) + len(request.no_more), now)
        self._announcements.watch(self._link, request.names, request.no_more)
        found = self._registry.find_all(request.names)
        for start in range(0, len(found), PAGE):
            self._say_users(request.id, found[start : start + PAGE], more=start + PAGE < len(found))
        if not found:
            self._say_users(request.id, [], more=False)
        await trio.sleep(wait)

    def look_up(self, request: wire.Lookup) -> User:
        """Say where a user is.  Raises Refused if nobody has the name."""
        user = self._registry.look_up(request.name)
        self._announcements.notice(self._link, user.name)
        self._link.post(self._contact(request.id, user))
        return user

    def _say_users(self, re: int, users: Collection[User], *, more: bool) -> None:
        self._announcements.told(self._link, (user.name for user in users))
        presences = b",".join(map(self._registry.encoded, users))
        users_as_they_are = cast(Any, msgspec.Raw(b"[" + presences + b"]"))
        self._link.post(wire.Users(re, users_as_they_are, more, self._registry.here))

    def _contact(self, re: int, user: User) -> wire.Contact:
        seen = seen_host(user.place, self._link)
        here = self._link.wire.remote.host
        return wire.Contact(
            re,
            name=user.name,
            status=user.status,
            since=user.since,
            key=user.key,
            sealing_key=user.sealing_key,
            sealing_proof=user.sealing_proof,
            host=user.place.advertised or seen,
            port=user.place.port,
            note=user.note,
            seen=seen,
            spots=spots.of_contact(user.place, seen, here) if user.is_here else (),
        )
