"""Chores of the directory: tell news, find dead links, delete old mail and unused names."""

import logging
from typing import Final

import trio

from directory_server.community.community import Community
from shared.errors import StorageError

log = logging.getLogger(__name__)

# News is gathered, encoded once, and posted to a few users at a time.  A post takes 80 us, so
# posts take at most a tenth of our time, and nobody waits for long.
GATHER_SECONDS: Final = 0.2
CROWD_GATHER_SECONDS: Final = 1.0  # in a crowd: so more of it goes out in one post
NEWS_AT_ONCE: Final = 50  # changes, each for up to all users; then other tasks have a turn
POSTS_AT_ONCE: Final = 10
PAUSE_SECONDS: Final = 0.008  # between two such groups of posts
CROWD_PAUSE_SECONDS: Final = 0.032  # while newcomers wait: they are the next news anyway

TICK_SECONDS: Final = 1.0
UNHEARD_SECONDS: Final = 9.0  # a host that confirms no bytes for this long is gone
LEASE_SECONDS: Final = 90.0  # of silence; this is for hosts that only look alive
#: Peers PING what they do not hear from.  One that reads news all the time says nothing.
ASK_SECONDS: Final = 60.0  # of silence; then we ask, and 30 s are left for the answer
STOPPED_SECONDS: Final = 5.0  # a tick this late means that we were stopped, not they
LOOKS_AT_ONCE: Final = 100  # links, 1 ms; then everybody else gets a turn
# A look at 8,000 links takes 80 ms.  So of many, a third is looked at each second; a host that
# has vanished is still noticed as soon, because each look is that much stricter.
FEW_LINKS: Final = 1_000
LOOK_TICKS: Final = 3

SEEN_SECONDS: Final = 30.0  # until the disk knows who was last here when
EXPIRE_SECONDS: Final = 600.0


class Housekeeping:
    def __init__(self, community: Community) -> None:
        self._community = community
        self._ticks = 0
        self._news = trio.Event()  # set while somebody must be told some
        self._running_since = trio.current_time()  # since our start, or since we were last stopped

    async def run(self) -> None:
        """Run all tasks until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._gather_news)
            nursery.start_soon(self._post_news)
            nursery.start_soon(self._watch)
            nursery.start_soon(self._keep_seen)
            nursery.start_soon(self._expire)
            nursery.start_soon(self._community.backlogs.run)

    async def _gather_news(self) -> None:
        """Let news wait for those who must be told, also for the one concerned."""
        sessions, registry = self._community.sessions, self._community.registry
        announcements = sessions.announcements
        while True:
            await sessions.changed.wait()
            await trio.sleep(CROWD_GATHER_SECONDS if announcements.is_crowd else GATHER_SECONDS)
            sessions.changed = trio.Event()
            while registry.has_news:
                news = registry.take_news(NEWS_AT_ONCE)
                announcements.hear(news, registry.here, is_all=not registry.has_news)
                self._news.set()
                await trio.lowlevel.checkpoint()

    async def _post_news(self) -> None:
        """Post what waits, at an even pace: 1,000 users take 0.8 s, and other tasks run meanwhile.

        News that come more often than that are told less often: of each user the newest.
        """
        community, posts = self._community, 0
        announcements = community.sessions.announcements
        while True:
            await self._news.wait()
            while announcements:
                link, lines = announcements.take()
                if lines:
                    link.post_bytes(lines)
                    community.counts.news_posts += 1
                posts += 1
                if posts % POSTS_AT_ONCE == 0:
                    crowded = community.entrance.locked()
                    await trio.sleep(CROWD_PAUSE_SECONDS if crowded else PAUSE_SECONDS)
            self._news = trio.Event()

    async def _watch(self) -> None:
        """Once a second, find idle users and cut dead links."""
        while True:
            due = trio.current_time() + TICK_SECONDS
            await trio.sleep_until(due)
            self._community.counts.tick(trio.current_time(), trio.current_time() - due)
            if trio.current_time() > due + STOPPED_SECONDS:
                self._running_since = trio.current_time()
            self._community.sessions.let_fall_idle()
            await self._cut_the_dead()

    async def _cut_the_dead(self) -> None:
        # While we were stopped we could hear nobody, so each lease begins anew.
        running = trio.current_time() - self._running_since
        links = self._community.sessions.links
        share = 1 if len(links) <= FEW_LINKS else LOOK_TICKS
        self._ticks += 1
        turn = [link for user, link in links.items() if (user - self._ticks) % share == 0]
        unheard = UNHEARD_SECONDS + 1 - share
        for number, link in enumerate(turn, start=1):
            if link.wire.unheard() > unheard:
                self._community.counts.cut["vanished"] += 1
                link.cut(f"its host has not answered for {unheard:.0f} seconds")
            elif (silence := min(link.silence, running)) > LEASE_SECONDS:
                self._community.counts.cut["silent"] += 1
                link.cut(f"it has said nothing for {LEASE_SECONDS:.0f} seconds")
            elif silence > ASK_SECONDS:
                link.ask()
            if number % LOOKS_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()

    async def _keep_seen(self) -> None:
        while True:
            await self._community.sessions.note_seen()
            await self._community.names.mark(self._community.world.disk)
            try:
                await self._community.names.forget_as_ordered()
            except StorageError as error:
                log.warning("names cannot be forgotten yet: %s", error)
            await trio.sleep(SEEN_SECONDS)

    async def _expire(self) -> None:
        community = self._community
        while True:
            try:
                while not await community.store.expire(community.clocks.age()):
                    await trio.lowlevel.checkpoint()
                await community.names.give_up_unused_names()
                await community.orders.sweep()
            except StorageError as error:
                log.info("old mail and unused names stay for now: %s", error)
            await trio.sleep(EXPIRE_SECONDS)
